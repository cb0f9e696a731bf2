"""What can go wrong, as one small family of exceptions.

Every message names the argument or column, what was received, what is allowed, and the fix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

__all__ = ["Complaints", "DataError", "DesignError", "PlanError", "TwoByTwoError", "nearest", "together"]


class TwoByTwoError(Exception):
    """Base class of every error that the package raises on purpose; told of several things, it lists them."""

    def __str__(self) -> str:
        """Write what is wrong, each thing once."""
        return together(map(str, self.args)) if self.args else ""


class DesignError(TwoByTwoError, ValueError):
    """The question cannot be asked this way: an argument, a formula, an unknown level."""


class DataError(TwoByTwoError, ValueError):
    """The question is fine, but these rows cannot answer it."""


class PlanError(TwoByTwoError, ValueError):
    """A plan file cannot be read as an analysis."""


def nearest(name: object, known: Iterable[object]) -> str:
    """Suggest the known name nearest to a misspelt one.

    Parameters
    ----------
    name
        What was received; anything, because it is called while an error is being written.
    known
        What would have been accepted.

    Returns
    -------
    str
        A sentence with a leading space, or nothing when no name is near.

    Examples
    --------
    >>> nearest("minuts", ["minutes", "variant"])
    " Did you mean 'minutes'?"
    >>> nearest("0", [0, 1])
    ' Did you mean 0, without quotation marks?'
    """
    names = {str(candidate).casefold(): candidate for candidate in known}
    close = get_close_matches(str(name).casefold(), names, n=1, cutoff=0.6)
    if not close:
        return ""
    found = names[close[0]]
    if isinstance(found, str):
        return f" Did you mean {found!r}?"
    unquoted = ", without quotation marks" if isinstance(name, str) else ""
    return f" Did you mean {found}{unquoted}?"


def together(messages: Iterable[str]) -> str:
    """Write several messages as one, so that somebody who made three mistakes learns of three.

    Examples
    --------
    >>> together(["The margin is negative."]), together(["No group.", "No unit."])
    ('The margin is negative.', '2 things are wrong. (1) No group. (2) No unit.')
    """
    # What is said twice, for two reasons, is one mistake.
    said = list(dict.fromkeys(messages))
    if len(said) == 1:
        return said[0]
    listed = " ".join(f"({k}) {message}" for k, message in enumerate(said, 1))
    return f"{len(said)} things are wrong. {listed}"


class Complaints:
    """What is wrong with one call, gathered before any of it is told.

    Examples
    --------
    >>> wrong = Complaints()
    >>> with wrong.noting(DesignError):
    ...     raise DesignError("No unit.")
    >>> wrong.messages
    ['No unit.']
    """

    def __init__(self) -> None:
        self.messages: list[str] = []

    @contextmanager
    def noting(self, kind: type[TwoByTwoError]) -> Iterator[None]:
        """Note an error of a kind, and go on behind the block."""
        try:
            yield
        except kind as error:
            # One error may tell of several things: their list has one level.
            self.messages += map(str, error.args)

    def tell(self, kind: type[TwoByTwoError]) -> None:
        """Raise everything noted as one error; nothing if there was nothing."""
        if self.messages:
            raise kind(*self.messages)
