"""Many columns of the same users, read in one pass: counts, means, cross-moments and what a check asks for.

Rows stream through in batches, so that memory depends on the number of columns and not on that of the rows;
but where the rows of a user are put together, the engine holds every user's values at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twobytwo.ask.design import Design
from twobytwo.ask.metric import share_kept
from twobytwo.data.columns import (
    inexact,
    level,
    levels_column,
    refuse_inexact,
    refuse_missing_ids,
    unit_column,
    without_user,
)
from twobytwo.data.conditions import is_missing
from twobytwo.data.days import into_periods, per_day
from twobytwo.data.engines import Query, listening
from twobytwo.data.limits import cap_at, capped_row, daily_cap_of
from twobytwo.data.prepare import flat
from twobytwo.data.sources import Source, open_source
from twobytwo.data.sums import Read, Several, sums_of
from twobytwo.data.validate import refuse_magnitude
from twobytwo.errors import DataError, DesignError

__all__ = ["read_several"]

Floats = npt.NDArray[np.float64]

_BATCH_VALUES = 4_000_000


def read_several(
    data: Any, design: Design, reads: Sequence[Read], pairs: Sequence[tuple[int, int]] = ()
) -> Several:
    """Read many columns of one table in one pass.

    Parameters
    ----------
    data
        Any table that `twobytwo.data.sources.open_source` takes.
    design
        The question, of any metric; not wide, and not with ``missing="available"``.
    reads
        The columns; one may be read several times, with other caps.
    pairs
        Places of columns and their values before, of which mixed cubes are needed.

    Returns
    -------
    Several
        Their joint moments.

    Raises
    ------
    DataError, DesignError
        If the table cannot answer: an absent column, missing or infinite values, values above their bound,
        users with several rows without `agg`, users in several groups, absences without a policy, too few
        users.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"arm": [0, 1] * 4, "a": range(8), "b": [1, 2, 1, 4, 1, 2, 3, 4]})
    >>> reads = [Read(column="a"), Read(column="b", cap=3)]
    >>> read_several(frame, Design.compare(outcome="a", group="arm"), reads).mean.tolist()
    [[3.0, 1.5], [4.0, 2.5]]
    """
    sent: list[Query] = []
    with listening(sent.append):
        several = _read(data, design, reads, pairs)
    return replace(several, queries=len(sent))


def _read(data: Any, design: Design, reads: Sequence[Read], pairs: Sequence[tuple[int, int]]) -> Several:
    if design.wide is not None or design.missing == "available":
        said = "a column before" if design.wide is not None else 'missing="available"'
        msg = (
            f'A scorecard does not know {said}; give one row per user (and period), and say "zero" or "drop".'
        )
        raise DesignError(msg)
    factors = [factor.column for factor in design.factors]
    ids = () if design.unit is None else (design.unit,)
    wanted = dict.fromkeys([*(read.column for read in reads), *factors, *ids])
    source = open_source(data, [*wanted], as_text=ids)
    source, design = into_periods(source, design)
    found = source.execute(
        source.table.select(
            **{f"f{k}": levels_column(source, name) for k, name in enumerate(factors)}
        ).distinct(),
        "levels",
    ).to_pylist()
    for k, name in enumerate(factors):
        if any(level(row[f"f{k}"]) is None for row in found):
            msg = (
                f"Column {name!r} is missing in some rows; drop these rows or say which level they belong to."
            )
            raise DataError(msg)
    observed = {name: list(dict.fromkeys(row[f"f{k}"] for row in found)) for k, name in enumerate(factors)}
    design = design.resolve(observed)
    reads = [_with_daily_cap(read, source) for read in reads]
    places = {rows: j for j, rows in enumerate(dict.fromkeys(read.rows for read in reads))}
    values = {
        f"y{j}": per_day(source, design, capped_row(source, name, None if cap is None else float(cap)))
        for (name, cap), j in places.items()
    }
    columns = [name for name, _ in places]
    # Only rows that are put together by user need the engine to hold all users at once.
    together = _put_together(source, design, list(dict.fromkeys(columns)))
    users, names = (_users if together else _rows)(source, design, values)
    kept = source.of(_by_policy(users, design, names))
    capped = [_with_number(read, kept, names[places[read.rows] :: len(places)]) for read in reads]
    rows = max(1_000, _BATCH_VALUES // max(len(names), len(reads), 1))
    stream = source.stream(users, rows, "every metric of every user")
    batches = (_arrays(batch, names, columns) for batch in stream)
    checked = _checked(batches, design, columns) if together else batches
    taken = ((cell, _taken(values, capped, places)) for cell, values, *_ in checked)
    # Sums of what is too large are refused, and need not be warned of.
    with np.errstate(over="ignore", invalid="ignore"):
        found = sums_of(design, capped, taken, pairs)
    for group in np.maximum(np.abs(found.low), np.abs(found.high)):
        # The values before stand first, then those after, in the order of the columns.
        for read, largest in zip([*capped] * (group.size // len(capped)), group, strict=True):
            refuse_magnitude(read.column, float(largest))
    return found


def _put_together(source: Source, design: Design, columns: Sequence[str]) -> bool:
    """Say whether users have, or may have, several rows; refuse rows without a user and inexact integers."""
    integers = {f"inexact{j}": inexact(source.table[name]) for j, name in enumerate(columns)}
    wanted: dict[str, Any] = {name: counted for name, counted in integers.items() if counted is not None}
    one_each = design.unit is None or (design.agg is None and not design.paired)
    if design.unit is not None:
        wanted["nobody"] = without_user(source, design)
        if one_each:
            wanted |= {"rows": source.table.count(), "users": source.table[design.unit].nunique()}
    if not wanted:
        return False
    found = source.execute(
        source.table.aggregate(**wanted), "ids that are missing, or repeat; integers that floats cannot hold"
    )
    counts = {name: count or 0 for name, count in found.to_pylist()[0].items()}
    for name, column in zip(integers, columns, strict=True):
        refuse_inexact(column, counts.get(name, 0))
    refuse_missing_ids(design, counts.get("nobody", 0))
    return not one_each or counts.get("users", 0) < counts.get("rows", 0)


def _by_policy(users: Any, design: Design, names: Sequence[str]) -> Any:
    """Apply what absence means, as `_checked` does to the rows that stream through."""
    if design.missing == "zero":
        return users.mutate(**{name: users[name].fill_null(0.0) for name in names})
    if design.missing == "drop":
        return users.filter([users[f"rows{t}"] > 0 for t in range(_periods(design))])
    return users


def _with_daily_cap(read: Read, rows: Source) -> Read:
    """Find the number of a cap on rows that is stated as a share of them."""
    if read.daily_cap is None:
        return read
    return replace(read, daily_cap=daily_cap_of(rows, read.column, read.daily_cap))


def _with_number(read: Read, users: Source, names: Sequence[str]) -> Read:
    """Find the number of a cap that is stated as a share, over all values of all groups together."""
    share = share_kept(read.cap)
    if share is None:
        return read
    values = [users.table[name] for name in names]
    seen = ibis.union(
        *(users.table.select(y=value).filter(value.notnull()) for value in values), distinct=False
    )
    return replace(read, cap=cap_at(users, seen, share, f"cap={read.cap!r} of {read.column!r}"))


def _taken(values: Floats, reads: Sequence[Read], places: Mapping[Any, int]) -> Floats:
    """Give the values as they are read, once per period; shape (rows, D)."""
    parts = []
    for first in range(0, values.shape[1], len(places)):
        for read in reads:
            value = values[:, first + places[read.rows]]
            if read.upper_bound is not None and (value > read.upper_bound).any():
                msg = (
                    f"Column {read.column!r} has values above upper_bound={read.upper_bound:g} (one is "
                    f"{value.max():g}), which cannot be; find the rows that were counted twice, or correct "
                    "the bound."
                )
                raise DataError(msg)
            parts.append(value if read.cap is None else np.minimum(value, float(read.cap)))
    return np.stack(parts, axis=1)


def _rows(source: Source, design: Design, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    return source.table.select(cell=flat(source, design.factors), **values), list(values)


def _users(source: Source, design: Design, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """One row per user: its group, how many rows it has, and its values, once per period."""
    factors = design.factors[:-1] if design.paired else design.factors
    rows = source.table.select(
        unit=unit_column(source, design),
        cell=flat(source, factors),
        period=flat(source, design.factors[-1:]),
        **values,
    )
    # Sums leave missing values out, and a total of some of a user's rows is none: the first such column.
    gaps = [ibis.ifelse(is_missing(rows[name]), j, None) for j, name in enumerate(values)]
    wanted: dict[str, Any] = {
        "cell": rows.cell.min(),
        "other": rows.cell.max(),
        "gap": ibis.coalesce(*gaps, len(values)).min(),
    }
    names = []
    for t in range(len(design.factors[-1].labels) if design.paired else 1):
        here = (rows.period == t) if design.paired else None
        wanted[f"rows{t}"] = rows.count(where=here)
        for name in values:
            wanted[f"{name}_{t}"] = rows[name].sum(where=here)
            names.append(f"{name}_{t}")
    return rows.group_by("unit").agg(**wanted), names


def _arrays(
    batch: pa.RecordBatch, names: Sequence[str], columns: Sequence[str]
) -> tuple[Any, Floats, pa.RecordBatch]:
    values = np.empty((batch.num_rows, len(names)))
    for j, name in enumerate(names):
        values[:, j] = batch.column(batch.schema.get_field_index(name)).to_numpy(zero_copy_only=False)
    for kind, bad in (("infinite", np.isinf(values)), ("missing (NaN or null)", np.isnan(values))):
        # A user without any row in a period has nothing to sum there; that is for the policy to say.
        absent = "rows1" in batch.schema.names and kind != "infinite"
        if bad.any() and not absent:
            column = columns[int(bad.any(axis=0).argmax()) % len(columns)]
            msg = (
                f"Column {column!r} is {kind} in {int(bad.any(axis=1).sum()):,} or more rows. The metrics of "
                "a scorecard are metrics of the same users: fill what is missing with 0 or drop these users, "
                "knowingly."
            )
            raise DataError(msg)
    cell = batch.column(batch.schema.get_field_index("cell")).to_numpy(zero_copy_only=False)
    return cell, values, batch


def _checked(batches: Any, design: Design, columns: Sequence[str]) -> Any:
    """Refuse users with several rows or groups or with gaps, and apply the policy for absences."""
    for cell, values, batch in batches:

        def column(name: str, batch: pa.RecordBatch = batch) -> Any:
            return batch.column(batch.schema.get_field_index(name)).to_numpy(zero_copy_only=False)

        switched = int((column("other") != cell).sum())
        if switched:
            msg = f"{switched:,} or more user(s) are in several groups; each user must have one assignment."
            raise DataError(msg)
        gaps = column("gap")
        if (first := int(gaps.min())) < len(columns):
            msg = (
                f"Column {columns[first]!r} is missing (NaN or null) in rows of "
                f"{(gaps < len(columns)).sum():,} or more user(s). A missing value may mean zero, or a user "
                "who left: fill with 0 or drop, knowingly."
            )
            raise DataError(msg)
        counts = np.stack([column(f"rows{t}") for t in range(_periods(design))], axis=-1)
        repeated = int((counts > 1).any(axis=1).sum())
        if repeated and design.agg is None:
            msg = (
                f"{repeated:,} or more user(s) have several rows. If they are parts of one total, such as "
                'days, say agg="sum"; otherwise keep one row per user.'
            )
            raise DataError(msg)
        absent = (counts == 0).any(axis=1)
        if absent.any() and design.missing is None:
            msg = (
                f"{int(absent.sum()):,} or more user(s) are seen in one period only. What that means only "
                'you know: say missing="zero" or "drop".'
            )
            raise DataError(msg)
        seen = np.repeat(counts > 0, values.shape[1] // counts.shape[1], axis=1)
        values = np.where(seen, values, 0.0)
        kept = ~absent if design.missing == "drop" else slice(None)
        yield cell[kept], values[kept]


def _periods(design: Design) -> int:
    return len(design.factors[-1].labels) if design.paired else 1
