"""Columns that may tell periods apart, though neither dates nor their levels say which comes first."""

from __future__ import annotations

from collections.abc import Sequence

from twobytwo.answer.guesses import (
    dates,
    groups,
    in_order,
    like_ids,
    measured,
    named_times,
    pairs,
    periods,
    shares,
    unread_dates,
    user_column,
)
from twobytwo.answer.sketch import Sketch, toml
from twobytwo.data.outline import Column

__all__ = ["agg_over_times", "period_if_did", "times_of", "two_levels"]

_STATED = ("period", "before_column", "after_column", "covariate")


def times_of(sketch: Sketch) -> list[Column]:
    """List columns whose rows must not be added up silently, because they may be of before and after.

    Parameters
    ----------
    sketch
        What is known; where a column of dates, or of before and after, is found or stated, nothing is listed.

    Examples
    --------
    >>> from twobytwo.data.outline import Outline
    >>> phase = Column(name="phase", kind="text", values=2, levels=("baseline", "launched"))
    >>> found = Outline(rows=9, columns=(phase,))
    >>> [column.name for column in times_of(Sketch(found=found, stated={"design": {}}))]
    ['phase']
    """
    free = sketch.free
    told = dates(free) or periods(free) or pairs(free) or unread_dates(free)
    if told or not sketch.stated["design"].keys().isdisjoint(_STATED):
        return []
    numbers = measured(free)
    # A metric may be called "time".
    return [column for column in named_times(free) if numbers != [column]] or _within_users(sketch)


def _within_users(sketch: Sketch) -> list[Column]:
    """List columns of few levels without another role at each of which most users have rows."""
    free = sketch.free
    unit = sketch.found.named(sketch.stated["design"].get("unit")) or user_column(free)
    ids = like_ids(free)
    unit = unit or (ids[0] if len(ids) == 1 else None)
    if unit is None or sketch.attendance is None or sketch.found.rows - unit.missing <= unit.values:
        return []
    taken = [unit, *groups(free)]
    if "outcome" not in sketch.stated["design"] and not measured(free):
        taken += shares(free)
    rest = [
        column
        for column in free
        if column not in taken
        and len(column.levels) >= 2
        and (column.kind in ("text", "boolean") or len(column.levels) == 2)
    ]
    return [column for column in rest if sketch.attendance.at_each_level(unit.name, column)]


def two_levels(columns: Sequence[Column]) -> Column | None:
    """Give the one column that can be a period of two levels; None if there is none, or a choice."""
    return columns[0] if len(columns) == 1 and len(columns[0].levels) == 2 else None


def period_if_did(sketch: Sketch) -> list[str]:
    """Leave open, while nobody has said what is asked, what the question of before and after needs."""
    if sketch.question is not None or not sketch.times:
        return []
    with sketch.only_for("did"):
        many = " and ".join(_too_many(column) for column in sketch.times if len(column.levels) != 2)
        lines = sketch.ask("period", [toml(column.name) for column in sketch.times], seen=many)
        column = two_levels(sketch.times)
        if column is None or in_order(column, "period") is not None or "before" in sketch.stated["design"]:
            return lines
        return lines + sketch.ask("before", [toml(level) for level in column.levels])


def _too_many(column: Column) -> str:
    return (
        f"column {column.name!r} has {column.values:,} values: keep the rows of two of them, or make it a "
        "column of dates such as 2026-09-01"
    )


def agg_over_times(sketch: Sketch, *, every_question: bool) -> list[str]:
    """Leave open whether rows of what may be periods are added up."""
    listed = " and ".join(repr(column.name) for column in sketch.times)
    seen = f"that adds up the rows of all values of {listed}; or keep the rows of one of them"
    if sketch.question is not None or every_question:
        return sketch.ask("agg", ['"sum"'], seen=seen)
    with sketch.only_for("comparison", "interaction"):
        return sketch.ask("agg", ['"sum"'], seen=seen)
