"""A plan drafted from what a file's columns look like; what only people know is left open, in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from twobytwo.answer.estimands import ESTIMANDS
from twobytwo.answer.forms import QUESTIONS
from twobytwo.answer.guesses import dates, groups, in_order, measured, periods, user_column
from twobytwo.answer.keys import DECIDED, DECISION, MEANING, keys
from twobytwo.answer.plan_parts import OPEN
from twobytwo.data.outline import Column, Outline
from twobytwo.errors import DesignError

__all__ = ["Draft", "Gap", "draft"]

_COLUMNS = ("outcome", "group", "period", "unit", "before_column", "after_column", "covariate")
_ASKED_OF_ROWS = ("period", "before", "after", "launch", "per", "before_column", "after_column", "randomised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that the columns do not say.

    Parameters
    ----------
    table, key
        Where the plan says it.
    choices
        What it may be, as far as the file shows; empty where it may be anything.
    optional
        Whether the plan may do without it.
    """

    table: str
    key: str
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def words(self) -> str:
        """What is asked for."""
        listed = f" ({', '.join(self.choices)})" if self.choices else ""
        return f"{MEANING[self.key]}{listed}"


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
    sketch = _Sketch(found=found, stated={table: dict(stated.get(table, {})) for table in _TABLES})
    sketch.question = _question(sketch, question)
    if sketch.question is None:
        sketch.gaps.append(Gap(table="", key="question", choices=tuple(QUESTIONS)))
        head = ["# question = ...  # fill in: one of " + ", ".join(map(repr, QUESTIONS))]
    else:
        head = [f'question = "{sketch.question}"']
    design = _DESIGNS[sketch.question or "comparison"](sketch)
    known = keys(sketch.question or "comparison")
    design += [
        _line(key, value) for key, value in sketch.stated["design"].items() if key not in sketch.written
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
        _line(
            "title", sketch.stated[""].get("title", _TITLES[sketch.question or "comparison"].format(outcome))
        ),
        *head,
        "",
        "[data]",
        _line("source", source),
        "",
        "[design]",
        *design,
        "",
        "[decision]",
        *_decision(sketch),
        "",
        "[model]",
        *[_line(key, value) for key, value in ({"family": "auto"} | sketch.stated["model"]).items()],
    ]
    if sketch.stated["sampler"]:
        lines += ["", "[sampler]", *(_line(key, value) for key, value in sketch.stated["sampler"].items())]
    return Draft(text="\n".join(lines) + "\n", gaps=tuple(sketch.gaps))


_TABLES = ("", "design", "decision", "model", "sampler")
_TITLES = {
    "did": "Did the treatment change {}?",
    "comparison": "Do the groups differ in {}?",
    "interaction": "Do the experiments take {} from each other?",
}


@dataclass(kw_only=True)
class _Sketch:
    """What is known while a draft is written."""

    found: Outline
    stated: dict[str, dict[str, Any]]
    question: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def free(self) -> list[Column]:
        """Columns without a role."""
        design = {**self.stated["design"], **self.values}
        taken = {design[key] for key in _COLUMNS if key in design} | {*design.get("factors", ())}
        return [column for column in self.found.columns if column.name not in taken]

    def put(self, key: str, guess: Any, hint: str = "") -> list[str]:
        """Write a key with what was stated, or else guessed; nothing if neither."""
        value = self.stated["design"].get(key, guess)
        self.written.add(key)
        if value is None:
            return []
        self.values[key] = value
        return [_line(key, value, hint)]

    def ask(
        self, key: str, choices: Sequence[str] = (), *, table: str = "design", optional: bool = False
    ) -> list[str]:
        """Leave a line open."""
        self.written.add(key)
        # In the file the choices are examples; a person types them without quotes.
        gap = Gap(table=table, key=key, choices=tuple(choices), optional=optional)
        self.gaps.append(gap)
        example = choices[0] if choices else "..."
        fill = "if it is so" if optional else OPEN
        return [f"# {key} = {example}  # {fill}: {gap.words}"]


def _question(sketch: _Sketch, question: str | None) -> str | None:
    design = sketch.stated["design"]
    if question is not None or not design.keys().isdisjoint(("factors", "levels")):
        return question or "interaction"
    if not design.keys().isdisjoint(_ASKED_OF_ROWS) and "covariate" not in design:
        return "did" if "before_column" not in design or "after_column" in design else "comparison"
    if dates(sketch.free) or periods(sketch.free):
        return "did"
    return "comparison" if "group" in design or len(groups(sketch.free)) == 1 else None


def _did(sketch: _Sketch) -> list[str]:
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


def _comparison(sketch: _Sketch) -> list[str]:
    unit = _unit_of(sketch)
    return [*_outcome(sketch), *_group(sketch), *_unit(sketch, 1, unit), *sketch.put("expected_share", None)]


def _interaction(sketch: _Sketch) -> list[str]:
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


_DESIGNS: Mapping[str, Callable[[_Sketch], list[str]]] = {
    "did": _did,
    "comparison": _comparison,
    "interaction": _interaction,
}


def _outcome(sketch: _Sketch) -> list[str]:
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


def _group(sketch: _Sketch) -> list[str]:
    candidates = groups(sketch.free)
    guess = candidates[0] if len(candidates) == 1 else None
    column = sketch.found.named(sketch.stated["design"].get("group")) or guess
    if column is None:
        return sketch.put("group", None) or sketch.ask("group", [repr(each.name) for each in candidates])
    listed = ", ".join(map(repr, column.levels))
    return [*sketch.put("group", column.name, f"levels: {listed}"), *_levels(sketch, column, "group")]


def _levels(sketch: _Sketch, column: Column, role: Any) -> list[str]:
    """Write which level is the reference where its name leaves no doubt, or ask."""
    first, second = ("control", "treatment") if role == "group" else ("before", "after")
    if first in sketch.stated["design"] or second in sketch.stated["design"]:
        return [*sketch.put(first, None), *sketch.put(second, None)]
    resolved = in_order(column, role)
    if resolved is None:
        return sketch.ask(first, [_toml(each) for each in column.levels])
    others = resolved[1] if len(resolved) == 2 else list(resolved[1:])
    return [*sketch.put(first, resolved[0]), *sketch.put(second, others)]


def _launch(sketch: _Sketch, column: Column) -> list[str]:
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


def _unit_of(sketch: _Sketch) -> Column | None:
    """Find the users, before other columns of numbers get a role."""
    stated = sketch.found.named(sketch.stated["design"].get("unit"))
    if stated is not None:
        return stated
    return user_column(sketch.free)


def _unit(
    sketch: _Sketch, rows_per_user: int, unit: Column | None = None, *, daily: bool = False
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


def _policy(sketch: _Sketch) -> list[str]:
    lines = []
    if "unit" in sketch.values:
        lines = sketch.put("missing", None) or sketch.ask(
            "missing", ['"zero"', '"drop"', '"available"'], optional=True
        )
    return [*lines, *sketch.put("randomised", None), *sketch.put("expected_share", None)]


def _decision(sketch: _Sketch) -> list[str]:
    stated = sketch.stated["decision"]
    estimated = ESTIMANDS.get(sketch.stated["model"].get("family", "normal"), "mean")
    lines = [_line("estimand", stated.get("estimand", estimated))]
    for key in DECIDED:
        choices = ('"decrease"', '"increase"') if key == "harm" else ()
        lines += [_line(key, stated[key])] if key in stated else sketch.ask(key, choices, table="decision")
    rest = [key for key in DECISION if key in stated and key not in (*DECIDED, "estimand")]
    return [*lines, *(_line(key, stated[key]) for key in rest)]


def _number(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, int | float) else str(value)


def _line(key: str, value: Any, hint: str = "") -> str:
    said = hint or MEANING.get(key, "")
    return f"{key} = {_toml(value)}" + (f"  # {said}" if said else "")


def _toml(value: Any) -> str:
    """Write a value as TOML does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        inside = ", ".join(
            f"{json.dumps(str(key), ensure_ascii=False)} = {_toml(each)}" for key, each in value.items()
        )
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(each) for each in value)}]"
    return json.dumps(str(value), ensure_ascii=False)
