"""The launch decision: every condition of the rule, from joint draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scored import CRASH, PRIMARY, SAFE, asked, three_arms, users

from twobytwo.answer.card import Scorecard
from twobytwo.answer.joint import decide_launch
from twobytwo.ask.rule import Rule


@pytest.mark.parametrize(
    ("lift", "harmed", "verdict"), [(0.1, 0.0, "launch"), (0.1, 0.05, "do not launch"), (0.01, 0.0, "open")]
)
def test_the_launch_needs_the_primary_and_every_guardrail(lift: float, harmed: float, verdict: str) -> None:
    frame = users(4_000, lift=lift)
    rng = np.random.default_rng(9)
    frame["crashed"] |= (rng.random(len(frame)) < harmed) & (frame["arm"] == 1)
    found = asked(frame, PRIMARY, CRASH)
    assert found.launch is not None
    assert found.launch.verdict == verdict
    assert found.statement.startswith({"launch": "Launch.", "open": "Open"}.get(verdict, "Do not launch."))


def test_correlated_guardrails_are_not_a_product() -> None:
    """Six doubles of one metric are harmed together or not at all."""
    rng = np.random.default_rng(2)
    frame = users(4_000, lift=0.1)
    base = rng.normal(size=len(frame)) - 0.02 * frame["arm"]
    names = [f"g{k}" for k in range(6)]
    for name in names:
        frame[name] = 10 + base + 0.05 * rng.normal(size=len(frame))
    guardrails = [{"column": name, "role": "guardrail", "harm": "decrease", "margin": 0.04} for name in names]
    found = asked(frame, PRIMARY, *guardrails)
    assert found.launch is not None
    single = 1 - found.entry("g0").p_material_harm
    assert 0.2 < single < 0.95
    assert found.launch.p_launch == pytest.approx(single, abs=0.1)
    assert found.launch.p_if_independent == pytest.approx(single**6, abs=0.1)


def test_the_record_of_calibration_says_what_it_should() -> None:
    """docs/data/joint_decision.json, from benchmarks/joint_decision.py."""
    path = Path(__file__).parents[2] / "docs" / "data" / "joint_decision.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record["experiments"] == 1_000
    assert abs(record["joint"]["standard errors off"]) < 2.5
    assert abs(record["product"]["standard errors off"]) > 3
    assert record["joint"]["log score"] > record["product"]["log score"]


def test_every_event_is_a_share_of_the_joint_draws(card: Scorecard) -> None:
    harm = np.stack([e.metric.harm_sign * card.draws[:, j] for j, e in enumerate(card.entries)], axis=1)
    margin = np.array([entry.metric.margin or 0 for entry in card.entries])
    up, harmed = harm[:, :1] < 0, harm > margin
    expected = {
        "primary improves": up[:, 0],
        "any primary improves": up[:, 0],
        "no primary is harmed": ~harmed[:, 0],
        "no guardrail is harmed": ~harmed[:, 1:3].any(axis=1),
        "primary improves and no guardrail is harmed": up[:, 0] & ~harmed[:, 1:3].any(axis=1),
    }
    found = decide_launch(card.entries, card.draws, Rule.stated_as(dict.fromkeys(expected, 0.9)))
    for condition in found.conditions:
        assert condition.probability == expected[condition.event].mean()
    assert found.p_launch == np.all([*expected.values()], axis=0).mean()


def test_the_decision_on_each_treatment_is_that_of_normal_means(arms: Scorecard) -> None:
    """Closed form: minutes and crashes are jointly normal; the prior hardly counts; 4 standard errors."""
    groups = {arm: group[["minutes", "crashed"]] for arm, group in three_arms().groupby("arm")}
    scale = np.array([1, 100])
    mean = {arm: scale * group.mean().to_numpy() for arm, group in groups.items()}
    error = {
        arm: group.cov().to_numpy() * np.outer(scale, scale) / len(group) for arm, group in groups.items()
    }
    assert [launch.treatment for launch in arms.launches] == ["blue", "green"]
    for launch in arms.launches:
        arm = str(launch.treatment)
        # More minutes, and crashes not beyond the margin: the orthant of -minutes and crashes.
        turn = np.diag([-1, 1])
        effect = turn @ (mean[arm] - mean["control"])
        joint = stats.multivariate_normal(effect, turn @ (error[arm] + error["control"]) @ turn)
        p = float(joint.cdf([0, CRASH["margin"]]))
        assert launch.p_launch == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 4_000) + 0.02)
        assert launch == decide_launch(arms.of(arm).entries, arms.of(arm).draws, arms.asked.rule)
    assert [launch.verdict for launch in arms.launches] == ["launch", "do not launch"]


def test_two_primary_metrics_are_both_or_any() -> None:
    frame = users(2_000, lift=0.1)
    frame["worse"] = frame["minutes"].max() - frame["minutes"]
    both = [PRIMARY, {"column": "worse", "role": "primary"}]
    found = asked(frame, *both, launch_if={"primary improves": 0.9, "any primary improves": 0.9})
    assert found.launch is not None
    every, some = found.launch.conditions
    assert every.probability < 0.1
    assert some.probability > 0.9
    assert found.launch.verdict == "do not launch"
    assert asked(frame, *both, launch_if="any primary improves").launch.verdict == "launch"  # type: ignore[union-attr]


def test_conditions_are_judged_one_by_one() -> None:
    """Each needs its own probability; the table of all of them is not one event."""
    frame = users(4_000, lift=0.1)
    found = asked(frame, PRIMARY, SAFE, launch_if={"primary improves": 0.99, "no guardrail is harmed": 0.6})
    assert found.launch is not None
    assert found.launch.verdict == "launch"
    assert "(needed: 99 %)" in found.statement
    assert "(needed: 60 %)" in found.statement


def test_without_correlation_the_columns_keep_their_margins(card: Scorecard) -> None:
    assert card.launch is not None
    marginal = (
        np.prod([1 - entry.p_material_harm for entry in card.entries[1:3]]) * card.entries[0].p_improved
    )
    assert card.launch.p_if_independent == pytest.approx(marginal, abs=0.01)
