"""A plan drafted from what a file's columns look like; what only people know is left open, in words."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twobytwo.answer.draft_checks import refuse_misfits
from twobytwo.answer.draft_design import design_lines
from twobytwo.answer.draft_periods import times_of
from twobytwo.answer.estimands import ESTIMANDS
from twobytwo.answer.forms import QUESTIONS
from twobytwo.answer.guesses import dates, groups, pairs, periods, unread_dates
from twobytwo.answer.keys import DECIDED, DECISION, MEANING, Named, in_file, keys, listed
from twobytwo.answer.sketch import Gap, Sketch, plan_line, toml
from twobytwo.data.attendance import Attendance
from twobytwo.data.outline import Outline
from twobytwo.errors import DesignError

__all__ = ["Draft", "draft"]

_ASKED_OF_ROWS = ("period", "before", "after", "launch", "per", "before_column", "after_column", "randomised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan's text, what is still open in it, and what of the file somebody should look at."""

    text: str
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()


def draft(
    found: Outline,
    stated: Mapping[str, Mapping[str, Any]],
    source: str,
    named: Named = in_file,
    attendance: Attendance | None = None,
) -> Draft:
    """Write a plan for a file.

    Parameters
    ----------
    found
        The file's columns.
    stated
        What is known, by table and key of plans; it stands above whatever the columns suggest. Without a
        question, what the columns and the keys leave no doubt about is taken.
    source
        Where the rows are, as the plan will say it.
    named
        Gives a table's key the name that messages use.
    attendance
        Counts in the file who is seen in one period only, where a plan must say what that means; None counts
        nobody.

    Returns
    -------
    Draft
        The text, in which open lines are comments, and a list of them. No direction is ever guessed: not
        which level is the control, unless its name leaves no doubt, and not which change is harm.

    Raises
    ------
    DesignError
        If a key is unknown or its value is none that a plan of this file can have: a column or level that the
        file does not hold, a negative margin, a launch outside the dates. It tells of all of them at once.

    Examples
    --------
    >>> from twobytwo.data.outline import Column
    >>> columns = (
    ...     Column(name="user_id", kind="number", values=900),
    ...     Column(name="variant", kind="text", values=2, levels=("control", "variant_b")),
    ...     Column(name="minutes", kind="number", values=700, low=0.0, high=400.0),
    ... )
    >>> made = draft(Outline(rows=900, columns=columns), {"decision": {"harm": "decrease"}}, "rows.csv")
    >>> [gap.key for gap in made.gaps if not gap.optional]
    ['margin']
    """
    sketch = Sketch(
        found=found,
        stated={table: dict(stated.get(table, {})) for table in _TABLES},
        attendance=attendance,
    )
    sketch.times = times_of(sketch)
    sketch.question = _question(sketch)
    if sketch.question is None:
        head = sketch.ask("question", [toml(each) for each in QUESTIONS], seen=_may_be_periods(sketch))
    else:
        head = [f'question = "{sketch.question}"']
    # Every question has what a comparison has.
    question = sketch.question or "comparison"
    design, known = design_lines(sketch, question), keys(question)
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
        plan_line("title", sketch.stated[""].get("title", _TITLES[sketch.question].format(outcome))),
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
    text = "\n".join(lines) + "\n"
    refuse_misfits(tomllib.loads(text), found, named)
    return Draft(text=text, gaps=tuple(sketch.gaps), notes=tuple(sketch.notes))


_TABLES = ("", "design", "decision", "model", "sampler")
_TITLES: Mapping[str | None, str] = {
    None: "What changes {}?",
    "did": "Did the treatment change {}?",
    "comparison": "Do the groups differ in {}?",
    "interaction": "Do the experiments take {} from each other?",
}


def _question(sketch: Sketch) -> str | None:
    design, question = sketch.stated["design"], sketch.stated[""].get("question")
    if question not in (None, *QUESTIONS):
        msg = f"question = {question!r} is not allowed; use one of {listed(QUESTIONS)}."
        raise DesignError(msg)
    if question is not None or not design.keys().isdisjoint(("factors", "levels")):
        return question or "interaction"
    if not design.keys().isdisjoint(_ASKED_OF_ROWS) and "covariate" not in design:
        return "did" if "before_column" not in design or "after_column" in design else "comparison"
    free = sketch.free
    if dates(free) or periods(free) or pairs(free) or unread_dates(free):
        return "did"
    told = "group" in design or len(groups(sketch.free)) == 1
    return "comparison" if told and not sketch.times else None


def _may_be_periods(sketch: Sketch) -> str:
    """Say why somebody may mean a question of before and after."""
    listed = " and ".join(repr(column.name) for column in sketch.times)
    return f"{listed} may tell before from after" if listed else ""


def _decision(sketch: Sketch) -> list[str]:
    stated = sketch.stated["decision"]
    estimated = ESTIMANDS.get(sketch.stated["model"].get("family", "normal"), "mean")
    lines = [plan_line("estimand", stated.get("estimand", estimated))]
    for key in DECIDED:
        choices = ('"decrease"', '"increase"') if key == "harm" else ()
        seen = _unit_of_margin(sketch) if key == "margin" else ""
        lines += (
            [plan_line(key, stated[key], "; ".join(filter(None, (MEANING[key], seen))))]
            if key in stated
            else sketch.ask(key, choices, seen=seen)
        )
    rest = [key for key in DECISION if key in stated and key not in (*DECIDED, "estimand")]
    return [*lines, *(plan_line(key, stated[key]) for key in rest)]


def _unit_of_margin(sketch: Sketch) -> str:
    """Say what a margin is in units of, where a reader of the file may think of something else."""
    if sketch.values.get("kind") == "share":
        return "here percentage points"
    if not sketch.values.get("agg") or "per" in sketch.values:
        return ""
    return f"the outcome is a user's total{' in a period' if sketch.question == 'did' else ''}"
