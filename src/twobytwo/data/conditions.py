"""Conditions on rows, in expressions that every engine knows and answers alike."""

from __future__ import annotations

import functools
import operator
from typing import Any

import ibis

__all__ = ["how_many", "is_missing", "is_nan", "no_number", "or_false", "pattern_bits"]

_NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"


def how_many(condition: Any) -> Any:
    """Count where a condition is true."""
    return ibis.ifelse(condition, 1, 0).sum()


def is_nan(numbers: Any) -> Any:
    """Tell which floats are no number (NaN); null stays null.

    Not `isnan` of the column itself: DuckDB 2.0 answers that from the smallest and the largest value that a
    Parquet file states, which leave NaN out, and so never finds one.
    """
    return ibis.ifelse(numbers.isnull(), None, numbers).isnan()


def is_missing(column: Any) -> Any:
    """Tell which rows have no value: null, or a float that is no number."""
    return column.isnull() | is_nan(column) if column.type().is_floating() else column.isnull()


def no_number(texts: Any) -> Any:
    """Tell which texts are not written as a number; one makes a whole column of a CSV file text."""
    return or_false(~texts.re_search(_NUMBER))


def or_false(condition: Any) -> Any:
    """Take a condition as false where it is unknown."""
    return ibis.coalesce(condition, ibis.literal(value=False))


def pattern_bits(conditions: list[Any]) -> Any:
    """Write conditions that are never missing as one integer, the first as its highest bit."""
    last = len(conditions) - 1
    terms = [ibis.ifelse(condition, 2 ** (last - k), 0) for k, condition in enumerate(conditions)]
    return functools.reduce(operator.add, terms).cast("int64")
