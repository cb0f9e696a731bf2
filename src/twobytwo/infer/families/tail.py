"""A body taken from the histogram, and generalised-Pareto tails: means of heavy-tailed outcomes.

After Taddy, Lopes & Gardner (2016, *Scalable semiparametric inference for the means of heavy-tailed
distributions*): below a threshold nothing is assumed (a histogram with Dirichlet weights), beyond it
outcomes are generalised Pareto, with one tail index for all cells, because one cell alone contains little
information on its own. The Dirichlet weights enter through the body's mean, whose posterior is normal to the
order of one over the number of rows: the body is bounded.

Of a pair it models the user's change, which has two tails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from scipy import stats

from twobytwo.data.bins import Bins, gauss, merge
from twobytwo.data.cells import Cells
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.points import pad_points, weighted_points
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["Tail"]

# Share of a cell's rows in a tail, and the fewest that say anything about one.
_SHARE, _LEAST = 0.05, 40
_LEAST_ROWS = 200
# Rows that stand for a body where outcomes are simulated.
_BODY_ROWS = 1_000
# Tail index ξ = HIGH · sigmoid(z): mean excesses are finite below 1; prior median .3, 95 % .09 to .67.
_HIGH, _Z, _Z_SD = 0.95, -0.75, 0.8


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
    # The cell means are products of tail parameters; long steps leave that bent ridge.
    target_accept: ClassVar[float] = 0.9

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
        parts = _split(bins, sides=_sides(bins))
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

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        """Add tail odds, scales and index, and observe counts, the body's mean and the tails' points."""
        bins = cells.changes
        parts = _split(bins, sides=_sides(bins))
        dims, cell_dims = (*bins.dims, "side"), bins.dims
        model = pm.modelcontext(None)
        model.add_coord("side", parts["side"].to_numpy().tolist())
        model.add_coord("part", ["body", *parts["side"].to_numpy().tolist()])
        counts = parts["counts"].to_numpy().round().astype(int)
        odds = counts[..., 1:] / counts[..., :1]
        excess = parts["excess"].to_numpy()
        log_odds = pm.Normal(
            "log_tail_odds",
            mu=pm.Data("log_tail_odds_prior_mean", float(np.log(odds).mean())),
            sigma=pm.Data("log_tail_odds_prior_sd", priors.spread),
            initval=np.log(odds),
            dims=dims,
        )
        z = pm.Normal("logit_xi", _Z, _Z_SD)
        xi = pm.Deterministic("xi", _HIGH * pm.math.sigmoid(z))
        # By its mean, σ / (1 − ξ), not its scale: a cell's mean then hardly bends along the other parameters.
        start = np.log(excess)
        log_excess = pm.Normal(
            "log_mean_excess",
            mu=pm.Data("log_mean_excess_prior_mean", float(start.mean())),
            sigma=pm.Data("log_mean_excess_prior_sd", priors.spread),
            initval=start,
            dims=dims,
        )
        log_scale = pm.Deterministic("log_tail_scale", log_excess + pm.math.log1p(-xi), dims=dims)
        tail_odds = pm.Deterministic("tail_odds", pm.math.exp(log_odds), dims=dims)
        scale = pm.math.exp(log_scale)
        threshold = pm.Data("threshold", parts["threshold"].to_numpy(), dims=dims)
        sign = pm.Data("sign", parts["sign"].to_numpy(), dims="side")
        body_share = 1 / (1 + tail_odds.sum(axis=-1))
        shares = pt.concatenate([body_share[..., None], tail_odds * body_share[..., None]], axis=-1)
        pm.Multinomial(
            "tail_counts",
            n=pm.Data("rows", counts.sum(axis=-1), dims=cell_dims),
            p=shares,
            observed=pm.Data("tail_counts_data", counts, dims=(*cell_dims, "part")),
            dims=(*cell_dims, "part"),
        )
        bound, room = _bound(cells), None
        if bound is not None:
            room = pm.Data("room", bound - parts["threshold"].to_numpy(), dims=dims)
        beyond = threshold + sign * _mean_excess(scale, xi, room)
        body = location * (1 + tail_odds.sum(axis=-1)) - (tail_odds * beyond).sum(axis=-1)
        pm.Normal(
            "body_mean",
            mu=body,
            sigma=pm.Data("body_se", parts["body_se"].to_numpy(), dims=cell_dims),
            observed=pm.Data("body_mean_data", parts["body_mean"].to_numpy(), dims=cell_dims),
            dims=cell_dims,
        )
        points = parts[["value", "weight"]]
        if room is None:
            weighted_points(points, _pareto, scale, xi)
        else:
            weighted_points(points, _bounded_pareto, scale, xi, room)

    def fixed(self, cells: Cells) -> xr.Dataset:
        """Give what `simulate` needs beside draws: thresholds, signs, and a body to draw from.

        The body's values are a thousand of its rows, evenly from the smallest to the largest.
        """
        bins = cells.changes
        parts = _split(bins, sides=_sides(bins))
        kept = parts[["threshold", "sign"]]
        bound = _bound(cells)
        if bound is not None:
            kept = kept.assign(room=bound - parts["threshold"])
        return kept.assign(body=((*bins.dims, "row"), _bodies(bins, parts)))

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        """Return the cell means, or the mean changes."""
        return {"mean": posterior["location"]}

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Log-density beyond the threshold; a histogram has none."""
        threshold, odds = np.squeeze(parameters["threshold"]), np.squeeze(parameters["tail_odds"])
        if np.any(np.asarray(value) <= threshold):
            msg = 'family="tail" has no density below its threshold: its body is a histogram.'
            raise DesignError(msg)
        scale = np.exp(np.squeeze(parameters["log_tail_scale"]))
        share = np.log(odds / (1 + odds))
        return share + stats.genpareto.logpdf(value, parameters["xi"], threshold, scale)

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Draw from ``body`` (values, evenly) and from the tails."""
        odds = np.append(1.0, np.asarray(parameters["tail_odds"], dtype=float))
        part = rng.choice(len(odds), size=size, p=odds / odds.sum())
        drawn = rng.choice(np.asarray(parameters["body"], dtype=float), size=size)
        signs = parameters.get("sign", [1.0, -1.0])
        for k, threshold in enumerate(parameters["threshold"]):
            inside = part == k + 1
            scale = np.exp(parameters["log_tail_scale"][k])
            excess = stats.genpareto.rvs(parameters["xi"], 0, scale, int(inside.sum()), random_state=rng)
            if "room" in parameters:
                # Beyond the bound is nobody: drawn by inverting the truncated distribution.
                top = stats.genpareto.cdf(parameters["room"][k], parameters["xi"], 0, scale)
                excess = stats.genpareto.ppf(top * rng.random(int(inside.sum())), parameters["xi"], 0, scale)
            drawn[inside] = threshold + signs[k] * excess
        return drawn


def _bound(cells: Cells) -> float | None:
    """Give the largest possible value, if there is one; changes have none."""
    return None if cells.design.paired else cells.design.metric.upper_bound


def _sides(bins: Bins) -> tuple[int, ...]:
    """Outcomes of zero and more have a tail above, others one on each side."""
    return (1,) if bins.lowest >= 0 else (1, -1)


def _pareto_logp(excess: Any, scale: Any, xi: Any) -> Any:
    return -pt.log(scale) - (1 + 1 / xi) * pt.log1p(xi * excess / scale)


def _pareto(size: Any, scale: Any, xi: Any) -> Any:
    def draw(scale: Any, xi: Any, size: Any) -> Any:
        return scale / xi * (pm.Uniform.dist(0, 1, size=size) ** -xi - 1)

    return pm.CustomDist.dist(
        scale, xi, dist=draw, logp=lambda value, scale, xi: _pareto_logp(value, scale, xi), size=size
    )


def _bounded_pareto(size: Any, scale: Any, xi: Any, room: Any) -> Any:
    def inside(scale: Any, xi: Any, room: Any) -> Any:
        return 1 - (1 + xi * room / scale) ** (-1 / xi)

    def draw(scale: Any, xi: Any, room: Any, size: Any) -> Any:
        u = inside(scale, xi, room) * pm.Uniform.dist(0, 1, size=size)
        return scale / xi * ((1 - u) ** -xi - 1)

    def logp(value: Any, scale: Any, xi: Any, room: Any) -> Any:
        return _pareto_logp(value, scale, xi) - pt.log(inside(scale, xi, room))

    return pm.CustomDist.dist(scale, xi, room, dist=draw, logp=logp, size=size)


def _mean_excess(scale: Any, xi: Any, room: Any) -> Any:
    """Mean excess over the threshold, ``σ / (1 − ξ)``, or of excesses that have no more room than that."""
    if room is None:
        return scale / (1 - xi)
    beyond = (1 + xi * room / scale) ** (-1 / xi)
    return (scale / (1 - xi) - beyond * (room + (scale + xi * room) / (1 - xi))) / (1 - beyond)


def _split(bins: Bins, sides: tuple[int, ...]) -> xr.Dataset:
    """Cut every cell into a body and tails at edges of bins."""
    rows = [_split_cell(bins.frame[bins.frame["cell"] == cell], sides) for cell in range(bins.n_cells)]
    side = ["above", "below"][: len(sides)]
    shape = bins.shape

    def cellwise(name: str, *more: int) -> npt.NDArray[np.float64]:
        return np.stack([np.asarray(row[name], dtype=float) for row in rows]).reshape(*shape, *more)

    dims = bins.dims
    value, weight = pad_points([tail for row in rows for tail in row["tails"]])
    return xr.Dataset(
        {
            "counts": ((*dims, "part"), cellwise("counts", len(sides) + 1)),
            "threshold": ((*dims, "side"), cellwise("threshold", len(sides))),
            "excess": ((*dims, "side"), cellwise("excess", len(sides))),
            "sign": ("side", np.array(sides, dtype=float)),
            "body_mean": (dims, cellwise("body_mean")),
            "body_se": (dims, cellwise("body_se")),
            "value": ((*dims, "side", "point"), value.reshape(*shape, len(sides), -1)),
            "weight": ((*dims, "side", "point"), weight.reshape(*shape, len(sides), -1)),
        },
        {"side": side},
    )


def _split_cell(frame: pd.DataFrame, sides: tuple[int, ...]) -> dict[str, Any]:
    frame = frame.sort_values("reference", ignore_index=True)
    one = Bins(coords={"cell": ("one",)}, frame=frame.assign(cell=0))
    moments, n = one.bin_moments(), frame["n"].to_numpy(float)
    wanted = min(max(_SHARE * n.sum(), _LEAST), n.sum() / 5)
    inside, found = np.ones(len(frame), dtype=bool), []
    for sign in sides:
        from_outside = np.cumsum(n[::-sign])
        # The fewest whole bins with that many rows; at least one bin stays in the body.
        many = int(np.searchsorted(from_outside, wanted)) + 1
        # Not a bin of the other tail, and not the last one of the body.
        outside = [k for k in np.arange(len(n))[::-sign][:many] if inside[k]]
        chosen = np.array(outside[: max(int(inside.sum()) - 1, 0)], dtype=np.int64)
        if not len(chosen):
            found.append((0.0, np.zeros(1), np.zeros(1)))
            continue
        edge = _edge(float(frame["reference"].iloc[chosen[-1]]), -sign)
        inside[chosen] = False
        value, weight, _ = gauss(moments[:, chosen], np.zeros(len(chosen), dtype=np.int64))
        # Bins of two grids may overlap; nobody is on the wrong side of the edge by more than that.
        tail = np.maximum(sign * (value - edge), 0.0)
        found.append((edge, tail, weight))
    body = merge(moments[:, inside], np.zeros(int(inside.sum()), dtype=np.int64), 1)[:, 0]
    tails = [(tail, weight) for _, tail, weight in found]
    return {
        "counts": [body[0], *(weight.sum() for _, weight in tails)],
        "threshold": [edge for edge, *_ in found],
        "excess": [(tail * weight).sum() / max(weight.sum(), 1.0) for tail, weight in tails],
        "body_mean": body[1],
        "body_se": np.sqrt(body[2]) / body[0],
        "tails": tails,
    }


def _bodies(bins: Bins, parts: xr.Dataset) -> npt.NDArray[np.float64]:
    points = bins.points()
    bodies = []
    for place in np.ndindex(*bins.shape):
        value, weight = (points[name].to_numpy()[place] for name in ("value", "weight"))
        limits = dict(zip(parts["side"].to_numpy(), parts["threshold"].to_numpy()[place], strict=True))
        inside = (weight > 0) & (value <= limits["above"]) & (value >= limits.get("below", -np.inf))
        order = np.argsort(value[inside])
        share = np.cumsum(weight[inside][order])
        at = np.searchsorted(share, (np.arange(_BODY_ROWS) + 0.5) / _BODY_ROWS * share[-1])
        bodies.append(value[inside][order][np.minimum(at, len(share) - 1)])
    return np.stack(bodies).reshape(*bins.shape, _BODY_ROWS)


def _edge(reference: float, side: int) -> float:
    """Edge of the bin around a midpoint, which is an odd multiple of half the bin's width."""
    mantissa, exponent = np.frexp(abs(reference))
    whole = int(mantissa * 2**53)
    half = float(np.ldexp(whole & -whole, int(exponent) - 53))
    return reference + side * half
