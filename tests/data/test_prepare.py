"""One descent: a table is opened, judged and paired once."""

from __future__ import annotations

import pandas as pd

from twobytwo.ask.design import Design
from twobytwo.data.prepare import prepare

ROWS = pd.DataFrame(
    {
        "u": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6],
        "g": ["a"] * 6 + ["b"] * 6,
        "t": ["pre", "post"] * 6,
        "y": [1.0, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233],
    }
)
PAIRS = Design.did(outcome="y", group="g", period="t", unit="u", control="a", treatment="b")


def test_users_have_a_value_for_each_period() -> None:
    prepared = prepare(ROWS, PAIRS)
    users = prepared.users.execute(prepared.users.table.order_by("y0")).to_pylist()
    assert prepared.columns == 2
    assert [(user["cell"], user["y0"], user["y1"]) for user in users][:2] == [(0, 1.0, 2.0), (0, 3.0, 5.0)]
    assert prepared.attendance is not None
    assert prepared.attendance[:, 0].tolist() == [3, 3]


def test_values_come_back_as_rows_in_their_cells() -> None:
    prepared = prepare(ROWS, PAIRS)
    rows = prepared.users.execute(prepared.rows).to_pandas()
    sums = rows.groupby("cell")["y"].sum()
    assert sums.to_list() == [12.0, 20.0, 220.0, 356.0]


def test_limits_apply_to_what_was_prepared() -> None:
    capped = prepare(ROWS, PAIRS.measuring(cap=100.0))
    values = capped.limited().users
    assert values.execute(values.table.aggregate(top=values.table.y1.max()))["top"][0].as_py() == 100.0
    whole = capped.uncapped().limited().users
    assert whole.execute(whole.table.aggregate(top=whole.table.y1.max()))["top"][0].as_py() == 233.0
