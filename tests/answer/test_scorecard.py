"""A scorecard from a table: designs, options, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scored import CRASH, PRIMARY, asked, users

import twobytwo as tbt
from twobytwo.errors import DataError, DesignError


def test_a_few_large_values_withhold_the_decision() -> None:
    frame = users(2_000)
    frame.loc[7, "minutes"] = 1e6
    found = asked(frame, PRIMARY, CRASH)
    assert found.entry("minutes").verdict == "not stated"
    assert found.launch is not None
    assert found.launch.verdict == "not stated"
    assert "a few large values carry the difference" in found.entry("minutes").cautions
    assert "%" not in found.statement


def test_without_a_primary_metric_nothing_is_launched() -> None:
    found = asked(users(2_000), "minutes")
    assert found.launch is None
    assert "no launch decision" in found.statement


def test_other_designs_are_accepted() -> None:
    frame = users(2_000).assign(other=lambda frame: frame["user"] // 2 % 2)
    both = tbt.scorecard(frame, factors=("arm", "other"), metrics=["minutes", "bought"])
    assert both.asked.design.headline.name == "interaction"
    rows = pd.concat([frame.assign(period="pre"), users(2_000, seed=1).assign(period="post")])
    did = tbt.scorecard(rows, group="arm", period="period", unit="user", metrics=["minutes", "bought"])
    assert did.asked.design.headline.name == "did"
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
