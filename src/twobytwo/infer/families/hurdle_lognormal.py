"""Zeros and lognormal positives: effects on the overall mean, split into participation and intensity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr

from twobytwo.data.cells import Cells
from twobytwo.infer.families import hurdle
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.gaussian import observe_once, observe_users
from twobytwo.infer.families.lognormal import LogNormal, pooled_sigma
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["HurdleLogNormal"]


class HurdleLogNormal(Family):
    """Zeros or lognormal; ``activity`` (log-odds), ``location`` (mean of the logs) and ``sigma`` of cells.

    Of a pair it assumes the four patterns of activity; for users active in both periods bivariate normal
    logarithms, for users active in one period lognormal outcomes with a level and a spread of their own.

    Examples
    --------
    >>> import numpy as np
    >>> parameters = {"activity": 0.0, "location": 4.0, "sigma": 1.5}
    >>> draws = HurdleLogNormal().simulate(parameters, 10_000, np.random.default_rng(1))
    >>> bool(0.45 < (draws == 0).mean() < 0.55)
    True
    """

    name: ClassVar[str] = "hurdle_lognormal"
    estimand: ClassVar[Estimand] = "mean"
    link: ClassVar[Literal["identity", "log"]] = "log"
    zeros: ClassVar[bool] = True
    normal_logs: ClassVar[bool] = True
    equivariant: ClassVar[bool] = True
    # Two kinds of effects: shorter steps than for one.
    target_accept: ClassVar[float] = 0.75

    def check(self, cells: Cells) -> None:
        """Accept zeros and positive outcomes whose log-sd is within the bounds of the prior."""
        self.check_users(cells)
        hurdle.check_hurdle(cells, self.name)
        LogNormal.check_spread(cells, self.name)
        LogNormal.refuse_randomised(cells, self.name)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log ratios around the pooled mean of the positive outcomes' logs."""
        return LogNormal().reference(cells)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add activity, ``sigma`` and the statistics of the logs, by pattern of activity for pairs."""
        hurdle.observe_activity(cells, priors)
        sigma = pooled_sigma(LogNormal.log_sd(cells).to_numpy(), priors, cells.dims)
        patterns = cells.joint.activity("log")
        both = patterns.isel(pattern=0)
        observe_users(both, location, sigma)
        if cells.joint.size == 1:
            return
        singles = np.stack([patterns["mean"].to_numpy()[:, t + 1, t] for t in (0, 1)], axis=-1)
        shift = hurdle.shift_of_single(cells, singles, both["mean"].to_numpy())
        log_ratio = pm.Normal("single_log_sigma_ratio", 0.0, 0.3, dims=cells.dims)
        spread = pm.Deterministic("single_sigma", sigma * pm.math.exp(log_ratio), dims=cells.dims)
        observe_once(patterns, location + shift, spread)

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the overall mean, its factors, and the geometric mean of the active (in both)."""
        location, sigma = posterior["location"], posterior["sigma"]
        mean, single = xr.ufuncs.exp(location + sigma**2 / 2), None
        if "single_shift" in posterior:
            single = mean * xr.ufuncs.exp(
                posterior["single_shift"] + (posterior["single_sigma"] ** 2 - sigma**2) / 2
            )
        made = hurdle.values_with_zeros(posterior, mean, single)
        return made | {"geometric_mean": xr.ufuncs.exp(location)}

    def rough_means(self, cells: Cells) -> npt.NDArray[np.float64] | None:
        """Give the share of positives times ``exp(m + s²/2)`` from the moments of their logs."""
        logs, n = cells.moments("log"), cells.moments()["n"]
        return (logs["n"] / n * np.exp(logs["mean"] + logs["ss"] / logs["n"] / 2)).to_numpy()

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-probability of zeros, log-density of positive outcomes; for independent rows."""
        positive = LogNormal().log_density(parameters, np.where(value > 0, value, 1.0))
        return hurdle.log_density_with_zeros(parameters, value, positive)

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw zeros and lognormal outcomes; of pairs those of one period."""
        location, sigma = (np.full(size, parameters[name]) for name in ("location", "sigma"))
        if "single_shift" in parameters:
            single = hurdle.draw_single(parameters, size, rng)
            location[single] += parameters["single_shift"]
            sigma[single] = parameters["single_sigma"]
        return hurdle.simulate_with_zeros(parameters, rng.lognormal(location, sigma), rng)
