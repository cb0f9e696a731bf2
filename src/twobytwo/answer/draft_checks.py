"""Whether what a draft says can be so: a plan may say it, and the file has these columns, levels and days."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator, Mapping
from datetime import date
from typing import Any

from twobytwo.answer.guesses import no_levels
from twobytwo.answer.keys import Named, in_file, listed
from twobytwo.answer.misfits import COLUMNS
from twobytwo.answer.plan import refuse_misstated
from twobytwo.ask.levels import LEVEL_ARGUMENTS, Role, ordered
from twobytwo.ask.shares import shares_by_level, stated_shares
from twobytwo.data.dates import refusal
from twobytwo.data.outline import Column, Kind, Outline
from twobytwo.errors import Complaints, DesignError, TwoByTwoError, nearest

__all__ = ["refuse_misfits"]

_HELD: Mapping[Kind, str] = {
    "number": "numbers",
    "boolean": "true and false",
    "text": "text",
    "date": "dates",
    "zoned": "times with a zone",
    "unclear": "dates that can be read in more than one way",
    "other": "neither numbers nor texts nor dates",
}
_MEASURED = ("outcome", "denominator", "before_column", "after_column", "covariate")


def refuse_misfits(plan: Mapping[str, Any], found: Outline, named: Named = in_file) -> None:
    """Refuse a plan that may be incomplete, for what it says of a file.

    Parameters
    ----------
    plan
        Tables of keys, as in a file.
    found
        The columns of the file that it is about.
    named
        Gives a table's key the name that messages use.

    Raises
    ------
    DesignError
        For all that is wrong at once.

    Examples
    --------
    >>> found = Outline(rows=9, columns=(Column(name="minutes", kind="number", values=9),))
    >>> refuse_misfits({"design": {"outcome": "minuts"}}, found, lambda _, key: key)
    Traceback (most recent call last):
    twobytwo.errors.DesignError: outcome: column 'minuts' is not in the file, which has 'minutes'. Did you \
mean 'minutes'?
    """
    wrong = Complaints()
    with wrong.noting(DesignError):
        refuse_misstated(plan, named)
    design = plan.get("design", {})
    wrong.messages += _columns(design, found, named)
    roles: tuple[Role, ...] = ("group", "period")
    for role in roles:
        column = found.named(design.get(role))
        # A launch makes the periods, or is told to be none of this column.
        dated = role == "period" and (column is None or column.kind == "date" or "launch" in design)
        if column is not None and role == "period" and column.kind == "unclear":
            wrong.messages.append(refusal(column.name, str(column.low)))
        elif column is not None and not dated:
            with wrong.noting(TwoByTwoError):
                # While the question is open, whatever one of them takes may be right.
                many = plan.get("question") in (None, "comparison")
                levels = _hold_levels(column, role, _stated(design, role), many=many)
                # What stands for no group is to be taken out first.
                if role == "group" and not no_levels(column):
                    _hold_share(design.get("expected_share"), levels, column)
    for name, levels in _pairs(design.get("levels")):
        column = found.named(name)
        if column is not None:
            with wrong.noting(TwoByTwoError):
                _hold_levels(column, "factor", levels)
    wrong.messages += _days(design, found, named)
    wrong.tell(DesignError)


def _columns(design: Mapping[str, Any], found: Outline, named: Named) -> Iterator[str]:
    names = [column.name for column in found.columns]
    # With one row per user, the outcome is only what the metric is called.
    keys = [key for key in COLUMNS if key in design and not (key == "outcome" and "after_column" in design)]
    factors = design.get("factors")
    several = [("factors", name) for name in factors] if isinstance(factors, list) else []
    for key, name in [*((key, design[key]) for key in keys), *several]:
        column, called = found.named(name), named("design", key)
        if column is None:
            near = nearest(name, names)
            yield f"{called}: column {name!r} is not in the file, which has {listed(names)}.{near}"
        elif key in _MEASURED and column.kind not in ("number", "boolean"):
            yield f"{called}: column {name!r} holds {_HELD[column.kind]}, not numbers."


def _stated(design: Mapping[str, Any], role: Role) -> tuple[Hashable, ...]:
    first, second = (design.get(argument) for argument in LEVEL_ARGUMENTS[role])
    return (first, *(second if isinstance(second, list) else [second]))


def _pairs(levels: Any) -> Iterator[tuple[str, tuple[Hashable, ...]]]:
    """List columns with two levels each; what is no such table was told before."""
    for name, pair in levels.items() if isinstance(levels, dict) else ():
        if isinstance(pair, list) and len(pair) == 2:
            yield name, tuple(pair)


def _hold_share(share: Any, levels: tuple[Hashable, ...], column: Column) -> None:
    """Refuse shares that are not those of the levels; what is no share was told before."""
    try:
        shares = stated_shares(share)
    except (DesignError, TypeError):
        return
    shares_by_level(shares, levels, column.name)


def _hold_levels(
    column: Column, role: Role, stated: tuple[Hashable, ...], *, many: bool = False
) -> tuple[Hashable, ...]:
    """Refuse levels that a column does not have; which is the reference may be open still."""
    if not column.levels:
        msg = f"Column {column.name!r} has {column.values:,} different values, which are too many for levels."
        raise DesignError(msg)
    if stated[0] is None and stated[1] is None:
        # Any order will do.
        stated = column.levels
    with warnings.catch_warnings(action="ignore"):
        return ordered(column.name, role, stated, column.levels, many=many)


def _days(design: Mapping[str, Any], found: Outline, named: Named) -> Iterator[str]:
    launch, column = design.get("launch"), found.named(design.get("period"))
    if launch is None or column is None or column.kind == "unclear":
        return
    called = named("design", "launch")
    if column.kind != "date":
        others = [other.name for other in found.columns if other.kind == "date"]
        better = f"; say {named('design', 'period')} {' or '.join(others)}" if others else ""
        yield f"{called} is a day among dates, and column {column.name!r} holds {_HELD[column.kind]}{better}."
        return
    try:
        day = date.fromisoformat(str(launch))
    except ValueError:
        # Told as what no plan may say.
        return
    low, high = (date.fromisoformat(str(end)) for end in (column.low, column.high))
    if not low < day <= high:
        yield (
            f"{called} = {day.isoformat()} leaves one of the periods without a row: the dates of column "
            f"{column.name!r} run from {low} to {high}."
        )
