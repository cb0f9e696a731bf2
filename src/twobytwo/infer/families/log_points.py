"""Positive outcomes as weighted points of their logarithms; small whole numbers as intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from twobytwo.data.bins import Bins, gauss
from twobytwo.data.cells import Cells
from twobytwo.data.moments import merge

__all__ = ["WHOLE", "LogPoints", "PositivePoints", "positive_points"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Values up to this many units are intervals where all of them are whole.
WHOLE = 20
# Width of the points' bins, as a share of the log-sd of all outcomes.
_WIDTH = 1 / 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogPoints:
    """Logarithms of positive outcomes as weighted points; shapes (points,).

    Parameters
    ----------
    cell
        Flat index.
    value, weight
        Logarithm, and how many rows.
    lower, upper
        In logs, of outcomes that are known as whole numbers only; NaN for others.
    """

    cell: Integers
    value: Floats
    weight: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PositivePoints:
    """Positive outcomes of the cells as weighted points; first, where they are whole, 1 to 20 units.

    Parameters
    ----------
    value, weight
        Units of the outcome, and rows; dims the cells' and the point.
    whole, unit
        How many of the points are intervals, and what a whole number counts; 0 where nothing is whole.
    spread
        Standard deviation of the logs around their cell's mean.
    """

    value: Floats
    weight: Floats
    whole: int
    unit: float
    spread: float

    def flat(self) -> LogPoints:
        """Give what has weight, for `twobytwo.infer.families.kinds.find_kinds`."""
        value, weight = (part.reshape(-1, part.shape[-1]) for part in (self.value, self.weight))
        cell, point = np.nonzero(weight)
        value, weight = value[cell, point], weight[cell, point]
        known = point < self.whole
        with np.errstate(divide="ignore"):
            lower = np.log(np.where(point > 0, np.where(known, value - self.unit / 2, 1.0), 0.0))
        upper = np.log(value + self.unit / 2)
        return LogPoints(
            cell=cell.astype(np.int64),
            value=np.log(value),
            weight=weight,
            lower=np.where(known, lower, np.nan),
            upper=np.where(known, upper, np.nan),
        )


# Two and no more, as an analysis has its cells and the same in multiples of the yardstick: what is kept holds
# cells, and with them the connection that may still read bins.
@lru_cache(maxsize=2)
def positive_points(cells: Cells) -> PositivePoints:
    """Merge the bins' logarithms into wider ones of equal width, around the pooled mean of the logs."""
    bins = cells.bins
    moments, cell = bins.bin_moments("log"), bins.frame["cell"][bins.frame["reference"] > 0].to_numpy()
    logs = bins.moments("log")
    n = logs["n"].to_numpy()
    spread = float(np.sqrt(logs["ss"].to_numpy().sum() / n.sum()))
    centre = float((n * logs["mean"].to_numpy()).sum() / n.sum())
    unit = _whole_unit(bins)
    small = moments[1] < math.log((WHOLE + 0.5) * unit) if unit else np.zeros(len(cell), dtype=bool)
    group = np.floor((moments[1] - centre) / (_WIDTH * spread) + 1e-9).astype(np.int64)
    keys, of_bin = np.unique(np.stack([cell, group])[:, ~small], axis=1, return_inverse=True)
    node, weight, at = gauss(merge(moments[:, ~small], of_bin, keys.shape[1]), keys[0])
    whole = WHOLE if unit else 0
    position = np.arange(len(at)) - np.searchsorted(at, at)
    length = whole + int(position.max(initial=0)) + 1
    # Padding has weight 0 and stands at the geometric mean.
    values = np.repeat(np.exp(logs["mean"].to_numpy()).reshape(-1, 1), length, axis=1)
    weights = np.zeros_like(values)
    values[at, whole + position], weights[at, whole + position] = np.exp(node), weight
    if unit:
        values[:, :whole] = unit * np.arange(1, whole + 1)
        number = np.round(np.exp(moments[1, small]) / unit).astype(np.int64) - 1
        np.add.at(weights, (cell[small], number), moments[0, small])
    shape = (*bins.shape, length)
    return PositivePoints(
        value=values.reshape(shape), weight=weights.reshape(shape), whole=whole, unit=unit, spread=spread
    )


def _whole_unit(bins: Bins) -> float:
    """Find what whole numbers count; 0 where small values are not all whole multiples of one number."""
    frame = bins.frame[bins.frame["reference"] > 0]
    n, s1, s2 = (frame[name].to_numpy(float) for name in ("n", "s1", "s2"))
    value = frame["reference"].to_numpy() + s1 / n
    varies = s2 - s1**2 / n > 1e-12 * n * value**2
    distinct = np.unique(value)
    near = distinct[: WHOLE + 1]
    unit = float(min(near[0], np.diff(near).max(initial=0.0) and _least_gap(near)))
    if unit <= 0:
        return 0.0
    small = value < (WHOLE + 0.5) * unit
    off = np.abs(value[small] / unit - np.round(value[small] / unit))
    # A few values may be multiples of one number by chance.
    known = np.unique(np.round(value[small] / unit)).size
    return unit if not varies[small].any() and (off < 1e-6).all() and known >= 3 else 0.0


def _least_gap(values: Floats) -> float:
    gaps = np.diff(values)
    # Equal values of two cells differ by rounding.
    return float(gaps[gaps > 1e-9 * values[1:]].min(initial=values[0]))
