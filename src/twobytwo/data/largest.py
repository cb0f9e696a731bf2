"""Whose values are the largest: the one question whose answer holds ids, asked only on request."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from twobytwo.ask.arguments import shown
from twobytwo.ask.design import Design
from twobytwo.data.columns import lengthen, outcome_column, unit_column
from twobytwo.data.days import into_periods, outcome_per_day
from twobytwo.data.limits import cap_rows
from twobytwo.data.prepare import flat
from twobytwo.data.sources import open_source
from twobytwo.errors import DesignError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SHARE", "largest_users"]

SHARE = "share_of_total"


def largest_users(data: Any, design: Design, *, n: int = 3, cells: Collection[int] = ()) -> pd.DataFrame:
    """Name the users with the largest values of every cell, and how much of its total each is.

    Parameters
    ----------
    data
        The table that was compressed.
    design
        The question, with its levels resolved against the table, as `Cells.design` has it.
    n
        How many of each cell; at least 1.
    cells
        Flat indices of the cells to look at, the last factor varying fastest; none stands for all of them.

    Returns
    -------
    pandas.DataFrame
        The user's id, the level of each factor, the value before any cap of users, and ``share_of_total``:
        the value as it is counted, after a cap, as a share of its cell's total. The largest share comes
        first. Without `unit` every row stands for itself and has no id.

    Raises
    ------
    DataError
        As `twobytwo.compress`.
    DesignError
        If `n` is not positive, or the metric is a ratio: its values are shares of no total.

    Examples
    --------
    >>> import pandas as pd
    >>> from twobytwo import compress
    >>> frame = pd.DataFrame({"who": range(8), "y": [1.0, 2, 3, 5, 8, 13, 21, 47], "g": [0, 1] * 4})
    >>> design = Design.compare(outcome="y", group="g", unit="who")
    >>> found = largest_users(frame, compress(frame, design).design, n=1)
    >>> found[["who", "g", "y"]].to_numpy().tolist(), found["share_of_total"].round(2).tolist()
    ([[7, '1', 47.0], [6, '0', 21.0]], [0.7, 0.64])
    """
    metric = design.metric
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        msg = f"n={shown(n)} must be a whole number from 1 on: how many users of each cell are named."
        raise DesignError(msg)
    if metric.denominator is not None:
        msg = f"{metric.name!r} is a ratio: its values are shares of no total, so none is the largest of one."
        raise DesignError(msg)
    source = open_source(data, design.columns, as_text=() if design.unit is None else (design.unit,))
    if design.wide is not None:
        source = lengthen(source, design)
    source, design = cap_rows(source, design)
    source, design = into_periods(source, design)
    source = outcome_per_day(source, design)
    value = outcome_column(source, metric.column) * metric.scale
    columns: dict[str, Any] = {"cell": flat(source, design.factors), "y": value}
    if design.unit is None:
        users = source.table.select(**columns)
    else:
        rows = source.table.select(unit=unit_column(source, design), **columns)
        users = rows.group_by("unit", "cell").agg(y=rows.y.sum())
    if design.paired and design.missing == "drop":
        # Who was left out is not in the total.
        seen = users.mutate(periods=users.count().over(group_by="unit"))
        users = seen.filter(seen.periods == len(design.factors[-1].labels))
    if cells:
        users = users.filter(users.cell.isin(list(cells)))
    counted = users.y if metric.cap is None else ibis.least(users.y, float(metric.cap))
    named = [] if design.unit is None else ["unit"]
    order = [users.y.desc(), *(users[name] for name in named)]
    ranked = users.mutate(
        share=counted / counted.sum().over(group_by="cell"),
        rank=ibis.row_number().over(group_by="cell", order_by=order),
    )
    # Ranks begin at 0.
    top = ranked.filter(ranked["rank"] < n).select(*named, "cell", "y", "share")
    found = source.execute(top, "whose values are the largest").to_pandas()
    found = found.sort_values(["share", "y", *named], ascending=[False, False, *(True for _ in named)])
    places = np.unravel_index(found.pop("cell").to_numpy(np.int64), design.shape)
    for k, (factor, place) in enumerate(zip(design.factors, places, strict=True)):
        found.insert(len(named) + k, factor.column, [factor.labels[int(at)] for at in place])
    names = {"unit": design.unit, "y": metric.column, "share": SHARE}
    return found.rename(columns=names).reset_index(drop=True)
