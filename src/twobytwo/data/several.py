"""Many columns of the same users, read in one pass: counts, means, cross-moments and what a check asks for.

Rows stream through in batches, so that memory depends on the number of columns and not on that of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twobytwo.ask.design import Design
from twobytwo.data.columns import level, levels_column, outcome_column, unit_column
from twobytwo.data.prepare import flat
from twobytwo.data.sources import Source, open_source
from twobytwo.errors import DataError, DesignError

__all__ = ["Several", "read_several", "sums_of"]

Floats = npt.NDArray[np.float64]

_BATCH_VALUES = 4_000_000
_LEAST = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Several:
    """Users with D values each, by group, from one pass.

    Parameters
    ----------
    design
        The question, its levels resolved; of its metric nothing is used.
    columns
        Names of the D columns; with periods each stands once a period, all columns of the first before all of
        the second.
    n
        Users by group; shape (groups,). Groups are cells, or all but the period where the same users are
        seen in several.
    mean, cross, cubes
        Means, shape (groups, D), central sums of products, (groups, D, D), and of cubes, (groups, D).
    low, high
        Smallest and largest value; shape (groups, D).
    positive, odd, fractional
        How many values are positive, neither 0 nor 1, and no whole numbers from 0 on; shape (groups, D).
    queries
        How many queries were sent.
    """

    design: Design
    columns: tuple[str, ...]
    n: Floats
    mean: Floats
    cross: Floats
    cubes: Floats
    low: Floats
    high: Floats
    positive: Floats
    odd: Floats
    fractional: Floats
    queries: int = 0

    @property
    def periods(self) -> int:
        """How often a user's columns stand: once, or once a period."""
        return len(self.design.factors[-1].labels) if self.design.paired else 1


class _Sums:
    """Running sums of one group, about a shift that keeps digits."""

    def __init__(self, shift: Floats) -> None:
        size = len(shift)
        self.shift, self.n = shift, 0
        self.first, self.third = np.zeros(size), np.zeros(size)
        self.squares = np.zeros((size, size))
        self.low, self.high = np.full(size, np.inf), np.full(size, -np.inf)
        self.positive, self.odd, self.fractional = np.zeros(size), np.zeros(size), np.zeros(size)

    def add(self, values: Floats) -> None:
        """Add rows; shape (rows, D)."""
        self.n += len(values)
        self.low = np.minimum(self.low, values.min(axis=0))
        self.high = np.maximum(self.high, values.max(axis=0))
        self.positive += (values > 0).sum(axis=0)
        self.odd += ((values != 0) & (values != 1)).sum(axis=0)
        self.fractional += ((values < 0) | (values != np.floor(values))).sum(axis=0)
        moved = values - self.shift
        self.first += moved.sum(axis=0)
        self.squares += moved.T @ moved
        self.third += (moved * moved * moved).sum(axis=0)

    def central(self) -> tuple[Floats, Floats, Floats]:
        """Mean, central sums of products, central sums of cubes."""
        offset = self.first / self.n
        cross = self.squares - self.n * np.outer(offset, offset)
        cubes = self.third - 3 * offset * np.diagonal(self.squares) + 2 * self.n * offset**3
        return self.shift + offset, (cross + cross.T) / 2, cubes


def sums_of(design: Design, columns: Sequence[str], batches: Any, queries: int = 0) -> Several:
    """Sum batches of users.

    Parameters
    ----------
    design
        The question, resolved.
    columns
        Names of the D columns.
    batches
        Pairs of groups (flat indices, shape (rows,)) and values, shape (rows, D).
    queries
        How many queries it took.

    Raises
    ------
    DataError
        If a group has fewer than three users.
    """
    dims = design.factors[:-1] if design.paired else design.factors
    groups = int(np.prod([len(factor.labels) for factor in dims]))
    found: list[_Sums] | None = None
    for cell, values in batches:
        if found is None:
            shift = values.mean(axis=0)
            found = [_Sums(shift) for _ in range(groups)]
        for group in range(groups):
            chosen = values[cell == group]
            if len(chosen):
                found[group].add(chosen)
    sizes = [one.n for one in found] if found else [0]
    if found is None or min(sizes) < _LEAST:
        msg = f"A group has {min(sizes)} user(s) or row(s); a scorecard needs at least {_LEAST} in each."
        raise DataError(msg)
    mean, cross, cubes = (np.stack(parts) for parts in zip(*(one.central() for one in found), strict=True))
    counted = ("low", "high", "positive", "odd", "fractional")
    return Several(
        design=design,
        columns=tuple(columns),
        n=np.array(sizes, dtype=float),
        mean=mean,
        cross=cross,
        cubes=cubes,
        queries=queries,
        **{name: np.stack([getattr(one, name) for one in found]) for name in counted},
    )


def read_several(data: Any, design: Design, columns: Sequence[str]) -> Several:
    """Read many columns of one table in one pass.

    Parameters
    ----------
    data
        Any table that `twobytwo.data.sources.open_source` takes.
    design
        The question, of any metric; not wide, and not with ``missing="available"``.
    columns
        Names of the columns.

    Returns
    -------
    Several
        Their joint moments.

    Raises
    ------
    DataError, DesignError
        If the table cannot answer: an absent column, missing or infinite values, users with several rows
        without `agg`, users in several groups, absences without a policy, too few users.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"arm": [0, 1] * 4, "a": range(8), "b": [1, 2, 1, 4, 1, 2, 3, 4]})
    >>> read_several(frame, Design.compare(outcome="a", group="arm"), ["a", "b"]).mean.tolist()
    [[3.0, 1.5], [4.0, 3.0]]
    """
    if design.wide is not None or design.missing == "available":
        said = "a column before" if design.wide is not None else 'missing="available"'
        msg = (
            f'A scorecard does not know {said}; give one row per user (and period), and say "zero" or "drop".'
        )
        raise DesignError(msg)
    factors = [factor.column for factor in design.factors]
    ids = () if design.unit is None else (design.unit,)
    source = open_source(data, [*dict.fromkeys([*columns, *factors, *ids])], as_text=ids)
    found = source.execute(
        source.table.select(
            **{f"f{k}": levels_column(source, name) for k, name in enumerate(factors)}
        ).distinct()
    ).to_pylist()
    for k, name in enumerate(factors):
        if any(level(row[f"f{k}"]) is None for row in found):
            msg = (
                f"Column {name!r} is missing in some rows; drop these rows or say which level they belong to."
            )
            raise DataError(msg)
    observed = {name: list(dict.fromkeys(row[f"f{k}"] for row in found)) for k, name in enumerate(factors)}
    design = design.resolve(observed)
    values = {f"y{j}": outcome_column(source, name) for j, name in enumerate(columns)}
    users, names = (_users if design.unit else _rows)(source, design, values)
    assert source.stream is not None
    rows = max(1_000, _BATCH_VALUES // max(len(names), 1))
    batches = (_arrays(batch, names, columns) for batch in source.stream(users, rows))
    periods = len(names) // len(columns)
    checked = _checked(batches, design) if design.unit else batches
    return sums_of(design, list(columns) * periods, ((cell, y) for cell, y, *_ in checked), queries=2)


def _rows(source: Source, design: Design, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    return source.table.select(cell=flat(source, design.factors), **values), list(values)


def _users(source: Source, design: Design, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """One row per user: its group, how many rows it has, and its values, once a period."""
    factors = design.factors[:-1] if design.paired else design.factors
    rows = source.table.select(
        unit=unit_column(source, design),
        cell=flat(source, factors),
        period=flat(source, design.factors[-1:]),
        **values,
    )
    wanted: dict[str, Any] = {"cell": rows.cell.min(), "other": rows.cell.max()}
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


def _checked(batches: Any, design: Design) -> Any:
    """Refuse users with several rows or groups, and apply the policy for absences."""
    for cell, values, batch in batches:

        def column(name: str, batch: pa.RecordBatch = batch) -> Any:
            return batch.column(batch.schema.get_field_index(name)).to_numpy(zero_copy_only=False)

        if batch.num_rows and batch.column(batch.schema.get_field_index("unit")).null_count:
            msg = f"Column {design.unit!r} is missing in some rows; drop these rows or give them ids."
            raise DataError(msg)
        switched = int((column("other") != cell).sum())
        if switched:
            msg = f"{switched:,} or more user(s) are in several groups; each user must have one assignment."
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
        if np.isnan(values[seen]).any():
            msg = (
                "A metric is missing (NaN or null) in some rows; fill with 0 or drop these users, knowingly."
            )
            raise DataError(msg)
        values = np.where(seen, values, 0.0)
        kept = ~absent if design.missing == "drop" else slice(None)
        yield cell[kept], values[kept]


def _periods(design: Design) -> int:
    return len(design.factors[-1].labels) if design.paired else 1
