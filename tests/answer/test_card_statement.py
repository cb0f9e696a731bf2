"""What a scorecard says: the verdict first, of several treatments whose it is."""

from __future__ import annotations

from scored import CRASH, PRIMARY, asked, three_arms

from twobytwo.answer.card import Scorecard
from twobytwo.answer.card_statement import how_known, statement
from twobytwo.infer.decisions import format_probability


def test_of_several_treatments_it_is_said_whose_the_verdict_is(arms: Scorecard) -> None:
    blue, green = (format_probability(launch.p_launch) for launch in arms.launches)
    harm = [format_probability(launch.p_any_guardrail_harmed) for launch in arms.launches]
    best = format_probability(arms.best("minutes")["blue"])
    assert statement(arms) == (
        "Launch blue; do not launch green. The probability that every primary metric improved and no "
        f"guardrail is harmed beyond its margin is {blue} for blue and {green} for green (needed: 90 %). "
        f"Probability that any guardrail is harmed: {harm[0]} for blue and {harm[1]} for green. "
        f"Most probably best in minutes: blue ({best})."
    )
    assert statement(arms.of("blue")).startswith("Launch blue. The probability that")
    assert "blue and green are each compared with control." in how_known(arms)
    assert "blue is compared with control." in how_known(arms.of("blue"))


def test_one_treatment_is_not_named(card: Scorecard) -> None:
    assert statement(card).startswith("Launch. The probability that every primary metric improved")
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
