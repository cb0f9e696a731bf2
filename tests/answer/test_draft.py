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
    top = {} if question is None else {"question": question}
    tables = {"": top, "design": stated, "decision": decision}
    return draft(Outline(rows=rows, columns=columns), tables, "rows.csv")


def needed(made: Draft) -> list[str]:
    return [gap.key for gap in made.gaps if not gap.optional]


def plan_of(made: Draft) -> dict[str, Any]:
    return tomllib.loads(made.text)


def test_a_log_by_day_is_a_difference_in_differences() -> None:
    made = drafted(USER, ARM, DAY, MINUTES, rows=9_000, launch="2026-09-01", missing="zero", **DECIDED)
    assert needed(made) == []
    assert [gap.key for gap in made.gaps] == ["randomised", "expected_share"]
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
        assert needed(made) == ["control", "harm", "margin"]
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
        assert needed(made) == []
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
    assert gap.choices == ('"minutes"', '"clicks"')
    assert "outcome" not in plan_of(made)["design"]


def test_periods_of_unequal_length_are_pointed_at() -> None:
    made = drafted(USER, ARM, DAY, MINUTES, launch="2026-09-08")
    (gap,) = (gap for gap in made.gaps if gap.key == "per")
    assert not gap.optional
    assert "sums over 21 days before and 7 after cannot be compared" in gap.words
    assert "keep the rows from 2026-09-01 to 2026-09-14" in made.text
    assert plan_of(drafted(USER, ARM, DAY, MINUTES, launch="2026-09-08", per="day"))["design"]["per"] == "day"


def test_rows_by_named_period_are_summed_only_if_there_are_more() -> None:
    when = Column(name="phase", kind="text", values=2, levels=("post", "pre"))
    plan = plan_of(drafted(USER, ARM, when, MINUTES, rows=1_800))
    assert {"period": "phase", "before": "pre", "after": "post"}.items() <= plan["design"].items()
    assert "agg" not in plan["design"]
    assert plan_of(drafted(USER, ARM, when, MINUTES, rows=1_801))["design"]["agg"] == "sum"


def test_a_key_of_another_question_is_refused() -> None:
    with pytest.raises(DesignError, match="factors= is no part of a plan whose question is 'comparison'"):
        drafted(USER, ARM, MINUTES, question="comparison", factors=["a", "b"])


STATED: dict[str, Any] = {
    "outcome": "minutes", "group": "variant", "period": "phase", "unit": "user_id", "agg": "sum",
    "missing": "drop", "control": "variant_b", "treatment": "control", "before": "pre", "after": "post",
    "launch": "2026-09-01", "per": "day", "randomised": True, "expected_share": 0.2,
    "labels": {"variant_b": "new"}, "label": "use", "measure": "minutes", "kind": "count",
    "denominator": "clicks", "upper_bound": 9_000.0, "cap": "99%", "daily_cap": 600,
    "factors": ["exp1", "exp2"], "levels": {"exp1": [False, True], "exp2": [True, False]},
    "before_column": "clicks", "after_column": "minutes", "covariate": "clicks",
}  # fmt: skip
WITH: dict[str, dict[str, Any]] = {
    "launch": {"period": "day"},
    "per": {"period": "day", "launch": "2026-09-08", "agg": "sum"},
    "kind": {"outcome": "clicks"},
    "daily_cap": {"agg": "sum"},
    "before_column": {"outcome": "minutes"},
    "after_column": {"before_column": "clicks"},
    "levels": {"factors": ["exp1", "exp2"]},
    "missing": {"covariate": "clicks"},
}
CLICKS = Column(name="clicks", kind="number", values=80, low=0, high=90)
PHASE = Column(name="phase", kind="text", values=2, levels=("post", "pre"))
EXPERIMENTS = [Column(name=f"exp{k}", kind="boolean", values=2, levels=(False, True)) for k in (1, 2)]


@pytest.mark.parametrize("question", ["did", "interaction", "comparison"])
def test_whatever_is_stated_is_written(question: str) -> None:
    """Every key of [design] comes out as it went in."""
    known = keys(question)["design"]
    assert known.keys() <= STATED.keys()
    for key in known:
        others = {name: value for name, value in WITH.get(key, {}).items() if name in known}
        file = (USER, ARM, DAY, PHASE, MINUTES, CLICKS, *EXPERIMENTS)
        made = drafted(*file, question=question, **({"outcome": "minutes"} | others | {key: STATED[key]}))
        assert plan_of(made)["design"][key] == STATED[key], key


def test_one_row_per_user_before_and_after() -> None:
    before, after = (
        Column(name=f"spend_{when}", kind="number", values=90, low=0.0, high=9.0)
        for when in ("before", "after")
    )
    made = drafted(USER, ARM, after, before)
    assert needed(made) == ["harm", "margin"]
    plan = plan_of(made)
    assert plan["question"] == "did"
    assert plan["title"] == "Did the treatment change spend?"
    assert plan["design"] == {
        "before_column": "spend_before", "after_column": "spend_after", "outcome": "spend",
        "group": "variant", "control": "control", "treatment": "variant_b", "unit": "user_id",
    }  # fmt: skip
    # What absence means matters only where something is absent.
    assert "missing" not in [gap.key for gap in made.gaps]
    assert "missing" in [gap.key for gap in drafted(USER, ARM, replace(after, missing=3), before).gaps]
    # Who names one column as the outcome asks about it, given the other.
    assert plan_of(drafted(USER, ARM, after, before, outcome="spend_after"))["question"] == "comparison"


def test_two_metrics_before_and_after_are_not_chosen_from() -> None:
    names = ("spend_pre", "spend_post", "visits_pre", "visits_post")
    made = drafted(USER, ARM, *(Column(name=name, kind="number", values=90) for name in names))
    assert needed(made)[:2] == ["before_column", "after_column"]
    assert made.gaps[0].choices == ('"spend_pre"', '"visits_pre"')


def test_zeros_and_ones_are_a_share_unless_they_are_added_up() -> None:
    bought = Column(name="bought", kind="number", values=2, levels=(0, 1), low=0, high=1)
    made = drafted(USER, ARM, bought)
    assert plan_of(made)["design"]["kind"] == "share"
    assert "here percentage points" in made.text
    assert "cap" not in made.text
    summed = plan_of(drafted(USER, ARM, bought, rows=9_000, outcome="bought"))["design"]
    assert summed["agg"] == "sum"
    assert "kind" not in summed


@pytest.mark.parametrize(
    ("kind", "low"),
    [("text", "8/10/2026"), ("text", "Aug 22, 2026"), ("zoned", None), ("unclear", "8/10/2026")],
)
def test_days_that_cannot_be_read_are_pointed_at(kind: Any, low: Any) -> None:
    """Without a period the rows of a log would be compared as if they were of one time."""
    made = drafted(USER, ARM, Column(name="day", kind=kind, values=28, low=low), MINUTES, rows=9_000)
    assert plan_of(made)["question"] == "did"
    (gap,) = (gap for gap in made.gaps if gap.key == "period")
    assert "column 'day' holds" in gap.words
    assert "make it a column of dates" in gap.words


def test_days_that_can_be_read_in_two_ways_are_told_with_both() -> None:
    day = Column(name="day", kind="unclear", values=12, low="11/01/2026", high="11/01/2026")
    (gap,) = (gap for gap in drafted(USER, ARM, day, MINUTES, rows=9_000).gaps if gap.key == "period")
    assert "such as '11/01/2026', which is 2026-01-11 or 2026-11-01, and no row tells which" in gap.words
    with pytest.raises(DesignError, match=r"^Column 'day' has dates that can be read in more than one way"):
        drafted(USER, ARM, day, MINUTES, rows=9_000, period="day", launch="2026-11-07")


def test_rows_without_an_id_are_told() -> None:
    some = replace(USER, missing=60)
    said = "900 users; 60 rows have none: drop them first"
    assert said in drafted(some, ARM, DAY, MINUTES, rows=9_000).text
    one = drafted(replace(USER, missing=1), ARM, DAY, MINUTES, rows=9_000).text
    assert "900 users; 1 row has none: drop it first" in one
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


def test_an_undecided_question_has_the_lines_of_each(tmp_path: Path) -> None:
    """Whoever chooses one takes away the # of its lines, and leaves those of the other as they are."""
    exps = [Column(name=f"exp{k}", kind="text", values=2, levels=("off", "on")) for k in (1, 2)]
    text = drafted(USER, *exps, MINUTES, **DECIDED).text
    path = tmp_path / "plan.toml"

    def chosen(question: str, *keys: str) -> Path:
        lines = text.replace('# question = "did"', f'question = "{question}"').splitlines()
        path.write_text(
            "\n".join(
                line[2:] if line.startswith(tuple(f"# {key} =" for key in keys)) else line for line in lines
            )
        )
        return path

    path.write_text(text)
    with pytest.raises(PlanError, match="1 line is still to be filled in: question"):
        read_plan(path)
    with pytest.raises(PlanError, match="2 lines are still to be filled in: factors, levels"):
        read_plan(chosen("interaction"))
    with pytest.raises(PlanError, match="1 line is still to be filled in: group"):
        read_plan(chosen("comparison"))
    plan = read_plan(chosen("interaction", "factors", "levels"))
    assert [factor.levels for factor in plan.design.factors] == [("off", "on"), ("off", "on")]
    assert read_plan(chosen("comparison", "group")).design.factors[0].column == "exp1"
    # Who has said a group has chosen; a fourth column may be no experiment.
    assert "factors" not in drafted(USER, *exps, MINUTES, group="exp1").text
    more = [replace(exps[0], name=f"exp{k}") for k in range(4)]
    assert [gap.key for gap in drafted(USER, *more, MINUTES).gaps if gap.of] == ["group", "factors"]


def test_a_column_named_like_a_period_leaves_the_question_open() -> None:
    month = Column(name="month", kind="text", values=3, levels=("2026-01", "2026-02", "2026-03"))
    made = drafted(USER, ARM, month, MINUTES, rows=2_700)
    assert needed(made) == ["question", "period", "agg", "harm", "margin"]
    (gap,) = (gap for gap in made.gaps if gap.key == "period")
    assert "column 'month' has 3 values: keep the rows of two of them" in gap.words
    # Who compares all the same says so, and adding up stays a choice.
    made = drafted(USER, ARM, month, MINUTES, rows=2_700, question="comparison")
    assert needed(made) == ["agg", "harm", "margin"]
    stated = drafted(USER, ARM, month, MINUTES, rows=2_700, question="comparison", agg="sum")
    assert plan_of(stated)["design"]["agg"] == "sum"
    # A metric may be called so too.
    time = Column(name="time", kind="number", values=12, levels=tuple(range(12)), low=0, high=11)
    assert plan_of(drafted(USER, ARM, time))["design"]["outcome"] == "time"


def test_a_group_that_two_columns_could_be_is_open_and_names_both() -> None:
    country = Column(name="country", kind="text", values=2, levels=("DE", "FR"))
    crashed = Column(name="crashed", kind="number", values=2, levels=(0, 1), low=0, high=1)
    made = drafted(USER, country, MINUTES, crashed)
    (gap,) = (gap for gap in made.gaps if gap.key == "group")
    assert gap.choices == ('"country"', '"crashed"')
    assert "group" not in plan_of(made)["design"]
    cell = Column(name="cell", kind="text", values=2, levels=("A", "B"))
    assert plan_of(drafted(USER, cell, crashed))["design"]["outcome"] == "crashed"


def test_what_looks_like_ids_is_no_metric_and_may_be_the_unit() -> None:
    u = Column(name="u", kind="number", values=900, low=0, high=899, like_id=True)
    made = drafted(u, ARM, MINUTES)
    assert plan_of(made)["design"]["outcome"] == "minutes"
    (gap,) = (gap for gap in made.gaps if gap.key == "unit")
    # With a row for each it matters little; with more it must be said.
    assert gap.optional
    made = drafted(u, ARM, MINUTES, rows=1_800)
    assert needed(made) == ["unit", "harm", "margin"]
    (gap,) = (gap for gap in made.gaps if gap.key == "unit")
    assert gap.choices == ('"u"',)
    assert "'u' has 900 different values" in gap.words
    # Beside ids that are called so, whole numbers may well be a metric; alone they are asked about.
    assert plan_of(drafted(USER, u, ARM))["design"]["outcome"] == "u"
    (gap,) = (gap for gap in drafted(u, ARM).gaps if gap.key == "outcome")
    assert gap.choices == ('"u"',)


@pytest.mark.parametrize("name", ["__index_level_0__", "Unnamed: 0"])
def test_the_number_of_a_row_is_neither_a_metric_nor_a_user(name: str) -> None:
    row = Column(name=name, kind="number", values=900, low=0, high=899, like_id=True)
    made = drafted(row, ARM, MINUTES)
    assert plan_of(made)["design"]["outcome"] == "minutes"
    assert not [gap for gap in made.gaps if gap.key == "unit"]
