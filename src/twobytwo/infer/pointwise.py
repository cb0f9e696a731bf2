"""The log-likelihood of a fit as one array of few rows or users each, as ArviZ's functions ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from twobytwo.data.bins import Bins
from twobytwo.infer.fit import Fit
from twobytwo.infer.predictive import group

__all__ = ["pointwise"]

Floats = npt.NDArray[np.float64]

# Entries that the array has where rows are many; each then stands for so small a part of them that leaving it
# out moves the posterior little, as leave-one-out needs.
_ENTRIES = 2_000


def pointwise(fitted: Fit) -> xr.Dataset:
    """Give the log-likelihood of a fit in parts that are independent given its parameters.

    Parameters
    ----------
    fitted
        The fit.

    Returns
    -------
    xarray.Dataset
        ``outcome``, dims ``chain``, ``draw`` and what an entry is: ``rows`` (a weighted point, of a family
        of changes one of the changes), ``users`` (users of one group with nearly one change, for normal and
        lognormal pairs), or ``terms``, the factors of the likelihood one after the other, where a family of
        pairs has no density of a user; these suit sums such as power-scaling, and ArviZ warns that
        leave-one-out does not. Coordinate ``weight``: how many rows or users an entry is.

    Notes
    -----
    Where there are more rows than some thousands an entry is several rows of one value: sums are those of
    all rows, and their standard errors too large by the square root of the rows in an entry.
    `twobytwo.Analysis.compare_families` has those of single rows.

    Examples
    --------
    >>> found = pointwise(result.fit)["outcome"]
    >>> found.dims, int(found["weight"].sum())
    (('chain', 'draw', 'rows'), 2000)
    """
    cells = fitted.cells
    if fitted.of_changes:
        return _stacked(fitted, "rows", *_of_points(fitted, cells.changes))
    if cells.joint.size == 1:
        return _stacked(fitted, "rows", *_of_points(fitted, cells.bins))
    if cells.joint.size == 2 and fitted.family.users is not None:
        return _stacked(fitted, "users", *_of_users(fitted))
    return _of_terms(fitted)


def _of_points(fitted: Fit, bins: Bins) -> tuple[Floats, Floats]:
    """Log-density of one row at every weighted point, shape (points, draws), and the weights."""
    points, found, weights = bins.points(), [], []
    for place in np.ndindex(*bins.shape):
        value, weight = (points[name].to_numpy()[place] for name in ("value", "weight"))
        parameters = fitted.parameters(dict(zip(bins.dims, place, strict=True)))
        value, weight = value[weight > 0], weight[weight > 0]
        density = np.asarray(fitted.family.log_density(parameters, value[:, None]), dtype=float)
        found.append(np.broadcast_to(density, (len(value), _draws(fitted))))
        weights.append(weight)
    return np.concatenate(found), np.concatenate(weights)


def _of_users(fitted: Fit) -> tuple[Floats, Floats]:
    """Log-density of the average user of every bin of changes, by the bin's own moments."""
    kind = fitted.family.users
    letter = "m" if kind == "raw" else "l"
    joint, groups = fitted.cells.joint, [*np.ndindex(*fitted.cells.design.shape[:-1])]
    found, weights = [], []
    for key, frame in joint.frame.groupby(["cell", "present"]):
        cell, present = (int(code) for code in np.asarray(key))
        place = dict(zip(fitted.cells.dims[:-1], groups[cell], strict=True))
        n = frame["n"].to_numpy(float)
        seen = [k for k in range(2) if present >> (1 - k) & 1]
        mean = {k: frame[f"{letter}{k}"].to_numpy() for k in seen}
        cross = {(j, k): frame[f"{letter}{j}_{k}"].to_numpy() / n for j in seen for k in seen if j <= k}
        per_user = _normal(fitted, place, mean, cross)
        if kind == "log":
            # The density of the outcome itself, so that families can be compared.
            per_user = per_user - np.sum([*mean.values()], axis=0)[:, None]
        found.append(per_user)
        weights.append(n)
    return np.concatenate(found), np.concatenate(weights)


def _normal(
    fitted: Fit, place: dict[str, int], mean: dict[int, Floats], cross: dict[tuple[int, int], Floats]
) -> Floats:
    """Average log-density of users with these means and (co)variances; shape (bins, draws)."""
    last = fitted.cells.dims[-1]
    z: dict[int, Any] = {}
    moments: dict[tuple[int, int], Any] = {}
    total: Any = 0.0
    for k in mean:
        parameters = fitted.parameters({**place, last: k})
        sd = fitted.family.sd_of_users(parameters)
        z[k] = (mean[k][:, None] - parameters["location"]) / sd
        moments[k, k] = z[k] ** 2 + cross[k, k][:, None] / sd**2
        total = total - np.log(sd) - math.log(2 * math.pi) / 2
        if k and 0 in mean:
            first = fitted.family.sd_of_users(fitted.parameters({**place, last: 0}))
            moments[0, 1] = z[0] * z[1] + cross[0, 1][:, None] / (first * sd)
            fisher_z = parameters["fisher_z"]
    if (0, 1) not in moments:
        return np.asarray(total - next(iter(moments.values())) / 2)
    rho = np.tanh(fisher_z)
    # 1/√(1 − tanh²) is cosh.
    wide = np.cosh(fisher_z) ** 2
    distance = (moments[0, 0] - 2 * rho * moments[0, 1] + moments[1, 1]) * wide
    return np.asarray(total + np.log(wide) / 2 - distance / 2)


def _stacked(fitted: Fit, dim: str, density: Floats, weight: Floats) -> xr.Dataset:
    """Give entries of nearly equal weight: a heavy one is as many as it takes."""
    posterior = fitted.tree["posterior"]
    copies = np.ceil(weight / max(1.0, weight.sum() / _ENTRIES)).astype(int)
    each = np.repeat(weight / copies, copies)
    values = (np.repeat(density, copies, axis=0) * each[:, None]).T
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], len(each))
    coords = {name: posterior[name].to_numpy() for name in ("chain", "draw")}
    return xr.Dataset(
        {"outcome": (("chain", "draw", dim), values.reshape(shape))},
        coords | {dim: np.arange(len(each)), "weight": (dim, each)},
    )


def _of_terms(fitted: Fit) -> xr.Dataset:
    parts = group(fitted.model, fitted.tree, "log_likelihood_parts", 0)
    flat = [*_flat(parts)]
    joined = xr.concat(flat, dim="terms").transpose("chain", "draw", "terms")
    # A point of weight zero, which fills an array up, says nothing, and leave-one-out fails on it.
    joined = joined[:, :, np.ptp(joined.to_numpy(), axis=(0, 1)) > 0]
    return xr.Dataset({"outcome": joined.assign_coords(terms=np.arange(joined.sizes["terms"]))})


def _flat(parts: xr.Dataset) -> Iterator[xr.DataArray]:
    for variable in parts.data_vars.values():
        values = variable.to_numpy().reshape(*variable.shape[:2], -1)
        coords = {name: variable[name].to_numpy() for name in ("chain", "draw")}
        yield xr.DataArray(values, coords, ("chain", "draw", "terms"))


def _draws(fitted: Fit) -> int:
    posterior = fitted.tree["posterior"]
    return int(posterior.sizes["chain"] * posterior.sizes["draw"])
