"""The four cell values, and what would be expected if the two factors did not interact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twobytwo.errors import DesignError
from twobytwo.show.plots.style import HARM, MUTED, SAFE, axes, legend, require_statement, unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis

__all__ = ["plot_cells"]

# Apart by so much of the horizontal step, so that intervals of equal cells are told apart.
_DODGE = 0.02


def plot_cells(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw the four cell values with their intervals, and what would be expected without interaction.

    Of difference-in-differences this is the picture of before and after with the counterfactual; of two
    experiments it is the interaction plot.

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
        If the headline was refused, or the family models users' changes, which have no levels.
    """
    require_statement(analysis)
    if analysis.fit.of_changes:
        msg = f"The {analysis.fit.family.name} family models users' changes here; there are no cells to draw."
        raise DesignError(msg)
    ax = axes(ax, 6.5, 4)
    first, second = analysis.design.factors
    did = analysis.design.question == "did"
    estimand = analysis.fit.family.estimand
    table = analysis.summary()
    across = np.arange(len(second.labels))
    styles = ((SAFE, "o", -_DODGE), (HARM, "s", _DODGE))
    for label, (colour, marker, shift) in zip(first.labels, styles, strict=True):
        rows = table.loc[[f"{estimand}[{label}, {other}]" for other in second.labels]]
        centre = rows["median"].to_numpy()
        bars = np.abs(rows[["lower", "upper"]].to_numpy().T - centre)
        name = f"{first.column} {label}"
        ax.errorbar(across + shift, centre, bars, color=colour, marker=marker, capsize=4, label=name)
    medians = table["median"].to_dict()
    (m00, m01), (m10, _) = ([medians[f"{estimand}[{a}, {b}]"] for b in second.labels] for a in first.labels)
    without = "had it changed as the other group did" if did else "without interaction"
    ax.plot(
        across + _DODGE,
        [m10, m10 + m01 - m00],
        color=MUTED,
        linestyle="--",
        marker="D",
        markerfacecolor="white",
        label=f"expected of {first.column} {first.labels[1]} {without}",
        zorder=1,
    )
    metric = analysis.design.metric
    ax.set_xticks(across, [f"{second.column} {label}" for label in second.labels])
    ax.set(
        ylabel=unit(f"{estimand.replace('_', ' ')} {metric.name}", metric.measure),
        xlim=(-0.3, len(across) - 0.7),
    )
    ax.set_title(f"{100 * analysis.headline.ci_prob:g} % intervals", fontsize=9, loc="right", color=MUTED)
    legend(ax, below=0.1)
    return ax
