"""Dates become periods: in every container and type, or a refusal says why not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DataError, DesignError

DAYS = pd.date_range("2026-08-18", "2026-09-14")
LAUNCH = "2026-09-01"


def daily(days: pd.DatetimeIndex = DAYS) -> pd.DataFrame:
    """Twelve users, one row per day; who is treated has 3 more on each day after."""
    rows = pd.DataFrame([(user, day) for user in range(12) for day in days], columns=["user", "day"])
    rows["arm"] = np.where(rows["user"] % 2, "variant_b", "control")
    noise = np.random.default_rng(4).normal(0, 1, len(rows)).round(3)
    treated = (rows["arm"] == "variant_b") & (rows["day"] >= LAUNCH)
    rows["minutes"] = 20 + rows["user"] + noise + 3 * treated
    return rows


def read(data: Any, **stated: Any) -> Cells:
    asked: dict[str, Any] = {
        "outcome": "minutes",
        "group": "arm",
        "period": "day",
        "unit": "user",
        "agg": "sum",
    }
    return compress(data, Design.did(**asked | {"launch": LAUNCH} | stated))


def effect(cells: Cells) -> float:
    (c0, c1), (t0, t1) = cells.moments()["mean"].to_numpy()
    return float(t1 - t0 - (c1 - c0))


def texts(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(day=frame["day"].dt.strftime("%Y-%m-%d"))


TYPES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "timestamps": lambda frame: frame,
    "times of day": lambda frame: frame.assign(day=frame["day"] + pd.Timedelta("23:59:59")),
    "text": texts,
    "text with times": lambda frame: frame.assign(day=frame["day"].dt.strftime("%Y-%m-%dT%H:%M:%S")),
    "objects": lambda frame: frame.assign(day=frame["day"].dt.date.astype(object)),
    "polars": lambda frame: pl.DataFrame(texts(frame).to_dict("list")).with_columns(
        pl.col("day").str.to_date()
    ),
    "arrow": lambda frame: pa.table(texts(frame)).set_column(
        1, "day", pa.array(frame["day"].dt.date, pa.date32())
    ),
    "duckdb": lambda frame: duckdb.connect().from_arrow(pa.table(frame)),
}


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_date_in_every_container_makes_the_same_periods(kind: str) -> None:
    frame = daily()
    cells = read(TYPES[kind](frame))
    assert effect(cells) == pytest.approx(expected(frame), rel=1e-12)
    launch = cells.design.factors[1].launch
    assert launch is not None
    assert [(span.first, span.last, span.days) for span in launch.spans] == [
        ("2026-08-18", "2026-08-31", 14),
        ("2026-09-01", "2026-09-14", 14),
    ]


def expected(frame: pd.DataFrame, by_days: tuple[int, int] = (1, 1)) -> float:
    """The same by pandas: a sum per user and period, then differences of means."""
    late = frame["day"] >= LAUNCH
    users = frame.groupby(["arm", "user", late])["minutes"].sum().unstack()
    change = users[True] / by_days[1] - users[False] / by_days[0]
    means = change.groupby("arm").mean()
    return float(means["variant_b"] - means["control"])


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_hold_dates_too(ending: str, tmp_path: Path) -> None:
    frame, path = daily(), tmp_path / f"rows.{ending}"
    texts(frame).to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    assert effect(read(str(path))) == pytest.approx(expected(frame), rel=1e-9)


def written(days: list[str], ending: str, folder: Path) -> Any:
    """Rows of three users of each group on days as a file or a pandas column has them."""
    rows = pd.DataFrame([(user, day) for user in range(6) for day in days], columns=["user", "day"])
    rows["arm"] = np.where(rows["user"] % 2, "variant_b", "control")
    rows["minutes"] = np.random.default_rng(4).normal(20, 1, len(rows)).round(3)
    if ending == "pandas":
        return rows
    rows.to_csv(folder / "rows.csv", index=False)
    return str(folder / "rows.csv")


@pytest.mark.parametrize("ending", ["csv", "pandas"])
@pytest.mark.parametrize("form", ["{month:02}/{day:02}/2026", "{day}-{month}-2026", "{day:02}/{month:02}/26"])
def test_dates_that_are_other_dates_as_well_are_refused(form: str, ending: str, tmp_path: Path) -> None:
    """Read day first without a word, November is the eleventh of twelve months."""
    days = [form.format(month=11, day=day) for day in range(1, 13)]
    with pytest.raises(DataError, match=r"'day' has dates .* more than one way: '.*' is 20.* or 20"):
        read(written(days, ending, tmp_path), launch="2026-11-07")


@pytest.mark.parametrize(
    ("form", "last"),
    [("{month:02}/{day:02}/2026", 14), ("{day}-{month}-2026", 14), ("{day:02}.{month:02}.2026", 12)],
)
def test_dates_of_files_that_are_one_date_are_read(form: str, last: int, tmp_path: Path) -> None:
    days = [form.format(month=11, day=day) for day in range(1, last + 1)]
    launch = read(written(days, "csv", tmp_path), launch="2026-11-07", per="day").design.factors[1].launch
    assert launch is not None
    assert [span.days for span in launch.spans] == [6, last - 6]


def test_a_row_that_tells_the_order_may_be_the_last(tmp_path: Path) -> None:
    days = ["01/11/2026"] * 4_000 + ["02/12/2026", "13/12/2026"]
    cells = read(written(days, "csv", tmp_path), launch="2026-12-01", per="day")
    assert cells.design.factors[1].launch.spans[1].last == "2026-12-13"  # type: ignore[union-attr]


def test_sums_over_different_numbers_of_days_are_refused_or_divided() -> None:
    frame = daily(pd.date_range("2026-08-04", "2026-09-14"))
    with pytest.raises(DataError, match=r'28 days, 2026-08-04 to 2026-08-31; .* 14 days.* say per="day"'):
        read(frame)
    cells = read(frame, per="day")
    assert effect(cells) == pytest.approx(expected(frame, (28, 14)), rel=1e-9)
    assert effect(cells) == pytest.approx(3, abs=0.5)


def test_rows_that_are_no_sums_may_have_different_numbers_of_days() -> None:
    frame = daily(pd.date_range("2026-08-04", "2026-09-14"))
    assert effect(read(frame, unit=None, agg=None)) == pytest.approx(3, abs=0.5)


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        (lambda f: f.assign(day=f["day"].dt.tz_localize("UTC")), DesignError, "times of the zone 'UTC'"),
        (lambda f: texts(f).assign(day=lambda g: g["day"] + "T10:00:00Z"), DesignError, "times with a zone"),
        (lambda f: f.assign(day=20260901), DesignError, "type int64, and launch= needs a column of dates"),
        (lambda f: texts(f).replace({"day": "2026-08-20"}, "20/08/2026"), DataError, "as '20/08/2026'"),
        (lambda f: texts(f).replace({"day": "2026-08-20"}, "2026-02-30"), DataError, "such as '2026-02-30'"),
        (lambda f: f[f["day"] >= LAUNCH], DataError, "one of the periods has no row"),
        (lambda f: f[f["day"] < LAUNCH], DataError, "2026-08-18 to 2026-08-31: with launch='2026-09-01'"),
        (lambda f: f.assign(day=f["day"].where(f.index > 4)), DataError, "'day' is missing in 5 of 336 rows"),
    ],
    ids=range(8),
)  # fmt: skip
def test_what_is_no_day_is_refused_in_words(change: Any, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        read(change(daily()))


def test_a_day_without_rows_is_not_counted() -> None:
    frame = daily()
    frame = frame[frame["day"] != "2026-08-20"]
    with pytest.raises(DataError, match="rows on 13 of its 14 days"):
        read(frame)


def test_saved_cells_know_their_days_and_another_launch_needs_the_rows(tmp_path: Path) -> None:
    from twobytwo.answer.analyze import _of_design

    cells = read(daily(), per="day")
    again = Cells.load(cells.save(tmp_path / "cells"))
    assert again.design == cells.design
    asked: dict[str, Any] = {
        "outcome": "minutes",
        "group": "arm",
        "period": "day",
        "unit": "user",
        "agg": "sum",
    }
    same = _of_design(again, Design.did(**asked, launch=date(2026, 9, 1), per="day", margin=2))
    assert same.design.metric.margin == 2
    assert same.design.factors[1].launch == cells.design.factors[1].launch
    with pytest.raises(DesignError, match="launch differ"):
        _of_design(again, Design.did(**asked, launch=datetime(2026, 9, 2), per="day"))
