"""A scorecard: rows by role, one decision from joint draws, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import twobytwo as tbt
from twobytwo.answer.scorecard import Scorecard
from twobytwo.errors import DataError, DesignError

PRIMARY = {"column": "minutes", "role": "primary", "measure": "minutes", "margin": 1}
SAFE = {"column": "bought", "kind": "share", "role": "guardrail", "harm": "decrease", "margin": 2}
CRASH = {"column": "crashed", "kind": "share", "role": "guardrail", "harm": "increase", "margin": 1}


def users(n: int = 8_000, seed: int = 0, lift: float = 0.05) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    keen = rng.normal(size=n)
    frame = pd.DataFrame({"user": np.arange(n), "arm": np.arange(n) % 2})
    frame["minutes"] = np.exp(3 + 0.5 * keen + 0.3 * rng.normal(size=n)) * (1 + lift * frame["arm"])
    frame["bought"] = (keen + rng.normal(size=n) > 1.5).astype(int)
    frame["crashed"] = rng.random(n) < 0.03
    frame["visits"] = rng.poisson(2 * np.exp(0.4 * keen))
    return frame


def asked(frame: pd.DataFrame, *metrics: Any, **more: Any) -> Scorecard:
    return tbt.scorecard(frame, group="arm", metrics=metrics, **more)


@pytest.fixture(scope="module")
def card() -> Scorecard:
    pace = {"column": "minutes", "kind": "ratio", "denominator": "visits"}
    return asked(users(), "visits", pace, CRASH, SAFE, PRIMARY, unit="user")


def test_rows_stand_by_role_and_open_by_name(card: Scorecard) -> None:
    assert [entry.role for entry in card.entries] == ["primary", *["guardrail"] * 2, *["information"] * 2]
    assert card["minutes"] is card.entries[0]
    assert card["minutes per visits"].metric.denominator == "visits"
    with pytest.raises(DesignError, match=r"metric 'minuts' is not in the scorecard.*mean 'minutes'\?"):
        card["minuts"]


def test_every_number_is_that_of_the_joint_draws(card: Scorecard) -> None:
    for j, entry in enumerate(card.entries):
        draws = card.draws[:, j]
        harm = entry.metric.harm_sign * draws
        np.testing.assert_allclose([*entry.ci], np.quantile(draws, [0.025, 0.975]))
        assert entry.p_harm == (harm > 0).mean() == pytest.approx(1 - entry.p_improved)
        assert entry.p_material_harm == (harm > (entry.metric.margin or 0)).mean()
    assert card.launch is not None
    up = card.draws[:, 0] > 0
    harmed = (card.draws[:, 1] > 1) | (card.draws[:, 2] < -2)
    assert card.launch.p_launch == (up & ~harmed).mean()
    assert card.launch.p_any_guardrail_harmed == harmed.mean()
    assert card.probability(lambda effect: effect["minutes"] > 0) == up.mean()


def test_the_companion_and_its_discoveries(card: Scorecard) -> None:
    p = np.array([entry.p_value for entry in card.entries])
    found = [entry.discovery for entry in card.entries]
    assert found == (stats.false_discovery_control(p) <= 0.05).tolist()
    minutes = users().groupby("arm")["minutes"]
    welch = stats.ttest_ind(*(group for _, group in minutes), equal_var=False)
    assert card["minutes"].p_value == pytest.approx(welch.pvalue, rel=0.02)


def test_verdicts_that_may_be_false_are_counted(card: Scorecard) -> None:
    false = [
        1 - entry.p_material_harm if entry.verdict == "harm" else entry.p_material_harm
        for entry in card.entries
        if entry.verdict in ("harm", "no harm")
    ]
    assert card.expected_false == pytest.approx(sum(false))


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
    single = 1 - found["g0"].p_material_harm
    assert 0.2 < single < 0.95
    assert found.launch.p_launch == pytest.approx(single, abs=0.1)
    assert found.launch.p_if_independent == pytest.approx(single**6, abs=0.1)


def test_a_few_large_values_withhold_the_decision() -> None:
    frame = users(2_000)
    frame.loc[7, "minutes"] = 1e6
    found = asked(frame, PRIMARY, CRASH)
    assert found["minutes"].verdict == "not stated"
    assert found.launch is not None
    assert found.launch.verdict == "not stated"
    assert "a few large values carry the difference" in found["minutes"].cautions
    assert "%" not in found.statement


def test_rare_events_are_a_caution() -> None:
    frame = users(2_000)
    frame["crashed"] = frame.index < 12
    assert "a cell has 6 events" in asked(frame, CRASH)["crashed"].cautions


def test_without_a_primary_metric_nothing_is_launched() -> None:
    found = asked(users(2_000), "minutes")
    assert found.launch is None
    assert "no launch decision" in found.statement


def test_other_designs_are_accepted() -> None:
    frame = users(2_000).assign(other=lambda frame: frame["user"] // 2 % 2)
    both = tbt.scorecard(frame, factors=("arm", "other"), metrics=["minutes", "bought"])
    assert both.design.headline.name == "interaction"
    rows = pd.concat([frame.assign(period="pre"), users(2_000, seed=1).assign(period="post")])
    did = tbt.scorecard(rows, group="arm", period="period", unit="user", metrics=["minutes", "bought"])
    assert did.design.headline.name == "did"
    assert did.users == 2_000


def test_the_same_call_gives_the_same_draws() -> None:
    one, other = (asked(users(1_000), PRIMARY, CRASH).draws for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shrink", ["normal", "fat"])
def test_a_long_list_is_shrunk_and_says_so(shrink: Any) -> None:
    rng = np.random.default_rng(0)
    frame = users(1_000)
    names = [f"m{k}" for k in range(30)]
    frame[names] = rng.normal(100, 30, (len(frame), 30))
    plain, found = asked(frame, *names), asked(frame, *names, shrink=shrink)
    assert plain.shrinkage is None
    assert found.shrinkage is not None
    assert "Effects are shrunk" in found.how
    size = [np.abs(card.draws.mean(axis=0)).mean() for card in (plain, found)]
    assert size[1] < 0.5 * size[0]


# What is refused


@pytest.mark.parametrize(
    ("metrics", "match"),
    [
        (["minutes", "minutes"], "'minutes' stands twice"),
        (["minutes", {"column": "minutes", "label": "other"}], "'minutes' stands twice"),
        ([{"column": "bought", "role": "guardrail"}], r"guardrail 'bought' has no direction: say harm="),
        ([{"column": "bought", "role": "goal"}], "role='goal' of 'bought' is not allowed"),
        ([{"column": "bought", "margn": 1}], r"metric key 'margn' is unknown.*mean 'margin'\?"),
        ([{"role": "primary"}], "A metric has no column"),
        ([{"column": "minutes", "kind": "ratio"}], "denominator=None do not go together"),
        ([{"column": "minutes", "cap": 9}], "Caps and upper_bound= of 'minutes'"),
        ([], r"metrics=\[\] must be a list"),
        ("minutes", "metrics='minutes' must be a list"),
        (["nonsense"], "nonsense"),
    ],
)
def test_what_is_said_of_metrics_is_checked(metrics: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        tbt.scorecard(users(400), group="arm", metrics=metrics)


def test_metrics_of_different_users_are_refused() -> None:
    frame = users(400)
    frame.loc[frame.index % 3 == 0, "visits"] = np.nan
    with pytest.raises(DataError, match=r"'visits' is missing .* metrics of the same users"):
        asked(frame, "minutes", "visits")


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"launch_if": 0.4}, "launch_if=0.4 must be between 0.5 and 1"),
        ({"ci_prob": 1.0}, "ci_prob=1.0"),
        ({"treatment": [1, 2]}, "one treatment with the control group"),
        ({"factors": ("a", "b")}, "factors= and group= belong to different questions"),
        ({"group": None}, "group= is missing"),
    ],
)
def test_options_are_checked(more: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        tbt.scorecard(users(400), **({"group": "arm", "metrics": ["minutes"]} | more))


def test_a_ratio_is_answered_here_only() -> None:
    with pytest.raises(
        DesignError, match=r"kind='ratio' \(minutes per visits\) is answered by tbt.scorecard"
    ):
        tbt.compare(users(400), outcome="minutes", group="arm", kind="ratio", denominator="visits")


def test_a_row_opens_to_the_full_analysis(card: Scorecard) -> None:
    """The closed form is the sampled posterior of the same metric."""
    full = card.analysis("minutes")
    assert card.analysis("minutes") is full
    assert full.fit.family.name == "normal"
    entry = card["minutes"]
    assert entry.median == pytest.approx(full.headline.median, abs=0.1 * full.headline.sd)
    np.testing.assert_allclose(entry.ci, full.headline.ci, atol=0.2 * full.headline.sd)


def test_the_record_of_calibration_says_what_it_should() -> None:
    """docs/data/joint_decision.json, from benchmarks/joint_decision.py."""
    path = Path(__file__).parents[2] / "docs" / "data" / "joint_decision.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record["experiments"] == 1_000
    assert abs(record["joint"]["standard errors off"]) < 2.5
    assert abs(record["product"]["standard errors off"]) > 3
    assert record["joint"]["log score"] > record["product"]["log score"]
