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

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import scipy
import xarray as xr

from twobytwo.data.bins import Bins, gauss
from twobytwo.data.cells import Cells
from twobytwo.data.moments import merge
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families.base import Estimand, Family
from twobytwo.infer.families.points import pad_points, weighted_points
from twobytwo.infer.predictors import Reference
from twobytwo.infer.priors import Priors

__all__ = ["Tail", "tail_shapes"]

Floats = npt.NDArray[np.float64]

# Share of all rows in a tail, and the fewest of a cell that say anything about one.
_SHARE, _LEAST = 0.05, 40
_LEAST_ROWS = 200
# Rows that stand for a body where outcomes are simulated.
_BODY_ROWS = 1_000
# Tail index ξ = HIGH · sigmoid(z): mean excesses are finite below 1; prior median .3, 95 % .09 to .67.
_HIGH, _Z, _Z_SD = 0.95, -0.75, 0.8


# Width of the steps of log(1 + excess/mean) that two points stand for; points come in multiples of _POINTS.
_STEP, _POINTS = 0.125, 32
# Shares of the rows in the tails whose tail indices should agree, and where these are looked for.
_STABLE_SHARES, _XI = (0.1, 0.05, 0.01), (0.005, 2.0)


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

    def instability(self, cells: Cells) -> float | None:
        """Compare the tail index beyond higher and higher thresholds, in standard errors.

        Of nested tails the difference of two efficient estimates has the difference of their variances
        (Hausman 1978).
        """
        shapes = tail_shapes(cells.changes, _sides(cells.changes))
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
        return share + scipy.stats.genpareto.logpdf(value, parameters["xi"], threshold, scale)

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
            excess = scipy.stats.genpareto.rvs(
                parameters["xi"], 0, scale, int(inside.sum()), random_state=rng
            )
            if "room" in parameters:
                # Beyond the bound is nobody: drawn by inverting the truncated distribution.
                top = scipy.stats.genpareto.cdf(parameters["room"][k], parameters["xi"], 0, scale)
                excess = scipy.stats.genpareto.ppf(
                    top * rng.random(int(inside.sum())), parameters["xi"], 0, scale
                )
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


def _split(bins: Bins, sides: tuple[int, ...], share: float = _SHARE) -> xr.Dataset:
    """Cut every cell into a body and tails, at edges of bins that are the same for all cells."""
    frames = [bins.frame[bins.frame["cell"] == cell] for cell in range(bins.n_cells)]
    edges = _edges(bins.frame, frames, sides, share)
    rows = [_split_cell(frame, sides, edges) for frame in frames]
    side = ["above", "below"][: len(sides)]
    shape = bins.shape

    def cellwise(name: str, *more: int) -> npt.NDArray[np.float64]:
        return np.stack([np.asarray(row[name], dtype=float) for row in rows]).reshape(*shape, *more)

    dims = bins.dims
    value, weight = pad_points([tail for row in rows for tail in row["tails"]], _POINTS)
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


def _edges(
    pooled: pd.DataFrame, frames: Sequence[pd.DataFrame], sides: tuple[int, ...], share: float
) -> list[float | None]:
    """Choose the threshold of each side: beyond it a share of all rows, and enough of every cell.

    None where one bin holds so many rows that a side has no tail.
    """
    edges: list[float | None] = []
    for sign in sides:
        found = []
        for frame, wanted in [(pooled, share * pooled["n"].sum())] + [
            (frame, min(_LEAST, frame["n"].sum() / 5)) for frame in frames
        ]:
            by_bin = frame.groupby("reference")["n"].sum()
            from_outside = np.cumsum(by_bin.to_numpy(float)[::-sign])
            outside = by_bin.index.to_numpy(float)[::-sign]
            found.append(float(outside[int(np.searchsorted(from_outside, wanted * (1 - 1e-12)))]))
        # The innermost: a cell with low values has its few largest beyond it too.
        innermost = sign * min(sign * value for value in found)
        inside = sign * pooled["reference"] < sign * innermost
        edges.append(_edge(innermost, -sign) if inside.any() else None)
    return edges


def _split_cell(frame: pd.DataFrame, sides: tuple[int, ...], edges: Sequence[float | None]) -> dict[str, Any]:
    frame = frame.sort_values("reference", ignore_index=True)
    one = Bins(coords={"cell": ("one",)}, frame=frame.assign(cell=0))
    moments, reference = one.bin_moments(), frame["reference"].to_numpy(float)
    inside, found = np.ones(len(frame), dtype=bool), []
    for sign, edge in zip(sides, edges, strict=True):
        chosen = inside & (sign * reference > sign * edge) if edge is not None else np.zeros_like(inside)
        if edge is None or not chosen.any() or chosen.sum() == inside.sum():
            found.append((0.0, np.zeros(1), np.zeros(1)))
            continue
        inside &= ~chosen
        found.append((edge, *_tail_points(moments[:, chosen], sign, edge)))
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


def _tail_points(moments: Floats, sign: int, edge: float) -> tuple[Floats, Floats]:
    """Give excesses and weights that stand for a tail: two nodes for every step of ``log(1 + x/mean)``.

    A Pareto's log-density is smooth there, so that wide bins lose little: below 0.01 of the log-likelihood of
    100,000 rows.
    """
    # Bins of two grids may overlap; nobody is on the wrong side of the edge by more than that.
    excess = np.maximum(sign * (moments[1] - edge), 0.0)
    mean = float((moments[0] * excess).sum() / moments[0].sum()) or 1.0
    _, group = np.unique(np.floor(np.log1p(excess / mean) / _STEP), return_inverse=True)
    merged = merge(moments, group, int(group.max()) + 1)
    value, weight, _ = gauss(merged, np.zeros(merged.shape[1], dtype=np.int64))
    return np.maximum(sign * (value - edge), 0.0), weight


def tail_shapes(bins: Bins, sides: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Estimate the tail index with less and less of the rows in the tails.

    Parameters
    ----------
    bins
        The data.
    sides
        1 for a tail above, −1 for one below.

    Returns
    -------
    numpy.ndarray
        Rows: beyond the 90, 95 and 99 % quantile. Columns: the maximum-likelihood estimate, one for all
        cells, each with a scale of its own, and its standard error ``(1 + ξ)/√n`` (Smith 1987). A threshold
        that leaves the same rows as the one before is left out.
    """
    found: dict[float, tuple[float, float]] = {}
    for share in _STABLE_SHARES:
        parts = _split(bins, sides, share)
        value = parts["value"].to_numpy().reshape(-1, parts.sizes["point"])
        weight = parts["weight"].to_numpy().reshape(-1, parts.sizes["point"])
        xi = float(
            scipy.optimize.minimize_scalar(_profile, bounds=_XI, args=(value, weight), method="bounded").x
        )
        found[float(weight.sum())] = (xi, (1 + xi) / np.sqrt(weight.sum()))
    return np.array([*found.values()])


def _profile(xi: float, value: Floats, weight: Floats) -> float:
    """Minus the log-likelihood of a tail index at the scales that suit it best."""
    total = 0.0
    for excess, n in zip(value, weight, strict=True):
        mean = float((n * excess).sum() / n.sum()) if n.sum() else 0.0
        if mean <= 0:
            continue

        def minus(log_scale: float, excess: Floats = excess, n: Floats = n, mean: float = mean) -> float:
            scale = mean * np.exp(log_scale)
            return float((n * (np.log(scale) + (1 + 1 / xi) * np.log1p(xi * excess / scale))).sum())

        total += float(scipy.optimize.minimize_scalar(minus, bounds=(-4.0, 2.0), method="bounded").fun)
    return total


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
