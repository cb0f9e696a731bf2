"""Normal cells with a standard deviation each: safe for the mean whatever the data look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt
import pymc as pm
import scipy
import xarray as xr

from twobytwo.ask.metric import Kind
from twobytwo.data.cells import Cells
from twobytwo.data.slopes import common_slope
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.gaussian import observe_alike, observe_gaussian
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["Normal"]


class Normal(Family):
    """Normal likelihood; parameters ``location`` (the mean) and ``log_sd`` of every cell.

    Of users with several values it assumes that these are multivariate normal, each group with correlations
    of its own; groups drawn at random, of which one is much smaller than another, with regressions on the
    value before that they share. For the mean and its uncertainty in large samples only the two first moments
    matter.

    Examples
    --------
    >>> import numpy as np
    >>> draws = Normal().simulate({"location": 10.0, "log_sd": 0.0}, 4, np.random.default_rng(1))
    >>> draws.shape
    (4,)
    """

    name: ClassVar[str] = "normal"
    estimand: ClassVar[Estimand] = "mean"
    kinds: ClassVar[tuple[Kind, ...]] = get_args(Kind)
    additive: ClassVar[bool] = True
    raw_means: ClassVar[bool] = True
    adjusts: ClassVar[bool] = True
    equivariant: ClassVar[bool] = True
    users: ClassVar[Literal["raw", "log"] | None] = "raw"
    columns: ClassVar[tuple[int, ...] | None] = None
    covariates: ClassVar[bool] = True

    def check(self, cells: Cells) -> None:
        """Accept any finite outcome."""

    def reference(self, cells: Cells) -> Reference:
        """Scale by the pooled mean; start at the cell means."""
        return Reference.identity(cells, cells.moments()["mean"])

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add ``log_sd`` and the observed sufficient statistics."""
        if common_slope(cells):
            sd = observe_alike(cells, location, priors)
            pm.Deterministic("log_sd", pm.math.log(sd), dims=cells.dims)
            return
        moments = cells.moments()
        n, squares = moments["n"].to_numpy(), moments["ss"].to_numpy()
        log_sd = np.log(squares / n) / 2
        pooled = float(np.log(squares.sum() / n.sum()) / 2)
        parameter = pm.Normal(
            "log_sd",
            mu=pm.Data("log_sd_prior_mean", pooled),
            sigma=pm.Data("log_sd_prior_sd", priors.spread),
            initval=log_sd,
            dims=cells.dims,
        )
        observe_gaussian(cells, "raw", location, pm.math.exp(parameter))

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the cell means themselves."""
        return {"mean": posterior["location"]}

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density of the normal distribution."""
        return scipy.stats.norm.logpdf(value, parameters["location"], np.exp(parameters["log_sd"]))

    def sd_of_users(self, parameters: Mapping[str, Any]) -> Any:
        """Give the standard deviation of the outcomes."""
        return np.exp(parameters["log_sd"])

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw normal outcomes."""
        return rng.normal(parameters["location"], np.exp(parameters["log_sd"]), size)
