"""Where the bins of a column are: narrow beside its values, chosen from a histogram of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from twobytwo.data.sources import Source

__all__ = ["Grid"]

# The log-likelihood's error grows like n times the fourth power of the width. Measured at 100,000 rows
# and width 1/16: below 2e-3 for Student-t, gamma and lognormal densities near the mode.
_ROWS_OF_COARSEST = 100_000
# Bins of the histogram that the quartiles are read from: a quarter of their own size wide, and a sixteenth of
# the distance of the quartiles near the median, where a first look shows that this is needed.
_COARSE = 0.25
_FINER = 16
_LOOKS = 6
# Smaller values are as good as this one, whose logarithm exists.
_LEAST = 1e-290

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where the bins are: everywhere a small fraction of the local scale wide.

    The width at a value ``y`` is the power of two at or below
    ``width * min(max(|y|, floor), max(|y - centre|, spread))``: relative to ``y``, because densities
    of skewed data vary on that scale near zero and in the tail, and never wider than relative to the
    distance from the centre, for outcomes that vary little around a large mean. A bin's reference is
    its midpoint, an odd multiple of half a power of two, so it identifies the bin by itself and bins
    from different grids can stand in one table.

    Parameters
    ----------
    floor, centre, spread
        In units of the outcome.
    width
        Relative bin width.
    """

    floor: float
    centre: float
    spread: float
    width: float

    @classmethod
    def of(cls, source: Source, rows: Any) -> dict[int, Self]:
        """Choose a grid for every cell from the quartiles of its rows.

        Parameters
        ----------
        source
            The table.
        rows
            Ibis table with the columns ``cell`` (flat index) and ``y`` (64-bit floats).

        Returns
        -------
        dict
            By flat index, one for every cell that has rows, rounded to powers of two, so that two halves of a
            table mostly get the same.

        Notes
        -----
        The quartiles come from a histogram, one grouped count whose bins are as wide as a quarter of their
        own values; where the quartiles lie in the same few of them, as for a large mean with a small spread,
        the histogram is taken again about the median. Nothing depends on the order of the rows.
        """
        found = _histogram(source, rows, None)
        if found.empty:
            return {}
        cells = _shapes(found)
        for _ in range(_LOOKS):
            if all(shape.seen for shape in cells.values()):
                break
            finer = {
                cell: cls(
                    floor=_power_of_two(1e-30 * shape.typical),
                    centre=shape.quartiles[1],
                    spread=_power_of_two(shape.spread / _FINER),
                    width=_COARSE,
                )
                for cell, shape in cells.items()
            }
            again = _histogram(source, rows, finer)
            cells = _shapes(again)
        refinement = math.log2(sum(shape.rows for shape in cells.values()) / _ROWS_OF_COARSEST) / 4
        width = 2.0 ** -(4 + max(0, math.ceil(refinement)))
        # Negative values make zero a place like any other, with no finer bins around it.
        positive = all(shape.low >= 0 for shape in cells.values())
        grids = {}
        for cell, shape in sorted(cells.items()):
            spread = _power_of_two(shape.spread)
            # Thirty decades below the typical size are fine enough for any density.
            floor = _power_of_two(max(shape.tiny, 1e-30 * shape.typical)) if positive else spread
            centre = round(shape.quartiles[1] / spread) * spread
            grids[cell] = cls(floor=floor, centre=centre, spread=spread, width=width)
        return grids

    @classmethod
    def by_cell(cls, grids: Mapping[int, Grid], cell: Any) -> Self:
        """Give each row the grid of its cell, as Ibis expressions.

        Parameters
        ----------
        grids
            By flat index.
        cell
            The column of flat indices.

        Returns
        -------
        Grid
            With expressions instead of numbers, for `reference` only.
        """

        def pick(name: str) -> Any:
            values = {index: getattr(grid, name) for index, grid in grids.items()}
            one = next(iter(values.values()))
            # Of all cells that have rows, the first stands for "else", which engines want to know.
            return one if len({*values.values()}) == 1 else cell.cases(*values.items(), else_=one)

        return cls(floor=pick("floor"), centre=pick("centre"), spread=pick("spread"), width=pick("width"))

    def reference(self, y: Any) -> Any:
        """Give each row its bin's reference, as an Ibis expression.

        Parameters
        ----------
        y
            The column, as 64-bit floats.

        Returns
        -------
        ibis.Value
            Midpoint of the row's bin; exactly 0 for zeros, which share a bin with nothing else.
        """
        relative = ibis.greatest(y.abs(), self.floor)
        central = ibis.greatest((y - self.centre).abs(), self.spread)
        return _midpoint(y, ibis.least(relative, central), self.width)


def _midpoint(y: Any, scale: Any, width: Any) -> Any:
    """Cut the line into intervals as wide as the power of two at or below a fraction of the local scale."""
    step = ibis.literal(2.0) ** (scale * width).log2().floor()
    return ibis.ifelse(y == 0, 0.0, ((y / step).floor() + 0.5) * step)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What a cell's histogram says: rows, smallest value, quartiles, smallest and typical size."""

    rows: int
    low: float
    quartiles: tuple[float, float, float]
    tiny: float
    typical: float
    seen: bool

    @property
    def spread(self) -> float:
        """Distance of the quartiles; of half of the rows, or the typical size where that is one value."""
        lower, _, upper = self.quartiles
        return upper - lower if upper > lower else self.typical

    @classmethod
    def of(cls, part: pd.DataFrame) -> Self:
        part = part.sort_values("low")
        low, high, n = (part[name].to_numpy(float) for name in ("low", "high", "n"))
        quartiles, widths = zip(*(_quantile(low, high, n, share) for share in (0.25, 0.5, 0.75)), strict=True)
        size = np.stack([np.abs(low), np.abs(high)])
        nonzero = size.max(axis=0) > 0
        near, far = size.min(axis=0)[nonzero], size.max(axis=0)[nonzero]
        order = np.argsort(near, kind="stable")
        typical = 1.0
        if nonzero.any():
            typical, _ = _quantile(near[order], far[order], n[nonzero][order], 0.5)
        distance = quartiles[2] - quartiles[0]
        return cls(
            rows=int(n.sum()),
            low=float(low[0]),
            quartiles=quartiles,
            tiny=float(near.min(initial=np.inf)) if nonzero.any() else typical,
            typical=typical or 1.0,
            # Where rows share one value there is nothing finer to be seen.
            seen=distance <= 0 or max(widths) <= distance / 2,
        )


def _shapes(histogram: pd.DataFrame) -> dict[int, _Shape]:
    cells = histogram["cell"].to_numpy()
    return {int(cell): _Shape.of(histogram[cells == cell]) for cell in np.unique(cells)}


def _quantile(low: Floats, high: Floats, n: Floats, share: float) -> tuple[float, float]:
    """Interpolate in the bin that holds a quantile; give that bin's width too."""
    reached = np.cumsum(n)
    place = min(int(np.searchsorted(reached, share * reached[-1])), len(n) - 1)
    inside = (share * reached[-1] - (reached[place] - n[place])) / n[place]
    width = high[place] - low[place]
    return float(low[place] + inside * width), float(width)


def _histogram(source: Source, rows: Any, grids: Mapping[int, Grid] | None) -> pd.DataFrame:
    """Count rows and find the smallest and the largest, by cell and bin."""
    if grids is None:
        reference = _midpoint(rows.y, ibis.greatest(rows.y.abs(), _LEAST), _COARSE)
    else:
        reference = Grid.by_cell(grids, rows.cell).reference(rows.y)
    table = rows.mutate(reference=reference)
    asked = table.group_by("cell", "reference").agg(n=table.count(), low=table.y.min(), high=table.y.max())
    found: pd.DataFrame = source.execute(asked, "a histogram, to choose bins by").to_pandas()
    return found


def _power_of_two(value: float) -> float:
    return float(2.0 ** math.floor(math.log2(value)))
