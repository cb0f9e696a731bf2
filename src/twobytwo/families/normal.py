"""Normal cells with a standard deviation each: safe for the mean whatever the data look like.

The sample mean and the sum of squares of a cell are sufficient, so the likelihood is theirs:
``ȳ ~ N(μ, σ/√n)`` and ``SS ~ Gamma((n − 1)/2, rate 1/(2σ²))``, equal to the row-level one up to a
constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr

from twobytwo.cells import Cells
from twobytwo.families.base import Estimand, Reference

__all__ = ["Normal", "gaussian_statistics"]


def gaussian_statistics(moments: xr.Dataset, location: Any, sd: Any) -> None:
    """Observe the sufficient statistics of normal cells in the current model.

    Parameters
    ----------
    moments
        ``n``, ``mean`` and ``ss`` of every cell, dims the factors.
    location, sd
        Parameters of every cell, in the same dims.
    """
    dims = tuple(map(str, moments["n"].dims))
    n = pm.Data("n", moments["n"].to_numpy(), dims=dims)
    mean = pm.Data("mean_data", moments["mean"].to_numpy(), dims=dims)
    ss = pm.Data("ss_data", moments["ss"].to_numpy(), dims=dims)
    pm.Normal("sample_mean", mu=location, sigma=sd / n**0.5, observed=mean, dims=dims)
    pm.Gamma("sample_ss", alpha=(n - 1) / 2, beta=0.5 / sd**2, observed=ss, dims=dims)


class Normal:
    """Normal likelihood; parameters ``location`` (the mean) and ``log_sd`` of every cell.

    Examples
    --------
    >>> import numpy as np
    >>> draws = Normal().simulate({"location": 10.0, "log_sd": 0.0}, 4, np.random.default_rng(1))
    >>> draws.shape
    (4,)
    """

    name: ClassVar[str] = "normal"
    estimand: ClassVar[Estimand] = "mean"

    def check(self, cells: Cells) -> None:
        """Accept any finite outcome."""

    def reference(self, cells: Cells) -> Reference:
        """Scale by the pooled mean; start at the cell means."""
        return Reference.identity(cells, cells.moments()["mean"])

    def likelihood(self, cells: Cells, location: Any, spread: float) -> None:
        """Add ``log_sd`` and the observed sufficient statistics."""
        moments = cells.moments()
        log_sd = xr.ufuncs.log(moments["ss"] / moments["n"]) / 2
        pooled = float(xr.ufuncs.log(moments["ss"].sum() / moments["n"].sum()) / 2)
        parameter = pm.Normal(
            "log_sd",
            mu=pm.Data("log_sd_prior_mean", pooled),
            sigma=pm.Data("log_sd_prior_sd", spread),
            initval=log_sd.to_numpy(),
            dims=cells.dims,
        )
        gaussian_statistics(moments, location, pm.math.exp(parameter))

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the cell means themselves."""
        return {"mean": posterior["location"]}

    def simulate(
        self, parameters: Mapping[str, float], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw normal outcomes."""
        return rng.normal(parameters["location"], np.exp(parameters["log_sd"]), size)
