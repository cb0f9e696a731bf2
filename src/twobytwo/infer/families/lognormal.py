"""Lognormal cells: a normal likelihood on the logarithms, effects on the mean ``exp(μ + σ²/2)``.

The mean is right only where the logarithms really are normal; the fidelity gates compare it with the
raw mean of every cell. The posterior mean of ``exp(μ + σ²/2)`` need not exist when σ is unbounded
(Fabrizi & Trivisano 2012), hence the bounds on σ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pymc as pm
import scipy
import xarray as xr
from scipy.special import logit

from twobytwo.data.cells import Cells
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families.base import Estimand, Family, alike
from twobytwo.infer.families.gaussian import observe_gaussian
from twobytwo.infer.families.hurdle import refuse_nonpositive
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["LogNormal", "pooled_sigma"]

# Bounds of a cell's log-sd, and the normal prior of its pooled logit: mean and sd chosen so that the
# log-sd itself is about N(1.2, 0.6) within the bounds, as minutes per user usually are.
_LOW, _HIGH = 0.05, 3.0
_POOLED_LOGIT, _POOLED_LOGIT_SD = -0.45, 0.86
# Cells of one experiment have similar spreads: about ±0.3 in the log-sd.
_CELL_LOGIT_SD = 0.4


def pooled_sigma(log_sd: npt.NDArray[np.float64], priors: Priors, dims: tuple[str, ...]) -> Any:
    """Add ``sigma``, the log-sd of every cell, bounded and partially pooled, to the current model.

    Parameters
    ----------
    log_sd
        Of the data, by cell: where to start.
    priors
        ``spread`` scales how much cells may differ.
    dims
        Of the cells.
    """
    inside = np.clip(log_sd, _LOW + 0.01, _HIGH - 0.01)
    start = logit((inside - _LOW) / (_HIGH - _LOW))
    pooled = pm.Normal("pooled_logit_sigma", mu=_POOLED_LOGIT, sigma=_POOLED_LOGIT_SD, initval=start.mean())
    width = pm.Data("logit_sigma_sd", _CELL_LOGIT_SD * priors.spread)
    cell = pm.Normal("logit_sigma", mu=pooled, sigma=width, initval=start, dims=dims)
    return pm.Deterministic("sigma", _LOW + (_HIGH - _LOW) * pm.math.sigmoid(cell), dims=dims)


class LogNormal(Family):
    """Lognormal likelihood; parameters ``location`` (mean of the logs) and ``sigma`` of every cell.

    Of users with several values it assumes that their logarithms are multivariate normal, each group with
    correlations of its own.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> bool((LogNormal().simulate({"location": 4.0, "sigma": 1.5}, 100, rng) > 0).all())
    True
    """

    name: ClassVar[str] = "lognormal"
    estimand: ClassVar[Estimand] = "mean"
    link: ClassVar[Literal["identity", "log"]] = "log"
    normal_logs: ClassVar[bool] = True
    equivariant: ClassVar[bool] = True
    users: ClassVar[Literal["raw", "log"] | None] = "log"
    columns: ClassVar[tuple[int, ...] | None] = None

    def check(self, cells: Cells) -> None:
        """Accept positive outcomes whose log-sd is within the bounds of the prior."""
        self.check_users(cells)
        refuse_nonpositive(cells, self.name)
        self.check_spread(cells, self.name)
        self.refuse_randomised(cells, self.name)

    @staticmethod
    def refuse_randomised(cells: Cells, name: str) -> None:
        """Refuse groups drawn at random (`DesignError`): equal locations before are no equal means."""
        if cells.design.randomised:
            msg = (
                f"family={name!r} has a spread for every cell, so groups with one location before still "
                f'differ in their means; leave out {alike(cells.design)}, or use family="normal".'
            )
            raise DesignError(msg)

    @staticmethod
    def check_spread(cells: Cells, name: str) -> None:
        """Refuse positive outcomes whose log-sd is outside the bounds of the prior (`DataError`)."""
        log_sd = LogNormal.log_sd(cells)
        if not (log_sd > _LOW).all() or not (log_sd < _HIGH).all():
            msg = (
                f"Column {cells.design.metric.column!r} has log-scale standard deviations from "
                f"{float(log_sd.min()):.3g} to {float(log_sd.max()):.3g}; family={name!r} is meant for "
                f'{_LOW} to {_HIGH}. Use family="normal".'
            )
            raise DataError(msg)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log ratios around the pooled mean of the logs."""
        moments = cells.moments("log")
        n, means = moments["n"].to_numpy(), moments["mean"].to_numpy()
        pooled = float(np.nansum(n * means) / n.sum())
        return Reference(origin=pooled, scale=1.0, baseline=0.0, location=moments["mean"])

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add ``sigma``, partially pooled over cells, and the observed statistics of the logs."""
        sigma = pooled_sigma(self.log_sd(cells).to_numpy(), priors, cells.dims)
        observe_gaussian(cells, "log", location, sigma)

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the cell means ``exp(μ + σ²/2)`` and the geometric means ``exp(μ)``."""
        location, sigma = posterior["location"], posterior["sigma"]
        return {"mean": xr.ufuncs.exp(location + sigma**2 / 2), "geometric_mean": xr.ufuncs.exp(location)}

    def rough_means(self, cells: Cells) -> npt.NDArray[np.float64] | None:
        """Give ``exp(m + s²/2)`` from the moments of the logs."""
        moments = cells.moments("log")
        return np.exp((moments["mean"] + moments["ss"] / moments["n"] / 2).to_numpy())

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density of the lognormal distribution."""
        return scipy.stats.lognorm.logpdf(value, parameters["sigma"], scale=np.exp(parameters["location"]))

    def sd_of_users(self, parameters: Mapping[str, Any]) -> Any:
        """Give the standard deviation of the logs."""
        return parameters["sigma"]

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw lognormal outcomes."""
        return rng.lognormal(parameters["location"], parameters["sigma"], size)

    @staticmethod
    def log_sd(cells: Cells) -> xr.DataArray:
        """Give the standard deviation of the positive outcomes' logs in every cell."""
        moments = cells.moments("log")
        return xr.ufuncs.sqrt(moments["ss"] / moments["n"])
