"""How many users are seen in one period only."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from twobytwo.data.attendance import Attendance
from twobytwo.data.outline import Column

ROWS = """user,phase,day,y
01,pre,2026-09-01,1
01,post,2026-09-03,1
1,pre,2026-09-01,1
1,pre,2026-09-02,1
2,post,2026-09-04,1
2,,,1
,pre,2026-09-01,1
"""
PHASE, DAY = Column(name="phase", kind="text", values=2), Column(name="day", kind="date", values=4)


@pytest.fixture
def rows(tmp_path: Path) -> Attendance:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return Attendance(path)


def test_rows_of_one_period_only(rows: Attendance) -> None:
    """Ids are taken as they are written; neither no id is a user nor no period is a period."""
    assert rows.by_row("user", PHASE) == 2
    assert rows.by_row("user", DAY, date(2026, 9, 3)) == 2
    assert rows.by_row("user", DAY, date(2026, 9, 2)) == 1


def test_a_value_in_one_of_two_columns_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("pre,post\n1,2\n1,\n,2\n,\n,3\n")
    rows = Attendance(path)
    assert rows.by_column("pre", "post") == 3
    # At a terminal the draft is made anew after every answer: the file is read once for each question.
    path.unlink()
    assert rows.by_column("pre", "post") == 3


def test_a_number_that_is_none_is_no_value(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("pre,post\n1,nan\n2,2\nnan,\n")
    assert Attendance(path).by_column("pre", "post") == 1


def test_copies_and_levels_of_users(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("user,phase,y\n1,a,5\n1,a,5\n1,a,5\n01,a,5\n1,b,5\n2,a,\n2,a,\n2,b,1\n,a,1\n,a,1\n")
    rows = Attendance(path)
    # Of one user two rows more, of another an empty value twice; rows of no user are no copies.
    assert rows.copies("user") == 3
    phase = Column(name="phase", kind="text", values=2, levels=("a", "b"))
    assert rows.at_each_level("user", phase)
    assert not rows.at_each_level("user", Column(name="y", kind="number", values=2, levels=(1, 5)))
