"""Probabilities, losses and how they are written, against closed forms."""

from __future__ import annotations

import math
from typing import Any

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from twobytwo.ask.design import Design
from twobytwo.errors import DesignError
from twobytwo.infer.decisions import (
    Probability,
    decide,
    format_number,
    format_probability,
    probability,
)
from twobytwo.infer.effects import Effects

DROP = Design.did(outcome="minutes", group="g", period="t", margin=1.0, measure="minutes")
RISE = Design.did(outcome="crashes", group="g", period="t", harm="increase", margin=1.0)


def effects(draws: np.ndarray, scale: str = "additive", unit: str = "minutes") -> Effects:
    attributes = {"label": "the effect", "estimand": "mean", "scale": scale, "unit": unit}
    array = xr.DataArray(draws, dims=("chain", "draw"), attrs=attributes)
    return Effects(draws=xr.Dataset({"did": array, "other": array * 2}), headline="did")


@pytest.fixture(scope="module")
def normal() -> Effects:
    """Independent draws of N(0.5, 2)."""
    return effects(np.random.default_rng(1).normal(0.5, 2.0, (4, 10_000)))


# Closed forms. The Monte-Carlo error of a share of 40,000 draws is at most 0.0025; four of them are allowed.


@pytest.mark.parametrize("margin", [0.0, 0.7, 3.0])
def test_probabilities_of_a_normal_effect(normal: Effects, margin: float) -> None:
    law = stats.norm(0.5, 2.0)
    drop = decide(normal, DROP, margin=margin)
    assert drop.p_harm.value == pytest.approx(law.cdf(0), abs=0.01)
    assert drop.p_material_harm.value == pytest.approx(law.cdf(-margin), abs=0.01)
    assert drop.p_negligible.value == pytest.approx(law.cdf(margin) - law.cdf(-margin), abs=0.01)
    rise = decide(normal, RISE, margin=margin)
    assert rise.p_harm.value == pytest.approx(law.sf(0), abs=0.01)
    assert rise.p_material_harm.value == pytest.approx(law.sf(margin), abs=0.01)


def test_expected_loss_of_a_normal_effect(normal: Effects) -> None:
    """E max(0, −δ) of δ ~ N(m, s) is s φ(m/s) − m Φ(−m/s)."""
    z = 0.5 / 2
    drop = 2 * stats.norm.pdf(z) - 0.5 * stats.norm.cdf(-z)
    assert decide(normal, DROP).expected_loss == pytest.approx(drop, abs=0.03)
    assert decide(normal, RISE).expected_loss == pytest.approx(drop + 0.5, abs=0.03)


def test_the_other_direction_is_the_rest(normal: Effects) -> None:
    assert decide(normal, DROP).p_harm.value + decide(normal, RISE).p_harm.value == pytest.approx(1)


@settings(max_examples=10, deadline=None)
@given(st.floats(0, 5), st.floats(0, 5))
def test_more_harm_is_less_likely(normal: Effects, small: float, more: float) -> None:
    one, other = (decide(normal, DROP, margin=m).p_material_harm.value for m in (small, small + more))
    assert other <= one <= decide(normal, DROP).p_harm.value


def test_the_margin_is_the_designs_unless_given(normal: Effects) -> None:
    assert decide(normal, DROP).margin == 1.0
    assert decide(normal, DROP, margin=0).margin == 0
    bare = Design.did(outcome="minutes", group="g", period="t")
    assert decide(normal, bare).margin == 0.0
    assert decide(normal, bare).p_harm == decide(normal, bare).p_material_harm


def test_another_effect_can_be_judged(normal: Effects) -> None:
    other = decide(normal, DROP, effect="other")
    assert other.effect == "other"
    assert other.p_harm == decide(normal, DROP).p_harm
    assert other.expected_loss == pytest.approx(2 * decide(normal, DROP).expected_loss)


@pytest.mark.parametrize("margin", [-1, -1e-9, math.nan])
def test_a_margin_is_a_size(normal: Effects, margin: float) -> None:
    with pytest.raises(DesignError, match=r"margin=.* must be at least 0"):
        decide(normal, DROP, margin=margin)


@pytest.mark.parametrize("margin", ["5", [1.0]])
def test_a_margin_is_a_number(normal: Effects, margin: Any) -> None:
    with pytest.raises(DesignError, match=r"margin="):
        decide(normal, DROP, margin=margin)


@pytest.mark.parametrize("scale", ["ratio", "relative"])
def test_harm_is_judged_on_additive_effects(scale: str) -> None:
    with pytest.raises(DesignError, match=rf"effect='did' is on the {scale} scale"):
        decide(effects(np.ones((4, 100)), scale), DROP)


def test_an_unknown_effect_is_refused(normal: Effects) -> None:
    with pytest.raises(DesignError, match=r"effect='dod' is unknown.*Did you mean 'did'"):
        decide(normal, DROP, effect="dod")


# Monte-Carlo error


def test_mcse_is_the_formula() -> None:
    draws = effects(np.random.default_rng(2).normal(0, 1, (4, 1_000)))["did"]
    event = draws > 0.5
    found = probability(event, draws)
    k, n = int(event.sum()), event.size
    inner = (k + 0.5) / (n + 1)
    ess = float(arviz_stats.ess(event.astype(float)))
    assert found.value == k / n
    assert found.mcse == pytest.approx(math.sqrt(inner * (1 - inner) / ess))


def test_mcse_knows_that_draws_are_correlated() -> None:
    """A first-order autoregression with ρ = 0.9 has about a tenth of the effective draws."""
    rng = np.random.default_rng(3)
    draws = np.zeros((4, 2_000))
    for t in range(1, 2_000):
        draws[:, t] = 0.9 * draws[:, t - 1] + rng.normal(size=4)
    found = decide(effects(draws), DROP, margin=0).p_harm
    independent = math.sqrt(found.value * (1 - found.value) / draws.size)
    assert 2 * independent < found.mcse < 5 * independent


@pytest.mark.parametrize("value", [10.0, -10.0])
def test_a_share_of_zero_draws_is_not_known_without_error(value: float) -> None:
    draws = np.random.default_rng(4).normal(value, 1, (4, 1_000))
    found = decide(effects(draws), DROP).p_harm
    assert found.value in (0.0, 1.0)
    assert 0 < found.mcse < 0.001


@pytest.mark.parametrize("events", [1, 2, 5])
def test_few_events_have_a_finite_error(events: int) -> None:
    draws = np.random.default_rng(5).normal(10, 1, (4, 1_000))
    draws[0, :events] = -1
    found = decide(effects(draws), DROP, margin=0).p_harm
    assert found.value == events / 4_000
    assert 0 < found.mcse < 0.005


def test_a_constant_effect_has_a_probability_too() -> None:
    found = decide(effects(np.full((4, 100), -2.0)), DROP, margin=1.0)
    assert (found.p_harm.value, found.p_material_harm.value, found.p_negligible.value) == (1, 1, 0)
    assert found.expected_loss == 2.0


def test_an_event_is_true_or_false() -> None:
    draws = xr.DataArray(np.ones((4, 100)), dims=("chain", "draw"))
    for event in (3, "x", draws, draws.to_numpy() > 0):
        with pytest.raises(DesignError, match=r"event=.* must be true or false for each draw"):
            probability(event, draws)  # type: ignore[arg-type]


# How probabilities are written


@pytest.mark.parametrize(
    ("value", "mcse", "text"),
    [
        (0.0, 0.0, "< 0.1 %"),
        (0.0009, 0.0, "< 0.1 %"),
        (0.001, 0.0, "0.1 %"),
        (0.0042, 0.001, "0.4 %"),
        (0.0094, 0.001, "0.9 %"),
        (0.0097, 0.001, "1 %"),
        (0.0099, 0.001, "1 %"),
        (0.0101, 0.001, "1 %"),
        (0.114, 0.004, "11 %"),
        (0.5, 0.004, "50 %"),
        (0.9899, 0.001, "99 %"),
        (0.9942, 0.001, "99.4 %"),
        (0.999, 0.0, "99.9 %"),
        (0.9991, 0.0, "> 99.9 %"),
        (1.0, 0.0, "> 99.9 %"),
        (0.004, 0.01, "< 1 %"),
        (0.997, 0.01, "> 99 %"),
        (0.0004, 0.01, "< 0.1 %"),
    ],
)
def test_probabilities_as_text(value: float, mcse: float, text: str) -> None:
    assert format_probability(value, mcse) == text
    assert str(Probability(value=value, mcse=mcse)) == text


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1), st.floats(0, 0.5))
def test_never_nought_or_a_hundred_per_cent(value: float, mcse: float) -> None:
    text = format_probability(value, mcse)
    assert text not in ("0 %", "0.0 %", "100 %", "100.0 %")


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1))
def test_what_is_written_is_true(value: float) -> None:
    text = format_probability(value)
    shown = float(text.strip("<> %")) / 100
    if text.startswith("<"):
        assert value < shown
    elif text.startswith(">"):
        assert value > shown
    else:
        assert shown == pytest.approx(value, abs=0.0051)


# How numbers are written


@pytest.mark.parametrize(
    ("value", "mcse", "sign", "text"),
    [
        (223.178, 0.35, True, "+223"),
        (-3.0042, 0.0014, False, "-3.00"),
        (1.4, 0.02, True, "+1.4"),
        (1234567.0, 2000.0, False, "1,234,567"),
        (0.5, 0.0, False, "0.50"),
        (2.5e12, 1e9, True, "+2.5e+12"),
        (3.2e-12, 1e-14, False, "3.2e-12"),
        (-0.04, 0.3, True, "+0"),
    ],
)
def test_numbers_have_the_digits_that_are_known(value: float, mcse: float, sign: bool, text: str) -> None:
    assert format_number(value, mcse, sign=sign) == text


@pytest.mark.parametrize(("value", "mcse"), [(-0.04, 0.3), (-0.001, 0.02), (-1e-9, 0.0)])
def test_nothing_is_not_negative(value: float, mcse: float) -> None:
    assert not format_number(value, mcse).startswith("-")


# The sentence


def test_the_sentence_names_direction_margin_probability_and_loss(normal: Effects) -> None:
    text = decide(normal, DROP).text
    assert text.startswith("The probability of a decrease by more than 1 minute (the effect) is 23 %")
    assert "the expected loss is" in text
    assert text.endswith("minutes.")
    assert str(decide(normal, DROP)) == text


def test_an_increase_takes_another_article(normal: Effects) -> None:
    assert "The probability of an increase" in decide(normal, RISE, margin=0).text
    assert "by more than" not in decide(normal, RISE, margin=0).text
