"""Kinds of users: three or four lognormals in a cell, which all cells share but for small differences.

Minutes and spend are no single lognormal: its mean falls a fifth short. Light, usual and heavy users are
lognormal, each kind for itself, and the mean of a cell follows exactly, ``m = ψ Σ w exp(μ + σ²/2)``. Whole
numbers up to 20 are taken as the intervals that they stand for; with a density a kind would collapse onto
the spikes at 1 and 2.

Based on mixtures fitted to grouped data (Kakamu 2022, arXiv:2210.05115).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from scipy.special import expit, ndtr

from twobytwo.data.cells import Cells
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families import hurdle
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.gamma import positive_means
from twobytwo.infer.families.kinds import CELL_SD, TYPICAL, Kinds, find_kinds
from twobytwo.infer.families.log_points import WHOLE, PositivePoints, positive_points
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.lognormal_mixture_pairs import check_pairs, log_means, observe_pairs
from twobytwo.infer.families.mixing import (
    APART_SD,
    BEYOND_SD,
    FEWEST,
    LEAST,
    MOST,
    ODDS_SD,
    USUAL,
    log_sum,
    mean_of_cells,
    mixture_of_rows,
    pooled,
    shared,
    steady,
)
from twobytwo.infer.families.points import weighted_points
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["LogNormalMixture"]

Floats = npt.NDArray[np.float64]

_LEAST_ROWS = 20
# Samples that the standard deviation of the data is compared with, rows in their tops, and the quantile.
_REPLICATES, _TOP, _RARE = 1_000, 1_000, 0.995


class LogNormalMixture(Family):
    """Zeros, or one of several kinds of lognormal; ``location`` is the log of the mean of the positive ones.

    Every cell has its own ``kind_weight``, ``kind_location`` and ``kind_sigma``, partly pooled over cells;
    with zeros it also has an ``activity``. The kinds that cells share stay near those found by EM.
    Of a pair it assumes that a user has one kind, before and after; within a kind the two logarithms are
    bivariate normal. Users positive in one period only have the kinds in other shares, and a shift of their
    own; in a cell's distribution these are components of their own.

    Parameters
    ----------
    components
        Number of kinds, two to four; None takes three, or four where these describe the data better by BIC.

    Examples
    --------
    >>> import numpy as np
    >>> parameters = {"kind_weight": [0.8, 0.2], "kind_location": [3.0, 6.0], "kind_sigma": [1.0, 1.0]}
    >>> draws = LogNormalMixture().simulate(parameters, 10_000, np.random.default_rng(1))
    >>> bool((draws > 0).all())
    True
    """

    name: ClassVar[str] = "lognormal_mixture"
    estimand: ClassVar[Estimand] = "mean"
    link: ClassVar[Literal["identity", "log"]] = "log"
    zeros: ClassVar[bool] = True
    equivariant: ClassVar[bool] = True
    columns: ClassVar[tuple[int, ...] | None] = (1, 2)
    slow: ClassVar[bool] = True
    # Kinds that the data hardly tell apart make a long, bent ridge.
    target_accept: ClassVar[float] = 0.9

    def __init__(self, components: int | None = None) -> None:
        if components is not None and (
            isinstance(components, bool) or components not in range(FEWEST, MOST + 1)
        ):
            msg = f"components={components!r} must be a whole number from {FEWEST} to {MOST}, or None."
            raise DesignError(msg)
        self.components = components

    def check(self, cells: Cells) -> None:
        """Accept zeros and positive outcomes, enough of them in every cell, that vary on the log scale."""
        self.check_users(cells)
        negatives, column = int(cells.count("negative").sum()), cells.design.metric.column
        if negatives:
            msg = (
                f"Column {column!r} has {negatives:,} negative values; family={self.name!r} is for outcomes "
                'that are zero or positive. Use family="normal".'
            )
            raise DataError(msg)
        fewest = int(cells.count("positive").min())
        if fewest < _LEAST_ROWS:
            msg = (
                f"A cell of {column!r} has {fewest} positive values; family={self.name!r} needs at least "
                f'{_LEAST_ROWS} in every cell to tell kinds apart. Use family="normal".'
            )
            raise DataError(msg)
        LogNormal.check_spread(cells, self.name)
        if cells.joint.size > 1:
            check_pairs(cells, self.name)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log ratios around the log of the positive outcomes' means; start at EM's."""
        if cells.joint.size > 1:
            found = log_means(cells, self.components)
        else:
            found = _start(cells, self.components)[0].log_mean
        logs = xr.ufuncs.log(positive_means(cells))
        origin = float(logs.mean())
        # Rounded from the origin on, so that it is the same start in every unit.
        start = origin + steady(found - origin).reshape(logs.shape)
        return Reference(origin=origin, scale=1.0, baseline=0.0, location=logs.copy(data=start))

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add kinds and the weighted points; activity where there are zeros."""
        if cells.joint.size > 1:
            observe_pairs(cells, location, priors, self.components)
            return
        if int(cells.count("zero").sum()):
            hurdle.observe_activity(cells, priors)
        found, points = _start(cells, self.components)
        mixed = _add_kinds(cells, location, priors, found, points.spread)
        unit = pm.Data("whole_unit", points.unit)
        labelled = xr.Dataset(
            {
                "value": ((*cells.dims, "point"), points.value),
                "weight": ((*cells.dims, "point"), points.weight),
            }
        )
        weighted_points(labelled, mixture_of_rows(found.share.shape[1], points.whole), unit, *mixed)

    def fixed(self, cells: Cells) -> xr.Dataset:
        """Give the unit of outcomes that are whole numbers, which `simulate` rounds to."""
        unit = positive_points(cells).unit
        return xr.Dataset({"whole_unit": unit} if unit else {})

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the overall mean; with zeros also its two factors."""
        mean = xr.ufuncs.exp(posterior["location"])
        if "activity" not in posterior:
            return {"mean": mean}
        return hurdle.values_with_zeros(posterior, mean, None)

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density of positive outcomes, log-probability of zeros.

        Small whole numbers have the density of the interval that they stand for.
        """
        value = np.asarray(value, dtype=float)
        weight, location, sigma = (np.asarray(parameters[f"kind_{name}"]) for name in _PARTS)
        kinds = [(weight[..., k], location[..., k], sigma[..., k]) for k in range(weight.shape[-1])]
        logs = np.log(np.where(value > 0, value, 1.0))
        # Kind by kind: values and draws together make arrays of millions already.
        density = np.asarray(-np.inf)
        for w, m, s in kinds:
            density = np.logaddexp(density, np.log(w) - 0.5 * ((logs - m) / s) ** 2 - np.log(s))
        density = density - logs - 0.5 * math.log(2 * math.pi)
        unit = float(parameters.get("whole_unit", 0.0))
        if unit:
            near = np.round(value / unit)
            with np.errstate(divide="ignore"):
                low, high = np.log(np.stack([np.where(near > 1, near - 0.5, 0.0), near + 0.5]) * unit)
            inside = np.asarray(sum(w * (ndtr((high - m) / s) - ndtr((low - m) / s)) for w, m, s in kinds))
            small = (near >= 1) & (near <= WHOLE)
            density = np.where(small, np.log(np.maximum(inside, 1e-300) / unit), density)
        if "activity" not in parameters:
            return density
        return hurdle.log_density_with_zeros(parameters, value, density)

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw zeros and outcomes of the kinds, whole numbers where the data are."""
        weight, location, sigma = (np.asarray(parameters[f"kind_{name}"], dtype=float) for name in _PARTS)
        kind = rng.choice(len(weight), size=size, p=weight / weight.sum())
        positive = rng.lognormal(location[kind], sigma[kind])
        unit = float(parameters.get("whole_unit", 0.0))
        if unit:
            positive = np.maximum(np.round(positive / unit), 1.0) * unit
        if "activity" not in parameters:
            return positive
        return hurdle.simulate_with_zeros(parameters, positive, rng)

    def spread_ratio(self, cells: Cells, posterior: xr.Dataset) -> float:
        """Compare the outcomes' standard deviation with those of samples as large from the family.

        Notes
        -----
        Of a heavy tail the standard deviation of a sample is itself noise: of 25,000 users drawn from the
        kinds of ``simulate.kinds_of_users`` it is between .8 and 1.4 times the true one. So the data's is
        compared with the 99.5 % quantile of samples' of the same number of rows, in the cell where it is
        largest. A sample is drawn by its 1,000 largest values; the rest add what they add on average.
        """
        typical = posterior.median(("chain", "draw"))
        moments = cells.moments()
        n, sd = moments["n"].to_numpy(), np.sqrt((moments["ss"] / moments["n"]).to_numpy())
        active = expit(typical["activity"].to_numpy()) if "activity" in typical else np.ones(n.shape)
        rng, ratios = np.random.default_rng(0), []
        for place in np.ndindex(*n.shape):
            shares, mu, sigma = (typical[f"kind_{name}"].to_numpy()[place] for name in _PARTS)
            drawn = _sample_sds(active[place] * shares / shares.sum(), mu, sigma, float(n[place]), rng)
            ratios.append(float(sd[place] / np.quantile(drawn, _RARE)))
        return max(ratios)


_PARTS = ("weight", "location", "sigma")


# Two and no more, as an analysis has its cells and the same in multiples of the yardstick: what is kept holds
# cells, and with them the connection that may still read bins.
@lru_cache(maxsize=2)
def _start(cells: Cells, components: int | None) -> tuple[Kinds, PositivePoints]:
    """Find the kinds; without a number three, or four where BIC prefers them."""
    points = positive_points(cells)
    flat, least = points.flat(), LEAST * points.spread
    if components is not None:
        return find_kinds(flat, components, least), points
    usual, more = (find_kinds(flat, count, least) for count in (USUAL, MOST))
    # A kind more has a share, a location and a spread.
    better = more.log_likelihood - usual.log_likelihood > 1.5 * math.log(flat.weight.sum())
    return (more if better else usual), points


def _add_kinds(cells: Cells, location: Any, priors: Priors, found: Kinds, spread: float) -> list[Any]:
    """Add the kinds of every cell, given its log-mean; return log-shares, locations and sigmas by kind."""
    dims, shape = cells.dims, (*cells.bins.shape, found.share.shape[1])
    count, least = shape[-1], LEAST * spread
    model = pm.modelcontext(None)
    labels = [str(k + 1) for k in range(count)]
    model.add_coord("kind", labels)
    model.add_coord("heavier_kind", labels[1:])

    def of_cells(name: str) -> Floats:
        return np.asarray(getattr(found, name)).reshape(shape)

    log_share = np.log(of_cells("share"))
    odds_start = log_share[..., 1:] - log_share[..., :1]
    common = shared("kind_log_odds", mean_of_cells(odds_start), ODDS_SD, "heavier_kind")
    odds = pooled("log_odds", odds_start, common, CELL_SD[0], priors, (*dims, "heavier_kind"))
    places = of_cells("location")
    away_start = places[..., 1:] - places[..., :1]
    apart = np.diff(mean_of_cells(away_start), prepend=0.0)
    apart_start = steady(np.log(np.maximum(apart, 0.02 * spread)))
    steps = pm.math.exp(shared("log_apart", apart_start, APART_SD, "heavier_kind"))
    # Ordered by construction; running sums written out, of at most three.
    reached = pt.stack([sum(steps[j] for j in range(k + 1)) for k in range(count - 1)])
    away = pooled("distance", away_start, reached, CELL_SD[1], priors, (*dims, "heavier_kind"))
    beyond = np.log(np.maximum(of_cells("sigma") - least, 0.02 * spread))
    log_beyond = shared("kind_log_beyond", mean_of_cells(beyond), BEYOND_SD, "kind")
    own = pooled(
        "log_beyond", beyond, log_beyond, CELL_SD[2] * TYPICAL / (TYPICAL - LEAST), priors, (*dims, "kind")
    )
    floor = pm.Data("least_sigma", least)
    sigma = floor + pm.math.exp(own)
    # The lightest kind is what the others are compared with.
    logits = pt.concatenate([pt.zeros_like(odds[..., :1]), odds], axis=-1)
    relative = pt.concatenate([pt.zeros_like(away[..., :1]), away], axis=-1)
    log_weight = logits - log_sum(logits)[..., None]
    centre = location - log_sum(log_weight + relative + sigma**2 / 2)
    mu = centre[..., None] + relative
    pm.Deterministic("kind_weight", pm.math.exp(log_weight), dims=(*dims, "kind"))
    pm.Deterministic("kind_location", mu, dims=(*dims, "kind"))
    pm.Deterministic("kind_sigma", sigma, dims=(*dims, "kind"))
    return [part[..., k] for part in (log_weight, mu, sigma) for k in range(count)]


def _sample_sds(shares: Floats, mu: Floats, sigma: Floats, n: float, rng: np.random.Generator) -> Floats:
    """Draw standard deviations of samples of ``n`` rows, positive with probability ``shares.sum()``."""
    top = int(min(_TOP, n))
    # Upper order statistics by exponential spacings; the survival function is inverted on a grid of logs.
    spacings = rng.exponential(size=(_REPLICATES, top)).cumsum(axis=1)
    whole = spacings[:, -1] + rng.gamma(max(n - top + 1, 1e-9), size=_REPLICATES)
    survival = spacings / whole[:, None]
    grid = np.linspace((mu - 9 * sigma).min(), (mu + 9 * sigma).max(), 8_000)
    beyond = (shares * ndtr(-(grid[:, None] - mu) / sigma)).sum(axis=1)
    values = np.interp(np.log(survival), np.log(np.maximum(beyond, 1e-300))[::-1], grid[::-1])
    # Nobody above the share of positive rows: zeros.
    values = np.where(survival < shares.sum(), np.exp(values), 0.0)
    first, second = values.sum(axis=1), (values**2).sum(axis=1)
    edge = np.log(np.maximum(values[:, -1:], np.exp(grid[0])))
    for power, total in ((1, first), (2, second)):
        moment = np.exp(power * mu + power**2 * sigma**2 / 2)
        inside = shares * moment * ndtr((edge - mu - power * sigma**2) / sigma)
        total += (n - top) * inside.sum(axis=1) / np.maximum(1 - survival[:, -1], 1e-12)
    return np.sqrt(np.maximum(second / n - (first / n) ** 2, 0.0))
