"""Rows of one column compressed into bins whose moments add up.

A bin keeps the count and the power sums of its rows about the bin's own reference, so two tables of bins
add by adding sums, whatever engine made them. Bins are narrow: two weighted points per bin, the two-node
Gauss rule of the bin's empirical measure, stand for its rows in any likelihood with an error of fourth
order in the bin's width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from twobytwo.data.grid import Grid
from twobytwo.data.sources import Source

__all__ = ["POINT_BLOCK", "Bins", "aggregate_bins", "bin_sums", "central", "gauss", "merge"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_SUMS = ("n", "s1", "s2", "s3", "l1", "l2", "l3")
# Points are padded to a multiple of this, so that two data sets of the same kind have arrays of the
# same shape and the second fit finds the compiled model of the first.
POINT_BLOCK = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bins:
    """One column's rows, by cell, compressed.

    Parameters
    ----------
    coords
        Level labels of each dimension, in order.
    frame
        One row a bin: ``cell`` (flat index), ``reference`` (units of the column), count ``n``, power
        sums ``s1, s2, s3`` of the deviations from the reference, and ``l1, l2, l3`` of
        ``log(y / reference)``, which are zero where the value is not positive.

    Notes
    -----
    Two-node Gauss rule: mean ``m``, standard deviation ``s``, skewness ``g`` of a bin give the nodes
    ``m + s (g/2 ± √(1 + g²/4))``. See Wong et al. 2021, *You only compress once* (arXiv:2102.11297),
    for inference on aggregates.

    Examples
    --------
    >>> import pandas as pd
    >>> zeros = {name: [0.0, 0.0] for name in ("s1", "s2", "s3", "l1", "l2", "l3")}
    >>> frame = pd.DataFrame({"cell": [0, 0], "reference": [1.0, 3.0], "n": [1, 1], **zeros})
    >>> Bins(coords={"group": ("only",)}, frame=frame).moments()["mean"].item()
    2.0
    """

    coords: Mapping[str, tuple[str, ...]]
    frame: pd.DataFrame

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions."""
        return tuple(self.coords)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of levels of each factor."""
        return tuple(len(labels) for labels in self.coords.values())

    @property
    def rows(self) -> int:
        """Number of rows that went in."""
        return int(self.frame["n"].sum())

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @property
    def lowest(self) -> float:
        """Smallest bin mean, in units of the outcome; its sign is that of the smallest row."""
        return float((self.frame["reference"] + self.frame["s1"] / self.frame["n"]).min())

    @property
    def highest(self) -> float:
        """Largest bin mean, in units of the outcome; its sign is that of the largest row."""
        return float((self.frame["reference"] + self.frame["s1"] / self.frame["n"]).max())

    def count(self, kind: Literal["zero", "negative", "positive"]) -> xr.DataArray:
        """Count the rows of one sign in every cell.

        Parameters
        ----------
        kind
            Sign of the outcome.

        Returns
        -------
        xarray.DataArray
            Counts, dims as the factors.
        """
        reference = self.frame["reference"]
        chosen = {"zero": reference == 0, "negative": reference < 0, "positive": reference > 0}[kind]
        counts = np.bincount(
            self.frame["cell"][chosen], weights=self.frame["n"][chosen], minlength=self.n_cells
        )
        return self._label(counts)

    def moments(self, kind: Literal["raw", "log"] = "raw") -> xr.Dataset:
        """Count, mean and central sums of every cell.

        Parameters
        ----------
        kind
            Of the outcome, or of the logarithm of its positive part.

        Returns
        -------
        xarray.Dataset
            ``n``, ``mean``, ``ss`` (sum of squared deviations from the mean) and ``sc`` (of cubed
            ones), dims as the factors.
        """
        return self._dataset(merge(self.bin_moments(kind), self._bin_cells(kind), self.n_cells))

    def points(self, coarsest: int | None = None) -> xr.Dataset:
        """Weighted points that stand for the rows in any likelihood.

        Parameters
        ----------
        coarsest
            At most this many bins per cell, merged from neighbours; None keeps every bin. Count, mean,
            variance and third moment of a cell are the same at any coarseness.

        Returns
        -------
        xarray.Dataset
            ``value`` (units of the outcome) and ``weight`` (rows), dims the factors and ``point``;
            padded with weight 0 at the cell's mean.
        """
        order = np.lexsort((self.frame["reference"], self.frame["cell"]))
        cell = self._bin_cells("raw")[order]
        moments = self.bin_moments("raw")[:, order]
        if coarsest is not None:
            moments, cell = _coarsen(moments, cell, coarsest)
        value, weight, cell = gauss(moments, cell)
        position = np.arange(len(cell)) - np.searchsorted(cell, cell)
        length = -(-(int(position.max()) + 1) // POINT_BLOCK) * POINT_BLOCK
        values = np.repeat(self.moments()["mean"].to_numpy().reshape(-1, 1), length, axis=1)
        weights = np.zeros_like(values)
        values[cell, position], weights[cell, position] = value, weight
        dims = (*self.dims, "point")
        shape: tuple[int, ...] = (*self.shape, length)
        coords = {dim: list(labels) for dim, labels in self.coords.items()}
        return xr.Dataset(
            {"value": (dims, values.reshape(shape)), "weight": (dims, weights.reshape(shape))}, coords
        )

    def __add__(self, other: Bins) -> Bins:
        """Put two disjoint sets of rows together; exact, and the order does not matter."""
        stacked = pd.concat([self.frame, other.frame])
        frame = stacked.groupby(["cell", "reference"], as_index=False, sort=True)[list(_SUMS)].sum()
        return Bins(coords=self.coords, frame=frame)

    def scaled(self, factor: float) -> Bins:
        """Multiply every value by a positive number; bins stay what they are, at other places."""
        powers = {f"s{k}": self.frame[f"s{k}"] * factor**k for k in (1, 2, 3)}
        # Logarithms are kept relative to the reference.
        frame = self.frame.assign(reference=self.frame["reference"] * factor, **powers)
        return Bins(coords=self.coords, frame=frame)

    def _bin_cells(self, kind: str) -> Integers:
        frame = self.frame if kind == "raw" else self.frame[self.frame["reference"] > 0]
        return frame["cell"].to_numpy()

    def bin_moments(self, kind: str = "raw") -> Floats:
        """Count, mean, and central sums of squares and cubes of every bin; shape (4, bins)."""
        if kind == "raw":
            bins, letter, origin = self.frame, "s", self.frame["reference"]
        else:
            bins = self.frame[self.frame["reference"] > 0]
            letter, origin = "l", np.log(bins["reference"])
        names = ("n", *(f"{letter}{k}" for k in (1, 2, 3)))
        return central(np.stack([bins[name].to_numpy(float) for name in names]), origin.to_numpy(float))

    def _label(self, flat: Floats) -> xr.DataArray:
        coords = {dim: list(labels) for dim, labels in self.coords.items()}
        return xr.DataArray(flat.reshape(self.shape), coords=coords, dims=self.dims)

    def _dataset(self, moments: Floats) -> xr.Dataset:
        # Made at once: aligning labelled arrays costs more than all the sums.
        names = ("n", "mean", "ss", "sc")
        shaped = {
            name: (self.dims, row.reshape(self.shape)) for name, row in zip(names, moments, strict=True)
        }
        return xr.Dataset(shaped, {dim: list(labels) for dim, labels in self.coords.items()})


def aggregate_bins(source: Source, rows: Any, grids: Sequence[Grid]) -> pd.DataFrame:
    """Run the one grouped aggregate: ``GROUP BY cell, bin``.

    Parameters
    ----------
    source
        The table.
    rows
        Ibis table with the columns ``cell`` (flat index) and ``y`` (64-bit floats).
    grids
        Where the bins are, one grid per cell.

    Returns
    -------
    pandas.DataFrame
        As in `Bins`, sorted by cell and reference.
    """
    table = rows.mutate(reference=Grid.by_cell(grids, rows.cell).reference(rows.y))
    sums = bin_sums(table.y - table.reference, "s")
    sums |= bin_sums(ibis.ifelse(table.y > 0, (table.y / table.reference).ln(), 0.0), "l")
    bins: pd.DataFrame = source.execute(
        table.group_by("cell", "reference").agg(n=table.count(), **sums)
    ).to_pandas()
    return bins.sort_values(["cell", "reference"], ignore_index=True)


def bin_sums(deviation: Any, letter: str) -> dict[str, Any]:
    """Sum the first three powers of an Ibis expression, named ``letter1`` to ``letter3``."""
    square = deviation * deviation
    return {
        f"{letter}1": deviation.sum(),
        f"{letter}2": square.sum(),
        f"{letter}3": (square * deviation).sum(),
    }


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


def _coarsen(moments: Floats, cell: Integers, coarsest: int) -> tuple[Floats, Integers]:
    """Merge neighbouring bins until no cell has more than `coarsest` of them."""
    starts = np.searchsorted(cell, cell)
    sizes = np.bincount(cell)[cell]
    block = (np.arange(len(cell)) - starts) * coarsest // np.maximum(sizes, coarsest)
    _, first, group = np.unique(np.stack([cell, block]), axis=1, return_index=True, return_inverse=True)
    return merge(moments, group, len(first)), cell[first]


def gauss(moments: Floats, cell: Integers) -> tuple[Floats, Floats, Integers]:
    """Two-node Gauss rule of every bin, one node where it has no spread."""
    n, mean, squares, cubes = moments
    wide = squares > 0
    spread = np.sqrt(squares / n)
    half = np.zeros_like(n)
    half[wide] = cubes[wide] / n[wide] / spread[wide] ** 3 / 2
    root = np.sqrt(1 + half**2)
    upper = np.where(wide, n * (root - half) / (2 * root), n)
    above = mean + np.where(wide, spread * (half + root), 0.0)
    below = mean + spread * (half - root)
    value = np.concatenate([above, below[wide]])
    weight = np.concatenate([upper, (n - upper)[wide]])
    cells = np.concatenate([cell, cell[wide]])
    order = np.argsort(cells, kind="stable")
    return value[order], weight[order], cells[order]
