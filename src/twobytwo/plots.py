"""Pictures, one function each, that return matplotlib's own axes so that users can go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import pyplot as plt

from twobytwo.analysis import Analysis
from twobytwo.decisions import format_number
from twobytwo.errors import DesignError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_cells", "plot_effect"]

# Okabe & Ito's colours, told apart by colour-blind readers: reference, treated, counterfactual.
_REFERENCE, _TREATED, _EXPECTED = "#0072B2", "#D55E00", "#999999"


def plot_effect(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw the posterior of the headline with its interval, its harm side and the margin.

    Parameters
    ----------
    analysis
        An answered question.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        The picture.

    Raises
    ------
    DesignError
        If the headline was refused: a picture would state what the words do not.
    """
    stated = analysis.headline
    if stated.ci is None:
        msg = f"The headline was refused, so there is no effect to draw. {stated.statement}"
        raise DesignError(msg)
    ax = ax or plt.subplots(figsize=(7, 3.5), layout="constrained")[1]
    draws = analysis.effects[stated.effect].to_numpy().ravel()
    heights, edges = np.histogram(draws, bins=50, density=True)
    middles = (edges[:-1] + edges[1:]) / 2
    harmful = analysis.design.harm_sign * middles > stated.margin
    width = edges[1] - edges[0]
    for chosen, colour, label in (
        (~harmful, _REFERENCE, "no harm beyond the margin"),
        (harmful, _TREATED, "harm beyond the margin"),
    ):
        # An empty side has no bars for the legend to take its colour from.
        if chosen.any():
            ax.bar(middles[chosen], heights[chosen], width, color=colour, label=label)
    ax.axvline(0, color="black", linewidth=0.8)
    if stated.margin:
        harm_at = analysis.design.harm_sign * stated.margin
        ax.axvline(harm_at, color="black", linewidth=0.8, linestyle="--", label="margin")
    error = (stated.sd or 0.0) / 20
    lower, upper = (format_number(value, error, sign=True) for value in stated.ci)
    interval = f"{100 * stated.ci_prob:g} % interval {lower} to {upper}"
    ax.plot(stated.ci, [0, 0], color="black", linewidth=4, solid_capstyle="butt", label=interval)
    label = analysis.effects[stated.effect].attrs["label"]
    ax.set(xlabel=f"{label} ({stated.unit})" if stated.unit else label, yticks=[], ylabel="posterior density")
    ax.legend(frameon=False)
    return ax


def plot_cells(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw the four cell values with their intervals, and what would be expected without interaction.

    Parameters
    ----------
    analysis
        An answered question.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        One line a level of the first factor, the second on the horizontal axis.

    Raises
    ------
    DesignError
        If the family models users' changes, which have no levels.
    """
    if analysis.fit.of_changes:
        msg = f"The {analysis.fit.family.name} family models users' changes here; there are no cells to draw."
        raise DesignError(msg)
    ax = ax or plt.subplots(figsize=(6, 4), layout="constrained")[1]
    first, second = analysis.design.factors
    estimand = analysis.headline.estimand
    table = analysis.summary()
    across = np.arange(len(second.labels))
    for label, colour in zip(first.labels, (_REFERENCE, _TREATED), strict=True):
        rows = table.loc[[f"{estimand}[{label}, {other}]" for other in second.labels]]
        centre = rows["median"].to_numpy()
        bars = np.abs(rows[["lower", "upper"]].to_numpy().T - centre)
        ax.errorbar(
            across, centre, bars, color=colour, marker="o", capsize=4, label=f"{first.column} {label}"
        )
    medians = table["median"].to_dict()
    (m00, m01), (m10, _) = ([medians[f"{estimand}[{a}, {b}]"] for b in second.labels] for a in first.labels)
    expected = [m10, m10 + m01 - m00]
    without = "under parallel trends" if analysis.design.question == "did" else "without interaction"
    ax.plot(across, expected, color=_EXPECTED, linestyle="--", label=f"expected {without}")
    measure = f" ({analysis.design.measure})" if analysis.design.measure else ""
    ax.set_xticks(across, [f"{second.column} {label}" for label in second.labels])
    ax.set(ylabel=f"{estimand} {analysis.design.outcome}{measure}", xlim=(-0.3, 1.3))
    ax.legend(frameon=False)
    return ax
