"""The day on which something was launched, which makes two periods of a column of dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal, Self, get_args

from twobytwo.ask.units import counted
from twobytwo.errors import DesignError

__all__ = ["PERIODS", "Launch", "Per", "Span"]

Per = Literal["day"]
# What the two periods are called.
PERIODS = ("before", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The days of one period, as they were found.

    Examples
    --------
    >>> Span(first="2026-08-18", last="2026-08-31", days=14).words
    '14 days, 2026-08-18 to 2026-08-31'
    """

    first: str
    last: str
    days: int

    @property
    def words(self) -> str:
        """How many days there are, and which; days without any row are said."""
        whole = (date.fromisoformat(self.last) - date.fromisoformat(self.first)).days + 1
        days = (
            counted(str(self.days), "days")
            if self.days == whole
            # Behind "has": the sentences that take these words have one verb.
            else f"rows on {self.days} of its {whole} days"
        )
        return f"{days}, {self.first} to {self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """When it was launched, and whether sums are divided by the number of days.

    Parameters
    ----------
    day
        The first day of the period after, as an ISO date.
    per
        ``"day"`` divides a user's sum by the number of days of the period.
    spans
        The days found in each period; empty before data are seen.

    Examples
    --------
    >>> Launch.stated("2026-09-01", None).day
    '2026-09-01'
    """

    day: str
    per: Per | None = None
    spans: tuple[Span, ...] = ()

    @property
    def sentence(self) -> str:
        """When it was, and which days the periods have, once they are known."""
        before, after = (span.words for span in self.spans)
        return f"The launch was on {self.day}; the period before has {before}, the one after {after}."

    @classmethod
    def stated(cls, launch: str | date | None, per: Per | None) -> Self | None:
        """Check a launch as somebody states it; None if nobody does.

        Raises
        ------
        DesignError
            If it is no date, or `per` is not allowed or stands alone.
        """
        if per is not None and not (isinstance(per, str) and per in get_args(Per)):
            msg = f'per={per!r} is not allowed; say per="day", or leave it out.'
            raise DesignError(msg)
        if launch is None:
            if per is not None:
                msg = (
                    f"per={per!r} divides by the days of the periods; say the day of the launch with launch=."
                )
                raise DesignError(msg)
            return None
        return cls(day=_day(launch).isoformat(), per=per)


def _day(launch: str | date) -> date:
    wrong = f'launch={launch!r} is no day; write it as year-month-day, such as launch="2026-09-01".'
    if isinstance(launch, datetime):
        if launch.tzinfo is not None or launch.time() != time():
            msg = f"launch={launch!r} has a time of day or a zone; periods are whole days. Give the day."
            raise DesignError(msg)
        return launch.date()
    if isinstance(launch, date):
        return launch
    try:
        return date.fromisoformat(launch)
    except (TypeError, ValueError) as error:
        raise DesignError(wrong) from error
