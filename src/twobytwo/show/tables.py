"""An analysis as tables of words, the same ones in text, Markdown and HTML."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twobytwo.ask.units import counted
from twobytwo.check.arrays import sizes
from twobytwo.check.gate import THRESHOLDS
from twobytwo.data.largest import SHARE

if TYPE_CHECKING:
    import pandas as pd

    from twobytwo.answer.analysis import Analysis
    from twobytwo.ask.design import Design
    from twobytwo.check.sensitivity import Sensitivity
    from twobytwo.data.cells import Cells

__all__ = [
    "Table",
    "cell_rows",
    "cells_table",
    "choices",
    "crosscheck_table",
    "effects_table",
    "largest_table",
    "picture_in_words",
    "prior_share",
    "sensitivity_frame",
    "sensitivity_table",
    "varied",
]

# What a row of the sensitivity table answers; its other columns say under which choice.
_ANSWERS = (
    "mean",
    "median",
    "sd",
    "lower",
    "upper",
    "p_harm",
    "p_material_harm",
    "expected_loss",
    "method",
    "verdict",
    "fidelity",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, its numbers already written.

    Parameters
    ----------
    title
        What the rows are.
    header
        Names of the columns; empty where there is nothing to name.
    rows
        One text per column.
    words
        Columns of words, which stand on the left; numbers stand on the right.
    prose
        The column that may be wrapped; −1 if none.
    note
        What to make of it.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)
    prose: int = -1
    note: str = ""


def effects_table(analysis: Analysis) -> Table:
    """Write every effect with its interval; the cell values stand in the table of cells."""
    names = [name for name in analysis.effects if name not in _cell_names(analysis)]
    rows = [(analysis.effects[name].attrs["label"], *_estimate(analysis, name)) for name in names]
    model = f"{analysis.fit.family.name} family, {analysis.fit.priors.name} priors"
    header = ("", "median", _interval_name(analysis))
    return Table(title=f"Effects ({model})", header=header, rows=tuple(rows), prose=0)


def crosscheck_table(analysis: Analysis) -> Table:
    """Write the headline by other methods; the note says whether they agree."""
    from twobytwo.infer.decisions import format_number, resolution

    crosscheck = analysis.crosscheck(statsmodels=False)
    error = resolution(analysis.effects[analysis.headline.effect])
    rows = []
    for check in crosscheck.checks:
        numbers = (check.estimate, check.lower, check.upper)
        best, lower, upper = (format_number(number, error, sign=True) for number in numbers)
        se = format_number(check.se, error)
        rows.append((check.method, best, se, f"{lower} to {upper}", check.assumes))
    return Table(
        title=f"The same by other methods: {_headline_label(analysis)}",
        header=("", "estimate", "se", _interval_name(analysis), "assumes"),
        rows=tuple(rows),
        words=(0, 4),
        prose=4,
        note=crosscheck.verdict,
    )


def sensitivity_frame(analysis: Analysis, panel: Sensitivity | None = None) -> pd.DataFrame:
    """Give the rows of a sensitivity panel, or, without one, the headline under each preset of priors."""
    from twobytwo.check.prior_sensitivity import table

    return table(analysis.priors) if panel is None else panel.table


def sensitivity_table(analysis: Analysis, panel: Sensitivity | None = None) -> Table:
    """Write the headline under every other choice that was tried; the note says which ones matter."""
    from twobytwo.infer.decisions import format_number, format_probability, resolution

    design, frame = analysis.design, sensitivity_frame(analysis, panel)
    harm = design.headline.harm
    header = ["", "median", _interval_name(analysis), f"P({harm})"]
    if design.metric.margin:
        header.append(f"P({harm} > {design.metric.size(design.metric.margin)})")
    error = resolution(analysis.effects[analysis.headline.effect])
    rows = []
    for label, answer in zip(choices(frame), frame.to_dict("records"), strict=True):
        numbers = (answer["median"], answer["lower"], answer["upper"])
        best, lower, upper = (format_number(number, error, sign=True) for number in numbers)
        chances = (answer["p_harm"], answer["p_material_harm"])[: 2 if design.metric.margin else 1]
        # A family whose checks refuse it is shown, but not as an answer on a par with the others.
        doubt = "" if answer.get("fidelity", "ok") == "ok" else f" (refused: {answer['fidelity']})"
        rows.append((f"{label}{doubt}", best, f"{lower} to {upper}", *map(format_probability, chances)))
    title = f"The same under other {'choices' if panel else 'priors'}: {_headline_label(analysis)}"
    note = "" if panel is None else " ".join([panel.text, *panel.left_out])
    return Table(title=title, header=tuple(header), rows=tuple(rows), note=note)


def varied(frame: pd.DataFrame) -> list[str]:
    """Name the choices that differ between the rows of a sensitivity table; at least one.

    Examples
    --------
    >>> import pandas as pd
    >>> varied(pd.DataFrame({"prior": ["default", "flat"], "family": ["normal"] * 2, "median": [1.0, 1.1]}))
    ['prior']
    """
    frame = frame.reset_index()
    named = [str(name) for name in frame if name not in (*_ANSWERS, "index")]
    return [name for name in named if len(set(map(str, frame[name]))) > 1] or named[:1]


def choices(frame: pd.DataFrame) -> list[str]:
    """Name the rows of a sensitivity table by what was chosen in each.

    Parameters
    ----------
    frame
        One row per choice; the index, and columns that are no answers, say which.

    Returns
    -------
    list of str
        A single choice by its value, several by name and value; what never varies is left out.

    Examples
    --------
    >>> import pandas as pd
    >>> panel = pd.DataFrame({"prior": ["default", "flat"], "family": ["normal"] * 2, "median": [1.0, 1.1]})
    >>> choices(panel.set_index("prior"))
    ['default', 'flat']
    >>> panel["family"] = ["normal", "gamma"]
    >>> choices(panel)
    ['prior default, family normal', 'prior flat, family gamma']
    """
    frame, varying = frame.reset_index(), varied(frame)
    if len(varying) == 1:
        return [str(value) for value in frame[varying[0]]]
    return [
        ", ".join(f"{name} {value}" for name, value in row.items())
        for row in frame[varying].to_dict("records")
    ]


def picture_in_words(analysis: Analysis) -> str:
    """Say what the picture of the effect shows, for who cannot see it."""
    stated = analysis.headline
    best, interval = _estimate(analysis, stated.effect)
    margin = ""
    if stated.margin:
        where = -stated.margin if analysis.design.metric.harm_sign < 0 else stated.margin
        margin = f" The margin of harm is at {where:+g}."
    return (
        f"Posterior of the {_headline_label(analysis)}: median {best}, {_interval_name(analysis)} "
        f"{interval}.{margin}"
    )


def prior_share(analysis: Analysis) -> float:
    """Give the share of the answer that is the prior's, as the check of it found."""
    return next(float(gate.value or 0.0) for gate in analysis.gates if gate.name == "prior_weight")


def cells_table(cells: Cells, source: str = "", analysis: Analysis | None = None) -> Table:
    """Show the cells and, beside their raw means, the model's, if there are any to be shown.

    Parameters
    ----------
    cells
        The data.
    source
        Where they come from.
    analysis
        Whose estimates may be shown.
    """
    from twobytwo.infer.decisions import format_number

    from_source = f" from {source}" if source else ""
    users = "" if cells.units is None else f" of {cells.units:,} users"
    described = cell_rows(cells)
    header = [*described[0]["levels"], "rows", cells.design.metric.named("mean"), "sd"]
    named = len(described[0]["levels"])
    # As many decimals in the whole column as the least known cell deserves.
    error = max(cell["sd"] / math.sqrt(cell["n"]) for cell in described) / 20
    rows = [
        [
            *map(str, cell["levels"].values()),
            f"{cell['n']:,}",
            *(format_number(cell[name], error) for name in ("mean", "sd")),
        ]
        for cell in described
    ]
    # A family of changes has no cell values.
    if analysis is not None and set(_cell_names(analysis)) <= set(analysis.effects):
        header += [f"model's {analysis.headline.estimand}".replace("_", " "), _interval_name(analysis)]
        summary = analysis.summary()
        for row, name in zip(rows, _cell_names(analysis), strict=True):
            known = summary.loc[name].to_dict()
            best, lower, upper = (format_number(known[at], error) for at in ("median", "lower", "upper"))
            row += [best, f"{lower} to {upper}"]
    title = f"Data: {cells.rows:,} rows{users}{from_source}"
    return Table(
        title=title,
        header=tuple(header),
        rows=tuple(map(tuple, rows)),
        words=tuple(range(named)),
        note=_sizes_found(cells),
    )


def largest_table(found: pd.DataFrame, design: Design) -> Table:
    """Write whose values are the largest, of those that make up much of their cell's total.

    Parameters
    ----------
    found
        Of `twobytwo.data.largest.largest_users`.
    design
        The question.
    """
    much = found[found[SHARE] > THRESHOLDS["largest_share"].warn]
    named = len(found.columns) - 2
    known = design.unit is not None
    return Table(
        title="Whose values these are:" if known else "These values (without unit, rows have no ids):",
        header=(*map(str, found.columns[:named]), design.metric.name, "of the cell's total"),
        rows=tuple(
            (*map(str, row[:named]), f"{row[named]:,.6g}", f"{row[named + 1]:.0%}")
            for row in much.itertuples(index=False)
        ),
        words=tuple(range(named)),
        note="Shown here only: reports, JSON and saved results hold no ids.",
    )


def _sizes_found(cells: Cells) -> str:
    """Say how large the groups are where nobody said how large they should be, so that somebody looks."""
    told = []
    for factor in cells.design.factors:
        if factor.role == "period" or factor.expected_share:
            continue
        for where, counts in sizes(cells, factor).items():
            shares = zip(factor.labels[1:], counts[1:] / counts.sum(), strict=True)
            listed = ", ".join(f"{100 * share:.3g} % have {factor.name} {label}" for label, share in shares)
            told.append(f"in {where} {listed}" if where else listed)
    if not told:
        return ""
    who = "users" if cells.units is not None else "rows"
    return f"Of the {who}, {'; '.join(told)}. Nobody said how many should (expected_share)."


def cell_rows(cells: Cells) -> list[dict[str, Any]]:
    """Count, mean and standard deviation of every cell, with its levels."""
    moments, factors = cells.moments(), cells.design.factors
    described = []
    for place in _places(cells.design):
        n, mean, squares = (float(moments[name].to_numpy()[place]) for name in ("n", "mean", "ss"))
        levels = {f.column: (f.levels or ())[i] for f, i in zip(factors, place, strict=True)}
        described.append({"levels": levels, "n": int(n), "mean": mean, "sd": math.sqrt(squares / (n - 1))})
    return described


def _places(design: Design) -> list[tuple[int, ...]]:
    """List the cells that hold the metric: a covariate's own are another quantity."""
    every = np.ndindex(*design.shape)
    return [place for place in every if not design.covariate or place[-1] > 0]


def _headline_label(analysis: Analysis) -> str:
    return str(analysis.effects[analysis.headline.effect].attrs["label"])


def _cell_names(analysis: Analysis) -> list[str]:
    design, estimand = analysis.design, analysis.fit.family.estimand
    return [
        f"{estimand}[{', '.join(f.labels[k] for f, k in zip(design.factors, place, strict=True))}]"
        for place in _places(design)
    ]


def _interval_name(analysis: Analysis) -> str:
    return f"{100 * analysis.headline.ci_prob:g} % interval"


def _estimate(analysis: Analysis, name: str) -> tuple[str, str]:
    """Write an effect's median with unit, and its interval, to the digits that are known."""
    from twobytwo.infer.decisions import format_number, resolution

    draws = analysis.effects[name]
    row: dict[Any, Any] = analysis.summary().loc[name].to_dict()
    numbers = [row["median"], row["lower"], row["upper"]]
    error, unit = resolution(draws), row["unit"]
    if row["scale"] == "relative":
        numbers, error, unit = [100 * number for number in numbers], 100 * error, "%"
    # A share of active users and their mean are levels, not changes.
    sign = row["scale"] != "ratio" and row["estimand"] not in ("P(active)", "mean_among_active")
    best, lower, upper = (format_number(number, error, sign=sign) for number in numbers)
    return counted(best, unit), f"{lower} to {upper}"
