"""What a value may be, what large ones count as, and whose are left out: before anything is summed."""

from __future__ import annotations

from typing import Any

import ibis

from twobytwo.ask.design import Design
from twobytwo.data.sources import Source
from twobytwo.errors import DataError

__all__ = ["limit_rows", "limit_users"]


def limit_rows(source: Source, design: Design, rows: Any) -> Any:
    """Apply a design's bound, cap and trimming to independent rows.

    Parameters
    ----------
    source
        The table.
    design
        The question, with `upper_bound`, `cap` and `without_top`.
    rows
        Ibis table with the columns ``cell`` and ``y``.

    Returns
    -------
    ibis.Table
        The same columns.

    Raises
    ------
    DataError
        If a value is above the bound.
    """
    _refuse_impossible(source, design, rows, [rows.y])
    if design.without_top:
        rows = rows.filter(rows.y <= _threshold(source, design, rows, rows.y))
    return rows.mutate(y=_capped(design, rows.y))


def limit_users(users: Source, design: Design) -> Source:
    """Apply a design's bound, cap and trimming to users with two values; see `limit_rows`.

    A user is left out for the larger of the two values.

    Parameters
    ----------
    users
        One row per user: ``y0`` and ``y1``, None where not seen.
    design
        The question.

    Returns
    -------
    Source
        The same columns.
    """
    table = users.table
    _refuse_impossible(users, design, table, [table.y0, table.y1])
    if design.without_top:
        largest = ibis.greatest(ibis.coalesce(table.y0, table.y1), ibis.coalesce(table.y1, table.y0))
        table = table.filter(largest <= _threshold(users, design, table, largest))
    table = table.mutate(y0=_capped(design, table.y0), y1=_capped(design, table.y1))
    return Source(table, users.execute, users.keep)


def _refuse_impossible(source: Source, design: Design, table: Any, values: list[Any]) -> None:
    if design.metric.upper_bound is None:
        return
    found = source.execute(
        table.aggregate(
            **{f"above{k}": (value > design.metric.upper_bound).sum() for k, value in enumerate(values)},
            **{f"largest{k}": value.max() for k, value in enumerate(values)},
        )
    ).to_pylist()[0]
    above = sum(found[f"above{k}"] or 0 for k in range(len(values)))
    if above:
        largest = max(found[f"largest{k}"] or 0 for k in range(len(values)))
        msg = (
            f"Column {design.metric.column!r} has {above:,} value(s) above "
            f"upper_bound={design.metric.upper_bound:g} (the largest is {largest:g}), which cannot "
            "be; find the rows that were counted twice, or correct the bound."
        )
        raise DataError(msg)


def _threshold(source: Source, design: Design, table: Any, value: Any) -> float:
    asked = table.aggregate(threshold=value.quantile(1 - design.without_top))
    return float(source.execute(asked)["threshold"][0].as_py())


def _capped(design: Design, value: Any) -> Any:
    # LEAST ignores what is missing in some engines; a user who was not seen stays unseen.
    cap = design.metric.cap
    return value if cap is None else ibis.ifelse(value > cap, float(cap), value)
