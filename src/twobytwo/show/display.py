"""How a result shows itself: in a terminal, and in a notebook."""

from __future__ import annotations

import shutil
import sys
from io import StringIO
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from twobytwo.show.markup import details, image, table, tag
from twobytwo.show.plots import blank, encode, plot_effect
from twobytwo.show.tables import (
    STATUS,
    Table,
    cells_table,
    crosscheck_table,
    effects_table,
    not_green,
    picture_in_words,
    sensitivity_table,
    told,
)

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.check.gates import Gate

__all__ = ["to_html", "to_text"]

_WIDEST = 100
_COLOURS = {"warn": "yellow", "refuse": "red", "skip": "dim"}


def to_text(analysis: Analysis) -> str:
    """Write the statement, a table of the effects and the checks that are not green, for a terminal.

    Parameters
    ----------
    analysis
        An answered question.

    Returns
    -------
    str
        As wide as the terminal, with colours only there. A refused headline has no numbers.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> result = tbt.interaction(
    ...     tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    ... )
    >>> "Effects (normal family, default priors)" in to_text(result)
    True
    """
    terminal = sys.stdout.isatty()
    written = StringIO()
    width = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)
    console = Console(
        file=written, width=width, force_terminal=terminal, no_color=not terminal, highlight=False
    )
    console.print(Text(analysis.statement), style="bold" if terminal else "")
    refused = analysis.headline.status == "refused"
    if not refused:
        console.print()
        console.print(_rich(effects_table(analysis)))
    found = not_green(analysis.gates)
    if found:
        console.print()
    for gate in found:
        said = f" {told(gate, refused=refused)}"
        console.print(Text.assemble((STATUS[gate.status], _COLOURS[gate.status]), said))
    # Rich pads table lines to the console's width.
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())


def _rich(content: Table) -> RichTable:
    made = RichTable(title=content.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for k, name in enumerate(content.header):
        made.add_column(name, justify="left" if k in content.words else "right")
    for row in content.rows:
        made.add_row(*map(Text, row))
    return made


# Inline, because GitHub drops style sheets; colours from the notebook's own theme, light or dark.
_LINE = "1px solid rgba(128,128,128,.35)"
_STYLES = {
    "table": "border-collapse:collapse;margin:.8em 0;font-size:.95em",
    "caption": "text-align:left;font-weight:bold;padding:.3em 0",
    "th": f"padding:.25em .7em .25em 0;border-bottom:{_LINE};font-weight:normal;background:transparent",
    "td": f"padding:.25em .7em;border-bottom:{_LINE};background:transparent;white-space:nowrap",
    "p": "margin:.4em 0",
}
_EDGES = {"warn": "#E69F00", "refuse": "#D55E00", "skip": "#999999", "pass": "#009E73"}


def to_html(analysis: Analysis) -> str:
    """Write the statement, the picture, the effects, the checks that are not green and folded details.

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
    parts = [tag("p", text=analysis.statement, style="font-size:1.1em;line-height:1.5;margin:.4em 0")]
    if not refused:
        picture = encode(plot_effect(analysis, blank(7, 3.6)), "png")
        style = "max-width:100%;width:640px;background:white;border-radius:4px"
        parts += [
            image(picture, picture_in_words(analysis), style=style),
            table(effects_table(analysis), styles=_STYLES),
        ]
    parts += [_gate(gate, refused=refused) for gate in not_green(analysis.gates)]
    parts += [
        details(content.title, table(content, styles=_STYLES, caption=False), style="margin:.3em 0")
        for content in _folded(analysis, refused=refused)
    ]
    passed = [gate for gate in analysis.gates if gate.status == "pass"]
    if passed:
        title = f"Checks: {len(passed)} of {len(analysis.gates)} passed"
        shown = [_gate(gate, refused=refused) for gate in passed]
        parts.append(details(title, *shown, style="margin:.3em 0"))
    return tag("div", *parts, style="max-width:52em;text-align:left")


def _folded(analysis: Analysis, *, refused: bool) -> list[Table]:
    if refused:
        return [cells_table(analysis.cells)]
    return [
        crosscheck_table(analysis),
        sensitivity_table(analysis),
        cells_table(analysis.cells, analysis=analysis),
    ]


def _gate(gate: Gate, *, refused: bool) -> str:
    said = f" {told(gate, refused=refused)}"
    style = f"margin:.4em 0;padding:.1em .7em;border-left:4px solid {_EDGES[gate.status]}"
    return tag("p", tag("strong", text=STATUS[gate.status]), tag("span", text=said), style=style)
