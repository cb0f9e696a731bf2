"""Counts and levels of a table, before anything is compressed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from twobytwo.ask.design import Design
from twobytwo.data.columns import (
    inexact,
    level,
    levels_column,
    outcome_column,
    refuse_inexact,
    say_conversion,
    without_user,
)
from twobytwo.data.conditions import how_many, is_missing
from twobytwo.data.moments import Moments, powers, unsuited
from twobytwo.data.sources import Source
from twobytwo.errors import DataError

__all__ = ["CellProfile", "Profile", "profile"]

# Above this many combinations of levels a "factor" is plainly no factor; stop listing them.
_MOST_COMBINATIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CellProfile:
    """What one combination of levels holds: row counts by kind of value.

    ``levels`` has one raw value per factor; None stands for a missing level. ``outside`` counts values that
    the metric's kind cannot have, ``nobody`` rows without a user, ``total`` is their sum. ``sums`` has what
    `Moments.of_sums` takes, where it was asked for.
    """

    levels: tuple[Hashable, ...]
    rows: int
    missing: int
    infinite: int
    outside: int = 0
    nobody: int = 0
    low: float | None
    high: float | None
    total: float | None = None
    sums: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A table seen from above, before anything is compressed."""

    cells: tuple[CellProfile, ...]

    @property
    def rows(self) -> int:
        """Number of rows in the table."""
        return sum(cell.rows for cell in self.cells)

    def levels(self, position: int) -> list[Hashable]:
        """Distinct levels of one factor, in order of first appearance, missing ones left out."""
        seen = (cell.levels[position] for cell in self.cells)
        return list(dict.fromkeys(level for level in seen if level is not None))

    def moments(self, design: Design) -> Moments | None:
        """Give the moments of the cells of a resolved design, where sums about zero are good enough."""
        by_levels = {cell.levels: cell.sums for cell in self.cells}
        known = [by_levels.pop(levels, None) for levels in product(*(f.levels or () for f in design.factors))]
        if by_levels or None in known:
            return None
        sums = {name: [cell[name] for cell in known if cell] for name in known[0] or ()}
        with np.errstate(invalid="ignore", over="ignore"):
            moments = Moments.of_sums(sums, np.zeros(len(known)), np.ones(len(known)))
        return None if unsuited(moments) else moments.scaled(design.metric.scale)


def profile(source: Source, design: Design) -> Profile:
    """Look at a table from above: rows, missing and infinite outcomes, and range, for every cell.

    Parameters
    ----------
    source
        The table.
    design
        The question, resolved or not.

    Returns
    -------
    Profile
        One entry per combination of raw factor levels.

    Raises
    ------
    DataError
        If the outcome is not numeric or holds integers that a 64-bit float cannot.
    DesignError
        If a factor holds times rather than levels.

    Examples
    --------
    >>> import pandas as pd
    >>> from twobytwo.ask.design import Design
    >>> from twobytwo.data.sources import open_source
    >>> frame = pd.DataFrame({"y": [1.0, 2.0], "a": [0, 1], "b": [0, 0]})
    >>> design = Design.interaction(outcome="y", factors=("a", "b"))
    >>> profile(open_source(frame, design.columns), design).rows
    2
    """
    raw = source.table[design.metric.column]
    if raw.type().is_string() and not source.execute(source.table.count().as_table(), "rows")[0][0].as_py():
        # A CSV file of a header alone has no types either.
        return Profile(cells=())
    say_conversion(source, design.metric.column, share=design.metric.kind == "share")
    y = outcome_column(source, design.metric.column)
    keys = {f"level{k}": levels_column(source, factor.column) for k, factor in enumerate(design.factors)}
    wanted: dict[str, Any] = {"rows": source.table.count(), "seen": raw.count()}
    rare = {"inexact": inexact(raw), "outside": _outside(design, source.table, y)}
    wanted |= {name: counted for name, counted in rare.items() if counted is not None}
    if design.unit is not None:
        wanted["nobody"] = without_user(source, design)
    # With users, cells are made of totals; here it matters only whether every value is a number.
    wanted |= powers(source, y) if design.unit is None else {"s1": y.sum(), "low": y.min(), "high": y.max()}
    asked = source.table.group_by(**keys).agg(**wanted).limit(_MOST_COMBINATIONS)
    rows = source.execute(asked, "levels, counts and what is missing").to_pylist()
    if len(rows) == _MOST_COMBINATIONS:
        _refuse_many_levels(source, design)
    if any(row["seen"] < row["rows"] or not np.isfinite(row["s1"] or 0.0) for row in rows):
        # What is no number has no sum; and very large numbers may have none.
        _count_unusable(source, rows, keys, y)
    # SQL gives groups in no particular order; messages must not change from run to run.
    rows.sort(key=lambda row: [str(row[key]) for key in keys])
    refuse_inexact(design.metric.column, sum(row.get("inexact") or 0 for row in rows))
    sums = ("n", "s1", "s2", "s3", "low", "high", "positive", "zero")
    return Profile(
        cells=tuple(
            CellProfile(
                levels=tuple(level(row[key]) for key in keys),
                rows=row["rows"],
                missing=row.get("missing") or 0,
                infinite=row.get("infinite") or 0,
                outside=row.get("outside") or 0,
                nobody=row.get("nobody") or 0,
                low=row.get("low"),
                high=row.get("high"),
                total=row.get("s1"),
                sums={name: row[name] for name in sums} if "n" in row and row["low"] is not None else None,
            )
            for row in rows
        )
    )


def _outside(design: Design, table: Any, value: Any) -> Any:
    """Count values that the metric's kind cannot have; a covariate is another quantity and may have any.

    None for amounts, which may be any numbers.
    """
    kind = design.metric.kind
    if kind not in ("share", "count"):
        return None
    found = (value != 0) & (value != 1) if kind == "share" else (value < 0) | (value != value.floor())
    if design.covariate:
        period = design.factors[-1]
        found = found & (table[period.column] != str((period.levels or ("",))[0]))
    return how_many(found)


def _count_unusable(source: Source, rows: list[dict[str, Any]], keys: Mapping[str, Any], y: Any) -> None:
    """Add to each group of a profile how many outcomes are missing or infinite."""
    absent = is_missing(y)
    asked = source.table.group_by(**keys).agg(missing=how_many(absent), infinite=how_many(y.isinf()))
    found = source.execute(asked, "missing and infinite outcomes").to_pylist()
    by_levels = {tuple(str(row[key]) for key in keys): row for row in found}
    for row in rows:
        row |= by_levels[tuple(str(row[key]) for key in keys)]


def _refuse_many_levels(source: Source, design: Design) -> None:
    for factor in design.factors:
        asked = source.table[factor.column].nunique().as_table()
        levels = source.execute(asked, "how many levels there are")[0][0].as_py()
        if levels > 2 and not factor.many:
            msg = (
                f"Column {factor.column!r} has {levels:,} level(s); exactly 2 are needed. Keep the rows "
                "of the two levels to compare, or recode the column."
            )
            raise DataError(msg)
