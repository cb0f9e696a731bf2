"""Every metric of an experiment on one relative scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from twobytwo.errors import DesignError
from twobytwo.show.plots.style import HARM, MUTED, SAFE, axes, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.card import Scorecard
    from twobytwo.answer.entries import Entry

__all__ = ["plot_scorecard"]

_COLOURS = {"harm": HARM, "no harm": SAFE}


def plot_scorecard(card: Scorecard, ax: Axes | None = None) -> Axes:
    """Draw a forest of relative effects, one row per metric, by role, with its verdict in words and colour.

    Parameters
    ----------
    card
        The scorecard; metrics without a relative effect are left out.
    ax
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        Intervals in per cent.

    Raises
    ------
    DesignError
        If the verdicts are withheld.
    """
    if card.refused:
        msg = f"There is no estimate to draw. {card.statement}"
        raise DesignError(msg)
    entries = [
        entry for entry in card.entries if entry.relative is not None and entry.relative_ci is not None
    ]
    ax = axes(ax, 7, 1.2 + 0.34 * max(len(entries), 1))
    for place, entry in enumerate(entries):
        colour = _COLOURS.get(entry.verdict, MUTED)
        low, high = (100 * end for end in entry.relative_ci or (0.0, 0.0))
        ax.plot([low, high], [place, place], color=colour, linewidth=2)
        ax.plot([100 * (entry.relative or 0.0)], [place], "o", color=colour)
        ax.text(
            1.01, place, entry.verdict, color=colour, va="center", transform=ax.get_yaxis_transform(), size=9
        )
    ax.axvline(0, color=MUTED, linewidth=1, linestyle="--")
    ax.set_yticks(np.arange(len(entries)), [f"{entry.metric.variable} ({entry.role})" for entry in entries])
    ax.invert_yaxis()
    ax.set_xlabel(f"effect in % of what is expected without it ({100 * card.asked.ci_prob:g} % interval)")
    titled(ax, _finding(entries))
    return ax


def _finding(entries: Sequence[Entry]) -> str:
    """Say which metrics are harmed, or that none is, and of how many it is open."""
    verdicts = [entry.verdict for entry in entries]
    harmed = [entry.metric.name for entry in entries if entry.verdict == "harm"]
    none = "No harm that matters in any metric" if {*verdicts} == {"no harm"} else "No harm is shown"
    said = f"Harm: {', '.join(harmed)}" if harmed else none
    undecided = verdicts.count("open")
    return f"{said}; open: {undecided} of {len(entries)}" if undecided else said
