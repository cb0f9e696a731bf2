"""Rows of one column compressed into bins whose moments add up.

A bin keeps the count and the power sums of its rows about the bin's own reference, so two tables of bins
add by adding sums, whatever engine made them. Bins are narrow: two weighted points per bin, the two-node
Gauss rule of the bin's empirical measure, stand for its rows in any likelihood with an error of fourth
order in the bin's width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from twobytwo.data.later import Later
from twobytwo.data.moments import Moments, bin_moments, merge

__all__ = ["Bins", "bin_sums", "gauss"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_SUMS = ("n", "s1", "s2", "s3", "l1", "l2", "l3")


class Bins:
    """One column's rows, by cell, compressed; immutable.

    Parameters
    ----------
    coords
        Level labels of each dimension, in order.
    frame
        Or what reads it later. One row a bin: ``cell`` (flat index), ``reference`` (units of the column),
        count ``n``, power sums ``s1, s2, s3`` of the deviations from the reference, and ``l1, l2, l3`` of
        ``log(y / reference)``, which are zero where the value is not positive.
    by_cell
        Counts, means, spreads and ranges of the cells, where they are known without the bins.
    logs
        The same of the logarithms of positive values, or what reads it later.

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

    __slots__ = ("_by_cell", "_frame", "_logs", "coords")

    def __init__(
        self,
        *,
        coords: Mapping[str, tuple[str, ...]],
        frame: pd.DataFrame | Later[pd.DataFrame],
        by_cell: Moments | None = None,
        logs: Moments | Later[Moments] | None = None,
    ) -> None:
        self.coords = coords
        self._frame = Later.of(frame)
        cells = self.n_cells
        of_bins = self._frame.then(lambda bins: Moments.of_bins(bins, cells))
        self._by_cell = of_bins if by_cell is None else Later.known(by_cell)
        of_logs = self._frame.then(lambda bins: Moments.of_bins(bins, cells, logs=True))
        self._logs = of_logs if logs is None else Later.of(logs)

    @property
    def frame(self) -> pd.DataFrame:
        """The bins, read now if nobody asked before."""
        return self._frame.get()

    @property
    def by_cell(self) -> Moments:
        """Counts, means, spreads and ranges of the cells."""
        return self._by_cell.get()

    @property
    def logs(self) -> Moments:
        """The same of the logarithms of positive values, read now if nobody asked before."""
        return self._logs.get()

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
        return int(self.by_cell.frame["n"].sum())

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)

    @property
    def lowest(self) -> float:
        """Smallest value, in units of the outcome (of bins from elsewhere, the smallest bin's mean)."""
        return float(self.by_cell.frame["low"].min())

    @property
    def highest(self) -> float:
        """Largest value, in units of the outcome (of bins from elsewhere, the largest bin's mean)."""
        return float(self.by_cell.frame["high"].max())

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
        known = self.by_cell.frame
        counts = known[kind] if kind != "negative" else known["n"] - known["zero"] - known["positive"]
        return self._label(counts.to_numpy(float))

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
        return self._dataset((self.by_cell if kind == "raw" else self.logs).values)

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
        cell = self.frame["cell"].to_numpy()[order]
        moments = self.bin_moments("raw")[:, order]
        if coarsest is not None:
            moments, cell = _coarsen(moments, cell, coarsest)
        value, weight, cell = gauss(moments, cell)
        position = np.arange(len(cell)) - np.searchsorted(cell, cell)
        length = int(position.max()) + 1
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

        def added(frame: pd.DataFrame) -> pd.DataFrame:
            stacked = pd.concat([frame, other.frame])
            return stacked.groupby(["cell", "reference"], as_index=False, sort=True)[list(_SUMS)].sum()

        return Bins(
            coords=self.coords,
            frame=self._frame.then(added),
            by_cell=self.by_cell + other.by_cell,
            logs=self._logs.then(lambda logs: logs + other.logs),
        )

    def scaled(self, factor: float) -> Bins:
        """Multiply every value by a positive number; bins stay what they are, at other places."""

        def moved(frame: pd.DataFrame) -> pd.DataFrame:
            powers = {f"s{k}": frame[f"s{k}"] * factor**k for k in (1, 2, 3)}
            # Logarithms are kept relative to the reference.
            return frame.assign(reference=frame["reference"] * factor, **powers)

        return Bins(
            coords=self.coords,
            frame=self._frame.then(moved),
            by_cell=self.by_cell.scaled(factor),
            logs=self._logs.then(lambda logs: logs.shifted(math.log(factor))),
        )

    def bin_moments(self, kind: str = "raw") -> Floats:
        """Count, mean, and central sums of squares and cubes of every bin; shape (4, bins)."""
        return bin_moments(self.frame, kind)

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


def bin_sums(deviation: Any, letter: str) -> dict[str, Any]:
    """Sum the first three powers of an Ibis expression, named ``letter1`` to ``letter3``."""
    square = deviation * deviation
    return {
        f"{letter}1": deviation.sum(),
        f"{letter}2": square.sum(),
        f"{letter}3": (square * deviation).sum(),
    }


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
