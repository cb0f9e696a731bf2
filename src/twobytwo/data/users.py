"""Rows become users with a value in each of several columns; what absence means is applied."""

from __future__ import annotations

import functools
import operator
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt

from twobytwo.ask.design import Design
from twobytwo.data.conditions import how_many, or_false, pattern_bits
from twobytwo.data.patterns import patterns
from twobytwo.data.sources import Source
from twobytwo.errors import DataError, DesignError

__all__ = ["group_labels", "pair_users", "users_of_one_row"]

Integers = npt.NDArray[np.int64]

_LEAST_COMPLETE = 3
_REPAIR = (
    'If the rows are parts of one total, such as days, say agg="sum"; otherwise keep one row of {!r} for '
    "each."
)


def pair_users(source: Source, design: Design, rows: Any, count: int) -> tuple[Source, Integers]:
    """Turn rows into users with a value for each period, and apply the policy for absences.

    Parameters
    ----------
    source
        The table.
    design
        The question, resolved, with a unit and periods.
    rows
        Ibis table with the columns ``unit``, ``cell`` (flat index of the group), ``period`` (position) and
        ``y``, and of a ratio the denominator ``x``.
    count
        How many rows there are.

    Returns
    -------
    source : Source
        One row per user: ``cell``, ``y0``, ``y1``, ... and of a ratio ``x0``, ``x1``, ...; None where not
        seen.
    attendance : numpy.ndarray
        Users by group and pattern of presence, before the policy; shape (groups, 2^D - 1).

    Raises
    ------
    DataError
        For several rows of a user and period, users in several groups, users who switch group, absences
        without a policy, and too few users seen in every period.
    DesignError
        For ``missing="available"`` where users are absent and there are more than two periods.
    """
    labels = design.factors[-1].labels
    values = [f"y{j}" for j in range(len(labels))]
    # As little as there can be: this is the one query whose state grows with the users.
    wanted: dict[str, Any] = {"cell": rows.cell.min(), "other": rows.cell.max()}
    read = [name for name in ("y", "x") if name in rows.columns]
    columns = {f"{name}{j}": (name, j) for name in read for j in range(len(labels))}
    wanted |= {key: rows[name].sum(where=rows.period == j) for key, (name, j) in columns.items()}
    found = rows.group_by("unit").agg(**wanted)
    # Ids are needed only to name users who make trouble.
    users = source.keep(found.drop("unit"), "one row per user")
    attendance, switches = _attendance(source, design, users, values)
    seen = np.array([sum(kind) for kind in patterns(len(values))[:-1]])
    # A row more than there are values is a user with two rows in one period.
    if switches or (design.agg is None and count > int((attendance * seen).sum())):
        _refuse_problems(source, design, rows)
    _require_policy(design, attendance)
    kept = users.select("cell", *columns)
    if design.missing == "zero":
        kept = kept.mutate(**{name: kept[name].fill_null(0.0) for name in columns})
    elif design.missing == "drop":
        kept = kept.filter(_all(kept[name].notnull() for name in values))
    complete = attendance.sum(axis=1) if design.missing == "zero" else attendance[:, 0]
    if complete.min() < _LEAST_COMPLETE:
        msg = (
            f"Group {group_labels(design)[int(complete.argmin())]!r} has {complete.min()} user(s) seen in "
            f"{_every(design)}; at least {_LEAST_COMPLETE} are needed to know how the values go together. "
            + (
                "Leave out the value before."
                if design.given_before
                else "Leave out unit= for repeated cross-sections."
            )
        )
        raise DataError(msg)
    return source.of(kept), attendance


def _attendance(source: Source, design: Design, users: Any, values: list[str]) -> tuple[Integers, int]:
    """Count users by group and pattern of presence, and those in several groups."""
    marked = users.mutate(
        present=pattern_bits([users[name].notnull() for name in values]),
        switches=ibis.ifelse(users.cell != users.other, 1, 0),
    )
    counts = source.execute(
        marked.group_by("cell", "present").agg(users=marked.count(), switches=marked.switches.sum()),
        "users by group and periods seen",
    ).to_pylist()
    found = {(row["cell"], row["present"]): row["users"] for row in counts}
    codes = [sum(there << k for k, there in enumerate(reversed(kind))) for kind in patterns(len(values))[:-1]]
    groups = range(len(group_labels(design)))
    attendance = np.array(
        [[found.get((group, code), 0) for code in codes] for group in groups], dtype=np.int64
    )
    return attendance, sum(row["switches"] for row in counts)


def group_labels(design: Design) -> list[str]:
    """Name the groups of users, which are the cells of all factors but the period."""
    names = [""]
    for factor in design.factors[:-1]:
        names = [f"{name}, {label}" if name else label for name in names for label in factor.labels]
    return names


def _all(conditions: Any) -> Any:
    return functools.reduce(operator.and_, conditions)


def _any(conditions: Any) -> Any:
    return functools.reduce(operator.or_, conditions)


def _every(design: Design) -> str:
    return "both periods" if len(design.factors[-1].labels) == 2 else "every period"


def _refuse_problems(source: Source, design: Design, rows: Any) -> None:
    """Say which users are in several groups or have several rows (`DataError`)."""
    periods = range(len(design.factors[-1].labels))
    wanted: dict[str, Any] = {"cell": rows.cell.min(), "other": rows.cell.max()}
    for j in periods:
        here = rows.period == j
        wanted[f"rows{j}"] = rows.count(where=here)
        wanted[f"low{j}"] = rows.cell.min(where=here)
        wanted[f"high{j}"] = rows.cell.max(where=here)
    users = source.keep(rows.group_by("unit").agg(**wanted), "users that make trouble")
    group = " and ".join(repr(factor.column) for factor in design.factors[:-1])
    period = design.factors[-1].column
    one_group = "Each user must have one group; find the assignment that counts."
    several = "both groups" if len(group_labels(design)) == 2 else "several groups"
    within = "" if design.wide else " within one period"
    rows = "have several rows" if design.wide else f"have several rows in one {period!r}"
    repair = "keep one row for each user." if design.wide else _REPAIR.format(design.metric.column)
    # For each: which users, what they do, and what to do about it.
    problems = {
        "both": (
            or_false(_any(users[f"low{j}"] != users[f"high{j}"] for j in periods)),
            f"are in {several} of {group}{within}",
            one_group,
        ),
        "switch": (
            users.cell != users.other,
            f"switch their group of {group} between the periods",
            one_group,
        ),
    }
    if design.agg is None:
        problems["repeated"] = (
            _any(users[f"rows{j}"] > 1 for j in periods),
            rows,
            repair,
        )
    counts = source.execute(
        users.aggregate(**{name: how_many(problem) for name, (problem, *_) in problems.items()}),
        "how many users make trouble",
    ).to_pylist()[0]
    for name, (problem, what, fix) in problems.items():
        if counts[name]:
            msg = f"{counts[name]:,} user(s) {what} ({_such_as(source, users, problem)}). {fix}"
            raise DataError(msg)


def _such_as(source: Source, users: Any, problem: Any) -> str:
    """Name the first few users who have a problem."""
    found = source.execute(
        users.filter(problem).order_by("unit").limit(3).select("unit"), "some users that make trouble"
    )
    return f"such as {', '.join(repr(value) for value in found['unit'].to_pylist())}"


def _require_policy(design: Design, attendance: Integers) -> None:
    absent = int(attendance[:, 1:].sum())
    labels = design.factors[-1].labels
    if absent and design.missing == "available" and len(labels) > 2:
        msg = (
            f'{absent:,} user(s) are not seen in every period, and missing="available" is for two periods; '
            f'with {len(labels)} say "zero" or "drop".'
        )
        raise DesignError(msg)
    if not absent or design.missing is not None:
        return
    columns = ("in both periods", "before only", "after only")
    if len(labels) > 2:
        attendance = np.stack([attendance[:, 0], attendance[:, 1:].sum(axis=1)], axis=1)
        columns = ("in every period", "in some", "")
    by_group = "; ".join(
        f"{label}: " + ", ".join(f"{count:,} {where}" for count, where in zip(row, columns, strict=False))
        for label, row in zip(group_labels(design), attendance, strict=True)
    )
    where = "are seen in one period only" if len(labels) == 2 else "are not seen in every period"
    if design.wide is not None:
        where = f"have a value in one of the columns {design.wide[0]!r} and {design.wide[1]!r} only"
    available = (
        ' missing="available": use every row and assume that who is absent does not depend on the value '
        "that was missed."
    )
    msg = (
        f"{absent:,} user(s) {where} ({by_group}). What that means only you know, so say it. "
        'missing="zero": an absent user had 0, as when a log holds active users only. '
        f'missing="drop": compare users seen in {_every(design)} only.'
        + (available if len(labels) == 2 else "")
    )
    raise DataError(msg)


def users_of_one_row(source: Source, design: Design, rows: Any) -> Any:
    """Give one row per user for a design without periods, or refuse.

    Parameters
    ----------
    source
        The table.
    design
        A question with a unit and no periods.
    rows
        Ibis table with the columns ``unit``, ``cell`` and ``y``, and of a ratio the denominator ``x``.

    Returns
    -------
    ibis.Table
        Columns ``cell`` and ``y0``, and of a ratio ``x0``, one row per user.

    Raises
    ------
    DataError
        For users in several cells, and several rows of a user without ``agg``.
    """
    sums = {f"{name}0": rows[name].sum() for name in ("y", "x") if name in rows.columns}
    users = source.keep(
        rows.group_by("unit").agg(cell=rows.cell.min(), other=rows.cell.max(), rows=rows.count(), **sums),
        "one row per user",
    )
    several, repeated = users.cell != users.other, users.rows > 1
    counts = source.execute(
        users.aggregate(several=how_many(several), repeated=how_many(repeated)),
        "users in several cells or with several rows",
    ).to_pylist()[0]
    if counts["several"]:
        of = {1: "group", 2: "cell of the two experiments"}.get(
            len(design.factors), "cell of the experiments"
        )
        msg = (
            f"{counts['several']:,} user(s) are in more than one {of} "
            f"({_such_as(source, users, several)}); each user must have one assignment."
        )
        raise DataError(msg)
    if counts["repeated"] and design.agg is None:
        msg = (
            f"{counts['repeated']:,} user(s) have several rows ({_such_as(source, users, repeated)}). If "
            'they are parts of one total, such as days, say agg="sum"; otherwise keep one row per user.'
        )
        raise DataError(msg)
    return users.select("cell", *sums)
