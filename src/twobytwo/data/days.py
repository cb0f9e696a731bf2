"""A column of dates becomes the two periods before and after a launch."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import ibis

from twobytwo.ask.design import Design
from twobytwo.ask.launch import PERIODS, Launch, Span
from twobytwo.data.columns import count_inexact, outcome_column, refuse_inexact
from twobytwo.data.dates import clear, refusal, unclear
from twobytwo.data.sources import Source
from twobytwo.errors import DataError, DesignError

__all__ = ["into_periods", "outcome_per_day", "per_day"]

_DAY = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
_ZONED = r"\d{2}:\d{2}.*(Z|[+-]\d{2}:?\d{2})$"
_ZONE = (
    "which day a row belongs to depends on the zone. Make a column of dates in the zone that you mean, "
    "and name that."
)


def into_periods(source: Source, design: Design) -> tuple[Source, Design]:
    """Turn a column of dates into the periods before and after the launch; nothing if there is no launch.

    Parameters
    ----------
    source
        The table.
    design
        The question.

    Returns
    -------
    source : Source
        The same table with ``"before"`` and ``"after"`` in place of the dates.
    design : Design
        The same question, which knows the days of each period.

    Raises
    ------
    DataError
        If the dates cannot be read, one period has no row, or sums would be compared over different numbers
        of days.
    DesignError
        If the column holds no dates, or times of a zone.

    Examples
    --------
    >>> import pandas as pd
    >>> from twobytwo.data.sources import open_source
    >>> rows = pd.DataFrame({"y": [1.0, 2.0, 4.0], "g": 0, "day": ["2026-08-31", "2026-09-01", "2026-09-02"]})
    >>> design = Design.did(outcome="y", group="g", period="day", launch="2026-09-01")
    >>> _, found = into_periods(open_source(rows, design.columns), design)
    >>> [span.words for span in found.factors[1].launch.spans]
    ['1 day, 2026-08-31 to 2026-08-31', '2 days, 2026-09-01 to 2026-09-02']
    """
    factor = design.factors[-1]
    if factor.launch is None:
        return source, design
    day = _days(source, factor.column)
    first = ibis.literal(date.fromisoformat(factor.launch.day))
    period = ibis.cases((day < first, PERIODS[0]), (day >= first, PERIODS[1]), else_=None)
    launch = replace(factor.launch, spans=_spans(source, day, period, factor.launch, factor.column))
    _refuse_unequal(design, launch)
    found = replace(design, factors=(*design.factors[:-1], replace(factor, launch=launch)))
    return source.of(source.table.mutate(**{factor.column: period})), found


def outcome_per_day(source: Source, design: Design) -> Source:
    """Divide the outcome by the days of each row's period, where that was asked; a ratio has them twice.

    Parameters
    ----------
    source
        What `into_periods` gives.
    design
        The question, which knows the days.

    Raises
    ------
    DataError
        If the outcome holds integers that a float cannot.
    """
    name, launch = design.metric.column, design.factors[-1].launch
    if launch is None or launch.per is None or design.metric.denominator is not None:
        return source
    # As a quotient, integers that a float cannot hold could no longer be told.
    refuse_inexact(name, count_inexact(source, name))
    divided = per_day(source, design, outcome_column(source, name))
    return source.of(source.table.mutate(**{name: divided}))


def per_day(source: Source, design: Design, value: Any) -> Any:
    """Give a value of rows divided by the days of their period; as it is where that was not asked."""
    factor = design.factors[-1]
    if factor.launch is None or factor.launch.per is None:
        return value
    before, after = (float(span.days) for span in factor.launch.spans)
    return value / ibis.ifelse(source.table[factor.column] == PERIODS[0], before, after)


def _days(source: Source, name: str) -> Any:
    """Give a column as dates, or say why not."""
    column = source.table[name]
    kind = column.type()
    if kind.is_date():
        return column
    if kind.is_timestamp():
        if kind.timezone is not None:
            msg = f"Column {name!r} holds times of the zone {kind.timezone!r}, and {_ZONE}"
            raise DesignError(msg)
        return column.date()
    if not kind.is_string():
        msg = (
            f"Column {name!r} has type {kind}, and launch= needs a column of dates; convert it to dates, "
            "such as 2026-09-01."
        )
        raise DesignError(msg)
    text = column.cast("string")
    day = text.substr(0, 10).try_cast("date")
    unread = text.notnull() & (~text.re_search(_DAY) | day.isnull())
    found = source.execute(
        source.table.aggregate(
            zoned=text.re_search(_ZONED).sum(),
            unread=unread.sum(),
            such_as=text.min(where=unread),
            clear=clear(text).sum(),
            unclear=text.min(where=unclear(text)),
        ),
        "texts that are no dates",
    ).to_pylist()[0]
    if found["zoned"]:
        msg = f"Column {name!r} holds times with a zone in {found['zoned']:,} rows, and {_ZONE}"
        raise DesignError(msg)
    if found["unclear"] is not None and not found["clear"]:
        raise DataError(refusal(name, found["unclear"]))
    if found["unread"]:
        msg = (
            f"Column {name!r} is no date in {found['unread']:,} rows (such as {found['such_as']!r}); write "
            "dates as year-month-day, such as 2026-09-01."
        )
        raise DataError(msg)
    return day


def _spans(source: Source, day: Any, period: Any, launch: Launch, name: str) -> tuple[Span, ...]:
    dated = source.table.select(day=day, period=period).filter(lambda rows: rows.period.notnull())
    found = {
        row["period"]: Span(first=row["first"].isoformat(), last=row["last"].isoformat(), days=row["days"])
        for row in source.execute(
            dated.group_by("period").agg(
                first=dated.day.min(), last=dated.day.max(), days=dated.day.nunique()
            ),
            "days of each period",
        ).to_pylist()
    }
    if len(found) < 2:
        whole = ", ".join(f"{span.first} to {span.last}" for span in found.values()) or "no dates at all"
        msg = (
            f"Column {name!r} has {whole}: with launch={launch.day!r} one of the periods has no row. "
            "Correct the day of the launch, or add the rows before it."
        )
        raise DataError(msg)
    return tuple(found[label] for label in PERIODS)


def _refuse_unequal(design: Design, launch: Launch) -> None:
    """Refuse sums over different numbers of days, unless they are divided by them."""
    before, after = launch.spans
    ratio = design.metric.denominator is not None
    if design.agg is None or launch.per is not None or before.days == after.days or ratio:
        return
    msg = (
        f"The period before {launch.day} has {before.words}; the period after has {after.words}. Sums over "
        f'different numbers of days cannot be compared: say per="day" to compare a user\'s total per day, '
        f"or keep the rows of {min(before.days, after.days)} days on each side."
    )
    raise DataError(msg)
