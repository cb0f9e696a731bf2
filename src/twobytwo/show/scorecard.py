"""A scorecard in every form that people read: terminal, Markdown, notebook, one HTML file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from twobytwo.ask.units import counted
from twobytwo.errors import DesignError
from twobytwo.files import as_path, write_file
from twobytwo.infer.decisions import format_number, format_probability
from twobytwo.show.card_json import card_to_dict
from twobytwo.show.html.render import render
from twobytwo.show.json import dumps
from twobytwo.show.markdown import marked, pipes
from twobytwo.show.tables import Table
from twobytwo.show.text import STATUS_STYLES, Page, checks_table
from twobytwo.show.words import plan_lines

if TYPE_CHECKING:
    from twobytwo.answer.card import Scorecard
    from twobytwo.answer.entries import Entry
    from twobytwo.answer.scoring import Scoring
    from twobytwo.check.gate import Gate
    from twobytwo.data.sums import Several
    from twobytwo.show.words import Provenance

__all__ = ["FORMATS", "check_text", "fragment", "markdown", "page", "rows", "save", "text"]

_HEADER = ("metric", "role", "effect", "relative", "interval", "P(harm)", "verdict", "cautions")
_ASKED = ("metric", "role", "kind", "harm", "margin", "value before")
# In a terminal that is too narrow for these.
_NARROW = ("metric", "effect", "P(harm)", "verdict")
# Columns that stand on the left and may be wrapped, and the colours of verdicts in a terminal.
_WORDS = (0, 1, 2, 5, 6)
_PROSE = len(_HEADER) - 1
_STYLES = {"harm": "red", "no harm": "blue", "no harm that matters": "blue"}
_WITHHELD = "withheld"
# Half the width of an interval's picture, in pixels.
_HALF = 90


def rows(card: Scorecard) -> list[dict[str, str]]:
    """Give one row of words a metric (and treatment), keys as the table's header.

    A scorecard whose verdicts are withheld shows no numbers: a number that is shown is a number that is
    quoted.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> users = pd.DataFrame({"arm": [0, 1] * 50, "y": np.arange(100.0)})
    >>> list(rows(tbt.scorecard(users, group="arm", metrics=["y"]))[0])[:3]
    ['metric', 'role', 'effect']
    """
    return [_row(entry, withheld=bool(card.refused)) for entry in card.entries]


def _parts(card: Scorecard) -> dict[str, Scorecard]:
    """Give the parts of a scorecard under headings that say what is decided."""
    return {
        ": ".join([heading, *(launch.verdict for launch in part.launches)]) if heading else "": part
        for heading, part in card.parts.items()
    }


def _row(entry: Entry, *, withheld: bool) -> dict[str, str]:
    digits = entry.se / 40
    size = counted(format_number(entry.median, digits, sign=True), entry.metric.measure)
    low, high = (format_number(end, digits, sign=True) for end in entry.ci)
    beyond = f" (> {entry.metric.size(entry.metric.margin)})" if entry.metric.margin else ""
    numbers = (
        size,
        "" if entry.relative is None else f"{100 * entry.relative:+.1f} %",
        f"{low} to {high}",
        f"{format_probability(entry.p_material_harm)}{beyond}",
    )
    said = (
        entry.metric.variable,
        entry.role,
        *((_WITHHELD, "", "", "") if withheld else numbers),
        f"{entry.verdict} that matters"
        if entry.verdict == "no harm" and entry.metric.margin
        else entry.verdict,
        "; ".join(entry.cautions),
    )
    return dict(zip(_HEADER, said, strict=True))


def _narrow(row: Mapping[str, str]) -> tuple[str, ...]:
    """Give a row's words in fewer columns, two lines each."""
    numbers = ", ".join(words for words in (row["relative"], row["interval"]) if words)
    return (
        f"{row['metric']}\n{row['role']}",
        f"{row['effect']}\n{numbers}".strip(),
        row["P(harm)"].replace(" (", "\n(", 1),
        row["verdict"],
    )


def text(card: Scorecard, provenance: Provenance | None = None, *, to: TextIO | None = None) -> str:
    """Write a scorecard as text.

    Parameters
    ----------
    card
        The scorecard.
    provenance
        The plan it comes from, if it comes from one.
    to
        Where it will be printed: a terminal gives its width and has colours. Anything else, and None, is 88
        columns wide and has none.

    Returns
    -------
    str
        Statement, rule, one row per metric (of several treatments a table of each), how it is known.
    """
    page = Page(to)
    if provenance is not None:
        page.title(provenance.title)
        page.paragraph()
    page.paragraph(card.statement, style="bold")
    if card.launches:
        page.paragraph(card.asked.rule.words)
    parts = {heading or "Metrics": rows(part) for heading, part in _parts(card).items()}
    # Cautions are sentences, which a narrow column would tear apart.
    *header, _ = _HEADER
    shown = {
        heading: _filled(heading, header, [[row[name] for name in header] for row in part], _WORDS)
        for heading, part in parts.items()
    }
    if not all(map(page.fits, shown.values())):
        every = range(len(_NARROW))
        shown = {
            heading: _filled(heading, _NARROW, [_narrow(row) for row in part], every)
            for heading, part in parts.items()
        }
    for heading, part in parts.items():
        noted = [f"{row['metric']}: {row['cautions']}" for row in part if row["cautions"]]
        page.table(replace(shown[heading], note=f"Caution. {'. '.join(noted)}." if noted else ""), _STYLES)
    page.paragraph(f"How we know: {card.how}")
    page.paragraph(*plan_lines(provenance))
    return page.written()


def check_text(
    several: Several,
    asked: Scoring,
    gates: Sequence[Gate],
    provenance: Provenance,
    *,
    to: TextIO | None = None,
) -> str:
    """Write what was found in the data of a scorecard's plan, before anything is decided.

    Parameters
    ----------
    several
        The data.
    asked
        What the plan asks.
    gates
        Checks of the data.
    provenance
        The plan.
    to
        As for `text`.
    """
    groups = several.design.factors[:-1] if several.design.paired else several.design.factors
    cells = [", ".join(labels) for labels in product(*(factor.labels for factor in groups))]
    lines = [
        (
            line.metric.variable,
            line.role,
            line.metric.kind,
            line.metric.harm if line.role != "information" else "",
            "" if line.metric.margin is None else line.metric.size(line.metric.margin),
            line.before_column or "",
        )
        for line in asked.lines
    ]
    page = Page(to)
    page.title(provenance.title)
    page.paragraph()
    page.paragraph("The data fit the design. Nothing has been estimated.")
    if asked.decides:
        page.paragraph(asked.rule.words)
    who = "Users" if asked.design.unit else "Rows"
    sizes = [(cell, f"{n:,.0f}") for cell, n in zip(cells, several.n, strict=True)]
    page.table(_filled(who, (", ".join(factor.name for factor in groups), "n"), sizes, (0,)))
    page.table(_filled("Metrics", _ASKED, lines, tuple(range(len(_ASKED)))))
    if gates:
        page.table(checks_table(gates, refused=False), STATUS_STYLES)
    page.paragraph(*plan_lines(provenance))
    return page.written()


def _filled(title: str, header: Sequence[str], lines: Sequence[Sequence[str]], words: Sequence[int]) -> Table:
    """Give a table without the columns that no row fills."""
    kept = [k for k in range(len(header)) if any(row[k] for row in lines)]
    return Table(
        title=title,
        header=tuple(header[k] for k in kept),
        rows=tuple(tuple(row[k] for k in kept) for row in lines),
        words=tuple(place for place, k in enumerate(kept) if k in words),
    )


def markdown(card: Scorecard, provenance: Provenance | None = None) -> str:
    """Write the statement and the table as GitHub's Markdown."""
    tables: list[str] = []
    for heading, part in _parts(card).items():
        tables += [f"### {marked(heading)}", ""] if heading else []
        lines = tuple(tuple(row.values()) for row in rows(part))
        tables += [pipes(Table(title=heading, header=_HEADER, rows=lines, words=_WORDS, prose=_PROSE)), ""]
    title = [] if provenance is None else [f"## {marked(provenance.title)}", ""]
    rule = [marked(card.asked.rule.words), ""] if card.launches else []
    origin = [f"`{words}`\n" for words in plan_lines(provenance)]
    return "\n".join(
        [
            *title,
            f"**{marked(card.statement)}**",
            "",
            *rule,
            *tables,
            marked(card.how),
            "",
            *origin,
        ]
    )


def fragment(card: Scorecard, provenance: Provenance | None = None) -> str:
    """Write what a notebook shows: the statement, and one row per metric that opens to its numbers."""
    ends = [abs(end) for entry in card.entries for end in entry.relative_ci or ()]
    limit = max(ends, default=1.0) or 1.0
    parts: list[dict[str, Any]] = [
        {
            "heading": heading,
            "rows": [
                _opening(part, entry, row, limit) for entry, row in zip(part.entries, rows(part), strict=True)
            ],
        }
        for heading, part in _parts(card).items()
    ]
    return render(
        "scorecard.html",
        title="" if provenance is None else provenance.title,
        origin=plan_lines(provenance),
        rule=card.asked.rule.words if card.launches else "",
        statement=card.statement,
        how=card.how,
        parts=parts,
        half=_HALF,
        limit=f"{100 * limit:.3g} %",
        drawn=any(row["bar"] for part in parts for row in part["rows"]),
    )


def _opening(card: Scorecard, entry: Entry, row: Mapping[str, str], limit: float) -> dict[str, Any]:
    """Give a row with the picture of its interval, and what it opens to."""
    bar = None
    if entry.relative_ci is not None and entry.relative is not None and not card.refused:
        low, middle, high = (
            round(_HALF * (1 + end / limit), 1)
            for end in (entry.relative_ci[0], entry.relative, entry.relative_ci[1])
        )
        bar = {"low": low, "middle": middle, "high": high, "width": round(max(high - low, 1.0), 1)}
    details = "The numbers are withheld." if card.refused else _details(card, entry, row["interval"])
    return {**row, "bar": bar, "details": details}


def _details(card: Scorecard, entry: Entry, interval: str) -> str:
    """Say a metric's other numbers, and how to open it to the full analysis."""
    before = ""
    if entry.line.before_column is not None:
        before = f" The gap in {entry.line.before_column} before is taken away."
    return (
        f"{100 * card.asked.ci_prob:g} % interval {interval}. Probability of any harm "
        f"{format_probability(entry.p_harm)}. Without a prior: {entry.estimate:+.4g}, standard error "
        f"{entry.se:.2g}, p = {entry.p_value:.2g}"
        f"{' (a discovery at a false rate of 5 %)' if entry.discovery else ''}.{before} In full: "
        f"card[{entry.metric.name!r}]."
    )


def page(card: Scorecard, provenance: Provenance | None = None) -> str:
    """Write one HTML file that needs no network."""
    title = "Scorecard" if provenance is None else provenance.title
    return render("scorecard_page.html", body=fragment(card, provenance), title=title)


FORMATS: Mapping[str, Callable[[Any, Any], str]] = {
    ".html": page,
    ".md": markdown,
    ".txt": lambda card, provenance: f"{text(card, provenance)}\n",
    ".json": lambda card, provenance: f"{dumps(card_to_dict(card, provenance))}\n",
}


def save(card: Scorecard, path: str | Path, provenance: Provenance | None = None) -> Path:
    """Write a scorecard in the format of the file's suffix, whole or not at all.

    Parameters
    ----------
    card
        The scorecard.
    path
        Ends in one of `FORMATS`.
    provenance
        The plan it comes from, if it comes from one.

    Raises
    ------
    DesignError
        If the suffix is none of these.
    """
    path = as_path(path)
    if path.suffix.lower() not in FORMATS:
        msg = f"path={str(path)!r} has no known suffix; a scorecard ends in {', '.join(FORMATS)}."
        raise DesignError(msg)
    return write_file(FORMATS[path.suffix.lower()](card, provenance).encode(), path)
