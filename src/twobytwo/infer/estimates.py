"""What the moments of many metrics say without a prior: contrasts, their errors, their scales.

This is the companion of a scorecard: nothing here knows a prior or draws anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twobytwo.ask.lines import Line
from twobytwo.data.ratio import refuse_denominator, refuse_thin
from twobytwo.data.sums import Several
from twobytwo.errors import DataError
from twobytwo.infer.layout import Layout
from twobytwo.infer.spreads import alike_over_own

__all__ = ["Estimates", "estimates"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

# Of the variance that uncorrelated columns would have: where no more is left, it is rounding.
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimates:
    """The companion: contrasts of means (or of ratios of means) and their standard errors, without a prior.

    A row is the effect on one metric; of several treatments the rows of the first come first.

    Parameters
    ----------
    effect, se
        In units of the metric; shape (rows,). Of a ratio by the delta method; of a metric with a value
        before, what is left when its gap before is taken away (CUPED); so too in every metric where groups
        that were drawn at random are seen before and after.
    covariance
        Of the estimates, shape (rows, rows); its diagonal is ``se²``.
    base
        What is expected without the effect; NaN where the contrast has no such cell.
    skewness
        Of the contrast, NaN where it is not known (the same users in several periods, ratios).
    spread
        `alike_over_own`, of values before if there are any; NaN for shares, ratios, and groups not drawn.
    events, largest
        Fewest events in a cell (shares and counts; infinite for others), largest share of one value in a
        cell's total (NaN where values may be negative).
    scale
        What an effect of 1 in the priors is, in units of the metric.
    gap, gap_se
        The contrast of the values before and its standard error; NaN where no gap is taken away.
    slope
        Effect on the metric per unit of its gap before; 0 where none is taken away.
    """

    effect: Floats
    se: Floats
    covariance: Floats
    base: Floats
    skewness: Floats
    spread: Floats
    events: Floats
    largest: Floats
    scale: Floats
    gap: Floats
    gap_se: Floats
    slope: Floats


def _check(several: Several, layout: Layout) -> None:
    """Refuse values that a metric's kind cannot have (`DataError`)."""
    for before in layout.before:
        if (several.cross[:, before, before] <= 0).all():
            name = several.reads[before].column
            msg = f"The value before {name!r} is constant; it says nothing about users. Leave it out."
            raise DataError(msg)
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
        if metric.denominator is not None:
            refuse_denominator(metric, several.low[:, under], several.high[:, under])
            refuse_thin(several.design, metric, _of_ratio(several, at, under))


def _of_ratio(several: Several, at: Integers, under: Integers) -> dict[str, Floats]:
    """Give what is known of numerator and denominator by cell, for `refuse_thin`."""
    found = {
        "n": np.repeat(several.n[:, None], len(at), axis=1),
        "y": several.mean[:, at],
        "x": several.mean[:, under],
        "yy": several.cross[:, at, at],
        "xy": several.cross[:, at, under],
        "xx": several.cross[:, under, under],
    }
    # The period, if there is one, varies fastest.
    return {name: values.ravel() for name, values in found.items()}


def estimates(several: Several, lines: Sequence[Line]) -> Estimates:
    """Contrast the means without a prior.

    Parameters
    ----------
    several
        The data; its columns are those of `reads_of`.
    lines
        What is measured.

    Raises
    ------
    DataError
        For values that a metric's kind cannot have, constant columns, denominators that add up to zero, and
        values that follow from the values before.

    Notes
    -----
    The variance is ``Σ_g aᵀ S_g a / (n (n − 1))`` with S the sums of squares and products of a group's users
    and a the derivatives of the contrast by the means: ``w``, and of a ratio ``w/x̄`` and ``−w ȳ/x̄²`` (delta
    method). A gap before, which is zero but for chance where groups were drawn at random, is taken away as
    ``δ − β γ`` with ``β = Cov(δ, γ)/Var(γ)``, which makes the variance least.
    """
    layout = Layout(several, lines)
    _check(several, layout)
    cells, gaps, joint, apart = _contrasts(several, layout)
    effect = (layout.weights[:, None] * cells).sum(axis=(2, 3)).ravel()
    rows = len(effect)
    slopes, gap, gap_se = np.zeros(rows), np.full(rows, np.nan), np.full(rows, np.nan)
    given, at = layout.rows_of(layout.given), np.arange(rows, len(joint))
    take = np.eye(rows, len(joint))
    if given.size:
        variance = np.diagonal(joint)[at]
        gap[given], gap_se[given] = gaps, np.sqrt(variance)
        slopes[given] = joint[given, at] / variance
        effect[given] -= (slopes * gap)[given]
        take[given, at] = -slopes[given]
    joint = take @ joint @ take.T
    _refuse_certain(layout, np.diagonal(joint), take**2 @ apart)
    se = np.sqrt(np.diagonal(joint))
    events, largest = _counted(several, layout)
    last = [np.full(len(lines), np.nan) if at is None else cells[(slice(None), *at)] for at in layout.last]
    return Estimates(
        effect=effect,
        se=se,
        covariance=joint,
        base=np.concatenate(last) - effect,
        skewness=np.abs(_third(several, layout, slopes)) / se**3,
        spread=_spread(several, layout),
        events=events,
        largest=largest,
        scale=np.tile(_scales(several, layout, cells), len(layout.weights)),
        gap=gap,
        gap_se=gap_se,
        slope=slopes,
    )


def _refuse_certain(layout: Layout, variance: Floats, apart: Floats) -> None:
    """Refuse contrasts that do not vary, however much their columns do (`DataError`)."""
    (certain,) = np.nonzero(variance <= _NOTHING * apart)
    if certain.size:
        metric = layout.metrics[certain[0] % len(layout.metrics)]
        msg = (
            f"All users have the same change in {metric.column!r}, or it follows from the value before; "
            "its spread cannot be known. Check that the value before is not a copy of the one after."
        )
        raise DataError(msg)


def _contrasts(several: Several, layout: Layout) -> tuple[Floats, Floats, Floats, Floats]:
    """Give every metric's value by cell, the gaps before, and variances of the contrasts, the gaps' last.

    These are a covariance matrix, and the variances that there would be if columns were not correlated.
    """
    n, weights, before = several.n, layout.weights, layout.before
    count, rows = len(layout.metrics), len(weights) * len(layout.metrics)
    size = rows + len(weights) * len(layout.given)
    joint, apart, cells = np.zeros((size, size)), np.zeros(size), np.zeros((count, len(n), layout.periods))
    for g in range(len(n)):
        cells[:, g], by_column = _values(several, layout, g)
        slope = np.zeros((size, by_column.shape[-1]))
        slope[:rows] = np.einsum("kt,tjd->kjd", weights[:, g], by_column).reshape(rows, -1)
        if layout.adjusts:
            # The first period's columns come first, and count negatively in a change.
            slope[rows:, : layout.width] = -slope[:rows, : layout.width]
        else:
            gaps = np.arange(rows, size).reshape(len(weights), len(before))
            slope[gaps, before] = weights[:, g, :1]
        covariance = several.cross[g] / (n[g] * (n[g] - 1))
        joint += slope @ covariance @ slope.T
        apart += slope**2 @ np.diagonal(covariance)
    if layout.adjusts:
        return cells, -(weights[:, None, :, 0] * cells[:, :, 0]).sum(axis=2).ravel(), joint, apart
    return cells, (weights[:, :, 0] @ several.mean[:, before]).ravel(), joint, apart


def _values(several: Several, layout: Layout, g: int) -> tuple[Floats, Floats]:
    """Every metric's value in a group, (metrics, periods), and its slopes, (periods, metrics, columns)."""
    count, periods, width = len(layout.metrics), layout.periods, layout.width
    values, slopes = np.zeros((count, periods)), np.zeros((periods, count, width * periods))
    for j, t in np.ndindex(count, periods):
        at, under = layout.value[j] + width * t, layout.under[j] + width * t
        mean, below = several.mean[g, at], several.mean[g, under]
        if layout.metrics[j].denominator is None:
            values[j, t], slopes[t, j, at] = mean * layout.scale[j], layout.scale[j]
        else:
            values[j, t], slopes[t, j, at] = mean / below, 1 / below
            slopes[t, j, under] -= mean / below**2
    return values, slopes


def _third(several: Several, layout: Layout, slopes: Floats) -> Floats:
    """Third central moment of each contrast; NaN where it is not known."""
    if layout.periods > 1:
        return np.full(len(slopes), np.nan)
    weights = (layout.weights[:, :, :1] / several.n[:, None]) ** 3
    third = (weights * several.cubes[:, layout.value]).sum(axis=1) * layout.scale**3
    third[:, [metric.denominator is not None for metric in layout.metrics]] = np.nan
    mixed = dict(zip(several.pairs, np.moveaxis(several.mixed, 0, -1), strict=True))
    by_contrast = slopes.reshape(third.shape)
    for j, before in zip(layout.given, layout.before, strict=True):
        if layout.metrics[j].denominator is None:
            # Of y - b x, from the sums of y² x, y x² and x³.
            scale, b = layout.scale[j], by_contrast[:, j, None]
            yyx, yxx = mixed[int(layout.value[j]), int(before)]
            parts = -3 * scale**2 * b * yyx + 3 * scale * b**2 * yxx - b**3 * several.cubes[:, before]
            third[:, j] += (weights[..., 0] * parts).sum(axis=1)
    return third.ravel()


def _spread(several: Several, layout: Layout) -> Floats:
    """Compare the errors by one spread for all groups with those by each group's own; see `Estimates`."""
    made = np.full((len(layout.weights), len(layout.metrics)), np.nan)
    at = layout.value.copy()
    if not layout.adjusts:
        at[layout.given] = layout.before
    if several.design.period is None or layout.adjusts:
        for k, j in np.ndindex(made.shape):
            if layout.kind[j] in {"amount", "count"}:
                squared = np.abs(layout.weights[k]).max(axis=-1, keepdims=True) ** 2
                made[k, j] = alike_over_own(several.n[:, None], several.cross[:, at[j], at[j], None], squared)
    return made.ravel()


def _counted(several: Several, layout: Layout) -> tuple[Floats, Floats]:
    """Fewest events in a cell, and the largest share of one value in a cell's total."""
    at, group = _places(several, layout)
    n, mean = several.n[None, :, None], several.mean[group, at]
    low, high, positive = several.low[group, at], several.high[group, at], several.positive[group, at]
    events = np.full(mean.shape, np.inf)
    shares, counts = layout.kind == "share", layout.kind == "count"
    events[shares] = np.minimum(positive, n - positive)[shares]
    events[counts] = (n * mean)[counts]
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = np.where(low.min(axis=(1, 2), keepdims=True) >= 0, high / (n * mean), np.nan)
    # A treatment's own cells and the control group's.
    own = [weights.any(axis=1) for weights in layout.weights] if len(layout.weights) > 1 else [slice(None)]
    return (
        np.concatenate([events[:, groups].min(axis=(1, 2)) for groups in own]),
        np.concatenate([largest[:, groups].max(axis=(1, 2)) for groups in own]),
    )


def _places(several: Several, layout: Layout) -> tuple[Integers, Integers]:
    """Give the places of every metric's values, to be broadcast to (metrics, groups, periods)."""
    at = layout.value[:, None, None] + layout.width * np.arange(layout.periods)
    return at, np.arange(len(several.n))[None, :, None]


def _scales(several: Several, layout: Layout, cells: Floats) -> Floats:
    """Give what one calls a lot of each metric, as `Cells.yardstick` does."""
    n = several.n[None, :, None] * np.ones(cells.shape)
    pooled = (n * cells).sum(axis=(1, 2)) / n.sum(axis=(1, 2))
    squares = np.diagonal(several.cross, axis1=1, axis2=2)
    at = layout.value[:, None] + layout.width * np.arange(layout.periods)
    sd = np.sqrt(squares[:, at].sum(axis=(0, 2)) / (several.n.sum() * layout.periods))
    places, group = _places(several, layout)
    signed = (several.low[group, places].min(axis=(1, 2)) < 0) & (layout.kind == "amount")
    made = np.where(signed, np.maximum(np.abs(pooled), sd), np.abs(pooled))
    # An effect of 1 on the log-odds, where a share is.
    return np.where(layout.kind == "share", pooled * (1 - pooled / 100), made)
