"""Contrasts of many metrics without a prior: a value before takes away what users differed by already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.lines import Line
from twobytwo.ask.metric import Metric
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gates.skewed import spread
from twobytwo.data.cells import compress
from twobytwo.data.several import read_several
from twobytwo.errors import DataError
from twobytwo.infer.estimates import Estimates, estimates
from twobytwo.infer.layout import pairs_of, reads_of
from twobytwo.infer.priors import PRESETS
from twobytwo.infer.together import effects_together

MINUTES = Metric(column="minutes")
BOUGHT = Metric(column="bought", kind="share")
CLICKS = Metric(column="clicks", kind="count")
PACE = Metric(column="minutes", kind="ratio", denominator="clicks")
ARM = Design.compare(outcome="minutes", group="arm", unit="user")


def users(n: int = 4_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    keen = rng.normal(size=n)
    frame = pd.DataFrame({"user": np.arange(n), "arm": np.arange(n) % 2})
    frame["earlier"] = rng.gamma(2, 10, n) * np.exp(0.4 * keen)
    frame["minutes"] = 0.8 * frame["earlier"] + rng.gamma(2, 3, n) * (1 + 0.05 * frame["arm"])
    frame["bought"] = (keen + rng.normal(size=n) > 1.5).astype(int)
    frame["clicks"] = rng.poisson(2 * np.exp(0.4 * keen))
    return frame


def estimated(frame: pd.DataFrame, metrics: Sequence[Metric | Line]) -> Estimates:
    lines = [Line(metric=each) if isinstance(each, Metric) else each for each in metrics]
    return estimates(read_several(frame, ARM, reads_of(lines), pairs_of(lines)), lines)


def test_a_value_before_is_an_analysis_of_covariance() -> None:
    frame = users()
    line = Line(metric=MINUTES, before_column="earlier")
    found, plain = estimated(frame, [line]), estimated(frame, [MINUTES])
    design = Design.compare(outcome="minutes", group="arm", unit="user", before_column="earlier")
    check = robust_check(compress(frame, design))
    assert check.method == "ancova"
    assert found.effect[0] == pytest.approx(check.estimate, abs=0.05 * check.se)
    assert found.se[0] == pytest.approx(check.se, rel=0.01)
    assert found.se[0] < 0.5 * plain.se[0]
    several = read_several(frame, ARM, reads_of([line]), pairs_of([line]))
    joint = effects_together(several, [line], found, PRESETS["flat"], draws=20_000)
    assert joint.effect.mean() == pytest.approx(check.estimate, abs=0.05 * check.se)
    assert joint.effect.std() == pytest.approx(check.se, rel=0.02)


def test_shares_counts_and_ratios_take_a_value_before_too() -> None:
    """Against the residuals of the linearised values, whose means are the effects."""
    frame = users()
    lines = [Line(metric=metric, before_column="earlier") for metric in (BOUGHT, CLICKS, PACE)]
    found = estimated(frame, lines)
    by_arm = [group for _, group in frame.groupby("arm")]
    for j, line in enumerate(lines):
        parts = []
        for group in by_arm:
            value = group[line.metric.column] * line.metric.scale
            if line.metric.denominator is not None:
                below = group[line.metric.denominator]
                value = (
                    value.mean() / below.mean() + (value - value.mean() / below.mean() * below) / below.mean()
                )
            parts.append((value, group["earlier"]))
        covariance = sum(np.cov(y, x) / len(y) for y, x in parts)
        slope = covariance[0, 1] / covariance[1, 1]
        means = [(y - slope * x).mean() for y, x in parts]
        assert found.slope[j] == pytest.approx(slope)
        assert found.effect[j] == pytest.approx(means[1] - means[0])
        variance = covariance[0, 0] - slope * covariance[0, 1]
        assert found.se[j] == pytest.approx(np.sqrt(variance))
    assert found.gap == pytest.approx(by_arm[1]["earlier"].mean() - by_arm[0]["earlier"].mean())


def test_skewness_is_that_of_what_the_value_before_leaves() -> None:
    frame = users()
    found = estimated(frame, [Line(metric=MINUTES, before_column="earlier"), MINUTES])
    left = frame["minutes"] - found.slope[0] * frame["earlier"]
    for j, values in enumerate((left, frame["minutes"])):
        groups = values.groupby(frame["arm"])
        third = (groups.apply(lambda y: ((y - y.mean()) ** 3).sum()) / groups.size() ** 3) @ [-1, 1]
        assert found.skewness[j] == pytest.approx(abs(third) / found.se[j] ** 3, rel=1e-6)


def test_spreads_are_those_that_a_full_analysis_judges() -> None:
    """Of a value before its own, of the same metric without one its own, of shares and ratios none."""
    frame = users().assign(arm=lambda one: (one["user"] % 10 == 0).astype(int))
    frame.loc[frame["arm"] == 1, "minutes"] = frame["minutes"].clip(upper=20)
    found = estimated(frame, [Line(metric=MINUTES, before_column="earlier"), MINUTES, CLICKS, BOUGHT, PACE])
    before = Design.compare(outcome="minutes", group="arm", unit="user", before_column="earlier")
    clicks = Design.compare(outcome=CLICKS, group="arm", unit="user")
    judged = [spread(compress(frame, design)) for design in (before, ARM, clicks)]
    assert [gate.name for (gate,) in judged] == ["spread_before", "spread_alike", "spread_alike"]
    assert found.spread[:3] == pytest.approx([gate.value for (gate,) in judged], rel=1e-6)
    assert np.isnan(found.spread[3:]).all()


def test_spreads_of_groups_that_nobody_drew_are_left_to_a_full_analysis() -> None:
    frame = users(600)
    rows = frame.melt(["user", "arm"], ["earlier", "minutes"], "when", "y")
    design = Design.did(outcome="y", group="arm", period="when", before="earlier", after="minutes")
    drawn = Design.did(
        outcome="y", group="arm", period="when", before="earlier", after="minutes", unit="user",
        missing="drop", randomised=True,
    )  # fmt: skip
    lines = [Line(metric=Metric(column="y"))]
    found = [estimates(read_several(rows, one, reads_of(lines), ()), lines).spread for one in (design, drawn)]
    assert np.isnan(found[0]).all()
    (gate,) = spread(compress(rows, drawn))
    assert found[1] == pytest.approx([gate.value], rel=1e-6)


def test_a_constant_value_before_is_refused() -> None:
    with pytest.raises(DataError, match="value before 'earlier' is constant"):
        estimated(users(400).assign(earlier=2.0), [Line(metric=MINUTES, before_column="earlier")])


@pytest.mark.parametrize("moved", [1.0, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_a_metric_that_follows_from_its_value_before_is_refused(moved: float, seed: int) -> None:
    """What is left of its variance is rounding, of either sign."""
    frame = users(seed=seed).assign(earlier=lambda frame: moved * frame["minutes"] + 5 * frame["arm"])
    with pytest.raises(DataError, match=r"'minutes'.* follows from the value before.* not a copy"):
        estimated(frame, [BOUGHT, Line(metric=MINUTES, before_column="earlier")])
    nearly = frame.assign(earlier=lambda frame: frame["earlier"] + frame["clicks"] / 1_000)
    assert 0 < estimated(nearly, [Line(metric=MINUTES, before_column="earlier")]).se[0] < 1e-3


def test_changes_that_are_the_same_for_all_users_are_refused() -> None:
    frame = users()
    frame = pd.concat(
        [frame.assign(week=0), frame.assign(week=1, minutes=frame["minutes"] + 5 * frame["arm"])]
    )
    design = Design.did(outcome="minutes", group="arm", period="week", unit="user")
    lines = [Line(metric=MINUTES)]
    with pytest.raises(DataError, match="same change in 'minutes'"):
        estimates(read_several(frame, design, reads_of(lines), ()), lines)


@pytest.mark.parametrize(
    ("change", "metric", "match"),
    [
        ({"bought": 2}, BOUGHT, "'bought' is no share in 1 users"),
        ({"clicks": -1}, CLICKS, "'clicks' is no count in 1 users"),
        ({"clicks": -1}, PACE, "'clicks' of 'ratio of minutes to clicks' has negative values"),
    ],
)
def test_values_that_a_kind_cannot_have_are_refused(change: Any, metric: Metric, match: str) -> None:
    frame = users(400)
    for name, value in change.items():
        frame.loc[3, name] = value
    with pytest.raises(DataError, match=match):
        estimated(frame, [metric])


def test_a_denominator_of_zero_is_refused() -> None:
    frame = users(400)
    frame.loc[frame["arm"] == 1, "clicks"] = 0
    with pytest.raises(
        DataError, match=r"'clicks' of 'ratio of minutes to clicks' adds up to zero in a cell"
    ):
        estimated(frame, [PACE])


def test_a_constant_metric_is_refused() -> None:
    with pytest.raises(DataError, match="'minutes' is constant in a cell"):
        estimated(users(400).assign(minutes=3.0), [MINUTES])


def test_what_a_check_asks_is_counted() -> None:
    frame = users(2_000)
    frame.loc[0, "minutes"] = 1e6
    frame["bought"] = (frame.index < 14).astype(int)
    found = estimated(frame, [MINUTES, BOUGHT, PACE])
    assert found.events.tolist() == [np.inf, 7, np.inf]
    assert found.largest[0] > 0.9
    values = frame.groupby("arm")["minutes"]
    third = (values.apply(lambda y: ((y - y.mean()) ** 3).sum()) / values.size() ** 3) @ [-1, 1]
    assert found.skewness[0] == pytest.approx(abs(third) / found.se[0] ** 3, rel=1e-6)
    assert np.isnan(found.skewness[2])
