"""An analysis as GitHub's Markdown, for a pull request or a ticket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from twobytwo.show.tables import Table, cells_table, crosscheck_table, effects_table, sensitivity_table
from twobytwo.show.words import STATUS, harm_of, not_green, origin, title_of, told

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.check.sensitivity import Sensitivity
    from twobytwo.show.words import Provenance

__all__ = ["markdown", "marked", "pipes"]


def markdown(
    analysis: Analysis, provenance: Provenance | None = None, panel: Sensitivity | None = None
) -> str:
    """Write an analysis as Markdown for a pull request or a ticket.

    Parameters
    ----------
    analysis
        The answered question.
    provenance
        The plan it comes from, if it comes from one.
    panel
        What ``analysis.sensitivity()`` found; None takes the presets of priors.

    Returns
    -------
    str
        GitHub's Markdown: statement, effects, checks that are not green, the rest folded away. A refused
        headline withholds every estimate.

    Examples
    --------
    >>> markdown(result)[:14]
    '## Interaction'
    """
    refused = analysis.headline.status == "refused"
    source = "" if provenance is None else provenance.source
    first, *rest = analysis.headline.sentences
    parts = [
        f"## {marked(title_of(analysis.design, provenance))}",
        f"{marked(harm_of(analysis.design))}.",
        f"> **{marked(first)}** {marked(' '.join(rest))}",
        *([f"How we know: {marked(' '.join(analysis.headline.how))}"] if analysis.headline.how else []),
    ]
    folded = [cells_table(analysis.cells, source, None if refused else analysis)]
    if not refused:
        effects = effects_table(analysis)
        parts += [f"**{marked(effects.title)}**", pipes(effects)]
        folded = [crosscheck_table(analysis), sensitivity_table(analysis, panel), *folded]
    found = not_green(analysis.gates)
    passed = f"**Checks**: {len(analysis.gates) - len(found)} of {len(analysis.gates)} passed."
    said = [f"- **{STATUS[gate.status]}** {marked(told(gate, refused=refused))}" for gate in found]
    parts.append("\n".join([passed, *([""] if said else []), *said]))
    for content in folded:
        note = f"\n\n{marked(content.note)}" if content.note else ""
        summary = f"<details><summary>{marked(content.title)}</summary>"
        parts.append(f"{summary}\n\n{pipes(content)}{note}\n\n</details>")
    parts.append("\n".join(f"<sub>{marked(line)}</sub>  " for line in origin(analysis, provenance)))
    return "\n\n".join(parts) + "\n"


def marked(words: str) -> str:
    r"""Keep text from being read as Markdown or HTML.

    Examples
    --------
    >>> print(marked("<b> *a*"))
    \<b\> \*a\*
    """
    return re.sub(r"([\\`*_\[\]|<>#~])", r"\\\1", words)


def pipes(content: Table) -> str:
    """Write a table's header and rows, without its title and note."""
    left = (*content.words, content.prose)
    rule = [":--" if k in left else "--:" for k in range(len(content.header))]
    rows = [[marked(text) for text in row] for row in (content.header, *content.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))
