"""The posterior of the headline effect: where it lies, and how likely how much harm is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import arviz_stats
import numpy as np
from scipy.stats import gaussian_kde

from twobytwo.ask.units import counted
from twobytwo.infer.decisions import format_number, resolution
from twobytwo.show.plots.style import (
    HARM,
    MUTED,
    PALE,
    SAFE,
    as_written,
    axes,
    legend,
    require_statement,
    titled,
    unit,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis

__all__ = ["plot_effect", "plot_harm"]


@as_written
def plot_effect(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw the posterior of the headline with its interval, its harm side, the margin and the ROPE.

    Parameters
    ----------
    analysis
        An answered question.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        The density of the draws, smoothed; the part painted as harm beyond the margin is its probability.

    Raises
    ------
    DesignError
        If the headline was refused: a picture would state what the words do not.
    """
    require_statement(analysis)
    stated, sign = analysis.headline, analysis.design.metric.harm_sign
    ax = axes(ax, 7, 3.6)
    x, heights = _density(analysis.effects[stated.effect], sign * stated.margin)
    harmful = sign * x >= stated.margin
    safe = sign * x <= stated.margin
    beyond = " beyond the margin" if stated.margin else ""
    for chosen, colour, label in ((safe, SAFE, "no harm"), (harmful, HARM, "harm")):
        # An empty side has no area for the legend to take its colour from.
        if chosen.sum() > 1:
            ax.fill_between(x[chosen], heights[chosen], color=colour, linewidth=0, label=f"{label}{beyond}")
    ax.axvline(0, color="black", linewidth=0.8)
    if stated.margin:
        within = f"within ±{stated.margin:g}: too small to matter"
        ax.axvspan(-stated.margin, stated.margin, color=PALE, zorder=0, label=within)
        ax.axvline(sign * stated.margin, color="black", linewidth=1, linestyle="--", label="margin of harm")
    lower, upper = stated.ci or (math.nan, math.nan)
    error = resolution(analysis.effects[stated.effect])
    ends = " to ".join(format_number(value, error, sign=True) for value in (lower, upper))
    level = -0.04 * heights.max()
    ax.plot(
        [lower, upper],
        [level, level],
        color="black",
        linewidth=4,
        solid_capstyle="butt",
        label=f"{100 * stated.ci_prob:g} % interval {ends}",
    )
    ax.set(
        xlabel=unit(str(analysis.effects[stated.effect].attrs["label"]), stated.unit),
        yticks=[],
        ylabel="posterior density",
    )
    titled(ax, " ".join(stated.sentences[:2]))
    legend(ax)
    return ax


@as_written
def plot_harm(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw how likely it is that the harm is larger than x, over x.

    Parameters
    ----------
    analysis
        An answered question.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        The share of draws whose harm exceeds x. Below zero, harm beyond x is a gain of less than −x.

    Raises
    ------
    DesignError
        If the headline was refused.
    """
    require_statement(analysis)
    stated = analysis.headline
    # As the statement says it: the probability's own error, not that of any harm at all.
    shown = analysis.harm(effect=stated.effect).p_material_harm
    ax = axes(ax, 7, 3.6)
    harm = np.sort(analysis.design.metric.harm_sign * analysis.effects[stated.effect].to_numpy().ravel())
    ends = [*harm[[0, -1]], 0.0, stated.margin]
    room = 0.05 * (max(ends) - min(ends))
    x = np.linspace(min(ends) - room, max(ends) + room, 400)
    p = 1 - np.searchsorted(harm, x, side="right") / harm.size
    ax.plot(x, 100 * p, color=HARM, linewidth=2, label="probability of more harm than x")
    ax.axvline(0, color="black", linewidth=0.8)
    if stated.margin:
        ax.axvline(stated.margin, color="black", linewidth=1, linestyle="--")
        ax.plot(
            [stated.margin],
            [100 * (stated.p_material_harm or 0.0)],
            color="black",
            marker="o",
            linestyle="none",
            label=f"margin {counted(f'{stated.margin:g}', stated.unit)}: {shown}",
        )
    harmful = analysis.design.headline.harm
    x_label = unit(f"{harmful} x in {analysis.design.metric.said}, negative for a gain", stated.unit)
    ax.set(xlabel=x_label, ylabel=f"P({harmful} > x) in %", ylim=(-3, 103), xlim=(x[0], x[-1]))
    ax.grid(color=MUTED, alpha=0.2)
    beyond = f" of more than {counted(f'{stated.margin:,g}', stated.unit)}"
    titled(ax, f"Probability of {harmful}{beyond if stated.margin else ''}: {shown}")
    legend(ax)
    return ax


# Of a standard deviation.
_SMOOTH = 0.3


def _density(effect: xr.DataArray, boundary: float) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the density of the draws on a grid that has the boundary among its points.

    The grid ends at the boundary where no draw is beyond it: nothing is painted that no draw shows. The
    bandwidth is Scott's rule for as many draws as they are worth, and not less than `_SMOOTH`, below which
    the noise of thousands of draws is still seen as bumps. The draws are drawn in towards their mean so far
    that the smooth density has their variance.
    """
    draws = effect.to_numpy().ravel()
    width = max(float(arviz_stats.ess(effect, method="mean")) ** -0.2, _SMOOTH)
    inside = draws.mean() + (draws - draws.mean()) / np.sqrt(1 + width**2)
    kernel = gaussian_kde(inside, bw_method=width)
    room = 3 * float(np.sqrt(kernel.covariance.item()))
    x = np.linspace(draws.min() - room, draws.max() + room, 400)
    x = np.unique(np.append(x, boundary)) if x[0] < boundary < x[-1] else x
    if draws.min() >= boundary:
        x = x[x >= boundary]
    elif draws.max() <= boundary:
        x = x[x <= boundary]
    heights = kernel(x)
    return x, heights / np.trapezoid(heights, x)
