"""Drafted plans: what columns leave no doubt about is written, the rest is open, and the whole is a plan."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from twobytwo.answer.draft import Draft, draft
from twobytwo.answer.keys import keys
from twobytwo.answer.plan import read_plan
from twobytwo.data.outline import Column, Outline
from twobytwo.errors import DesignError, PlanError

USER = Column(name="user_id", kind="number", values=900, low=1, high=900)
ARM = Column(name="variant", kind="text", values=2, levels=("control", "variant_b"))
DAY = Column(name="day", kind="date", values=28, low="2026-08-18", high="2026-09-14")
MINUTES = Column(name="minutes", kind="number", values=700, low=0.0, high=4_000.0)
DECIDED = {"harm": "decrease", "margin": 5}


def drafted(*columns: Column, rows: int = 900, question: str | None = None, **stated: Any) -> Draft:
    decision = {key: stated.pop(key) for key in ("harm", "margin") if key in stated}
    tables = {"design": stated, "decision": decision}
    return draft(Outline(rows=rows, columns=columns), tables, "rows.csv", question)


def plan_of(made: Draft) -> dict[str, Any]:
    return tomllib.loads(made.text)


def test_a_log_by_day_is_a_difference_in_differences() -> None:
    made = drafted(USER, ARM, DAY, MINUTES, rows=9_000, launch="2026-09-01", missing="zero", **DECIDED)
    assert made.gaps == ()
    plan = plan_of(made)
    assert plan["question"] == "did"
    assert plan["design"] == {
        "outcome": "minutes", "group": "variant", "control": "control", "treatment": "variant_b",
        "period": "day",
        "launch": "2026-09-01", "unit": "user_id", "agg": "sum", "missing": "zero",
    }  # fmt: skip
    assert plan["decision"] == {"estimand": "mean"} | DECIDED


def test_no_direction_is_guessed() -> None:
    """Neither of levels without a name that says it, nor of 1 and 2, nor of what is harm."""
    for levels in (("A", "B"), (1, 2), ("variant_a", "variant_b")):
        arm = Column(name="variant", kind="text", values=2, levels=levels)
        made = drafted(USER, arm, MINUTES)
        assert [gap.key for gap in made.gaps] == ["control", "harm", "margin"]
        assert plan_of(made)["design"].keys() == {"outcome", "group", "unit"}
        assert plan_of(made)["decision"] == {"estimand": "mean"}


def test_open_lines_are_named_by_check(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(drafted(USER, ARM, MINUTES).text)
    with pytest.raises(
        PlanError, match=r"plan.toml: 2 lines are still to be filled in: harm, margin. Take away the #"
    ):
        read_plan(path)


def test_a_plan_without_gaps_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    shares = {"control": 0.8, "variant_b": 0.2}
    for columns, stated in (
        ((USER, ARM, MINUTES), {}),
        ((USER, ARM, DAY, MINUTES), {"launch": "2026-09-01", "missing": "drop", "expected_share": shares}),
        ((Column(name='odd "name" # x', kind="number", values=99, low=1, high=9), ARM), {}),
    ):  # fmt: skip
        made = drafted(*columns, **DECIDED, **stated)
        assert [gap.key for gap in made.gaps] == []
        path.write_text(made.text)
        assert read_plan(path).design.metric.margin == 5


def test_two_experiments_or_a_group_is_not_decided_here() -> None:
    exps = [Column(name=f"exp{k}", kind="boolean", values=2, levels=(False, True)) for k in (1, 2)]
    made = drafted(USER, *exps, MINUTES)
    assert made.gaps[0].key == "question"
    assert "question" not in plan_of(made)
    plan = plan_of(drafted(USER, *exps, MINUTES, question="interaction", **DECIDED))
    assert plan["design"]["factors"] == ["exp1", "exp2"]
    assert plan["design"]["levels"] == {"exp1": [False, True], "exp2": [False, True]}


def test_several_metrics_are_listed_not_chosen() -> None:
    made = drafted(USER, ARM, MINUTES, Column(name="clicks", kind="number", values=80, low=0, high=90))
    (gap,) = (gap for gap in made.gaps if gap.key == "outcome")
    assert gap.choices == ("'minutes'", "'clicks'")
    assert "outcome" not in plan_of(made)["design"]


def test_periods_of_unequal_length_are_pointed_at() -> None:
    made = drafted(USER, ARM, DAY, MINUTES, launch="2026-09-08")
    assert '# per = "day"  # 21 days before and 7 after' in made.text
    assert "keep the rows from 2026-09-01 to 2026-09-14" in made.text


def test_rows_by_named_period_are_summed_only_if_there_are_more() -> None:
    when = Column(name="phase", kind="text", values=2, levels=("post", "pre"))
    plan = plan_of(drafted(USER, ARM, when, MINUTES, rows=1_800))
    assert {"period": "phase", "before": "pre", "after": "post"}.items() <= plan["design"].items()
    assert "agg" not in plan["design"]
    assert plan_of(drafted(USER, ARM, when, MINUTES, rows=1_801))["design"]["agg"] == "sum"


def test_a_key_of_another_question_is_refused() -> None:
    with pytest.raises(DesignError, match="factors= is no part of a plan whose question is 'comparison'"):
        drafted(USER, ARM, MINUTES, question="comparison", factors=["a", "b"])


@pytest.mark.parametrize("question", ["did", "interaction", "comparison"])
def test_whatever_is_stated_is_written(question: str) -> None:
    """Every key of [design] comes out as it went in."""
    known = [key for key in keys(question)["design"] if key not in ("outcome", "factors")]
    for key in known:
        made = drafted(
            USER, ARM, DAY, MINUTES, question=question, **{key: "user_id" if key == "unit" else "x"}
        )
        assert plan_of(made)["design"][key] == ("user_id" if key == "unit" else "x"), key


def test_rows_without_an_id_are_told() -> None:
    some = replace(USER, missing=60)
    said = "900 users; 60 rows have none: drop them first"
    assert said in drafted(some, ARM, DAY, MINUTES, rows=9_000).text
    assert "have none" not in drafted(USER, ARM, DAY, MINUTES, rows=9_000).text


def test_all_that_is_open_is_named_at_once_until_it_is_filled_in(tmp_path: Path) -> None:
    arm = replace(ARM, levels=("A", "B"))
    text = drafted(USER, arm, DAY, MINUTES, rows=9_000).text
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(PlanError, match="4 lines are still to be filled in: control, launch, harm, margin"):
        read_plan(path)
    said = {"launch": '"2026-09-01"', "control": '"A"', "harm": '"decrease"', "margin": "5"}
    lines = text.splitlines()
    for key, value in said.items():
        (place,) = [k for k, line in enumerate(lines) if line.startswith(f"# {key} = ")]
        # Whoever fills it in may keep the words behind it.
        lines[place] = f"{key} = {value}  #{lines[place].rpartition('#')[2]}"
    path.write_text("\n".join(lines))
    assert read_plan(path).design.metric.margin == 5
