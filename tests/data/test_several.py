"""Many columns in one pass: the sums are those of pandas, and what is not one experiment is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.metric import Metric
from twobytwo.data.cells import compress
from twobytwo.data.several import read_several
from twobytwo.data.sums import Read, Several
from twobytwo.errors import DataError, DesignError

NAMES = ["a", "b", "c"]
READS = [Read(column=name) for name in NAMES]


def users(n: int = 600, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    keen = rng.normal(size=n)
    frame = pd.DataFrame({"user": np.arange(n), "arm": np.arange(n) % 2})
    frame["a"], frame["b"] = 1e6 + keen, np.exp(keen + rng.normal(size=n))
    frame["c"] = (keen > 0.4).astype(int)
    return frame


def compare(**more: Any) -> Design:
    return Design.compare(outcome="a", group="arm", **more)


def assert_moments(found: Several, groups: list[pd.DataFrame], names: list[str]) -> None:
    for g, frame in enumerate(groups):
        values = frame[names].to_numpy(float)
        assert found.n[g] == len(values)
        np.testing.assert_allclose(found.mean[g], values.mean(axis=0), rtol=1e-12)
        centred = values - values.mean(axis=0)
        np.testing.assert_allclose(found.cross[g], centred.T @ centred, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(found.cubes[g], (centred**3).sum(axis=0), rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(found.low[g], values.min(axis=0))
        np.testing.assert_allclose(found.high[g], values.max(axis=0))
        np.testing.assert_allclose(found.positive[g], (values > 0).sum(axis=0))


@pytest.mark.parametrize("unit", [None, "user"])
def test_rows_and_users_are_summed_as_pandas_does(unit: str | None) -> None:
    frame = users()
    found = read_several(frame, compare(unit=unit), READS)
    assert_moments(found, [group for _, group in frame.groupby("arm")], NAMES)
    assert found.odd[:, 2].sum() == 0
    assert found.fractional[:, 1].sum() > 0
    # Levels, then ids and integers, and the rows.
    assert found.queries == 3


def test_a_file_is_streamed(tmp_path: Path) -> None:
    frame = users()
    frame.to_parquet(tmp_path / "rows.parquet")
    found = read_several(str(tmp_path / "rows.parquet"), compare(unit="user"), READS)
    assert_moments(found, [group for _, group in frame.groupby("arm")], NAMES)


@pytest.mark.parametrize("kind", ["table", "memtable"])
def test_a_table_of_ibis_is_streamed_and_its_connection_stays_usable(kind: str) -> None:
    frame = users()
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    backend = ibis.duckdb.connect()
    backend.con.register("users", rows)
    table = ibis.memtable(rows) if kind == "memtable" else backend.table("users")
    found = read_several(table, compare(unit="user"), READS)
    assert_moments(found, [group for _, group in frame.groupby("arm")], NAMES)
    assert table.count().to_pyarrow().as_py() == len(frame)


def test_days_of_a_user_are_added() -> None:
    frame = users()
    days = pd.concat([frame, frame.assign(a=1.0, b=2.0, c=0)])
    found = read_several(days, compare(unit="user", agg="sum"), READS)
    total = days.groupby(["arm", "user"], as_index=False)[NAMES].sum()
    assert_moments(found, [group for _, group in total.groupby("arm")], NAMES)


@pytest.mark.parametrize("missing", ["zero", "drop"])
def test_the_same_users_in_two_periods_stand_side_by_side(missing: Any) -> None:
    frame = users().assign(period="pre")
    rows = pd.concat([frame, users(seed=1).assign(period="post").iloc[40:]])
    design = Design.did(outcome="a", group="arm", period="period", unit="user", missing=missing)
    found = read_several(rows, design, READS)
    wide = rows.pivot(index=["arm", "user"], columns="period", values=NAMES)
    wide = wide.fillna(0) if missing == "zero" else wide.dropna()
    wide.columns = [f"{name}_{period}" for name, period in wide.columns]
    names = [f"{name}_{period}" for period in ("pre", "post") for name in NAMES]
    assert_moments(found, [group for _, group in wide.groupby("arm")], names)
    assert (found.reads, found.periods) == (tuple(READS), 2)


@pytest.mark.parametrize(
    ("change", "design", "match"),
    [
        ({"b": np.nan}, {}, r"'b' is missing .* metrics of the same users"),
        ({"b": np.inf}, {"unit": "user"}, r"'b' is infinite"),
        ({"b": np.nan}, {"unit": "user"}, r"'b' is missing .* metrics of the same users"),
        ({"arm": np.nan}, {}, r"'arm' is missing in some rows"),
        ({"user": 3}, {"unit": "user"}, r"several rows.*agg=\"sum\"|several groups"),
    ],
)
def test_what_is_not_one_experiment_is_refused(change: Any, design: Any, match: str) -> None:
    frame = users().astype({"arm": float} if "arm" in change else {})
    for name, value in change.items():
        frame.loc[17, name] = value
    with pytest.raises(DataError, match=match):
        read_several(frame, compare(**design), READS)


@pytest.mark.parametrize("design", [{}, {"unit": "user"}, {"unit": "user", "agg": "sum"}])
@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 2**53])
def test_integers_that_floats_cannot_hold_are_refused(value: int, design: Any) -> None:
    """As in an analysis of one metric; as floats 2^53 + 1 is 2^53."""
    frame = users()
    frame.loc[17, "c"] = value
    if abs(value) > 2**53:
        with pytest.raises(DataError, match=r"'c' has 1 integers above 2\^53"):
            read_several(frame, compare(**design), READS)
    else:
        assert read_several(frame, compare(**design), READS).high[:, 2].max() == 2**53


@pytest.mark.parametrize("nobody", [None, ""])
@pytest.mark.parametrize("agg", [None, "sum"])
def test_rows_of_nobody_are_refused(nobody: Any, agg: Any) -> None:
    frame = users().astype({"user": str})
    frame.loc[:1, "user"] = nobody
    with pytest.raises(DataError, match=r"'user' is missing in some rows \(2, empty texts included\)"):
        read_several(frame, compare(unit="user", agg=agg), READS)


def test_one_row_per_user_is_read_as_it_stands() -> None:
    """The engine holds no users where nothing is put together; the sums are the same."""
    plain, added = (read_several(users(), compare(unit="user", agg=agg), READS) for agg in (None, "sum"))
    for name in ("n", "mean", "cross", "cubes"):
        np.testing.assert_allclose(getattr(plain, name), getattr(added, name), rtol=1e-7, atol=1e-5)


def test_absences_need_a_policy_and_wide_tables_are_not_known() -> None:
    rows = pd.concat([users().assign(period="pre"), users().assign(period="post").iloc[9:]])
    design = Design.did(outcome="a", group="arm", period="period", unit="user")
    with pytest.raises(DataError, match=r"\d or more user\(s\) are seen in one period only"):
        read_several(rows, design, READS)
    available = Design.did(outcome="a", group="arm", period="period", unit="user", missing="available")
    with pytest.raises(DesignError, match='does not know missing="available"'):
        read_several(rows, available, READS)


def test_a_group_of_two_is_too_small() -> None:
    with pytest.raises(DataError, match=r"A group has 2 user\(s\)"):
        read_several(users(5), compare(), READS)


def test_every_group_of_a_comparison_is_read() -> None:
    frame = users().assign(arm=lambda frame: frame["user"] % 3)
    found = read_several(frame, compare(unit="user"), READS)
    assert found.design.factors[0].levels == (0, 1, 2)
    assert_moments(found, [group for _, group in frame.groupby("arm")], NAMES)
    one = Design.compare(outcome="a", group="arm", control=0, treatment=1)
    with pytest.raises(DesignError, match=r"further levels \(2\); name them in treatment= too, or leave"):
        read_several(frame, one, READS)


@pytest.mark.parametrize("unit", [None, "user"])
def test_large_values_count_as_the_cap(unit: str | None) -> None:
    """A column may be read twice; the number of a share is that of the full analysis."""
    frame = users()
    reads = [Read(column="b", cap="90%"), Read(column="b"), Read(column="b", cap=2.5), Read(column="c")]
    found = read_several(frame, compare(unit=unit), reads)
    cells = compress(frame, Design.compare(outcome="b", group="arm", unit=unit, cap="90%"))
    number = cells.design.metric.cap
    assert [read.cap for read in found.reads] == [number, None, 2.5, None]
    assert found.queries == 4
    taken = frame.assign(b9=frame["b"].clip(upper=number), b2=frame["b"].clip(upper=2.5))
    assert_moments(found, [group for _, group in taken.groupby("arm")], ["b9", "b", "b2", "c"])


def test_a_cap_by_share_counts_absent_users_as_the_policy_does() -> None:
    rows = pd.concat([users().assign(period="pre"), users(seed=1).assign(period="post").iloc[200:]])
    for missing in ("zero", "drop"):
        design = Design.did(
            outcome="b", group="arm", period="period", unit="user", missing=missing, cap="90%"
        )
        found = read_several(rows, design, [Read(column="b", cap="90%")])
        assert found.reads[0].cap == compress(rows, design).design.metric.cap


def by_day() -> pd.DataFrame:
    """Two values a day of 300 users: 10 days before the launch, 14 after."""
    days = pd.date_range("2026-08-22", "2026-09-14").strftime("%Y-%m-%d")
    rows = pd.DataFrame([(user, day) for user in range(300) for day in days], columns=["user", "day"])
    rows["arm"] = rows["user"] % 2
    rng = np.random.default_rng(3)
    rows["b"], rows["c"] = rng.gamma(0.4, 30, len(rows)), 1.0 + rng.poisson(2, len(rows))
    return rows


def test_rows_are_capped_before_they_are_added_up() -> None:
    """The number of a share is that of the full analysis; the column itself may be read beside it."""
    rows = by_day()
    reads = [Read(column="b", daily_cap="90%"), Read(column="b"), Read(column="c", daily_cap=2)]
    found = read_several(rows, compare(unit="user", agg="sum"), reads)
    asked = Design.compare(outcome="b", group="arm", unit="user", agg="sum", daily_cap="90%")
    number = compress(rows, asked).design.metric.daily_cap
    assert [read.daily_cap for read in found.reads] == [number, None, 2]
    assert found.queries == 4
    taken = rows.assign(b9=rows["b"].clip(upper=number), c=rows["c"].clip(upper=2))
    users = taken.groupby(["arm", "user"], as_index=False)[["b9", "b", "c"]].sum()
    assert_moments(found, [group for _, group in users.groupby("arm")], ["b9", "b", "c"])


def test_dates_are_two_periods_and_sums_are_divided_by_their_days() -> None:
    """What is read is what the full analysis of one metric reads."""
    rows = by_day()
    metric = Metric(column="b", daily_cap=40)
    design = Design.did(
        outcome=metric,
        group="arm",
        period="day",
        launch="2026-09-01",
        per="day",
        unit="user",
        agg="sum",
        missing="zero",
    )
    found = read_several(rows, design, [Read(column="b", daily_cap=40), Read(column="c")])
    cells = compress(rows, design)
    assert found.design.factors[-1].launch == cells.design.factors[-1].launch
    np.testing.assert_allclose(found.mean[:, [0, 2]], cells.moments()["mean"].to_numpy(), rtol=1e-12)
    total = rows[rows["day"] < "2026-09-01"].groupby(["arm", "user"])["c"].sum() / 10
    np.testing.assert_allclose(found.mean[:, 1], total.groupby("arm").mean())
    with pytest.raises(DataError, match="different numbers of days cannot be compared"):
        read_several(rows, without_days(design), [Read(column="b")])


def without_days(design: Design) -> Design:
    """Ask the same of sums that are not divided by days."""
    *others, period = design.factors
    assert period.launch is not None
    return replace(design, factors=(*others, replace(period, launch=replace(period.launch, per=None))))


def test_a_ratio_is_the_same_over_any_number_of_days() -> None:
    """So days need not be equal, and dividing by them changes nothing."""
    rows = by_day()

    def ratio(per: Literal["day"] | None) -> Design:
        return Design.did(
            outcome="b",
            denominator="c",
            group="arm",
            period="day",
            launch="2026-09-01",
            per=per,
            unit="user",
            agg="sum",
            missing="zero",
        )

    undivided, divided = (compress(rows, ratio(per)).moments()["mean"].to_numpy() for per in (None, "day"))
    np.testing.assert_allclose(divided, undivided)
    sums = rows.assign(after=rows["day"] >= "2026-09-01").groupby(["arm", "after"])[["b", "c"]].sum()
    np.testing.assert_allclose(undivided.ravel(), sums["b"] / sums["c"])


@pytest.mark.parametrize("unit", [None, "user"])
@pytest.mark.parametrize("power", [-300, -80, 80, 300])
def test_sizes_that_cannot_be_squared_are_called_so(power: int, unit: str | None) -> None:
    """1e300 was an error of scipy's, and 1e-300 a constant."""
    frame = users(40)
    frame["b"] *= 10.0**power
    with pytest.raises(DataError, match=r"'b' has values of a size that cannot be squared.*multiply it by"):
        read_several(frame, compare(unit=unit), READS)


def test_values_above_their_bound_are_refused() -> None:
    with pytest.raises(DataError, match=r"'b' has values above upper_bound=3 \(one is \d"):
        read_several(users(), compare(), [Read(column="b", upper_bound=3)])


@pytest.mark.parametrize("gap", [None, float("nan")])
@pytest.mark.parametrize("design", [compare(unit="user", agg="sum"), None])
def test_a_gap_in_one_of_a_users_rows_is_refused_by_name(gap: float | None, design: Design | None) -> None:
    """A sum of the other rows would be taken for the user's total."""
    frame = users()
    days = pd.concat([frame.assign(period="pre"), frame.assign(period="post")])
    if design is None:
        days = pd.concat([days, days])
        design = Design.did(outcome="a", group="arm", period="period", unit="user", agg="sum", missing="drop")
    days["b"] = days["b"].astype("float64")
    table = pa.Table.from_pandas(days, preserve_index=False)
    values = table["b"].to_pylist()
    values[7] = gap
    table = table.set_column(table.schema.get_field_index("b"), "b", pa.array(values, pa.float64()))
    with pytest.raises(DataError, match=r"Column 'b' is missing \(NaN or null\) in (1|rows of 1) or more"):
        read_several(table, design, READS)
