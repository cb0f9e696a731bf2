"""An analysis as text: for a terminal, as wide as it is and in its colours, or for a file."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from twobytwo.show.tables import (
    Table,
    cells_table,
    crosscheck_table,
    effects_table,
    largest_table,
    sensitivity_table,
)
from twobytwo.show.words import (
    STATUS,
    asked,
    compared,
    glued,
    harm_of,
    not_green,
    origin,
    plan_lines,
    roles,
    title_of,
    told,
    visible,
)

if TYPE_CHECKING:
    import pandas as pd

    from twobytwo.answer.analysis import Analysis
    from twobytwo.ask.design import Design
    from twobytwo.check.gate import Gate
    from twobytwo.data.cells import Cells
    from twobytwo.show.words import Provenance

__all__ = ["STATUS_STYLES", "Page", "brief", "check_text", "checks_table", "text"]

# Of files and pipes.
_WIDTH = 88
# Longer lines of prose are hard to read, however wide the terminal.
_PROSE = 100
_GAP, _INDENT = 2, 2
STATUS_STYLES = {"warning": "yellow", "refused": "red", "skipped": "dim"}
# Rich breaks lines at no-break spaces too, so a private character stands for them until all is written.
_GLUE = "\ue000"


def text(
    analysis: Analysis,
    provenance: Provenance | None = None,
    *,
    largest: pd.DataFrame | None = None,
    to: TextIO | None = None,
) -> str:
    """Write an analysis as text.

    Parameters
    ----------
    analysis
        The answered question.
    provenance
        The plan it comes from, if it comes from one.
    largest
        Whose values are the largest, where somebody asked; files hold no ids.
    to
        Where it will be printed: a terminal gives its width and has colours (unless ``NO_COLOR`` is set).
        Anything else, and None, is 88 columns wide and has none.

    Returns
    -------
    str
        Statement, effects, crosscheck, priors, checks, data and origin. A refused headline withholds
        every estimate: a number that is printed is a number that is quoted.

    Examples
    --------
    >>> print(text(result).splitlines()[0])
    Interaction of exp1_is_treatment and exp2_is_treatment on out
    """
    page = Page(to)
    refused = analysis.headline.status == "refused"
    page.heading(analysis.design, provenance)
    page.paragraph(analysis.statement, style="bold")
    if refused:
        page.paragraph("The estimates are withheld too; --json and a notebook keep them for diagnosis.")
    else:
        page.paragraph(f"How we know: {' '.join(analysis.headline.how)}")
        for made in (effects_table, crosscheck_table, sensitivity_table):
            page.table(made(analysis))
    page.table(checks_table(analysis.gates, refused=refused), STATUS_STYLES)
    if largest is not None:
        page.table(largest_table(largest, analysis.design))
    source = "" if provenance is None else provenance.source
    page.table(cells_table(analysis.cells, source, None if refused else analysis))
    page.paragraph(*origin(analysis, provenance))
    return page.written()


def brief(analysis: Analysis, *, to: TextIO | None = None) -> str:
    """Write the statement, the effects and the checks that did not pass.

    Parameters
    ----------
    analysis
        The answered question.
    to
        As for `text`.

    Returns
    -------
    str
        What ``print(result)`` shows. A refused headline has no numbers.

    Examples
    --------
    >>> "Effects (normal family, default priors)" in brief(result)
    True
    """
    page = Page(to)
    refused = analysis.headline.status == "refused"
    page.paragraph(analysis.statement, style="bold")
    if not refused:
        page.paragraph(f"How we know: {' '.join(analysis.headline.how)}")
        page.table(effects_table(analysis))
    if not_green(analysis.gates):
        page.table(checks_table(analysis.gates, refused=refused), STATUS_STYLES)
    return page.written()


def check_text(
    cells: Cells,
    provenance: Provenance | None = None,
    gates: Sequence[Gate] = (),
    *,
    largest: pd.DataFrame | None = None,
    to: TextIO | None = None,
) -> str:
    """Write what was found in the data, before anything is estimated.

    Parameters
    ----------
    cells
        The data, compressed.
    provenance
        The plan they were read for, if there is one.
    gates
        The checks of the data.
    largest
        As for `text`.
    to
        As for `text`.

    Returns
    -------
    str
        The question, how the levels are read, the table of cells, and what the checks found.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> design = tbt.Design.did(outcome="minutes", group="variant", period="period")
    >>> print(check_text(tbt.compress(tbt.simulate.active_minutes(), design)).splitlines()[8])
      variant  0 = control, 1 = treatment
    """
    page = Page(to)
    page.heading(cells.design, provenance)
    page.paragraph("The data fit the design. Nothing has been estimated.")
    levels = tuple((factor.column, roles(factor)) for factor in cells.design.factors)
    page.table(Table(title="Levels", header=(), rows=levels, prose=1))
    page.table(cells_table(cells, "" if provenance is None else provenance.source))
    if gates:
        page.table(checks_table(gates, refused=False), STATUS_STYLES)
    if largest is not None:
        page.table(largest_table(largest, cells.design))
    page.paragraph(*plan_lines(provenance))
    return page.written()


def checks_table(gates: Sequence[Gate], *, refused: bool) -> Table:
    """Write the checks that did not pass, or that all did.

    Parameters
    ----------
    gates
        The checks.
    refused
        Whether the answer is: then the checks of the prior keep their findings, which are estimates.
    """
    found = not_green(gates)
    if not found:
        names = ", ".join(gate.name for gate in gates)
        return Table(title="Checks", header=(), rows=((f"All {len(gates)} passed: {names}",),), prose=0)
    rows = tuple((STATUS[gate.status], told(gate, refused=refused)) for gate in found)
    passed = f"Checks: {len(gates) - len(found)} of {len(gates)} passed; the others:"
    return Table(title=passed, header=(), rows=rows, prose=1)


class Page:
    """Paragraphs and tables with an empty line between them."""

    def __init__(self, to: TextIO | None) -> None:
        terminal = to is not None and to.isatty()
        colours = terminal and not os.environ.get("NO_COLOR")
        self.width = shutil.get_terminal_size((_WIDTH, 24)).columns if terminal else _WIDTH
        self.out = StringIO()
        self.console = Console(
            file=self.out,
            width=self.width,
            force_terminal=colours,
            force_jupyter=False,
            color_system="auto" if colours else None,
            highlight=False,
        )

    def written(self) -> str:
        """Give all of it."""
        lines = self.out.getvalue().replace(_GLUE, " ").strip("\n").splitlines()
        # Rich pads lines to their full width.
        return "\n".join(line.rstrip() for line in lines)

    def heading(self, design: Design, provenance: Provenance | None) -> None:
        """Write the title, the question and what harm would be."""
        title, question, detail = title_of(design, provenance), asked(design), compared(design)
        self.title(title)
        if title != question or detail:
            self._lines(": ".join(part for part in ("" if title == question else question, detail) if part))
        self.paragraph(harm_of(design))

    def title(self, words: str) -> None:
        """Write a title, underlined."""
        self._lines(words, style="bold")
        self._lines("=" * min(len(words), self.width, _PROSE))

    def paragraph(self, *lines: str, style: str = "") -> None:
        """Write lines, each broken where it is too long."""
        for line in lines:
            self._lines(line, style=style)
        self.console.print()

    def table(self, content: Table, styles: Mapping[str, str] | None = None) -> None:
        """Write a table below its title, with its note; cells of a word in `styles` have its style."""
        self._lines(content.title, style="bold")
        made = RichTable(
            box=None,
            show_header=bool(content.header),
            pad_edge=False,
            padding=(0, _GAP // 2),
            header_style="dim",
        )
        header = content.header or ("",) * len(content.rows[0])
        rows = [tuple(map(visible, row)) for row in (header, *content.rows)]
        widths = _widths(rows, (*content.words, content.prose), self.width - _INDENT)
        for k, (name, width) in enumerate(zip(header, widths, strict=True)):
            left = k in (*content.words, content.prose)
            made.add_column(_text(name), justify="left" if left else "right", width=width, overflow="fold")
        for row in content.rows:
            made.add_row(*(_text(cell, (styles or {}).get(cell, "")) for cell in row))
        self.console.print(Padding(made, (0, 0, 0, _INDENT)))
        if content.note:
            self._lines(content.note, indent=_INDENT)
        self.console.print()

    def fits(self, content: Table) -> bool:
        """Whether a table needs to break no word."""
        gaps = _GAP * (len(content.header) - 1)
        return sum(_least((content.header, *content.rows))) + gaps <= self.width - _INDENT

    def _lines(self, words: str, *, style: str = "", indent: int = 0) -> None:
        written = Padding(_text(words, style), (0, 0, 0, indent))
        self.console.print(written, width=min(self.width, _PROSE), overflow="fold")


def _text(words: str, style: str = "") -> Text:
    return Text(glued(visible(words)).replace("\N{NO-BREAK SPACE}", _GLUE), style=style)


def _widths(rows: Sequence[Sequence[str]], words: Sequence[int], room: int) -> list[int]:
    """Share a line among columns: words are wrapped first, then numbers at "to", then anything at all."""
    columns = list(zip(*rows, strict=True))
    widths = [max(len(line) for text in column for line in text.split("\n")) for column in columns]
    least = _least(rows)
    prose = [least[k] if k in words else widths[k] for k in range(len(columns))]
    for floor in (prose, least, [1] * len(columns)):
        while sum(widths) + _GAP * (len(widths) - 1) > room:
            wide = [k for k, width in enumerate(widths) if width > floor[k]]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _least(rows: Sequence[Sequence[str]]) -> list[int]:
    """Give the width of the longest word of every column."""
    columns = zip(*rows, strict=True)
    return [
        max(len(piece) for text in column for piece in re.split("[ \n]", glued(text))) for column in columns
    ]
