"""Whether a table, as its profile shows it, suits a design."""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable
from itertools import product

from twobytwo.ask.design import Design
from twobytwo.ask.factor import Factor
from twobytwo.data.columns import refuse_missing_ids, refuse_missing_levels
from twobytwo.data.profile import CellProfile, Profile
from twobytwo.errors import DataError

__all__ = ["refuse_magnitude", "validate"]

# What the kinds of a metric allow, beside amounts, which may be any numbers.
_ALLOWED = {"share": "0 or 1 (or true or false)", "count": "a whole number from 0 on"}
# Spreads are known through fourth powers, which must stay within 64-bit floats whatever the number of rows.
_SMALLEST, _LARGEST = 1e-60, 1e60


def validate(design: Design, profile: Profile) -> Design:
    """Resolve a design against a table's profile and refuse tables that cannot answer.

    Parameters
    ----------
    design
        The question.
    profile
        Row counts by cell.

    Returns
    -------
    Design
        The design with its levels resolved.

    Raises
    ------
    DataError
        Naming column, count and fix: too few rows, missing or infinite outcomes, missing factor
        levels, a number of levels other than two, an empty or single-row cell, a constant outcome, rows
        without a user.
    DesignError
        If the direction of the levels is unknown.

    Examples
    --------
    >>> cells = [
    ...     CellProfile(levels=(a, b), rows=9, missing=0, infinite=0, low=0.0, high=1.0 + a)
    ...     for a in (0, 1)
    ...     for b in (0, 1)
    ... ]
    >>> design = Design.interaction(outcome="y", factors=("a", "b"))
    >>> validate(design, Profile(cells=tuple(cells))).factors[0].levels
    (0, 1)
    """
    if profile.rows < 2:
        msg = f"The table has {profile.rows} row(s); each cell needs at least 2."
        raise DataError(msg)
    _refuse_unusable_values(design, profile)
    resolved = design.resolve({factor.column: profile.levels(k) for k, factor in enumerate(design.factors)})
    _refuse_thin_cells(resolved, profile)
    _say_share(design, profile)
    refuse_missing_ids(design, sum(cell.nobody for cell in profile.cells))
    return resolved


def _refuse_unusable_values(design: Design, profile: Profile) -> None:
    for position, factor in enumerate(design.factors):
        absent = sum(cell.rows for cell in profile.cells if cell.levels[position] is None)
        refuse_missing_levels(factor.column, absent, profile.rows)
    by_column: dict[str, list[CellProfile]] = {}
    for cell in profile.cells:
        by_column.setdefault(design.column_at(cell.levels[-1]), []).append(cell)
    for column, cells in by_column.items():
        for kind, count, fix in (
            (
                "missing (NaN or null)",
                sum(cell.missing for cell in cells),
                "A missing value may mean zero, or a user who left: fill with 0 or drop, knowingly.",
            ),
            (
                "infinite",
                sum(cell.infinite for cell in cells),
                "Find the division or overflow that made them.",
            ),
        ):
            if count:
                rows = sum(cell.rows for cell in cells)
                msg = f"Column {column!r} is {kind} in {count:,} of {rows:,} rows. {fix}"
                raise DataError(msg)
        _refuse_outside(design, column, cells)
        for cell in cells:
            refuse_magnitude(column, max(abs(cell.low or 0.0), abs(cell.high or 0.0)))


def _say_share(design: Design, profile: Profile) -> None:
    """Warn that a margin on zeros and ones is a share of all users, where percentage points may be meant."""
    metric = design.metric
    if metric.kind != "amount" or not metric.margin or design.agg is not None or design.covariate:
        return
    ends = {cell.low for cell in profile.cells}, {cell.high for cell in profile.cells}
    # Fractions between 0 and 1 do not add up to whole numbers in every cell.
    if ends == ({0.0}, {1.0}) and all(float(cell.total or 0.5).is_integer() for cell in profile.cells):
        points = f"{100 * metric.margin:g} percentage points"
        message = (
            f"Column {metric.column!r} holds only 0 and 1, so its mean is a share and margin="
            f'{metric.margin:g} is {points}. Say kind="share", and the margin in percentage points.'
        )
        warnings.warn(message, UserWarning, stacklevel=2)


def _refuse_outside(design: Design, column: str, cells: list[CellProfile]) -> None:
    """Refuse values that the metric's kind does not allow (`DataError`)."""
    outside = sum(cell.outside for cell in cells)
    if outside:
        kind, rows = design.metric.kind, sum(cell.rows for cell in cells)
        msg = (
            f"Column {column!r} is no {kind} in {outside:,} of {rows:,} rows: a {kind} "
            f"is {_ALLOWED[kind]}. Correct the column, or leave out kind= for an amount."
        )
        raise DataError(msg)


def refuse_magnitude(column: str, largest: float) -> None:
    """Refuse sizes whose fourth powers, which estimates of spread go through, leave 64-bit floats.

    Parameters
    ----------
    column
        What the message calls them.
    largest
        The largest distance from zero of a cell's values.

    Raises
    ------
    DataError
        If it is outside of what can be squared twice; zero is not.

    Examples
    --------
    >>> refuse_magnitude("minutes", 300.0)
    """
    if largest == 0 or _SMALLEST <= largest <= _LARGEST:
        return
    exponent = max(math.floor(math.log10(largest)), -300)
    what = "the largest size in one cell" if largest < _SMALLEST else "the largest"
    msg = (
        f"Column {column!r} has values of a size that cannot be squared without loss ({what} is "
        f"{largest:.3g}; allowed are {_SMALLEST:g} to {_LARGEST:g}). Give it another unit: multiply it by "
        f"1e{-exponent:d}."
    )
    raise DataError(msg)


def _refuse_thin_cells(design: Design, profile: Profile) -> None:
    # With users, cells are made of totals and of policies; `compress` looks at those.
    if design.unit is not None:
        return

    def named(levels: tuple[Hashable, ...]) -> str:
        pairs = zip(design.factors, levels, strict=True)
        return ", ".join(f"{factor.column!r} = {level!r}" for factor, level in pairs)

    by_levels = {cell.levels: cell for cell in profile.cells}
    for levels in product(*(factor.levels or () for factor in design.factors)):
        cell = by_levels.get(levels)
        rows = cell.rows if cell else 0
        if rows < 2:
            places = [(f.levels or ()).index(level) for f, level in zip(design.factors, levels, strict=True)]
            advice = "".join(map(Factor.if_no_treatment, design.factors, places))
            msg = (
                f"The cell {named(levels)} has {rows} row(s); each of the {math.prod(design.shape)} cells "
                f"needs at least 2 to know its spread.{advice}"
            )
            raise DataError(msg)
    lows = [cell.low for cell in profile.cells]
    highs = [cell.high for cell in profile.cells]
    if len({*lows, *highs}) == 1:
        msg = (
            f"Column {design.metric.column!r} is constant ({lows[0]!r} in all {profile.rows:,} rows); "
            "there is nothing to compare. Check the join or the filter that made it."
        )
        raise DataError(msg)
    for cell in profile.cells:
        if cell.low == cell.high:
            msg = (
                f"Column {design.metric.column!r} is constant ({cell.low!r}) in the cell "
                f"{named(cell.levels)} ({cell.rows:,} rows); its spread cannot be known. Check the filter "
                "that made it."
            )
            raise DataError(msg)
