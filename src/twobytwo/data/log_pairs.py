"""Users with a value before and one after, by narrow bins of the two logarithms; the bins add up.

A two-dimensional histogram that keeps, in every bin, how many users it has, the means of the two logarithms,
and how these vary and go together. Users who are positive in one period only have bins of one logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from twobytwo.data.conditions import or_false, pattern_bits
from twobytwo.data.later import Later
from twobytwo.data.merging import means_of, merged, products_of, sums_of_products, wanted_of
from twobytwo.data.sources import Source

__all__ = ["LogPairs", "aggregate_log_pairs"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_KEYS = ["cell", "active", "width", "i0", "i1"]
_PRODUCTS = products_of("l", 2)
# At least so many bins to a standard deviation of the logarithms.
_BINS_OF_SD = 7
_MOST_PARTS = 1_000
# Where edges are, in bins: no power of two of the unit is on one, so rounding moves nobody to the next bin.
_OFFSET = 0.25
# Variances below this share of a squared width are rounding.
_NOTHING = 1e-9
_BOTH, _BEFORE, _AFTER = 3, 2, 1


class LogPairs:
    """Users with a positive value before, after, or both, by group and bin of the logarithms; immutable.

    Parameters
    ----------
    coords
        Level labels of the groups' dimension.
    frame
        Or what reads it later. One row for each group (``cell``, position), periods with a positive value
        (``active``: 3 both, 2 before only, 1 after only), and bin (its ``width`` and numbers ``i0``, ``i1``):
        count ``n``, means ``l0``, ``l1`` of the logarithms and their central sums of squares and products
        ``l0_0``, ``l0_1``, ``l1_1``; 0 for a value that is not positive.

    Notes
    -----
    Bins of one width have the same edges in every table, and bins of other widths are other bins, so tables
    add up exactly. A width is log 2 over a whole number.
    """

    __slots__ = ("_frame", "coords")

    def __init__(
        self, *, coords: Mapping[str, tuple[str, ...]], frame: pd.DataFrame | Later[pd.DataFrame]
    ) -> None:
        self.coords = dict(coords)
        self._frame = Later.of(frame)

    @property
    def frame(self) -> pd.DataFrame:
        """The bins, read now if nobody asked before."""
        return self._frame.get()

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of levels of each of the groups' factors."""
        return tuple(len(labels) for labels in self.coords.values())

    def __add__(self, other: LogPairs) -> LogPairs:
        """Put two disjoint sets of users together; exact up to rounding."""

        def added(frame: pd.DataFrame) -> pd.DataFrame:
            return merged(pd.concat([frame, other.frame], ignore_index=True), _KEYS, _PRODUCTS)

        return LogPairs(coords=self.coords, frame=self._frame.then(added))

    def scaled(self, factor: float) -> LogPairs:
        """Multiply every value by a positive number; bins keep their numbers."""

        def moved(frame: pd.DataFrame) -> pd.DataFrame:
            shift = {
                f"l{j}": frame[f"l{j}"] + math.log(factor) * (frame["active"] & bit > 0)
                for j, bit in enumerate((_BEFORE, _AFTER))
            }
            return frame.assign(**shift)

        return LogPairs(coords=self.coords, frame=self._frame.then(moved))

    def pairs(self) -> xr.Dataset:
        """Weighted points that stand for the users who are positive in both periods.

        Returns
        -------
        xarray.Dataset
            ``before`` and ``after`` (logarithms) and ``weight`` (users), dims the group and ``pair``, padded
            with weight 0 at the group's means.

        Notes
        -----
        Up to four points a bin, the corners of a parallelogram, have its number, means, variances and
        covariance: ``(m₀ ± s₀, m₁ ± b s₀ ± t)`` with b the slope and t² the residual variance.
        """
        frame = self._of(_BOTH)
        n = frame["n"].to_numpy(float)
        tiny = _NOTHING * frame["width"].to_numpy() ** 2
        first, cross, second = (frame[name].to_numpy() / n for name in ("l0_0", "l0_1", "l1_1"))
        first = np.where(first > tiny, first, 0.0)
        spread = np.sqrt(first)
        slope = np.divide(cross, spread, out=np.zeros_like(cross), where=spread > 0)
        rest = second - slope**2
        rest = np.sqrt(np.where(rest > tiny, rest, 0.0))
        parts = []
        for up in (1.0, -1.0):
            for right in (1.0, -1.0):
                # A bin without spread in one direction has fewer corners.
                kept = ((up > 0) | (spread > 0)) & ((right > 0) | (rest > 0))
                corners = np.where(spread > 0, 2, 1) * np.where(rest > 0, 2, 1)
                before = frame["l0"].to_numpy() + up * spread
                after = frame["l1"].to_numpy() + up * slope + right * rest
                parts.append(np.stack([frame["cell"].to_numpy(), before, after, n / corners])[:, kept])
        cell, before, after, weight = np.concatenate(parts, axis=1)
        dims = (*self.coords, "pair")
        columns = {"before": before, "after": after, "weight": weight}
        return self._padded(cell.astype(np.int64), columns, dims, self.shape)

    def singles(self) -> xr.Dataset:
        """Weighted points that stand for the users who are positive in one period only.

        Returns
        -------
        xarray.Dataset
            ``value`` (its logarithm) and ``weight`` (users), dims the group, ``column`` and ``point``.
        """
        cells, values, weights = [], [], []
        for j, bit in enumerate((_BEFORE, _AFTER)):
            frame = self._of(bit)
            n, mean = frame["n"].to_numpy(float), frame[f"l{j}"].to_numpy()
            variance = frame[f"l{j}_{j}"].to_numpy() / n
            spread = np.sqrt(np.where(variance > _NOTHING * frame["width"] ** 2, variance, 0.0))
            for sign in (1.0, -1.0):
                kept = (sign > 0) | (spread > 0)
                cells.append((2 * frame["cell"].to_numpy() + j)[kept])
                values.append((mean + sign * spread)[kept])
                weights.append((n / np.where(spread > 0, 2, 1))[kept])
        dims = (*self.coords, "column", "point")
        columns = {"value": np.concatenate(values), "weight": np.concatenate(weights)}
        return self._padded(np.concatenate(cells).astype(np.int64), columns, dims, (*self.shape, 2))

    def _of(self, active: int) -> pd.DataFrame:
        frame = self.frame
        return frame[frame["active"] == active].sort_values(_KEYS, ignore_index=True)

    def _padded(
        self, cell: Integers, columns: Mapping[str, Floats], dims: tuple[str, ...], shape: tuple[int, ...]
    ) -> xr.Dataset:
        order = np.argsort(cell, kind="stable")
        cell = cell[order]
        position = np.arange(len(cell)) - np.searchsorted(cell, cell)
        length = int(position.max(initial=0)) + 1
        cells = math.prod(shape)
        total = np.bincount(cell, columns["weight"][order], cells)
        made = {}
        for name, values in columns.items():
            filled = np.zeros((cells, length))
            if name != "weight":
                sums = np.bincount(cell, (values * columns["weight"])[order], cells)
                filled += np.divide(sums, total, out=np.zeros(cells), where=total > 0)[:, None]
            filled[cell, position] = values[order]
            made[name] = (dims, filled.reshape(*shape, length))
        return xr.Dataset(made, {dim: list(labels) for dim, labels in self.coords.items()})


def aggregate_log_pairs(users: Source, coords: Mapping[str, tuple[str, ...]]) -> LogPairs:
    """Ask for users by group and bin of the two logarithms, when somebody needs them.

    Parameters
    ----------
    users
        One row per user: ``cell`` (of the group), ``y0``, ``y1``; None where not seen.
    coords
        Level labels of the groups' dimension.
    """
    return LogPairs(coords=coords, frame=Later(lambda: _aggregated(users)))


def _aggregated(users: Source) -> pd.DataFrame:
    seen = users.table.filter(users.table.y0.notnull() & users.table.y1.notnull())
    positive = [or_false(seen[name] > 0) for name in ("y0", "y1")]
    table = seen.mutate(
        active=pattern_bits(positive),
        l0=ibis.ifelse(positive[0], seen.y0, 1.0).ln(),
        l1=ibis.ifelse(positive[1], seen.y1, 1.0).ln(),
    )
    table = table.filter(table.active > 0)
    width = _width(users, table)

    def number(name: str, bit: int) -> Any:
        bins = (table[name] / width + _OFFSET).floor().cast("int64")
        return ibis.ifelse(table.active.isin([_BOTH, bit]), bins, 0)

    table = table.mutate(i0=number("l0", _BEFORE), i1=number("l1", _AFTER))
    found: pd.DataFrame = users.execute(
        table.group_by("cell", "active", "i0", "i1").agg(
            n=table.count(), **wanted_of({"l0": table.l0, "l1": table.l1}, _PRODUCTS)
        ),
        "users by bins of the two logarithms",
    ).to_pandas()
    columns = [*_KEYS, "n", *means_of(_PRODUCTS), *_PRODUCTS]
    found = sums_of_products(found, _PRODUCTS).assign(width=width)
    return found[columns].sort_values(_KEYS, ignore_index=True)


def _width(users: Source, table: Any) -> float:
    """Choose bins by the spread of the logarithms of users who are positive in both periods."""
    both = table.filter(table.active == _BOTH)
    spread = users.execute(
        both.aggregate(l0=both.l0.std(how="pop"), l1=both.l1.std(how="pop")), "spread of the logarithms"
    ).to_pylist()[0]
    spread_of_logs = max(spread["l0"] or 0.0, spread["l1"] or 0.0)
    parts = math.ceil(_BINS_OF_SD * math.log(2) / spread_of_logs) if spread_of_logs > 0 else 1
    return math.log(2) / min(parts, _MOST_PARTS)
