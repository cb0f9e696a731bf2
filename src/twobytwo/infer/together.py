"""Effects on many metrics of the same users, jointly and in closed form: nothing is compiled.

In large samples the posterior of a cell's means is normal around the sample means with the covariance that
users show, exactly so for normal outcomes but for the t distribution's tails. Shares are taken to log-odds,
counts to logarithms, ratios are quotients of two means: a Gaussian copula with the empirical correlation of
the users' values, on each metric's own posterior. Effects are arithmetic on the draws, as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from twobytwo.ask.metric import Metric
from twobytwo.data.several import Several
from twobytwo.errors import DataError
from twobytwo.infer.predictors import coding, prior_sd, terms
from twobytwo.infer.priors import Priors

__all__ = ["Estimates", "Together", "columns_of", "effects_together", "estimates"]

Floats = npt.NDArray[np.float64]

# Perfectly dependent columns (a metric and its double) still have a Cholesky factor.
_JITTER = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimates:
    """The companion: contrasts of means (or of ratios of means) and their standard errors, without a prior.

    Parameters
    ----------
    effect, se
        In units of the metric; shape (metrics,). Of a ratio by the delta method.
    covariance
        Of the estimates, shape (metrics, metrics); its diagonal is ``se²``.
    base
        What is expected without the effect; NaN where the contrast has no such cell.
    skewness
        Of the contrast, NaN where it is not known (the same users in several periods, ratios).
    events, largest
        Fewest events in a cell (shares and counts; infinite for others), largest share of one value in a
        cell's total (NaN where values may be negative).
    scale
        What an effect of 1 in the priors is, in units of the metric.
    """

    effect: Floats
    se: Floats
    covariance: Floats
    base: Floats
    skewness: Floats
    events: Floats
    largest: Floats
    scale: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Together:
    """Joint draws of the effects on several metrics.

    Parameters
    ----------
    effect
        In units of the metric; shape (draws, metrics).
    relative
        As a share of what is expected without the effect; NaN where that may not be positive.
    prior_weight
        The prior's share of each effect's posterior; shape (metrics,).
    """

    effect: Floats
    relative: Floats
    prior_weight: Floats


def columns_of(metrics: Sequence[Metric]) -> list[str]:
    """List the columns that metrics are made of, each once.

    Examples
    --------
    >>> columns_of([Metric(column="a"), Metric(column="b", kind="ratio", denominator="a")])
    ['a', 'b']
    """
    return [
        *dict.fromkeys(
            name for metric in metrics for name in (metric.column, metric.denominator) if name is not None
        )
    ]


class _Layout:
    """Where the values of a metric stand among the columns, and what the contrast weighs."""

    def __init__(self, several: Several, metrics: Sequence[Metric]) -> None:
        names = columns_of(metrics)
        place = {name: j for j, name in enumerate(names)}
        self.metrics, self.width = metrics, len(names)
        self.value = np.array([place[metric.column] for metric in metrics])
        self.under = np.array([place[metric.denominator or metric.column] for metric in metrics])
        self.kind = np.array([metric.kind for metric in metrics])
        self.scale = np.array([metric.scale for metric in metrics])
        design = several.design
        contrast = design.headline
        self.periods = several.periods
        shape = design.shape
        groups = shape[:-1] if design.paired else shape
        self.weights = contrast.array(shape).reshape(prod(groups), self.periods)
        corner = contrast.corners[-1] if contrast.corners else None
        self.last = None if corner is None else divmod(int(np.ravel_multi_index(corner, shape)), self.periods)
        self.adjusts = design.randomised and design.paired


def _check(several: Several, layout: _Layout) -> None:
    """Refuse values that a metric's kind cannot have (`DataError`)."""
    for j, metric in enumerate(layout.metrics):
        at = layout.value[j] + layout.width * np.arange(layout.periods)
        under = layout.under[j] + layout.width * np.arange(layout.periods)
        column = metric.column
        if (np.diagonal(several.cross, axis1=1, axis2=2)[:, at] <= 0).any():
            msg = f"Column {column!r} is constant in a cell; its spread cannot be known."
            raise DataError(msg)
        if metric.kind == "share" and several.odd[:, at].any():
            msg = (
                f"Column {column!r} is no share in {several.odd[:, at].sum():,.0f} users: a share is 0 or 1."
            )
            raise DataError(msg)
        if metric.kind == "count" and several.fractional[:, at].any():
            found = several.fractional[:, at].sum()
            msg = f"Column {column!r} is no count in {found:,.0f} users: a count is a whole number from 0 on."
            raise DataError(msg)
        if metric.denominator is not None and (several.low[:, under] < 0).any():
            msg = f"The denominator {metric.denominator!r} of {metric.name!r} has negative values."
            raise DataError(msg)
        if metric.denominator is not None and (several.high[:, under] <= 0).any():
            msg = (
                f"The denominator {metric.denominator!r} of {metric.name!r} adds up to zero in a cell: there "
                "is nothing to divide by. Leave the metric out, or choose a denominator that everybody has."
            )
            raise DataError(msg)


def estimates(several: Several, metrics: Sequence[Metric]) -> Estimates:
    """Contrast the means without a prior.

    Parameters
    ----------
    several
        The data; its columns are those of `columns_of`.
    metrics
        What is measured.

    Raises
    ------
    DataError
        For values that a metric's kind cannot have, constant columns, denominators that add up to zero.

    Notes
    -----
    The variance is ``Σ_g aᵀ S_g a / (n (n − 1))`` with S the sums of squares and products of a group's users
    and a the derivatives of the contrast by the means: ``w``, and of a ratio ``w/x̄`` and ``−w ȳ/x̄²`` (delta
    method).
    """
    layout = _Layout(several, metrics)
    _check(several, layout)
    n = several.n
    covariance = several.cross / (n * (n - 1))[:, None, None]
    groups, periods, width = len(n), layout.periods, layout.width
    count = len(metrics)
    effect, third = np.zeros(count), np.zeros(count)
    joint = np.zeros((count, count))
    base = np.full(count, np.nan)
    cells = np.zeros((count, groups, periods))
    for g in range(groups):
        slope = np.zeros((count, width * periods))
        for j, t in np.ndindex(count, periods):
            at, under = layout.value[j] + width * t, layout.under[j] + width * t
            mean, weight = several.mean[g, at], layout.weights[g, t]
            if metrics[j].denominator is None:
                cells[j, g, t] = mean * layout.scale[j]
                slope[j, at] += weight * layout.scale[j]
            else:
                below = several.mean[g, under]
                cells[j, g, t] = mean / below
                slope[j, at] += weight / below
                slope[j, under] -= weight * mean / below**2
        joint += slope @ covariance[g] @ slope.T
        third += (slope**3) @ several.cubes[g] / n[g] ** 3
    for j in range(count):
        effect[j] = (layout.weights * cells[j]).sum()
        if layout.last is not None:
            base[j] = cells[j][layout.last] - effect[j]
    se = np.sqrt(np.diagonal(joint))
    plain = np.array([metric.denominator is None for metric in metrics]) & (periods == 1)
    at = (layout.value[:, None] + width * np.arange(periods)).reshape(count, 1, periods)
    group = np.arange(groups)[None, :, None]
    low, high, mean = several.low[group, at], several.high[group, at], several.mean[group, at]
    events = np.full((count, groups, periods), np.inf)
    shares, counts = layout.kind == "share", layout.kind == "count"
    positive = several.positive[group, at]
    events[shares] = np.minimum(positive, n[None, :, None] - positive)[shares]
    events[counts] = (n[None, :, None] * mean)[counts]
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = np.where(
            low.min(axis=(1, 2)) >= 0, (high / (n[None, :, None] * mean)).max(axis=(1, 2)), np.nan
        )
    return Estimates(
        effect=effect,
        se=se,
        covariance=joint,
        base=base,
        skewness=np.where(plain, np.abs(third) / se**3, np.nan),
        events=events.min(axis=(1, 2)),
        largest=largest,
        scale=_scales(several, layout, cells, low),
    )


def _scales(several: Several, layout: _Layout, cells: Floats, low: Floats) -> Floats:
    """Give what one calls a lot of each metric, as `Cells.yardstick` does."""
    n = several.n[None, :, None] * np.ones(cells.shape)
    pooled = (n * cells).sum(axis=(1, 2)) / n.sum(axis=(1, 2))
    made = np.abs(pooled)
    squares = np.diagonal(several.cross, axis1=1, axis2=2)
    at = layout.value[:, None] + layout.width * np.arange(layout.periods)
    sd = np.sqrt(squares[:, at].sum(axis=(0, 2)) / (several.n.sum() * layout.periods))
    signed = (low.min(axis=(1, 2)) < 0) & (layout.kind == "amount")
    made = np.where(signed, np.maximum(made, sd), made)
    # An effect of 1 on the log-odds, where a share is.
    return np.where(layout.kind == "share", pooled * (1 - pooled / 100), made)


def effects_together(
    several: Several,
    metrics: Sequence[Metric],
    found: Estimates,
    priors: Priors,
    *,
    draws: int = 4_000,
    seed: int = 0,
) -> Together:
    """Draw the effects on all metrics from their joint posterior.

    Parameters
    ----------
    several, metrics
        As for `estimates`.
    found
        Their estimates.
    priors
        Of the effects, one metric independent of the other; combined with the joint likelihood in closed
        form.
    draws
        How many joint draws.
    seed
        Of the draws.
    """
    layout, rng = _Layout(several, metrics), np.random.default_rng(seed)
    effect, gap = np.zeros((draws, len(metrics))), np.zeros((draws, len(metrics)))
    for g, n in enumerate(several.n):
        sd = np.sqrt(np.diagonal(several.cross[g]) / n / (n - 1))
        correlation = several.cross[g] / np.sqrt(np.outer(*[np.diagonal(several.cross[g])] * 2))
        correlation[np.diag_indices_from(correlation)] = 1 + _JITTER
        z = rng.standard_normal((draws, len(sd))) @ _root(correlation).T
        # To the tails of a t distribution with n - 1 degrees of freedom (Cornish & Fisher).
        z += (z**3 + z) / (4 * (n - 1))
        for t in range(layout.periods):
            cell = _cell_values(several, layout, g, t, z, sd)
            effect += layout.weights[g, t] * cell
            if layout.adjusts and t == 0:
                gap -= layout.weights[g, t] * cell
    if layout.adjusts:
        # Groups drawn at random have no gap before: the effect given that it is zero.
        centred = gap - gap.mean(axis=0)
        effect -= gap * (centred * effect).mean(axis=0) / (centred**2).mean(axis=0)
    tau = found.scale * _prior_widths(several, layout, priors)
    covariance = np.cov(effect, rowvar=False, ddof=0) if layout.adjusts else found.covariance
    covariance = np.atleast_2d(covariance)
    # A draw of the prior, corrected by a draw of the likelihood, is one of the posterior (Matheron's rule).
    gain = np.linalg.solve(covariance + np.diag(tau**2), np.diag(tau**2)).T
    prior = tau * rng.standard_normal(effect.shape)
    effect = prior + (effect - prior) @ gain.T
    variance = np.diagonal(covariance)
    weight = variance / (variance + tau**2)
    # What is expected without the effect: known far better than the effect itself where that is small.
    relative = np.full_like(effect, np.nan)
    positive = found.base > 0
    relative[:, positive] = effect[:, positive] / found.base[positive]
    return Together(effect=effect, relative=relative, prior_weight=weight)


def _root(correlation: Floats) -> Floats:
    """Give a square root of a correlation matrix, also where columns depend on each other."""
    try:
        return np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlation)
        return vectors * np.sqrt(np.maximum(values, 0.0))


def _cell_values(several: Several, layout: _Layout, g: int, t: int, z: Floats, sd: Floats) -> Floats:
    """Draws of every metric's value in one cell; shape (draws, metrics)."""
    at, under = layout.value + layout.width * t, layout.under + layout.width * t
    mean, n = several.mean[g], several.n[g]
    made = mean[at] + sd[at] * z[:, at]
    share, count, ratio = (layout.kind == kind for kind in ("share", "count", "ratio"))
    if share.any():
        columns = at[share]
        p = (n * mean[columns] + 0.5) / (n + 1)
        made[:, share] = 100 * expit(logit(p) + z[:, columns] / np.sqrt(n * p * (1 - p)))
    if count.any():
        columns = at[count]
        made[:, count] = mean[columns] * np.exp(sd[columns] / mean[columns] * z[:, columns])
    if ratio.any():
        columns = under[ratio]
        made[:, ratio] /= mean[columns] + sd[columns] * z[:, columns]
    return made


def _prior_widths(several: Several, layout: _Layout, priors: Priors) -> Floats:
    """Prior standard deviation of the contrast, in multiples of each metric's scale."""
    design = several.design
    matrix = coding(design).to_numpy()
    weights = design.headline.array(design.shape)
    combined = np.tensordot(weights, matrix, axes=weights.ndim)
    made = {
        predictor: float(
            np.sqrt((combined**2 * np.square(prior_sd(priors, terms(design), predictor=predictor))).sum())
        )
        for predictor in ("location", "activity")
    }
    return np.where(layout.kind == "share", made["activity"], made["location"])
