"""Launch rules: a few words, checked before any data."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.ask.rule import CLAUSES, DEFAULT, Rule, clauses, said
from twobytwo.errors import DesignError


def test_a_number_a_text_and_a_table_are_rules() -> None:
    assert Rule.stated_as(0.9) == Rule()
    assert Rule.stated_as(DEFAULT) == Rule(stated=True)
    rule = Rule.stated_as({"primary improves": 0.95, " no  guardrail is harmed ": 0.8})
    assert rule.events == ("primary improves", "no guardrail is harmed")
    assert rule.needed == (0.95, 0.8)


def test_every_clause_may_stand_alone_and_is_said_in_words() -> None:
    for clause, (_, words) in CLAUSES.items():
        assert clauses(clause) == (clause,)
        assert said(clause) == words
    assert said(" and ".join(CLAUSES)).count(" and ") == len(CLAUSES) - 1


@pytest.mark.parametrize(
    ("launch_if", "match"),
    [
        (0.4, r"launch_if=0.4 must be between 0.5 and 1"),
        (True, r"launch_if=True must be between"),
        (1, r"launch_if=1 must be between"),
        ("primary improve", r"'primary improve', which is no part of a rule.*mean 'primary improves'\?"),
        ("primary improves or no guardrail is harmed", "which is no part of a rule"),
        ("", "says '', which is no part"),
        ("primary improves and primary improves", "'primary improves' twice"),
        ("Primary improves", r"mean 'primary improves'\?"),
        ({}, "names no event"),
        ({"primary improves": 0.5}, r"launch_if=0.5 of 'primary improves'"),
        ({"primary improves": "high"}, r"launch_if='high' of 'primary improves'"),
        ({"primary wins": 0.9, "no guardrail is harmed": 2}, "2 things are wrong"),
        ({3: 0.9}, "launch_if=3 must be an event in words"),
    ],
)
def test_what_is_no_rule_is_refused(launch_if: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        Rule.stated_as(launch_if)


def test_a_rule_is_about_metrics_that_are_there() -> None:
    assert not Rule().suits(["information"])
    assert Rule().suits(["primary"])
    stated = Rule.stated_as(DEFAULT)
    assert stated.suits(["guardrail", "primary"])
    with pytest.raises(DesignError, match="says 'primary improves', and no metric has the role \"primary\""):
        stated.suits(["guardrail"])
    with pytest.raises(DesignError, match='no metric has the role "guardrail"'):
        stated.suits(["primary"])
