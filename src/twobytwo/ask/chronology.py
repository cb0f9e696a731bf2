"""Which of two periods says itself, by its name, that it is the later one."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import date
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

__all__ = ["later"]

# Texts whose alphabetical order is that of time: 2024, 2024-05, 2024-05-17, 2024-W20, 2024-Q2, with a time.
_ISO = re.compile(r"\d{4}(-(\d{2}|W\d{2}|Q\d))?(-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?)?")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_WORDS = re.compile(r"([0-9]+|[^\W\d_]+)")
# Of English, whatever language the machine speaks.
_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {name: k for k, month in enumerate(_NAMES) for name in (month, month[:3])}
# After how many of them a year begins again: where no year is named, January may come after December.
_IN_A_YEAR = {"quarter": 4, "q": 4, "week": 52, "wk": 52, "w": 52, "kw": 52}


def later(first: Hashable, second: Hashable) -> bool:
    """Tell whether the first of two periods is the later one, as far as their names leave no doubt.

    Numbers, dates and times are in order, and so are texts that are written like one ISO date or number, and
    texts that differ only in an English month or in a whole number after the same words. Months, quarters and
    weeks without a year are so if they are less than half a year apart: January may be after December.

    Parameters
    ----------
    first, second
        Levels as they stand in the column.

    Returns
    -------
    bool
        False as well where the names do not say.

    Examples
    --------
    >>> later("week 10", "week 2"), later("2026 Feb", "2026 Jan"), later("v1.10", "v1.2")
    (True, True, False)
    """
    moments = _moment(first), _moment(second)
    if moments[0] is not None and moments[1] is not None:
        return moments[0][0] == moments[1][0] and bool(moments[0][1] > moments[1][1])
    return isinstance(first, str) and isinstance(second, str) and _later_words(first, second)


def _moment(level: Hashable) -> tuple[str, Any] | None:
    """Say where a level stands in time, in an order that it shares with others; None if it does not say."""
    if isinstance(level, str):
        written = level.strip()
        shape = re.sub(r"[0-9]", "0", written)
        if _ISO.fullmatch(written):
            return (shape, written)
        return ("number", Decimal(written)) if _NUMBER.fullmatch(written) else None
    if isinstance(level, Decimal):
        return ("number", level)
    if isinstance(level, Real) and not isinstance(level, bool):
        # Neighbours among large integers are one and the same float.
        return ("number", Decimal(int(level) if isinstance(level, Integral) else float(level)))
    return (type(level).__name__, level) if isinstance(level, date) else None


def _later_words(first: str, second: str) -> bool:
    """Compare texts of one pattern: one month or one number differs, and nothing else."""
    # Words and numbers are at odd places, what stands between them at even ones.
    parts = [_WORDS.split(text.strip().casefold()) for text in (first, second)]
    if len(parts[0]) != len(parts[1]):
        return False
    differ = [place for place, (one, other) in enumerate(zip(*parts, strict=True)) if one != other]
    if len(differ) != 1:
        return False
    (place,) = differ
    one, other = (part[place] for part in parts)
    year = any(re.fullmatch(r"[12][0-9]{3}", part) for k, part in enumerate(parts[0]) if k != place)
    if one in _MONTHS and other in _MONTHS:
        gap = _MONTHS[one] - _MONTHS[other]
        return gap > 0 and (year or 2 * gap < len(_NAMES))
    before, after = "".join(parts[0][:place]), "".join(parts[0][place + 1 :])
    # "3 weeks ago" counts backwards, "day -2" may too, and 1.10 is less than 1.9 unless it is a version.
    counts = re.search(r"[^\W\d_]", before) and not before.endswith(("-", "−", "+", ".", ","))
    if not (one.isdecimal() and other.isdecimal() and counts) or re.match(r"[.,:]\d", after):
        return False
    gap, unit = int(one) - int(other), re.split(r"[\W\d_]+", before.rstrip(" ._-"))[-1]
    return gap > 0 and (year or unit not in _IN_A_YEAR or 2 * gap < _IN_A_YEAR[unit])
