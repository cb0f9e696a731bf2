"""Where a mixture's sampler starts: kinds of users found by EM on weighted logarithms.

Cells share their kinds and differ a little, as in the model itself: every M-step pulls a cell's shares,
distances and spreads towards those of all cells, by how much the cell knows of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, ndtr

from twobytwo.infer.families.log_points import LogPoints

__all__ = ["CELL_SD", "SHARES", "TYPICAL", "TYPICAL_SD", "Kinds", "find_kinds"]

Floats = npt.NDArray[np.float64]

# How much cells differ: log-shares, distances between kinds in logs, log-sds.
CELL_SD = (0.28, 0.14, 0.05)
# Typical log-sd of a kind as a share of that of all outcomes, and its prior sd in logs.
TYPICAL, TYPICAL_SD = 0.65, 0.35
# Where EM may start: shares of the rows, lightest first. Which one is best is not known beforehand.
SHARES: dict[int, tuple[tuple[float, ...], ...]] = {
    2: ((0.5, 0.5), (0.85, 0.15)),
    3: ((0.34, 0.33, 0.33), (0.4, 0.45, 0.15), (0.15, 0.7, 0.15)),
    4: ((0.25, 0.25, 0.25, 0.25), (0.26, 0.38, 0.24, 0.12), (0.5, 0.3, 0.15, 0.05)),
}
_FIRST, _MOST, _ENOUGH = 60, 600, 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kinds:
    """Lognormal kinds of every cell, lightest first; shapes (cells, kinds).

    Parameters
    ----------
    share
        Of the positive outcomes; adds up to 1.
    location, sigma
        Mean and standard deviation of the logs.
    log_likelihood
        Of the points.
    """

    share: Floats
    location: Floats
    sigma: Floats
    log_likelihood: float

    @property
    def log_mean(self) -> Floats:
        """Logarithm of the mean of every cell, ``log Σ w exp(μ + σ²/2)``; shape (cells,)."""
        return logsumexp(np.log(self.share) + self.location + self.sigma**2 / 2, axis=1)


def find_kinds(points: LogPoints, count: int, least: float) -> Kinds:
    """Find kinds by penalised EM, the best of several starts.

    Parameters
    ----------
    points
        The data.
    count
        Number of kinds.
    least
        Smallest log-sd of a kind.

    Returns
    -------
    Kinds
        Ordered by their location.

    Examples
    --------
    >>> from twobytwo.infer.families.log_points import LogPoints
    >>> rng = np.random.default_rng(1)
    >>> value = np.append(rng.normal(2, 0.5, 3_000), rng.normal(6, 1.0, 1_000))
    >>> nothing = np.full(4_000, np.nan)
    >>> cell = np.arange(4_000) % 2
    >>> points = LogPoints(cell=cell, value=value, weight=np.ones(4_000), lower=nothing, upper=nothing)
    >>> found = find_kinds(points, 2, 0.1)
    >>> bool(np.allclose(found.share, [0.75, 0.25], atol=0.03))
    True
    """
    tried = [_climb(points, _sliced(points, shares, least), least, _FIRST) for shares in SHARES[count]]
    best = _climb(points, max(tried, key=lambda kinds: kinds.log_likelihood), least, _MOST)
    order = np.argsort(best.location.mean(axis=0))
    return Kinds(
        share=best.share[:, order],
        location=best.location[:, order],
        sigma=best.sigma[:, order],
        log_likelihood=best.log_likelihood,
    )


def _sliced(points: LogPoints, shares: tuple[float, ...], least: float) -> Kinds:
    """Start from slices of the rows, each cell's around its own mean."""
    mean, spread = _centres(points)
    away = points.value - mean[points.cell]
    order = np.argsort(away, kind="stable")
    rank = np.cumsum(points.weight[order]) / points.weight.sum()
    slices = np.empty(len(away), dtype=np.int64)
    slices[order] = np.minimum(np.searchsorted(np.cumsum(shares), rank), len(shares) - 1)
    total = np.bincount(slices, points.weight, len(shares))
    middle = np.bincount(slices, points.weight * away, len(shares)) / np.maximum(total, 1e-9)
    location = mean[:, None] + middle
    return Kinds(
        share=np.tile(shares, (len(mean), 1)),
        location=location,
        sigma=np.full_like(location, max(TYPICAL * spread, least)),
        log_likelihood=-math.inf,
    )


def _centres(points: LogPoints) -> tuple[Floats, float]:
    """Give every cell's mean, and the standard deviation around these."""
    n = np.bincount(points.cell, points.weight)
    mean = np.bincount(points.cell, points.weight * points.value) / n
    away = points.value - mean[points.cell]
    return mean, float(np.sqrt((points.weight * away**2).sum() / n.sum()))


def _climb(points: LogPoints, kinds: Kinds, least: float, most: int) -> Kinds:
    log_share, location, sigma = np.log(kinds.share), kinds.location, kinds.sigma
    cells, count = location.shape
    _, spread = _centres(points)
    flat = points.cell[:, None] * count + np.arange(count)
    found = kinds.log_likelihood

    def total(values: Floats) -> Floats:
        return np.bincount(flat.ravel(), values.ravel(), cells * count).reshape(cells, count)

    for _ in range(most):
        log_density, first, second = _moments(points, location, sigma)
        joint = log_density + log_share[points.cell]
        each = logsumexp(joint, axis=1)
        before, found = found, float(points.weight @ each)
        if abs(found - before) < _ENOUGH * abs(found):
            break
        chance = np.exp(joint - each[:, None]) * points.weight[:, None]
        n = total(chance) + 1e-9
        mean, square = total(chance * first) / n, total(chance * second) / n
        log_share = _shares(n)
        location = _locations(n, mean, sigma)
        variance = np.maximum(square - 2 * location * mean + location**2, 1e-9)
        sigma = _sigmas(n, variance, max(TYPICAL * spread, least), least)
    return Kinds(share=np.exp(log_share), location=location, sigma=sigma, log_likelihood=found)


def _moments(points: LogPoints, location: Floats, sigma: Floats) -> tuple[Floats, Floats, Floats]:
    """Log-density of every point under every kind, and the expected logarithm and its square."""
    mu, sd = location[points.cell], sigma[points.cell]
    value = points.value[:, None]
    log_density = -0.5 * ((value - mu) / sd) ** 2 - np.log(sd) - 0.5 * math.log(2 * math.pi)
    first, second = np.broadcast_to(value, mu.shape).copy(), np.broadcast_to(value**2, mu.shape).copy()
    known = np.isfinite(points.upper)
    if known.any():
        mu, sd = mu[known], sd[known]
        lower, upper = ((edge[known, None] - mu) / sd for edge in (points.lower, points.upper))
        inside = np.maximum(ndtr(upper) - ndtr(lower), 1e-300)
        log_density[known] = np.log(inside)
        low, high = _phi(lower), _phi(upper)
        finite = np.where(np.isfinite(lower), lower, 0.0)
        mean, square = (low - high) / inside, 1 + (finite * low - upper * high) / inside
        # Far from a kind both differences are rounding; then the value itself has to do.
        sure = inside > 1e-12
        first[known] = np.where(sure, mu + sd * mean, first[known])
        second[known] = np.where(sure, mu**2 + 2 * mu * sd * mean + sd**2 * square, second[known])
    return log_density, first, second


def _phi(z: Floats) -> Floats:
    return np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)


def _shares(n: Floats) -> Floats:
    logs = np.log(n + 0.5)
    logs -= logs.mean(axis=1, keepdims=True)
    common = logs.mean(axis=0)
    known = n * (1 - n / n.sum(axis=1, keepdims=True))
    logs = common + (logs - common) * known / (known + 1 / CELL_SD[0] ** 2)
    return logs - logsumexp(logs, axis=1, keepdims=True)


def _locations(n: Floats, mean: Floats, sigma: Floats) -> Floats:
    """Shift every cell freely, and move its kinds apart as far as the data say."""
    error = sigma**2 / n
    weight = 1 / (error + CELL_SD[1] ** 2)
    kind = np.average(mean - mean.mean(axis=1, keepdims=True), axis=0, weights=weight)
    for _ in range(3):
        shift = np.average(mean - kind, axis=1, weights=weight)[:, None]
        kind = np.average(mean - shift, axis=0, weights=weight)
    own = mean - shift - kind
    return shift + kind + own * CELL_SD[1] ** 2 * weight


def _sigmas(n: Floats, variance: Floats, typical: float, least: float) -> Floats:
    logs = 0.5 * np.log(variance)
    weight = 1 / (1 / (2 * n) + CELL_SD[2] ** 2)
    prior = 1 / TYPICAL_SD**2
    common = ((weight * logs).sum(axis=0) + prior * math.log(typical)) / (weight.sum(axis=0) + prior)
    return np.maximum(np.exp(common + (logs - common) * CELL_SD[2] ** 2 * weight), least)
