"""The lines of [design], one question at a time."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from twobytwo.answer.draft_design import design_lines
from twobytwo.answer.sketch import Gap, Sketch
from twobytwo.data.attendance import Attendance
from twobytwo.data.outline import Column, Outline

USER = Column(name="user_id", kind="number", values=900)
ARM = Column(name="variant", kind="text", values=2, levels=("control", "b"))
ON, NEW = (Column(name=name, kind="number", values=2, levels=(0, 1)) for name in ("exp_on", "exp_new"))
MINUTES = Column(name="minutes", kind="number", values=700, low=0.0, high=4_000.0)


def written(question: str, *columns: Column, rows: int = 900, **stated: Any) -> tuple[dict[str, Any], Sketch]:
    sketch = Sketch(found=Outline(rows=rows, columns=columns), stated={"design": stated})
    return tomllib.loads("\n".join(design_lines(sketch, question))), sketch


def test_rows_are_added_up_where_users_have_several() -> None:
    once, _ = written("comparison", USER, ARM, MINUTES)
    often, sketch = written("comparison", USER, ARM, MINUTES, rows=901)
    assert often == once | {"agg": "sum"}
    # The cap is on totals then, of which the file shows none.
    assert "larger totals of a user count as; the largest row is 4,000" in "\n".join(
        design_lines(Sketch(found=sketch.found, stated={"design": {}}), "comparison")
    )


def test_rows_without_a_user_are_no_second_rows_of_one() -> None:
    some = Column(name="user_id", kind="number", values=890, missing=10)
    plan, _ = written("comparison", some, ARM, MINUTES)
    assert "agg" not in plan


def test_experiments_have_their_levels_where_names_are_sure() -> None:
    plan, sketch = written("interaction", USER, ON, NEW, MINUTES)
    assert plan["levels"] == {"exp_on": [0, 1], "exp_new": [0, 1]}
    assert {gap.key for gap in sketch.gaps} == {"expected_share"}
    odd = Column(name="exp_new", kind="text", values=2, levels=("u", "v"))
    plan, sketch = written("interaction", USER, ON, odd, MINUTES)
    assert "levels" not in plan
    assert "levels" in {gap.key for gap in sketch.gaps}


def test_levels_without_a_direction_are_those_of_the_file_and_stay_open() -> None:
    """Who takes away the # has a plan, be it for a change of the two words."""
    search, feed, old = (
        Column(name=name, kind="text", values=2, levels=levels)
        for name, levels in (("exp_search", ("off", "on")), ("exp feed", ("1", "2")), ("exp_old", ("u", "v")))
    )
    sketch = Sketch(found=Outline(rows=9, columns=(USER, search, ON, feed, MINUTES)), stated={"design": {}})
    (line,) = [line for line in design_lines(sketch, "interaction") if "levels" in line]
    assert line == (
        '# levels = { exp_search = ["off", "on"], "exp feed" = ["1", "2"] }  '
        "# FILL IN: for each experiment first the level without it, then the one with it"
    )
    assert tomllib.loads(line[2:])["levels"] == {"exp_search": ["off", "on"], "exp feed": ["1", "2"]}
    # A space parts what is typed at a terminal, so that not every name can be typed there.
    assert [gap.typed for gap in sketch.gaps if gap.key == "levels"] == [""]
    sketch = Sketch(found=Outline(rows=9, columns=(USER, search, old, MINUTES)), stated={"design": {}})
    design_lines(sketch, "interaction")
    assert [gap.typed for gap in sketch.gaps if gap.key == "levels"] == ["exp_search=off,on exp_old=u,v"]


def test_one_row_per_user_needs_the_users() -> None:
    columns = [Column(name=name, kind="number", values=90) for name in ("pre", "post")]
    plan, sketch = written("did", ARM, *columns)
    assert (plan["before_column"], plan["after_column"]) == ("pre", "post")
    # The names hold nothing but the period.
    assert "outcome" not in plan
    assert "unit" in {gap.key for gap in sketch.gaps if not gap.optional}


def test_a_launch_says_which_of_two_columns_of_dates_is_meant() -> None:
    signup = Column(name="signup_date", kind="date", values=800, low="2024-01-01", high="2026-03-10")
    week = Column(name="week", kind="date", values=8, low="2026-06-01", high="2026-07-20")
    plan, _ = written("did", USER, ARM, signup, week, MINUTES, rows=9_000, launch="2026-06-29")
    assert plan["period"] == "week"
    # Eight weekly dates, four on each side: as many sums.
    assert "per" not in plan
    plan, sketch = written("did", USER, ARM, week, MINUTES, rows=9_000, launch="2026-07-06")
    (per,) = (gap for gap in sketch.gaps if gap.key == "per")
    assert "5 days with rows before and 3 after" in per.seen
    assert per.seen.endswith("or keep the rows from 2026-06-15 to 2026-07-26")
    text = Column(name="week", kind="text", values=8, levels=("01.06.2026", "29.06.2026"), low="01.06.2026")
    plan, sketch = written("did", USER, ARM, signup, text, MINUTES, rows=9_000, launch="2026-06-29")
    assert "period" not in plan
    assert any("'week' holds texts such as '01.06.2026'" in gap.seen for gap in sketch.gaps)


def test_columns_that_a_person_could_mean_are_named() -> None:
    odd = Column(name="land", kind="text", values=2, levels=("alt", "neu"))
    spend = Column(name="spend", kind="text", values=500, low="€1.00", high="€9.99")
    _, sketch = written("comparison", USER, odd, spend, MINUTES)
    asked = {gap.key: gap for gap in sketch.gaps}
    assert asked["group"].choices == ('"land"',)
    assert asked["outcome"].choices == ('"minutes"',)
    assert "column 'spend' holds texts such as '€1.00': make them numbers first" in asked["outcome"].seen
    counted = replace(spend, low="1.00", odd="N/A", odd_rows=60)
    _, sketch = written("comparison", USER, odd, counted)
    (gap,) = (gap for gap in sketch.gaps if gap.key == "outcome")
    assert "holds texts such as 'N/A' in 60 rows: make them numbers first" in gap.seen


def test_missing_is_open_where_users_are_seen_in_one_period_only(tmp_path: Path) -> None:
    """A plan without it would be refused by `check`, which reads the same rows."""
    rows = tmp_path / "rows.csv"
    rows.write_text("user_id,variant,phase,day,pre,post\n1,b,pre,2026-09-01,4,\n2,b,pre,2026-09-01,4,5\n")
    attendance = Attendance(rows)
    pre, post = (Column(name=name, kind="number", values=90) for name in ("pre", "post"))
    phase = Column(name="phase", kind="text", values=2, levels=("pre", "post"))
    day = Column(name="day", kind="date", values=9, low="2026-09-01", high="2026-09-09")

    def asked(*columns: Column, **stated: Any) -> list[Gap]:
        found = Outline(rows=9, columns=(USER, ARM, *columns))
        sketch = Sketch(found=found, stated={"design": stated}, attendance=attendance)
        design_lines(sketch, "did")
        return [gap for gap in sketch.gaps if gap.key == "missing"]

    for gap in (*asked(pre, post), *asked(phase, MINUTES), *asked(day, MINUTES, launch="2026-09-05")):
        assert not gap.optional
        assert gap.choices == ('"zero"', '"drop"', '"available"')
    assert asked(pre, post)[0].seen == "1 user has a value in one of the two columns only"
    assert asked(phase, MINUTES)[0].seen == "2 users have rows in one period only"
    # Nobody can know before there is a launch, and nothing is asked that was said.
    assert [gap.optional for gap in asked(day, MINUTES)] == [True]
    assert asked(pre, post, missing="drop") == []


def test_a_launch_takes_the_dates_beside_a_column_of_before_and_after() -> None:
    phase = Column(name="phase", kind="text", values=2, levels=("post", "pre"))
    day = Column(name="order_date", kind="date", values=9, low="2026-09-01", high="2026-09-10")
    plan, _ = written("did", USER, ARM, phase, day, MINUTES, launch="2026-09-06")
    assert plan["period"] == "order_date"
    assert plan.keys().isdisjoint({"before", "after"})
    # Without a launch it is the other way round, and two columns of dates are asked about.
    assert written("did", USER, ARM, phase, day, MINUTES)[0]["period"] == "phase"
    other = Column(name="signup", kind="date", values=9, low="2026-09-01", high="2026-09-10")
    plan, sketch = written("did", USER, ARM, phase, day, other, MINUTES, launch="2026-09-06")
    assert "period" not in plan
    assert [gap.choices for gap in sketch.gaps if gap.key == "period"] == [('"order_date"', '"signup"')]


@pytest.mark.parametrize("level", ["NULL", "None", "nan", "N/A", "\\N", "unassigned", "Total", "", "-"])
def test_a_level_that_seems_to_be_no_group_leaves_the_treatment_open(level: str) -> None:
    """Rows of levels that are not named are refused: to leave them out is a person's doing."""
    arm = Column(name="arm", kind="text", values=3, levels=(level, "control", "new"), sizes=(75, 700, 700))
    plan, sketch = written("comparison", USER, arm, MINUTES)
    assert plan["control"] == "control"
    assert "treatment" not in plan
    (gap,) = (gap for gap in sketch.gaps if gap.key == "treatment")
    assert gap.choices == ('"new"',)
    assert f"{level!r} (75 rows) seems to be no group: take these rows out of the file" in gap.words
    # Who says it means it, and without a control that is sure, both are open.
    assert written("comparison", USER, arm, MINUTES, treatment=[level, "new"])[0]["treatment"]
    unsure = replace(arm, levels=(level, "a", "b"))
    plan, sketch = written("comparison", USER, unsure, MINUTES)
    assert [gap.key for gap in sketch.gaps if not gap.optional] == ["control", "treatment"]


def test_none_may_be_a_group() -> None:
    voucher = Column(name="arm", kind="text", values=2, levels=("none", "control"))
    assert written("comparison", USER, voucher, MINUTES)[0]["treatment"] == "none"
