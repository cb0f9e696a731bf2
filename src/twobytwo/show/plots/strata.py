"""The relative effect by strata of the value before: who gains, light or heavy users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twobytwo.show.plots.style import SAFE, as_written, axes, require_statement, titled
from twobytwo.show.strata import strata_finding, strata_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis

__all__ = ["plot_strata"]


@as_written
def plot_strata(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """Draw the relative effect of light to heavy users with intervals; the title says what is found.

    Parameters
    ----------
    analysis
        An answered question whose family has strata (``family="stratified"``, and what ``"auto"`` takes for
        groups drawn at random with a value before).
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        A dot per stratum of the value before, and the effect over all users as a line.

    Raises
    ------
    DesignError
        If the headline was refused, or the family has no strata.
    """
    require_statement(analysis)
    strata = strata_table(analysis)
    ax = axes(ax, 7, 4)
    x = np.arange(len(strata))
    middle = strata["median"].to_numpy()
    ends = np.abs(strata[["lower", "upper"]].to_numpy().T - middle)
    prob = f"{100 * analysis.options.ci_prob:g} %"
    ax.errorbar(x, middle, ends, fmt="o", color=SAFE, capsize=3, label=f"stratum, {prob} interval")
    overall = float((strata["total"] * middle).sum() / strata["total"].sum())
    ax.axhline(overall, color=SAFE, linewidth=1, linestyle="--", label="all users")
    ax.axhline(0, color="black", linewidth=0.8)
    measure = analysis.design.metric.measure or analysis.design.metric.column
    # From, to, and the two shares, a line each; a stratum of one value has no second line.
    names = [
        "\n".join([low, f"to {high}" if high else "", "", f"{row['users']:.2g} %", f"{row['total']:.2g} %"])
        for (low, _, high), row in zip(
            (str(label).partition(" to ") for label in strata.index), strata.to_dict("records"), strict=True
        )
    ]
    ax.set_xticks(x, names, fontsize=8)
    ax.set(
        ylabel="effect, % of the stratum's mean",
        xlabel=f"{measure} before; below it the stratum's share of users, and of all {measure} after",
    )
    titled(ax, strata_finding(analysis))
    ax.legend(frameon=False, fontsize=9)
    return ax
