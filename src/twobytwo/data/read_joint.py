"""Users with several values, compressed: their moments by one aggregate, the rest when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from twobytwo.ask.design import Design
from twobytwo.data.bins import bin_sums
from twobytwo.data.conditions import or_false, pattern_bits
from twobytwo.data.given import Given
from twobytwo.data.grid import Grid
from twobytwo.data.joint import Joint
from twobytwo.data.later import Later
from twobytwo.data.merging import means_of, products_of, sums_of_products, wanted_of
from twobytwo.data.moments import Moments, merge, powers, unsuited
from twobytwo.data.patterns import CHANGE, KEYS, PATTERN
from twobytwo.data.sources import Source

__all__ = ["aggregate_users"]

Integers = npt.NDArray[np.int64]


def aggregate_users(design: Design, users: Source, attendance: Integers) -> tuple[Joint, Moments]:
    """Compress users with several values each: their moments now, the rest when it is asked for.

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
    joint : Joint
        What any family and any other method needs of them.
    by_cell : Moments
        Of the values by group and column.
    """
    columns = design.factors[-1].labels
    coords = dict(list(design.coords.items())[:-1])
    shape = tuple(len(labels) for labels in coords.values())
    groups = math.prod(shape)
    by_pattern, by_cell, of_changes = _together(users, len(columns), groups)
    joint = Joint(
        coords=coords,
        columns=columns,
        frame=Later(lambda: _frame(users, len(columns))),
        attendance=attendance.reshape(*shape, -1),
        given=_given(users, coords) if len(columns) == 2 else Given.nobody(coords),
        by_pattern=by_pattern,
        of_changes=of_changes,
    )
    return joint, by_cell


def _together(users: Source, columns: int, groups: int) -> tuple[pd.DataFrame, Moments, Moments]:
    """Run the one aggregate that moments need; see `Joint.by_pattern`.

    Returns
    -------
    by_pattern : pandas.DataFrame
    by_cell : Moments
        Of the values by group and column.
    of_changes : Moments
        Of the changes by group.
    """
    names = [*(f"y{j}" for j in range(columns)), "change"]
    origin, scale = dict.fromkeys(names, 0.0), dict.fromkeys(names, 1.0)
    found = _sums(users, columns, origin, scale)
    made = _moments(found, columns, groups, origin, scale)
    if any(unsuited(moments) for moments in made[1:]):
        # Sums about zero would lose digits: once more, about the middle and in units of the range.
        for j, name in enumerate(names):
            known = made[2].frame if name == "change" else made[1].frame.iloc[j::columns]
            low, high = float(known["low"].min()), float(known["high"].max())
            mean = float((known["n"] * known["mean"]).sum() / known["n"].sum())
            origin[name] = mean if low <= mean <= high else low / 2 + high / 2
            scale[name] = 2.0 ** math.frexp(max(high / 2 - low / 2, 1e-300))[1]
        # Of the values, so that products have the unit of squares.
        for name in names[:-1]:
            scale[name] = max(scale[other] for other in names[:-1])
        made = _moments(_sums(users, columns, origin, scale), columns, groups, origin, scale)
    return made


def _sums(
    users: Source, columns: int, origin: Mapping[str, float], scale: Mapping[str, float]
) -> pd.DataFrame:
    table = users.table
    values = [f"y{j}" for j in range(columns)]
    table = table.mutate(
        present=pattern_bits([table[name].notnull() for name in values]),
        active=pattern_bits([or_false(table[name] > 0) for name in values]),
        change=table[values[-1]] - table[values[0]],
    )

    def about(name: str) -> Any:
        plain = origin[name] == 0 and scale[name] == 1
        return table[name] if plain else (table[name] - origin[name]) / scale[name]

    moved = table.mutate(**{f"d{name}": about(name) for name in origin})
    wanted: dict[str, Any] = {"users": moved.count()}
    for name in origin:
        ends, sums = powers(users, moved[name]), powers(users, moved[f"d{name}"])
        kept = ("n", "zero", "low", "high")
        wanted |= {f"{name}_{key}": (ends if key in kept else sums)[key] for key in (*kept, *CHANGE)}
    for j in range(columns):
        for k in range(j + 1, columns):
            wanted[f"y{j}_y{k}"] = users.total(moved[f"dy{j}"] * moved[f"dy{k}"])
    asked = moved.group_by(PATTERN).agg(**wanted)
    found: pd.DataFrame = users.execute(
        asked, "counts, means, spreads and products of the users' values"
    ).to_pandas()
    return found.sort_values(PATTERN, ignore_index=True)


def _moments(
    found: pd.DataFrame, columns: int, groups: int, origin: Mapping[str, float], scale: Mapping[str, float]
) -> tuple[pd.DataFrame, Moments, Moments]:
    cell = found["cell"].to_numpy()
    by_pattern = found[PATTERN].assign(n=found["users"])

    def of(name: str) -> pd.DataFrame:
        part = found[[f"{name}_{key}" for key in ("n", "zero", "low", "high", *CHANGE)]].astype(float)
        part.columns = part.columns.str.removeprefix(f"{name}_")
        sums = part.fillna({"n": 0.0, "zero": 0.0, **dict.fromkeys(CHANGE, 0.0)})
        sums["positive"] = 0.0
        if name != "change":
            bit = columns - 1 - int(name.removeprefix("y"))
            sums["positive"] = sums["n"] * ((found["active"].to_numpy() >> bit) & 1)
        every = np.full(len(sums), origin[name]), np.full(len(sums), scale[name])
        with np.errstate(invalid="ignore", over="ignore"):
            columns_of = {str(key): sums[key].to_numpy(float) for key in sums}
            return Moments.of_sums(columns_of, *every).frame

    def by_group(frame: pd.DataFrame) -> Moments:
        values = frame[["n", "mean", "ss", "sc"]].to_numpy(float).T.copy()
        values[1] = np.where(values[0] > 0, values[1], 0.0)
        merged = dict(zip(("n", "mean", "ss", "sc"), merge(values, cell, groups), strict=True))
        grouped = frame.groupby(cell)
        ends = {"low": grouped["low"].min(), "high": grouped["high"].max()}
        counts = {name: grouped[name].sum() for name in ("positive", "zero")}
        every = pd.DataFrame({**ends, **counts}).reindex(range(groups))
        return Moments(frame=pd.DataFrame(merged).assign(**every.fillna({"positive": 0.0, "zero": 0.0})))

    values = [of(f"y{j}") for j in range(columns)]
    for j, frame in enumerate(values):
        # What is absent, and means of nobody, are 0.
        by_pattern[f"m{j}"] = frame["mean"].where(frame["n"] > 0, 0.0)
        by_pattern[f"m{j}_{j}"] = frame["ss"]
    for j in range(columns):
        for k in range(j + 1, columns):
            n = found["users"].to_numpy(float)
            both = (values[j]["n"] > 0) & (values[k]["n"] > 0)
            products = found[f"y{j}_y{k}"].astype(float).to_numpy() * scale[f"y{j}"] * scale[f"y{k}"]
            shift = (values[j]["mean"] - origin[f"y{j}"]) * (values[k]["mean"] - origin[f"y{k}"])
            by_pattern[f"m{j}_{k}"] = np.where(both, products - n * shift, 0.0)
    stacked = [by_group(frame).frame for frame in values]
    order = [j * groups + group for group in range(groups) for j in range(columns)]
    by_cell = pd.concat(stacked, ignore_index=True).iloc[order].reset_index(drop=True)
    return by_pattern, Moments(frame=by_cell), by_group(of("change"))


def _frame(users: Source, columns: int) -> pd.DataFrame:
    """Run the one aggregate over users; see `Joint.frame`."""
    table = users.table
    values = [f"y{j}" for j in range(columns)]

    def change(of: Any) -> Any:
        return of[values[-1]] - of[values[0]]

    complete = table.filter(*(table[name].notnull() for name in values))
    grids = Grid.of(users, complete.select(cell=complete.cell, y=change(complete)))
    active = [or_false(table[name] > 0) for name in values]
    table = table.mutate(
        present=pattern_bits([table[name].notnull() for name in values]),
        active=pattern_bits(active),
        change=change(table),
    )
    logs = {
        f"log{j}": ibis.ifelse(or_false(table[name] > 0), table[name], 1.0).ln()
        for j, name in enumerate(values)
    }
    everywhere = table.present == 2**columns - 1
    reference = Grid.by_cell(grids, table.cell).reference(table.change)
    table = table.mutate(reference=ibis.ifelse(everywhere, reference, 0.0), **logs)
    products = products_of("m", columns) | products_of("l", columns)
    of = {f"m{j}": table[f"y{j}"] for j in range(columns)}
    of |= {f"l{j}": table[f"log{j}"] for j in range(columns)}
    sums = bin_sums(table.change - table.reference, "s")
    found: pd.DataFrame = users.execute(
        table.group_by(KEYS).agg(n=table.count(), **sums, **wanted_of(of, products)),
        "bins of changes, moments of logs",
    ).to_pandas()
    found = sums_of_products(found, products).sort_values(KEYS, ignore_index=True)
    # Nobody is absent everywhere: what is undefined is the change and the means of an absence.
    undefined = [*CHANGE, *means_of(products)]
    found[undefined] = found[undefined].fillna(0.0)
    return found


def _given(users: Source, coords: Mapping[str, tuple[str, ...]]) -> Given:
    return Given(coords=coords, frame=Later(lambda: _after_by_before(users, Given.nobody(coords).frame)))


def _after_by_before(users: Source, nobody: pd.DataFrame) -> pd.DataFrame:
    """Aggregate the second values by the first; see `Given.frame`."""
    active = users.table.filter((users.table.y0 > 0) & (users.table.y1 > 0))
    grids = Grid.of(users, active.select(cell=active.cell, y=active.y0))
    if not grids:
        return nobody
    table = active.mutate(reference=Grid.by_cell(grids, active.cell).reference(active.y0))
    table = table.mutate(d=table.y0 - table.reference)
    square = table.d * table.d
    powers = (table.d, square, square * table.d)
    weighted = {"t0": table.y1.sum()} | {f"t{k}": (table.y1 * d).sum() for k, d in enumerate(powers, start=1)}
    found: pd.DataFrame = users.execute(
        table.group_by("cell", "reference").agg(n=table.count(), **bin_sums(table.d, "s"), **weighted),
        "values after by bins of the value before",
    ).to_pandas()
    return found.sort_values(["cell", "reference"], ignore_index=True)
