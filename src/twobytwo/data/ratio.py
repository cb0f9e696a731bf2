"""Ratios of two sums: what a denominator may be, and a value of every user whose mean is the ratio.

The ratio of a cell is the sum of the numerator over the sum of the denominator. It is no mean of users, but
``R + (y - R x) / mean(x)`` has the ratio R as its mean, and the standard error of that mean is the ratio's by
the delta method. So whatever is known of means, between groups or for the same users twice, holds for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twobytwo.ask.design import Design
from twobytwo.ask.metric import Metric
from twobytwo.data.columns import count_inexact, outcome_column, refuse_inexact
from twobytwo.data.conditions import how_many, is_missing
from twobytwo.data.sources import Source
from twobytwo.errors import DataError

__all__ = ["linearised", "refuse_denominator", "refuse_missing", "refuse_thin"]

Floats = npt.NDArray[np.float64]

# From so many standard errors above zero on, the mean of the denominator varies too little to bend the ratio:
# the bias of a ratio is below a hundredth of it, and its skewness hardly counts.
_LEAST_ERRORS = 10
# Residuals of this size beside their ratio are rounding.
_NOTHING = 1e-12


def refuse_missing(source: Source, design: Design) -> None:
    """Refuse denominators that are no numbers in rows where there is a numerator.

    Parameters
    ----------
    source
        The table as it was given.
    design
        The question, of a ratio.

    Raises
    ------
    DataError
        If the column is not numeric, is missing or infinite somewhere, or holds integers that a 64-bit float
        cannot.
    """
    name = str(design.metric.denominator)
    x = outcome_column(source, name)
    refuse_inexact(name, count_inexact(source, name))
    there = source.table[design.metric.column].notnull()
    found = source.execute(
        source.table.aggregate(
            rows=how_many(there),
            missing=how_many(there & (is_missing(x))),
            infinite=how_many(there & x.isinf()),
        ),
        "denominators that are no numbers",
    ).to_pylist()[0]
    for kind, what, fix in (
        ("missing", "missing (NaN or null)", "Fill with 0 who had none, or drop the rows, knowingly."),
        ("infinite", "infinite", "Find the division or overflow that made them."),
    ):
        if found[kind]:
            msg = f"The denominator {name!r} is {what} in {found[kind]:,} of {found['rows']:,} rows. {fix}"
            raise DataError(msg)


def refuse_denominator(metric: Metric, low: Floats, high: Floats) -> None:
    """Refuse denominators that are negative, or zero for everybody in a cell.

    Parameters
    ----------
    metric
        The ratio.
    low, high
        Smallest and largest denominator of a user, by cell.

    Raises
    ------
    DataError
        If there is such a cell.
    """
    if (low < 0).any():
        msg = (
            f"The denominator {metric.denominator!r} of {metric.name!r} has negative values (down to "
            f"{low.min():g}); a ratio needs something that is counted or measured from 0 on."
        )
        raise DataError(msg)
    if (high <= 0).any():
        msg = (
            f"The denominator {metric.denominator!r} of {metric.name!r} adds up to zero in a cell: there "
            "is nothing to divide by. Leave the metric out, or choose a denominator that everybody has."
        )
        raise DataError(msg)


def refuse_thin(design: Design, metric: Metric, of: Mapping[str, Floats]) -> None:
    """Refuse cells whose denominator is hardly known, or whose users all have one ratio.

    Parameters
    ----------
    design
        The question, resolved.
    metric
        The ratio.
    of
        By cell, in the order of the design's: how many users (``n``, 0 where there is no such cell), means
        of numerator and denominator (``y``, ``x``), and central sums of their squares and products (``yy``,
        ``xy``, ``xx``).

    Raises
    ------
    DataError
        If there is such a cell.
    """
    for cell in np.flatnonzero(of["n"] > 0):
        n, y, x, yy, xy, xx = (float(of[name][cell]) for name in ("n", "y", "x", "yy", "xy", "xx"))
        places = np.unravel_index(int(cell), design.shape)
        pairs = zip(design.factors, places, strict=True)
        where = ", ".join(f"{factor.column!r} = {factor.labels[int(k)]!r}" for factor, k in pairs)
        error = math.sqrt(max(xx, 0.0) / max(n - 1, 1) / n)
        if x < _LEAST_ERRORS * error:
            msg = (
                f"The denominator {metric.denominator!r} of {metric.name!r} is hardly known in the cell "
                f"{where}: its mean is {x:.3g} with a standard error of {error:.2g}, and a ratio needs "
                f"a mean of {_LEAST_ERRORS} standard errors. Collect more data, or choose a denominator that "
                "more users have."
            )
            raise DataError(msg)
        # Of y - R x, whose mean is zero.
        ratio = y / x
        if yy - 2 * ratio * xy + ratio * ratio * xx <= _NOTHING * (yy + n * y * y):
            msg = (
                f"In the cell {where} the ratio of {metric.column!r} to {metric.denominator!r} is the same "
                f"({ratio:g}) for everybody; its spread cannot be known. Check the columns."
            )
            raise DataError(msg)


def linearised(users: Source, design: Design, columns: int) -> Source:
    """Give every user the value whose mean by cell is the cell's ratio.

    Parameters
    ----------
    users
        ``cell``, numerators ``y0``, ``y1``, ... and denominators ``x0``, ``x1``, ..., None where not seen.
    design
        The question, resolved.
    columns
        How many values there are.

    Returns
    -------
    Source
        ``cell`` and the values ``y0``, ``y1``, ...

    Raises
    ------
    DataError
        For denominators as of `refuse_denominator`, or whose mean is hardly known; for a ratio that is the
        same for everybody in a cell.
    """
    table = users.table
    wanted: dict[str, Any] = {}
    for j in range(columns):
        y, x = table[f"y{j}"], table[f"x{j}"]
        sums = {"y": y, "x": x, "xx": x * x, "xy": x * y, "yy": y * y}
        wanted |= {f"{name}{j}": users.total(value) for name, value in sums.items()}
        wanted |= {f"n{j}": x.count(), f"low{j}": x.min(), f"high{j}": x.max()}
    asked = table.group_by("cell").agg(**wanted)
    rows = users.execute(asked, "numerators and denominators by cell").to_pandas().set_index("cell")
    found = rows.reindex(range(math.prod(design.shape) // columns))
    # A covariate is no ratio and stays as it is.
    measured = range(int(design.covariate), columns)
    moved: dict[str, Any] = {f"y{j}": table[f"y{j}"] for j in range(columns)}
    for j in measured:
        sums = {name: found[f"{name}{j}"].to_numpy(float) for name in ("n", "y", "x", "xx", "xy", "yy")}
        seen = sums["n"] > 0
        low, high = (found[f"{end}{j}"].to_numpy(float)[seen] for end in ("low", "high"))
        refuse_denominator(design.metric, low, high)
        moments = _about_means(**sums)
        # The period, if there is one, varies fastest.
        by_cell = {name: np.zeros(math.prod(design.shape)) for name in moments}
        for name, values in moments.items():
            by_cell[name][j::columns] = values
        refuse_thin(design, design.metric, by_cell)
        # To twelve digits: sums differ in their last bits with the order in which an engine adds.
        ratio, mean = (
            np.where(seen, [float(f"{value:.12g}") for value in values], 1.0)
            for values in (sums["y"] / sums["x"], sums["x"] / sums["n"])
        )
        own, below = (table.cell.cases(*enumerate(each.tolist()), else_=0.0) for each in (ratio, mean))
        moved[f"y{j}"] = own + (table[f"y{j}"] - own * table[f"x{j}"]) / below
    return users.of(table.select("cell", **moved))


def _about_means(n: Floats, y: Floats, x: Floats, xx: Floats, xy: Floats, yy: Floats) -> dict[str, Floats]:
    """Give means and central sums from sums about zero, by cell; zero where there is nobody."""
    n = np.nan_to_num(n)
    of = np.maximum(n, 1)
    return {
        "n": n,
        "y": y / of,
        "x": x / of,
        "yy": yy - y * y / of,
        "xy": xy - x * y / of,
        "xx": xx - x * x / of,
    }
