"""The JSON of scorecards: what the records hold, and nothing that the schema does not know."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from scored import CRASH, PRIMARY, asked, users

import twobytwo as tbt
from twobytwo.answer.scorecard import read_lines
from twobytwo.show.card_json import card_check_to_dict, card_to_dict
from twobytwo.show.json import dumps

SCHEMA = json.loads(files("twobytwo.show").joinpath("scorecard.schema.json").read_text())


def told(card: tbt.Scorecard) -> dict:
    made = json.loads(dumps(card_to_dict(card)))
    jsonschema.Draft202012Validator(SCHEMA).validate(made)
    return made


def test_it_is_what_the_records_hold(card: tbt.Scorecard) -> None:
    made = told(card)
    assert made["statement"] == card.statement
    assert [row["column"] for row in made["metrics"]] == [entry.metric.column for entry in card.entries]
    medians = [entry.median for entry in card.entries]
    assert [row["median"] for row in made["metrics"]] == pytest.approx(medians, rel=1e-11)
    assert made["launch"]["p_launch"] == pytest.approx(card.launch.p_launch, rel=1e-11)  # type: ignore[union-attr]
    assert made["launch_if"] == [{"event": "primary improves and no guardrail is harmed", "needed": 0.9}]


def test_several_treatments_have_a_decision_each(arms: tbt.Scorecard) -> None:
    made = told(arms)
    assert made["launch"] is None
    assert [each["treatment"] for each in made["launches"]] == ["blue", "green"]
    assert [row["treatment"] for row in made["metrics"]] == ["blue"] * 3 + ["green"] * 3
    assert made["best"]["minutes"] == pytest.approx(arms.best("minutes"))
    one = told(arms.of("blue"))
    assert one["launch"] == made["launches"][0]
    assert one["metrics"] == made["metrics"][:3]


def test_one_treatment_is_not_named(card: tbt.Scorecard) -> None:
    made = told(card)
    assert not {"launches", "best"} & made.keys()
    assert "treatment" not in made["launch"].keys() | made["metrics"][0].keys()


def test_other_cards_are_within_the_schema_too() -> None:
    frame = users(1_000)
    assert told(asked(frame, "minutes"))["launch"] is None
    names = [f"m{k}" for k in range(12)]
    for name in names:
        frame[name] = frame["minutes"].sample(frac=1, random_state=len(name)).to_numpy()
    assert told(asked(frame, *names, shrink="fat"))["shrinkage"]["kind"] == "fat"
    refused = told(asked(frame[(frame["arm"] == 0) | (frame["user"] % 3 == 0)], PRIMARY, expected_share=0.5))
    assert (refused["status"], refused["gates"][0]["status"]) == ("refused", "refuse")


def test_what_is_not_a_scorecard_is_not_in_the_schema(card: tbt.Scorecard) -> None:
    made = told(card)
    for change in ({"status": "fine"}, {"more": 1}, {"metrics": []}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(made | change, SCHEMA)


def test_a_check_holds_no_estimate() -> None:
    frame = users(1_000)
    card = asked(frame, PRIMARY, CRASH)
    plan = SimpleNamespace(title="x", path="plan.toml", sha256="ab", source="rows.csv")
    made = card_check_to_dict(read_lines(frame, card.asked), card.asked, card.gates, plan)
    assert made["data"]["users"] == [500, 500]
    assert made["plan"]["sha256"] == "ab"
    assert "median" not in made["metrics"][0]


def test_every_key_of_the_schema_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")

    def keys(part: Any) -> set[str]:
        if isinstance(part, list):
            return set().union(*map(keys, part))
        if not isinstance(part, dict):
            return set()
        return set(part.get("properties", {})).union(*map(keys, part.values()))

    assert keys(SCHEMA) - set(re.findall(r"`(\w+)`", page)) == set()


def test_what_both_schemas_describe_they_describe_alike() -> None:
    other = json.loads(files("twobytwo.show").joinpath("result.schema.json").read_text())
    own, whole = SCHEMA["properties"], other["properties"]
    assert own["plan"] == whole["plan"]
    assert own["gates"]["items"] == whole["gates"]["items"]
    assert own["options"]["properties"]["priors"] == whole["model"]["properties"]["priors"]
    for key, described in own["design"]["properties"].items():
        assert described == whole["design"]["properties"][key]
    assert SCHEMA["$defs"] == other["$defs"]
