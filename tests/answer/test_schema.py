"""The schema of plans: the file is what the code makes, and it accepts what the reader accepts."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import twobytwo
from twobytwo.answer.forms import QUESTIONS
from twobytwo.answer.keys import SHORT, keys
from twobytwo.answer.plan import read_plan
from twobytwo.answer.schema import plan_schema
from twobytwo.answer.sketch import toml
from twobytwo.errors import PlanError

FILE = Path(twobytwo.__file__).parent / "show" / "plan.schema.json"
MODELS = Path(__file__).parents[2] / "models"
DECISION = {"estimand": "mean", "harm": "decrease", "margin": 5}
DESIGNS: Mapping[str, dict[str, Any]] = {
    "did": {"outcome": "y", "group": "g", "period": "t"},
    "wide": {"before_column": "a", "after_column": "b", "group": "g", "unit": "u"},
    "interaction": {"outcome": "y", "factors": ["a", "b"]},
    "comparison": {"outcome": "y", "group": "g"},
}


PRIMARY = {"column": "y", "role": "primary", "harm": "decrease", "margin": 1}
GUARD = {"column": "z", "role": "guardrail", "harm": "increase", "margin": 1, "kind": "share"}
CARDS: Mapping[str, dict[str, Any]] = {
    "did": {"group": "g", "period": "t"},
    "interaction": {"factors": ["a", "b"]},
    "comparison": {"group": "g", "unit": "u"},
}


def card(form: str, *metrics: Any, **tables: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {"title": "x", "question": form, "data": {"source": "rows.csv"}}
    decision = {} if form == "interaction" else {"launch_if": 0.9}
    return whole | {"design": CARDS[form], "metric": list(metrics), "decision": decision} | tables


def plan(form: str, **tables: Any) -> dict[str, Any]:
    question = "did" if form == "wide" else form
    whole: dict[str, Any] = {"title": "x", "question": question, "data": {"source": "rows.csv"}}
    return whole | {"design": DESIGNS[form], "decision": DECISION} | tables


def schema_accepts(stated: Any) -> bool:
    checker = jsonschema.Draft202012Validator(plan_schema(), format_checker=jsonschema.FormatChecker())
    return checker.is_valid(stated)


def reader_accepts(stated: Mapping[str, Any], folder: Path) -> bool:
    def tabled(head: str, table: Mapping[str, Any]) -> list[str]:
        return [head, *(f"{json.dumps(key)} = {toml(value)}" for key, value in table.items())]

    scalars = {key: value for key, value in stated.items() if not isinstance(value, dict) and key != "metric"}
    lines = [f"{key} = {toml(value)}" for key, value in scalars.items()]
    for name, table in stated.items():
        if isinstance(table, dict):
            lines += tabled(f"[{name}]", table)
    lines += [line for table in stated.get("metric", []) for line in tabled("[[metric]]", table)]
    path = folder / "plan.toml"
    path.write_text("\n".join(lines), "utf-8")
    try:
        read_plan(path)
    except PlanError:
        return False
    return True


def test_the_file_is_what_the_keys_of_plans_make() -> None:
    made = json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("TWOBYTWO_WRITE_PAGES"):
        FILE.write_text(made, "utf-8")
    assert FILE.read_text("utf-8") == made
    jsonschema.Draft202012Validator.check_schema(plan_schema())


def test_a_key_with_two_names_is_said_once(tmp_path: Path) -> None:
    both = DESIGNS["did"] | {"expected": 0.2, "expected_share": 0.2}
    stated = plan("did", design=both)
    assert not schema_accepts(stated)
    assert not reader_accepts(stated, tmp_path)
    scored = card("comparison", PRIMARY, design=CARDS["comparison"] | {"expected": 0.2})
    assert schema_accepts(scored)
    assert reader_accepts(scored, tmp_path)


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.toml")), ids=lambda path: path.stem)
def test_real_plans_are_plans(path: Path) -> None:
    assert schema_accepts(tomllib.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("form", DESIGNS)
def test_every_key_of_every_question_is_in_the_schema(form: str) -> None:
    question = "did" if form == "wide" else form
    known = {
        key
        for each in plan_schema()["oneOf"]
        if each["properties"]["question"]["const"] == question
        for key in each["properties"]["design"]["properties"]
    }
    assert known == set(keys(question)["design"]) | set(SHORT)
    assert set(QUESTIONS) == {each["properties"]["question"]["const"] for each in plan_schema()["oneOf"]}


# A value of a key, and whether it should be taken.
VALUES: list[tuple[str, str, Any, bool]] = [
    ("did", "control", 0, True),
    ("did", "control", True, True),
    ("did", "control", [1], False),
    ("did", "launch", "2026-09-01", True),
    ("did", "launch", 20260901, False),
    ("did", "missing", "zero", False),
    ("did", "unit", "u", True),
    ("did", "unit", 3, False),
    ("did", "randomised", 1, False),
    ("did", "randomised", True, True),
    ("did", "expected_share", 0.2, True),
    ("did", "expected_share", {"a": 0.5, "b": 0.5}, True),
    ("did", "expected_share", "half", False),
    ("did", "expected", 0.2, True),
    ("did", "expected", "half", False),
    ("interaction", "expected", {"a": 0.5, "b": 0.2}, True),
    ("did", "cap", 600, True),
    ("did", "cap", "99.9%", True),
    ("did", "cap", 0, False),
    ("did", "cap", "much", False),
    ("did", "cap", True, False),
    ("did", "upper_bound", -1, False),
    ("did", "outcom", "y", False),
    ("did", "factors", ["a", "b"], False),
    ("did", "before_column", "a", False),
    ("did", "denominator", "n", True),
    ("did", "kind", "ratio", False),
    ("wide", "denominator", "n", False),
    ("comparison", "denominator", "n", True),
    ("wide", "control", "x", True),
    ("wide", "agg", "sum", False),
    ("wide", "missing", "drop", True),
    ("wide", "missing", "no", False),
    ("interaction", "levels", {"a": [0, 1]}, True),
    ("interaction", "levels", {"a": [0]}, False),
    ("interaction", "factors", "a", False),
    ("comparison", "treatment", ["b", "c"], True),
    ("comparison", "treatment", "b", True),
    ("comparison", "period", "t", False),
]
# What only the reader knows, because two keys must suit each other.
ONLY_TOGETHER = {("did", "missing")}


@pytest.mark.parametrize(("form", "key", "value", "good"), VALUES, ids=lambda value: str(value)[:20])
def test_schema_and_reader_agree_on_every_key(
    form: str, key: str, value: Any, good: bool, tmp_path: Path
) -> None:
    stated = plan(form, design=DESIGNS[form] | {key: value})
    assert reader_accepts(stated, tmp_path) is good
    if (form, key) not in ONLY_TOGETHER:
        assert schema_accepts(stated) is good


@pytest.mark.parametrize(
    ("tables", "good"),
    [
        ({}, True),
        ({"decision": DECISION | {"ci_prob": 1.0}}, False),
        ({"decision": DECISION | {"ci_prob": 0.9}}, True),
        ({"decision": DECISION | {"max_probability": 0.5}}, False),
        ({"decision": DECISION | {"harm": "less"}}, False),
        ({"decision": DECISION | {"margin": -1}}, False),
        ({"decision": {"estimand": "mean", "harm": "increase"}}, False),
        ({"decision": DECISION | {"estimand": "location"}}, False),
        ({"decision": DECISION | {"estimand": "location"}, "model": {"family": "student_t"}}, True),
        ({"model": {"family": "student_t"}}, False),
        ({"model": {"family": "gamma"}}, True),
        ({"model": {"family": "gama"}}, False),
        ({"model": {"priors": "flat"}}, True),
        ({"model": {"priors": "flatt"}}, False),
        ({"model": {"priors": {"effect": 2}}}, True),
        ({"model": {"priors": {"effect": 0}}}, False),
        ({"model": {"priors": {"name": "flat"}}}, False),
        ({"model": {"priors": {"x": 1}}}, False),
        ({"sampler": {"draws": 500}}, True),
        ({"sampler": {"draws": 0.5}}, False),
        ({"sampler": {"seed": 3}}, False),
        ({"question": "dod"}, False),
        ({"title": 3}, False),
        ({"data": {}}, False),
        ({"extra": {}}, False),
        ({"x": 1}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("form", DESIGNS)
def test_schema_and_reader_agree_on_the_other_tables(
    form: str, tables: Any, good: bool, tmp_path: Path
) -> None:
    stated = plan(form, **tables)
    assert (reader_accepts(stated, tmp_path), schema_accepts(stated)) == (good, good)


@pytest.mark.parametrize(("form", "good"), [("comparison", True), ("did", False), ("interaction", False)])
def test_several_treatments_are_for_comparisons(form: str, good: bool, tmp_path: Path) -> None:
    scored = card(form, PRIMARY, design=CARDS[form] | {"treatment": ["b", "c"]})
    assert (reader_accepts(scored, tmp_path), schema_accepts(scored)) == (good, good)


def test_a_date_of_toml_is_read_though_json_has_none(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(
        'title = "x"\nquestion = "did"\n[data]\nsource = "r.csv"\n[design]\noutcome = "y"\ngroup = "g"\n'
        'period = "t"\nlaunch = 2026-09-01\n[decision]\nestimand = "mean"\nharm = "decrease"\nmargin = 0\n'
    )
    launch = read_plan(path).design.factors[1].launch
    assert launch is not None
    assert launch.day == date(2026, 9, 1).isoformat()


@pytest.mark.parametrize("form", CARDS)
@pytest.mark.parametrize(
    ("metrics", "tables", "good"),
    [
        ([PRIMARY, GUARD], {}, True),
        ([PRIMARY, GUARD], {"decision": {"launch_if": "primary improves and no guardrail is harmed"}}, True),
        ([PRIMARY, GUARD], {"decision": {"launch_if": {"primary improves": 0.95}}}, True),
        ([PRIMARY, GUARD], {"decision": {"launch_if": {"primary improves": 0.4}}}, False),
        ([PRIMARY, GUARD], {"decision": {"launch_if": "primary wins"}}, False),
        ([PRIMARY, GUARD], {"decision": {"launch_if": {}}}, False),
        ([PRIMARY], {"decision": {}}, False),
        ([{"column": "y", "role": "information"}], {"decision": {"shrink": "fat"}}, True),
        ([{"column": "y", "role": "information"}], {"decision": {"shrink": "much"}}, False),
        ([{"column": "y"}], {}, False),
        ([{"role": "primary", "harm": "increase", "margin": 1}], {}, False),
        ([PRIMARY | {"role": "goal"}], {}, False),
        ([PRIMARY, {key: value for key, value in GUARD.items() if key != "margin"}], {}, False),
        ([PRIMARY, {key: value for key, value in GUARD.items() if key != "harm"}], {}, False),
        ([PRIMARY | {"cap": "99%"}], {}, True),
        ([PRIMARY, GUARD | {"cap": 3}], {}, False),
        ([PRIMARY | {"kind": "ratio", "denominator": "n"}], {}, True),
        ([PRIMARY | {"kind": "ratio"}], {}, False),
        ([PRIMARY | {"denominator": "n"}], {}, True),
        ([PRIMARY | {"kind": "count", "denominator": "n"}], {}, False),
        ([PRIMARY | {"denominator": "n", "cap": 3}], {}, True),
        ([PRIMARY | {"denominator": "n", "upper_bound": 3}], {}, False),
        ([PRIMARY, GUARD | {"daily_cap": 3}], {}, False),
        ([PRIMARY], {"decision": {"launch_if": 0.9, "estimand": "mean"}}, False),
        ([PRIMARY], {"model": {"priors": "flat"}}, True),
        ([PRIMARY], {"model": {"family": "normal"}}, False),
        ([PRIMARY], {"sampler": {"draws": 500, "random_seed": 1}}, True),
        ([PRIMARY], {"sampler": {"chains": 2}}, False),
        ([PRIMARY], {"design": {}}, False),
        ([], {}, False),
    ],
    ids=str,
)
def test_schema_and_reader_agree_on_scorecards(
    form: str, metrics: Any, tables: Any, good: bool, tmp_path: Path
) -> None:
    stated = card(form, *metrics, **tables)
    if form == "interaction":
        # It does not say whether to launch: a rule is refused, and none is needed.
        good = (good or tables == {"decision": {}}) and "launch_if" not in stated["decision"]
    assert (reader_accepts(stated, tmp_path), schema_accepts(stated)) == (good, good)


@pytest.mark.parametrize("form", CARDS)
@pytest.mark.parametrize("cap", [3, "99%", "much", 0])
def test_rows_that_are_added_up_may_have_a_cap(form: str, cap: Any, tmp_path: Path) -> None:
    stated = card(form, PRIMARY | {"daily_cap": cap}, design=CARDS[form] | {"unit": "u", "agg": "sum"})
    good = cap in (3, "99%")
    assert (reader_accepts(stated, tmp_path), schema_accepts(stated)) == (good, good)


@pytest.mark.parametrize("form", CARDS)
def test_a_launch_is_for_periods(form: str, tmp_path: Path) -> None:
    by_day = {"unit": "u", "agg": "sum", "launch": "2026-09-01", "per": "day"}
    stated = card(form, PRIMARY, design=CARDS[form] | by_day)
    good = form == "did"
    assert (reader_accepts(stated, tmp_path), schema_accepts(stated)) == (good, good)


@pytest.mark.parametrize("form", CARDS)
def test_a_value_before_is_for_comparisons(form: str, tmp_path: Path) -> None:
    stated = card(form, PRIMARY | {"before_column": "x"})
    good = form == "comparison"
    assert (reader_accepts(stated, tmp_path), schema_accepts(stated)) == (good, good)


@pytest.mark.parametrize("form", CARDS)
def test_the_design_of_a_scorecard_says_nothing_of_a_metric(form: str, tmp_path: Path) -> None:
    for key, value in {"outcome": "y", "measure": "minutes", "before_column": "x"}.items():
        stated = card(form, PRIMARY, design=CARDS[form] | {key: value})
        assert (reader_accepts(stated, tmp_path), schema_accepts(stated)) == (False, False)
