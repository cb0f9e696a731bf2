"""What a value may be, what large ones count as, and whose are left out: before anything is summed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis

from twobytwo.ask.design import Design
from twobytwo.ask.metric import share_kept
from twobytwo.data.columns import count_inexact, outcome_column, refuse_inexact
from twobytwo.data.conditions import how_many
from twobytwo.data.sources import Source
from twobytwo.errors import DataError

__all__ = ["cap_at", "cap_rows", "cap_users", "capped_row", "daily_cap_of", "limit", "resolve_cap"]


def cap_rows(source: Source, design: Design) -> tuple[Source, Design]:
    """Cap the rows of users that will be added up; the number is found if a share was stated.

    Parameters
    ----------
    source
        The table, before anything was added up or divided.
    design
        The question, with `daily_cap` of its metric.

    Returns
    -------
    source : Source
        The same table.
    design : Design
        The same question, its `daily_cap` a number.

    Raises
    ------
    DataError
        If the outcome is no number, or the quantile is not positive.
    """
    metric = design.metric
    if metric.daily_cap is None:
        return source, design
    name = metric.column
    # As floats, integers that a float cannot hold could no longer be told.
    refuse_inexact(name, count_inexact(source, name))
    share = share_kept(metric.daily_cap)
    number = daily_cap_of(source, name, metric.daily_cap)
    if share is not None:
        design = replace(design, metric=replace(metric, daily_cap=number, daily_cap_share=share))
    return source.of(source.table.mutate(**{name: capped_row(source, name, number)})), design


def daily_cap_of(source: Source, name: str, stated: float | str) -> float:
    """Give the number of a cap on the rows of a column, which may be stated as a share of them.

    Raises
    ------
    DataError
        As `cap_at`.
    """
    share = share_kept(stated)
    if share is None:
        return float(stated)
    values = source.table.select(y=outcome_column(source, name))
    return cap_at(source, values, share, f"daily_cap={stated!r} of {name!r}")


def capped_row(source: Source, name: str, number: float | None) -> Any:
    """Give a column's values as they are added up: none above the cap on rows, if there is one."""
    y = outcome_column(source, name)
    # What is infinite is an error, not a large value.
    return y if number is None else ibis.ifelse((y > number) & ~y.isinf(), number, y)


def resolve_cap(users: Source, design: Design, columns: int) -> Design:
    """Find the number of a cap that is stated as a share, over all values of all groups together.

    Parameters
    ----------
    users
        As for `limit`.
    design
        The question.
    columns
        How many values there are.

    Raises
    ------
    DataError
        If the quantile is not positive.
    """
    share = share_kept(design.metric.cap)
    if share is None:
        return design
    table = users.table
    names = [f"y{j}" for j in range(int(design.covariate), columns)]
    values = ibis.union(
        *(table.select(y=table[name]).filter(table[name].notnull()) for name in names), distinct=False
    )
    number = cap_at(users, values, share, f"cap={design.metric.cap!r}")
    return replace(design, metric=replace(design.metric, cap=number, cap_share=share))


def cap_at(source: Source, values: Any, share: float, stated: str) -> float:
    """Give a quantile to three digits, so that it can be said and stated again.

    Parameters
    ----------
    source
        Where the values are.
    values
        An Ibis table with the column ``y``.
    share
        Of the values that stay as they are.
    stated
        What an error calls the cap.

    Raises
    ------
    DataError
        If the quantile is not positive.
    """
    asked = values.aggregate(quantile=values.y.quantile(share))
    found = source.execute(asked, "the value of a cap that is stated as a share")["quantile"][0].as_py()
    number = float(f"{found:.3g}") if found is not None else 0.0
    if number <= 0:
        most = f"at least {100 * share:g} % of the values are at most 0"
        msg = f"{stated} would be {number:g}: {most}. State a number."
        raise DataError(msg)
    return number


def limit(users: Source, design: Design, columns: int) -> Source:
    """Apply a design's bound, trimming and cap to users (or rows), and rescale a covariate.

    A user is left out for the largest of the values. A covariate has no bound, cap or trimming; it
    is taken to the mean and standard deviation of the outcome.

    Parameters
    ----------
    users
        ``cell`` and the values ``y0``, ``y1``, ..., None where not seen.
    design
        The question, with `upper_bound`, `cap` and `without_top` of its metric.
    columns
        How many values there are.

    Returns
    -------
    Source
        The same columns.

    Raises
    ------
    DataError
        If a value is above the bound, or the covariate does not vary.
    """
    table = users.table
    names = [f"y{j}" for j in range(columns)]
    measured = names[1:] if design.covariate else names
    _refuse_impossible(users, design, [table[name] for name in measured])
    if design.without_top:
        largest = _largest([table[name] for name in measured])
        below = largest <= _threshold(users, design, table, largest)
        if design.covariate:
            # Who was not seen after has nothing to be left out for.
            below = below | largest.isnull()
        table = table.filter(below)
    # The numerator of a ratio was capped before it was divided.
    limited = (
        users.of(table)
        if design.metric.denominator is not None
        else cap_users(users.of(table), design, columns)
    )
    if design.covariate:
        table = limited.table
        limited = users.of(table.mutate(y0=_rescaled(users, design, table)))
    return limited


def cap_users(users: Source, design: Design, columns: int) -> Source:
    """Apply a design's cap to the values of users; arguments as of `limit`."""
    names = [f"y{j}" for j in range(int(design.covariate), columns)]
    return users.of(users.table.mutate(**{name: _capped(design, users.table[name]) for name in names}))


def _largest(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    # GREATEST is missing in some engines if any value is.
    filled = [ibis.coalesce(value, *(other for other in values if other is not value)) for value in values]
    return ibis.greatest(*filled)


def _refuse_impossible(source: Source, design: Design, values: list[Any]) -> None:
    if design.metric.upper_bound is None:
        return
    found = source.execute(
        source.table.aggregate(
            **{
                f"above{k}": how_many(value > float(design.metric.upper_bound))
                for k, value in enumerate(values)
            },
            **{f"largest{k}": value.max() for k, value in enumerate(values)},
        ),
        "values above upper_bound=",
    ).to_pylist()[0]
    # Of a wide table the values stand in columns of their own; a covariate, which comes first, has no bound.
    periods = (design.factors[-1].levels or ())[-len(values) :]
    columns = [design.column_at(period) for period in periods]
    for column in dict.fromkeys(columns):
        here = [k for k, name in enumerate(columns) if name == column]
        above = sum(found[f"above{k}"] or 0 for k in here)
        if above:
            largest = max(found[f"largest{k}"] or 0 for k in here)
            msg = (
                f"Column {column!r} has {above:,} value(s) above "
                f"upper_bound={design.metric.upper_bound:g} (the largest is {largest:g}), which cannot "
                "be; find the rows that were counted twice, or correct the bound."
            )
            raise DataError(msg)


def _threshold(source: Source, design: Design, table: Any, value: Any) -> float:
    asked = table.aggregate(threshold=value.quantile(1 - design.without_top))
    return float(source.execute(asked, "the value that without_top= leaves out from")["threshold"][0].as_py())


def _capped(design: Design, value: Any) -> Any:
    # LEAST ignores what is missing in some engines; a user who was not seen stays unseen.
    cap = design.metric.cap
    return value if cap is None else ibis.ifelse(value > float(cap), float(cap), value)


def _rescaled(source: Source, design: Design, table: Any) -> Any:
    """Give a covariate the outcome's mean and standard deviation; only a linear adjustment uses it."""
    found = source.execute(
        table.aggregate(
            **{f"mean{j}": table[f"y{j}"].mean() for j in (0, 1)},
            **{f"sd{j}": table[f"y{j}"].std(how="pop") for j in (0, 1)},
        ),
        "mean and spread of the covariate and the outcome",
    ).to_pylist()[0]
    if not found["sd0"] or found["sd0"] <= 1e-12 * abs(found["mean0"]):
        name = (design.wide or ("",))[0]
        msg = f"The covariate {name!r} is constant; it says nothing about users. Leave out covariate=."
        raise DataError(msg)
    by = found["sd1"] / found["sd0"]
    return found["mean1"] + (table.y0 - found["mean0"]) * by
