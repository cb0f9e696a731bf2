"""Any density over the weighted points of the cells, as one observed variable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr

from twobytwo.data.bins import Bins
from twobytwo.data.cells import Cells

__all__ = ["add_counted", "largest_quantile", "pad_points", "weighted_points", "weighted_quantiles"]


def add_counted(dim: str, size: int) -> None:
    """Add a dimension to the current model whose length is data.

    How many points stand for the rows differs from table to table; one compiled density is for any number.
    """
    length = pm.Data(f"{dim}_length", np.array(size))
    pm.modelcontext(None).add_coord(dim, np.arange(size), length=length)


def weighted_points(
    points: xr.Dataset,
    distribution: Callable[..., Any],
    *parameters: Any,
    name: str = "points",
    log_density: Callable[..., Any] | None = None,
) -> None:
    """Observe the weighted points of every cell in the current model.

    Parameters
    ----------
    points
        Variables ``value`` and ``weight``, dims the cells' and ``point``; see `Bins.points`.
    distribution
        ``distribution(size, *parameters)`` gives the PyMC distribution of one row.
    *parameters
        Scalars, or arrays with the cells' dims.
    name
        Of the observed variable, where a model has several.
    log_density
        ``log_density(value, *parameters)``, where the distribution's own does not take the points.

    Notes
    -----
    The variable counts each point's log-density as often as it stands for rows. It is an
    observed variable, not a potential: prior and posterior predictive draws are draws of rows.
    """
    dims = tuple(map(str, points["value"].dims))
    prefix = "" if name == "points" else f"{name}_"
    dims = (*dims[:-1], f"{prefix}point")
    add_counted(dims[-1], points.sizes["point"])
    weight = pm.Data(f"{prefix}weight", points["weight"].to_numpy(), dims=dims)
    value = pm.Data(f"{prefix}value", points["value"].to_numpy(), dims=dims)

    def draw(*arguments: Any) -> Any:
        *inputs, _, size = arguments
        return distribution(size, *inputs)

    def weighted_logp(observed: Any, *inputs: Any) -> Any:
        *free, weights = inputs
        if log_density is not None:
            return weights * log_density(observed, *free)
        return weights * pm.logp(distribution(None, *free), observed)

    # A trailing axis broadcasts every cell's parameters over all of its points.
    spread_out = [p[..., None] if getattr(p, "ndim", 0) else p for p in parameters]
    pm.CustomDist(name, *spread_out, weight, dist=draw, logp=weighted_logp, observed=value, dims=dims)


def weighted_quantiles(bins: Bins, probability: float) -> xr.DataArray:
    """Quantile of the outcome in every cell, to the width of a bin.

    Parameters
    ----------
    bins
        The data.
    probability
        Between 0 and 1.

    Returns
    -------
    xarray.DataArray
        Units of the outcome, dims as the factors.
    """
    points = bins.points()
    order = points["value"].argsort(points["value"].get_axis_num("point"))
    value = np.take_along_axis(points["value"].to_numpy(), order.to_numpy(), axis=-1)
    weight = np.take_along_axis(points["weight"].to_numpy(), order.to_numpy(), axis=-1)
    share = np.cumsum(weight, axis=-1) / weight.sum(axis=-1, keepdims=True)
    first = (share >= probability).argmax(axis=-1)[..., None]
    chosen = np.take_along_axis(value, first, axis=-1)[..., 0]
    return points["value"].isel(point=0, drop=True).copy(data=chosen)


def pad_points(
    points: Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Stack values and weights of several sets of points; shapes (sets, length).

    Shorter sets are padded with their first value at weight 0.
    """
    length = max(len(value) for value, _ in points)
    values = np.stack([np.append(value, np.full(length - len(value), value[0])) for value, _ in points])
    weights = np.stack([np.append(weight, np.zeros(length - len(weight))) for _, weight in points])
    return values, weights


def largest_quantile(cells: Cells, probability: float) -> float:
    """Quantile of the outcome in the cell where it is largest, to the width of a bin and two digits."""
    return float(f"{float(weighted_quantiles(cells.bins, probability).max()):.2g}")
