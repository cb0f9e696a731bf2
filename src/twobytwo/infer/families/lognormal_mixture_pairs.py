"""Kinds of users on pairs: a user has one kind, the same before and after.

Within a kind the two logarithms are bivariate normal. Users who are positive in one period only have the same
kinds in other shares: light users vanish most. The mean of a cell follows exactly from the shares among both.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from twobytwo.data.cells import Cells
from twobytwo.data.log_pairs import LogPairs
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families import hurdle
from twobytwo.infer.families.base import alike
from twobytwo.infer.families.kinds import CELL_SD
from twobytwo.infer.families.mixing import (
    APART_SD,
    BEYOND_SD,
    LEAST,
    MOST,
    ODDS_SD,
    USUAL,
    log_sum,
    pooled,
    shared,
)
from twobytwo.infer.families.pair_kinds import PairKinds, find_pair_kinds
from twobytwo.infer.families.points import add_counted
from twobytwo.infer.priors import Priors

__all__ = ["check_pairs", "log_means", "observe_pairs"]

Floats = npt.NDArray[np.float64]

_LEAST_BOTH = 50
# How far from where EM found them may be: log-shares of users of one period against those of both, and the
# Fisher-transformed correlations, and how far users of one period are from others of their kind, in logs.
_VANISH_SD, _FISHER_SD, _SHIFT_SD = 0.5, 0.3, 0.3
# Numbers of a kind more: a share, two locations, two spreads, a correlation.
_NUMBERS = 6


def check_pairs(cells: Cells, name: str) -> None:
    """Refuse pairs that the mixture cannot describe (`DataError`, `DesignError`)."""
    design = cells.design
    if design.missing == "available" or design.randomised:
        said = 'missing="available"' if design.missing == "available" else alike(design)
        msg = (
            f"family={name!r} describes where each user is active in the two periods and does not know "
            f'{said} together with unit=; say missing="zero" or "drop", or use family="normal".'
        )
        raise DesignError(msg)
    both = int(cells.joint.activity()["n"].isel(pattern=0).min())
    if both < _LEAST_BOTH:
        msg = (
            f"A group has {both} user(s) with a positive {design.metric.column!r} in both periods; "
            f"family={name!r} needs at least {_LEAST_BOTH} to tell kinds of users apart. Use "
            'family="normal".'
        )
        raise DataError(msg)
    _bins(cells)


def _bins(cells: Cells) -> LogPairs:
    if cells.log_pairs is None:
        msg = (
            "These cells have no bins of the two logarithms of a user: they were saved by an earlier "
            "version. Compress the table again."
        )
        raise DataError(msg)
    return cells.log_pairs


# Two and no more, as an analysis has its cells and the same in multiples of the yardstick: what is kept holds
# cells, and with them the connection that may still read bins.
@lru_cache(maxsize=2)
def _start(cells: Cells, components: int | None) -> tuple[PairKinds, float]:
    """Find the kinds and the smallest log-sd; without a number three, or four where BIC prefers them."""
    pairs = _bins(cells)
    both = cells.joint.activity("log").isel(pattern=0)
    spread = float(np.sqrt(both["ss"].sum() / (2 * both["n"].sum())))
    least = LEAST * spread
    if components is not None:
        return find_pair_kinds(pairs, components, least), least
    usual, more = (find_pair_kinds(pairs, count, least) for count in (USUAL, MOST))
    n = float(both["n"].sum())
    better = more.log_likelihood - usual.log_likelihood > _NUMBERS / 2 * math.log(n)
    return (more if better else usual), least


def _among_active(cells: Cells) -> Floats:
    """Share of the users positive in a period who are positive in both; shape (groups, 2)."""
    n = cells.joint.activity()["n"].to_numpy()
    both: Floats = n[:, :1] / (n[:, :1] + n[:, 1:3])
    return both


def log_means(cells: Cells, components: int | None) -> Floats:
    """Logarithms of the means of the positive values as EM has them; shape (groups, 2)."""
    both, single = _start(cells, components)[0].log_means
    share = _among_active(cells)
    found: Floats = both + np.log(share + (1 - share) * np.exp(single - both))
    return found


def observe_pairs(cells: Cells, location: Any, priors: Priors, components: int | None) -> None:
    """Add kinds of users to the current model, and observe their pairs.

    Parameters
    ----------
    cells
        The data.
    location
        Logarithm of the mean of the positive values; dims group and period.
    priors
        ``spread`` scales how much groups may differ.
    components
        Number of kinds; None chooses.
    """
    found, least = _start(cells, components)
    count = found.share.shape[1]
    group, period = cells.dims
    model = pm.modelcontext(None)
    labels = [str(k + 1) for k in range(count)]
    model.add_coord("kind", labels)
    model.add_coord("heavier_kind", labels[1:])
    own = np.log(found.share[:, 1:] / found.share[:, :1])
    common = shared("kind_log_odds", own.mean(axis=0), ODDS_SD, "heavier_kind")
    odds = pooled("log_odds", own, common, CELL_SD[0], priors, (group, "heavier_kind"))
    log_share = _log_shares(odds)
    away = found.location[:, 1:] - found.location[:, :1]
    apart = shared("kind_distance", away, APART_SD, (period, "heavier_kind"))
    start = np.broadcast_to(away, (len(own), *away.shape))
    distance = pooled("distance", start, apart, CELL_SD[1], priors, (group, period, "heavier_kind"))
    relative = pt.concatenate([pt.zeros_like(distance[..., :1]), distance], axis=-1)
    beyond = np.log(np.maximum(found.sigma - least, 0.02 * least / LEAST))
    log_beyond = shared("kind_log_beyond", beyond, BEYOND_SD, (period, "kind"))
    sigma = pm.Data("least_sigma", least) + pm.math.exp(log_beyond)
    fisher = shared("kind_fisher_z", np.arctanh(found.correlation), _FISHER_SD, "kind")
    correlation = pm.Deterministic("kind_correlation", pm.math.tanh(fisher), dims="kind")
    spread = sigma * pt.ones((len(own), 1, 1))
    log_both = log_share[:, None, :] + pt.zeros((1, 2, 1))
    log_weight, parts = log_both, [labels]
    # Where every value is positive there are no patterns, and nobody of one period.
    zeros = bool(int(cells.count("zero").sum()))
    if zeros:
        both_active = hurdle.observe_activity(cells, priors)
        among = (both_active[:, None] / pm.math.sigmoid(model["activity"]))[..., None]
        vanish = np.log(found.single_share[:, 1:] / found.single_share[:, :1]) - own.mean(axis=0)
        more = shared("single_log_odds", vanish, _VANISH_SD, (period, "heavier_kind"))
        shift = shared("single_shift", found.single_shift, _SHIFT_SD, period)
        log_single = _log_shares(odds[:, None, :] + more)
        single = relative + shift[:, None]
        log_weight = pt.concatenate(
            [log_both + pm.math.log(among), log_single + pm.math.log(pt.maximum(1 - among, 1e-12))], axis=-1
        )
        relative = pt.concatenate([relative, single], axis=-1)
        spread = pt.concatenate([spread, spread], axis=-1)
        parts.append([f"{label}, in one period" for label in labels])
    model.add_coord("kind_of_user", [label for some in parts for label in some])
    centre = location - log_sum(log_weight + relative + spread**2 / 2)
    mu = centre[..., None] + relative
    cell_dims = (group, period, "kind_of_user")
    pm.Deterministic("kind_weight", pm.math.exp(log_weight), dims=cell_dims)
    pm.Deterministic("kind_location", mu, dims=cell_dims)
    pm.Deterministic("kind_sigma", spread, dims=cell_dims)
    both = (log_share, mu[:, 0, :count], mu[:, 1, :count], sigma[0], sigma[1], correlation)
    _observe_both(_bins(cells).pairs(), group, both)
    if zeros:
        _observe_single(
            _bins(cells).singles(), (group, period), (log_single, mu[..., count:], spread[..., count:])
        )


def _log_shares(odds: Any) -> Any:
    """Logarithms of shares from log-odds against the lightest kind."""
    logits = pt.concatenate([pt.zeros_like(odds[..., :1]), odds], axis=-1)
    return logits - log_sum(logits)[..., None]


def _observe_both(points: xr.Dataset, group: str, kinds: tuple[Any, ...]) -> None:
    """Observe the two logarithms of users who are positive in both periods."""
    model = pm.modelcontext(None)
    add_counted("pair", points.sizes["pair"])
    model.add_coord("log_value", ["before", "after"])
    dims = (group, "pair")
    weight = pm.Data("pair_weight", points["weight"].to_numpy(), dims=dims)
    value = np.stack([points[name].to_numpy() for name in ("before", "after")], axis=-1)
    seen = pm.Data("pair_value", value, dims=(*dims, "log_value"))

    def draw(*arguments: Any) -> Any:
        log_share, mean0, mean1, sd0, sd1, rho, _, size = arguments
        of_kind = _drawn(log_share, size)
        z0, z1 = (pm.Normal.dist(0, 1, size=size) for _ in range(2))
        rho = of_kind(rho)
        after = of_kind(mean1) + of_kind(sd1) * (rho * z0 + pt.sqrt(1 - rho**2) * z1)
        return pt.stack([of_kind(mean0) + of_kind(sd0) * z0, after], axis=-1)

    def logp(observed: Any, *inputs: Any) -> Any:
        log_share, mean0, mean1, sd0, sd1, rho, weights = inputs
        rest = pt.sqrt(1 - rho**2)
        u = (observed[..., 0][..., None] - mean0) / sd0
        v = (observed[..., 1][..., None] - mean1) / (sd1 * rest) - rho / rest * u
        level = log_share - pt.log(2 * math.pi * sd0 * sd1 * rest)
        return weights * log_sum(level - 0.5 * (u**2 + v**2))

    pm.CustomDist(
        "pairs",
        *(_before_points(part) for part in kinds),
        weight,
        dist=draw,
        logp=logp,
        signature="(k),(k),(k),(k),(k),(k),()->(2)",
        observed=seen,
        dims=(*dims, "log_value"),
    )


def _observe_single(points: xr.Dataset, cells: tuple[str, str], kinds: tuple[Any, ...]) -> None:
    """Observe the logarithms of users who are positive in one period only."""
    add_counted("single", points.sizes["point"])
    dims = (*cells, "single")
    weight = pm.Data("single_weight", points["weight"].to_numpy(), dims=dims)
    seen = pm.Data("single_value", points["value"].to_numpy(), dims=dims)

    def draw(*arguments: Any) -> Any:
        log_share, mean, sd, _, size = arguments
        of_kind = _drawn(log_share, size)
        return of_kind(mean) + of_kind(sd) * pm.Normal.dist(0, 1, size=size)

    def logp(observed: Any, *inputs: Any) -> Any:
        log_share, mean, sd, weights = inputs
        level = log_share - pt.log(math.sqrt(2 * math.pi) * sd)
        return weights * log_sum(level - 0.5 * ((observed[..., None] - mean) / sd) ** 2)

    pm.CustomDist(
        "singles",
        *(_before_points(part) for part in kinds),
        weight,
        dist=draw,
        logp=logp,
        signature="(k),(k),(k),()->()",
        observed=seen,
        dims=dims,
    )


def _before_points(part: Any) -> Any:
    """Broadcast every cell's parameters of the kinds over all of its points."""
    return part if part.ndim == 1 else part[..., None, :]


def _drawn(log_share: Any, size: Any) -> Any:
    """Draw kinds; return what takes the drawn one of a parameter."""
    reached = pt.cumsum(pt.exp(log_share), axis=-1)[..., :-1]
    kind = pt.ge(pm.Uniform.dist(0, 1, size=size)[..., None], reached).sum(axis=-1)
    return lambda part: pt.where(pt.eq(kind[..., None], pt.arange(log_share.shape[-1])), part, 0.0).sum(
        axis=-1
    )
