"""What is seen of a file's columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twobytwo.data.outline import outline
from twobytwo.errors import DataError, DesignError


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_types_levels_and_ranges_are_seen(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame(
        {
            "user_id": np.arange(60),
            "arm": ["a", "b", None] * 20,
            "on": [True, False] * 30,
            "day": pd.date_range("2026-09-01", periods=60),
            "minutes": np.linspace(0, 5, 60),
            "empty": [None] * 60,
        }
    )
    path = tmp_path / f"rows.{ending}"
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    found = outline(str(path))
    assert found.rows == 60
    kinds = {column.name: column.kind for column in found.columns}
    assert {
        "user_id": "number",
        "arm": "text",
        "on": "boolean",
        "day": "date",
        "minutes": "number",
    }.items() <= kinds.items()
    arm, on, day, minutes = (found.named(name) for name in ("arm", "on", "day", "minutes"))
    assert arm is not None
    assert (arm.levels, arm.sizes, arm.missing) == (("a", "b"), (20, 20), 20)
    assert on is not None
    assert on.levels == (False, True)
    assert day is not None
    assert (day.low, day.high, day.values, day.levels) == ("2026-09-01", "2026-10-30", 60, ())
    assert minutes is not None
    assert (minutes.low, minutes.high) == (0.0, 5.0)
    assert found.named("nothing") is None


def test_files_without_rows_or_without_a_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="has a header and no rows"):
        outline(tmp_path / "rows.csv")
    with pytest.raises(DataError, match="No file matches"):
        outline(tmp_path / "none.csv")
    bare = tmp_path / "bare.csv"
    bare.write_text("1,control,3.5\n2,new,4.5\n")
    with pytest.raises(DataError, match=r"bare.csv' seems to have no header.*'1', 'control'.*first line"):
        outline(bare)
    with pytest.raises(DesignError, match="is not a Parquet or CSV path"):
        outline(tmp_path / "rows.xlsx")


def test_dates_that_can_be_read_in_two_ways_are_unclear(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"{k},11/{k + 1:02}/2026,11/{k:02}/2026" for k in range(1, 13)]
    path.write_text("\n".join(["y,seen,day", *lines]))
    found = outline(str(path))
    assert [column.kind for column in found.columns] == ["number", "date", "unclear"]
    day = found.named("day")
    assert day is not None
    assert (day.low, day.levels, day.values) == ("11/01/2026", (), 12)


def test_of_texts_among_numbers_one_is_shown_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("y,z\n" + "\n".join(f"{k}.5,{k}" for k in range(30)) + "\nN/A,1\nN/A,2\n12.5-,3\n")
    y, z = outline(str(path)).columns
    assert (y.kind, y.odd, y.odd_rows) == ("text", "12.5-", 3)
    assert (z.kind, z.odd, z.odd_rows) == ("number", None, 0)


def test_values_that_may_identify_something_are_told(tmp_path: Path) -> None:
    k = np.arange(60)
    frame = pd.DataFrame(
        {
            "once": k,
            "twice": k // 2,
            "nearly": np.where(k < 2, 0, k),
            "code": [f"x{each // 2}" for each in k],
            "uneven": k * k % 53,
            "measured": k + 0.5,
            "few": k % 5,
            "empty": None,
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    found = outline(str(tmp_path / "rows.parquet"))
    assert [each.name for each in found.columns if each.like_id] == ["once", "twice", "nearly", "code"]
