"""A scorecard from a table: designs, options, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scored import CRASH, PRIMARY, asked, three_arms, users

import twobytwo as tbt
from twobytwo.answer.scoring import design_for
from twobytwo.ask.metric import Metric
from twobytwo.check.crosscheck import robust_check
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
    assert "Effects are interactions of arm and other: " in both.statement
    with pytest.raises(DesignError, match="do not say whether to launch"):
        tbt.scorecard(frame, factors=("arm", "other"), metrics=["minutes"], launch_if="primary improves")
    rows = pd.concat([frame.assign(period="pre"), users(2_000, seed=1).assign(period="post")])
    did = tbt.scorecard(rows, group="arm", period="period", unit="user", metrics=["minutes", "bought"])
    assert did.asked.design.headline.name == "did"
    assert did.users == 2_000


def test_each_of_several_treatments_is_compared_with_control(arms: tbt.Scorecard) -> None:
    """The companion is that of a scorecard of its rows and the control group's, to the last digits."""
    frame = three_arms()
    assert arms.asked.design.factors[0].labels == ("control", "blue", "green")
    assert arms.queries == 3
    for treatment in arms.treatments:
        alone = asked(frame[frame["arm"].isin(["control", treatment])], "visits", CRASH, PRIMARY, unit="user")
        for one, other in zip(arms.of(treatment).entries, alone.entries, strict=True):
            assert one.line == other.line
            assert one.estimate == pytest.approx(other.estimate, rel=1e-9, abs=1e-12)
            assert (one.se, one.p_value) == pytest.approx((other.se, other.p_value), rel=1e-9)


def test_several_treatments_are_multiple(arms: tbt.Scorecard) -> None:
    """False discoveries and false verdicts are counted over the rows of all treatments."""
    p_values = [entry.p_value for entry in arms.entries]
    found = [entry.discovery for entry in arms.entries]
    assert found == (stats.false_discovery_control(p_values) <= 0.05).tolist()
    assert arms.expected_false == pytest.approx(sum(arms.of(each).expected_false for each in arms.treatments))


def test_a_gap_before_is_taken_away_from_each_treatment() -> None:
    frame = three_arms(3_000)
    frame["earlier"] = frame["minutes"] * np.random.default_rng(4).uniform(0.8, 1.2, len(frame))
    frame["earlier"] /= np.where(frame["arm"] == "blue", 1.1, 1.0)
    found = asked(frame, {**PRIMARY, "before_column": "earlier"}, unit="user")
    cells = tbt.compress(frame, found.asked.design_of(found.entries[0].line))
    for entry, contrast in zip(found.entries, cells.design.primary, strict=True):
        check = robust_check(cells, contrast=contrast)
        assert check.method == "ancova"
        assert entry.estimate == pytest.approx(check.estimate, abs=0.05 * check.se)
        assert entry.se == pytest.approx(check.se, rel=0.02)
    heavier = np.where(frame["arm"] == "green", 3, 0)
    unlike = asked(
        frame.assign(earlier=frame["earlier"] + heavier), {**PRIMARY, "before_column": "earlier"}, unit="user"
    )
    assert "The groups were not alike before in 'earlier (green)'" in unlike.statement


def test_groups_drawn_at_random_must_be_alike_before() -> None:
    frame = users(2_000)
    after = users(2_000, seed=1).assign(period="post")
    ask: dict[str, Any] = {"period": "period", "unit": "user", "randomised": True}
    alike = asked(pd.concat([frame.assign(period="pre"), after]), "minutes", "visits", **ask)
    assert "so their gap before was taken away in every metric. The groups were alike before" in alike.how
    heavy = frame.assign(period="pre", minutes=frame["minutes"] * (1 + frame["arm"]))
    unlike = asked(pd.concat([heavy, after]), "minutes", "visits", **ask)
    assert "The groups were not alike before in 'minutes'" in unlike.statement


def test_a_launch_in_a_column_of_dates_is_read_as_by_a_full_analysis() -> None:
    """Rows capped by day, sums divided by unequal numbers of days, a ratio: each as its row opens."""
    rows = tbt.simulate.daily_minutes(tbt.simulate.DailyMinutes(n=2_000, days=6))
    rows["sessions"] = 1
    card = tbt.scorecard(
        rows[rows["day"] > "2026-08-27"],
        metrics=[
            {"column": "minutes", "role": "primary", "measure": "minutes", "daily_cap": "95%"},
            {"column": "minutes", "label": "as it is"},
            {"column": "minutes", "denominator": "sessions", "label": "a session"},
        ],
        group="variant",
        control="control",
        treatment="variant_b",
        period="day",
        launch="2026-09-01",
        per="day",
        unit="user_id",
        agg="sum",
        missing="zero",
    )
    assert "The launch was on 2026-09-01; the period before has 4 days" in card.how
    assert card.entries[0].metric.measure == "minutes a day"
    assert card.entries[0].metric.daily_cap_share == 0.95
    for entry in card.entries:
        cells = tbt.compress(rows[rows["day"] > "2026-08-27"], card.asked.design_of(entry.line))
        (a, b), (c, d) = cells.moments()["mean"].to_numpy()
        assert entry.estimate == pytest.approx((d - c) - (b - a)), entry.metric.name


@pytest.mark.parametrize(
    "thin", [True, False], ids=["a denominator that few have", "one ratio for everybody"]
)
@pytest.mark.parametrize("period", [None, "period"])
def test_a_ratio_is_refused_where_its_row_would_not_open(thin: bool, period: str | None) -> None:
    frame = pd.concat([users(400).assign(period="pre"), users(400, seed=1).assign(period="post")])
    frame = frame if period else frame[frame["period"] == "pre"]
    few = (frame["user"] < 40) & (frame["arm"] == 1)
    frame["clicks"] = np.where(few | (frame["arm"] == 0), 1.0, 0.0) if thin else frame["minutes"] / 2
    metric = {"column": "minutes", "denominator": "clicks"}
    with pytest.raises(
        DataError, match="hardly known in the cell" if thin else "the same .* for everybody"
    ) as of_card:
        asked(frame, "visits", metric, unit="user", period=period)
    design = design_for(Metric(**metric), group="arm", unit="user", period=period)
    with pytest.raises(DataError) as alone:
        tbt.compress(frame, design)
    assert str(of_card.value) == str(alone.value)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ({"column": "bought", "kind": "share"}, "kind='share' of 'bought' is then none"),
        ({"column": "visits", "kind": "count"}, 'kind="amount" has the mean a day'),
    ],
)
def test_what_a_day_divides_must_be_an_amount(metric: Any, reason: str) -> None:
    with pytest.raises(DesignError, match=reason):
        asked(
            users(1), "minutes", metric, period="day", launch="2026-09-01", per="day", unit="user", agg="sum"
        )


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
        ({"treatment": []}, r"treatment=\[\] names no group"),
        ({"treatment": [1, 2]}, "2 is not a level of column 'arm'"),
        ({"treatment": [1, 2], "period": "t"}, r"treatment=\[1, 2\] is not a level"),
        ({"factors": ("a", "b")}, "factors= and group= belong to different questions"),
        ({"group": None}, "group= is missing"),
    ],
)
def test_options_are_checked(more: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        tbt.scorecard(users(400), **({"group": "arm", "metrics": ["minutes"]} | more))
