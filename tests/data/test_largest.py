"""Whose values are the largest: what pandas finds in the same rows, whatever form they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.cells import compress
from twobytwo.data.engines import listening
from twobytwo.data.largest import SHARE, largest_users
from twobytwo.errors import DesignError

LONG = {"outcome": "y", "group": "g", "period": "t"}
LEVELS = {"control": "a", "treatment": "b", "before": "old", "after": "new"}


def users(n: int = 60) -> pd.DataFrame:
    """Text ids, two rows a period; every tenth user is not seen after, and one of them is the largest."""
    rng = np.random.default_rng(3)
    one = pd.DataFrame({"who": [f"id {k}" for k in range(n)], "g": np.where(np.arange(n) % 2, "b", "a")})
    rows = pd.concat([one.assign(t=t, y=rng.lognormal(2, 1, n)) for t in ("old", "old", "new", "new")])
    rows.loc[(rows["who"] == "id 10") & (rows["t"] == "old"), "y"] = 900.0
    return rows[(rows["t"] == "old") | (rows["who"].str[-1] != "0")]


def expected(rows: pd.DataFrame, *, cap: float = np.inf, n: int = 3) -> pd.DataFrame:
    """The same by pandas."""
    sums = rows.groupby(["who", "g", "t"], as_index=False)["y"].sum()
    sums[SHARE] = sums["y"].clip(upper=cap)
    sums[SHARE] /= sums.groupby(["g", "t"])[SHARE].transform("sum")
    top = sums.sort_values("y", ascending=False).groupby(["g", "t"]).head(n)
    return top.sort_values([SHARE, "y"], ascending=False, ignore_index=True)


def found(rows: pd.DataFrame, design: Design, **asked: Any) -> pd.DataFrame:
    return largest_users(rows, compress(rows, design).design, **asked)


def test_users_who_are_largest_are_named_by_cell() -> None:
    design = Design.did(**LONG, **LEVELS, unit="who", agg="sum", missing="zero")
    pd.testing.assert_frame_equal(found(users(), design), expected(users()), check_dtype=False)
    one = found(users(), design, n=1, cells=[0])
    assert one[["who", "g", "t"]].to_numpy().tolist() == [["id 10", "a", "old"]]


def test_who_is_left_out_is_not_named() -> None:
    design = Design.did(**LONG, **LEVELS, unit="who", agg="sum", missing="drop")
    rows = users()
    stayed = rows[rows["who"].str[-1] != "0"]
    pd.testing.assert_frame_equal(found(rows, design), expected(stayed), check_dtype=False)


def test_a_capped_value_is_shown_whole_and_weighed_as_it_counts() -> None:
    design = Design.did(**LONG, **LEVELS, unit="who", agg="sum", missing="zero", cap=30)
    made = found(users(), design)
    pd.testing.assert_frame_equal(made, expected(users(), cap=30), check_dtype=False)
    assert made["y"].max() == 1800


def test_days_a_cap_on_them_and_a_division_by_days_are_as_they_are_counted() -> None:
    rows = pd.DataFrame({"who": np.repeat(range(8), 3), "g": np.repeat([0, 1], 12)})
    rows["day"] = np.tile(["2026-08-31", "2026-09-01", "2026-09-02"], 8)
    rows["y"] = np.random.default_rng(1).integers(1, 9, len(rows)).astype(float)
    rows.loc[2, "y"] = 90.0
    design = Design.did(
        outcome="y",
        group="g",
        period="day",
        launch="2026-09-01",
        per="day",
        unit="who",
        agg="sum",
        daily_cap=20,
    )
    first = found(rows, design).iloc[0]
    assert (first["who"], first["g"], first["day"], first["y"]) == (0, "0", "after", (rows["y"][1] + 20) / 2)


def test_a_table_with_one_row_per_user_and_one_without_users() -> None:
    rows = users().groupby(["who", "g", "t"], as_index=False)["y"].sum()
    wide = rows.pivot(index=["who", "g"], columns="t", values="y").fillna(0.0).reset_index()
    columns = {"before_column": "old", "after_column": "new", "group": "g", "unit": "who"}
    made = found(wide, Design.did_wide(**columns, control="a", treatment="b"), n=1)
    assert made["who"][0] == "id 10"
    assert made["new"][0] == pytest.approx(1800)
    without = found(rows, Design.did(**LONG, **LEVELS), n=2)
    assert list(without.columns) == ["g", "t", "y", SHARE]
    assert len(without) == 8


def test_it_is_one_query_and_refuses_what_has_no_answer() -> None:
    rows = users().assign(n=1.0)
    design = compress(rows, Design.did(**LONG, **LEVELS, unit="who", agg="sum", missing="zero")).design
    asked: list[Any] = []
    with listening(asked.append):
        largest_users(rows, design)
    assert [query.purpose for query in asked] == ["whose values are the largest"]
    with pytest.raises(DesignError, match=r"n=0 must be a whole number from 1 on"):
        largest_users(rows, design, n=0)
    ratio = Design.did(**LONG, **LEVELS, unit="who", agg="sum", missing="zero", denominator="n")
    with pytest.raises(DesignError, match="is a ratio"):
        largest_users(rows, ratio)
