"""The outcome by cell, compressed: moments by one aggregate, bins and logarithms when they are asked for."""

from __future__ import annotations

import math
from typing import Any

import ibis
import numpy as np
import pandas as pd

from twobytwo.ask.design import Design
from twobytwo.data.bins import Bins, bin_sums
from twobytwo.data.grid import Grid
from twobytwo.data.later import Later
from twobytwo.data.moments import Moments, read_moments
from twobytwo.data.sources import Source
from twobytwo.errors import DataError

__all__ = ["read_bins"]

# How far a mean may be from that of the same rows, in standard deviations: far beyond any rounding.
_SAME = 1e-6


def read_bins(
    design: Design, source: Source, rows: Any, *, by_cell: Moments | None = None, grid: Grid | None = None
) -> Bins:
    """Read the moments of the outcome now, and the rest when it is asked for.

    Parameters
    ----------
    design
        The question, resolved.
    source
        The table.
    rows
        Ibis table with the columns ``cell`` (flat index) and ``y`` (64-bit floats).
    by_cell
        The moments, where they are known.
    grid
        Where the bins are; None chooses.
    """
    known = by_cell or read_moments(source, rows, math.prod(design.shape))
    return Bins(
        coords=design.coords,
        frame=Later(lambda: _binned(source, rows, grid, known)),
        by_cell=known,
        logs=Later(lambda: _logs(source, rows, known)),
    )


def _binned(source: Source, rows: Any, grid: Grid | None, known: Moments) -> pd.DataFrame:
    """Run the one grouped aggregate ``GROUP BY cell, bin``; see `Bins.frame`."""
    cells = len(known.frame)
    grids = dict.fromkeys(range(cells), grid) if grid else Grid.of(source, rows)
    table = rows.mutate(reference=Grid.by_cell(grids, rows.cell).reference(rows.y))
    sums = bin_sums(table.y - table.reference, "s")
    sums |= bin_sums(ibis.ifelse(table.y > 0, (table.y / table.reference).ln(), 0.0), "l")
    asked = table.group_by("cell", "reference").agg(n=table.count(), **sums)
    found: pd.DataFrame = source.execute(asked, "bins of the outcome by cell").to_pandas()
    bins = found.sort_values(["cell", "reference"], ignore_index=True)
    _refuse_changed(Moments.of_bins(bins, cells), known)
    return bins


def _logs(source: Source, rows: Any, known: Moments) -> Moments:
    """Give the moments of the logarithms of positive values."""
    positive = rows.filter(rows.y > 0)
    logs = read_moments(source, positive.select("cell", y=positive.y.ln()), len(known.frame))
    if (logs.frame["n"].to_numpy() != known.frame["positive"].to_numpy()).any():
        raise DataError(_CHANGED)
    return logs


_CHANGED = (
    "The table has changed since it was compressed: the rows that are read now are not those whose means are "
    "known. Compress it again; cells that are saved right after compressing hold everything."
)


def _refuse_changed(found: Moments, known: Moments) -> None:
    """Refuse to mix two states of a table (`DataError`)."""
    now, before = found.values, known.values
    there = before[0] > 0
    spread = np.sqrt(before[2][there] / before[0][there])
    allowed = _SAME * spread + 1e-12 * np.abs(before[1][there])
    if (now[0] != before[0]).any() or (np.abs(now[1] - before[1])[there] > allowed).any():
        raise DataError(_CHANGED)
