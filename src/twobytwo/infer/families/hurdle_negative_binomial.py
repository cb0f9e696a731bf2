"""Counts with zeros of their own: who is active at all, and how often the active are.

Zeros are Bernoulli; positive counts are negative binomial given that they are not zero. Whole numbers that
fall one to a bin are their own points, so that the likelihood is exact for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
import scipy
import xarray as xr

from twobytwo.ask.metric import Kind
from twobytwo.data.cells import Cells
from twobytwo.infer.families import hurdle
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.gamma import pooled_log_shape, positive_means
from twobytwo.infer.families.negative_binomial import log_density
from twobytwo.infer.families.points import weighted_points
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["HurdleNegativeBinomial"]

Floats = npt.NDArray[np.float64]

# The logarithm of α: at 0 a standard deviation of √(m + m²); as for all counts.
_POOLED, _POOLED_SD = 1.0, 2.0
# Where α is looked for: from counts that hardly have a mean to Poisson ones.
_FLATTEST, _STEEPEST = -4.0, 6.0
# Positive counts that are all but one have no spread to begin with.
_LEAST_EXCESS = 0.02
_STEPS = 50


class HurdleNegativeBinomial(Family):
    """Zeros, or negative binomial given not zero; ``activity``, ``location`` and ``log_shape`` of cells.

    ``activity`` is the log-odds of a positive count, ``location`` the logarithm of the mean m that the
    negative binomial would have with its own zeros, ``log_shape`` that of its α. The active have the mean
    ``m / (1 - p)`` with ``p = (α / (α + m))^α``, and everybody that times the share of the active. For any α
    the most likely mean is that of the data.

    Examples
    --------
    >>> import numpy as np
    >>> parameters = {"activity": 0.0, "location": 0.0, "log_shape": 0.0}
    >>> draws = HurdleNegativeBinomial().simulate(parameters, 20_000, np.random.default_rng(1))
    >>> bool(abs((draws == 0).mean() - 0.5) < 0.02 and abs(draws[draws > 0].mean() - 2) < 0.06)
    True
    """

    name: ClassVar[str] = "hurdle_negative_binomial"
    estimand: ClassVar[Estimand] = "mean"
    kinds: ClassVar[tuple[Kind, ...]] = ("count",)
    link: ClassVar[Literal["identity", "log", "logit"]] = "log"
    zeros: ClassVar[bool] = True
    columns: ClassVar[tuple[int, ...] | None] = (1,)
    # As for counts without zeros of their own.
    target_accept: ClassVar[float] = 0.95

    def check(self, cells: Cells) -> None:
        """Accept counts of users or rows with one value each."""
        self.check_users(cells)
        hurdle.check_hurdle(cells, self.name)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log ratios around the logarithm of the means, as the moments have them."""
        mean, _ = _by_moments(cells)
        logs = positive_means(cells).copy(data=np.log(mean))
        return Reference(origin=float(logs.mean()), scale=1.0, baseline=0.0, location=logs)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add activity and ``log_shape``, partially pooled over cells, and observe the positive counts."""
        hurdle.observe_activity(cells, priors)
        _, start = _by_moments(cells)
        shape = pm.math.exp(pooled_log_shape(start, priors, cells.dims, centre=_POOLED, spread=_POOLED_SD))
        points = cells.points()
        positive = points["value"] > 0
        # A point at zero is somebody else's matter; its value only has to have a density.
        points = points.assign(
            value=points["value"].where(positive, 1.0), weight=points["weight"].where(positive, 0.0)
        )
        weighted_points(points, _draw, pm.math.exp(location), shape, log_density=_log_density)

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the overall mean and its two factors."""
        mean, shape = xr.ufuncs.exp(posterior["location"]), xr.ufuncs.exp(posterior["log_shape"])
        return hurdle.values_with_zeros(posterior, mean / _seen(mean, shape), None)

    def log_density(self, parameters: Mapping[str, Any], value: Floats) -> Floats:
        """Log-probability of counts."""
        mean, shape = np.exp(parameters["location"]), np.exp(parameters["log_shape"])
        among = scipy.stats.nbinom.logpmf(np.where(value > 0, value, 1.0), shape, shape / (shape + mean))
        return hurdle.log_density_with_zeros(parameters, value, among - np.log(_seen(mean, shape)))

    def simulate(self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator) -> Floats:
        """Draw counts."""
        mean, shape = np.exp(parameters["location"]), np.exp(parameters["log_shape"])
        groups = shape * np.log1p(mean / shape)
        first = -np.log1p(rng.random(size) * np.expm1(-groups))
        left = np.maximum(shape * (1 - first / groups), 1e-12)
        among = rng.logseries(mean / (shape + mean), size) + rng.negative_binomial(
            left, shape / (shape + mean)
        )
        return hurdle.simulate_with_zeros(parameters, among.astype(float), rng)

    def spread_ratio(self, cells: Cells, posterior: xr.Dataset) -> float:
        """Compare the standard deviation of positive counts with the family's: what else spreads them."""
        typical = posterior.median(("chain", "draw"))
        mean, shape = np.exp(typical["location"].to_numpy()), np.exp(typical["log_shape"].to_numpy())
        among, square = _moments(cells)
        expected = mean / _seen(mean, shape)
        variance = expected * (1 + mean + mean / shape) - expected**2
        return float(np.sqrt((square - among**2) / variance).max())


def _seen(mean: Any, shape: Any) -> Any:
    """Give the probability that a negative binomial count is not zero."""
    return -np.expm1(-shape * np.log1p(mean / shape))


def _moments(cells: Cells) -> tuple[Floats, Floats]:
    """Means of the positive counts of every cell, and of their squares."""
    moments, positive = cells.moments(), cells.count("positive").to_numpy()
    n, mean, ss = (moments[name].to_numpy() for name in ("n", "mean", "ss"))
    return n * mean / positive, (ss + n * mean**2) / positive


def _by_moments(cells: Cells) -> tuple[Floats, Floats]:
    """Give m and α of every cell by the first two moments of its positive counts.

    Notes
    -----
    The positive counts have ``E[y²] / E[y] = 1 + m + m/α``, whatever the zeros. With that ratio given, their
    mean ``m / (1 - p)`` grows with α, which is found by halving.
    """
    among, square = _moments(cells)
    excess = np.maximum(square / among - 1, _LEAST_EXCESS)
    low, high = np.full(among.shape, _FLATTEST), np.full(among.shape, _STEEPEST)
    for _ in range(_STEPS):
        shape = np.exp((low + high) / 2)
        mean = excess * shape / (1 + shape)
        below = mean / _seen(mean, shape) < among
        low, high = np.where(below, (low + high) / 2, low), np.where(below, high, (low + high) / 2)
    return mean, shape


def _log_density(value: Any, mean: Any, shape: Any) -> Any:
    """Log-probability of a count that is not zero, for PyTensor."""
    none = -shape * pt.log1p(mean / shape)
    return log_density(value, mean, shape) - pt.log(-pt.expm1(none))


def _draw(size: Any, mean: Any, shape: Any) -> Any:
    """Draw counts that are not zero, for PyTensor, without trying until one is not.

    Notes
    -----
    A negative binomial count is a Poisson number, of rate ``α log(1 + m/α)``, of groups of logarithmic size.
    It is zero where there is no group. Given that there is one, the first comes at a time with a truncated
    exponential distribution; the groups after it add up to a negative binomial with what is left of α, and
    the first has a logarithmic size (drawn as by Kemp 1981).
    """
    u, v, w = (pm.Uniform.dist(0.0, 1.0, size=size) for _ in range(3))
    groups = shape * pt.log1p(mean / shape)
    first = -pt.log1p(u * pt.expm1(-groups))
    left = pt.maximum(shape * (1 - first / groups), 1e-9)
    others = pm.NegativeBinomial.dist(mu=mean * left / shape, alpha=left)
    size_of_first = pt.floor(1 + pt.log(v) / pt.log(-pt.expm1(w * pt.log(shape / (shape + mean)))))
    # A draw is a float, because a bin of large counts is represented by points between them.
    return size_of_first + others.astype("float64")
