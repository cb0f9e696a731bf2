"""One fit: its posterior against closed forms and simulated truth."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.families.student_t import StudentT
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.priors import Priors

TWO = Design.interaction(outcome="y", factors=("a", "b"))


def cells_of(ys: list[np.ndarray]) -> Cells:
    frames = [pd.DataFrame({"y": y, "a": k // 2, "b": k % 2}) for k, y in enumerate(ys)]
    return compress(pd.concat(frames), TWO)


def normal_rows(n: int = 40, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(mean, sd, n) for mean, sd in ((10, 1), (15, 2), (20, 3), (22, 4))]


@lru_cache
def flat_fit(draws: int = 4_000) -> tuple[list[np.ndarray], Fit]:
    ys = normal_rows()
    wide = Priors(name="wide", baseline=100.0, effect=100.0, interaction=100.0, spread=100.0)
    return ys, fit(cells_of(ys), Normal(), wide, SamplerOptions(draws=draws))


# Oracle: with flat priors on the means and on log σ, a cell's mean is Student-t with n − 1 degrees of
# freedom about the sample mean, scale s/√n, and SS/σ² is χ² with n − 1: the textbook posterior.


@pytest.mark.parametrize("cell", range(4))
def test_a_flat_normal_posterior_is_the_textbooks(cell: int) -> None:
    ys, found = flat_fit()
    y, (a, b) = ys[cell], divmod(cell, 2)
    n, law = y.size, stats.t(y.size - 1, y.mean(), y.std(ddof=1) / np.sqrt(y.size))
    draws = found.tree["posterior"]["location"][:, :, a, b].to_numpy().ravel()
    # 4 Monte-Carlo standard errors of quantiles of 16,000 draws, about half of them effective.
    for p in (0.025, 0.25, 0.5, 0.75, 0.975):
        error = np.sqrt(p * (1 - p) / 8_000) / law.pdf(law.ppf(p))
        assert np.quantile(draws, p) == pytest.approx(law.ppf(p), abs=4 * error)
    ratio = ((y - y.mean()) ** 2).sum() / np.exp(2 * found.tree["posterior"]["log_sd"][:, :, a, b].to_numpy())
    assert ratio.mean() == pytest.approx(n - 1, rel=0.02)
    assert ratio.var() == pytest.approx(2 * (n - 1), rel=0.06)


def test_the_contrast_has_the_spread_of_four_independent_means() -> None:
    ys, found = flat_fit()
    draws = found.effects["interaction"].to_numpy()
    variance = sum(y.var(ddof=1) / y.size * (y.size - 1) / (y.size - 3) for y in ys)
    assert draws.std() == pytest.approx(np.sqrt(variance), rel=0.03)
    (m00, m01, m10, m11) = (y.mean() for y in ys)
    assert draws.mean() == pytest.approx((m11 - m10) - (m01 - m00), abs=0.05 * np.sqrt(variance))


def test_a_prior_pulls_as_far_as_its_weight_says() -> None:
    """Equal and large cells: the posterior mean of the contrast is (1 − κ) times the raw one."""
    rng = np.random.default_rng(3)
    ys = [rng.normal(mean, 20, 500) for mean in (10, 10, 10, 16)]
    raw = (ys[3].mean() - ys[2].mean()) - (ys[1].mean() - ys[0].mean())
    priors = Priors(name="p", baseline=100.0, effect=100.0, interaction=0.15)
    found = fit(cells_of(ys), Normal(), priors, SamplerOptions(draws=4_000))
    pooled = np.concatenate(ys).mean()
    se2 = sum(y.var(ddof=1) / y.size for y in ys)
    # These rows can be negative, so the yardstick is the larger of the mean and the sd.
    tau = 0.15 * max(pooled, np.concatenate([y - y.mean() for y in ys]).std())
    weight = se2 / (se2 + tau**2)
    assert found.prior_weight(np.sqrt(se2)) == pytest.approx(weight, rel=1e-6)
    draws = found.effects["interaction"]
    assert float(draws.mean()) == pytest.approx((1 - weight) * raw, abs=0.05 * np.sqrt(se2))


def test_prior_weight_is_between_nothing_and_everything() -> None:
    ys, found = flat_fit()
    se = np.sqrt(sum(y.var(ddof=1) / y.size for y in ys))
    assert 0 <= found.prior_weight(se) < 1e-3
    tight = Priors(name="tight", interaction=1e-4)
    assert 0.9 < fit(cells_of(normal_rows()), Normal(), tight).prior_weight(se) <= 1


def test_the_weight_of_a_prior_of_ratios_is_a_ratio_of_variances() -> None:
    """A standard error in minutes says nothing about a prior on the logarithm."""
    rng = np.random.default_rng(1)
    found = fit(cells_of([rng.lognormal(2, 1, 500) for _ in range(4)]), LogNormal(), Priors())
    # Four cells of log-sd 1; the interaction's prior has an sd of 0.5.
    expected = 4 / 500 / (4 / 500 + 0.5**2)
    assert found.prior_weight(123.0) == pytest.approx(expected, rel=0.1)


# The lognormal mean


def test_the_lognormal_means_are_means_where_the_logs_are_normal() -> None:
    rng = np.random.default_rng(1)
    parameters = ((3.0, 1.0), (3.2, 1.1), (2.8, 0.9), (3.4, 1.2))
    found = fit(cells_of([rng.lognormal(m, s, 5_000) for m, s in parameters]), LogNormal(), Priors.of("flat"))
    assert found.means is not None
    truth = np.array([np.exp(m + s**2 / 2) for m, s in parameters]).reshape(2, 2)
    z = (found.means.mean(("chain", "draw")) - truth) / found.means.std(("chain", "draw"))
    assert float(np.abs(z).max()) < 4
    geometric = found.effects["ratio_of_geometric_means"]
    expected = np.exp((3.4 - 2.8) - (3.2 - 3.0))
    assert abs(float(geometric.mean()) - expected) < 4 * float(geometric.std())


def test_the_student_t_calls_nothing_a_mean() -> None:
    rng = np.random.default_rng(1)
    found = fit(cells_of([rng.lognormal(2, 1.2, 1_000) for _ in range(4)]), StudentT(), Priors())
    assert found.means is None
    assert {found.effects[name].attrs["estimand"] for name in found.effects} == {"location"}


# The families with zeros and tails have tests/test_recovery.py.
@pytest.mark.parametrize("family", ["normal", "lognormal", "student_t"])
def test_every_family_recovers_its_own_draws(family: str) -> None:
    """Simulated with the family's own simulator; four cells within 4 posterior sds."""
    rng = np.random.default_rng(7)
    second = {"normal": ("log_sd", 1.0), "lognormal": ("sigma", 0.8), "student_t": ("log_scale", 1.0)}[family]
    extra = {"nu": 4.0} if family == "student_t" else {}
    locations = np.array([[5.0, 6.0], [4.5, 7.0]])
    ys = [
        FAMILIES[family].simulate({"location": float(m), second[0]: second[1], **extra}, 3_000, rng)
        for m in locations.ravel()
    ]
    posterior = fit(cells_of(ys), FAMILIES[family], Priors()).tree["posterior"]
    for name, truth in (("location", locations), (second[0], second[1])):
        draws = posterior[name]
        z = (draws.mean(("chain", "draw")) - truth) / draws.std(("chain", "draw"))
        assert float(np.abs(z).max()) < 4, name
    if extra:
        nu = posterior["nu"]
        assert abs(float(nu.mean()) - 4) < 4 * float(nu.std())


def test_a_fit_remembers_what_it_was_given() -> None:
    cells, priors = cells_of(normal_rows()), Priors.of("sceptical")
    family = Normal()
    found = fit(cells, family, priors, SamplerOptions(draws=200, chains=2))
    assert (found.cells, found.family, found.priors) == (cells, family, priors)
    assert found.tree["posterior"].sizes["draw"] == 200
    assert found.means is not None
    assert not found.of_changes


# The law of shifts: a constant added to every row changes no contrast.


@pytest.mark.parametrize(("family", "shift"), [("normal", 1e2), ("normal", 1e6), ("student_t", 1e3)])
def test_a_constant_added_to_every_row_changes_no_contrast(family: str, shift: float) -> None:
    """A metric that varies little around a large mean; the prior is wide in either case.

    The sampler's first step must be as long as the posterior is wide, not as the prior is.
    """
    ys = normal_rows(5_000)
    expected = (ys[3].mean() - ys[2].mean()) - (ys[1].mean() - ys[0].mean())
    se = np.sqrt(sum(y.var(ddof=1) / y.size for y in ys))
    chosen = fit(
        cells_of([y + shift for y in ys]),
        FAMILIES[family],
        Priors.of("flat"),
        SamplerOptions(draws=300, chains=2),
    )
    found = chosen.effects["interaction"]
    assert float(found.mean()) == pytest.approx(expected, abs=0.3 * se)
    assert float(found.std()) == pytest.approx(se, rel=0.1)
