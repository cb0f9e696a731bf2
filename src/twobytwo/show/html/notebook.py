"""What a notebook shows of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twobytwo.show.html.render import render
from twobytwo.show.plots import blank, encode, plot_effect, plot_strata
from twobytwo.show.strata import strata_in_words
from twobytwo.show.tables import (
    cells_table,
    crosscheck_table,
    effects_table,
    picture_in_words,
    sensitivity_table,
)

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis

__all__ = ["notebook"]


def notebook(analysis: Analysis) -> str:
    """Write the statement, the picture, the effects, the checks that did not pass and folded details.

    Parameters
    ----------
    analysis
        An answered question.

    Returns
    -------
    str
        HTML without script and style sheet. A refused headline has no numbers and no picture.
    """
    refused = analysis.headline.status == "refused"
    shown: dict[str, Any] = {"folded": [cells_table(analysis.cells)]}
    if not refused:
        shown = {
            "effects": effects_table(analysis),
            "picture": encode(plot_effect(analysis, blank(7, 3.6)), "png"),
            "alt": picture_in_words(analysis),
            "folded": [
                crosscheck_table(analysis),
                sensitivity_table(analysis),
                cells_table(analysis.cells, analysis=analysis),
            ],
        }
    return render(
        "notebook.html",
        sentences=analysis.headline.sentences,
        how=analysis.headline.how,
        reversals=analysis.headline.reversals,
        refused=refused,
        strata=None if refused else _strata(analysis),
        urgent=[gate for gate in analysis.gates if gate.status in ("warn", "refuse")],
        others=[gate for gate in analysis.gates if gate.status in ("pass", "skip")],
        passed=sum(gate.status == "pass" for gate in analysis.gates),
        total=len(analysis.gates),
        **shown,
    )


def _strata(analysis: Analysis) -> dict[str, str] | None:
    if not analysis.fit.family.of_strata:
        return None
    return {
        "picture": encode(plot_strata(analysis, blank(7, 4)), "png"),
        "alt": strata_in_words(analysis),
    }
