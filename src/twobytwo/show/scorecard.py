"""A scorecard in every form that people read: terminal, Markdown, JSON, notebook, one HTML file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from twobytwo.errors import DesignError
from twobytwo.files import write_file
from twobytwo.infer.decisions import format_number, format_probability
from twobytwo.show.html.render import render

if TYPE_CHECKING:
    from twobytwo.answer.scorecard import Entry, Scorecard

__all__ = ["FORMATS", "fragment", "markdown", "page", "rows", "save", "text", "to_dict"]

_HEADER = ("metric", "role", "effect", "relative", "interval", "P(harm)", "verdict", "cautions")
# Half the width of an interval's picture, in pixels.
_HALF = 90


def rows(card: Scorecard) -> list[dict[str, str]]:
    """Give one row of words a metric, keys as the table's header.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from twobytwo.answer.scorecard import scorecard
    >>> users = pd.DataFrame({"arm": [0, 1] * 50, "y": np.arange(100.0)})
    >>> list(rows(scorecard(users, group="arm", metrics=["y"]))[0])[:3]
    ['metric', 'role', 'effect']
    """
    return [_row(entry) for entry in card.entries]


def _row(entry: Entry) -> dict[str, str]:
    digits = entry.se / 40
    size = f"{format_number(entry.median, digits, sign=True)}{entry.metric.unit}"
    low, high = (format_number(end, digits, sign=True) for end in entry.ci)
    beyond = f" (> {entry.metric.size(entry.metric.margin)})" if entry.metric.margin else ""
    said = (
        entry.metric.name,
        entry.role,
        size,
        "" if entry.relative is None else f"{100 * entry.relative:+.1f} %",
        f"{low} to {high}",
        f"{format_probability(entry.p_material_harm)}{beyond}",
        entry.verdict,
        "; ".join(entry.cautions),
    )
    return dict(zip(_HEADER, said, strict=True))


def text(card: Scorecard) -> str:
    """Write the statement and the table for a terminal."""
    table = [dict(zip(_HEADER, _HEADER, strict=True)), *rows(card)]
    kept = [name for name in _HEADER if any(row[name] for row in table[1:])]
    widths = {name: max(len(row[name]) for row in table) for name in kept}
    lines = ["  ".join(row[name].ljust(widths[name]) for name in kept).rstrip() for row in table]
    return "\n".join([fill(card.statement, 88), "", *lines, "", fill(f"How we know: {card.how}", 88)])


def markdown(card: Scorecard) -> str:
    """Write the statement and the table as GitHub's Markdown."""

    def line(cells: Any) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    table = [line(_HEADER), line(["---"] * len(_HEADER)), *(line(row.values()) for row in rows(card))]
    return "\n".join([f"**{card.statement}**", "", *table, "", card.how, ""])


def to_dict(card: Scorecard) -> dict[str, Any]:
    """Give the scorecard for machines: statement, decision and entries, without draws."""
    return {
        "statement": card.statement,
        "how": card.how,
        "users": card.users,
        "queries": card.queries,
        "ci_prob": card.ci_prob,
        "max_probability": card.max_probability,
        "expected_false": card.expected_false,
        "launch": None if card.launch is None else asdict(card.launch),
        "shrinkage": None if card.shrinkage is None else asdict(card.shrinkage),
        "metrics": [asdict(entry) for entry in card.entries],
    }


def fragment(card: Scorecard) -> str:
    """Write what a notebook shows: the statement, and a row a metric that opens to its numbers."""
    ends = [abs(end) for entry in card.entries for end in entry.relative_ci or ()]
    limit = max(ends, default=1.0) or 1.0
    shown: list[dict[str, Any]] = []
    for entry, row in zip(card.entries, rows(card), strict=True):
        bar = None
        if entry.relative_ci is not None and entry.relative is not None:
            low, middle, high = (
                round(_HALF * (1 + end / limit), 1)
                for end in (entry.relative_ci[0], entry.relative, entry.relative_ci[1])
            )
            bar = {"low": low, "middle": middle, "high": high, "width": round(max(high - low, 1.0), 1)}
        details = (
            f"{100 * card.ci_prob:g} % interval {row['interval']}. Probability of any harm "
            f"{format_probability(entry.p_harm)}. Without a prior: {entry.estimate:+.4g}, standard error "
            f"{entry.se:.2g}, p = {entry.p_value:.2g}"
            f"{' (a discovery at a false rate of 5 %)' if entry.discovery else ''}. In full: "
            f"card.analysis({entry.metric.name!r})."
        )
        shown.append({**row, "bar": bar, "details": details})
    return render(
        "scorecard.html",
        statement=card.statement,
        how=card.how,
        rows=shown,
        half=_HALF,
        limit=f"{100 * limit:.3g} %",
    )


def page(card: Scorecard) -> str:
    """Write one HTML file that needs no network."""
    return render("scorecard_page.html", body=fragment(card))


FORMATS: Mapping[str, Callable[[Scorecard], str]] = {
    ".html": page,
    ".md": markdown,
    ".txt": lambda card: f"{text(card)}\n",
    ".json": lambda card: f"{json.dumps(to_dict(card), indent=2)}\n",
}


def save(card: Scorecard, path: str | Path) -> Path:
    """Write a scorecard in the format of the file's suffix, whole or not at all.

    Parameters
    ----------
    card
        The scorecard.
    path
        Ends in one of `FORMATS`.

    Raises
    ------
    DesignError
        If the suffix is none of these.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        msg = f"path={str(path)!r} has no known suffix; a scorecard ends in {', '.join(FORMATS)}."
        raise DesignError(msg)
    return write_file(FORMATS[path.suffix.lower()](card).encode(), path)
