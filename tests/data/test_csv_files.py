"""CSV files: every row has its say in what a column is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.cells import compress
from twobytwo.data.sources import open_source
from twobytwo.errors import DataError

# More rows than DuckDB looks at.
MANY = 25_000


def column(path: Path | str, *, as_text: tuple[str, ...] = ()) -> Any:
    source = open_source(path, ["y"], as_text=as_text)
    return source.execute(source.table)["y"].to_pandas()


def file(folder: Path, first: str, later: str, *, separator: str = ",", rows: int = MANY) -> Path:
    path = folder / "rows.csv"
    lines = [f"{k}{separator}{first}\n" for k in range(rows)] + [
        f"{k}{separator}{later}\n" for k in range(10)
    ]
    path.write_text(f"x{separator}y\n" + "".join(lines))
    return path


@pytest.mark.parametrize("later", ["0.3", "3e-1", "+.3", " 0.3"])
def test_decimals_after_whole_numbers_are_not_rounded(tmp_path: Path, later: str) -> None:
    found = pd.to_numeric(column(file(tmp_path, "2", later)))
    assert found.iloc[0] == 2
    assert found.iloc[-1] == 0.3


def test_means_of_a_sorted_file_are_those_of_the_table(tmp_path: Path) -> None:
    """All zeros come first, so that DuckDB takes shares for whole numbers."""
    rng = np.random.default_rng(2)
    shares = np.sort(np.where(rng.random(80_000) < 0.6, 0, rng.beta(2, 3, 80_000)).round(3))
    frame = pd.DataFrame({"share": shares, "arm": rng.integers(0, 2, shares.size)})
    written = frame.assign(share=[f"{value:g}" for value in shares])
    written.to_csv(tmp_path / "rows.csv", index=False)
    design = Design.compare(outcome="share", group="arm")
    read, expected = compress(tmp_path / "rows.csv", design), compress(frame, design)
    np.testing.assert_allclose(read.moments()["mean"], expected.moments()["mean"], rtol=1e-12)


@pytest.mark.parametrize(
    ("first", "later", "kind"),
    [
        ("", "7.5", "float64"),
        ("", "7", "int64"),
        ("3", "abc", "string"),
        ("true", "2", "string"),
        ("2026-01-01", "soon", "string"),
        ("3", "92233720368547758070", "decimal(38, 0)"),
        ("3", "4", "int64"),
        ("", "", "string"),
    ],
)
def test_a_column_has_the_type_of_all_its_rows(tmp_path: Path, first: str, later: str, kind: str) -> None:
    table = open_source(file(tmp_path, first, later), ["y"]).table
    assert str(table["y"].type()) == kind


def test_ids_stay_as_they_are_written(tmp_path: Path) -> None:
    found = column(file(tmp_path, "007", "8.50"), as_text=("y",))
    assert [found.iloc[0], found.iloc[-1]] == ["007", "8.50"]


def test_decimal_commas_may_come_late(tmp_path: Path) -> None:
    found = column(file(tmp_path, "3", "5,28", separator=";"))
    assert [found.iloc[0], found.iloc[-1]] == [3, 5.28]


def test_a_later_file_may_have_the_decimals(tmp_path: Path) -> None:
    for k in range(14):
        (tmp_path / f"part{k:02}.csv").write_text("x,y\n" + ("1,2\n" * 5 if k < 13 else "1,0.3\n"))
    assert column(str(tmp_path / "*.csv")).sum() == pytest.approx(13 * 5 * 2 + 0.3)


@pytest.mark.parametrize("rows", [3_000, MANY])
@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("01/02/2026", "01/31/2026"),
        ("02/01/2026", "31/01/2026"),
        ("1/2/2026 9:05", "1/31/2026 23:59:59"),
        ("01/02/2026 09:05 AM", "01/31/2026 11:59 PM"),
        ("02-01-2026", "31-01-2026"),
        ("02.01.2026", "31.01.2026"),
    ],
)
def test_the_row_that_tells_month_from_day_may_be_far_down(
    tmp_path: Path, first: str, later: str, rows: int
) -> None:
    found = pd.to_datetime(column(file(tmp_path, first, later, rows=rows)))
    assert [found.iloc[0].date().isoformat(), found.iloc[-1].date().isoformat()] == [
        "2026-01-02",
        "2026-01-31",
    ]


@pytest.mark.parametrize("later", ["03/02/2026", "31/31/2026", "soon", "2026-01-31"])
def test_dates_of_two_orders_or_none_stay_text(tmp_path: Path, later: str) -> None:
    assert column(file(tmp_path, "01/02/2026", later)).iloc[-1] == later


def test_a_text_among_decimals_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Line 25,002 of a CSV file has 'n/a' in column 'y'.*DOUBLE"):
        column(file(tmp_path, "1.5", "n/a"))


def test_what_stands_in_columns_that_are_not_read_does_no_harm(tmp_path: Path) -> None:
    path = file(tmp_path, "3", "abc")
    source = open_source(path, ["x"])
    assert source.execute(source.table)["x"].to_pandas().sum() == sum(range(MANY)) + 45


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        # Both may be thousands as they are written in Germany.
        (["1.234", "999", "12.500"], "string"),
        (["1.234", "-999", "", "12.500"], "string"),
        # Decimals: fewer than three of them, none before the point, always three, or never any.
        (["1.234", "999", "12.5"], "float64"),
        (["1.234", "999", "0.125"], "float64"),
        (["1.234", "999.000"], "float64"),
        (["1.234", "9999", "5.125"], "float64"),
        (["1234", "999"], "int64"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_points_that_may_stand_between_thousands_are_no_decimals(
    tmp_path: Path, values: list[str], kind: str, separator: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"x{separator}y\n" + "".join(f"1{separator}{value}\n" for value in values))
    assert str(open_source(path, ["y"]).table["y"].type()) == kind


def test_such_points_are_refused_with_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("y;a\n" + "".join(f"1.{k:03};{k % 2}\n999;{k % 2}\n" for k in range(50)))
    with pytest.raises(DataError, match=r"'y' has type string.*points as in 1\.234.*write 1234"):
        compress(path, Design.compare(outcome="y", group="a"))
