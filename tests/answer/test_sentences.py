"""The answer in numbers: every number is that of the draws, in words that fit its direction."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statements import how, made_up, paired, stated, wide

from twobytwo import Design, compare, compress, did


def test_every_number_of_the_sentence_is_that_of_the_draws() -> None:
    chosen = made_up(paired(margin=1.0))
    found = stated(chosen)
    draws = chosen.effects["did"].to_numpy().ravel()
    assert found.verdict == "no harm"
    assert found.statement.startswith("No harm that matters. Treated users gained ")
    assert f"Probability of losing more than 1 min: {100 * (draws < -1).mean():.1f} %." in found.statement
    lower, median, upper = np.quantile(draws, [0.025, 0.5, 0.975])
    pattern = r"gained (\S+) min through the treatment \(95 % interval (\S+) to (\S+) min; \S+ %\)\."
    numbers = re.search(pattern, found.statement)
    assert numbers is not None
    np.testing.assert_allclose([float(n) for n in numbers.groups()], [median, lower, upper], atol=0.051)
    assert found.p_harm == (draws < 0).mean()
    assert found.p_material_harm == (draws < -1).mean()
    assert found.p_negligible == (np.abs(draws) <= 1).mean()
    assert found.interaction is None
    np.testing.assert_allclose(
        [found.mean, found.median, found.sd, *found.ci, found.expected_loss],
        [draws.mean(), median, draws.std(ddof=1), lower, upper, np.maximum(0, -draws).mean()],
    )
    assert (found.status, found.family, found.estimand, found.effect) == ("ok", "normal", "mean", "did")


@pytest.mark.parametrize(
    ("harm", "said", "side"), [("decrease", "any loss", -1), ("increase", "any increase", 1)]
)
def test_the_words_are_those_of_the_harm(harm: Any, said: str, side: int) -> None:
    chosen = made_up(paired(harm=harm))
    found = stated(chosen)
    draws = chosen.effects["did"].to_numpy()
    assert f"Probability of {said}: " in found.statement
    assert found.p_harm == (side * draws > 0).mean()
    np.testing.assert_allclose(found.expected_loss, np.maximum(0, side * draws).mean())


@pytest.mark.parametrize(("shift", "said"), [(50.0, "< 0.1 %"), (-50.0, "> 99.9 %")])
def test_a_share_of_draws_is_never_certain(shift: float, said: str) -> None:
    draws = np.random.default_rng(4).normal(shift, 1.0, (4, 1000))
    found = stated(made_up(paired(), draws)).statement
    assert f"Probability of any loss: {said}." in found
    assert not re.search(r"\b(0|100) %", found)


@pytest.mark.parametrize("ci_prob", [0.5, 0.9, 0.999])
def test_the_interval_is_as_wide_as_asked(ci_prob: float) -> None:
    chosen = made_up(paired())
    found = stated(chosen, ci_prob=ci_prob)
    assert f"{100 * ci_prob:g} % interval" in found.statement
    np.testing.assert_allclose(
        found.ci, np.quantile(chosen.effects["did"], [(1 - ci_prob) / 2, (1 + ci_prob) / 2])
    )


def test_an_interval_with_both_signs_shows_them() -> None:
    draws = np.random.default_rng(4).normal(0.3, 1.0, (4, 1000))
    assert re.search(r"95 % interval -\S+ to \+\S+ min; \S+ %\)", stated(made_up(paired(), draws)).statement)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("decrease", "Treated users changed by 0 min through the treatment ("),
        ("increase", "Mean minutes of treated users changed by 0 through the treatment ("),
    ],
)
def test_what_is_rounded_to_nothing_has_no_direction(harm: Any, said: str) -> None:
    draws = np.random.default_rng(4).normal(0.0, 3.0, (4, 1000))
    draws -= np.median(draws) + 0.01
    assert said in stated(made_up(paired(harm=harm), draws)).statement


def test_a_share_moves_by_points_whichever_direction_is_harm() -> None:
    rng = np.random.default_rng(4)
    table = wide().assign(pre=rng.integers(0, 2, 60), minutes=rng.integers(0, 2, 60))
    columns = {"before_column": "pre", "after_column": "minutes", "group": "arm", "unit": "user"}
    cells = compress(table, Design.did_wide(**columns, kind="share", harm="increase"))
    said = stated(made_up(cells)).statement
    pattern = r"of treated users rose by 1\.5 points through the treatment: \S+ % instead of \S+ % \("
    assert re.search(pattern, said)
    assert re.search(r"\(95 % interval \S+ to \S+ points", said)


@pytest.mark.parametrize("kind", ["did", "compare"])
def test_a_share_is_set_beside_what_it_would_have_been_not_beside_before(kind: str) -> None:
    # Of the treated the share falls from 50 % to 47 %, of the others from 50 % to 40 %.
    counts = {(0, "pre"): 50, (0, "post"): 40, (1, "pre"): 50, (1, "post"): 47}
    rows = pd.DataFrame(
        [
            {"arm": arm, "period": period, "active": float(user < 10 * ones)}
            for (arm, period), ones in counts.items()
            for user in range(1_000)
        ]
    )
    if kind == "did":
        said = did(rows, outcome="active", group="arm", period="period", kind="share").statement
        assert re.search(r"gained 7\S* points through the treatment: 47\S* % instead of 40\S* % \(", said)
    else:
        after = rows[rows["period"] == "post"]
        said = compare(after, outcome="active", group="arm", kind="share").statement
        assert re.search(r"gained 7\S* points: 47\S* % instead of 40\S* % \(", said)
    assert not re.search(r"from \S+ % to", said)


def test_a_location_of_changes_is_not_called_a_mean() -> None:
    found = stated(made_up(paired(), family="student_t"))
    assert "The location of users' change of minutes of treated users rose by" in found.statement
    assert found.sentences[0].startswith("About the location of users' change of minutes, not the mean: open")
    assert found.status == "other_estimand"
    # Least squares answers another question.
    assert "interval is" not in how(found)
    assert found.estimand == "location"


def test_a_mean_of_users_is_not_said_to_be_per_user_as_well() -> None:
    said = stated(made_up(paired(measure=""))).statement
    assert "Mean minutes of treated users rose by" in said
