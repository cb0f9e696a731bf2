"""The lines of [design]: what a file's columns leave no doubt about, and what only people know."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from twobytwo.answer.draft_periods import agg_over_times, period_if_did, two_levels
from twobytwo.answer.guesses import (
    dates,
    few_levels,
    groups,
    in_order,
    like_ids,
    measured,
    no_levels,
    pairs,
    periods,
    shares,
    unread_dates,
    unread_numbers,
    user_column,
)
from twobytwo.answer.sketch import Sketch, toml
from twobytwo.ask.shares import even_shares
from twobytwo.data.dates import either, readings
from twobytwo.data.outline import Column

__all__ = ["design_lines"]


def design_lines(sketch: Sketch, question: str) -> list[str]:
    """Write the lines of [design].

    Parameters
    ----------
    sketch
        What is known; it takes note of what was written and of what is open.
    question
        Of plans.

    Examples
    --------
    >>> from twobytwo.data.outline import Outline
    >>> arm = Column(name="arm", kind="text", values=2, levels=("control", "new"))
    >>> sketch = Sketch(found=Outline(rows=9, columns=(arm,)), stated={"design": {}})
    >>> [line.partition("  #")[0] for line in design_lines(sketch, "comparison")[1:4]]
    ['group = "arm"', 'control = "control"', 'treatment = "new"']
    """
    return _DESIGNS[question](sketch)


def _did(sketch: Sketch) -> list[str]:
    design = sketch.stated["design"]
    told = "after_column" in design or "before_column" in design
    if told or ("period" not in design and pairs(sketch.free) and not periods(sketch.free)):
        return _did_wide(sketch)
    unit = _unit_of(sketch)
    # A launch is a day: beside a column of dates, one of before and after is not meant.
    around = _around_launch(sketch)
    when = (around if "launch" in design else []) or periods(sketch.free) or around
    column = sketch.found.named(design.get("period")) or (when[0] if len(when) == 1 else None)
    column = column or two_levels(sketch.times)
    dated = column is not None and column.kind == "date"
    if column is None:
        unread = unread_dates(sketch.free)
        choices = [toml(each.name) for each in when or unread or sketch.times]
        lines = sketch.ask("period", choices, seen="" if when else " and ".join(map(_unread, unread)))
    else:
        lines = sketch.put("period", column.name)
        # Of a launch without dates one thing is wrong, and levels that nobody stated would be a second.
        lines += _launch(sketch, column) if dated else []
        lines += _levels(sketch, column, "period") if not dated and "launch" not in design else []
    several = dated or _several(sketch, unit, rows_per_user=2)
    return [
        *_outcome(sketch, summed=several),
        *_group(sketch),
        *lines,
        *_unit(sketch, unit, several=several),
        *_policy(sketch),
    ]


def _around_launch(sketch: Sketch) -> list[Column]:
    """List the columns of dates that may tell the periods apart: a stated launch is among their dates."""
    launch, found = str(sketch.stated["design"].get("launch", "")), dates(sketch.free)
    around = [column for column in found if str(column.low) < launch <= str(column.high)]
    # Texts such as 9/1/2026 may be the column that is meant.
    return around or ([] if launch and unread_dates(sketch.free) else found)


def _unread(column: Column) -> str:
    """Say why a column that looks like one of days is none."""
    held = "times with a zone" if column.kind == "zoned" else f"texts such as {str(column.low)!r}"
    if column.kind == "unclear":
        held += f", which is {either(readings(str(column.low)))}, and no row tells which"
    return f"column {column.name!r} holds {held}: make it a column of dates such as 2026-09-01 first"


def _did_wide(sketch: Sketch) -> list[str]:
    """One row per user: which columns are before and after, and what they are called together."""
    found = pairs(sketch.free)
    lines = []
    for key, place in (("before_column", 0), ("after_column", 1)):
        names = [columns[place].name for _, *columns in found]
        guess = names[0] if len(names) == 1 else None
        lines += sketch.put(key, guess) or sketch.ask(key, [toml(name) for name in names])
    called = found[0][0] if len(found) == 1 and found[0][0] else None
    lines += sketch.put("outcome", called, "what results call the metric")
    unit = _unit_of(sketch)
    users = (
        _unit(sketch, unit, several=False)
        if unit is not None
        else sketch.ask("unit", [toml(each.name) for each in like_ids(sketch.free)])
    )
    columns = (sketch.found.named(sketch.values.get(key)) for key in ("before_column", "after_column"))
    absent = any(column is None or column.missing for column in columns)
    return [*lines, *_group(sketch), *users, *_policy(sketch, absent=absent)]


def _comparison(sketch: Sketch) -> list[str]:
    unit = _unit_of(sketch)
    several = _several(sketch, unit)
    return [
        *_outcome(sketch, summed=several),
        *(_group_or_experiments(sketch) or _group(sketch)),
        *period_if_did(sketch),
        *_unit(sketch, unit, several=several),
        *_share_of_users(sketch),
    ]


def _group_or_experiments(sketch: Sketch) -> list[str]:
    """Leave open what each question needs where several columns may be experiments, or each a group."""
    two = _of_two_levels(sketch)
    if sketch.question is not None or "group" in sketch.stated["design"] or len(two) < 2:
        return []
    with sketch.only_for("did", "comparison"):
        lines = _group(sketch)
    with sketch.only_for("interaction"):
        lines += sketch.ask("factors", [toml(two)])
        # Of more columns, nobody knows yet which are meant.
        return lines + (_levels_of_factors(sketch, two, known=False) if len(two) <= 3 else [])


def _of_two_levels(sketch: Sketch) -> list[str]:
    return [column.name for column in groups(sketch.free) if column.values == 2]


def _interaction(sketch: Sketch) -> list[str]:
    unit = _unit_of(sketch)
    several = _several(sketch, unit)
    lines = _outcome(sketch, summed=several)
    two = _of_two_levels(sketch)
    factors = sketch.stated["design"].get("factors") or (two if len(two) in (2, 3) else None)
    lines += sketch.put("factors", factors) or sketch.ask("factors", [toml(two)] if two else ())
    lines += _levels_of_factors(sketch, factors or ())
    return [*lines, *_unit(sketch, unit, several=several), *_share_of_users(sketch)]


def _levels_of_factors(sketch: Sketch, factors: Sequence[str], *, known: bool = True) -> list[str]:
    """Write the levels where their names leave no doubt, or leave those of all others open in one line.

    Nothing is written of what a plan does not need, if only what is open is asked for (`known` is false).
    """
    if "levels" in sketch.stated["design"]:
        return sketch.put("levels", None)
    columns = [column for column in map(sketch.found.named, factors) if column is not None]
    order = {column.name: in_order(column, "factor") for column in columns}
    # What has more levels than two is refused with what to do about it, whatever the plan says of it.
    unknown = {
        column.name: column.levels
        for column in columns
        if order[column.name] is None and len(column.levels) == 2
    }
    if not unknown:
        levels = {name: list(resolved) for name, resolved in order.items() if resolved is not None}
        return sketch.put("levels", levels or None) if known else []
    # At a terminal a space parts one column from the next.
    typed = [f"{name}={','.join(map(_typed, levels))}" for name, levels in unknown.items()]
    plain = all(re.fullmatch(r"[^\s=,]+=[^\s=,]+,[^\s=,]+", each) for each in typed)
    return sketch.ask("levels", example=toml(unknown), typed=" ".join(typed) if plain else "")


def _typed(level: Hashable) -> str:
    """Write a level as a person types it: without quotes, unless it would be taken for a number."""
    return level if isinstance(level, str) and level[:1].isalpha() else toml(level)


_DESIGNS: Mapping[str, Callable[[Sketch], list[str]]] = {
    "did": _did,
    "comparison": _comparison,
    "interaction": _interaction,
}


def _outcome(sketch: Sketch, *, summed: bool) -> list[str]:
    """Name the metric; a sum of zeros and ones would be no share."""
    numbers, did_it = measured(sketch.free), [] if summed else shares(sketch.free)
    # What may be ids is a metric only if somebody says so.
    ids = like_ids(numbers) if _unit_of(sketch) is None else []
    numbers = [column for column in numbers if column not in ids]
    likely = numbers or did_it
    unread = unread_numbers(sketch.free)
    guess = likely[0] if len(likely) == 1 and not unread else None
    column = sketch.found.named(sketch.stated["design"].get("outcome")) or guess
    if column is None:
        choices = [toml(each.name) for each in (*numbers, *did_it, *ids)]
        seen = " and ".join(map(_texts, unread))
        return sketch.put("outcome", None) or sketch.ask("outcome", choices, seen=seen)
    if not summed and {*column.levels} == {0, 1}:
        lines = sketch.put("outcome", column.name, "0 or 1 in every row")
        return lines + sketch.put("kind", "share", "its mean is a share: effects are in percentage points")
    lines = sketch.put("outcome", column.name, f"from {_number(column.low)} to {_number(column.high)}")
    for key in ("label", "measure", "upper_bound"):
        lines += sketch.put(key, None)
    return lines + _cap(sketch, column, summed=summed)


def _texts(column: Column) -> str:
    """Say why a column that looks like one of numbers is none."""
    such_as, rows = str(column.low if column.odd is None else column.odd), ""
    if column.odd is not None:
        rows = f" in {column.odd_rows:,} {'row' if column.odd_rows == 1 else 'rows'}"
    return f"column {column.name!r} holds texts such as {such_as!r}{rows}: make them numbers first"


def _cap(sketch: Sketch, column: Column, *, summed: bool) -> list[str]:
    what = "totals of a user" if summed else "values"
    largest = f"the largest {'row' if summed else 'value'} is {_number(column.high)}"
    return sketch.put("cap", None) or [
        f'# cap = "99.9%"  # if the largest values are bots or errors: what larger {what} count as; {largest}'
    ]


def _group(sketch: Sketch) -> list[str]:
    candidates = groups(sketch.free)
    guess = candidates[0] if len(candidates) == 1 else None
    column = sketch.found.named(sketch.stated["design"].get("group")) or guess
    if column is None:
        choices = [toml(each.name) for each in candidates or few_levels(sketch.free)]
        return sketch.put("group", None) or sketch.ask("group", choices)
    listed = ", ".join(map(repr, column.levels))
    return [*sketch.put("group", column.name, f"levels: {listed}"), *_levels(sketch, column, "group")]


def _levels(sketch: Sketch, column: Column, role: Any) -> list[str]:
    """Write which level is the reference where its name leaves no doubt, or ask."""
    first, second = ("control", "treatment") if role == "group" else ("before", "after")
    if role == "group" and second not in sketch.stated["design"] and no_levels(column):
        return _levels_beside_none(sketch, column)
    if first in sketch.stated["design"] or second in sketch.stated["design"]:
        return [*sketch.put(first, None), *sketch.put(second, None)]
    resolved = in_order(column, role)
    if resolved is None:
        return sketch.ask(first, [toml(each) for each in column.levels])
    others = resolved[1] if len(resolved) == 2 else list(resolved[1:])
    return [*sketch.put(first, resolved[0]), *sketch.put(second, others)]


def _levels_beside_none(sketch: Sketch, column: Column) -> list[str]:
    """Leave the treatment open where a level seems to be no group: it would be compared as if it were one."""
    none = no_levels(column)
    groups_only = replace(column, levels=tuple(each for each in column.levels if each not in none))
    resolved = in_order(groups_only, "group")
    lines = sketch.put("control", None if resolved is None else resolved[0])
    lines = lines or sketch.ask("control", [toml(each) for each in groups_only.levels])
    others = [each for each in groups_only.levels if each != sketch.values.get("control")]
    told = ", ".join(_with_rows(column, each) for each in none)
    seems, them = ("seems to be no group", "it") if len(none) == 1 else ("seem to be no groups", "them")
    seen = f"{told} {seems}: take these rows out of the file, or name {them} too"
    example = toml(others[0] if len(others) == 1 else others) if len(others) < len(groups_only.levels) else ""
    choices = [toml(each) for each in others]
    return lines + sketch.ask("treatment", choices, seen=seen, example=example)


def _with_rows(column: Column, level: Hashable) -> str:
    size = dict(zip(column.levels, column.sizes, strict=False)).get(level)
    return repr(level) + (f" ({size:,} {'row' if size == 1 else 'rows'})" if size is not None else "")


def _launch(sketch: Sketch, column: Column) -> list[str]:
    seen = f"the dates run from {column.low} to {column.high}"
    lines = sketch.put("launch", None, seen)
    if not lines:
        return sketch.ask("launch", seen=seen)
    try:
        day = date.fromisoformat(str(sketch.values["launch"]))
        low, high = (date.fromisoformat(str(end)) for end in (column.low, column.high))
    except ValueError:
        return [*lines, *sketch.put("per", None)]
    step = _step(column, (high - low).days)
    before, after = -((low - day).days // step), (high - day).days // step + 1
    shorter = min(before, after)
    if before == after or shorter <= 0 or "per" in sketch.stated["design"]:
        return [*lines, *sketch.put("per", None)]
    first, last = day - timedelta(days=shorter * step), day + timedelta(days=shorter * step - 1)
    days = "days" if step == 1 else "days with rows"
    uneven = (
        f"sums over {before} {days} before and {after} after cannot be compared; or keep the rows from "
        f"{first} to {last}"
    )
    return [*lines, *sketch.ask("per", ['"day"'], seen=uneven)]


def _step(column: Column, days: int) -> int:
    """Give how many days lie between one date and the next: 7 of weekly rows, 1 of irregular ones."""
    gaps = column.values - 1
    return days // gaps if gaps > 0 and days % gaps == 0 and days >= gaps else 1


def _unit_of(sketch: Sketch) -> Column | None:
    """Find the users, before other columns of numbers get a role."""
    stated = sketch.found.named(sketch.stated["design"].get("unit"))
    if stated is not None:
        return stated
    return user_column(sketch.free)


def _several(sketch: Sketch, unit: Column | None, rows_per_user: int = 1, *, copies: int = 0) -> bool:
    """Whether users have several rows (in each period), so that they have to be added up."""
    return unit is not None and sketch.found.rows - unit.missing - copies > rows_per_user * unit.values


def _unit(sketch: Sketch, unit: Column | None, *, several: bool) -> list[str]:
    if unit is None:
        return [*sketch.put("unit", None), *sketch.put("agg", None)] or _unit_by_values(sketch)
    rows_have, them = ("row has", "it") if unit.missing == 1 else ("rows have", "them")
    without = f"; {unit.missing:,} {rows_have} none: drop {them} first" if unit.missing else ""
    lines = sketch.put("unit", unit.name, f"{unit.values:,} users{without}")
    return lines + _agg(sketch, unit, several=several)


def _unit_by_values(sketch: Sketch) -> list[str]:
    """Leave open who the users are; what looks like ids matters where several rows have the same."""
    ids = like_ids(sketch.free)
    if not ids:
        return ["# unit = ...  # if a user may have several rows: which column identifies the user"]
    seen = " and ".join(f"{each.name!r} has {each.values:,} different values" for each in ids)
    once = all(each.values == sketch.found.rows - each.missing for each in ids)
    return sketch.ask("unit", [toml(each.name) for each in ids], seen=seen, optional=once)


def _agg(sketch: Sketch, unit: Column, *, several: bool) -> list[str]:
    """Say that a user's rows are added up, unless they may be of several periods or one row twice."""
    if not several:
        return sketch.put("agg", None)
    stated = "agg" in sketch.stated["design"]
    if sketch.times and not stated and sketch.question != "did":
        return agg_over_times(sketch, every_question=_several(sketch, unit, rows_per_user=2))
    added_up = "a user's rows are added up"
    copies = 0 if sketch.attendance is None else sketch.attendance.copies(unit.name)
    if not copies:
        return sketch.put("agg", "sum", added_up)
    told = f"{copies:,} {'row is an exact copy' if copies == 1 else 'rows are exact copies'} of another row"
    if not stated and not _several(sketch, unit, 2 if "period" in sketch.values else 1, copies=copies):
        seen = f"{told}, and no user has several otherwise: take the copies out of the file, or add them up"
        return sketch.ask("agg", ['"sum"'], seen=seen)
    sketch.notes.append(
        f"{told} (the same in every column), and all are added up. If they were written twice by mistake, "
        "take the copies out of the file first."
    )
    return sketch.put("agg", "sum", f"{added_up}; {told}")


_ABSENT: Mapping[Any, str] = {
    "zero": "a user without rows in one period did nothing there",
    "drop": "a user without rows in one period is left out",
    "available": "of a user without rows in one period, the other period is used",
}


def _policy(sketch: Sketch, *, absent: bool = True) -> list[str]:
    lines = sketch.put("missing", None, _ABSENT.get(sketch.stated["design"].get("missing"), ""))
    once = _seen_once(sketch) if not lines else 0
    if not lines and (once or (absent and "unit" in sketch.values)):
        # Where users are seen once, no plan is run without it.
        seen = f"{once:,} {'user has' if once == 1 else 'users have'} {_where_once(sketch)} only"
        choices = [toml(each) for each in _ABSENT]
        lines = sketch.ask("missing", choices, seen=seen if once else "", optional=not once)
    lines += sketch.put("randomised", None) or sketch.ask("randomised", ["true"], optional=True)
    return [*lines, *_share_of_users(sketch)]


def _seen_once(sketch: Sketch) -> int:
    """Count the users who are seen in one period only, as far as the plan says what the periods are."""
    known, found, attendance = sketch.values, sketch.found, sketch.attendance
    if attendance is None:
        return 0
    before, after = (found.named(known.get(key)) for key in ("before_column", "after_column"))
    if before is not None and after is not None:
        return attendance.by_column(before.name, after.name)
    unit, period = found.named(known.get("unit")), found.named(known.get("period"))
    if unit is None or period is None:
        return 0
    if period.kind != "date":
        return attendance.by_row(unit.name, period) if len(period.levels) == 2 else 0
    try:
        return attendance.by_row(unit.name, period, date.fromisoformat(str(known.get("launch"))))
    except ValueError:
        # No launch yet, or none that is a day.
        return 0


def _where_once(sketch: Sketch) -> str:
    return "rows in one period" if "period" in sketch.values else "a value in one of the two columns"


def _share_of_users(sketch: Sketch) -> list[str]:
    hint = "what share of the users was meant to get the treatment, or each level or experiment"
    group = sketch.found.named(sketch.values.get("group"))
    levels = [level for level in group.levels if level not in no_levels(group)] if group is not None else []
    if len(levels) <= 2:
        return sketch.put("expected_share", None, hint) or sketch.ask("expected_share", optional=True)
    # One number would not say which of the treatments it is the share of.
    shares = even_shares(levels)
    typed = [f"{level}={share}" for level, share in shares.items()]
    return sketch.put("expected_share", None, hint) or sketch.ask(
        "expected_share",
        seen=f"of {len(levels)} levels, a share for each",
        optional=True,
        example=toml(shares),
        typed=" ".join(typed) if all(re.fullmatch(r"[^\s=]+=[\d.]+", each) for each in typed) else "",
    )


def _number(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, int | float) else str(value)
