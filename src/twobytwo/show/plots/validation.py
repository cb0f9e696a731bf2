"""Whether the probability of harm is uniform where nothing can differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twobytwo.show.plots.style import HARM, MUTED, PALE, SAFE, as_written, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.check.validation import Validation

__all__ = ["plot_validation"]

_BINS = 20


@as_written
def plot_validation(validation: Validation, ax: Axes | None = None) -> Axes:
    """Draw how often random splits have each probability of harm.

    Parameters
    ----------
    validation
        What `twobytwo.validate` found.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        Twenty bars, each of which should hold 5 % of the splits; the band holds 99 % of what chance does to
        one bar.
    """
    ax = axes(ax, 7, 3.6)
    edges = np.linspace(0, 1, _BINS + 1)
    counts, _ = np.histogram(validation.p_harm, edges)
    shares = 100 * counts / validation.splits
    even = 100 / _BINS
    reach = 2.576 * np.sqrt(even * (100 - even) / validation.splits)
    ax.axhspan(even - reach, even + reach, color=PALE, label="where chance leaves 99 % of bars")
    ax.stairs(shares, edges, fill=True, color=SAFE if validation.passed else HARM, alpha=0.75)
    ax.axhline(even, color=MUTED, linewidth=1)
    ax.set(
        xlim=(0, 1),
        xlabel="probability of harm, where nothing can differ",
        ylabel="% of random splits",
        title=f"{100 * validation.coverage:.1f} % of the {100 * validation.ci_prob:g} % intervals cover zero",
    )
    ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    ax.legend(frameon=False, loc="upper center", fontsize=9)
    return ax
