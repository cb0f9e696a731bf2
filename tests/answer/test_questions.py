"""The questions beside difference-in-differences: several groups, a value before, three experiments."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import twobytwo as tbt
from twobytwo.answer.options import Keywords

# Monte-Carlo error of a mean of these draws is about a hundredth of a posterior sd; .05 of a SE is allowed
# (docs/methods.md, section 9).
CLOSE = 0.05


@pytest.fixture(scope="module")
def users() -> pd.DataFrame:
    """Three groups of users with a value before: +2 and −1 over control."""
    rng = np.random.default_rng(3)
    n = 3_000
    group = rng.choice(["control", "red", "blue"], n)
    before = rng.normal(50, 10, n)
    effect = np.select([group == "red", group == "blue"], [2.0, -1.0])
    after = 0.8 * before + rng.normal(10, 6, n) + effect
    return pd.DataFrame({"id": np.arange(n), "group": group, "before": before, "age": before / 7, "y": after})


@pytest.fixture(scope="module")
def arms(users: pd.DataFrame) -> tbt.Analysis:
    return tbt.compare(
        users,
        outcome="y",
        group="group",
        treatment=["red", "blue"],
        priors="flat",
        margin=0.5,
        measure="points",
    )


@pytest.fixture(scope="module")
def experiments() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({name: rng.integers(0, 2, 6_000) for name in "abc"})
    mean = 10 + 3 * rows.a + 2 * rows.b + rows.c - 1.5 * rows.a * rows.b + 0.5 * rows.a * rows.b * rows.c
    return rows.assign(y=mean + rng.normal(0, 1, len(rows)))


@pytest.fixture(scope="module")
def three(experiments: pd.DataFrame) -> tbt.Analysis:
    return tbt.interaction(experiments, outcome="y", factors=("a", "b", "c"), priors="flat")


def test_every_question_shows_the_same_keywords() -> None:
    for question in (tbt.did, tbt.interaction, tbt.compare):
        assert set(Keywords.__annotations__) <= set(inspect.signature(question).parameters)


def test_three_groups_agree_with_least_squares(users: pd.DataFrame, arms: tbt.Analysis) -> None:
    fitted = smf.ols("y ~ C(group, Treatment('control'))", users).fit(cov_type="HC2")
    for label in ("red", "blue"):
        name = f"C(group, Treatment('control'))[T.{label}]"
        draws = arms.effects[f"effect[{label}]"]
        assert abs(float(draws.mean()) - fitted.params[name]) < CLOSE * fitted.bse[name]
        assert float(draws.std()) == pytest.approx(fitted.bse[name], rel=0.05)


def test_the_best_group_is_known_from_joint_draws(arms: tbt.Analysis) -> None:
    best = {arm.label: arm.p_best for arm in arms.headline.arms}
    assert list(best) == ["control", "red", "blue"]
    assert sum(best.values()) == pytest.approx(1)
    assert best["red"] > 0.99
    assert "Most probably best: red (> 99.9 %)" in arms.statement


def test_groups_are_compared_with_each_other_too(arms: tbt.Analysis) -> None:
    between = arms.effects["effect[blue - red]"]
    expected = arms.effects["effect[blue]"] - arms.effects["effect[red]"]
    np.testing.assert_allclose(between, expected)


def test_a_relative_lift_is_shown(arms: tbt.Analysis) -> None:
    lift = arms.summary().loc["effect[red]_relative"]
    assert 0.02 < lift["median"] < 0.06
    assert re.search(
        r"Group red gained \S+ points \(95 % interval \S+ to \S+ points; \+\S+ %\)", arms.statement
    )


@pytest.mark.parametrize("said", ["before_column", "covariate"])
def test_a_value_before_is_analysis_of_covariance(users: pd.DataFrame, said: str) -> None:
    """One slope per group, at the mean of the value before over all users (Lin 2013)."""
    column = "before" if said == "before_column" else "age"
    two = users[users["group"] != "blue"]
    asked: dict[str, Any] = {said: column}
    result = tbt.compare(two, outcome="y", group="group", unit="id", family="normal", priors="flat", **asked)
    centred = two.assign(x=two[column] - two[column].mean(), red=(two["group"] == "red").astype(float))
    fitted = smf.ols("y ~ red * x", centred).fit(cov_type="HC2")
    draws = result.effects["effect"]
    assert abs(float(draws.mean()) - fitted.params["red"]) < CLOSE * fitted.bse["red"]
    assert float(draws.std()) == pytest.approx(fitted.bse["red"], rel=0.06)
    plain = tbt.compare(two, outcome="y", group="group", unit="id", priors="flat")
    assert float(draws.std()) < 0.75 * float(plain.effects["effect"].std())


def test_three_experiments_agree_with_least_squares(experiments: pd.DataFrame, three: tbt.Analysis) -> None:
    centred = experiments.assign(**{name: experiments[name] - 0.5 for name in "abc"})
    fitted = smf.ols("y ~ a * b * c", centred).fit(cov_type="HC2")
    for name in ("a:b", "a:c", "b:c", "a:b:c"):
        draws = three.effects[name]
        assert abs(float(draws.mean()) - fitted.params[name]) < CLOSE * fitted.bse[name], name
        assert float(draws.std()) == pytest.approx(fitted.bse[name], rel=0.05)


def test_of_three_experiments_the_headline_is_what_all_do_less_what_each_does(three: tbt.Analysis) -> None:
    values = {name: float(three.effects[name].mean()) for name in ("all", "first_alone", "second_alone")}
    expected = values["all"] - values["first_alone"] - values["second_alone"]
    expected -= float(three.effects["third_alone"].mean())
    assert float(three.effects["interaction"].mean()) == pytest.approx(expected)
    assert "All three together change mean y by" in three.statement


@pytest.mark.parametrize("result", ["arms", "three"])
def test_every_form_shows_them(result: str, request: pytest.FixtureRequest, tmp_path: Any) -> None:
    analysis: tbt.Analysis = request.getfixturevalue(result)
    assert analysis.crosscheck().agrees
    assert analysis.headline.status == "ok"
    assert len(str(analysis)) > len(analysis.statement)
    for suffix in (".html", ".md", ".txt", ".json"):
        assert analysis.report(tmp_path / f"report{suffix}").stat().st_size > 1_000
    analysis.plot_effect()
    analysis.plot_cells()


def test_what_cannot_be_compared_is_said() -> None:
    rows = pd.DataFrame({"y": [1.0, 2, 3, 4], "g": ["a", "b", "a", "b"]})
    with pytest.raises(tbt.DesignError, match="direction of column 'g' is unknown"):
        tbt.compare(rows, outcome="y", group="g")
    with pytest.raises(tbt.DesignError, match="say which is the control"):
        tbt.compare(rows.assign(g=list("abca")), outcome="y", group="g")
    with pytest.raises(tbt.DesignError, match="name the users with unit="):
        tbt.compare(rows, outcome="y", group="g", covariate="x")
