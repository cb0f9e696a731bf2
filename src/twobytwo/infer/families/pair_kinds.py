"""Where a mixture of pairs starts: kinds of users found by EM on the points of the two logarithms.

A user has one kind, before and after. The groups share the kinds; each has its own centre, and its own shares
of the kinds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import logsumexp

from twobytwo.data.log_pairs import LogPairs
from twobytwo.infer.families.kinds import CELL_SD, SHARES, TYPICAL, TYPICAL_SD

__all__ = ["PairKinds", "find_pair_kinds"]

Floats = npt.NDArray[np.float64]

_FIRST, _MOST, _ENOUGH = 60, 600, 1e-8
# Kinds of which the two logarithms are nearly one.
_HIGHEST = 0.98
# How far users of one period are from others of their kind, in logs.
_SHIFT_SD = 1.0
# Prior of the Fisher-transformed correlation of a kind.
_FISHER, _FISHER_SD = 0.6, 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairKinds:
    """Kinds of users with two lognormal values each, lightest first.

    Parameters
    ----------
    centre
        Mean logarithms of users positive in both periods; shape (groups, 2).
    share
        Of the kinds among them; shape (groups, kinds).
    single_share
        Of the kinds among users positive before only and after only; shape (2, kinds).
    single_shift
        How far the logarithms of these users are from those of their kind; shape (2,).
    location, sigma
        Means of the logarithms, from the group's centre, and their standard deviations; shape (2, kinds).
    correlation
        Of the two logarithms within a kind; shape (kinds,).
    log_likelihood
        Of the users positive in both periods.
    """

    centre: Floats
    share: Floats
    single_share: Floats
    single_shift: Floats
    location: Floats
    sigma: Floats
    correlation: Floats
    log_likelihood: float

    @property
    def log_means(self) -> tuple[Floats, Floats]:
        """Logarithms of the means of users positive in both periods, and in one; shapes (groups, 2)."""
        kinds = self.location + self.sigma**2 / 2
        both = logsumexp(np.log(self.share)[:, None, :] + kinds, axis=-1)
        single = logsumexp(np.log(self.single_share) + kinds, axis=-1) + self.single_shift
        return self.centre + both, self.centre + single


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Points:
    """Logarithms from the group's centre; shapes (points,), `value` (points, 2)."""

    group: npt.NDArray[np.int64]
    value: Floats
    weight: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    share: Floats
    location: Floats
    sigma: Floats
    correlation: Floats
    log_likelihood: float = -math.inf


def find_pair_kinds(pairs: LogPairs, count: int, least: float) -> PairKinds:
    """Find kinds by penalised EM, the best of several starts.

    Parameters
    ----------
    pairs
        The data.
    count
        Number of kinds.
    least
        Smallest log-sd of a kind.

    Returns
    -------
    PairKinds
        Ordered by their location.
    """
    table = pairs.pairs()
    points, centre = _centred(table)
    tried = [_climb(points, _sliced(points, shares, least), least, _FIRST) for shares in SHARES[count]]
    best = _climb(points, max(tried, key=lambda found: found.log_likelihood), least, _MOST)
    order = np.argsort(best.location.sum(axis=0))
    best = _Found(
        share=best.share[order],
        location=best.location[:, order],
        sigma=best.sigma[:, order],
        correlation=best.correlation[order],
        log_likelihood=best.log_likelihood,
    )
    single_share, single_shift = _singles(pairs, best, centre)
    return PairKinds(
        centre=centre,
        share=_shares_of_groups(points, best, len(centre)),
        single_share=single_share,
        single_shift=single_shift,
        location=best.location,
        sigma=best.sigma,
        correlation=best.correlation,
        log_likelihood=best.log_likelihood,
    )


def _centred(table: xr.Dataset) -> tuple[_Points, Floats]:
    weight = table["weight"].to_numpy().reshape(-1, table.sizes["pair"])
    value = np.stack([table[name].to_numpy().reshape(weight.shape) for name in ("before", "after")], axis=-1)
    centre = (weight[..., None] * value).sum(axis=1) / weight.sum(axis=1)[:, None]
    group, point = np.nonzero(weight)
    away = value[group, point] - centre[group]
    return _Points(group=group.astype(np.int64), value=away, weight=weight[group, point]), centre


def _sliced(points: _Points, shares: tuple[float, ...], least: float) -> _Found:
    """Start from slices of the users by the sum of their logarithms."""
    spread = np.sqrt(points.weight @ points.value**2 / points.weight.sum())
    score = (points.value / spread).sum(axis=1)
    order = np.argsort(score, kind="stable")
    rank = np.cumsum(points.weight[order]) / points.weight.sum()
    slices = np.empty(len(score), dtype=np.int64)
    slices[order] = np.minimum(np.searchsorted(np.cumsum(shares), rank), len(shares) - 1)
    location = np.stack(
        [
            [points.weight[slices == k] @ points.value[slices == k, t] for k in range(len(shares))]
            / np.maximum(np.bincount(slices, points.weight, len(shares)), 1e-9)
            for t in (0, 1)
        ]
    )
    return _Found(
        share=np.array(shares),
        location=location,
        sigma=np.repeat(np.maximum(TYPICAL * spread, least)[:, None], len(shares), axis=1),
        correlation=np.full(len(shares), math.tanh(_FISHER)),
    )


def _log_density(value: Floats, found: _Found) -> Floats:
    """Log-density of every point under every kind; shape (points, kinds)."""
    u, v = ((value[:, t, None] - found.location[t]) / found.sigma[t] for t in (0, 1))
    rest = 1 - found.correlation**2
    distance = u**2 + (v - found.correlation * u) ** 2 / rest
    scale = np.log(found.sigma).sum(axis=0) + np.log(rest) / 2 + math.log(2 * math.pi)
    density: Floats = -distance / 2 - scale
    return density


def _climb(points: _Points, found: _Found, least: float, most: int) -> _Found:
    before, after = points.value.T
    powers = np.stack([before, after, before**2, after**2, before * after], axis=1)
    total = points.weight.sum()
    typical = np.maximum(TYPICAL * np.sqrt(points.weight @ powers[:, 2:4] / total), least)[:, None]
    for _ in range(most):
        joint = _log_density(points.value, found) + np.log(found.share)
        top = joint.max(axis=1)
        chance = np.exp(joint - top[:, None])
        each = chance.sum(axis=1)
        reached = float(points.weight @ (top + np.log(each)))
        chance *= (points.weight / each)[:, None]
        n = chance.sum(axis=0) + 0.5
        sums = powers.T @ chance / n
        location = sums[:2]
        variance = np.maximum(sums[2:4] - location**2, 1e-12)
        covariance = sums[4] - location.prod(axis=0)
        correlation = np.clip(covariance / np.sqrt(variance.prod(axis=0)), -_HIGHEST, _HIGHEST)
        prior = (1 / TYPICAL_SD**2, 1 / _FISHER_SD**2)
        log_sigma = (n * np.log(variance) + prior[0] * np.log(typical)) / (2 * n + prior[0])
        fisher = (n * np.arctanh(correlation) + prior[1] * _FISHER) / (n + prior[1])
        done = abs(reached - found.log_likelihood) < _ENOUGH * abs(reached)
        found = _Found(
            share=n / n.sum(),
            location=location,
            sigma=np.maximum(np.exp(log_sigma), least),
            correlation=np.tanh(fisher),
            log_likelihood=reached,
        )
        if done:
            break
    return found


def _shares_of_groups(points: _Points, found: _Found, groups: int) -> Floats:
    """Give every group's shares, pulled towards those of all groups as in the model."""
    joint = _log_density(points.value, found) + np.log(found.share)
    chance = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)) * points.weight[:, None]
    n = np.stack([chance[points.group == group].sum(axis=0) for group in range(groups)]) + 0.5
    own = np.log(n / n.sum(axis=1, keepdims=True)) - np.log(found.share)
    known = n / (n + 1 / CELL_SD[0] ** 2)
    logs = np.log(found.share) + known * own
    return np.exp(logs - logsumexp(logs, axis=1, keepdims=True))


def _singles(pairs: LogPairs, found: _Found, centre: Floats) -> tuple[Floats, Floats]:
    """Find the kinds among users who are positive in one period only, and how far these are from them."""
    table, shares, shifts = pairs.singles(), [], []
    for t in (0, 1):
        weight = table["weight"].isel(column=t).to_numpy().reshape(len(centre), -1)
        value = table["value"].isel(column=t).to_numpy().reshape(weight.shape)
        group, point = np.nonzero(weight)
        away = (value[group, point] - centre[group, t])[:, None] - found.location[t]
        share, shift, n = found.share, 0.0, weight[group, point]
        precision = 1 / found.sigma[t] ** 2
        for _ in range(_FIRST if n.size else 0):
            joint = np.log(share * np.sqrt(precision)) - 0.5 * (away - shift) ** 2 * precision
            chance = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)) * n[:, None]
            # A few users of every kind, as many as among the others: nobody's share is zero.
            counts = chance.sum(axis=0) + 2 * found.share
            share = counts / counts.sum()
            known = chance * precision
            shift = float((known * away).sum() / (known.sum() + 1 / _SHIFT_SD**2))
        shares.append(share)
        shifts.append(shift)
    return np.stack(shares), np.array(shifts)
