"""Importance weights and the distance they move an answer: equal to ArviZ's, and right in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from twobytwo.check.importance import moved, power_scaling_weights, smoothed_weights


def ratios(seed: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_t(3, size) if seed % 3 == 0 else rng.normal(0, [0.01, 0.3, 3][seed % 3], size)


# Oracle: ArviZ, whose PSIS takes minus the logarithms


@pytest.mark.filterwarnings("ignore:Number of tail draws:UserWarning")
@pytest.mark.parametrize("size", [30, 300, 8000])
@pytest.mark.parametrize("seed", range(8))
def test_weights_and_distance_are_those_of_arviz(seed: int, size: int) -> None:
    given = ratios(seed, size)
    log_weights, shape = smoothed_weights(given)
    expected, expected_shape = array_stats.psislw(-given)
    assert log_weights == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert shape == pytest.approx(float(expected_shape), rel=1e-10, nan_ok=True)
    draws = np.random.default_rng(seed).normal(size=size) + given
    powers = 0.99, 1.01
    weights = [power_scaling_weights(given, power) for power in powers]
    for own, power in zip(weights, powers, strict=True):
        assert own == pytest.approx(np.exp(array_stats.power_scale_lw(given, power)), rel=1e-10)
    slopes = [moved(draws, own) / abs(np.log2(power)) for own, power in zip(weights, powers, strict=True)]
    theirs = array_stats.power_scale_sense(draws[None], *(own[None] for own in weights), *powers)
    # A distance is the root of a difference of sums that are nearly equal.
    assert np.mean(slopes) == pytest.approx(float(theirs), rel=1e-6, abs=1e-8)


# Closed form


def test_weights_turn_one_normal_into_another() -> None:
    draws = np.random.default_rng(5).normal(size=40_000)
    log_weights, shape = smoothed_weights(0.5 * draws - 0.125)
    weights = np.exp(log_weights)
    assert shape < 0.5
    assert weights.sum() == pytest.approx(1)
    assert weights @ draws == pytest.approx(0.5, abs=0.03)
    assert weights @ (draws - 0.5) ** 2 == pytest.approx(1, abs=0.05)


def test_equal_weights_move_nothing_and_a_farther_normal_is_farther() -> None:
    draws = np.random.default_rng(6).normal(size=4000)
    none, near, far = (moved(draws, np.exp(shift * draws)) for shift in (0.0, 0.1, 0.5))
    assert none < 0.01 < near < far < 1


def test_ratios_without_a_tail_are_an_error() -> None:
    with pytest.raises(ValueError, match="no tail"):
        smoothed_weights(np.zeros(1000))
    with pytest.raises(ValueError, match="no tail"):
        smoothed_weights(np.arange(10.0))
