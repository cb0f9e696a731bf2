"""Every metric of an experiment on one relative scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from twobytwo.errors import DesignError
from twobytwo.show.plots.style import HARM, MUTED, SAFE, as_written, axes, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.card import Scorecard
    from twobytwo.answer.entries import Entry

__all__ = ["plot_scorecard"]

_COLOURS = {"harm": HARM, "no harm": SAFE}


@as_written
def plot_scorecard(card: Scorecard, ax: Axes | None = None) -> Axes:
    """Draw a forest of relative effects, one row per metric, by role, with its verdict in words and colour.

    Several treatments stand below each other, each under its name.

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
    # Headings take a row of their own.
    lines: list[Entry | str] = []
    for heading, part in card.parts.items():
        lines += [heading] if heading else []
        lines += [each for each in part.entries if each.relative is not None and each.relative_ci is not None]
    entries = [line for line in lines if not isinstance(line, str)]
    ax = axes(ax, 7, 1.2 + 0.34 * max(len(lines), 1))
    for place, entry in enumerate(lines):
        if isinstance(entry, str):
            decided = "".join(launch.verdict for launch in card.parts[entry].launches)
            _beside(ax, place, decided, "black", fontweight="bold")
            continue
        colour = _COLOURS.get(entry.verdict, MUTED)
        low, high = (100 * end for end in entry.relative_ci or (0.0, 0.0))
        ax.plot([low, high], [place, place], color=colour, linewidth=2)
        ax.plot([100 * (entry.relative or 0.0)], [place], "o", color=colour)
        _beside(ax, place, entry.verdict, colour)
    ax.axvline(0, color=MUTED, linewidth=1, linestyle="--")
    labels = [line if isinstance(line, str) else f"{line.metric.variable} ({line.role})" for line in lines]
    ax.set_yticks(np.arange(len(lines)), labels)
    for label, line in zip(ax.get_yticklabels(), lines, strict=True):
        label.set_fontweight("bold" if isinstance(line, str) else "normal")
    ax.set_ylim(max(len(lines), 1) - 0.5, -0.5)
    ax.set_xlabel(f"effect in % of what is expected without it ({100 * card.asked.ci_prob:g} % interval)")
    titled(ax, _finding(entries, interact=card.asked.interacts))
    return ax


def _beside(ax: Axes, place: int, words: str, colour: str, **style: Any) -> None:
    ax.text(
        1.01, place, words, color=colour, va="center", transform=ax.get_yaxis_transform(), size=9, **style
    )


def _finding(entries: Sequence[Entry], *, interact: bool) -> str:
    """Say which metrics are harmed, or that none is, and of how many it is open."""
    verdicts = [entry.verdict for entry in entries]
    harmed = [entry.name for entry in entries if entry.verdict == "harm"]
    none = "No harm that matters in any metric" if {*verdicts} == {"no harm"} else "No harm is shown"
    by = " by the interaction" if interact else ""
    said = f"Harm{by}: {', '.join(harmed)}" if harmed else none
    undecided = verdicts.count("open")
    return f"{said}; open: {undecided} of {len(entries)}" if undecided else said
