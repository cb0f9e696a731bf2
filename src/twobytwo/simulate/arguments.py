"""What every simulated experiment checks of its arguments."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import SupportsIndex

from twobytwo.errors import DesignError

__all__ = ["is_finite", "is_probability", "whole"]


def whole(name: str, value: SupportsIndex, *, at_least: int) -> int:
    """Give a whole number, or refuse what is none or too small (`DesignError`)."""
    is_whole = isinstance(value, SupportsIndex) and not isinstance(value, bool)
    if not is_whole or operator.index(value) < at_least:
        raise DesignError(f"{name} must be a whole number of at least {at_least}, got {value!r}.")
    return operator.index(value)


def is_finite(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def is_probability(value: object) -> bool:
    """Whether a value is a number between 0 and 1."""
    return isinstance(value, Real) and not isinstance(value, bool) and 0.0 <= float(value) <= 1.0
