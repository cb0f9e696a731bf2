"""The cell values, and what would be expected if the two factors did not interact."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from twobytwo.errors import DesignError
from twobytwo.infer.decisions import format_probability
from twobytwo.show.plots.style import (
    MUTED,
    SEVERAL,
    as_written,
    axes,
    legend,
    require_statement,
    titled,
    unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis
    from twobytwo.ask.factor import Factor

__all__ = ["plot_cells"]

# Apart by so much of the horizontal step, so that intervals of equal cells are told apart.
_DODGE = 0.02
_MARKERS = ("o", "s", "^", "v", "P", "X", "D")


@as_written
def plot_cells(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw the cell values with their intervals, and what would be expected without interaction.

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
    *first, last = analysis.design.compared
    across = np.arange(len(last.labels))
    lines = list(product(*(factor.labels for factor in first)))
    for k, labels in enumerate(lines):
        rows = _cells(analysis, labels, last)
        centre = rows["median"].to_numpy()
        bars = np.abs(rows[["lower", "upper"]].to_numpy().T - centre)
        name = ", ".join(f"{f.name} {label}" for f, label in zip(first, labels, strict=True))
        # A line joins what can be read along it, which one group beside another cannot.
        ax.errorbar(
            across + _DODGE * (2 * k - len(lines) + 1),
            centre,
            bars,
            color=SEVERAL[k % len(SEVERAL)],
            marker=_MARKERS[k % len(_MARKERS)],
            linestyle="-" if first else "none",
            capsize=4,
            label=name or None,
        )
    _expected(ax, analysis)
    metric, estimand = analysis.design.metric, analysis.fit.family.estimand.replace("_", " ")
    plain = metric.denominator is None and not metric.capped
    values = f"{estimand} {metric.name}" if plain else metric.of(analysis.fit.family.estimand)
    ax.set_xticks(across, [f"{last.name} {label}" for label in last.labels])
    ax.set(
        ylabel=f"{unit(values, metric.measure)}\n{100 * analysis.headline.ci_prob:g} % intervals",
        xlim=(-0.3, len(across) - 0.7),
    )
    titled(ax, _finding(analysis))
    if first:
        legend(ax, below=0.1)
    return ax


def _finding(analysis: Analysis) -> str:
    """Say the effect; of several treatments, which is best."""
    arms = analysis.headline.arms
    if not arms:
        return analysis.headline.sentences[1]
    best = max(arms, key=lambda arm: arm.p_best)
    factor = analysis.design.factors[0]
    return f"Most probably best: {factor.name} {best.label} ({format_probability(best.p_best)})"


def _cells(analysis: Analysis, labels: Sequence[str], last: Factor) -> pd.DataFrame:
    """Give the summary of the cells along the last factor."""
    estimand, design = analysis.fit.family.estimand, analysis.design
    after = design.factors[len(design.compared) :]
    rest = [factor.labels[-1] for factor in after]
    names = [f"{estimand}[{', '.join([*labels, label, *rest])}]" for label in last.labels]
    return analysis.summary().loc[names]


def _expected(ax: Axes, analysis: Analysis) -> None:
    """Draw what would be expected of the last of four corners, had the two factors not gone together."""
    contrast, design = analysis.design.headline, analysis.design
    if len(contrast.corners) != 4 or len(design.factors) != 2:
        return
    first, second = design.factors
    medians = _cells(analysis, first.labels[:1], second)["median"].to_numpy()
    start = float(_cells(analysis, first.labels[1:2], second)["median"].iloc[0])
    without = (
        "without interaction" if contrast.kind == "interaction" else "had it changed as the other group did"
    )
    ax.plot(
        np.arange(2) + _DODGE,
        [start, start + medians[1] - medians[0]],
        color=MUTED,
        linestyle="--",
        marker="D",
        markerfacecolor="white",
        label=f"expected of {first.name} {first.labels[1]} {without}",
        zorder=1,
    )
