"""What a scorecard is asked is checked before any data are seen."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.answer.scoring import Scoring, design_for
from twobytwo.ask.design import Design
from twobytwo.ask.lines import lines_of
from twobytwo.ask.metric import Metric
from twobytwo.ask.rule import Rule
from twobytwo.errors import DesignError

MINUTES = Metric(column="minutes")
ARM = Design.compare(outcome="minutes", group="arm", unit="user", expected_share=0.2)
BEFORE = [{"column": "minutes", "role": "primary", "before_column": "earlier"}]


def scoring(metrics: Any, design: Design = ARM, **more: Any) -> Scoring:
    return Scoring(design=design, lines=lines_of(metrics), **more)


def test_lines_stand_by_role() -> None:
    guard = {"column": "b", "role": "guardrail", "harm": "increase"}
    asked = scoring(["a", guard, *BEFORE, "c"])
    assert [line.metric.column for line in asked.lines] == ["minutes", "b", "a", "c"]
    assert asked.decides
    assert not scoring(["a"]).decides


def test_the_question_of_one_line_is_that_of_a_full_analysis() -> None:
    asked = scoring([*BEFORE, "visits"])
    assert asked.design_of(asked.lines[1]) == Design.compare(
        outcome="visits", group="arm", unit="user", expected_share=0.2
    )
    assert asked.design_of(asked.lines[0]) == Design.compare(
        outcome="minutes", group="arm", unit="user", expected_share=0.2, before_column="earlier"
    )


@pytest.mark.parametrize(
    ("keywords", "question"),
    [
        ({"group": "arm"}, "comparison"),
        ({"group": "arm", "period": "t", "unit": "u", "missing": "zero", "randomised": True}, "did"),
        ({"group": "arm", "control": "a", "treatment": ["b", "c"]}, "comparison"),
        ({"factors": ["a", "b"], "levels": {"a": (0, 1)}}, "interaction"),
    ],
)
def test_keywords_name_the_question(keywords: Any, question: str) -> None:
    assert design_for(MINUTES, **keywords).question == question


@pytest.mark.parametrize(
    ("keywords", "match"),
    [
        ({}, "group= is missing"),
        ({"factors": ["a", "b"], "group": "arm"}, "factors= and group= belong to different questions"),
        ({"factors": ["a", "b"], "randomised": True}, "factors= and randomised= belong"),
        ({"group": "arm", "period": "t", "treatment": ["b", "c"]}, r"treatment=\['b', 'c'\] is not a level"),
        ({"group": "arm", "missing": "zero"}, "missing= is about periods"),
        ({"group": "arm", "levels": {"arm": (0, 1)}}, "levels= is for the experiments"),
        ({"group": "minutes"}, "'minutes' is used in two roles"),
    ],
)
def test_keywords_that_do_not_go_together_are_refused(keywords: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        design_for(MINUTES, **keywords)


@pytest.mark.parametrize(
    ("metrics", "more", "match"),
    [
        (["arm"], {}, "'arm' is used in two roles"),
        (["a"], {"ci_prob": 1.0}, "ci_prob=1.0 must be between 0 and 1"),
        (["a"], {"max_probability": 0.6}, "max_probability=0.6 must be between 0 and 0.5"),
        (["a"], {"draws": 10}, "draws=10 must be a whole number from 100 on"),
        (["a"], {"random_seed": True}, "random_seed=True must be a whole number"),
        (["a"], {"shrink": "much"}, "shrink='much' is unknown"),
        (["a"], {"rule": Rule.stated_as("primary improves")}, 'no metric has the role "primary"'),
        (
            BEFORE,
            {"design": Design.compare(outcome="a", group="arm", unit="user", agg="sum")},
            "one row each, without agg=",
        ),
        (
            BEFORE,
            {"design": Design.did(outcome="a", group="arm", period="t", unit="u")},
            "before_column='earlier' of 'minutes' is for comparisons of groups",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(metrics: Any, more: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        scoring(metrics, **more)
