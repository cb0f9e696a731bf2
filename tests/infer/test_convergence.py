"""R̂, effective sample sizes and Monte-Carlo errors: equal to ArviZ's, and right where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from twobytwo.infer.convergence import bfmi, convergence, ess, ess_of_tails, mcse


def chains(seed: int) -> np.ndarray:
    """Autoregressive chains of any length, scale, correlation and number of ties; some that disagree."""
    rng = np.random.default_rng(seed)
    shape = rng.integers(2, 6), rng.integers(8, 600)
    noise, kept = rng.normal(size=shape), rng.uniform(-0.9, 0.98)
    x = np.zeros(shape)
    for t in range(1, shape[1]):
        x[:, t] = kept * x[:, t - 1] + noise[:, t]
    x += rng.choice([0, 0.1, 3]) * rng.normal(size=(shape[0], 1))
    if seed % 3 == 0:
        x = x.round(1)
    if seed % 7 == 0:
        x = (x > np.median(x)).astype(float)
    return x * 10.0 ** rng.integers(-6, 6)


# Oracle: ArviZ, of the same draws


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("seed", range(40))
def test_everything_is_arviz(seed: int) -> None:
    draws = chains(seed)
    found = convergence(draws)
    mine = [found.rhat, found.bulk, found.tail, ess(draws), ess_of_tails(draws, (0.05, 0.95)), mcse(draws)]
    theirs = [
        array_stats.rhat(draws),
        array_stats.ess(draws, method="bulk"),
        array_stats.ess(draws, method="tail", prob=(0.11, 0.89)),
        array_stats.ess(draws, method="mean"),
        array_stats.ess(draws, method="tail", prob=(0.05, 0.95)),
        array_stats.mcse(draws),
    ]
    assert np.array(mine, dtype=float) == pytest.approx(np.array(theirs, dtype=float), rel=1e-10, nan_ok=True)
    assert bfmi(draws) == pytest.approx(array_stats.bfmi(draws), rel=1e-10, nan_ok=True)


# Laws


def test_many_quantities_at_once_are_each_by_itself() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 301, 2, 3))
    found = convergence(draws)
    assert found.rhat.shape == (2, 3)
    for place in np.ndindex(2, 3):
        alone = convergence(draws[:, :, *place])
        assert [float(part[place]) for part in found] == pytest.approx([float(part) for part in alone])


def test_correlated_draws_are_worth_less() -> None:
    """An autoregression of .8 is worth (1 - .8) / (1 + .8) of its length."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4, 20_000))
    for t in range(1, x.shape[1]):
        x[:, t] = 0.8 * x[:, t - 1] + 0.6 * x[:, t]
    assert ess(x) / x.size == pytest.approx(0.2 / 1.8, rel=0.1)
    assert mcse(x) == pytest.approx(3 / x.size**0.5, rel=0.1)


def test_chains_that_disagree_or_never_move_do_not_pass() -> None:
    draws = np.random.default_rng(3).normal(size=(4, 500))
    assert convergence(draws).rhat < 1.01
    assert convergence(draws + np.arange(4)[:, None]).rhat > 1.5
    stuck = convergence(np.broadcast_to(np.arange(4.0)[:, None], (4, 500)))
    assert not stuck.rhat < 1.01
    assert stuck.bulk < 10


def test_what_is_no_number_is_not_judged() -> None:
    draws = np.random.default_rng(4).normal(size=(4, 100, 2))
    draws[0, 3, 1] = np.nan
    found = np.array(convergence(draws))
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()
