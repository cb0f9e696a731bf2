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

if TYPE_CHECKING:
    from twobytwo.analysis import Analysis
    from twobytwo.cells import Cells
    from twobytwo.design import Design
    from twobytwo.gates import Gate

__all__ = ["Provenance", "check_text", "check_to_dict", "dumps", "text", "to_dict", "write"]

_WIDTH = 88
_NARROWEST = 16


class Provenance(Protocol):
    """Where an analysis was stated; a `twobytwo.plan.Plan` is one."""

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
            "headline": asdict(analysis.headline),
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
            "model": {
                "family": analysis.fit.family.name,
                "refused_family": analysis.refused_fit.family.name if analysis.refused_fit else None,
                "priors": asdict(analysis.fit.priors),
            },
            "data": _data(analysis.cells),
            "sampling": _sampling(analysis),
        }
    )


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
    estimates = withheld if refused else [_effects(analysis), _crosscheck(analysis), _priors(analysis)]
    return _document(
        [
            _heading(analysis.design, provenance),
            _wrap(analysis.statement),
            *estimates,
            _gates(analysis.gates),
            _table_of_cells(analysis.cells, provenance, None if refused else analysis),
            _origin(analysis, provenance),
        ]
    )


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
            ["Levels", *_rows([[factor.column, _roles(factor)] for factor in cells.design.factors])],
            _table_of_cells(cells, provenance),
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
        "design": {key: value for key, value in asdict(design).items() if key != "question"},
    }


def _with_interval(row: Mapping[str, Any]) -> dict[str, Any]:
    """Put ``lower`` and ``upper`` together as ``ci``."""
    rest = {key: value for key, value in row.items() if key not in ("lower", "upper")}
    return rest | {"ci": [row["lower"], row["upper"]]}


def _data(cells: Cells) -> dict[str, Any]:
    return {"rows": cells.rows, "units": cells.units, "cells": _cells(cells)}


def _cells(cells: Cells) -> list[dict[str, Any]]:
    moments, factors = cells.moments(), cells.design.factors
    described = []
    for index in np.ndindex(*moments["n"].shape):
        n, mean, squares = (float(moments[name].to_numpy()[index]) for name in ("n", "mean", "ss"))
        levels = {f.column: (f.levels or ())[i] for f, i in zip(factors, index, strict=True)}
        described.append({"levels": levels, "n": int(n), "mean": mean, "sd": math.sqrt(squares / (n - 1))})
    return described


def _sampling(analysis: Analysis) -> dict[str, Any]:
    options, sampled = analysis.options.sampler, analysis.posterior["sample_stats"].attrs
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
    first, second = design.factors
    if design.question == "did":
        asked = f"Difference-in-differences of {design.outcome}"
        against = [f"{f.column} {f.labels[1]} against {f.labels[0]}" for f in design.factors]
        detail = ", ".join(against)
    else:
        asked, detail = f"Interaction of {first.column} and {second.column} on {design.outcome}", ""
    title = asked if provenance is None else provenance.title
    lines = [title, "=" * min(len(title), _WIDTH)]
    if title != asked or detail:
        lines.append(": ".join(part for part in ("" if title == asked else asked, detail) if part))
    return [*lines, _harm(design)]


def _harm(design: Design) -> str:
    unit = f" {design.measure}" if design.measure else ""
    if design.question == "did":
        size = f" by more than {design.margin:g}{unit}" if design.margin else ""
        return f"Harm: the treatment makes {design.outcome} {design.harm}{size}"
    size = f", by more than {design.margin:g}{unit}" if design.margin else ""
    sign = "below" if design.harm == "decrease" else "above"
    return f"Cannibalisation: an interaction {sign} zero{size}"


_ROLES = {"group": ("control", "treatment"), "period": ("before", "after"), "factor": ("without", "with")}


def _roles(factor: Any) -> str:
    return ", ".join(
        f"{label} = {role}" for label, role in zip(factor.labels, _ROLES[factor.role], strict=True)
    )


def _effects(analysis: Analysis) -> list[str]:
    names = [name for name in analysis.effects if name not in _cell_names(analysis)]
    rows = [[analysis.effects[name].attrs["label"], *_estimate(analysis, name)] for name in names]
    model = f"{analysis.fit.family.name} family, {analysis.fit.priors.name} priors"
    return [f"Effects ({model})", *_rows([["", "median", _interval_name(analysis)], *rows], prose=0)]


def _cell_names(analysis: Analysis) -> list[str]:
    first, second = analysis.design.factors
    estimand = analysis.headline.estimand
    return [f"{estimand}[{a}, {b}]" for a in first.labels for b in second.labels]


def _interval_name(analysis: Analysis) -> str:
    return f"{100 * analysis.headline.ci_prob:g} % interval"


def _estimate(analysis: Analysis, name: str) -> tuple[str, str]:
    """Write an effect's median with unit, and its interval, to the digits that are known."""
    from arviz_stats import mcse

    from twobytwo.decisions import format_number

    draws = analysis.effects[name]
    row: dict[Any, Any] = analysis.summary().loc[name].to_dict()
    numbers = [row["median"], row["lower"], row["upper"]]
    error, unit = float(mcse(draws)), f" {row['unit']}" if row["unit"] else ""
    if row["scale"] == "relative":
        numbers, error, unit = [100 * number for number in numbers], 100 * error, " %"
    sign = row["scale"] != "ratio"
    best, lower, upper = (format_number(number, error, sign=sign) for number in numbers)
    return f"{best}{unit}", f"{lower} to {upper}"


def _crosscheck(analysis: Analysis) -> list[str]:
    from twobytwo.decisions import format_number

    crosscheck = analysis.crosscheck()
    # Three digits of the largest standard error, and as many decimals in all else.
    error = max(check.se for check in crosscheck.checks) / 1000
    rows = []
    for check in crosscheck.checks:
        numbers = (check.estimate, check.lower, check.upper)
        best, lower, upper = (format_number(number, error, sign=True) for number in numbers)
        se = format_number(check.se, error)
        rows.append([check.method, best, se, f"{lower} to {upper}", check.assumes])
    label = analysis.effects[analysis.headline.effect].attrs["label"]
    header = ["", "estimate", "se", _interval_name(analysis), "assumes"]
    return [
        *_wrap(f"The same by other methods: {label}"),
        *_rows([header, *rows], words=(0, 4), prose=4),
        *_wrap(crosscheck.verdict, first="  ", then="  "),
    ]


def _priors(analysis: Analysis) -> list[str]:
    from twobytwo.decisions import format_number, format_probability

    design = analysis.design
    harm = "harm" if design.question == "did" else "cannibalisation"
    unit = f" {design.measure}" if design.measure else ""
    header = ["", "mean", _interval_name(analysis), f"P({harm})"]
    if design.margin:
        header.append(f"P({harm} > {design.margin:g}{unit})")
    # A 95 % interval is four standard deviations wide: the same decimals as in the crosscheck.
    error = max(answer.upper - answer.lower for answer in analysis.priors) / 4000
    rows = []
    for answer in analysis.priors:
        numbers = (answer.mean, answer.lower, answer.upper)
        best, lower, upper = (format_number(number, error, sign=True) for number in numbers)
        chances = (answer.p_harm, answer.p_material_harm)[: 2 if design.margin else 1]
        rows.append([answer.prior, best, f"{lower} to {upper}", *map(format_probability, chances)])
    label = analysis.effects[analysis.headline.effect].attrs["label"]
    return [*_wrap(f"The same under other priors: {label}"), *_rows([header, *rows])]


def _gates(gates: Sequence[Gate]) -> list[str]:
    found = [gate for gate in gates if gate.status != "pass"]
    if not found:
        names = ", ".join(gate.name for gate in gates)
        return ["Checks", *_wrap(f"All {len(gates)} passed: {names}", first="  ", then="  ")]
    lines = ["Checks", f"  {len(gates) - len(found)} of {len(gates)} passed; the others:"]
    for gate in found:
        said = f"{_STATUS[gate.status]} {_measured(gate)}: {gate.message}"
        lines += _wrap(said, first="  ", then="    ")
    return lines


_STATUS = {"warn": "WARNING", "refuse": "REFUSED", "skip": "DOES NOT APPLY"}


def _measured(gate: Gate) -> str:
    from twobytwo.gates import THRESHOLDS

    named = gate.name if gate.family is None else f"{gate.name} of the {gate.family} family"
    if gate.value is None:
        return named
    side = "above" if THRESHOLDS[gate.name].above else "below"
    limits = [
        f"{verb} {side} {limit:g}"
        for verb, limit in (("warns", gate.warn), ("refuses", gate.refuse))
        if limit is not None
    ]
    return f"{named} = {gate.value:.3g} ({', '.join(limits)})"


def _table_of_cells(
    cells: Cells, provenance: Provenance | None, analysis: Analysis | None = None
) -> list[str]:
    """Show the cells, and beside their raw means the model's, if there are any to be shown."""
    from_source = "" if provenance is None else f" from {provenance.source}"
    users = "" if cells.units is None else f" of {cells.units:,} users"
    factors = [factor.column for factor in cells.design.factors]
    header = [*factors, "rows", "mean", "sd"]
    described = _cells(cells)
    # As many decimals in the whole column as the least known cell deserves.
    error = max(cell["sd"] / math.sqrt(cell["n"]) for cell in described)
    decimals = max(0, 1 - math.floor(math.log10(error)))
    rows = [
        [
            *map(str, cell["levels"].values()),
            f"{cell['n']:,}",
            *(f"{cell[name]:,.{decimals}f}" for name in ("mean", "sd")),
        ]
        for cell in described
    ]
    # A family of changes has no cell values.
    if analysis is not None and set(_cell_names(analysis)) <= set(analysis.effects):
        header += [f"model's {analysis.headline.estimand}".replace("_", " "), _interval_name(analysis)]
        summary = analysis.summary()[["median", "lower", "upper"]]
        for row, name in zip(rows, _cell_names(analysis), strict=True):
            numbers = summary.loc[name].to_numpy(float)
            best, lower, upper = (f"{number:,.{decimals}f}" for number in numbers)
            row += [best, f"{lower} to {upper}"]
    return [f"Data: {cells.rows:,} rows{users}{from_source}", *_rows([header, *rows], words=(0, 1))]


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
    glued = re.sub(r"(?<=[<>]) (?=\d)|(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", paragraph)
    lines = textwrap.wrap(glued, _WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


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
