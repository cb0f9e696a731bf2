"""Lognormal cells: a normal likelihood on the logarithms, effects on the mean ``exp(μ + σ²/2)``.

The mean is right only where the logarithms really are normal; the fidelity gates compare it with the
raw mean of every cell. The posterior mean of ``exp(μ + σ²/2)`` need not exist when σ is unbounded
(Fabrizi & Trivisano 2012), hence the bounds on σ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr
from scipy.special import logit

from twobytwo.cells import Cells
from twobytwo.errors import DataError
from twobytwo.families.base import Estimand, Reference
from twobytwo.families.gaussian import observe_gaussian

__all__ = ["LogNormal"]

# Bounds of a cell's log-sd, and the normal prior of its pooled logit: mean and sd chosen so that the
# log-sd itself is about N(1.2, 0.6) within the bounds, as minutes per user usually are.
_LOW, _HIGH = 0.05, 3.0
_POOLED_LOGIT, _POOLED_LOGIT_SD = -0.45, 0.86
# Cells of one experiment have similar spreads: about ±0.3 in the log-sd.
_CELL_LOGIT_SD = 0.4


class LogNormal:
    """Lognormal likelihood; parameters ``location`` (mean of the logs) and ``sigma`` of every cell.

    Of a pair it assumes that the logarithms of a user's two values are bivariate normal, each group with
    a correlation of its own.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> bool((LogNormal().simulate({"location": 4.0, "sigma": 1.5}, 100, rng) > 0).all())
    True
    """

    name: ClassVar[str] = "lognormal"
    estimand: ClassVar[Estimand] = "mean"

    def check(self, cells: Cells) -> None:
        """Accept positive outcomes whose log-sd is within the bounds of the prior."""
        zeros, negatives = (int(cells.count(sign).sum()) for sign in ("zero", "negative"))
        outcome = cells.design.outcome
        if zeros or negatives:
            msg = (
                f"Column {outcome!r} has {zeros:,} zeros and {negatives:,} negative values among "
                f'{cells.rows:,} rows; family="lognormal" needs positive outcomes. Use family="normal", '
                "which is safe for the mean; log(1 + y) would make the effect depend on the unit."
            )
            raise DataError(msg)
        log_sd = self._log_sd(cells)
        if not (log_sd > _LOW).all() or not (log_sd < _HIGH).all():
            msg = (
                f"Column {outcome!r} has log-scale standard deviations from {float(log_sd.min()):.3g} to "
                f'{float(log_sd.max()):.3g}; family="lognormal" is meant for {_LOW} to {_HIGH}. '
                'Use family="normal".'
            )
            raise DataError(msg)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log ratios around the pooled mean of the logs."""
        moments = cells.moments("log")
        pooled = float((moments["n"] * moments["mean"]).sum() / moments["n"].sum())
        return Reference(origin=pooled, scale=1.0, baseline=0.0, location=moments["mean"])

    def likelihood(self, cells: Cells, location: Any, spread: float) -> None:
        """Add ``sigma``, partially pooled over cells, and the observed statistics of the logs."""
        start = logit((self._log_sd(cells).to_numpy() - _LOW) / (_HIGH - _LOW))
        pooled = pm.Normal(
            "pooled_logit_sigma", mu=_POOLED_LOGIT, sigma=_POOLED_LOGIT_SD, initval=start.mean()
        )
        cell = pm.Normal(
            "logit_sigma",
            mu=pooled,
            sigma=pm.Data("logit_sigma_sd", _CELL_LOGIT_SD * spread),
            initval=start,
            dims=cells.dims,
        )
        sigma = pm.Deterministic("sigma", _LOW + (_HIGH - _LOW) * pm.math.sigmoid(cell), dims=cells.dims)
        observe_gaussian(cells, "log", location, sigma)

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the cell means ``exp(μ + σ²/2)`` and the geometric means ``exp(μ)``."""
        location, sigma = posterior["location"], posterior["sigma"]
        return {"mean": xr.ufuncs.exp(location + sigma**2 / 2), "geometric_mean": xr.ufuncs.exp(location)}

    def simulate(
        self, parameters: Mapping[str, float], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw lognormal outcomes."""
        return rng.lognormal(parameters["location"], parameters["sigma"], size)

    @staticmethod
    def _log_sd(cells: Cells) -> xr.DataArray:
        moments = cells.moments("log")
        return xr.ufuncs.sqrt(moments["ss"] / moments["n"])
