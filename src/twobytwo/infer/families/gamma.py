"""Gamma cells with a log link: effects on the mean, exact from three statistics.

The likelihood of a cell depends on its rows through their number, sum and sum of logarithms. Two points
with the same three statistics stand for all of them, exactly.

Pairs: the value before is gamma; given it, the value after is gamma with a mean that is linear in it,
``m₁ (1 − β + β y₀ / m₀)`` with β between 0 and 1. So ``m₁`` is the mean after whatever β is, and β = 0 are
unrelated values. The likelihood needs the values after only as their total in narrow bins of the values
before.
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

from twobytwo.data.cells import Cells
from twobytwo.errors import DesignError
from twobytwo.infer.families.base import Estimand, Family, alike
from twobytwo.infer.families.hurdle import refuse_nonpositive
from twobytwo.infer.families.points import add_counted, weighted_points
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = [
    "Gamma",
    "gamma_row",
    "gamma_spread",
    "observe_gamma_pairs",
    "observe_gamma_rows",
    "pooled_log_shape",
    "start_shape",
]

# Log-shape: exponential outcomes have 0, minutes per user about -1; cells of one experiment are alike.
_POOLED, _POOLED_SD, _CELL_SD = -0.5, 1.0, 0.4
# Between unrelated and proportional values of a user: the logit of β.
_DEPENDENCE_SD = 1.5


class Gamma(Family):
    """Gamma likelihood; parameters ``location`` (log of the mean) and ``log_shape`` of every cell.

    Of a pair it assumes that the value after is gamma given the value before, with a mean linear in it;
    ``log_shape`` of the period after then is that of the value given the one before.

    Examples
    --------
    >>> import numpy as np
    >>> draws = Gamma().simulate({"location": 4.0, "log_shape": 0.0}, 10_000, np.random.default_rng(1))
    >>> bool(abs(draws.mean() / np.exp(4.0) - 1) < 0.05)
    True
    """

    name: ClassVar[str] = "gamma"
    estimand: ClassVar[Estimand] = "mean"
    link: ClassVar[Literal["identity", "log"]] = "log"
    equivariant: ClassVar[bool] = True

    def check(self, cells: Cells) -> None:
        """Accept positive outcomes."""
        self.check_users(cells)
        refuse_nonpositive(cells, self.name)
        if cells.design.paired and (cells.design.missing == "available" or cells.design.randomised):
            said = 'missing="available"' if cells.design.missing == "available" else alike(cells.design)
            msg = (
                f"family={self.name!r} models a value after given the one before and does not know {said} "
                'together with unit=; use family="normal".'
            )
            raise DesignError(msg)

    def reference(self, cells: Cells) -> Reference:
        """Scale effects as log ratios around the logarithm of the cells' means."""
        logs = xr.ufuncs.log(positive_means(cells))
        return Reference(origin=float(logs.mean()), scale=1.0, baseline=0.0, location=logs)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add ``log_shape``, partially pooled over cells, and the observed statistics."""
        shape = pm.math.exp(pooled_log_shape(start_shape(cells), priors, cells.dims))
        if cells.joint.size == 1:
            observe_gamma_rows(row_points(cells), pm.math.exp(location), shape)
        else:
            observe_gamma_pairs(cells, pm.math.exp(location), shape)

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the means."""
        return {"mean": xr.ufuncs.exp(posterior["location"])}

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density of the gamma distribution; for independent rows."""
        shape = np.exp(parameters["log_shape"])
        return scipy.stats.gamma.logpdf(value, shape, scale=np.exp(parameters["location"]) / shape)

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw gamma outcomes; of pairs those of one period."""
        return gamma_row(parameters, size, rng)

    def spread_ratio(self, cells: Cells, posterior: xr.Dataset) -> float:
        """Compare the standard deviation of positive outcomes with a gamma's."""
        return gamma_spread(cells, posterior)


def gamma_spread(cells: Cells, posterior: xr.Dataset) -> float:
    """Compare the standard deviation of positive outcomes with a gamma's, in the cell where it is worst."""
    typical = posterior.median(("chain", "draw"))
    mean, shape = np.exp(typical["location"].to_numpy()), np.exp(typical["log_shape"].to_numpy())
    squared = 1 / shape
    if cells.joint.size > 1:
        both = cells.joint.activity().isel(pattern=0)
        variance = (both["ss"] / both["n"]).to_numpy()
        # After, given before: the variance of the mean and the mean of the variance.
        slope = typical["dependence"].to_numpy()[:, 1]
        squared[:, 1] = (1 + slope**2 * squared[:, 0]) / shape[:, 1] + slope**2 * squared[:, 0]
    else:
        moments, n = cells.moments(), cells.count("positive").to_numpy()
        rows, raw, ss = (moments[name].to_numpy() for name in ("n", "mean", "ss"))
        variance = (ss + rows * raw**2) / n - (rows * raw / n) ** 2
    return float((np.sqrt(variance / squared) / mean).max())


def gamma_row(parameters: Mapping[str, Any], size: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw gamma outcomes of a cell, given the value before if the parameters say how."""
    mean, shape = np.exp(parameters["location"]), np.exp(parameters["log_shape"])
    if "dependence" in parameters:
        before = rng.gamma(parameters["shape_before"], 1 / parameters["shape_before"], size)
        mean = mean * (1 + parameters["dependence"] * (before - 1))
    return rng.gamma(shape, mean / shape, size)


def positive_means(cells: Cells) -> xr.DataArray:
    """Means of the positive outcomes of every cell whose other outcomes are zero."""
    moments = cells.moments()
    return moments["n"] * moments["mean"] / cells.count("positive")


def start_shape(cells: Cells) -> npt.NDArray[np.float64]:
    """Approximate maximum-likelihood shape of every cell (Minka 2002)."""
    gap = np.log(positive_means(cells).to_numpy()) - cells.moments("log")["mean"].to_numpy()
    gap = np.maximum(gap, 1e-6)
    return (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)


def pooled_log_shape(
    start: npt.NDArray[np.float64],
    priors: Priors,
    dims: tuple[str, ...],
    *,
    centre: float = _POOLED,
    spread: float = _POOLED_SD,
) -> Any:
    """Add ``log_shape`` of every cell, partially pooled, to the current model."""
    logs = np.log(start)
    pooled = pm.Normal("pooled_log_shape", centre, spread, initval=logs.mean())
    width = pm.Data("log_shape_sd", _CELL_SD * priors.spread)
    return pm.Normal("log_shape", mu=pooled, sigma=width, initval=logs, dims=dims)


def two_points(n: Any, mean: Any, log_mean: Any, dims: tuple[str, ...]) -> xr.Dataset:
    """Two points per cell that have the number, the mean and the mean logarithm of its rows.

    Notes
    -----
    ``mean · (1 ± d)`` with ``½ log(1 − d²) = log_mean − log(mean)``.
    """
    n, mean, log_mean = (np.asarray(values, dtype=float) for values in (n, mean, log_mean))
    both = np.minimum(2 * (log_mean - np.log(mean)), 0.0)
    upper = 1 + np.sqrt(-np.expm1(both))
    # The lower one from their product: 1 − d would lose its digits where values are very unequal.
    value = mean[..., None] * np.stack([np.exp(both) / upper, upper], axis=-1)
    weight = np.repeat(n[..., None] / 2, 2, axis=-1)
    # Values so unequal that the lower one is 0 in floating point would have no logarithm.
    value = np.maximum(value, np.finfo(float).tiny)
    return xr.Dataset({"value": ((*dims, "point"), value), "weight": ((*dims, "point"), weight)})


def row_points(cells: Cells) -> xr.Dataset:
    """Two points per cell for its positive rows."""
    log_mean = cells.moments("log")["mean"].to_numpy()
    return two_points(
        cells.count("positive").to_numpy(), positive_means(cells).to_numpy(), log_mean, cells.dims
    )


def observe_gamma_rows(points: xr.Dataset, mean: Any, shape: Any, name: str = "points") -> None:
    """Observe gamma outcomes of cells by their two points."""
    weighted_points(
        points,
        lambda size, mean, shape: pm.Gamma.dist(alpha=shape, beta=shape / mean, size=size),
        mean,
        shape,
        name=name,
    )


def observe_gamma_pairs(cells: Cells, mean: Any, shape: Any) -> None:
    """Observe the pairs of users active in both periods.

    Parameters
    ----------
    cells
        The data, with pairs.
    mean, shape
        Of the cells; dims group and period.
    """
    group, both = cells.dims[0], cells.joint.activity().isel(pattern=0)
    logs = cells.joint.activity("log")["mean"].isel(pattern=0).to_numpy()
    n, means = both["n"].to_numpy(), both["mean"].to_numpy()
    observe_gamma_rows(
        two_points(n, means[:, 0], logs[:, 0], (group,)), mean[:, 0], shape[:, 0], "before_points"
    )
    logit = pm.Normal("logit_dependence", 0.0, _DEPENDENCE_SD, dims=group)
    slope = pm.math.sigmoid(logit)
    by_cell = pt.stack([pt.zeros_like(slope), slope], axis=-1)
    pm.Deterministic("dependence", by_cell, dims=cells.dims)
    pm.Deterministic("shape_before", shape[:, 0], dims=group)
    nodes = cells.joint.given.nodes()
    add_counted("node", nodes.sizes["node"])
    dims = (group, "node")
    before, users = (
        pm.Data(f"node_{name}", nodes[name].to_numpy(), dims=dims) for name in ("before", "users")
    )
    kept = pm.Data("node_counts", nodes["counts"].to_numpy(), dims=dims)
    total = pm.Data("node_total", nodes["total"].to_numpy(), dims=dims)
    log_after = pm.Data("log_after", logs[:, 1], dims=group)

    def draw(*arguments: Any) -> Any:
        mean0, mean1, shape1, slope, before, users, _, _, size = arguments
        given = mean1 * (1 + slope * (before / mean0 - 1))
        return pm.Gamma.dist(alpha=pt.maximum(users * shape1, 1e-9), beta=shape1 / given, size=size)

    def logp(observed: Any, *inputs: Any) -> Any:
        mean0, mean1, shape1, slope, before, _, kept, log_after = inputs
        given = mean1 * (1 + slope * (before / mean0 - 1))
        row = shape1 * pt.log(shape1 / given) - pt.gammaln(shape1) + (shape1 - 1) * log_after
        return kept * row - shape1 * observed / given

    pm.CustomDist(
        "after_total",
        *(p[:, None] for p in (mean[:, 0], mean[:, 1], shape[:, 1], slope)),
        before,
        users,
        kept,
        log_after[:, None],
        dist=draw,
        logp=logp,
        observed=total,
        dims=dims,
    )
