"""An analysis in writing: plain text for people, one JSON object for machines.

`docs/json.md` documents the JSON; `tests/run.schema.json` holds it.
"""

from __future__ import annotations

import json
import math
import re
import textwrap
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from twobytwo.show.tables import (
    STATUS,
    Table,
    asked,
    cell_rows,
    cells_table,
    crosscheck_table,
    effects_table,
    glued,
    harm_of,
    not_green,
    roles,
    sensitivity_table,
    told,
)

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.ask.design import Design
    from twobytwo.check.gates import Gate
    from twobytwo.check.sensitivity import Sensitivity
    from twobytwo.data.cells import Cells

__all__ = ["Provenance", "check_text", "check_to_dict", "dumps", "markdown", "text", "to_dict", "write"]

_WIDTH = 88
_NARROWEST = 16


class Provenance(Protocol):
    """Where an analysis was stated; a `twobytwo.answer.plan.Plan` is one."""

    @property
    def title(self) -> str:
        """What a reader calls the analysis."""

    @property
    def path(self) -> Path:
        """The plan file."""

    @property
    def sha256(self) -> str:
        """The file's fingerprint."""

    @property
    def source(self) -> str:
        """Where the rows are, as the plan says it."""


def to_dict(analysis: Analysis, provenance: Provenance | None = None) -> dict[str, Any]:
    """Give an analysis as one object of plain values, ready for JSON.

    Parameters
    ----------
    analysis
        The answered question.
    provenance
        The plan it comes from, if it comes from one.

    Returns
    -------
    dict
        See ``docs/json.md``. Numbers that do not exist or are not finite are None.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> result = tbt.interaction(
    ...     tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    ... )
    >>> report = to_dict(result)
    >>> report["headline"]["status"], report["data"]["rows"]
    ('ok', 2000)
    """
    crosscheck = analysis.crosscheck()
    return _plain(
        _frame(analysis.design, provenance)
        | {
            "headline": asdict(analysis.headline) | {"statement": analysis.statement},
            "effects": [
                {"effect": str(name)} | _with_interval({key: row[key] for key in _EFFECT_KEYS})
                for name, row in analysis.summary().to_dict("index").items()
            ],
            "crosscheck": [_with_interval(asdict(check)) for check in crosscheck.checks],
            "agreement": {
                "agrees": crosscheck.agrees,
                "distance": crosscheck.distance,
                "verdict": crosscheck.verdict,
            },
            "gates": [asdict(gate) for gate in analysis.gates],
            "priors": [_with_interval(asdict(answer)) for answer in analysis.priors],
            "uncapped": _uncapped(analysis),
            "model": {
                "family": analysis.fit.family.name,
                "refused_family": analysis.refused_fit.family.name if analysis.refused_fit else None,
                "priors": asdict(analysis.fit.priors),
            },
            "data": _data(analysis.cells),
            "sampling": _sampling(analysis),
        }
    )


def _uncapped(analysis: Analysis) -> dict[str, Any] | None:
    """Give the headline's effect without the design's cap, if it has one."""
    if analysis.uncapped is None:
        return None
    effects = analysis.uncapped.effects
    row = effects.summary(analysis.headline.ci_prob).loc[effects.headline].to_dict()
    return _with_interval({key: row[key] for key in _EFFECT_KEYS})


_EFFECT_KEYS = ("label", "estimand", "scale", "unit", "mean", "median", "sd", "lower", "upper")


def check_to_dict(cells: Cells, provenance: Provenance | None = None) -> dict[str, Any]:
    """Give a table of cells, its design resolved, as one object of plain values.

    Parameters
    ----------
    cells
        The data, compressed.
    provenance
        The plan they were read for, if there is one.

    Returns
    -------
    dict
        The keys ``version``, ``plan``, ``question``, ``design`` and ``data`` of `to_dict`.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> design = tbt.Design.interaction(outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"))
    >>> cells = tbt.compress(tbt.simulate.cannibalisation(), design)
    >>> check_to_dict(cells)["data"]["cells"][0]["levels"]
    {'exp1_is_treatment': False, 'exp2_is_treatment': False}
    """
    return _plain(_frame(cells.design, provenance) | {"data": _data(cells)})


def dumps(report: Mapping[str, Any]) -> str:
    """Write a report as JSON text, which has neither NaN nor infinity.

    Examples
    --------
    >>> print(dumps({"mean": 1.5, "ci": None}))
    {
      "mean": 1.5,
      "ci": null
    }
    """
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)


def text(analysis: Analysis, provenance: Provenance | None = None) -> str:
    """Write an analysis as plain text for a terminal or a ticket.

    Parameters
    ----------
    analysis
        The answered question.
    provenance
        The plan it comes from, if it comes from one.

    Returns
    -------
    str
        Statement, effects, crosscheck, priors, checks, data and origin. A refused headline withholds
        every estimate: a number that is printed is a number that is quoted.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> result = tbt.interaction(
    ...     tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    ... )
    >>> print(text(result).splitlines()[0])
    Interaction of exp1_is_treatment and exp2_is_treatment on out
    """
    refused = analysis.headline.status == "refused"
    withheld = [_wrap("The estimates are withheld too; --json and a notebook keep them for diagnosis.")]
    shown = [] if refused else [f(analysis) for f in (effects_table, crosscheck_table, sensitivity_table)]
    estimates = withheld if refused else map(_lines, shown)
    source = "" if provenance is None else provenance.source
    return _document(
        [
            _heading(analysis.design, provenance),
            _wrap(analysis.statement),
            *estimates,
            _gates(analysis.gates, refused=refused),
            _lines(cells_table(analysis.cells, source, None if refused else analysis)),
            _origin(analysis, provenance),
        ]
    )


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
    >>> import twobytwo as tbt
    >>> result = tbt.interaction(
    ...     tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    ... )
    >>> markdown(result)[:14]
    '## Interaction'
    """
    refused = analysis.headline.status == "refused"
    source = "" if provenance is None else provenance.source
    title = asked(analysis.design) if provenance is None else provenance.title
    parts = [
        f"## {_marked(title)}",
        f"{_marked(harm_of(analysis.design))}.",
        f"> {_marked(analysis.statement)}",
    ]
    folded = [cells_table(analysis.cells, source, None if refused else analysis)]
    if not refused:
        effects = effects_table(analysis)
        parts += [f"**{_marked(effects.title)}**", _pipes(effects)]
        folded = [crosscheck_table(analysis), sensitivity_table(analysis, panel), *folded]
    found = not_green(analysis.gates)
    passed = f"**Checks**: {len(analysis.gates) - len(found)} of {len(analysis.gates)} passed."
    said = [f"- **{STATUS[gate.status]}** {_marked(told(gate, refused=refused))}" for gate in found]
    parts.append("\n".join([passed, *([""] if said else []), *said]))
    for content in folded:
        note = f"\n\n{_marked(content.note)}" if content.note else ""
        summary = f"<details><summary>{_marked(content.title)}</summary>"
        parts.append(f"{summary}\n\n{_pipes(content)}{note}\n\n</details>")
    parts.append("\n".join(f"<sub>{_marked(line)}</sub>  " for line in _origin(analysis, provenance)))
    return "\n\n".join(parts) + "\n"


def _marked(words: str) -> str:
    """Keep text from being read as Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]|<>#~])", r"\\\1", words)


def _pipes(content: Table) -> str:
    left = (*content.words, content.prose)
    rule = [":--" if k in left else "--:" for k in range(len(content.header))]
    rows = [[_marked(text) for text in row] for row in (content.header, *content.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


def check_text(cells: Cells, provenance: Provenance | None = None) -> str:
    """Write what was found in the data, before anything is estimated.

    Parameters
    ----------
    cells
        The data, compressed.
    provenance
        The plan they were read for, if there is one.

    Returns
    -------
    str
        The question, how the levels are read, and the table of cells.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> design = tbt.Design.did(outcome="minutes", group="variant", period="period")
    >>> print(check_text(tbt.compress(tbt.simulate.active_minutes(), design)).splitlines()[8])
      variant  0 = control, 1 = treatment
    """
    return _document(
        [
            _heading(cells.design, provenance),
            ["The data fit the design. Nothing has been estimated."],
            ["Levels", *_rows([[factor.column, roles(factor)] for factor in cells.design.factors])],
            _lines(cells_table(cells, "" if provenance is None else provenance.source)),
            _plan_lines(provenance),
        ]
    )


def write(content: str, path: str | Path) -> Path:
    """Write a file, whole or not at all.

    Parameters
    ----------
    content
        The text.
    path
        File to write, in a folder that exists; a file already there is replaced.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written to.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write("no harm", Path(folder, "report.txt")).read_text()
    'no harm'
    """
    path = Path(path)
    # Renaming within one folder is atomic: a reader never sees half a report.
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        partial.write_text(content, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _frame(design: Design, provenance: Provenance | None) -> dict[str, Any]:
    plan = None
    if provenance is not None:
        plan = {
            "title": provenance.title,
            "path": str(provenance.path),
            "sha256": provenance.sha256,
            "source": provenance.source,
        }
    return {
        "version": version("twobytwo"),
        "plan": plan,
        "question": design.question,
        "design": _design(design),
    }


def _design(design: Design) -> dict[str, Any]:
    """Give a design with the metric's own entries beside its own."""
    stated = asdict(design)
    metric = stated.pop("metric")
    stated.pop("question")
    return {"outcome": metric.pop("column")} | stated | metric


def _with_interval(row: Mapping[str, Any]) -> dict[str, Any]:
    """Put ``lower`` and ``upper`` together as ``ci``."""
    rest = {key: value for key, value in row.items() if key not in ("lower", "upper")}
    return rest | {"ci": [row["lower"], row["upper"]]}


def _data(cells: Cells) -> dict[str, Any]:
    return {"rows": cells.rows, "units": cells.units, "cells": cell_rows(cells)}


def _sampling(analysis: Analysis) -> dict[str, Any]:
    options, sampled = analysis.options.sampler, analysis.fit.tree["sample_stats"].attrs
    return {
        "draws": options.draws,
        "tune": options.tune,
        "chains": options.chains,
        "seed": options.random_seed,
        "seconds": sampled["seconds_compiling"] + sampled["seconds_sampling"],
        "seconds_compiling": sampled["seconds_compiling"],
        "seconds_sampling": sampled["seconds_sampling"],
        "library": sampled["inference_library"],
        "library_version": sampled["inference_library_version"],
    }


def _plain(value: Any) -> Any:
    """Convert to what JSON has: NaN and infinity to None, levels of other types to text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _document(sections: Sequence[Sequence[str]]) -> str:
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _heading(design: Design, provenance: Provenance | None) -> list[str]:
    question, detail = asked(design), ""
    if design.question == "did":
        detail = ", ".join(f"{f.column} {f.labels[1]} against {f.labels[0]}" for f in design.factors)
    title = question if provenance is None else provenance.title
    lines = [title, "=" * min(len(title), _WIDTH)]
    if title != question or detail:
        lines.append(": ".join(part for part in ("" if title == question else question, detail) if part))
    return [*lines, harm_of(design)]


def _gates(gates: Sequence[Gate], *, refused: bool) -> list[str]:
    found = not_green(gates)
    if not found:
        names = ", ".join(gate.name for gate in gates)
        return ["Checks", *_wrap(f"All {len(gates)} passed: {names}", first="  ", then="  ")]
    lines = ["Checks", f"  {len(gates) - len(found)} of {len(gates)} passed; the others:"]
    for gate in found:
        said = f"{STATUS[gate.status]} {told(gate, refused=refused)}"
        lines += _wrap(said, first="  ", then="    ")
    return lines


def _origin(analysis: Analysis, provenance: Provenance | None) -> list[str]:
    sampling = _sampling(analysis)
    return [
        *_plan_lines(provenance),
        f"twobytwo {version('twobytwo')}, {sampling['library']} {sampling['library_version']}, "
        f"{sampling['seconds']:.1f} s",
        f"{sampling['chains']} chains of {sampling['draws']:,} draws after {sampling['tune']:,} tuning "
        f"steps, seed {sampling['seed']}",
    ]


def _plan_lines(provenance: Provenance | None) -> list[str]:
    return [] if provenance is None else [f"Plan {provenance.path}", f"sha256 {provenance.sha256}"]


def _wrap(paragraph: str, *, first: str = "", then: str = "") -> list[str]:
    """Break a paragraph into lines, but never a number from its sign or unit."""
    lines = textwrap.wrap(
        glued(paragraph), _WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    )
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _lines(table: Table) -> list[str]:
    return [
        *_wrap(table.title),
        *_rows([table.header, *table.rows], words=table.words, prose=table.prose),
        *_wrap(table.note, first="  ", then="  "),
    ]


def _rows(rows: Sequence[Sequence[str]], words: Sequence[int] = (0,), prose: int = -1) -> list[str]:
    """Align columns, words to the left; a column of prose is wrapped where the page is too narrow."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    if prose >= 0:
        room = _WIDTH - (sum(widths) - widths[prose] + 2 * len(widths))
        widths[prose] = min(widths[prose], max(room, _NARROWEST))
    lines = []
    for row in rows:
        pieces = textwrap.wrap(row[prose], widths[prose]) if prose >= 0 else [row[prose]]
        for number, piece in enumerate(pieces or [""]):
            cells = ["" if number else cell for cell in row]
            cells[prose] = piece
            padded = [
                cell.ljust(width) if k in words else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            lines.append(("  " + "  ".join(padded)).rstrip())
    return lines
