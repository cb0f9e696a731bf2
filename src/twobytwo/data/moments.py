"""Count, mean, central sums and range of the values in every cell; they merge exactly.

One grouped aggregate gives them. Families and checks that look at means need nothing else of a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from twobytwo.data.conditions import how_many
from twobytwo.data.sources import Source

__all__ = ["Moments", "bin_moments", "central", "merge", "powers", "read_moments", "unsuited"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# A mean this many times the standard deviation takes two digits from a sum of squares about zero.
_LARGE_MEAN = 8.0
# Sizes whose third powers 64-bit floats hold with room to spare.
_SMALL, _LARGE = 1e-60, 1e60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """The values of every cell, seen from above.

    Parameters
    ----------
    frame
        One row per cell, in flat order: count ``n``, ``mean``, sums of squared (``ss``) and cubed (``sc``)
        deviations from it, ``low``, ``high``, and how many values are ``positive`` and ``zero``.

    Examples
    --------
    >>> one = Moments.of_sums(
    ...     {"n": [2], "s1": [3.0], "s2": [5.0], "s3": [9.0], "low": [1.0], "high": [2.0], "positive": [2],
    ...      "zero": [0]}, np.zeros(1), np.ones(1)
    ... )
    >>> (one + one).frame[["n", "mean", "ss"]].iloc[0].tolist()
    [4.0, 1.5, 1.0]
    """

    frame: pd.DataFrame

    @classmethod
    def of_sums(cls, sums: Mapping[str, Any], origin: Floats, scale: Floats) -> Self:
        """Make moments of sums of powers of ``(y - origin) / scale``.

        Parameters
        ----------
        sums
            By name, one number per cell: ``n``, ``s1``, ``s2``, ``s3``, ``low``, ``high``, ``positive`` and
            ``zero``.
        origin, scale
            Of each cell.
        """
        powers = np.stack([np.asarray(sums[name], dtype=float) for name in ("n", "s1", "s2", "s3")])
        n, mean, ss, sc = central(powers, np.zeros(powers.shape[1]))
        # Nobody has no mean, and no spread to add.
        ss, sc = np.where(n > 0, ss, 0.0), np.where(n > 0, sc, 0.0)
        columns = {"n": n, "mean": origin + scale * mean, "ss": ss * scale**2, "sc": sc * scale**3}
        for name in ("low", "high", "positive", "zero"):
            columns[name] = np.asarray(sums[name], dtype=float)
        return cls(frame=pd.DataFrame(columns))

    @classmethod
    def of_bins(cls, bins: pd.DataFrame, cells: int, *, logs: bool = False) -> Self:
        """Make moments of bins, or of logarithms of positive values; the range is that of bins' means."""
        kept = bins[bins["reference"] > 0] if logs else bins
        cell = kept["cell"].to_numpy()
        moments = bin_moments(bins, "log" if logs else "raw")
        n, value = moments[:2]
        low, high = np.full(cells, np.inf), np.full(cells, -np.inf)
        np.minimum.at(low, cell, value)
        np.maximum.at(high, cell, value)
        named = dict(zip(("n", "mean", "ss", "sc"), merge(moments, cell, cells), strict=True))
        sign = value if logs else kept["reference"].to_numpy()
        counts = {
            "positive": np.bincount(cell, n * (sign > 0), cells),
            "zero": np.bincount(cell, n * (sign == 0), cells),
        }
        return cls(frame=pd.DataFrame({**named, "low": low, "high": high, **counts}))

    @property
    def values(self) -> Floats:
        """Count, mean and central sums of squares and cubes; shape (4, cells)."""
        return np.stack([self.frame[name].to_numpy(float) for name in ("n", "mean", "ss", "sc")])

    def __add__(self, other: Moments) -> Moments:
        """Put two disjoint sets of values together; exact up to rounding."""
        cells = len(self.frame)
        both = np.concatenate([self.values, other.values], axis=1)
        # The mean of no values weighs nothing, but must be a number.
        both[1] = np.where(both[0] > 0, both[1], 0.0)
        merged = dict(
            zip(("n", "mean", "ss", "sc"), merge(both, np.tile(np.arange(cells), 2), cells), strict=True)
        )
        one, two = self.frame, other.frame
        ends = {"low": np.fmin(one["low"], two["low"]), "high": np.fmax(one["high"], two["high"])}
        counts = {name: one[name] + two[name] for name in ("positive", "zero")}
        return Moments(frame=pd.DataFrame({**merged, **ends, **counts}))

    def scaled(self, factor: float) -> Moments:
        """Multiply every value by a positive number."""
        by = {"mean": factor, "ss": factor**2, "sc": factor**3, "low": factor, "high": factor}
        return Moments(frame=self.frame.assign(**{name: self.frame[name] * f for name, f in by.items()}))

    def shifted(self, by: float) -> Moments:
        """Add a number to every value, such as the logarithm of a factor; counts of signs are left."""
        moved = {name: self.frame[name] + by for name in ("mean", "low", "high")}
        return Moments(frame=self.frame.assign(**moved))


def powers(source: Source, value: Any) -> dict[str, Any]:
    """Name the aggregates of an Ibis expression that `Moments.of_sums` takes, for origin 0 and scale 1."""
    square = value * value
    return {
        "n": value.count(),
        "s1": source.total(value),
        "s2": source.total(square),
        "s3": source.total(square * value),
        "low": value.min(),
        "high": value.max(),
        "positive": how_many(value > 0),
        "zero": how_many(value == 0),
    }


def unsuited(moments: Moments) -> bool:
    """Whether sums about zero lose digits that matter: a large mean, or very large or small values."""
    frame = moments.frame
    size = np.nanmax(np.abs(frame[["low", "high"]].to_numpy(float)), axis=1, initial=0.0)
    outside = (size > 0) & ((size < _SMALL) | (size > _LARGE))
    if outside.any() or not np.isfinite(frame.loc[frame["n"] > 0, ["mean", "ss", "sc"]].to_numpy()).all():
        return True
    return bool((frame["mean"] ** 2 * frame["n"] > _LARGE_MEAN**2 * frame["ss"]).any())


def read_moments(source: Source, rows: Any, cells: int) -> Moments:
    """Read the moments of every cell.

    Parameters
    ----------
    source
        The table.
    rows
        Ibis table with the columns ``cell`` (flat index) and ``y`` (64-bit floats).
    cells
        How many there are.

    Notes
    -----
    One scan. A second, about the cells' means and in units of their range, where sums about zero would lose
    digits.
    """
    asked = rows.group_by("cell").agg(**powers(source, rows.y))
    found = source.execute(asked, "counts, means, spreads and ranges of the cells")
    moments = _by_cell(found, cells, np.zeros(cells), np.ones(cells))
    if not unsuited(moments):
        return moments
    low, high = (np.nan_to_num(moments.frame[end].to_numpy(float)) for end in ("low", "high"))
    middle = moments.frame["mean"].to_numpy(float)
    # A mean that has overflowed is replaced by one that has not.
    origin = np.where((low <= middle) & (middle <= high), middle, low / 2 + high / 2)
    return _about(source, rows, origin, 2.0 ** np.frexp(np.maximum(high / 2 - low / 2, 1e-300))[1])


def _about(source: Source, rows: Any, origin: Floats, scale: Floats) -> Moments:
    def pick(values: Floats) -> Any:
        return rows.cell.cases(*enumerate(values.tolist()), else_=0.0)

    moved = rows.mutate(d=(rows.y - pick(origin)) / pick(scale))
    asked = powers(source, moved.y) | {
        name: aggregate for name, aggregate in powers(source, moved.d).items() if name in ("s1", "s2", "s3")
    }
    found = source.execute(moved.group_by("cell").agg(**asked), "the same about the cells' means")
    return _by_cell(found, len(origin), origin, scale)


def _by_cell(found: Any, cells: int, origin: Floats, scale: Floats) -> Moments:
    frame = found.to_pandas().set_index("cell").reindex(range(cells))
    counts = ["n", "s1", "s2", "s3", "positive", "zero"]
    frame[counts] = frame[counts].astype(float).fillna(0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        return Moments.of_sums({name: frame[name].to_numpy(float) for name in frame}, origin, scale)


def bin_moments(bins: pd.DataFrame, kind: str = "raw") -> Floats:
    """Count, mean, and central sums of squares and cubes of every bin of `Bins.frame`; shape (4, bins).

    Of the logarithms (``kind="log"``), those of bins of positive values only.
    """
    if kind == "raw":
        letter, origin = "s", bins["reference"]
    else:
        bins = bins[bins["reference"] > 0]
        letter, origin = "l", np.log(bins["reference"])
    names = ("n", *(f"{letter}{k}" for k in (1, 2, 3)))
    return central(np.stack([bins[name].to_numpy(float) for name in names]), origin.to_numpy(float))


def central(sums: Floats, origin: Floats) -> Floats:
    """Turn sums of powers about an origin into count, mean and central sums of squares and cubes.

    Parameters
    ----------
    sums
        Count (or mass) and sums of the first three powers of the deviations; shape (4, bins).
    origin
        What the deviations are from; shape (bins,).

    Returns
    -------
    numpy.ndarray
        Shape (4, bins).
    """
    n, first, second, third = sums
    with np.errstate(invalid="ignore"):
        mean = first / n
    # Deviations are at most half a bin, so that these differences lose nothing that matters.
    squares = second - n * mean**2
    # What is left of a bin of equal values is rounding, not spread.
    squares[squares <= 1e-14 * second] = 0.0
    cubes = np.where(squares > 0, third - 3 * mean * second + 2 * n * mean**3, 0.0)
    return np.stack([n, origin + mean, squares, cubes])


def merge(moments: Floats, group: Integers, groups: int) -> Floats:
    """Merge moments of disjoint sets of rows, shifted to each group's own mean.

    Parameters
    ----------
    moments
        Count, mean, central sums of squares and of cubes; shape (4, sets).
    group
        Which group each set belongs to; shape (sets,).
    groups
        Number of groups.

    Returns
    -------
    numpy.ndarray
        The same four for each group; shape (4, groups). An empty group has mean NaN.
    """
    n, mean, squares, cubes = moments

    def total(values: Floats) -> Floats:
        return np.bincount(group, weights=values, minlength=groups)

    size = total(n)
    with np.errstate(invalid="ignore"):
        centre = total(n * mean) / size
    shift = mean - centre[group]
    return np.stack(
        [
            size,
            centre,
            total(squares + n * shift**2),
            total(cubes + 3 * squares * shift + n * shift**3),
        ]
    )
