"""A scorecard looked at: by row, by event, in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scored import CRASH, PRIMARY, asked, users

import twobytwo as tbt
from twobytwo.answer.card import Scorecard
from twobytwo.check.crosscheck import robust_check
from twobytwo.data.cells import compress
from twobytwo.errors import DesignError


def test_rows_stand_by_role_and_open_by_name(card: Scorecard) -> None:
    assert [entry.role for entry in card.entries] == ["primary", *["guardrail"] * 2, *["information"] * 2]
    assert card.entry("minutes") is card.entries[0]
    assert card.entry("ratio of minutes to visits").metric.denominator == "visits"
    with pytest.raises(DesignError, match=r"metric 'minuts' is not in the scorecard.*mean 'minutes'\?"):
        card.entry("minuts")


def test_of_several_treatments_each_has_a_card(arms: Scorecard) -> None:
    assert arms.treatments == ("blue", "green")
    blue = arms.of("blue")
    assert blue.entries == arms.entries[:3]
    assert blue.launch is arms.launches[0]
    assert blue.entry("minutes").treatment == "blue"
    np.testing.assert_array_equal(blue.draws, arms.draws[:, :3])
    assert arms.parts.keys() == {"blue against control", "green against control"}
    more = arms.probability(lambda effect: effect["minutes", "blue"] > effect["minutes", "green"])
    assert more == (arms.draws[:, 0] > arms.draws[:, 3]).mean()


def test_a_metric_opens_to_the_comparison_of_all_groups(arms: Scorecard) -> None:
    """Control is shared: many crashes of green say that control's were few by chance, here as there."""
    full = arms["crashed"]
    for entry, arm in zip((arms.entries[1], arms.entries[4]), full.headline.arms[1:], strict=True):
        assert arm.label == entry.treatment
        sd = float(full.effects[arm.effect].std())
        assert entry.median == pytest.approx(arm.median, abs=0.2 * sd)
        np.testing.assert_allclose(entry.ci, arm.ci, atol=0.25 * sd)
    best = arms.best("crashed")
    assert [arm.label for arm in full.headline.arms] == [*best]
    assert [arm.p_best for arm in full.headline.arms] == pytest.approx([*best.values()], abs=0.05)


def test_which_treatment_is_best_is_a_share_of_the_draws(arms: Scorecard) -> None:
    """The crashes' best group has the fewest; control is one of three."""
    best = arms.best("crashed")
    fewest = np.column_stack([np.zeros(len(arms.draws)), arms.draws[:, [1, 4]]]).argmin(axis=1)
    assert best == {arm: (fewest == k).mean() for k, arm in enumerate(("control", "blue", "green"))}


@pytest.mark.parametrize(
    ("of", "ask", "match"),
    [
        (
            "arms",
            lambda card: card.launch,
            r"has a decision: card\.of\('blue'\)\.launch, card.*card\.launches",
        ),
        (
            "arms",
            lambda card: card.entry("visits"),
            r"has a row: card\.of\('blue'\)\.entry\('visits'\), card",
        ),
        ("arms", lambda card: card.of("bleu"), r"'bleu' is not .*; there is 'blue', 'green'\. .*'blue'\?"),
        ("card", lambda card: card.of("blue"), "'blue' is not in the scorecard; there is one"),
        ("card", lambda card: card.best("minutes"), "Which is best is asked of several treatments"),
    ],
)
def test_what_several_treatments_must_say(of: str, ask: Any, match: str, request: Any) -> None:
    with pytest.raises(DesignError, match=match):
        ask(request.getfixturevalue(of))


def test_verdicts_that_may_be_false_are_counted(card: Scorecard) -> None:
    false = [
        1 - entry.p_material_harm if entry.verdict == "harm" else entry.p_material_harm
        for entry in card.entries
        if entry.verdict in ("harm", "no harm")
    ]
    assert card.expected_false == pytest.approx(sum(false))


def test_a_row_opens_to_the_full_analysis(card: Scorecard) -> None:
    """The closed form is the sampled posterior of the same metric."""
    full = card["minutes"]
    assert card["minutes"] is full
    assert full.fit.family.name == "normal"
    entry = card.entry("minutes")
    assert entry.median == pytest.approx(full.headline.median, abs=0.1 * full.headline.sd)
    np.testing.assert_allclose(entry.ci, full.headline.ci, atol=0.2 * full.headline.sd)


def test_a_ratio_opens_to_the_full_analysis(card: Scorecard) -> None:
    """One answer in two forms: a quotient of two normal means, and the delta method's normal."""
    full, entry = card["ratio of minutes to visits"], card.entry("ratio of minutes to visits")
    assert "The ratio is the sum of minutes over the sum of visits" in " ".join(full.headline.how)
    assert full.statement.splitlines()[0].count("The ratio of minutes to visits of treated users") == 1
    assert entry.median == pytest.approx(full.headline.median, abs=0.1 * full.headline.sd)
    np.testing.assert_allclose(entry.ci, full.headline.ci, atol=0.2 * full.headline.sd)


def test_a_capped_twin_needs_a_name_and_opens_by_it() -> None:
    capped = {"column": "minutes", "cap": "99%", "label": "usual minutes"}
    found = asked(users(1_000), "minutes", capped)
    entry = found.entry("usual minutes")
    assert entry.metric.cap_share == 0.99
    assert found.entry("minutes").metric.cap is None
    values = (
        users(1_000)["minutes"].clip(upper=float(entry.metric.cap or 0)).groupby(users(1_000)["arm"]).mean()
    )
    assert entry.estimate == pytest.approx(values[1] - values[0])


def test_sizes_that_were_not_expected_withhold_every_verdict() -> None:
    frame = users(4_000)
    frame = frame[(frame["arm"] == 0) | (frame["user"] % 20 < 15)]
    found = asked(frame, PRIMARY, CRASH, unit="user", expected_share=0.5)
    assert [gate.name for gate in found.refused] == ["sample_ratio"]
    assert found.statement.startswith(
        "No verdict is stated. The groups are not as large as expected: of 'arm', 1 has"
    )
    assert "users" in found.statement
    assert found.launch is not None
    assert found.launch.verdict == "not stated"
    assert "false verdicts" not in found.how
    as_meant = asked(frame, PRIMARY, CRASH, unit="user", expected_share=3 / 7)
    assert as_meant.refused == ()
    assert "The groups are as large as expected" in as_meant.how


def test_experiments_that_were_not_independent_withhold_every_verdict() -> None:
    frame = users(4_000).assign(other=lambda frame: frame["user"] // 2 % 2)
    both = frame[(frame["arm"] + frame["other"] < 2) | (frame["user"] % 3 == 0)]
    found = tbt.scorecard(both, factors=("arm", "other"), metrics=["minutes"])
    assert [gate.name for gate in found.refused] == ["assignment"]
    assert "were not assigned independently" in found.statement


def test_groups_that_were_not_alike_before_withhold_every_verdict() -> None:
    frame = users(4_000)
    frame["earlier"] = frame["minutes"] * np.random.default_rng(0).uniform(0.8, 1.0, len(frame))
    line = {**PRIMARY, "before_column": "earlier"}
    found = asked(frame.assign(earlier=frame["earlier"] + 5 * frame["arm"]), line, unit="user")
    assert [gate.name for gate in found.refused] == ["balance"]
    assert "not alike before in 'earlier'" in found.statement


def test_a_value_before_opens_to_an_analysis_of_covariance() -> None:
    rng = np.random.default_rng(4)
    frame = users(4_000, lift=0.0)
    frame["earlier"] = frame["minutes"] * rng.uniform(0.8, 1.2, len(frame))
    frame["minutes"] += 0.5 * frame["arm"]
    found = asked(frame, {**PRIMARY, "before_column": "earlier"}, "visits", unit="user")
    assert "One metric had a value before" in found.how
    entry = found.entry("minutes")
    design = found.asked.design_of(entry.line)
    assert design.given_before
    # What the row opens to says nearly the same; its companion needs no fit.
    check = robust_check(compress(frame, design))
    assert check.method == "ancova"
    assert entry.estimate == pytest.approx(check.estimate, abs=0.05 * check.se)
    assert entry.se == pytest.approx(check.se, rel=0.02)
    assert entry.se < 0.5 * asked(frame, "minutes").entries[0].se
