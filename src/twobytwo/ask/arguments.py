"""What arguments may be: names of columns, levels, texts, sizes, flags and words from a list.

Checked where a record is made, so that a wrong type is said in terms of the argument and never reaches an
engine. Nothing here compares a value before its type is known: arrays and missing values have no truth.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from numbers import Real
from typing import Any

from twobytwo.errors import DesignError

__all__ = ["column_name", "flag", "is_level", "one_level", "one_of", "shown", "size", "text"]

_LONGEST = 60


def shown(value: object) -> str:
    """Show what came, cut where it is long.

    Examples
    --------
    >>> shown("a"), len(shown("a" * 1000))
    ("'a'", 60)
    """
    try:
        words = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - anything may come, and showing it must not fail
        words = f"a {type(value).__name__}"
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."


def column_name(argument: str, value: Any) -> str:
    """Give the name of a column, or refuse what is none (`DesignError`).

    Examples
    --------
    >>> column_name("outcome", "minutes")
    'minutes'
    """
    if not isinstance(value, str):
        msg = (
            f"{argument}={shown(value)} must be the name of a column, as text. A column whose own name is no "
            "text has to be renamed first, such as by data.rename(columns=str)."
        )
        raise DesignError(msg)
    if not value:
        msg = f"{argument}='' must be the name of a column; a column without a name has to be given one."
        raise DesignError(msg)
    return value


def is_level(value: Any) -> bool:
    """Whether a value can be a level: one text, number, truth value, date or the like.

    Examples
    --------
    >>> is_level("control"), is_level(["control"]), is_level(float("nan"))
    (True, False, False)
    """
    if isinstance(value, tuple | frozenset | type) or callable(value) or not isinstance(value, Hashable):
        return False
    try:
        # NaN is not itself, and pandas' NA does not even say.
        return bool(value == value)
    except (TypeError, ValueError):
        return False


def one_level(argument: str, value: Any) -> Hashable:
    """Give a level, None for one that is not stated, or refuse what is none (`DesignError`).

    Examples
    --------
    >>> one_level("control", 0)
    0
    """
    if not is_level(value):
        msg = (
            f"{argument}={shown(value)} is not a level: give one value as it stands in the column, such as "
            "'control' or 0. Rows where the column is missing cannot be a group; fill or drop them."
        )
        raise DesignError(msg)
    found: Hashable = value
    return found


def flag(argument: str, value: Any) -> bool:
    """Give True or False, or refuse whatever else came (`DesignError`).

    Examples
    --------
    >>> flag("randomised", True)
    True
    """
    if not isinstance(value, bool):
        msg = f"{argument}={shown(value)} is not allowed; use True or False."
        raise DesignError(msg)
    return value


def one_of(argument: str, value: Any, allowed: Sequence[Any]) -> Any:
    """Give a word of a list, or None where the list has it, or refuse (`DesignError`).

    Examples
    --------
    >>> one_of("harm", "decrease", ("decrease", "increase"))
    'decrease'
    """
    if (isinstance(value, str) or value is None) and value in allowed:
        return value
    msg = f"{argument}={shown(value)} is not allowed; use one of {', '.join(map(repr, allowed))}."
    raise DesignError(msg)


def text(argument: str, value: Any) -> str:
    """Give a text, or refuse (`DesignError`).

    Examples
    --------
    >>> text("label", "minutes")
    'minutes'
    """
    if not isinstance(value, str):
        msg = f"{argument}={shown(value)} must be text, such as 'minutes'."
        raise DesignError(msg)
    return value


def size(value: Any) -> float:
    """Give a real number as a float; NaN for anything else, so that any comparison with it is false.

    Examples
    --------
    >>> size(5), size("5"), size(True)
    (5.0, nan, nan)
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf
