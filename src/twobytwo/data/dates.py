"""Texts that are dates in more than one way: 11/01/2026 is a day in January or in November."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from twobytwo.data.conditions import or_false

__all__ = ["clear", "either", "readings", "refusal", "unclear"]

_MONTH, _DAY = "(0?[1-9]|1[0-2])", "(0?[1-9]|[12][0-9]|3[01])"
_REST = "([ T].*)?$"
# A year of two digits may stand first as well, which is how DuckDB reads it. With dots a day is first.
_EITHER = (
    rf"^\s*{_MONTH}[-/ ]{_MONTH}[-/ ]([0-9]{{4}}|[0-9]{{2}}){_REST}"
    rf"|^\s*{_DAY}[-/. ]{_MONTH}[-/. ](0[1-9]|[12][0-9]|3[01]){_REST}"
)
# 11/11/2026 is the same day in both ways.
_EQUAL = rf"^\s*({'|'.join(f'0?{k}[-/ ]0?{k}' for k in range(1, 13))})[-/ ][0-9]{{4}}{_REST}"
_NUMBERS = re.compile(r"\s*(\d+)([-/. ])(\d+)[-/. ](\d+)")


def clear(text: Any) -> Any:
    """Tell which rows have a text that is no date, or one in one way only: an Ibis expression."""
    return text.notnull() & ~or_false(text.re_search(_EITHER))


def unclear(text: Any) -> Any:
    """Tell which rows have a text that is different dates, as it is read: an Ibis expression."""
    return or_false(text.re_search(_EITHER) & ~text.re_search(_EQUAL))


def readings(text: str) -> tuple[date, ...]:
    """List the days that a text may be, day first before month first.

    Examples
    --------
    >>> [str(day) for day in readings("11/01/2026")]
    ['2026-01-11', '2026-11-01']
    >>> [str(day) for day in readings("03.11.2026")]
    ['2026-11-03']
    """
    found = _NUMBERS.match(text)
    if found is None:
        return ()
    first, second, third = (int(found[k]) for k in (1, 3, 4))
    orders = [(third, second, first)]
    if found[2] != ".":
        orders.append((third, first, second))
    if len(found[4]) == 2:
        orders.append((first, second, third))
    days = []
    for year, month, day in orders:
        # As strptime does: 69 is 1969, and 68 is 2068.
        whole = year if year > 99 else year + (1900 if year > 68 else 2000)
        try:
            days.append(date(whole, month, day))
        except ValueError:
            continue
    return tuple(dict.fromkeys(days))


def either(days: Sequence[date]) -> str:
    """Write days as a choice.

    Examples
    --------
    >>> either(readings("11/01/2026"))
    '2026-01-11 or 2026-11-01'
    """
    *others, last = map(str, days)
    return f"{', '.join(others)} or {last}" if others else last


def refusal(column: str, example: str) -> str:
    """Say that a column's dates can be read in several ways.

    Examples
    --------
    >>> refusal("day", "11/01/2026")[62:102]
    "'11/01/2026' is 2026-01-11 or 2026-11-01"
    """
    return (
        f"Column {column!r} has dates that can be read in more than one way: {example!r} is "
        f"{either(readings(example))}, and no row tells which. Write them as year-month-day, such as "
        "2026-11-07, in the file or before the table is handed over."
    )
