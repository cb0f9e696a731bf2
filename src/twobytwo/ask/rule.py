"""When to launch: events in a few fixed words, each with the probability that it must reach.

The words are few so that a rule can be read by everybody, checked before any data are seen, and not be bent
after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from twobytwo.ask.arguments import shown, size
from twobytwo.errors import Complaints, DesignError, nearest

__all__ = ["CLAUSES", "DEFAULT", "Rule", "clauses", "said"]

# Every clause that a rule may hold, whose metrics it is about, and how a sentence says it.
CLAUSES: Mapping[str, tuple[str, str]] = {
    "primary improves": ("primary", "every primary metric improved"),
    "any primary improves": ("primary", "at least one primary metric improved"),
    "no primary is harmed": ("primary", "no primary metric is harmed beyond its margin"),
    "no guardrail is harmed": ("guardrail", "no guardrail is harmed beyond its margin"),
}
# How a sentence says it of one primary metric, which has a name.
_OF_ONE: Mapping[str, str] = {
    "primary improves": "{} improved",
    "any primary improves": "{} improved",
    "no primary is harmed": "{} is not harmed beyond its margin",
}
DEFAULT = "primary improves and no guardrail is harmed"
_AND = " and "
_NEEDED = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A launch rule: every event must reach its probability.

    Parameters
    ----------
    events
        Each one or more of `CLAUSES`, joined by "and".
    needed
        What the probability of each event must reach for a launch; if one is at most one minus that, there
        is no launch.
    stated
        Whether the events were written down, or the default is taken.

    Examples
    --------
    >>> Rule.stated_as({"primary improves": 0.95, "no guardrail is harmed": 0.8}).words
    'Launch if P(primary improves) >= 95 % and P(no guardrail is harmed) >= 80 %.'
    """

    events: tuple[str, ...] = (DEFAULT,)
    needed: tuple[float, ...] = (_NEEDED,)
    stated: bool = False

    @classmethod
    def stated_as(cls, launch_if: float | str | Mapping[str, float]) -> Self:
        """Read a rule as somebody states it.

        Parameters
        ----------
        launch_if
            A probability, for the event `DEFAULT`; an event, for the probability 0.9; or a table of events
            and their probabilities, all of which must be reached.

        Raises
        ------
        DesignError
            For words that are no clause, a probability that is none above one half, an empty table.
        """
        if isinstance(launch_if, Mapping):
            given, stated = dict(launch_if), True
        elif isinstance(launch_if, str):
            given, stated = {launch_if: _NEEDED}, True
        else:
            given, stated = {DEFAULT: launch_if}, False
        wrong = Complaints()
        if not given:
            wrong.messages.append(f"launch_if= names no event; say one of {_listed()}.")
        events = {}
        for event, needed in given.items():
            with wrong.noting(DesignError):
                events[_AND.join(clauses(event))] = needed
            if isinstance(needed, bool) or not 0.5 < size(needed) < 1:
                of = f" of {event!r}" if stated else ""
                wrong.messages.append(
                    f"launch_if={shown(needed)}{of} must be between 0.5 and 1, such as 0.9: the probability "
                    "that is needed to launch."
                )
        wrong.tell(DesignError)
        return cls(events=tuple(events), needed=tuple(map(float, events.values())), stated=stated)

    def suits(self, roles: Sequence[str]) -> bool:
        """Whether there is something to decide: a primary metric, or metrics that the rule names.

        Raises
        ------
        DesignError
            If a rule that was written down names primary metrics or guardrails and there are none.
        """
        if not self.stated:
            return "primary" in roles
        for clause in (clause for event in self.events for clause in clauses(event)):
            about = CLAUSES[clause][0]
            if about not in roles:
                msg = (
                    f'launch_if= says {clause!r}, and no metric has the role "{about}"; give one that role, '
                    "or leave out the clause."
                )
                raise DesignError(msg)
        return True

    @property
    def words(self) -> str:
        """The rule in one line."""
        parts = (
            f"P({event}) >= {100 * needed:g} %"
            for event, needed in zip(self.events, self.needed, strict=True)
        )
        return f"Launch if {_AND.join(parts)}."


def clauses(event: str) -> tuple[str, ...]:
    """Take an event apart.

    Raises
    ------
    DesignError
        If a part is no clause, or stands twice.

    Examples
    --------
    >>> clauses("primary improves and no guardrail is harmed")
    ('primary improves', 'no guardrail is harmed')
    """
    if not isinstance(event, str):
        msg = f"launch_if={shown(event)} must be an event in words, such as {DEFAULT!r}."
        raise DesignError(msg)
    parts = tuple(" ".join(part.split()) for part in f" {event} ".split(_AND))
    for part in parts:
        if part not in CLAUSES:
            msg = (
                f"launch_if= says {shown(part)}, which is no part of a rule; join some of {_listed()} by "
                f'"and".{nearest(part, CLAUSES)}'
            )
            raise DesignError(msg)
        if parts.count(part) > 1:
            msg = f"launch_if= says {part!r} twice in one event; say it once."
            raise DesignError(msg)
    return parts


def said(event: str, primary: Sequence[str] = ()) -> str:
    """Say an event as it is found, such as "every primary metric improved and ...".

    Parameters
    ----------
    event
        In the words of the rule.
    primary
        The primary metrics; a single one is named.

    Examples
    --------
    >>> said("no guardrail is harmed")
    'no guardrail is harmed beyond its margin'
    >>> said("primary improves", ["minutes"])
    'minutes improved'
    """
    one = len(primary) == 1
    return _AND.join(
        _OF_ONE[clause].format(*primary) if one and clause in _OF_ONE else CLAUSES[clause][1]
        for clause in clauses(event)
    )


def _listed() -> str:
    return ", ".join(map(repr, CLAUSES))
