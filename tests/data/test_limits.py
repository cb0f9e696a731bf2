"""What a value may be, what large ones count as, and whose are left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import twobytwo as tbt
from twobytwo.ask.design import Design
from twobytwo.ask.metric import MetricOptions
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DataError, DesignError

TWO = Design.interaction(outcome="y", factors=("a", "b"))
DID = Design.did(outcome="y", group="g", period="t", control=0, treatment=1, before=0, after=1)


def rows(n: int = 4_000, seed: int = 0) -> pd.DataFrame:
    turn = np.arange(n) % 4
    y = np.random.default_rng(seed).lognormal(2, 1, n)
    return pd.DataFrame({"y": y, "a": turn // 2, "b": turn % 2})


def users(n: int = 2_000, seed: int = 0) -> pd.DataFrame:
    """Users with one row per period; every tenth is not seen after."""
    rng = np.random.default_rng(seed)
    level = rng.normal(2, 1, n)
    parts = [
        pd.DataFrame(
            {"u": range(n), "g": np.arange(n) % 2, "t": t, "y": np.exp(level + rng.normal(0, 0.5, n))}
        )
        for t in (0, 1)
    ]
    return pd.concat([parts[0], parts[1][np.arange(n) % 10 > 0]], ignore_index=True)


def changed(design: Design, **changes: Any) -> Design:
    """The same design with other columns, policies or limits."""
    of_metric = {name: value for name, value in changes.items() if name in MetricOptions.__annotations__}
    rest = {name: value for name, value in changes.items() if name not in of_metric}
    return replace(design, metric=replace(design.metric, **of_metric), **rest)


def paired(missing: str = "zero", **limits: Any) -> Design:
    return changed(DID, unit="u", missing=missing, **limits)


def equal(one: Cells, other: Cells) -> None:
    # Engines add rows in the order in which threads finish; sums of cubes may cancel to nothing.
    pd.testing.assert_frame_equal(one.bins.frame, other.bins.frame, rtol=1e-9, atol=1e-9)
    assert one.joint.size == other.joint.size
    if one.joint.size > 1:
        pd.testing.assert_frame_equal(one.joint.frame, other.joint.frame, rtol=1e-9, atol=1e-9)
        pd.testing.assert_frame_equal(one.joint.given.frame, other.joint.given.frame, rtol=1e-9, atol=1e-9)


# The bound


def test_impossible_values_are_refused_with_their_number_and_the_largest() -> None:
    frame = rows()
    frame.loc[[5, 77], "y"] = [1_500.0, 2_000.5]
    with pytest.raises(
        DataError,
        match=r"'y' has 2 value\(s\) above upper_bound=1440 \(the largest is 2000.5\).*counted twice",
    ):
        compress(frame, TWO.measuring(upper_bound=1_440))
    assert compress(frame, TWO.measuring(upper_bound=2_000.5)).rows == len(frame)


def test_the_bound_is_one_of_the_values_that_are_compared() -> None:
    """Of users: a day's rows may each be possible where their sum is not."""
    frame = users()
    twice = pd.concat([frame, frame[frame["u"] == 3]], ignore_index=True)
    bound = float(frame["y"].max())
    twice.loc[twice["u"] == 3, "y"] = 0.7 * bound
    compress(frame, paired(upper_bound=bound))
    with pytest.raises(DataError, match=r"2 value\(s\) above upper_bound=.*the largest is "):
        compress(twice, paired(upper_bound=bound, agg="sum"))


@pytest.mark.parametrize("column", ["pre", "post"])
def test_of_a_wide_table_the_column_of_the_impossible_value_is_named(column: str) -> None:
    frame = pd.DataFrame({"id": range(60), "g": np.arange(60) % 2})
    frame["pre"], frame["post"] = np.random.default_rng(0).normal(50, 5, (2, 60))
    frame.loc[3, column] = 999
    design = Design.did_wide(before_column="pre", after_column="post", group="g", unit="id")
    with pytest.raises(DataError, match=rf"^Column '{column}' has 1 value\(s\) above upper_bound=100 "):
        compress(frame, design.measuring(upper_bound=100))


def test_the_bound_changes_nothing_but_what_is_refused() -> None:
    equal(compress(rows(), TWO.measuring(upper_bound=1e9)), compress(rows(), TWO))


# The cap


def test_a_cap_is_the_analysis_of_capped_values() -> None:
    frame = rows()
    capped = compress(frame, TWO.measuring(cap=20.0))
    equal(capped, compress(frame.assign(y=frame["y"].clip(upper=20.0)), TWO))
    assert capped.uncapped is not None
    equal(capped.uncapped, compress(frame, TWO))
    assert capped.uncapped.design.metric.cap is None


@pytest.mark.parametrize("missing", ["zero", "drop", "available"])
def test_a_cap_of_users_is_the_analysis_of_capped_users(missing: str) -> None:
    frame = users()
    capped = compress(frame, paired(missing, cap=20.0))
    plain = compress(frame.assign(y=frame["y"].clip(upper=20.0)), paired(missing))
    equal(capped, plain)
    # Who was not seen stays unseen: a missing value is not the cap.
    np.testing.assert_array_equal(capped.joint.attendance, plain.joint.attendance)
    assert capped.uncapped is not None
    equal(capped.uncapped, compress(frame, paired(missing)))


def test_a_sum_is_capped_not_its_parts() -> None:
    frame = users()
    halves = pd.concat([frame.assign(y=frame["y"] / 2)] * 2, ignore_index=True)
    equal(
        compress(halves, paired(cap=20.0, agg="sum")),
        compress(frame, paired(cap=20.0)),
    )


def test_a_cap_below_every_value_of_a_cell_leaves_no_spread() -> None:
    with pytest.raises(DataError, match=r"'a' = '0', 'b' = '0' the column 'y' is constant.*cap="):
        compress(rows().assign(y=lambda frame: 30 + frame["y"]), TWO.measuring(cap=20.0))


def test_capped_cells_add_up_and_survive_the_disk_with_the_uncapped_ones(tmp_path: Path) -> None:
    frame, design = rows(), TWO.measuring(cap=20.0)
    whole = compress(frame, design)
    parts = compress(frame[:1_600], design) + compress(frame[1_600:], design)
    for one, other in ((whole, parts), (whole.uncapped, parts.uncapped)):
        assert one is not None
        assert other is not None
        assert other.rows == one.rows
        for name in ("n", "mean", "ss"):
            np.testing.assert_allclose(other.moments()[name], one.moments()[name], rtol=1e-9)
    loaded = Cells.load(whole.save(tmp_path / "cells"))
    assert loaded.design == whole.design
    equal(loaded, whole)
    assert loaded.uncapped is not None
    assert whole.uncapped is not None
    equal(loaded.uncapped, whole.uncapped)


def test_cells_of_another_cap_do_not_answer() -> None:
    cells = compress(rows(), TWO.measuring(cap=20.0))
    with pytest.raises(DesignError, match=r"compressed for another design: cap differ"):
        tbt.analyze(cells, TWO)


def test_a_capped_answer_says_so_and_shows_the_uncapped_one_beside() -> None:
    frame = rows(20_000)
    result = tbt.interaction(frame, outcome="y", factors=("a", "b"), cap=30.0)
    plain = tbt.interaction(frame, outcome="y", factors=("a", "b"))
    assert "mean of y, capped at 30" in str(result.summary()["label"].to_list())
    assert result.uncapped is not None
    # One seed and the same rows: the uncapped fit is the analysis without a cap.
    np.testing.assert_array_equal(result.uncapped.effects["interaction"], plain.effects["interaction"])
    assert plain.uncapped is None
    assert any("Without the cap the best estimate is" in said for said in result.headline.how)
    assert not any("Without the cap" in said for said in plain.headline.how)
    assert "Caution: y capped at 30." in result.statement
    cells = frame.assign(y=frame["y"].clip(upper=30)).groupby(["a", "b"])["y"].mean()
    raw = cells[1, 1] - cells[1, 0] - cells[0, 1] + cells[0, 0]
    row = result.summary().loc["interaction"]
    assert row["mean"] == pytest.approx(raw, abs=0.1 * row["sd"])


# Without the largest


def test_without_top_leaves_out_the_largest_share_of_rows() -> None:
    frame = rows(10_000)
    trimmed = compress(frame, replace(TWO, without_top=0.001))
    kept = frame[frame["y"] <= frame["y"].quantile(0.999)]
    assert trimmed.rows == len(kept) == 9_990
    equal(trimmed, compress(kept, TWO))


def test_without_top_leaves_out_users_by_the_larger_of_their_values() -> None:
    frame = users()
    trimmed = compress(frame, paired("available", without_top=0.05))
    largest = frame.groupby("u")["y"].max()
    kept = largest.index[largest <= largest.quantile(0.95)]
    assert trimmed.joint.units == len(kept) == 1_900
    equal(trimmed, compress(frame[frame["u"].isin(kept)], paired("available")))


def test_the_largest_go_before_the_cap() -> None:
    """Else, everyone at the cap would be as large as the largest."""
    frame = rows(10_000)
    both = compress(frame, replace(TWO.measuring(cap=15.0), without_top=0.01))
    kept = frame[frame["y"] <= frame["y"].quantile(0.99)]
    equal(both, compress(kept.assign(y=kept["y"].clip(upper=15.0)), TWO))


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        ({"without_top": -0.1}, r"without_top=-0.1 must be a share between 0 and 0.1"),
        ({"without_top": 0.5}, r"without_top=0.5 must be a share"),
        ({"cap": 0.0}, r"cap=0"),
        ({"cap": float("nan")}, r"cap=nan"),
        ({"upper_bound": -1.0}, r"upper_bound=-1"),
        ({"upper_bound": float("inf")}, r"upper_bound=inf"),
        ({"upper_bound": "1440"}, r"upper_bound='1440'"),
    ],
)
def test_limits_that_are_none_are_refused(limits: dict[str, Any], match: str) -> None:
    with pytest.raises(DesignError, match=match):
        changed(TWO, **limits)


@pytest.mark.parametrize("design", [TWO, paired("zero")], ids=["rows", "users"])
def test_a_cap_by_its_quantile_is_the_cap_by_its_number(design: Design) -> None:
    """One number for all cells, three digits of it, said with the quantile."""
    frame = rows() if design is TWO else users()
    by_share = compress(frame, changed(design, cap="99%"))
    values = frame["y"] if design is TWO else frame.pivot_table("y", "u", "t").fillna(0.0).stack()
    number = by_share.design.metric.cap
    assert number == pytest.approx(values.quantile(0.99), rel=0.005)
    assert by_share.design.metric.cap_share == 0.99
    assert by_share.design.metric.variable == f"y, capped at {number:,g}"
    assert by_share.design.metric.caps == f"capped at {number:,g} (the 99 % quantile)"
    equal(by_share, compress(frame, changed(design, cap=number)))


def test_days_are_capped_before_they_are_added_up() -> None:
    frame = users().assign(y=lambda f: f["y"].round() + 1)
    days = pd.concat([frame, frame.assign(y=1.0)], ignore_index=True)
    design = paired("drop", agg="sum", daily_cap=20)
    cells = compress(days, design)
    equal(cells, compress(days.assign(y=days["y"].clip(upper=20)), paired("drop", agg="sum")))
    assert cells.uncapped is not None
    equal(cells.uncapped, compress(days, paired("drop", agg="sum")))
    by_share = compress(days, paired("drop", agg="sum", daily_cap="95%"))
    assert by_share.design.metric.daily_cap == pytest.approx(days["y"].quantile(0.95), rel=0.005)
    both = compress(days, paired("drop", agg="sum", daily_cap=20, cap=30))
    assert both.highest <= 30
    assert both.design.metric.caps == "days capped at 20, capped at 30"


@pytest.mark.parametrize("cap", ["99", "101%", "40%", "100%", "most", "nan%"])
def test_what_is_no_quantile_is_refused(cap: str) -> None:
    with pytest.raises(DesignError, match="is neither a number nor a share of the values"):
        changed(TWO, cap=cap)


def test_a_quantile_of_zero_is_no_cap() -> None:
    with pytest.raises(DataError, match=r"cap='60%' would be 0: at least 60 % of the values are at most 0"):
        compress(rows().assign(y=lambda f: f["y"] * (f.index % 16 < 4)), changed(TWO, cap="60%"))


def test_a_daily_cap_needs_rows_that_are_added_up() -> None:
    with pytest.raises(DesignError, match="daily_cap= is for rows that are added up by user"):
        changed(TWO, daily_cap=3)


def test_infinite_days_are_not_hidden_by_a_cap() -> None:
    frame = users()
    frame.loc[3, "y"] = np.inf
    with pytest.raises(DataError, match="'y' is infinite in 1 of"):
        compress(frame, paired("drop", agg="sum", daily_cap=20))


def test_cells_capped_by_a_quantile_answer_the_same_question_again() -> None:
    from twobytwo.answer.analyze import _of_design

    cells = compress(rows(), changed(TWO, cap="99%"))
    again = _of_design(cells, changed(TWO, cap="99%", margin=1))
    assert again.design.metric.cap == cells.design.metric.cap
    assert again.design.metric.margin == 1
    assert again.uncapped is not None
    assert not again.uncapped.design.metric.capped
    with pytest.raises(DesignError, match="cap differ"):
        _of_design(cells, changed(TWO, cap="98%"))
