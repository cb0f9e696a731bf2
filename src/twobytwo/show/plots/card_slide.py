"""The launch decision as one slide: verdict, rule, forest, and one line of how it is known."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from twobytwo.errors import DesignError
from twobytwo.show.plots.scorecard import plot_scorecard
from twobytwo.show.plots.slide import slide_page, slide_path, write_slide
from twobytwo.show.plots.style import as_written

if TYPE_CHECKING:
    from twobytwo.answer.card import Scorecard

__all__ = ["card_slide"]

_MOST, _FOOT = 12, 140
# Size of letters, and how many of them stand in a line, of few rows and of many.
_FEW, _LARGE, _SMALL = 8, (14, 26), (12, 40)


@as_written
def card_slide(card: Scorecard, path: str | Path) -> Path:
    """Write a scorecard as a picture of 16:9 that can be shown without anything else.

    Parameters
    ----------
    card
        A scorecard of at most twelve metrics that have a relative effect; each of several treatments takes
        a row more.
    path
        File that ends in ``.png``, in a folder that exists; a file already there is replaced.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    DesignError
        If the verdicts are withheld, there are too many metrics to be read, or the file's name does not end
        in ``.png``.
    """
    path = slide_path(path)
    headings = [heading for heading in card.parts if heading]
    drawn = len(headings) + sum(entry.relative is not None for entry in card.entries)
    if drawn > _MOST:
        one = f', or of one treatment, such as card.of("{card.treatments[0]}")' if headings else ""
        what = "rows" if headings else "metrics"
        msg = f"{drawn} {what} are too many for one slide; give those that decide, at most {_MOST}{one}."
        raise DesignError(msg)
    verdict, _, said = card.statement.partition(". ")
    figure = slide_page(verdict, said, _known(card))
    # Few rows need not fill the slide.
    height = min(0.5, 0.1 + 0.055 * drawn)
    ax = plot_scorecard(card, figure.add_axes((0.27, 0.67 - height, 0.6, height)))
    # The slide has the verdict above already.
    ax.set_title("", loc="left")
    size, letters = _LARGE if drawn <= _FEW else _SMALL
    ax.tick_params(labelsize=size)
    ax.set_yticks(ax.get_yticks(), [fill(label.get_text(), letters) for label in ax.get_yticklabels()])
    for verdict_of_row in ax.texts:
        verdict_of_row.set_fontsize(size)
    ax.xaxis.label.set_fontsize(13)
    return write_slide(figure, path)


def _known(card: Scorecard) -> str:
    """Say the rule, and from how many users and how it is known, in a line each."""
    who = "users" if card.asked.design.unit else "rows"
    rule = f"{fill(card.asked.rule.words, _FOOT)}\n" if card.launches else ""
    known = f"{card.users:,} {who}; joint posterior in closed form, {card.asked.priors.name} prior"
    return f"{rule}How we know: {known}."
