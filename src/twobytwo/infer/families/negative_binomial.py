"""Counts: negative binomial cells with a log link, whose limit is Poisson; effects on the mean.

The likelihood of a cell depends on its rows through their number, their sum and the sum of
``log Γ(y + α)``. Whole numbers that fall one to a bin are their own points, so that it is exact for them.
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
from scipy.special import digamma

from twobytwo.ask.metric import Kind
from twobytwo.data.cells import Cells
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.gamma import pooled_log_shape
from twobytwo.infer.families.points import weighted_points
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["NegativeBinomial", "log_density"]

# The logarithm of α: at 0 a standard deviation of √(m + m²); from 4 on, for means about 1, as good as
# Poisson.
_POOLED, _POOLED_SD = 1.0, 2.0
# Where to start with counts that vary no more than Poisson ones.
_LEAST_EXCESS = 0.02
# Between which logarithms of α its best value is looked for, and how often that is halved.
_LOW, _HIGH, _HALVINGS = -12.0, 12.0, 40


class NegativeBinomial(Family):
    """Negative binomial cells; parameters ``location`` (log of the mean) and ``log_shape`` (log of α).

    The variance is ``m + m²/α``; as α grows it becomes that of a Poisson distribution.

    Examples
    --------
    >>> import numpy as np
    >>> parameters = {"location": 0.0, "log_shape": 0.0}
    >>> draws = NegativeBinomial().simulate(parameters, 10_000, np.random.default_rng(1))
    >>> bool(abs(draws.mean() - 1) < 0.05 and abs(draws.var() - 2) < 0.2)
    True
    """

    name: ClassVar[str] = "negative_binomial"
    estimand: ClassVar[Estimand] = "mean"
    kinds: ClassVar[tuple[Kind, ...]] = ("count",)
    link: ClassVar[Literal["identity", "log", "logit"]] = "log"
    events: ClassVar[bool] = True
    columns: ClassVar[tuple[int, ...] | None] = (1,)
    # Near the Poisson limit the shape has a cliff on one side and only its prior on the other.
    target_accept: ClassVar[float] = 0.95

    def check(self, cells: Cells) -> None:
        """Accept counts of users or rows with one value each."""
        self.check_users(cells)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log ratios around the logarithm of the cells' means."""
        logs = xr.ufuncs.log(cells.moments()["mean"])
        return Reference(origin=float(logs.mean()), scale=1.0, baseline=0.0, location=logs)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add ``log_shape``, partially pooled over cells, and observe the counts."""
        moments = cells.moments()
        mean, variance = moments["mean"].to_numpy(), (moments["ss"] / moments["n"]).to_numpy()
        start = mean**2 / np.maximum(variance - mean, _LEAST_EXCESS * mean)
        shape = pm.math.exp(pooled_log_shape(start, priors, cells.dims, centre=_POOLED, spread=_POOLED_SD))
        weighted_points(
            cells.points(),
            # A draw is a float, because a bin of large counts is represented by points between them.
            lambda size, mean, shape: pm.NegativeBinomial.dist(mu=mean, alpha=shape, size=size).astype(
                "float64"
            ),
            pm.math.exp(location),
            shape,
            log_density=log_density,
        )

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the means."""
        return {"mean": xr.ufuncs.exp(posterior["location"])}

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-probability of counts."""
        mean, shape = np.exp(parameters["location"]), np.exp(parameters["log_shape"])
        return scipy.stats.nbinom.logpmf(value, shape, shape / (shape + mean))

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw counts."""
        mean, shape = np.exp(parameters["location"]), np.exp(parameters["log_shape"])
        return rng.negative_binomial(shape, shape / (shape + mean), size).astype(float)

    def zero_shares(self, posterior: xr.Dataset) -> npt.NDArray[np.float64]:
        """Give the probability of no event."""
        typical = posterior.median(("chain", "draw"))
        mean, shape = np.exp(typical["location"].to_numpy()), np.exp(typical["log_shape"].to_numpy())
        return _no_event(mean, shape)

    def rough_zero_shares(self, cells: Cells) -> npt.NDArray[np.float64]:
        """Give the probability of no event at the best mean, which is the raw one, and the best α.

        The slope of the likelihood in α is ``mean(ψ(y + α)) − ψ(α) + log(α / (α + m))``, which falls through
        zero once, or stays above it where counts vary no more than Poisson ones.
        """
        points, mean = cells.points(), cells.moments()["mean"].to_numpy()
        value, weight = points["value"].to_numpy(), points["weight"].to_numpy()
        weight = weight / weight.sum(axis=-1, keepdims=True)
        low, high = np.full(mean.shape, _LOW), np.full(mean.shape, _HIGH)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            shape = np.exp(middle)
            slope = (weight * digamma(value + shape[..., None])).sum(axis=-1) - digamma(shape)
            rising = slope > np.log1p(mean / shape)
            low, high = np.where(rising, middle, low), np.where(rising, high, middle)
        return _no_event(mean, np.exp((low + high) / 2))

    def spread_ratio(self, cells: Cells, posterior: xr.Dataset) -> float:
        """Compare the standard deviation of the counts with the family's: what else spreads them."""
        typical = posterior.median(("chain", "draw"))
        mean, shape = np.exp(typical["location"].to_numpy()), np.exp(typical["log_shape"].to_numpy())
        moments = cells.moments()
        variance = (moments["ss"] / moments["n"]).to_numpy()
        return float(np.sqrt(variance / (mean + mean**2 / shape)).max())


def _no_event(mean: npt.NDArray[np.float64], shape: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    chance: npt.NDArray[np.float64] = np.exp(-shape * np.log1p(mean / shape))
    return chance


def log_density(value: Any, mean: Any, shape: Any) -> Any:
    """Log-probability of a count, for PyTensor; smooth between whole numbers."""
    total = shape + mean
    return (
        pt.gammaln(value + shape)
        - pt.gammaln(shape)
        - pt.gammaln(value + 1)
        + shape * pt.log(shape / total)
        + value * pt.log(mean / total)
    )
