"""What a scorecard says: the verdict first, of several treatments whose it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scored import CRASH, PRIMARY, SAFE, asked, three_arms, users

import twobytwo as tbt
from twobytwo.answer.card import Scorecard
from twobytwo.answer.card_statement import how_known, statement
from twobytwo.infer.decisions import format_probability


def test_of_several_treatments_it_is_said_whose_the_verdict_is(arms: Scorecard) -> None:
    blue, green = (format_probability(launch.p_launch) for launch in arms.launches)
    harm = [format_probability(launch.p_any_guardrail_harmed) for launch in arms.launches]
    best = format_probability(arms.best("minutes")["blue"])
    assert statement(arms) == (
        "Launch blue; do not launch green. Harmed: crashed (green). The probability that minutes improved "
        "and no guardrail is harmed beyond its margin is "
        f"{blue} for blue and {green} for green (needed: 90 %). "
        f"Probability that any guardrail is harmed: {harm[0]} for blue and {harm[1]} for green. "
        f"Most probably best in minutes: blue ({best})."
    )
    assert statement(arms.of("blue")).startswith("Launch blue. The probability that")
    assert "The groups blue and green are each compared with control." in how_known(arms)
    assert "The group blue is compared with control." in how_known(arms.of("blue"))


def test_one_treatment_is_not_named(card: Scorecard) -> None:
    assert statement(card).startswith("Launch. The probability that minutes improved")
    assert "compared with" not in how_known(card)


def test_large_values_forbid_a_decision_on_their_treatment_alone() -> None:
    frame = three_arms(3_000)
    frame.loc[frame["arm"] == "blue", "minutes"] += 2
    frame.loc[2, "minutes"] = 1e6
    found = asked(frame, PRIMARY, CRASH)
    assert frame.loc[2, "arm"] == "green"
    assert found.statement.startswith(
        "Launch blue. The launch of green is not stated: a few large values carry the effect on minutes, "
        "which decides, or the smaller group lacks them; say cap=, or look at it alone. The probability that"
    )
    assert "for green" not in found.statement


def test_without_a_rule_harm_is_said_with_its_treatment() -> None:
    found = asked(three_arms(3_000), {**CRASH, "role": "information"}, "visits")
    assert found.statement == "Harm: crashed (green). No metric is primary, so there is no launch decision."
    assert found.parts["green against control"].launches == ()


def test_where_no_harm_is_shown_it_is_said_what_is_open() -> None:
    frame = users(400)
    few = [{"column": "minutes", "margin": 1}, {**CRASH, "role": "information"}]
    found = asked(frame, *few)
    undecided = [entry.name for entry in found.entries if entry.verdict == "open"]
    assert undecided
    assert found.statement == (
        f"No metric is shown to be harmed; open: {', '.join(undecided)}. No metric is primary, so there is "
        "no launch decision."
    )


def test_of_many_open_metrics_it_is_said_how_many() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(10, 1, (2_000, 8)), columns=[*"abcdefgh"]).assign(arm=[0, 1] * 1_000)
    found = asked(frame, *"abcdefgh")
    undecided = sum(entry.verdict == "open" for entry in found.entries)
    assert undecided > 4
    assert found.statement.startswith(
        f"No metric is shown to be harmed; open: {undecided} of 8. No metric is"
    )


def test_interactions_that_are_open_are_not_said_to_be_harmless() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": np.arange(400) % 2, "b": np.arange(400) // 2 % 2, "y": rng.normal(10, 1, 400)})
    found = tbt.scorecard(frame, factors=("a", "b"), metrics=["y"])
    assert found.statement.startswith(
        "No interaction is shown to be harmful; open: y. Effects are interactions"
    )


def test_no_launch_names_what_is_harmed() -> None:
    frame = users(4_000)
    frame["crashed"] |= (frame["arm"] == 1) & (frame["user"] % 9 == 1)
    found = asked(frame, PRIMARY, CRASH)
    assert found.statement.startswith("Do not launch. Harmed: crashed. The probability that minutes improved")


def test_false_verdicts_are_counted_where_there_are_verdicts(card: Scorecard) -> None:
    number = "< 0.01" if card.expected_false < 0.005 else f"{card.expected_false:.2f}"
    assert f"Expected number of false verdicts of harm or no harm, given the prior: {number}." in how_known(
        card
    )
    frame = pd.DataFrame({"arm": [0, 1] * 100, "y": np.random.default_rng(1).normal(0, 1, 200)})
    none = asked(frame, "y")
    assert {entry.verdict for entry in none.entries} == {"open"}
    assert "false verdicts" not in how_known(none)


def test_several_primary_metrics_are_not_named() -> None:
    both = asked(users(4_000), PRIMARY, {**SAFE, "role": "primary"})
    assert "The probability that every primary metric improved" in both.statement
