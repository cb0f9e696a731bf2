"""A plan drafted from what a file's columns look like; what only people know is left open, in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from twobytwo.answer.estimands import ESTIMANDS
from twobytwo.answer.forms import QUESTIONS
from twobytwo.answer.guesses import dates, groups, in_order, measured, periods, user_column
from twobytwo.answer.keys import DECIDED, DECISION, keys
from twobytwo.answer.sketch import Gap, Sketch, plan_line, toml
from twobytwo.data.outline import Column, Outline
from twobytwo.errors import DesignError

__all__ = ["Draft", "draft"]

_ASKED_OF_ROWS = ("period", "before", "after", "launch", "per", "before_column", "after_column", "randomised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan's text, and what is still open in it."""

    text: str
    gaps: tuple[Gap, ...] = ()


def draft(
    found: Outline, stated: Mapping[str, Mapping[str, Any]], source: str, question: str | None = None
) -> Draft:
    """Write a plan for a file.

    Parameters
    ----------
    found
        The file's columns.
    stated
        What is known, by table and key of plans; it stands above whatever the columns suggest.
    source
        Where the rows are, as the plan will say it.
    question
        Of plans; None takes what the columns and the keys stated leave no doubt about.

    Returns
    -------
    Draft
        The text, in which open lines are comments, and a list of them. No direction is ever guessed: not
        which level is the control, unless its name leaves no doubt, and not which change is harm.

    Raises
    ------
    DesignError
        If `question` or a key is unknown, or a column stated is not in the file.

    Examples
    --------
    >>> columns = (
    ...     Column(name="user_id", kind="number", values=900),
    ...     Column(name="variant", kind="text", values=2, levels=("control", "variant_b")),
    ...     Column(name="minutes", kind="number", values=700, low=0.0, high=400.0),
    ... )
    >>> made = draft(Outline(rows=900, columns=columns), {"decision": {"harm": "decrease"}}, "rows.csv")
    >>> [gap.key for gap in made.gaps]
    ['margin']
    """
    sketch = Sketch(found=found, stated={table: dict(stated.get(table, {})) for table in _TABLES})
    sketch.question = _question(sketch, question)
    if sketch.question is None:
        sketch.gaps.append(Gap(table="", key="question", choices=tuple(QUESTIONS)))
        head = ["# question = ...  # fill in: one of " + ", ".join(map(repr, QUESTIONS))]
    else:
        head = [f'question = "{sketch.question}"']
    design = _DESIGNS[sketch.question or "comparison"](sketch)
    known = keys(sketch.question or "comparison")
    design += [
        plan_line(key, value) for key, value in sketch.stated["design"].items() if key not in sketch.written
    ]
    unknown = [key for key in sketch.stated["design"] if key not in known["design"]]
    if unknown:
        msg = f"{unknown[0]}= is no part of a plan whose question is {sketch.question!r}."
        raise DesignError(msg)
    outcome = sketch.values.get("outcome", "the metric")
    lines = [
        f"# Drafted from {found.rows:,} rows of {source}. Read every line; fill in the open ones.",
        "# Then: twobytwo check PLAN (reads the data, estimates nothing), twobytwo run PLAN (answers).",
        "",
        plan_line(
            "title", sketch.stated[""].get("title", _TITLES[sketch.question or "comparison"].format(outcome))
        ),
        *head,
        "",
        "[data]",
        plan_line("source", source),
        "",
        "[design]",
        *design,
        "",
        "[decision]",
        *_decision(sketch),
        "",
        "[model]",
        *[plan_line(key, value) for key, value in ({"family": "auto"} | sketch.stated["model"]).items()],
    ]
    if sketch.stated["sampler"]:
        lines += [
            "",
            "[sampler]",
            *(plan_line(key, value) for key, value in sketch.stated["sampler"].items()),
        ]
    return Draft(text="\n".join(lines) + "\n", gaps=tuple(sketch.gaps))


_TABLES = ("", "design", "decision", "model", "sampler")
_TITLES = {
    "did": "Did the treatment change {}?",
    "comparison": "Do the groups differ in {}?",
    "interaction": "Do the experiments take {} from each other?",
}


def _question(sketch: Sketch, question: str | None) -> str | None:
    design = sketch.stated["design"]
    if question is not None or not design.keys().isdisjoint(("factors", "levels")):
        return question or "interaction"
    if not design.keys().isdisjoint(_ASKED_OF_ROWS) and "covariate" not in design:
        return "did" if "before_column" not in design or "after_column" in design else "comparison"
    if dates(sketch.free) or periods(sketch.free):
        return "did"
    return "comparison" if "group" in design or len(groups(sketch.free)) == 1 else None


def _did(sketch: Sketch) -> list[str]:
    if "after_column" in sketch.stated["design"] or "before_column" in sketch.stated["design"]:
        lines = [line for key in ("before_column", "after_column") for line in sketch.put(key, None)]
        return [*lines, *_group(sketch), *_unit(sketch, rows_per_user=1), *_policy(sketch)]
    unit = _unit_of(sketch)
    lines = []
    when = periods(sketch.free) or dates(sketch.free)
    named = sketch.found.named(sketch.stated["design"].get("period"))
    column = named or next(iter(when), None)
    if column is None or (named is None and len(when) > 1):
        candidates = [repr(each.name) for each in when]
        lines += sketch.put("period", None) or sketch.ask("period", candidates)
    else:
        lines += sketch.put("period", column.name)
        lines += _launch(sketch, column) if column.kind == "date" else _levels(sketch, column, "period")
    dated = column is not None and column.kind == "date"
    lines = [*_outcome(sketch), *_group(sketch), *lines]
    return [*lines, *_unit(sketch, 1 if dated else 2, unit, daily=dated), *_policy(sketch)]


def _comparison(sketch: Sketch) -> list[str]:
    unit = _unit_of(sketch)
    return [*_outcome(sketch), *_group(sketch), *_unit(sketch, 1, unit), *sketch.put("expected_share", None)]


def _interaction(sketch: Sketch) -> list[str]:
    unit = _unit_of(sketch)
    lines = _outcome(sketch)
    two = [column.name for column in groups(sketch.free) if column.values == 2]
    factors = sketch.stated["design"].get("factors") or (two if len(two) in (2, 3) else None)
    lines += sketch.put("factors", factors) or sketch.ask("factors", [repr(two)] if two else ())
    if "levels" not in sketch.stated["design"]:
        levels = {}
        for name in factors or ():
            column = sketch.found.named(name)
            resolved = in_order(column, "factor") if column is not None else None
            if resolved is None:
                lines += sketch.ask("levels", [f'{{ {json.dumps(name)} = ["without it", "with it"] }}'])
                break
            levels[name] = list(resolved)
        else:
            lines += sketch.put("levels", levels or None)
    return [*lines, *_unit(sketch, 1, unit), *sketch.put("expected_share", None)]


_DESIGNS: Mapping[str, Callable[[Sketch], list[str]]] = {
    "did": _did,
    "comparison": _comparison,
    "interaction": _interaction,
}


def _outcome(sketch: Sketch) -> list[str]:
    numbers = measured(sketch.free)
    guess = numbers[0] if len(numbers) == 1 else None
    column = sketch.found.named(sketch.stated["design"].get("outcome")) or guess
    if column is None:
        return sketch.put("outcome", None) or sketch.ask("outcome", [repr(each.name) for each in numbers])
    lines = sketch.put("outcome", column.name, f"from {_number(column.low)} to {_number(column.high)}")
    for key in ("label", "measure", "upper_bound"):
        lines += sketch.put(key, None)
    cap = sketch.put("cap", None) or [
        f'# cap = "99.9%"  # if large values are bots or errors: what they count as; the largest is '
        f"{_number(column.high)}"
    ]
    return [*lines, *cap]


def _group(sketch: Sketch) -> list[str]:
    candidates = groups(sketch.free)
    guess = candidates[0] if len(candidates) == 1 else None
    column = sketch.found.named(sketch.stated["design"].get("group")) or guess
    if column is None:
        return sketch.put("group", None) or sketch.ask("group", [repr(each.name) for each in candidates])
    listed = ", ".join(map(repr, column.levels))
    return [*sketch.put("group", column.name, f"levels: {listed}"), *_levels(sketch, column, "group")]


def _levels(sketch: Sketch, column: Column, role: Any) -> list[str]:
    """Write which level is the reference where its name leaves no doubt, or ask."""
    first, second = ("control", "treatment") if role == "group" else ("before", "after")
    if first in sketch.stated["design"] or second in sketch.stated["design"]:
        return [*sketch.put(first, None), *sketch.put(second, None)]
    resolved = in_order(column, role)
    if resolved is None:
        return sketch.ask(first, [toml(each) for each in column.levels])
    others = resolved[1] if len(resolved) == 2 else list(resolved[1:])
    return [*sketch.put(first, resolved[0]), *sketch.put(second, others)]


def _launch(sketch: Sketch, column: Column) -> list[str]:
    seen = f"the dates run from {column.low} to {column.high}"
    lines = sketch.put("launch", None, seen)
    if not lines:
        return [f"{line}; {seen}" for line in sketch.ask("launch")]
    lines += sketch.put("per", None)
    try:
        day = date.fromisoformat(str(sketch.values["launch"]))
        low, high = (date.fromisoformat(str(end)) for end in (column.low, column.high))
    except ValueError:
        return lines
    before, after = (day - low).days, (high - day).days + 1
    if before != after and min(before, after) > 0 and "per" not in sketch.values:
        earliest, latest = (
            day - timedelta(days=min(before, after)),
            day + timedelta(days=min(before, after) - 1),
        )
        lines.append(
            f'# per = "day"  # {before} days before and {after} after cannot be compared as sums: divide by '
            f"the days, or keep the rows from {earliest} to {latest}"
        )
    return lines


def _unit_of(sketch: Sketch) -> Column | None:
    """Find the users, before other columns of numbers get a role."""
    stated = sketch.found.named(sketch.stated["design"].get("unit"))
    if stated is not None:
        return stated
    return user_column(sketch.free)


def _unit(
    sketch: Sketch, rows_per_user: int, unit: Column | None = None, *, daily: bool = False
) -> list[str]:
    unit = unit or _unit_of(sketch)
    if unit is None:
        return [*sketch.put("unit", None), *sketch.put("agg", None)] or [
            "# unit = ...  # if a user may have several rows: which column identifies the user"
        ]
    without = f"; {unit.missing:,} rows have none: drop them first" if unit.missing else ""
    lines = sketch.put("unit", unit.name, f"{unit.values:,} users{without}")
    several = daily or sketch.found.rows > rows_per_user * unit.values
    return [*lines, *sketch.put("agg", "sum" if several else None, "a user's rows are added up")]


def _policy(sketch: Sketch) -> list[str]:
    lines = []
    if "unit" in sketch.values:
        lines = sketch.put("missing", None) or sketch.ask(
            "missing", ['"zero"', '"drop"', '"available"'], optional=True
        )
    return [*lines, *sketch.put("randomised", None), *sketch.put("expected_share", None)]


def _decision(sketch: Sketch) -> list[str]:
    stated = sketch.stated["decision"]
    estimated = ESTIMANDS.get(sketch.stated["model"].get("family", "normal"), "mean")
    lines = [plan_line("estimand", stated.get("estimand", estimated))]
    for key in DECIDED:
        choices = ('"decrease"', '"increase"') if key == "harm" else ()
        lines += (
            [plan_line(key, stated[key])] if key in stated else sketch.ask(key, choices, table="decision")
        )
    rest = [key for key in DECISION if key in stated and key not in (*DECIDED, "estimand")]
    return [*lines, *(plan_line(key, stated[key]) for key in rest)]


def _number(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, int | float) else str(value)
