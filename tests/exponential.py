"""A family that the package does not have, as its one file would be: ``infer/families/exponential.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr
from scipy import stats

from twobytwo.data.cells import Cells
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.hurdle import refuse_nonpositive
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors


class Exponential(Family):
    """Exponential cells; parameter ``location``, the log of the mean."""

    name: ClassVar[str] = "exponential"
    estimand: ClassVar[Estimand] = "mean"
    link: ClassVar[Literal["identity", "log", "logit"]] = "log"
    equivariant: ClassVar[bool] = True
    columns: ClassVar[tuple[int, ...] | None] = (1,)

    def check(self, cells: Cells) -> None:
        """Accept positive outcomes, one for each user."""
        self.check_users(cells)
        refuse_nonpositive(cells, self.name)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log ratios around the logarithm of the cells' means."""
        logs = xr.ufuncs.log(cells.moments()["mean"])
        return Reference(origin=float(logs.mean()), scale=1.0, baseline=0.0, location=logs)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:  # noqa: ARG002 - no spread
        """Observe the means: n exponential outcomes add up to a gamma one of shape n."""
        moments = cells.moments()
        n = pm.Data("n", moments["n"].to_numpy().astype(float), dims=cells.dims)
        mean = pm.Data("mean", moments["mean"].to_numpy(), dims=cells.dims)
        pm.Gamma("sample_mean", alpha=n, beta=n * pm.math.exp(-location), observed=mean, dims=cells.dims)

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the means."""
        return {"mean": xr.ufuncs.exp(posterior["location"])}

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density of the exponential distribution."""
        return stats.expon.logpdf(value, scale=np.exp(parameters["location"]))

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw outcomes."""
        return rng.exponential(np.exp(parameters["location"]), size)
