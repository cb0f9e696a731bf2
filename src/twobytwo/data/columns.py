"""Columns as expressions: the outcome as floats, ids, levels; one row per user made long."""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from typing import Any

import ibis

from twobytwo.ask.design import Design
from twobytwo.data.conditions import how_many, is_missing, is_nan, no_number
from twobytwo.data.sources import Source
from twobytwo.errors import DataError, DesignError

__all__ = [
    "count_inexact",
    "inexact",
    "lengthen",
    "level",
    "levels_column",
    "outcome_column",
    "refuse_inexact",
    "refuse_missing_ids",
    "refuse_missing_levels",
    "say_conversion",
    "unit_column",
    "without_user",
]

# Integers above this size are not all representable as 64-bit floats.
_EXACT_INTEGER = 2**53
# Below which power of 2 every whole number has a float of its own.
_EXACT_BITS = {"float16": 11, "float32": 24, "float64": 53}


def outcome_column(source: Source, name: str) -> Any:
    """Give an outcome as a 64-bit float expression, or refuse its type.

    Parameters
    ----------
    source
        The table.
    name
        Of the column.

    Returns
    -------
    ibis.Value
        The outcome column.

    Raises
    ------
    DataError
        If the column is not numeric.
    """
    column = source.table[name]
    kind = column.type()
    if kind.is_boolean():
        return column.cast("int8").cast("float64")
    if not kind.is_numeric():
        texts = _texts(source, column) if kind.is_string() else ""
        msg = f"Column {name!r} has type {kind}, not a number; convert it first.{texts}"
        raise DataError(msg)
    return column.cast("float64")


def _texts(source: Source, column: Any) -> str:
    """Say which texts of a column are no numbers; with a leading space."""
    odd = no_number(column)
    table = source.table.aggregate(
        texts=column.count(), odd=how_many(odd), example=column.min(where=odd), other=column.max(where=odd)
    )
    found = source.execute(table).to_pylist()[0]
    if not found["odd"]:
        thousands = "in a CSV file points as in 1.234 may stand between thousands; write 1234 there."
        return f" All of its texts look like numbers: {thousands}" if found["texts"] else ""
    no_numbers = "is no number" if found["odd"] == 1 else "are no numbers"
    such_as = " or ".join(dict.fromkeys(repr(found[key]) for key in ("example", "other")))
    return f" {found['odd']:,} of its {found['texts']:,} texts {no_numbers}, such as {such_as}."


def say_conversion(source: Source, name: str, *, share: bool = False) -> None:
    """Warn, once for each reading of a table, that an outcome is not taken as it stands.

    A boolean that is said to be a share is what was meant.
    """
    kind = source.table[name].type()
    if kind.is_boolean() and not share:
        message = f"Column {name!r} is boolean: its mean is read as a share between 0 and 1."
        warnings.warn(message, UserWarning, stacklevel=2)
    if kind.is_decimal():
        message = f"Column {name!r} is decimal and is read as 64-bit floats."
        warnings.warn(message, UserWarning, stacklevel=2)


def unit_column(source: Source, design: Design) -> Any:
    """Give the user id, or refuse a type that cannot tell users apart.

    Parameters
    ----------
    source
        The table.
    design
        The question, with a unit.

    Returns
    -------
    ibis.Value
        The unit column.

    Raises
    ------
    DataError
        If the ids are floats that are no whole numbers, or so large that they collide.
    """
    column = source.table[design.unit]
    if not column.type().is_floating():
        return column
    # A missing id turns whole numbers into floats in pandas; up to a size they are still told apart.
    known = ibis.ifelse(is_nan(column), None, column.cast("float64"))
    bits = _EXACT_BITS.get(str(column.type()), _EXACT_BITS["float64"])
    unfit = (known.abs() >= 2.0**bits) | (known != known.floor())
    found = source.execute(source.table.aggregate(unfit=unfit.sum()))["unfit"][0].as_py() or 0
    if found:
        msg = (
            f"Column {design.unit!r} has type {column.type()}, and {found:,} of its values are no whole "
            f"numbers below 2^{bits}, so that users could collide. Read it as integers or text."
        )
        raise DataError(msg)
    message = f"Column {design.unit!r} holds whole numbers as floats; they are read as integers."
    warnings.warn(message, UserWarning, stacklevel=2)
    return known.cast("int64")


def without_user(source: Source, design: Design) -> Any:
    """Count rows without a user: an id that is missing, or a text (or bytes) that is empty."""
    ids = source.table[design.unit]
    nobody = is_missing(ids)
    if ids.type().is_string():
        # A join or a file's empty field gives all of them one id.
        nobody = nobody | (ids.strip() == "")
    if ids.type().is_binary():
        nobody = nobody | (ids == b"")
    return how_many(nobody)


def refuse_missing_ids(design: Design, absent: int) -> None:
    """Refuse rows without a user (`DataError`)."""
    if absent:
        msg = (
            f"Column {design.unit!r} is missing in some rows ({absent:,}, empty texts included); drop these "
            "rows or give them ids."
        )
        raise DataError(msg)


def refuse_missing_levels(column: str, absent: int, rows: int) -> None:
    """Refuse rows of a table that have no level of a factor (`DataError`)."""
    if absent:
        msg = (
            f"Column {column!r} is missing in {absent:,} of {rows:,} rows. "
            "Drop these rows or say which level they belong to."
        )
        raise DataError(msg)


def lengthen(source: Source, design: Design) -> Source:
    """Turn one row per user with two columns into one row per user and period.

    Parameters
    ----------
    source
        A table in the wide form.
    design
        The question, with `wide` naming the columns before and after.

    Returns
    -------
    Source
        The same values in the long form; missing values are absent rows.

    Raises
    ------
    DataError
        If a column is not numeric or holds integers that a 64-bit float cannot, or an id or a group is
        missing.
    """
    table = source.table
    group, period = design.factors
    ungrouped = is_missing(table[group.column])
    found = source.execute(
        table.aggregate(
            rows=table.count(),
            nobody=without_user(source, design),
            ungrouped=how_many(ungrouped),
            # Rows without any value are no part of the long form, whatever their group.
            counted=how_many(ungrouped & ~_never_seen(source, design)),
        ),
        "rows without a user or a group",
    ).to_pylist()[0]
    refuse_missing_ids(design, found["nobody"] or 0)
    if found["counted"]:
        # The long form has up to two rows for each of the table's, which nobody could find there.
        refuse_missing_levels(group.column, found["ungrouped"], found["rows"])
    if design.missing == "zero":
        _refuse_never_seen(source, design)
    halves = []
    for column, level in zip(design.wide or (), period.levels or (), strict=True):
        say_conversion(source.of(table), column, share=design.metric.kind == "share")
        value = outcome_column(source.of(table), column)
        # In the long form, as floats, they could no longer be distinguished.
        refuse_inexact(column, count_inexact(source, column))
        present = table.mutate(**{column: value}).filter(~is_missing(value))
        divided = {}
        if design.metric.denominator is not None:
            # A covariate is divided by nothing.
            below = outcome_column(source.of(present), design.metric.denominator)
            divided[design.metric.denominator] = (
                below if column == design.metric.column else ibis.literal(1.0)
            )
        halves.append(
            present.select(
                **{
                    design.metric.column: present[column],
                    group.column: present[group.column],
                    period.column: ibis.literal(str(level)),
                    str(design.unit): present[design.unit],
                    **divided,
                }
            )
        )
    return source.of(ibis.union(*halves))


def _never_seen(source: Source, design: Design) -> Any:
    """Tell which rows of the wide form have neither value."""
    absent = ibis.literal(value=True)
    for name in design.wide or ():
        absent = absent & is_missing(source.table[name])
    return absent


def _refuse_never_seen(source: Source, design: Design) -> None:
    """Refuse users with neither value where an absence is a zero: the long form would not know of them."""
    absent = _never_seen(source, design)
    users = (
        source.execute(source.table.aggregate(users=how_many(absent)), "users with neither value")["users"][
            0
        ].as_py()
        or 0
    )
    if users:
        before, after = design.wide or ("", "")
        msg = (
            f"{users:,} user(s) have a value neither in {before!r} nor in {after!r}. If absent means "
            "zero in both periods, fill these with 0; if they are no part of the experiment, drop their rows."
        )
        raise DataError(msg)


def inexact(column: Any) -> Any:
    """Count integers that a 64-bit float cannot hold; compared as integers, as floats 2^53 + 1 is 2^53.

    None for a type that has no such values.
    """
    kind = column.type()
    if not kind.is_integer() or kind.nbytes < 8:
        return None
    return how_many((column > _EXACT_INTEGER) | (column < -_EXACT_INTEGER))


def count_inexact(source: Source, name: str) -> int:
    """Count integers of a column that a 64-bit float cannot hold, by a query of their own."""
    counted = inexact(source.table[name])
    if counted is None:
        return 0
    found = source.execute(source.table.aggregate(inexact=counted), "integers that floats cannot hold")
    return int(found["inexact"][0].as_py() or 0)


def refuse_inexact(column: str, count: int) -> None:
    """Refuse a column with integers that `inexact` counted (`DataError`)."""
    if count:
        msg = (
            f"Column {column!r} has {count:,} integers above 2^53, which 64-bit floats cannot "
            "hold exactly; use a larger unit."
        )
        raise DataError(msg)


def levels_column(source: Source, column: str) -> Any:
    """Give a factor's column, or refuse a type whose values are no levels (`DataError`, `DesignError`)."""
    values = source.table[column]
    if values.type().is_nested():
        msg = f"Column {column!r} has type {values.type()}, whose values are no levels; recode it first."
        raise DataError(msg)
    if values.type().is_temporal():
        msg = (
            f"Column {column!r} holds times ({values.type()}), not levels; say the day of the launch, such "
            'as launch="2026-09-01", and it makes the periods before and after.'
        )
        raise DesignError(msg)
    # A categorical arrives as an enumeration, whose order must not matter here.
    return values.cast("string") if values.type().is_string() else values


def level(value: Any) -> Hashable:
    """Give a level as Python has it; what is missing is None."""
    return None if value is None or value != value else value
