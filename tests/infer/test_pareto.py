"""One tail index for several tails by maximum likelihood, and the mean beyond a threshold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from twobytwo.infer.families.pareto import common_index, mean_excess


def test_the_index_and_the_scales_are_those_of_the_largest_likelihood() -> None:
    """Against a general optimiser on the rows; tails of other sizes, scales and weights, one without any."""
    rng = np.random.default_rng(1)
    rows = [
        stats.genpareto.rvs(0.4, 0, s, n, random_state=rng) for s, n in ((1.0, 300), (50.0, 80), (7.0, 150))
    ]
    excess, weight = np.ones((4, 300)), np.zeros((4, 300))
    for k, tail in enumerate(rows):
        excess[k, : len(tail)], weight[k, : len(tail)] = tail, 1.0
    weight[0] = 2.0

    def minus(at: np.ndarray) -> float:
        xi, *logs = at
        terms = [
            stats.genpareto.logpdf(tail, xi, 0, np.exp(s)).sum() for tail, s in zip(rows, logs, strict=True)
        ]
        return -float(2 * terms[0] + terms[1] + terms[2])

    precisely = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4_000}
    start = [0.3, 0.0, 4.0, 2.0]
    best = optimize.minimize(minus, start, method="Nelder-Mead", options=precisely).x
    xi, scales = common_index(excess, weight)
    assert xi == pytest.approx(best[0], abs=1e-4)
    np.testing.assert_allclose(scales[:3], np.exp(best[1:]), rtol=1e-3)
    assert scales[3] == 0


@pytest.mark.parametrize(("shape", "found"), [(-0.4, 0.005), (3.0, 2.0)])
def test_an_index_outside_of_where_it_is_looked_for_is_at_an_end(shape: float, found: float) -> None:
    excess = stats.genpareto.rvs(shape, size=(1, 2_000), random_state=np.random.default_rng(2))
    xi, _ = common_index(excess, np.ones_like(excess))
    assert xi == pytest.approx(found, abs=1e-6)


def test_the_unit_changes_no_index() -> None:
    excess = stats.genpareto.rvs(0.3, size=(2, 500), random_state=np.random.default_rng(3))
    (one, scales), (other, larger) = (
        common_index(unit * excess, np.ones_like(excess)) for unit in (1.0, 1e6)
    )
    assert one == pytest.approx(other, rel=1e-9)
    np.testing.assert_allclose(larger, 1e6 * scales, rtol=1e-8)


def test_excesses_of_zero_are_borne() -> None:
    """Most at the threshold itself: no scale is good, and the smallest answers without an error."""
    excess = np.array([[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]])
    xi, scales = common_index(excess, np.ones_like(excess))
    assert np.isfinite(xi)
    assert np.isfinite(scales).all()


@pytest.mark.parametrize("room", [None, 30.0])
def test_the_mean_excess_is_that_of_the_density(room: float | None) -> None:
    tail = stats.genpareto(0.3, 0, 10.0)
    top = np.inf if room is None else room
    mean = integrate.quad(lambda x: x * tail.pdf(x), 0, top)[0] / tail.cdf(top)
    assert mean_excess(10.0, 0.3, room) == pytest.approx(mean, rel=1e-6)
