"""Rows become users with a value in each of several columns, and users become joint moments.

One pass in the engine gives each user a group and a value for each column; another aggregates the users by
group, by where they were seen, by where their values are positive, and by the bin of their change.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from twobytwo.ask.design import Design
from twobytwo.data.bins import bin_sums
from twobytwo.data.columns import refuse_missing_ids
from twobytwo.data.grid import Grid
from twobytwo.data.joint import CHANGE, GIVEN, KEYS, Joint, moment_names, patterns
from twobytwo.data.sources import Source
from twobytwo.errors import DataError, DesignError

__all__ = ["aggregate_users", "pair_users", "users_of_one_row"]

Integers = npt.NDArray[np.int64]

_LEAST_COMPLETE = 3
_REPAIR = (
    'If the rows are parts of one total, such as days, say agg="sum"; otherwise keep one row of {!r} for '
    "each."
)


def pair_users(source: Source, design: Design, rows: Any) -> tuple[Source, Integers]:
    """Turn rows into users with a value for each period, and apply the policy for absences.

    Parameters
    ----------
    source
        The table.
    design
        The question, resolved, with a unit and periods.
    rows
        Ibis table with the columns ``unit``, ``cell`` (flat index of the group), ``period`` (position) and
        ``y``.

    Returns
    -------
    source : Source
        One row per user: ``cell``, ``y0``, ``y1``, ...; None where not seen.
    attendance : numpy.ndarray
        Users by group and pattern of presence, before the policy; shape (groups, 2^D - 1).

    Raises
    ------
    DataError
        For missing user ids, several rows of a user and period, users in several groups, users who switch
        group, absences without a policy, and too few users seen in every period.
    DesignError
        For ``missing="available"`` where users are absent and there are more than two periods.
    """
    refuse_missing_ids(source, design, rows)
    labels = design.factors[-1].labels
    values = [f"y{j}" for j in range(len(labels))]
    wanted: dict[str, Any] = {"cell": rows.cell.min(), "other": rows.cell.max()}
    for j in range(len(labels)):
        here = rows.period == j
        wanted[f"rows{j}"] = rows.count(where=here)
        wanted[f"y{j}"] = rows.y.sum(where=here)
        wanted[f"low{j}"] = rows.cell.min(where=here)
        wanted[f"high{j}"] = rows.cell.max(where=here)
    users = source.keep(rows.group_by("unit").agg(**wanted))
    _refuse_problems(source, design, users)
    attendance = _attendance(source, design, users, values)
    _require_policy(design, attendance)
    kept = users.select("cell", *values)
    if design.missing == "zero":
        kept = kept.mutate(**{name: kept[name].fill_null(0.0) for name in values})
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
    return Source(kept, source.execute, source.keep), attendance


def _attendance(source: Source, design: Design, users: Any, values: list[str]) -> Integers:
    present = users.mutate(present=_bits([users[name].notnull() for name in values]))
    counts = source.execute(present.group_by("cell", "present").agg(users=present.count())).to_pylist()
    found = {(row["cell"], row["present"]): row["users"] for row in counts}
    codes = [sum(there << k for k, there in enumerate(reversed(kind))) for kind in patterns(len(values))[:-1]]
    groups = range(len(group_labels(design)))
    return np.array([[found.get((group, code), 0) for code in codes] for group in groups], dtype=np.int64)


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


def _bits(conditions: list[Any]) -> Any:
    """Write conditions that are never missing as one integer, the first as its highest bit."""
    last = len(conditions) - 1
    terms = [ibis.ifelse(condition, 2 ** (last - k), 0) for k, condition in enumerate(conditions)]
    return functools.reduce(operator.add, terms).cast("int64")


def _or_false(condition: Any) -> Any:
    return ibis.coalesce(condition, ibis.literal(value=False))


def _every(design: Design) -> str:
    return "both periods" if len(design.factors[-1].labels) == 2 else "every period"


def _refuse_problems(source: Source, design: Design, users: Any) -> None:
    periods = range(len(design.factors[-1].labels))
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
            _or_false(_any(users[f"low{j}"] != users[f"high{j}"] for j in periods)),
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
        users.aggregate(**{name: problem.sum() for name, (problem, *_) in problems.items()})
    ).to_pylist()[0]
    for name, (problem, what, fix) in problems.items():
        if counts[name]:
            msg = f"{counts[name]:,} user(s) {what} ({_such_as(source, users, problem)}). {fix}"
            raise DataError(msg)


def _such_as(source: Source, users: Any, problem: Any) -> str:
    """Name the first few users who have a problem."""
    found = source.execute(users.filter(problem).order_by("unit").limit(3).select("unit"))
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
        ' "available": use every row and assume that who is absent does not depend on the value that was '
        "missed."
    )
    msg = (
        f"{absent:,} user(s) {where} ({by_group}). What that means only you know, so say it with missing=. "
        '"zero": an absent user had 0, as when a log holds active users only. '
        f'"drop": compare users seen in {_every(design)} only.' + (available if len(labels) == 2 else "")
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
        Ibis table with the columns ``unit``, ``cell`` and ``y``.

    Returns
    -------
    ibis.Table
        Columns ``cell`` and ``y0``, one row per user.

    Raises
    ------
    DataError
        For missing ids, users in several cells, and several rows of a user without ``agg``.
    """
    refuse_missing_ids(source, design, rows)
    users = source.keep(
        rows.group_by("unit").agg(
            cell=rows.cell.min(), other=rows.cell.max(), rows=rows.count(), y0=rows.y.sum()
        )
    )
    several, repeated = users.cell != users.other, users.rows > 1
    counts = source.execute(
        users.aggregate(several=several.sum(), repeated=repeated.sum()),
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
    return users.select("cell", "y0")


def aggregate_users(design: Design, users: Source, attendance: Integers) -> Joint:
    """Compress users with several values each.

    Parameters
    ----------
    design
        The question, resolved; its last factor is the period.
    users
        One row per user: ``cell``, ``y0``, ``y1``, ...
    attendance
        As from `pair_users`.

    Returns
    -------
    Joint
        What any family and any other method needs of them.
    """
    columns = design.factors[-1].labels
    coords = dict(list(design.coords.items())[:-1])
    shape = tuple(len(labels) for labels in coords.values())
    given = _given(users) if len(columns) == 2 else _nobody()
    return Joint(
        coords=coords,
        columns=columns,
        frame=_frame(users, len(columns)),
        attendance=attendance.reshape(*shape, -1),
        given=given,
    )


def _frame(users: Source, columns: int) -> pd.DataFrame:
    """Run the one aggregate over users; see `Joint.frame`."""
    table = users.table
    values = [f"y{j}" for j in range(columns)]

    def change(of: Any) -> Any:
        return of[values[-1]] - of[values[0]]

    complete = table.filter(_all(table[name].notnull() for name in values))
    grids = Grid.of(users, complete.select(cell=complete.cell, y=change(complete)))
    active = [_or_false(table[name] > 0) for name in values]
    table = table.mutate(
        present=_bits([table[name].notnull() for name in values]), active=_bits(active), change=change(table)
    )
    logs = {
        f"log{j}": ibis.ifelse(_or_false(table[name] > 0), table[name], 1.0).ln()
        for j, name in enumerate(values)
    }
    everywhere = table.present == 2**columns - 1
    reference = Grid.by_cell(grids, table.cell).reference(table.change)
    table = table.mutate(reference=ibis.ifelse(everywhere, reference, 0.0), **logs)
    moments: dict[str, Any] = {}
    for letter, prefix in (("m", "y"), ("l", "log")):
        for j in range(columns):
            first = table[f"{prefix}{j}"]
            moments[f"{letter}{j}"] = first.mean()
            moments[f"{letter}{j}_{j}"] = first.var(how="pop")
            for k in range(j + 1, columns):
                moments[f"{letter}{j}_{k}"] = first.cov(table[f"{prefix}{k}"], how="pop")
    sums = bin_sums(table.change - table.reference, "s")
    found: pd.DataFrame = users.execute(
        table.group_by(KEYS).agg(n=table.count(), **sums, **moments)
    ).to_pandas()
    found = found.sort_values(KEYS, ignore_index=True)
    names = moment_names(columns)
    # Nobody is absent everywhere: what is undefined is the change and the moments of an absence.
    found[[*CHANGE, *names]] = found[[*CHANGE, *names]].fillna(0.0)
    for name in (name for name in names if "_" in name):
        found[name] *= found["n"]
    return found


def _nobody() -> pd.DataFrame:
    return pd.DataFrame(columns=["cell", "reference", *GIVEN], dtype=float)


def _given(users: Source) -> pd.DataFrame:
    """Aggregate the second values by the first; see `Joint.given`."""
    active = users.table.filter((users.table.y0 > 0) & (users.table.y1 > 0))
    grids = Grid.of(users, active.select(cell=active.cell, y=active.y0))
    if not grids:
        return _nobody()
    table = active.mutate(reference=Grid.by_cell(grids, active.cell).reference(active.y0))
    table = table.mutate(d=table.y0 - table.reference)
    square = table.d * table.d
    powers = (table.d, square, square * table.d)
    weighted = {"t0": table.y1.sum()} | {f"t{k}": (table.y1 * d).sum() for k, d in enumerate(powers, start=1)}
    found: pd.DataFrame = users.execute(
        table.group_by("cell", "reference").agg(n=table.count(), **bin_sums(table.d, "s"), **weighted)
    ).to_pandas()
    return found.sort_values(["cell", "reference"], ignore_index=True)
