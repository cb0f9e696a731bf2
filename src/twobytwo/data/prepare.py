"""From any table to users (or rows) with the values that are compressed: one descent, in this order.

The table is opened; dates become periods; its columns are judged and its levels resolved; rows become users;
limits apply.
Moments and bins are read from what comes out, and nothing before it is asked again.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass, replace
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt

from twobytwo.ask.design import Design, as_design
from twobytwo.ask.factor import Factor
from twobytwo.data.absent import absent
from twobytwo.data.columns import lengthen, outcome_column, unit_column
from twobytwo.data.conditions import how_many, or_false
from twobytwo.data.days import into_periods, outcome_per_day
from twobytwo.data.limits import cap_rows, cap_users, limit, resolve_cap
from twobytwo.data.moments import Moments
from twobytwo.data.profile import profile
from twobytwo.data.ratio import linearised, refuse_missing
from twobytwo.data.sources import Source, open_source
from twobytwo.data.users import pair_users, users_of_one_row
from twobytwo.data.validate import validate
from twobytwo.errors import DataError, DesignError

__all__ = ["Prepared", "flat", "prepare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Values that are ready to be compressed.

    Parameters
    ----------
    design
        The question, with its levels resolved against the table.
    users
        One row per user, or the rows where users are not known: ``cell`` (flat index over all factors, or
        over all but the period for the same users in several periods), and the values ``y0``, ``y1``, ...
    columns
        How many values there are.
    attendance
        Users by group and pattern of presence; None where nobody can be absent.
    whole
        The same with rows that are not capped; None where they are not.
    moments
        Of the cells, where looking at the table gave them already.
    """

    design: Design
    users: Source
    columns: int = 1
    attendance: npt.NDArray[np.int64] | None = None
    whole: Prepared | None = None
    moments: Moments | None = None

    def limited(self) -> Prepared:
        """Apply the metric's bound, trimming and cap, once."""
        if self.design.metric.cap is None and not self.design.without_top and self._below_bound():
            return self
        return replace(self, users=limit(self.users, self.design, self.columns), moments=None)

    def _below_bound(self) -> bool:
        bound = self.design.metric.upper_bound
        if self.moments is None:
            return bound is None and not self.design.covariate
        return bound is None or float(self.moments.frame["high"].max()) <= bound

    def uncapped(self) -> Prepared:
        """Give the same before `limited`, of the metric without its caps."""
        return self.whole or replace(self, design=replace(self.design, metric=self.design.metric.uncapped()))

    @property
    def rows(self) -> Any:
        """Every value as one row, as an Ibis table with ``cell`` (flat index over all factors) and ``y``."""
        table = self.users.table
        if self.columns == 1:
            return table.select("cell", y=table.y0)
        # The period is the last factor, so its position varies fastest.
        return ibis.union(
            *(
                table.filter(table[name].notnull()).select(
                    cell=table.cell * self.columns + index, y=table[name]
                )
                for index, name in enumerate(f"y{j}" for j in range(self.columns))
            )
        )


def prepare(data: Any, design: Design) -> Prepared:
    """Open a table, judge its columns and make users of its rows.

    Parameters
    ----------
    data
        Any table that `twobytwo.data.sources.open_source` takes.
    design
        The question.

    Returns
    -------
    Prepared
        Before limits apply; see `Prepared.limited`.

    Raises
    ------
    DataError, DesignError
        If the table cannot answer the question.
    """
    as_design(design)
    try:
        source = open_source(data, design.columns, as_text=() if design.unit is None else (design.unit,))
    except DesignError as error:
        # Levels of the columns that are there are told with those that are not.
        raise DesignError(*absent(data, design)) from error
    if design.metric.denominator is not None:
        refuse_missing(source, design)
    if design.wide is not None:
        source = lengthen(source, design)
    made = _prepared(source, design)
    metric = design.metric
    # Otherwise the cap is applied to what was made.
    if metric.daily_cap is None and (metric.denominator is None or metric.cap is None):
        return made
    return replace(made, whole=_prepared(source, replace(design, metric=design.metric.uncapped())))


def _prepared(source: Source, design: Design) -> Prepared:
    source, design = cap_rows(source, design)
    source, design = into_periods(source, design)
    source = outcome_per_day(source, design)
    seen = profile(source, design)
    design = validate(design, seen)
    metric = design.metric
    values = {"y": outcome_column(source, metric.column) * metric.scale}
    if metric.denominator is not None:
        values["x"] = outcome_column(source, metric.denominator)
    if design.paired:
        rows = source.table.select(
            unit=unit_column(source, design),
            cell=flat(source, design.factors[:-1]),
            period=_position(source, design.factors[-1]),
            **values,
        )
        users, attendance = pair_users(source, design, rows, seen.rows)
        columns = len(design.factors[-1].labels)
        _refuse_no_shares(users, design, columns)
        design = resolve_cap(users, design, columns)
        if metric.denominator is not None:
            users = linearised(cap_users(users, design, columns), design, columns)
        return Prepared(design=design, users=users, columns=columns, attendance=attendance)
    cell = flat(source, design.factors)
    if design.unit is None:
        table = source.table.select(cell=cell, **{f"{name}0": value for name, value in values.items()})
    else:
        rows = source.table.select(unit=unit_column(source, design), cell=cell, **values)
        table = users_of_one_row(source, design, rows)
    users = source.of(table)
    _refuse_no_shares(users, design, 1)
    design = resolve_cap(users, design, 1)
    if metric.denominator is not None:
        return Prepared(design=design, users=linearised(cap_users(users, design, 1), design, 1))
    # Values as they stand in the table are those of the cells; totals of users are not.
    moments = seen.moments(design) if design.unit is None else None
    return Prepared(design=design, users=users, moments=moments)


def _refuse_no_shares(users: Source, design: Design, columns: int) -> None:
    """Refuse users whose rows are each 0 or 1 and add up to what is neither (`DataError`)."""
    if design.metric.kind != "share" or design.agg is None:
        return
    # Shares are read in per cent.
    values = [users.table[f"y{j}"] for j in range(columns)]
    odd = functools.reduce(operator.or_, (or_false((y != 0) & (y != design.metric.scale)) for y in values))
    found = users.execute(users.table.aggregate(odd=how_many(odd)), "users who are neither 0 nor 1")
    outside = found["odd"][0].as_py() or 0
    if outside:
        msg = (
            f"Column {design.metric.column!r} is no share in {outside:,} users: a share is 0 or 1. Their "
            f'rows are added up (agg="{design.agg}"): give one row of 0 or 1 per user'
            f"{' and period' if design.paired else ''}, or leave out kind= for an amount."
        )
        raise DataError(msg)


def flat(source: Source, factors: tuple[Factor, ...]) -> Any:
    """Give every row the flat index of its cell, the last factor varying fastest."""
    cell = _position(source, factors[0])
    for factor in factors[1:]:
        cell = cell * len(factor.labels) + _position(source, factor)
    return cell


def _position(source: Source, factor: Factor) -> Any:
    column = source.table[factor.column]
    kind = column.type()
    # Of the column's own type: a number above 2^63 is of another by itself.
    own = kind if kind.is_integer() else None
    cases = ((column == ibis.literal(level, own), index) for index, level in enumerate(factor.levels or ()))
    return ibis.cases(*cases, else_=None).cast("int64")
