"""The answer beside other methods' answers, and under other choices."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from twobytwo.infer.decisions import verdict
from twobytwo.show.plots.style import (
    DOUBTED,
    MUTED,
    OWN,
    as_written,
    axes,
    legend,
    require_statement,
    titled,
    unit,
)
from twobytwo.show.tables import choices, sensitivity_frame, varied

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis
    from twobytwo.check.sensitivity import Sensitivity

__all__ = ["plot_crosscheck", "plot_sensitivity", "sensitivity_height"]


@as_written
def plot_crosscheck(analysis: Analysis, ax: Axes | None = None, methods: Sequence[str] | None = None) -> Axes:
    """Draw the headline as the posterior and the other methods estimate it, one row per method.

    Parameters
    ----------
    analysis
        An answered question.
    ax
        Where to draw; None makes a figure.
    methods
        Which of ``analysis.crosscheck().table`` to draw; None takes all.

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
    table = analysis.crosscheck(statsmodels=False).table
    table = table if methods is None else table.loc[list(methods)]
    ax = axes(ax, 7, 1.6 + 0.32 * len(table))
    _forest(ax, table.index.to_list(), table["estimate"], table, analysis)
    agree = "agree" if analysis.crosscheck(statsmodels=False).agrees else "disagree"
    titled(ax, f"The posterior and least squares {agree}")
    return ax


@as_written
def plot_sensitivity(analysis: Analysis, panel: Sensitivity | None = None, ax: Axes | None = None) -> Axes:
    """Draw the headline under every choice that was tried, in order of the estimate.

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
        Where only the prior differs, a forest. Otherwise a specification curve (Simonsohn, Simmons &
        Nelson 2020), from the lowest estimate to the highest, and below it, as an inset of the axes, what
        was chosen for each. The analysis' own is black; what its checks refuse is pale.

    Raises
    ------
    DesignError
        If the headline was refused.
    """
    require_statement(analysis)
    table = sensitivity_frame(analysis, panel)
    ax = axes(ax, 7, sensitivity_height(analysis, panel))
    titled(ax, _stability(table, analysis))
    if len(varied(table)) > 1:
        _curve(ax, table, analysis)
        return ax
    labels = choices(table)
    # Descending, because rows are drawn from the top down.
    order = np.argsort(-table["median"].to_numpy(float), kind="stable")
    ordered = table.iloc[order]
    _forest(ax, [labels[k] for k in order], ordered["median"], ordered, analysis, labels[0])
    return ax


def _stability(table: pd.DataFrame, analysis: Analysis) -> str:
    """Say whether the verdict of the headline's effect is the same under every choice that can be trusted."""
    trusted = table[table["fidelity"] == "ok"] if "fidelity" in table else table
    limit = analysis.headline.max_probability
    found = [verdict(float(share), limit) for share in trusted["p_material_harm"]]
    own = verdict(float(table["p_material_harm"].iloc[0]), limit)
    others = sum(other != own for other in found)
    primary = analysis.design.primary
    whose = f"The verdict on {primary[0].agent}" if len(primary) > 1 else "The verdict"
    if not others:
        return f"{whose} is the same under all {len(found)} choices"
    return f"{whose} is another under {others} of {len(found)} choices"


def sensitivity_height(analysis: Analysis, panel: Sensitivity | None = None) -> float:
    """Give the height in inches that `plot_sensitivity` needs on a figure of one's own."""
    table = sensitivity_frame(analysis, panel)
    if len(varied(table)) == 1:
        return 1.6 + 0.32 * len(table)
    return 4.1 + _CURVE * _MARK * len(_marks(table))


# Heights in inches of the curve and the title above it; of a row of marks below as a share of the curve's.
_CURVE, _TITLE, _MARK = 2.6, 0.4, 0.07


def _marks(table: pd.DataFrame) -> list[tuple[str, str]]:
    return [(name, value) for name in varied(table) for value in dict.fromkeys(map(str, table[name]))]


def _curve(ax: Axes, table: pd.DataFrame, analysis: Analysis) -> None:
    """Draw estimates from the lowest to the highest, and below each what was chosen for it."""
    middle = table["median"].to_numpy(float)
    order = np.argsort(middle, kind="stable")
    place = np.argsort(order)
    bars = np.abs(table[["lower", "upper"]].to_numpy(float).T - middle)
    for chosen, colour, marker, name in _kinds(table, np.arange(len(table)) == 0, analysis):
        if chosen.any():
            ax.errorbar(
                place[chosen],
                middle[chosen],
                yerr=bars[:, chosen],
                color=colour,
                marker=marker,
                markersize=4,
                elinewidth=1,
                linestyle="none",
                label=name,
            )
    ax.axhline(0, color="black", linewidth=0.8)
    margin = analysis.design.metric.harm_sign * analysis.headline.margin
    if margin:
        ax.axhline(margin, color="black", linewidth=1, linestyle="--", label="margin of harm")
    label = str(analysis.effects[analysis.headline.effect].attrs["label"])
    ax.set_ylabel("\n".join(wrap(unit(label, analysis.headline.unit), 34)))
    ax.tick_params(axis="x", length=0, labelbottom=False)
    marks = _marks(table)
    height = _MARK * len(marks)
    below = ax.inset_axes((0, -height - 0.04, 1, height), sharex=ax)
    for row, (name, value) in enumerate(marks):
        at = place[(table[name].astype(str) == value).to_numpy()]
        below.plot(at, np.full(len(at), row), color="black", marker="s", markersize=3, linestyle="none")
    below.set_yticks(range(len(marks)), [f"{name}: {value}" for name, value in marks], fontsize=8)
    below.set(ylim=(len(marks) - 0.5, -0.5), xticks=[], xlabel="what was chosen, lowest estimate first")
    below.spines[["top", "right", "bottom"]].set_visible(False)
    legend(ax, columns=2, below=height + 0.16)
    figure = ax.get_figure(root=True)
    if figure is not None and len(figure.axes) == 1:
        # What hangs below is in the curve's heights, which the layout engine cannot solve for.
        figure.set_layout_engine("none")
        wide, tall = figure.get_size_inches()
        ax.set_position((2.0 / wide, 1 - (_CURVE + _TITLE) / tall, 1 - 2.1 / wide, _CURVE / tall))


def _kinds(
    table: pd.DataFrame, this: npt.NDArray[np.bool_], analysis: Analysis, others: str = "other choices"
) -> tuple[tuple[npt.NDArray[np.bool_], str, str, str], ...]:
    """Tell apart the analysis itself, other answers, and those that their checks refuse."""
    prob = f"{100 * analysis.headline.ci_prob:g} % interval"
    doubted = (table["fidelity"] != "ok").to_numpy() if "fidelity" in table else np.zeros_like(this)
    return (
        (this, OWN, "s", f"this analysis, {prob}"),
        (~this & ~doubted, MUTED, "o", f"{others}, {prob}"),
        (~this & doubted, DOUBTED, "o", "its checks refuse the family"),
    )


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
    this = np.array([label == own for label in labels])
    others = "other methods" if own == "posterior" else "other choices"
    for chosen, colour, marker, name in _kinds(table, this, analysis, others):
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
    margin = analysis.design.metric.harm_sign * analysis.headline.margin
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
