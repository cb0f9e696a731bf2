"""The questions of plans, and the forms in which each may be asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from twobytwo.ask.design import Design

__all__ = ["QUESTIONS", "Form", "form_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to state a question: of one kind of table.

    Parameters
    ----------
    title
        What the schema of plans calls it.
    ask
        Makes the design; its keywords are the keys.
    told_by
        Keys that no other form of the question has, and so tell that this one is meant; empty for the first.
    """

    title: str
    ask: Callable[..., Design]
    told_by: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything that may be stated in it."""
        return tuple(inspect.signature(self.ask).parameters)


QUESTIONS: Mapping[str, tuple[Form, ...]] = {
    "did": (
        Form(title="did", ask=Design.did),
        Form(title="did, one row per user", ask=Design.did_wide, told_by=("before_column", "after_column")),
    ),
    "interaction": (Form(title="interaction", ask=Design.interaction),),
    "comparison": (Form(title="comparison", ask=Design.compare),),
}


def form_of(question: str, design: object) -> Form:
    """Tell from the keys of a plan's ``[design]`` in which form a question is asked.

    Parameters
    ----------
    question
        A key of `QUESTIONS`.
    design
        The table; anything else tells nothing.

    Examples
    --------
    >>> form_of("did", {"before_column": "pre", "group": "g"}).title
    'did, one row per user'
    """
    first, *others = QUESTIONS[question]
    stated = design.keys() if isinstance(design, Mapping) else ()
    return next((form for form in others if any(key in stated for key in form.told_by)), first)
