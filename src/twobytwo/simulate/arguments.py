"""What every simulated experiment checks of its arguments."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import SupportsIndex

from twobytwo.errors import DesignError

__all__ = ["is_finite", "is_probability", "options_or_default", "whole"]


def whole(name: str, value: SupportsIndex, *, at_least: int) -> int:
    """Give a whole number, or refuse what is none or too small (`DesignError`)."""
    msg = f"{name} must be a whole number of at least {at_least}, got {value!r}."
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        # An array has the method and is none all the same.
        raise DesignError(msg) from None
    if number is None or number < at_least:
        raise DesignError(msg)
    return number


def options_or_default[Options](options: Options | None, kind: type[Options]) -> Options:
    """Give the options, or the default ones, or refuse what is of another kind (`DesignError`)."""
    options = kind() if options is None else options
    if not isinstance(options, kind):
        raise DesignError(f"options must be a {kind.__name__}, got {options!r}.")
    return options


def is_finite(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def is_probability(value: object) -> bool:
    """Whether a value is a number between 0 and 1."""
    return isinstance(value, Real) and not isinstance(value, bool) and 0.0 <= float(value) <= 1.0
