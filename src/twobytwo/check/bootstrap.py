"""The percentile bootstrap of a contrast, from compressed data; nothing is refitted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twobytwo.ask.contrast import Contrast
from twobytwo.check.arrays import joint, weigh, weights_of
from twobytwo.check.record import Check
from twobytwo.data.bins import gauss
from twobytwo.data.cells import Cells
from twobytwo.data.moments import merge

__all__ = ["bootstrap"]

Floats = npt.NDArray[np.float64]

# Merging a cell's bins to this many keeps its first three moments exactly; the mean of a resample depends on
# nothing else that 10,000 replicates could show. The time goes with their number; it is most of a crosscheck.
_BINS = 20


def bootstrap(
    cells: Cells,
    ci_prob: float = 0.95,
    contrast: Contrast | None = None,
    *,
    replicates: int = 10_000,
    seed: int = 0,
) -> Check:
    """Percentile bootstrap of the contrast of means.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the percentile interval.
    contrast
        Of the cells; None takes the headline's.
    replicates
        Number of resamples; each draws as many rows as a cell has, or as many users as a group has, by
        a multinomial over their weighted points.
    seed
        Of the resampling.

    Returns
    -------
    Check
        ``bootstrap``; the estimate is that of the data, not the mean of the replicates.
    """
    rng = np.random.default_rng(seed)
    weights = weights_of(cells, contrast)
    users = joint(cells) is not None
    columns = (_user_means if users else _cell_means)(cells, weights, replicates, rng)
    found = np.stack(columns, axis=-1) @ weights[weights != 0]
    # Where few users are seen in a period, a resample may hold none of them and has no contrast.
    found = found[np.isfinite(found)]
    lower, upper = np.quantile(found, [(1 - ci_prob) / 2, (1 + ci_prob) / 2])
    return Check(
        method="bootstrap",
        estimate=weigh(cells, contrast).estimate,
        se=float(found.std(ddof=1)),
        lower=float(lower),
        upper=float(upper),
        assumes="users independent" if users else "rows independent",
    )


def _cell_means(cells: Cells, weights: Floats, replicates: int, rng: np.random.Generator) -> list[Floats]:
    """Give means of resampled cells, those with a weight; each of shape (replicates,)."""
    points = cells.points(coarsest=_BINS)
    columns = []
    for place in zip(*np.nonzero(weights), strict=True):
        value, weight = (points[name].to_numpy()[place] for name in ("value", "weight"))
        kept = weight > 0
        n = weight.sum()
        counts = rng.multinomial(round(n), weight[kept] / n, size=replicates)
        columns.append(counts @ value[kept] / n)
    return columns


def _user_means(cells: Cells, weights: Floats, replicates: int, rng: np.random.Generator) -> list[Floats]:
    """Give means of resampled users of every group and period with a weight, NaN of nobody."""
    columns: list[Floats] = []
    for group, of_group in enumerate(weights):
        if of_group.any():
            means = _resampled_users(cells, group, replicates, rng)
            columns += [means[:, t] for t in np.flatnonzero(of_group)]
    return columns


def _resampled_users(cells: Cells, group: int, replicates: int, rng: np.random.Generator) -> Floats:
    """Means before and after of a resampled group of users, NaN of nobody; shape (replicates, 2).

    Changes are resampled by their weighted points. The level before, within a narrow bin of changes,
    enters both means alike; its resampled sum is drawn from its normal limit, and it cancels where every
    user is seen in both periods.
    """
    change, level = _changes_and_levels(cells, group)
    value, weight, origin = gauss(change, np.arange(change.shape[1]))
    moments = joint(cells)
    assert moments is not None
    sizes, means, squares = (array[group, 1:] for array in moments[:3])
    total = weight.sum() + sizes.sum()
    counts = rng.multinomial(round(total), np.concatenate([weight, sizes]) / total, size=replicates)
    paired, single = counts[:, : len(value)], counts[:, len(value) :]
    spread = (level[2] / level[0])[origin]
    before = paired @ level[1][origin] + np.sqrt(paired @ spread) * rng.standard_normal(replicates)
    sums = np.stack([before, before + paired @ value], axis=-1)
    for t in (0, 1):
        if sizes[t]:
            variance = squares[t, t] / sizes[t]
            noise = np.sqrt(single[:, t] * variance) * rng.standard_normal(replicates)
            sums[:, t] += single[:, t] * means[t, t] + noise
    seen = paired.sum(axis=1, keepdims=True) + single
    return np.divide(sums, seen, out=np.full_like(sums, np.nan), where=seen > 0)


def _changes_and_levels(cells: Cells, group: int) -> tuple[Floats, Floats]:
    """Moments of users seen twice in blocks of like changes: of their change, and of their value before."""
    frame = cells.joint.frame
    both = frame[(frame["cell"] == group) & (frame["present"] == 3)].sort_values("reference")
    block = np.arange(len(both)) * _BINS // max(len(both), _BINS)
    n = both["n"].to_numpy(float)
    first, second, third = (both[name].to_numpy(float) for name in ("s1", "s2", "s3"))
    mean = first / n
    squares = np.clip(second - n * mean**2, 0.0, None)
    cubes = third - 3 * mean * second + 2 * n * mean**3
    blocks = int(block.max()) + 1
    change = merge(np.stack([n, both["reference"].to_numpy() + mean, squares, cubes]), block, blocks)
    level = merge(
        np.stack([n, both["m0"].to_numpy(), both["m0_0"].to_numpy(), np.zeros_like(n)]), block, blocks
    )
    return change, level
