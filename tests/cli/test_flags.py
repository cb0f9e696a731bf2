"""Flags: made from the keys of plans, and their values as plans have them."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

import twobytwo as tbt
from twobytwo.answer.plan_analysis import Plan
from twobytwo.cli import _ASKED, main
from twobytwo.cli.flags import QUESTIONS, _scalar, add_flags, asked, in_flags
from twobytwo.errors import DesignError


def planned(command: str, line: str) -> Plan:
    parser = argparse.ArgumentParser()
    add_flags(parser, command)
    return asked(command, "rows.csv", parser.parse_args(line.split()))


def test_every_question_is_a_command() -> None:
    assert list(QUESTIONS) == list(_ASKED)


def test_flags_state_what_keywords_do() -> None:
    plan = planned(
        "did",
        "--outcome minutes --group variant --period period --control 0 --treatment 1 --unit user_id "
        "--missing zero --randomised --margin 5 --cap 600 --priors flat --max-probability 0.1 --draws 500",
    )
    assert plan.design == tbt.Design.did(
        outcome="minutes",
        group="variant",
        period="period",
        control=0,
        treatment=1,
        unit="user_id",
        missing="zero",
        randomised=True,
        margin=5.0,
        cap=600.0,
    )
    assert (plan.priors.name, plan.max_probability, plan.sampler) == ("flat", 0.1, {"draws": 500})


def test_one_row_per_user() -> None:
    plan = planned("did", "--before-column pre --after-column post --group g --unit id")
    assert plan.design.wide == ("pre", "post")


def test_levels_and_lists() -> None:
    plan = planned("interaction", "--outcome y --factors a b --levels a=off,on b=0,1")
    assert [factor.levels for factor in plan.design.factors] == [("off", "on"), (0, 1)]
    plan = planned("compare", "--outcome y --group arm --control a --treatment b c")
    assert plan.design.factors[0].levels == ("a", "b", "c")
    plan = planned("compare", "--outcome y --group arm --control a --treatment b --priors effect=0.1")
    assert plan.design.factors[0].levels == ("a", "b")
    assert plan.priors.effect == 0.1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-2.5", -2.5),
        (".5", 0.5),
        ("TRUE", True),
        ("'1'", "1"),
        ("nan", "nan"),
        ("2026-09-01",) * 2,
        ("[1]", "[1]"),
        ("post # x", "post # x"),
        ("007", "007"),
    ],
)
def test_text_becomes_a_level(text: str, value: Any) -> None:
    assert _scalar(text) == value
    assert type(_scalar(text)) is type(value)


def test_messages_speak_of_flags() -> None:
    error = DesignError("Say control='A', treatment='B' or levels={'a': ('off', 'on')} with unit=.")
    assert in_flags(error, "did").startswith("Say --control 'A', --treatment 'B'")
    assert "--levels a=off,on with --unit." in in_flags(error, "interaction")


@pytest.mark.parametrize("command", ["did", "interaction", "compare", "init"])
def test_help_has_per_cent_signs(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert command in capsys.readouterr().out
