"""A body taken from the histogram, and generalised-Pareto tails: means of heavy-tailed outcomes.

After Taddy, Lopes & Gardner (2016, *Scalable semiparametric inference for the means of heavy-tailed
distributions*): below a threshold, which all cells share, nothing is assumed (a histogram with Dirichlet
weights). Beyond it outcomes are generalised Pareto, with one tail index for all cells, because one cell alone
contains little information on its own. The Dirichlet weights enter through the body's mean, whose posterior
is normal to the order of one over the number of rows: the body is bounded.

It is meant for revenue. Minutes are several kinds of users, not a Pareto tail: their tail index falls as the
threshold rises, which the gate ``tail_stability`` refuses.

Of a pair it models the user's change, which has two tails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
import scipy
import xarray as xr

from twobytwo.data.bins import Bins
from twobytwo.data.cells import Cells
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.pareto import bounded_pareto, common_index, mean_excess, pareto
from twobytwo.infer.families.points import weighted_points
from twobytwo.infer.families.tail_cut import SHARE, bodies, split
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["Tail", "tail_shapes"]

Floats = npt.NDArray[np.float64]

_LEAST_ROWS = 200
# Tail index ξ = HIGH · sigmoid(z): mean excesses are finite below 1; prior median .3, 95 % .09 to .67.
_HIGH, _Z, _Z_SD = 0.95, -0.75, 0.8
# Shares of the rows in the tails whose tail indices should agree.
_STABLE_SHARES = (0.1, SHARE, 0.01)


class Tail(Family):
    """Histogram and generalised-Pareto tails; ``location`` is the mean of a cell, ``xi`` the tail index.

    Examples
    --------
    >>> import numpy as np
    >>> parameters = {"threshold": [10.0], "log_tail_scale": [1.0], "tail_odds": [0.05], "xi": 0.3}
    >>> draws = Tail().simulate(parameters | {"body": [1.0, 2.0]}, 10_000, np.random.default_rng(1))
    >>> bool(0.03 < (draws > 10).mean() < 0.07)
    True
    """

    name: ClassVar[str] = "tail"
    estimand: ClassVar[Estimand] = "mean"
    additive: ClassVar[bool] = True
    of_changes: ClassVar[bool] = True

    def check(self, cells: Cells) -> None:
        """Accept cells with enough rows to see a tail."""
        self.check_users(cells)
        self.refuse_gap(cells)
        fewest = int(cells.changes.moments()["n"].min())
        if fewest < _LEAST_ROWS:
            msg = (
                f"A cell of {cells.design.metric.column!r} has {fewest:,} rows; family={self.name!r} needs "
                f'at least {_LEAST_ROWS} in every cell to see a tail. Use family="normal".'
            )
            raise DataError(msg)
        bins = cells.changes
        parts = split(bins)
        room = np.inf
        bound = _bound(cells)
        if bound is not None:
            room = float((bound - parts["threshold"]).min())
        if not (float(parts["excess"].min()) > 0 and float(parts["body_se"].min()) > 0 and room > 0):
            msg = (
                f"Column {cells.design.metric.column!r} has so few different values in a cell that no tail "
                f'can be told from a body; family={self.name!r} is for heavy tails. Use family="normal".'
            )
            raise DataError(msg)

    def reference(self, cells: Cells) -> Reference:
        """Scale by the pooled mean; start at the cell means."""
        return Reference.identity(cells, cells.changes.moments()["mean"])

    def middle(self, cells: Cells, priors: Priors) -> Any:
        """Add tail odds, scales and index; with the body's mean they say where a cell's mean lies.

        That mean is known far better given them than without, and it is no straight line in them: told from
        there, all parameters are nearly independent and normal, however few rows the tails have.
        """
        bins = cells.changes
        parts = split(bins)
        dims = (*bins.dims, "side")
        model = pm.modelcontext(None)
        model.add_coord("side", parts["side"].to_numpy().tolist())
        counts = parts["counts"].to_numpy()
        odds = counts[..., 1:] / counts[..., :1]
        log_odds = pm.Normal(
            "log_tail_odds",
            mu=pm.Data("log_tail_odds_prior_mean", float(np.log(odds).mean())),
            sigma=pm.Data("log_tail_odds_prior_sd", priors.spread),
            initval=np.log(odds),
            dims=dims,
        )
        z = pm.Normal("logit_xi", _Z, _Z_SD)
        xi = pm.Deterministic("xi", _HIGH * pm.math.sigmoid(z))
        # The prior is that of the mean excess σ / (1 − ξ), whatever ξ is; the excesses know the scale best.
        start = np.log(parts["excess"].to_numpy())
        log_scale = pm.Normal(
            "log_tail_scale",
            mu=pm.Data("log_mean_excess_prior_mean", float(start.mean())) + pm.math.log1p(-xi),
            sigma=pm.Data("log_mean_excess_prior_sd", priors.spread),
            initval=start + np.log1p(-_HIGH / (1 + np.exp(-_Z))),
            dims=dims,
        )
        pm.Deterministic("log_mean_excess", log_scale - pm.math.log1p(-xi), dims=dims)
        tail_odds = pm.Deterministic("tail_odds", pm.math.exp(log_odds), dims=dims)
        threshold = pm.Data("threshold", parts["threshold"].to_numpy(), dims=dims)
        sign = pm.Data("sign", parts["sign"].to_numpy(), dims="side")
        bound, room = _bound(cells), None
        if bound is not None:
            room = pm.Data("room", bound - parts["threshold"].to_numpy(), dims=dims)
        pm.Deterministic(
            "tail_mean", threshold + sign * mean_excess(pm.math.exp(log_scale), xi, room), dims=dims
        )
        body = pm.Data("body_mean_rough", parts["body_mean"].to_numpy(), dims=bins.dims)
        return (body + (tail_odds * model["tail_mean"]).sum(axis=-1)) / (1 + tail_odds.sum(axis=-1))

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:  # noqa: ARG002 - in `middle`
        """Observe counts, the body's mean and the tails' points."""
        bins = cells.changes
        parts = split(bins)
        dims = bins.dims
        model = pm.modelcontext(None)
        model.add_coord("part", ["body", *parts["side"].to_numpy().tolist()])
        counts = parts["counts"].to_numpy().round().astype(int)
        tail_odds = model["tail_odds"]
        body_share = 1 / (1 + tail_odds.sum(axis=-1))
        shares = pt.concatenate([body_share[..., None], tail_odds * body_share[..., None]], axis=-1)
        pm.Multinomial(
            "tail_counts",
            n=pm.Data("rows", counts.sum(axis=-1), dims=dims),
            p=shares,
            observed=pm.Data("tail_counts_data", counts, dims=(*dims, "part")),
            dims=(*dims, "part"),
        )
        pm.Normal(
            "body_mean",
            mu=location * (1 + tail_odds.sum(axis=-1)) - (tail_odds * model["tail_mean"]).sum(axis=-1),
            sigma=pm.Data("body_se", parts["body_se"].to_numpy(), dims=dims),
            observed=pm.Data("body_mean_data", parts["body_mean"].to_numpy(), dims=dims),
            dims=dims,
        )
        points, scale = parts[["value", "weight"]], pm.math.exp(model["log_tail_scale"])
        if _bound(cells) is None:
            weighted_points(points, pareto, scale, model["xi"])
        else:
            weighted_points(points, bounded_pareto, scale, model["xi"], model["room"])

    def rough_means(self, cells: Cells) -> Floats | None:
        """Give the cell means with tails by maximum likelihood; None for tails that end at a bound."""
        if _bound(cells) is not None:
            return None
        parts = split(cells.changes)
        xi, scale = common_index(*_points(parts))
        counts, by_side = parts["counts"].to_numpy(), parts["threshold"].to_numpy()
        beyond = by_side + parts["sign"].to_numpy() * mean_excess(
            scale.reshape(by_side.shape), min(xi, _HIGH)
        )
        total = counts[..., 0] * parts["body_mean"].to_numpy() + (counts[..., 1:] * beyond).sum(axis=-1)
        means: Floats = total / counts.sum(axis=-1)
        return means

    def instability(self, cells: Cells) -> float | None:
        """Compare the tail index beyond higher and higher thresholds, in standard errors.

        Of nested tails the difference of two efficient estimates has the difference of their variances
        (Hausman 1978).
        """
        shapes = tail_shapes(cells.changes)
        xi, variance = shapes[:, 0], shapes[:, 1] ** 2
        pairs = [(i, j) for i in range(len(xi)) for j in range(i) if variance[i] > variance[j]]
        if not pairs:
            return 0.0
        return float(max(abs(xi[i] - xi[j]) / np.sqrt(variance[i] - variance[j]) for i, j in pairs))

    def fixed(self, cells: Cells) -> xr.Dataset:
        """Give what `simulate` needs beside draws: thresholds, signs, and a body to draw from.

        The body's values are a thousand of its rows, evenly from the smallest to the largest.
        """
        bins = cells.changes
        parts = split(bins)
        kept = parts[["threshold", "sign"]]
        bound = _bound(cells)
        if bound is not None:
            kept = kept.assign(room=bound - parts["threshold"])
        return kept.assign(body=((*bins.dims, "row"), bodies(bins, parts)))

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the cell means, or the mean changes."""
        return {"mean": posterior["location"]}

    def log_density(
        self,
        parameters: Mapping[str, Any],  # noqa: ARG002 - as every family's
        value: Floats,  # noqa: ARG002
    ) -> Floats:
        """Refuse: the body is a histogram, which has no density (`DesignError`)."""
        msg = 'family="tail" has no density below its threshold: its body is a histogram.'
        raise DesignError(msg)

    def simulate(self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator) -> Floats:
        """Draw from ``body`` (values, evenly) and from the tails."""
        odds = np.append(1.0, np.asarray(parameters["tail_odds"], dtype=float))
        part = rng.choice(len(odds), size=size, p=odds / odds.sum())
        drawn = rng.choice(np.asarray(parameters["body"], dtype=float), size=size)
        signs = parameters.get("sign", [1.0, -1.0])
        for k, threshold in enumerate(parameters["threshold"]):
            inside = part == k + 1
            count = int(inside.sum())
            scale = np.exp(parameters["log_tail_scale"][k])
            if "room" in parameters:
                # Beyond the bound is nobody: drawn by inverting the truncated distribution.
                top = scipy.stats.genpareto.cdf(parameters["room"][k], parameters["xi"], 0, scale)
                excess = scipy.stats.genpareto.ppf(top * rng.random(count), parameters["xi"], 0, scale)
            else:
                excess = scipy.stats.genpareto.rvs(parameters["xi"], 0, scale, count, random_state=rng)
            drawn[inside] = threshold + signs[k] * excess
        return drawn


def _bound(cells: Cells) -> float | None:
    """Give the largest possible value, if there is one; changes have none."""
    return None if cells.design.paired else cells.design.metric.upper_bound


def _points(parts: xr.Dataset) -> tuple[Floats, Floats]:
    """Give the excesses and weights of the points that stand for the tails; shape (tails, points)."""
    value, weight = (parts[name].to_numpy().reshape(-1, parts.sizes["point"]) for name in ("value", "weight"))
    return value, weight


def tail_shapes(bins: Bins) -> Floats:
    """Estimate the tail index with less and less of the rows in the tails.

    Parameters
    ----------
    bins
        The data.

    Returns
    -------
    numpy.ndarray
        Rows: beyond the 90, 95 and 99 % quantile. Columns: the maximum-likelihood estimate, one for all
        cells, each with a scale of its own, and its standard error ``(1 + ξ)/√n`` (Smith 1987). A threshold
        that leaves the same rows as the one before is left out.
    """
    found: dict[float, tuple[float, float]] = {}
    for share in _STABLE_SHARES:
        excess, weight = _points(split(bins, share))
        xi, _ = common_index(excess, weight)
        found[float(weight.sum())] = (xi, (1 + xi) / np.sqrt(weight.sum()))
    return np.array([*found.values()])
