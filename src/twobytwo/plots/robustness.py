"""The answer beside other methods' answers, and under other choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from twobytwo.plots.style import HARM, MUTED, SAFE, axes, legend, require_statement, unit
from twobytwo.tables import choices, sensitivity_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.analysis import Analysis
    from twobytwo.sensitivity import Sensitivity

__all__ = ["plot_crosscheck", "plot_sensitivity"]


def plot_crosscheck(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw the headline as the posterior and the other methods estimate it, one row a method.

    Parameters
    ----------
    analysis
        An answered question.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        A forest of estimates with intervals, the posterior on top.

    Raises
    ------
    DesignError
        If the headline was refused.
    """
    require_statement(analysis)
    table = analysis.crosscheck().table
    ax = axes(ax, 7, 1.6 + 0.32 * len(table))
    _forest(ax, table.index.to_list(), table["estimate"], table, analysis)
    return ax


def plot_sensitivity(analysis: Analysis, panel: Sensitivity | None = None, ax: Axes | None = None) -> Axes:
    """Draw the headline under every choice that was tried, from the highest to the lowest.

    Parameters
    ----------
    analysis
        An answered question.
    panel
        What ``analysis.sensitivity()`` found; None takes the presets of priors, which are at hand.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        A specification curve: one row a choice (Simonsohn, Simmons & Nelson 2020), the analysis' own in
        the harm colour. A family whose checks refuse it is drawn grey.

    Raises
    ------
    DesignError
        If the headline was refused.
    """
    require_statement(analysis)
    table = sensitivity_frame(analysis, panel)
    labels = choices(table)
    own = labels[0]
    # Descending, because rows are drawn from the top down.
    order = np.argsort(-table["mean"].to_numpy(float), kind="stable")
    ax = axes(ax, 7, 1.6 + 0.32 * len(table))
    sorted_table = table.iloc[order]
    _forest(ax, [labels[k] for k in order], sorted_table["mean"], sorted_table, analysis, own)
    return ax


def _forest(
    ax: Axes,
    labels: list[str],
    centre: pd.Series,
    table: pd.DataFrame,
    analysis: Analysis,
    own: str = "posterior",
) -> None:
    rows = np.arange(len(labels))
    middle = centre.to_numpy(float)
    bars = np.abs(table[["lower", "upper"]].to_numpy(float).T - middle)
    prob = f"{100 * analysis.headline.ci_prob:g} % interval"
    this = np.array([label == own for label in labels])
    doubted = (table["fidelity"] != "ok").to_numpy() if "fidelity" in table else np.zeros_like(this)
    for chosen, colour, marker, name in (
        (this, HARM, "s", f"this analysis, {prob}"),
        (~this & ~doubted, SAFE, "o", f"otherwise, {prob}"),
        (~this & doubted, MUTED, "o", "its checks refuse the family"),
    ):
        if chosen.any():
            ax.errorbar(
                middle[chosen],
                rows[chosen],
                xerr=bars[:, chosen],
                color=colour,
                marker=marker,
                linestyle="none",
                capsize=3,
                label=name,
            )
    ax.axvline(0, color="black", linewidth=0.8)
    margin = analysis.design.harm_sign * analysis.headline.margin
    if margin:
        ax.axvline(margin, color="black", linewidth=1, linestyle="--", label="margin of harm")
    ax.set_yticks(rows, labels)
    # The first row on top, as in a table.
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.grid(axis="y", color=MUTED, alpha=0.15)
    label = str(analysis.effects[analysis.headline.effect].attrs["label"])
    ax.set_xlabel(unit(label, analysis.headline.unit))
    # Half an inch, in axes' heights, which grow with the rows.
    legend(ax, columns=3, below=0.5 / (0.32 * len(labels) + 0.4))
