"""Where a body ends and its tails begin, and the points that stand for a tail."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from twobytwo.data.bins import Bins, gauss
from twobytwo.data.moments import merge
from twobytwo.infer.families.points import pad_points

__all__ = ["SHARE", "bodies", "sides_of", "split"]

Floats = npt.NDArray[np.float64]

# Share of all rows in a tail, and the fewest of a cell that say anything about one.
SHARE, _LEAST = 0.05, 40
# Width of the steps of log(1 + excess/mean) that two points stand for.
_STEP = 0.125
# Rows that stand for a body where outcomes are simulated.
_BODY_ROWS = 1_000


class _Cell(NamedTuple):
    """Bins of one cell, or of all, from the lowest: references, and moments of shape (4, bins)."""

    reference: Floats
    moments: Floats

    @property
    def n(self) -> Floats:
        return self.moments[0]


class _Part(NamedTuple):
    """What is left of a cell inside its thresholds, and beyond each of them excesses and weights."""

    body: Floats
    tails: list[tuple[Floats, Floats]]
    edges: list[float]


def sides_of(bins: Bins) -> tuple[int, ...]:
    """Give a tail above (1) to outcomes of zero and more, to others one on each side (1, −1)."""
    return (1,) if bins.lowest >= 0 else (1, -1)


def split(bins: Bins, share: float = SHARE) -> xr.Dataset:
    """Cut every cell into a body and tails, at edges of bins that are the same for all cells.

    Parameters
    ----------
    bins
        The data.
    share
        Of all rows, at least so many are beyond the threshold of each side, and enough of every cell.

    Returns
    -------
    xarray.Dataset
        Dims the cells', ``side`` and ``part`` (the body first): ``counts`` by part; ``threshold``, mean
        ``excess`` and ``sign`` by side; ``body_mean`` and its standard error ``body_se``; ``value`` and
        ``weight`` of the points (dim ``point``) that stand for the excesses.
    """
    order = np.lexsort((bins.frame["reference"], bins.frame["cell"]))
    cell = bins.frame["cell"].to_numpy()[order]
    reference, moments = bins.frame["reference"].to_numpy(float)[order], bins.bin_moments()[:, order]
    ends = np.searchsorted(cell, np.arange(bins.n_cells + 1))
    cells = [_Cell(reference[a:b], moments[:, a:b]) for a, b in pairwise(ends)]
    sides, upwards = sides_of(bins), np.argsort(reference, kind="stable")
    edges = _edges(_Cell(reference[upwards], moments[:, upwards]), cells, sides, share)
    parts = [_split_cell(one, sides, edges) for one in cells]
    value, weight = pad_points([tail for part in parts for tail in part.tails])
    size = weight.sum(axis=1).reshape(len(cells), len(sides))
    total = (value * weight).sum(axis=1).reshape(size.shape)
    body = np.stack([part.body for part in parts], axis=-1)
    shape, dims = bins.shape, bins.dims

    def cellwise(values: Floats) -> Floats:
        return values.reshape(*shape, *values.shape[1:])

    by_tail = (*shape, len(sides), -1)
    return xr.Dataset(
        {
            "counts": ((*dims, "part"), cellwise(np.column_stack([body[0], size]))),
            "threshold": ((*dims, "side"), cellwise(np.array([part.edges for part in parts]))),
            "excess": ((*dims, "side"), cellwise(total / np.maximum(size, 1.0))),
            "sign": ("side", np.array(sides, dtype=float)),
            "body_mean": (dims, cellwise(body[1])),
            "body_se": (dims, cellwise(np.sqrt(body[2]) / body[0])),
            "value": ((*dims, "side", "point"), value.reshape(by_tail)),
            "weight": ((*dims, "side", "point"), weight.reshape(by_tail)),
        },
        {"side": ["above", "below"][: len(sides)]},
    )


def _edges(pooled: _Cell, cells: Sequence[_Cell], sides: tuple[int, ...], share: float) -> list[float | None]:
    """Choose the threshold of each side: beyond it a share of all rows, and enough of every cell.

    None where one bin holds so many rows that a side has no tail.
    """
    wanted = [share * pooled.n.sum(), *(min(_LEAST, cell.n.sum() / 5) for cell in cells)]
    edges: list[float | None] = []
    for sign in sides:
        found = []
        for one, rows in zip([pooled, *cells], wanted, strict=True):
            from_outside = np.cumsum(one.n[::-sign])
            found.append(one.reference[::-sign][int(np.searchsorted(from_outside, rows * (1 - 1e-12)))])
        # The innermost: a cell with low values has its few largest beyond it too.
        innermost = sign * min(sign * float(value) for value in found)
        inside = sign * pooled.reference < sign * innermost
        edges.append(_edge(innermost, -sign) if inside.any() else None)
    return edges


def _split_cell(cell: _Cell, sides: tuple[int, ...], edges: Sequence[float | None]) -> _Part:
    inside = np.ones(len(cell.reference), dtype=bool)
    tails, cuts = [], []
    for sign, edge in zip(sides, edges, strict=True):
        beyond = inside & (sign * cell.reference > sign * edge) if edge is not None else ~inside & inside
        if edge is None or not beyond.any() or beyond.sum() == inside.sum():
            tails.append((np.zeros(1), np.zeros(1)))
            cuts.append(0.0)
            continue
        inside &= ~beyond
        tails.append(_tail_points(cell.moments[:, beyond], sign, edge))
        cuts.append(edge)
    body = merge(cell.moments[:, inside], np.zeros(int(inside.sum()), dtype=np.int64), 1)[:, 0]
    return _Part(body, tails, cuts)


def _tail_points(moments: Floats, sign: int, edge: float) -> tuple[Floats, Floats]:
    """Give excesses and weights that stand for a tail: two nodes for every step of ``log(1 + x/mean)``.

    A Pareto's log-density is smooth there, so that wide bins lose little: below 0.01 of the log-likelihood of
    100,000 rows.
    """
    # Bins of two grids may overlap; nobody is on the wrong side of the edge by more than that.
    excess = np.maximum(sign * (moments[1] - edge), 0.0)
    mean = float((moments[0] * excess).sum() / moments[0].sum()) or 1.0
    _, group = np.unique(np.floor(np.log1p(excess / mean) / _STEP), return_inverse=True)
    merged = merge(moments, group, int(group.max()) + 1)
    value, weight, _ = gauss(merged, np.zeros(merged.shape[1], dtype=np.int64))
    return np.maximum(sign * (value - edge), 0.0), weight


def bodies(bins: Bins, parts: xr.Dataset) -> Floats:
    """Give a thousand rows of every cell's body, evenly from the smallest to the largest.

    Parameters
    ----------
    bins
        The data.
    parts
        Of `split`.
    """
    points, found = bins.points(), []
    for place in np.ndindex(*bins.shape):
        value, weight = (points[name].to_numpy()[place] for name in ("value", "weight"))
        limits = dict(zip(parts["side"].to_numpy(), parts["threshold"].to_numpy()[place], strict=True))
        inside = (weight > 0) & (value <= limits["above"]) & (value >= limits.get("below", -np.inf))
        order = np.argsort(value[inside])
        share = np.cumsum(weight[inside][order])
        at = np.searchsorted(share, (np.arange(_BODY_ROWS) + 0.5) / _BODY_ROWS * share[-1])
        found.append(value[inside][order][np.minimum(at, len(share) - 1)])
    return np.stack(found).reshape(*bins.shape, _BODY_ROWS)


def _edge(reference: float, side: int) -> float:
    """Edge of the bin around a midpoint, which is an odd multiple of half the bin's width."""
    mantissa, exponent = np.frexp(abs(reference))
    whole = int(mantissa * 2**53)
    half = float(np.ldexp(whole & -whole, int(exponent) - 53))
    return reference + side * half
