"""Columns that may be periods: which are, and which lines stay open because of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from twobytwo.answer.draft_periods import agg_over_times, period_if_did, times_of, two_levels
from twobytwo.answer.sketch import Sketch
from twobytwo.data.attendance import Attendance
from twobytwo.data.outline import Column, Outline

USER = Column(name="user_id", kind="number", values=2)
ARM = Column(name="variant", kind="text", values=2, levels=("control", "b"))
MINUTES = Column(name="minutes", kind="number", values=4, low=0.0, high=9.0)
PHASE = Column(name="phase", kind="text", values=2, levels=("baseline", "launched"))
MONTH = Column(name="month", kind="number", values=3, levels=(202601, 202602, 202603))
SITE = Column(name="site", kind="text", values=2, levels=("u", "v"))


def sketched(*columns: Column, attendance: Attendance | None = None, **stated: Any) -> Sketch:
    found = Outline(rows=4, columns=(USER, ARM, MINUTES, *columns))
    return Sketch(found=found, stated={"design": stated}, attendance=attendance)


def test_names_tell_unless_something_else_tells_the_periods() -> None:
    assert times_of(sketched(PHASE)) == [PHASE]
    assert times_of(sketched(PHASE, MONTH)) == [PHASE, MONTH]
    assert times_of(sketched(SITE)) == []
    assert times_of(sketched(PHASE, Column(name="day", kind="date", values=9))) == []
    assert times_of(sketched(PHASE, period="phase")) == []


@pytest.mark.parametrize(("rows", "found"), [("1,u 1,v 2,u 2,v", [SITE]), ("1,u 1,u 2,v 2,v", [])])
def test_most_users_have_rows_at_each_level(tmp_path: Path, rows: str, found: list[Column]) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["user_id,site", *rows.split()]))
    assert times_of(sketched(SITE, attendance=Attendance(path))) == found


def test_lines_stay_open_for_the_question_that_needs_them() -> None:
    sketch = sketched(PHASE)
    sketch.times = times_of(sketch)
    lines = period_if_did(sketch) + agg_over_times(sketch, every_question=False)
    assert [line.partition(":")[0] for line in lines] == [
        '# period = "phase"  # FILL IN if question = "did"',
        '# before = "baseline"  # FILL IN if question = "did"',
        '# agg = "sum"  # FILL IN if question = "comparison" or "interaction"',
    ]
    assert agg_over_times(sketch, every_question=True)[0].startswith('# agg = "sum"  # FILL IN:')
    sketch.question = "comparison"
    assert period_if_did(sketch) == []


def test_one_column_of_two_levels_can_be_the_period() -> None:
    assert two_levels([PHASE]) == PHASE
    assert two_levels([MONTH]) is None
    assert two_levels([PHASE, SITE]) is None
