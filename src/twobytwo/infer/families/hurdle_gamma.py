"""Zeros and gamma positives: effects on the overall mean, split into participation and intensity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr

from twobytwo.data.cells import Cells
from twobytwo.infer.families import gamma, hurdle
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["HurdleGamma"]


class HurdleGamma(Family):
    """Zeros or gamma; ``activity`` (log-odds), ``location`` (log mean of the active), ``log_shape`` of cells.

    Of a pair it assumes the four patterns of activity; for users active in both periods what `Gamma`
    assumes, for users active in one period gamma outcomes with a level and a shape of their own.

    Examples
    --------
    >>> import numpy as np
    >>> parameters = {"activity": 0.0, "location": 4.0, "log_shape": 0.0}
    >>> draws = HurdleGamma().simulate(parameters, 10_000, np.random.default_rng(1))
    >>> bool(0.45 < (draws == 0).mean() < 0.55)
    True
    """

    name: ClassVar[str] = "hurdle_gamma"
    estimand: ClassVar[Estimand] = "mean"
    link: ClassVar[Literal["identity", "log"]] = "log"
    zeros: ClassVar[bool] = True
    equivariant: ClassVar[bool] = True
    # Two kinds of effects: shorter steps than for one.
    target_accept: ClassVar[float] = 0.75

    def check(self, cells: Cells) -> None:
        """Accept zeros and positive outcomes."""
        self.check_users(cells)
        hurdle.check_hurdle(cells, self.name)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log ratios around the log of the active users' means."""
        return gamma.Gamma().reference(cells)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add activity, ``log_shape`` and the statistics of the positive outcomes."""
        hurdle.observe_activity(cells, priors)
        log_shape = gamma.pooled_log_shape(gamma.start_shape(cells), priors, cells.dims)
        mean, shape = pm.math.exp(location), pm.math.exp(log_shape)
        if cells.joint.size == 1:
            gamma.observe_gamma_rows(gamma.row_points(cells), mean, shape)
            return
        gamma.observe_gamma_pairs(cells, mean, shape)
        raw, logs = (cells.joint.activity(kind) for kind in ("raw", "log"))
        n, singles, single_logs = (
            np.stack([moments.to_numpy()[:, t + 1, ...] for t in (0, 1)], axis=1)
            for moments in (raw["n"], raw["mean"], logs["mean"])
        )
        singles, single_logs = (values[:, [0, 1], [0, 1]] for values in (singles, single_logs))
        nobody = n == 0
        both = raw["mean"].isel(pattern=0).to_numpy()
        with np.errstate(divide="ignore"):
            shift = hurdle.shift_of_single(cells, np.where(nobody, 0.0, np.log(singles / both)), 0.0 * both)
        log_ratio = pm.Normal("single_log_shape_ratio", 0.0, 0.5, dims=cells.dims)
        # Weight 0 takes a cell without such users out; its value only has to be positive.
        points = gamma.two_points(
            n, np.where(nobody, 1.0, singles), np.where(nobody, 0.0, single_logs), cells.dims
        )
        spread = pm.Deterministic("single_shape", shape * pm.math.exp(log_ratio), dims=cells.dims)
        gamma.observe_gamma_rows(points, mean * pm.math.exp(shift), spread, "single_points")

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the overall mean and its two factors."""
        mean, single = xr.ufuncs.exp(posterior["location"]), None
        if "single_shift" in posterior:
            single = mean * xr.ufuncs.exp(posterior["single_shift"])
        return hurdle.values_with_zeros(posterior, mean, single)

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-probability of zeros, log-density of positive outcomes; for independent rows."""
        positive = gamma.Gamma().log_density(parameters, np.where(value > 0, value, 1.0))
        return hurdle.log_density_with_zeros(parameters, value, positive)

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw zeros and gamma outcomes; of pairs those of one period."""
        positive = gamma.gamma_row(parameters, size, rng)
        if "single_shift" in parameters:
            single = hurdle.draw_single(parameters, size, rng)
            shape = parameters["single_shape"]
            mean = np.exp(parameters["location"] + parameters["single_shift"])
            positive[single] = rng.gamma(shape, mean / shape, int(single.sum()))
        return hurdle.simulate_with_zeros(parameters, positive, rng)

    def spread_ratio(self, cells: Cells, posterior: xr.Dataset) -> float:
        """Compare the standard deviation of positive outcomes with a gamma's."""
        return gamma.gamma_spread(cells, posterior)
