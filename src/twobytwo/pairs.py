"""The same users before and after: rows become users, users become pair moments.

One pass in the engine pairs each user's two values and aggregates them by group, by where the user was
seen, by whether each value is positive, and by the bin of the change. Nothing that is kept grows with the
number of users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from twobytwo.bins import Bins, Grid, bin_sums
from twobytwo.design import Design
from twobytwo.errors import DataError
from twobytwo.sources import Source

__all__ = ["SEEN", "Pairs", "aggregate_pairs", "pair_users", "refuse_repeats"]

SEEN = ("both", "before only", "after only")
_KEYS = ["group", "seen", "active0", "active1", "reference"]
_CHANGE = ["s1", "s2", "s3"]
# Means and central sums of the two values (m) and of their logarithms (l); 01 is the cross product.
_MOMENTS = [f"{letter}{index}" for letter in "ml" for index in ("0", "1", "00", "11", "01")]
_LEAST_PAIRS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Users seen in both periods, or in one, compressed.

    Parameters
    ----------
    coords
        Level labels of the group and of the period.
    frame
        One row for each group, pattern of presence ``seen`` (0 both, 1 before only, 2 after only),
        ``active0, active1`` (value positive) and bin of the change: count ``n``, power sums
        ``s1, s2, s3`` of the change about ``reference``, means ``m0, m1`` and central sums
        ``m00, m11, m01`` of the two values, and the same ``l...`` for their logarithms.
    attendance
        Users by group and presence before the policy for missing users was applied; shape (groups, 3).

    Examples
    --------
    >>> from twobytwo import Design, compress, simulate
    >>> design = Design.did(
    ...     outcome="minutes", group="variant", period="period", unit="user_id", missing="drop"
    ... )
    >>> pairs = compress(simulate.user_minutes(simulate.UserMinutes(n=500)), design).pairs
    >>> pairs.moments().sizes["seen"]
    3
    """

    coords: Mapping[str, tuple[str, ...]]
    frame: pd.DataFrame
    attendance: npt.NDArray[np.int64]

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the group's and the period's dimensions."""
        return tuple(self.coords)

    @property
    def units(self) -> int:
        """Number of users."""
        return int(self.frame["n"].sum())

    def moments(self, kind: Literal["raw", "log"] = "raw") -> xr.Dataset:
        """Joint moments of the two values, by group and presence.

        Parameters
        ----------
        kind
            Of the outcome, or of its logarithm (meaningful where every value is positive).

        Returns
        -------
        xarray.Dataset
            ``n`` and ``sp`` (sum of cross products about the means; 0 unless seen in both), dims group
            and ``seen``; ``mean`` and ``ss`` also by period. Means of nobody are 0.
        """
        letter = "m" if kind == "raw" else "l"
        groups, index = len(self.coords[self.dims[0]]), self._index(self.frame)
        n = self.frame["n"].to_numpy(float)
        size = np.bincount(index, n, groups * 3)
        means, squares, shifts = [], [], []
        for t in "01":
            value = self.frame[f"{letter}{t}"].to_numpy(float)
            total = np.bincount(index, n * value, groups * 3)
            centre = np.divide(total, size, out=np.zeros_like(total), where=size > 0)
            shifts.append(value - centre[index])
            within = self.frame[f"{letter}{t}{t}"].to_numpy(float)
            means.append(centre)
            squares.append(np.bincount(index, within + n * shifts[-1] ** 2, groups * 3))
        cross = self.frame[f"{letter}01"].to_numpy(float) + n * shifts[0] * shifts[1]
        products = np.bincount(index, np.where(self.frame["seen"] == 0, cross, 0.0), groups * 3)

        group, period = self.dims
        coords = {group: list(self.coords[group]), "seen": list(SEEN), period: list(self.coords[period])}

        def label(columns: list[npt.NDArray[np.float64]]) -> tuple[tuple[str, ...], Any]:
            return (group, "seen", period), np.stack(columns, axis=-1).reshape(groups, 3, 2)

        return xr.Dataset(
            {
                "n": ((group, "seen"), size.reshape(groups, 3)),
                "mean": label(means),
                "ss": label(squares),
                "sp": ((group, "seen"), products.reshape(groups, 3)),
            },
            coords,
        )

    @property
    def changes(self) -> Bins:
        """Bins of the change (after minus before) of users seen in both periods, by group."""
        both = self.frame[self.frame["seen"] == 0]
        sums = both.groupby(["group", "reference"], as_index=False, sort=True)[["n", *_CHANGE]].sum()
        # A change has no logarithm.
        frame = sums.rename(columns={"group": "cell"}).assign(l1=0.0, l2=0.0, l3=0.0)
        group = self.dims[0]
        return Bins(coords={group: self.coords[group]}, frame=frame)

    def __add__(self, other: Pairs) -> Pairs:
        """Put two disjoint sets of *users* together; no user may be in both."""
        frame = merge_pairs(pd.concat([self.frame, other.frame], ignore_index=True))
        return Pairs(coords=self.coords, frame=frame, attendance=self.attendance + other.attendance)

    @staticmethod
    def _index(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
        return (frame["group"] * 3 + frame["seen"]).to_numpy(np.int64)


def merge_pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """Merge rows of `Pairs.frame` that describe the same key.

    Means and central sums are merged by their exact update formulas (Chan, Golub & LeVeque 1983).
    """
    key = frame.groupby(_KEYS, sort=True).ngroup().to_numpy()
    size = max(key, default=-1) + 1
    n = frame["n"].to_numpy(float)
    total = np.bincount(key, n, size)
    merged = frame[_KEYS].drop_duplicates().sort_values(_KEYS)
    columns: dict[str, Any] = {"n": total.round().astype(np.int64)}
    for name in _CHANGE:
        columns[name] = np.bincount(key, frame[name], size)
    for letter in "ml":
        shift = {}
        for t in "01":
            value = frame[f"{letter}{t}"].to_numpy(float)
            columns[f"{letter}{t}"] = centre = np.bincount(key, n * value, size) / total
            shift[t] = value - centre[key]
        for first, second in ("00", "11", "01"):
            within = frame[f"{letter}{first}{second}"].to_numpy(float)
            between = n * shift[first] * shift[second]
            columns[f"{letter}{first}{second}"] = np.bincount(key, within + between, size)
    return merged.reset_index(drop=True).assign(**columns)


def pair_users(source: Source, design: Design, rows: Any) -> tuple[Source, npt.NDArray[np.int64]]:
    """Turn rows into users with two values, and apply the policy for users seen once.

    Parameters
    ----------
    source
        The table.
    design
        The question, resolved, with a unit.
    rows
        Ibis table with the columns ``unit``, ``group``, ``period`` (positions) and ``y``.

    Returns
    -------
    source : Source
        One row a user: ``unit``, ``group``, ``y0``, ``y1``; None where not seen.
    attendance : numpy.ndarray
        Users by group and presence, before the policy; shape (2, 3).

    Raises
    ------
    DataError
        For missing user ids, several rows a user and period, users in both groups, users who switch
        group, users seen once without a policy, and too few users seen in both periods.
    """
    refuse_missing_ids(source, design, rows)
    before, after = rows.period == 0, rows.period == 1
    users = source.keep(
        rows.group_by("unit").agg(
            group=rows.group.min(),
            rows0=rows.count(where=before),
            rows1=rows.count(where=after),
            y0=rows.y.sum(where=before),
            y1=rows.y.sum(where=after),
            low0=rows.group.min(where=before),
            high0=rows.group.max(where=before),
            low1=rows.group.min(where=after),
            high1=rows.group.max(where=after),
        )
    )
    _refuse_problems(source, design, users)
    present = users.mutate(seen=_seen(users))
    counts = source.execute(present.group_by("group", "seen").agg(users=present.count())).to_pylist()
    attendance = np.zeros((2, len(SEEN)), dtype=np.int64)
    for row in counts:
        attendance[row["group"], row["seen"]] = row["users"]
    _require_policy(design, attendance)
    kept = users.select("unit", "group", "y0", "y1")
    if design.missing == "zero":
        kept = kept.mutate(y0=kept.y0.fill_null(0.0), y1=kept.y1.fill_null(0.0))
    elif design.missing == "drop":
        kept = kept.filter(kept.y0.notnull() & kept.y1.notnull())
    pairs = attendance.sum(axis=1) if design.missing == "zero" else attendance[:, 0]
    if pairs.min() < _LEAST_PAIRS:
        label = design.factors[0].labels[int(pairs.argmin())]
        msg = (
            f"Group {label!r} has {pairs.min()} user(s) seen in both periods; at least {_LEAST_PAIRS} are "
            "needed to know how the two values go together. Leave out unit= for repeated cross-sections."
        )
        raise DataError(msg)
    return Source(kept, source.execute, source.keep), attendance


def _seen(users: Any) -> Any:
    return ibis.ifelse(users.y1.isnull(), 1, ibis.ifelse(users.y0.isnull(), 2, 0))


def _or_false(condition: Any) -> Any:
    return ibis.coalesce(condition, ibis.literal(value=False))


def _refuse_problems(source: Source, design: Design, users: Any) -> None:
    outcome = design.outcome
    period = design.factors[1].column
    group = design.factors[0].column
    repeated = (users.rows0 > 1) | (users.rows1 > 1)
    both = (users.low0 != users.high0) | (users.low1 != users.high1)
    one_group = "Each user must have one group; find the assignment that counts."
    # For each: which users, what they do, and what to do about it.
    problems = {
        "both": (_or_false(both), f"are in both groups of {group!r} within one period", one_group),
        "switch": (
            _or_false(users.high0 != users.high1),
            f"switch their group of {group!r} between the periods",
            one_group,
        ),
    }
    if design.agg is None:
        problems["repeated"] = (
            repeated,
            f"have several rows in one {period!r}",
            'If the rows are parts of one total, such as days, say agg="sum"; otherwise keep one row of '
            f"{outcome!r} for each.",
        )
    counts = source.execute(
        users.aggregate(**{name: problem.sum() for name, (problem, *_) in problems.items()})
    ).to_pylist()[0]
    for name, (problem, what, fix) in problems.items():
        if counts[name]:
            found = source.execute(users.filter(problem).order_by("unit").limit(3).select("unit"))
            ids = ", ".join(repr(value) for value in found["unit"].to_pylist())
            msg = f"{counts[name]:,} user(s) {what} (such as {ids}). {fix}"
            raise DataError(msg)


def _require_policy(design: Design, attendance: npt.NDArray[np.int64]) -> None:
    once = int(attendance[:, 1:].sum())
    if not once or design.missing is not None:
        return
    by_group = "; ".join(
        f"{label}: {row[0]:,} in both periods, {row[1]:,} before only, {row[2]:,} after only"
        for label, row in zip(design.factors[0].labels, attendance, strict=True)
    )
    msg = (
        f"{once:,} user(s) are seen in one period only ({by_group}). What that means only you know, so "
        'say it with missing=. "zero": an absent user had 0, as when a log holds active users only. '
        '"drop": compare users seen in both periods only. "available": use every row and assume that '
        "who is absent does not depend on the value that was missed."
    )
    raise DataError(msg)


def refuse_missing_ids(source: Source, design: Design, rows: Any) -> None:
    """Refuse rows without a user (`DataError`)."""
    absent = source.execute(rows.aggregate(absent=rows.unit.isnull().sum()))["absent"][0].as_py()
    if absent:
        msg = (
            f"Column {design.unit!r} is missing in some rows ({absent:,}); drop these rows or give them ids."
        )
        raise DataError(msg)


def refuse_repeats(source: Source, design: Design, rows: Any) -> Any:
    """Give one row a user for a design without periods, or refuse.

    Parameters
    ----------
    source
        The table.
    design
        An interaction with a unit.
    rows
        Ibis table with the columns ``unit``, ``cell`` and ``y``.

    Returns
    -------
    ibis.Table
        Columns ``cell`` and ``y``, one row a user.

    Raises
    ------
    DataError
        For missing ids, users in several cells, and several rows a user without ``agg``.
    """
    refuse_missing_ids(source, design, rows)
    users = source.keep(
        rows.group_by("unit").agg(
            cell=rows.cell.min(), other=rows.cell.max(), rows=rows.count(), y=rows.y.sum()
        )
    )
    counts = source.execute(
        users.aggregate(
            several=(users.cell != users.other).sum(),
            repeated=(users.rows > 1).sum(),
        )
    ).to_pylist()[0]
    if counts["several"]:
        msg = (
            f"{counts['several']:,} user(s) are in more than one cell of the two experiments; each user must "
            "have one assignment."
        )
        raise DataError(msg)
    if counts["repeated"] and design.agg is None:
        msg = (
            f"{counts['repeated']:,} user(s) have several rows. If they are parts of one total, such as "
            'days, say agg="sum"; otherwise keep one row a user.'
        )
        raise DataError(msg)
    return users.select("cell", "y")


def aggregate_pairs(users: Source) -> pd.DataFrame:
    """Run the one aggregate over users; see `Pairs.frame`.

    Parameters
    ----------
    users
        One row a user: ``group``, ``y0``, ``y1``.

    Returns
    -------
    pandas.DataFrame
        Sorted by its keys.
    """
    table = users.table
    both = table.filter(table.y0.notnull() & table.y1.notnull())
    grids = Grid.of(users, both.select(cell=both.group, y=both.y1 - both.y0))
    table = table.mutate(
        seen=_seen(table),
        active0=_or_false(table.y0 > 0),
        active1=_or_false(table.y1 > 0),
        change=table.y1 - table.y0,
    )
    table = table.mutate(
        reference=ibis.ifelse(table.seen == 0, Grid.by_cell(grids, table.group).reference(table.change), 0.0),
        log0=ibis.ifelse(table.active0, table.y0, 1.0).ln(),
        log1=ibis.ifelse(table.active1, table.y1, 1.0).ln(),
    )
    moments: dict[str, Any] = {}
    for letter, first, second in (("m", table.y0, table.y1), ("l", table.log0, table.log1)):
        moments |= {
            f"{letter}0": first.mean(),
            f"{letter}1": second.mean(),
            f"{letter}00": first.var(how="pop"),
            f"{letter}11": second.var(how="pop"),
            f"{letter}01": first.cov(second, how="pop"),
        }
    sums = bin_sums(table.change - table.reference, "s")
    found: pd.DataFrame = users.execute(
        table.group_by(_KEYS).agg(n=table.count(), **sums, **moments)
    ).to_pandas()
    found = found.sort_values(_KEYS, ignore_index=True)
    # Nobody is absent twice: what is undefined is the change and the moments of an absence.
    found[[*_CHANGE, *_MOMENTS]] = found[[*_CHANGE, *_MOMENTS]].fillna(0.0)
    for name in (name for name in _MOMENTS if len(name) == 3):
        found[name] *= found["n"]
    return found
