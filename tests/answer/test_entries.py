"""Rows of a scorecard: their numbers are those of the draws and of the companion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scored import CRASH, PRIMARY, asked, three_arms, users

from twobytwo.answer.card import Scorecard
from twobytwo.answer.scorecard import scorecard


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
    assert card.entry("minutes").p_value == pytest.approx(welch.pvalue, rel=0.02)


def test_rows_of_several_treatments_are_told_apart(arms: Scorecard) -> None:
    assert [entry.name for entry in arms.entries] == [
        f"{metric} ({arm})" for arm in ("blue", "green") for metric in ("minutes", "crashed", "visits")
    ]
    for j, entry in enumerate(arms.entries):
        np.testing.assert_allclose([*entry.ci], np.quantile(arms.draws[:, j], [0.025, 0.975]))


def test_rare_events_of_another_treatment_are_no_caution() -> None:
    frame = three_arms(3_000)
    frame["crashed"] = (frame["arm"] != "green") & (frame["user"] < 60)
    frame.loc[frame["user"].isin([2, 5, 8, 11]), "crashed"] = True
    found = asked(frame, CRASH)
    assert "a cell has 4 events" in found.entries[1].cautions
    assert not any("events" in caution for caution in found.entries[0].cautions)


def test_rare_events_are_a_caution() -> None:
    frame = users(2_000)
    frame["crashed"] = frame.index < 12
    assert "a cell has 6 events" in asked(frame, CRASH).entry("crashed").cautions


def test_no_verdict_is_stated_where_a_small_group_lacks_the_large_values() -> None:
    """Skewness sees no more than the small group shows: it looks even, and its error is too small."""
    rng = np.random.default_rng(3)
    y = np.sort(rng.lognormal(0, 1.2, 3_000))
    small = np.zeros(3_000, dtype=bool)
    small[rng.permutation(2_900)[:300]] = True
    frame = pd.DataFrame(
        {"arm": small.astype(int), "minutes": y, "visits": np.floor(y), "user": np.arange(3_000)}
    )
    metrics = [{"column": "minutes"}, {"column": "visits", "kind": "count"}]
    card = scorecard(frame, group="arm", unit="user", metrics=metrics)
    for entry in card.entries:
        assert entry.verdict == "not stated"
        assert "the smaller group lacks large values" in entry.cautions
    # Of the same users, one half against the other.
    halves = scorecard(frame.assign(arm=frame["user"] % 2), group="arm", unit="user", metrics=metrics)
    assert {entry.verdict for entry in halves.entries} == {"open"}


def test_no_verdict_is_stated_where_the_groups_are_not_right() -> None:
    frame = users(4_000)
    frame = frame[(frame["arm"] == 0) | (frame["user"] % 20 < 15)]
    found = asked(frame, PRIMARY, CRASH, expected_share=0.5)
    assert {entry.verdict for entry in found.entries} == {"not stated"}
    assert {entry.p_false for entry in found.entries} == {0.0}
