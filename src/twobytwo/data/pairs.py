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

from twobytwo.ask.design import Design
from twobytwo.data.bins import POINT_BLOCK, Bins, Grid, bin_sums, central, gauss
from twobytwo.data.sources import Source
from twobytwo.errors import DataError

__all__ = ["PATTERNS", "SEEN", "Pairs", "aggregate_given", "aggregate_pairs", "pair_users", "refuse_repeats"]

SEEN = ("both", "before only", "after only")
# Where a user's two values are positive.
PATTERNS = ("both", "before only", "after only", "neither")
_KEYS = ["group", "seen", "active0", "active1", "reference"]
_CHANGE = ["s1", "s2", "s3"]
# Means and central sums of the two values (m) and of their logarithms (l); 01 is the cross product.
_MOMENTS = [f"{letter}{index}" for letter in "ml" for index in ("0", "1", "00", "11", "01")]
_GIVEN = ("n", "s1", "s2", "s3", "t0", "t1", "t2", "t3")
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
    given
        Users positive in both periods, one row for each group and bin of the value before: count ``n``,
        sums ``s1, s2, s3`` of powers of the value before about ``reference``, and ``t0, t1, t2, t3``, the
        same sums of powers 0 to 3 with every user weighted by the value after.

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
    given: pd.DataFrame

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
        by_seen = self.frame["seen"].to_numpy()
        return self._by("seen", SEEN, by_seen, self.frame, kind)

    def patterns(self, kind: Literal["raw", "log"] = "raw") -> xr.Dataset:
        """Joint moments of users whose two values are known, by where the value is positive.

        Parameters
        ----------
        kind
            Of the outcome, or of the logarithm of a positive value.

        Returns
        -------
        xarray.Dataset
            As `moments`, by ``pattern`` (active in both, before only, after only, in neither) instead of
            ``seen``. Log-moments of a value that is not positive are 0.
        """
        known = self.frame[self.frame["seen"] == 0]
        code = np.where(known["active0"], np.where(known["active1"], 0, 1), np.where(known["active1"], 2, 3))
        return self._by("pattern", PATTERNS, code, known, kind)

    def _by(
        self, dim: str, labels: tuple[str, ...], code: npt.NDArray[Any], frame: pd.DataFrame, kind: str
    ) -> xr.Dataset:
        """Merge the moments of all keys of one group and one code."""
        letter = "m" if kind == "raw" else "l"
        shape = (len(self.coords[self.dims[0]]), len(labels))
        size_of, index = shape[0] * shape[1], frame["group"].to_numpy() * shape[1] + code
        n = frame["n"].to_numpy(float)
        size = np.bincount(index, n, size_of)
        means, squares, shifts = [], [], []
        for t in "01":
            value = frame[f"{letter}{t}"].to_numpy(float)
            total = np.bincount(index, n * value, size_of)
            centre = np.divide(total, size, out=np.zeros_like(total), where=size > 0)
            shifts.append(value - centre[index])
            within = frame[f"{letter}{t}{t}"].to_numpy(float)
            means.append(centre)
            squares.append(np.bincount(index, within + n * shifts[-1] ** 2, size_of))
        cross = frame[f"{letter}01"].to_numpy(float) + n * shifts[0] * shifts[1]
        products = np.bincount(index, np.where(frame["seen"] == 0, cross, 0.0), size_of)

        group, period = self.dims
        coords = {group: list(self.coords[group]), dim: list(labels), period: list(self.coords[period])}

        def label(columns: list[npt.NDArray[np.float64]]) -> tuple[tuple[str, ...], Any]:
            return (group, dim, period), np.stack(columns, axis=-1).reshape(*shape, len(columns))

        return xr.Dataset(
            {
                "n": ((group, dim), size.reshape(shape)),
                "mean": label(means),
                "ss": label(squares),
                "sp": ((group, dim), products.reshape(shape)),
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

    def after_by_before(self) -> xr.Dataset:
        """Nodes at values before that stand for users positive in both periods, in sums over users.

        Returns
        -------
        xarray.Dataset
            Dims group and ``node``: ``before`` (units of the outcome), ``counts`` (weights for sums of
            functions of the value before), ``total`` (of the values after; weights for sums of the value
            after times such a function), and ``users``, how many have that total.

        Notes
        -----
        Two-node Gauss rules of every bin, once for the users and once for their values after; a node has
        either `counts` or a `total`.
        """
        frame = self.given.sort_values(["cell", "reference"])
        cell = frame["cell"].to_numpy()
        origin = frame["reference"].to_numpy()
        measures = [
            central(frame[list(names)].to_numpy(float).T.copy(), origin)
            for names in (("n", "s1", "s2", "s3"), ("t0", "t1", "t2", "t3"))
        ]
        rules = [gauss(moments, cell) for moments in measures]
        groups = len(self.coords[self.dims[0]])
        per_unit = np.bincount(cell, frame["n"], groups) / np.bincount(cell, frame["t0"], groups)
        columns = []
        for group in range(groups):
            (v0, w0), (v1, w1) = ((value[at == group], weight[at == group]) for value, weight, at in rules)
            none = (np.zeros_like(w0), np.zeros_like(w1))
            columns.append(
                np.stack(
                    [
                        np.concatenate([v0, v1]),
                        np.concatenate([w0, none[1]]),
                        np.concatenate([none[0], w1]),
                        np.concatenate([none[0], w1 * per_unit[group]]),
                    ]
                )
            )
        length = -(-max(column.shape[1] for column in columns) // POINT_BLOCK) * POINT_BLOCK
        padded = np.stack([np.pad(c, ((0, 0), (0, length - c.shape[1]))) for c in columns])
        padded[:, 0][padded[:, 0] == 0] = 1.0
        dims = (self.dims[0], "node")
        names = ("before", "counts", "total", "users")
        return xr.Dataset({name: (dims, padded[:, k]) for k, name in enumerate(names)})

    def scaled(self, factor: float) -> Pairs:
        """Multiply every value by a positive number."""
        frame, given = self.frame, self.given
        powers = dict.fromkeys(("reference", "m0", "m1", "s1"), factor)
        powers |= dict.fromkeys(("m00", "m11", "m01", "s2"), factor**2) | {"s3": factor**3}
        logs = {f"l{t}": frame[f"l{t}"] + np.log(factor) * frame[f"active{t}"] for t in "01"}
        after = {f"t{k}": given[f"t{k}"] * factor ** (k + 1) for k in range(4)}
        before = {f"s{k}": given[f"s{k}"] * factor**k for k in (1, 2, 3)}
        return Pairs(
            coords=self.coords,
            frame=frame.assign(**{name: frame[name] * by for name, by in powers.items()}, **logs),
            attendance=self.attendance,
            given=given.assign(reference=given["reference"] * factor, **before, **after),
        )

    def __add__(self, other: Pairs) -> Pairs:
        """Put two disjoint sets of *users* together; no user may be in both."""
        given = pd.concat([self.given, other.given])
        return Pairs(
            coords=self.coords,
            frame=merge_pairs(pd.concat([self.frame, other.frame], ignore_index=True)),
            attendance=self.attendance + other.attendance,
            given=given.groupby(["cell", "reference"], as_index=False, sort=True)[list(_GIVEN)].sum(),
        )


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
    outcome = design.metric.column
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
            msg = f"{counts[name]:,} user(s) {what} ({_such_as(source, users, problem)}). {fix}"
            raise DataError(msg)


def _such_as(source: Source, users: Any, problem: Any) -> str:
    """Name the first few users who have a problem."""
    found = source.execute(users.filter(problem).order_by("unit").limit(3).select("unit"))
    return f"such as {', '.join(repr(value) for value in found['unit'].to_pylist())}"


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
    several, repeated = users.cell != users.other, users.rows > 1
    counts = source.execute(
        users.aggregate(several=several.sum(), repeated=repeated.sum()),
    ).to_pylist()[0]
    if counts["several"]:
        msg = (
            f"{counts['several']:,} user(s) are in more than one cell of the two experiments "
            f"({_such_as(source, users, several)}); each user must have one assignment."
        )
        raise DataError(msg)
    if counts["repeated"] and design.agg is None:
        msg = (
            f"{counts['repeated']:,} user(s) have several rows ({_such_as(source, users, repeated)}). If "
            'they are parts of one total, such as days, say agg="sum"; otherwise keep one row a user.'
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


def aggregate_given(users: Source) -> pd.DataFrame:
    """Aggregate the values after by the values before; see `Pairs.given`.

    Parameters
    ----------
    users
        One row a user: ``group``, ``y0``, ``y1``.

    Returns
    -------
    pandas.DataFrame
        Sorted by group (``cell``) and ``reference``; empty if no user is positive in both periods.
    """
    active = users.table.filter((users.table.y0 > 0) & (users.table.y1 > 0))
    grids = Grid.of(users, active.select(cell=active.group, y=active.y0))
    if not grids:
        return pd.DataFrame(columns=["cell", "reference", *_GIVEN], dtype=float)
    table = active.mutate(reference=Grid.by_cell(grids, active.group).reference(active.y0))
    table = table.mutate(d=table.y0 - table.reference)
    weighted = {"t0": table.y1.sum()} | bin_sums_of(table.d, table.y1, "t")
    found: pd.DataFrame = users.execute(
        table.group_by(cell=table.group, reference=table.reference).agg(
            n=table.count(), **bin_sums(table.d, "s"), **weighted
        )
    ).to_pandas()
    return found.sort_values(["cell", "reference"], ignore_index=True)


def bin_sums_of(deviation: Any, weight: Any, letter: str) -> dict[str, Any]:
    """Sum the first three powers of a deviation, every row weighted; as `bin_sums`."""
    square = deviation * deviation
    powers = (deviation, square, square * deviation)
    return {f"{letter}{k}": (weight * power).sum() for k, power in enumerate(powers, start=1)}
