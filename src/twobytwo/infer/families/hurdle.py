"""Zeros: who is active at all, for families whose outcomes are zero or positive.

Independent rows of a cell: the number of positive ones is binomial. Pairs: a user is active in both
periods, before only, after only, or in neither; the four counts of a group are multinomial, with the
marginal shares that the effects are about and an odds ratio between them (Plackett 1965).
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from scipy.special import expit, logit

from twobytwo.data.cells import Cells
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families.base import Estimand, alike
from twobytwo.infer.predictors import Reference, add_predictor, far_below
from twobytwo.infer.priors import Priors

__all__ = [
    "check_hurdle",
    "draw_single",
    "log_density_with_zeros",
    "observe_activity",
    "observe_counts",
    "reference_of_odds",
    "refuse_nonpositive",
    "shift_of_single",
    "simulate_with_zeros",
    "values_with_zeros",
]

# Prior of the log odds ratio between being active before and after: from unrelated to nearly the same.
_ASSOCIATION, _ASSOCIATION_SD = 2.0, 2.0
# How much lower or higher the outcomes of users active in one period are, in logs.
_SHIFT_SD = 1.0
_LEAST_BOTH = 3


def refuse_nonpositive(cells: Cells, name: str) -> None:
    """Refuse zeros and negative values for a family of positive outcomes (`DataError`)."""
    zeros, negatives = (int(cells.count(sign).sum()) for sign in ("zero", "negative"))
    if zeros or negatives:
        msg = (
            f"Column {cells.design.metric.column!r} has {zeros:,} zeros and {negatives:,} negative values "
            f'among {cells.rows:,} rows; family="{name}" needs positive outcomes. Use '
            + ('family="normal"' if negatives else f'family="hurdle_{name}" or "normal"')
            + ", which is safe for the mean; log(1 + y) would make the effect depend on the unit."
        )
        raise DataError(msg)


def check_hurdle(cells: Cells, name: str) -> None:
    """Refuse what a hurdle family cannot describe (`DataError`, `DesignError`).

    Warns
    -----
    UserWarning
        If there are no zeros, so that there is no hurdle.
    """
    design = cells.design
    negatives = int(cells.count("negative").sum())
    if negatives:
        msg = (
            f"Column {design.metric.column!r} has {negatives:,} negative values; family={name!r} is for "
            'outcomes that are zero or positive. Use family="normal".'
        )
        raise DataError(msg)
    positives = cells.count("positive").to_numpy()
    if (positives < 2).any():
        place = np.unravel_index(int(positives.argmin()), positives.shape)
        where = ", ".join(f"{f.column} {f.labels[i]}" for f, i in zip(design.factors, place, strict=True))
        msg = (
            f"Column {design.metric.column!r} has {int(positives.min())} positive values in the cell "
            f'({where}); family={name!r} needs at least 2 in every cell. Use family="normal".'
        )
        raise DataError(msg)
    if design.paired and (design.missing == "available" or design.randomised):
        said = 'missing="available"' if design.missing == "available" else alike(design)
        msg = (
            f"family={name!r} describes where each user is active in the two periods and does not know "
            f'{said} together with unit=; say missing="zero" or "drop", or use family="normal".'
        )
        raise DesignError(msg)
    if cells.joint.size > 1:
        both = int(cells.joint.activity()["n"].isel(pattern=0).min())
        if both < _LEAST_BOTH:
            msg = (
                f"A group has {both} user(s) with a positive {design.metric.column!r} in both periods; "
                f"family={name!r} needs at least {_LEAST_BOTH} to know how the two values go together. Use "
                'family="normal".'
            )
            raise DataError(msg)
    if not int(cells.count("zero").sum()):
        warnings.warn(
            f"Column {design.metric.column!r} has no zeros, so family={name!r} has no hurdle to model; "
            f"family={name.removeprefix('hurdle_')!r} is the simpler one.",
            stacklevel=2,
        )


def observe_activity(cells: Cells, priors: Priors) -> Any:
    """Add ``activity``, the log-odds of a positive outcome in every cell, and observe the counts.

    Parameters
    ----------
    cells
        The data.
    priors
        Priors of the effects on the log-odds.

    Returns
    -------
    pytensor.tensor.TensorVariable or None
        For pairs the probability of being active in both periods (``both_active``, dim the group).
    """
    activity = add_predictor("activity", cells, reference_of_odds(cells), priors)
    return observe_counts(cells, activity)


def reference_of_odds(cells: Cells) -> Reference:
    """Scale effects on the log-odds of a positive outcome, around the pooled ones."""
    positive, n = cells.count("positive"), cells.moments()["n"]
    log_odds = positive.copy(data=logit((positive + 0.5) / (n + 1)))
    pooled = float(logit((positive.sum() + 0.5) / (n.sum() + 1)))
    tight = math.inf
    period = cells.design.period
    if period is not None:
        before = (positive + 0.5).isel({period: 0}) * (n - positive + 0.5).isel({period: 0})
        tight = far_below(np.sqrt(((n + 1).isel({period: 0}) / before).to_numpy()))
    return Reference(origin=pooled, scale=1.0, baseline=0.0, location=log_odds, tight=tight, log_odds=True)


def observe_counts(cells: Cells, log_odds: Any) -> Any:
    """Observe how many outcomes are positive in every cell, of pairs in which of the periods.

    Parameters
    ----------
    cells
        The data.
    log_odds
        Of a positive outcome in every cell; dims the factors.

    Returns
    -------
    pytensor.tensor.TensorVariable or None
        As `observe_activity`.
    """
    if cells.joint.size == 1:
        positive, n = cells.count("positive"), cells.moments()["n"]
        pm.Binomial(
            "active_rows",
            n=pm.Data("rows", n.to_numpy().round().astype(int), dims=cells.dims),
            logit_p=log_odds,
            observed=pm.Data("active_data", positive.to_numpy().round().astype(int), dims=cells.dims),
            dims=cells.dims,
        )
        return None
    counts = cells.joint.activity()["n"]
    group = cells.dims[0]
    log_theta = pm.Normal("association", _ASSOCIATION, _ASSOCIATION_SD, initval=_start(counts), dims=group)
    p = pm.math.sigmoid(log_odds)
    before, after = p[:, 0], p[:, 1]
    theta = pm.math.exp(log_theta)
    s = 1 + (before + after) * (theta - 1)
    # The root of Plackett's quadratic in the form that is not 0/0 where the odds ratio is 1.
    root = pm.math.sqrt(s**2 - 4 * theta * (theta - 1) * before * after)
    both = pm.Deterministic("both_active", 2 * theta * before * after / (s + root), dims=group)
    shares = [both, before - both, after - both, 1 - before - after + both]
    pm.modelcontext(None).add_coord("pattern", [str(name) for name in counts["pattern"].to_numpy()])
    pm.Multinomial(
        "patterns",
        n=pm.Data("users", counts.sum("pattern").to_numpy().round().astype(int), dims=group),
        p=pt.stack([pt.clip(share, 1e-12, 1.0) for share in shares], axis=-1),
        observed=pm.Data("patterns_data", counts.to_numpy().round().astype(int), dims=(group, "pattern")),
        dims=(group, "pattern"),
    )
    return both


def _start(counts: xr.DataArray) -> npt.NDArray[np.float64]:
    a, b, c, d = np.moveaxis(counts.to_numpy() + 0.5, -1, 0)
    return np.log(a * d / (b * c))


def shift_of_single(cells: Cells, singles: npt.NDArray[np.float64], both: npt.NDArray[np.float64]) -> Any:
    """Add ``single_shift``: how users active in one period only differ from the others, in logs.

    Parameters
    ----------
    cells
        The data.
    singles, both
        Where the two kinds of users are in the data, in logs; dims group and period.
    """
    start = np.clip(np.nan_to_num(singles - both), -3.0, 3.0)
    return pm.Normal("single_shift", 0.0, _SHIFT_SD, initval=start, dims=cells.dims)


def values_with_zeros(
    posterior: xr.Dataset, mean: xr.DataArray, single_mean: xr.DataArray | None
) -> dict[Estimand, xr.DataArray]:
    """Overall mean and its two factors, from draws.

    Parameters
    ----------
    posterior
        Draws; ``activity`` and, for pairs, ``both_active``.
    mean, single_mean
        Mean outcome of users active (in both periods), and of those active in one period only.
    """
    active = 1 / (1 + xr.ufuncs.exp(-posterior["activity"]))
    among = mean
    if single_mean is not None:
        both = posterior["both_active"] / active
        among = both * mean + (1 - both) * single_mean
    among = among.transpose(*active.dims)
    return {"mean": active * among, "P(active)": active, "mean_among_active": among}


def log_density_with_zeros(
    parameters: Any, value: npt.NDArray[np.float64], positive: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Log-probability of zeros and log-density of positive outcomes, given that of the active's outcomes."""
    log_odds = parameters["activity"]
    return np.where(value == 0, -np.logaddexp(0, log_odds), positive - np.logaddexp(0, -log_odds))


def draw_single(parameters: Any, size: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Draw which of the active users of a period are active in that period only."""
    return rng.random(size) > parameters["both_active"] / expit(parameters["activity"])


def simulate_with_zeros(
    parameters: Any, positive: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Put zeros among outcomes of the active, as many as the activity says."""
    return np.where(rng.random(len(positive)) < expit(parameters["activity"]), positive, 0.0)
