"""The fast route to draws, against `pm.sample`, closed forms and itself without its cache."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from arviz_stats import mcse
from scipy import stats
from small import QUICK, TWO, cells, normal_model

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data.cells import compress
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.engine import compiled, sampling
from twobytwo.infer.engine.sampling import SamplerOptions, sample
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.fit import fit
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors

# Oracles


@pytest.mark.parametrize(("observed", "sd"), [(3.0, 1.0), (-50.0, 0.1), (3.0, 30.0)])
def test_a_conjugate_posterior(observed: float, sd: float) -> None:
    """Tolerances: 4 standard errors of a mean and an sd of 5,000 draws, of which about half are effective."""
    variance = 1 / (1 / sd**2 + 1 / 100)
    mean = variance * observed / sd**2
    draws = sample(normal_model(observed, sd), SamplerOptions())["posterior"]["x"]
    assert float(draws.mean()) == pytest.approx(mean, abs=4 * math.sqrt(variance / 2_500))
    assert float(draws.std()) == pytest.approx(math.sqrt(variance), rel=4 / math.sqrt(2 * 2_500))
    assert (
        stats.kstest(draws.to_numpy().ravel()[::5], stats.norm(mean, math.sqrt(variance)).cdf).pvalue > 0.001
    )


def test_agrees_with_pm_sample() -> None:
    """The reference sampler on one small model: means and sds within 4 joint Monte-Carlo standard errors."""
    with pm.Model(coords={"row": range(20)}) as model:
        mu = pm.Normal("mu", 0, 10)
        log_sd = pm.Normal("log_sd", 0, 1)
        rows = pm.Data("rows", np.random.default_rng(1).normal(5, 2, 20), dims="row")
        pm.Normal("y", mu, pm.math.exp(log_sd), observed=rows, dims="row")
        pm.Deterministic("tail", mu + 2 * pm.math.exp(log_sd))
    ours = sample(model)["posterior"]
    theirs = pm.sample(
        draws=1_000, chains=2, cores=1, model=model, random_seed=7, progressbar=False, quiet=True
    )["posterior"]
    for name in ("mu", "log_sd", "tail"):
        for statistic, value in (("mean", xr.DataArray.mean), ("sd", xr.DataArray.std)):
            a, b = (float(value(draws[name])) for draws in (ours, theirs))
            error = math.hypot(*(float(mcse(draws[name], method=statistic)) for draws in (ours, theirs)))
            # Six comparisons: beyond 4 once in 2,600 seeds.
            assert abs(a - b) < 4 * error, (name, statistic)


def test_the_negative_control_another_model_does_not_agree() -> None:
    """The comparison sees a mean that is off by a fifth of a posterior sd."""
    draws = sample(normal_model(3.0))["posterior"]["x"]
    assert abs(float(draws.mean()) - (3 / 1.01 + 0.2)) > 4 * float(mcse(draws))


# Seeds


def test_the_same_seed_gives_the_same_draws_and_another_others() -> None:
    model = build_model(cells(), Normal(), Priors())
    one, again, other = (
        sample(model, dataclasses.replace(QUICK, random_seed=seed))["posterior"].to_dataset()
        for seed in (1, 1, 2)
    )
    xr.testing.assert_identical(one, again)
    assert not np.array_equal(one["effects"], other["effects"])


def test_the_same_rows_give_the_same_draws_whatever_order_an_engine_adds_them_in() -> None:
    """Users of 93,000 rows are added up by several threads; a sum's last bit would become other draws."""
    design = Design.did(
        outcome="minutes", group="variant", period="period", unit="user_id", missing="available"
    )
    rows = simulate.user_minutes()
    handed = []
    for _ in range(4):
        model = build_model(compress(rows, design), Normal(), Priors())
        handed.append(compiled._steady(compiled._ravel(compiled.values_of(model).data)))
    for other in handed[1:]:
        np.testing.assert_array_equal(other, handed[0])


def test_chains_differ() -> None:
    posterior = sample(normal_model(), QUICK)["posterior"]
    assert not np.array_equal(posterior["x"][0], posterior["x"][1])


# Divergences


def funnel() -> pm.Model:
    """Three numbers whose spread is unknown: where it is small, usual steps are too long."""
    with pm.Model() as model:
        log_sd = pm.Normal("log_sd", 0, 0.8)
        pm.Normal("x", 0, pm.math.exp(log_sd), shape=3)
    return model


def test_where_a_transition_diverges_all_is_drawn_again_in_shorter_steps() -> None:
    stats_of = sample(funnel(), SamplerOptions(draws=500))["sample_stats"]
    assert stats_of.attrs["target_accept"] == pytest.approx(0.93)
    assert not stats_of["diverging"].any()
    assert sample(normal_model(), QUICK)["sample_stats"].attrs["target_accept"] == 0.65


def test_the_negative_control_steps_as_long_as_before_diverge_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_SHORTER", 1.0)
    assert sample(funnel(), SamplerOptions(draws=500))["sample_stats"]["diverging"].any()


def test_the_draws_with_fewer_divergences_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that are longer the second time, so that more of them diverge."""
    monkeypatch.setattr(sampling, "_SHORTER", 2.0)
    kept = sample(funnel(), SamplerOptions(draws=500), target_accept=0.75)["sample_stats"]
    assert kept.attrs["target_accept"] == 0.75
    assert kept["diverging"].any()


# What comes back


def test_lp_is_the_models_own_density() -> None:
    model = normal_model(3.0)
    tree, density = sample(model, QUICK), model.compile_logp(mode="FAST_COMPILE")
    for draw in range(0, 300, 60):
        x = float(tree["posterior"]["x"][0, draw])
        found = float(tree["sample_stats"]["lp"][0, draw])
        assert found == pytest.approx(float(density({"x": np.array(x)})), rel=1e-6, abs=1e-6)


# Any PyMC model with continuous free variables


def test_a_model_without_data() -> None:
    with pm.Model() as model:
        pm.Normal("x", 3.0, 1.0)
    assert float(sample(model)["posterior"]["x"].mean()) == pytest.approx(3, abs=0.1)


def test_a_model_with_plainly_observed_values_and_a_bounded_variable() -> None:
    """Exponential observations 1, 2, 3 under Gamma(2, 1): the posterior is Gamma(5, 7)."""
    with pm.Model() as model:
        rate = pm.Gamma("rate", 2, 1)
        pm.Exponential("y", rate, observed=np.array([1.0, 2.0, 3.0]))
    tree = sample(model)
    draws = tree["posterior"]["rate"]
    assert float(draws.min()) > 0
    assert float(draws.mean()) == pytest.approx(5 / 7, rel=0.05)
    assert tree["observed_data"]["y"].to_numpy().tolist() == [1, 2, 3]


def test_whole_numbers_can_be_data() -> None:
    with pm.Model() as model:
        rate = pm.Gamma("rate", 2, 1)
        pm.Poisson("y", rate, observed=pm.Data("counts", np.array([1, 2, 3])))
    assert float(sample(model)["posterior"]["rate"].mean()) == pytest.approx(8 / 4, rel=0.05)


@pytest.mark.parametrize("kind", ["discrete", "nothing"])
def test_a_model_that_cannot_be_sampled_so_is_refused_in_words(kind: str) -> None:
    with pm.Model() as model:
        pm.Data("centre", 0.0)
        if kind == "discrete":
            pm.Bernoulli("x", 0.5)
    with pytest.raises(DesignError, match="continuous"):
        sample(model, QUICK)


def test_a_density_without_a_slope_is_refused_in_words() -> None:
    """nutpie's own error ends with a trace of machine code."""
    with pm.Model() as model:
        pm.Normal("level", 0, 1, initval=1.0)
        x = pm.Normal("x", 0, 1, initval=0.0)
        # Below 5 its value is 0 and its slope ∞ · 0, as for a distribution that is truncated at infinity.
        pm.Potential("end", -pm.math.sqrt(pm.math.maximum(x - 5, 0)))
    with pytest.raises(DataError, match="no finite slope in 'x' around its starting point"):
        sample(model, QUICK)


def test_a_kink_at_the_start_is_no_obstacle() -> None:
    """Chains begin beside it."""
    with pm.Model() as model:
        x = pm.Normal("x", 0, 1, initval=0.0)
        pm.Potential("kink", -pm.math.sqrt(pm.math.abs(x)))
    assert np.isfinite(sample(model, QUICK)["posterior"]["x"].to_numpy()).all()


def test_a_trial_step_outside_the_support_is_no_end_of_the_fit() -> None:
    """Spreads 1e-8 and 2 side by side: early steps overflow a scale, and the sampler has to step back."""
    rng = np.random.default_rng(0)
    frame = pd.concat(
        [
            pd.DataFrame({"y": 5 + spread * rng.normal(size=50), "a": k // 2, "b": k % 2})
            for k, spread in enumerate((1e-8, 2.0, 2.0, 2.0))
        ]
    )
    posterior = sample(build_model(compress(frame, TWO), Normal(), Priors()), QUICK)["posterior"]
    assert np.isfinite(posterior["location"].to_numpy()).all()


def test_a_standard_model_is_sampled_and_the_models_own_variables_come_back() -> None:
    """x in metres, sampled in kilometres: y = 3,000 ± 100 under a wide prior."""

    def model(unit: float) -> pm.Model:
        with pm.Model() as made:
            start = pm.Data("start", 2_000.0 * unit)
            x = pm.Normal("x", start, pm.Data("prior_sd", 50_000.0 * unit), initval=2_000.0 * unit)
            sd = pm.Data("sd", 100.0 * unit)
            pm.Normal("y", x, sd, observed=pm.Data("y_data", np.array([3_000.0 * unit])), shape=(1,))
            # A shift, as of a logarithm, is what another unit may do to a free variable; nothing else.
            pm.Deterministic("above", x - start)
        return made

    plain = sample(model(1.0), QUICK)["posterior"]
    again = sample(model(1.0), QUICK, standard=model(1.0))["posterior"]
    xr.testing.assert_identical(plain.to_dataset(), again.to_dataset())
    with pytest.raises(ValueError, match="not those that the density was compiled for"):
        sample(normal_model(), QUICK, standard=model(1.0))


def test_a_metric_that_varies_little_around_a_large_mean_keeps_its_contrast() -> None:
    """100,000,000 ± 10 in 40,000 rows: the data keep 36 bits, here a hundredth of a standard error."""
    rng = np.random.default_rng(3)
    turn = np.arange(40_000) % 4
    y = 1e8 + 10 * rng.normal(size=len(turn)) + (turn == 3)
    found = compress(pd.DataFrame({"y": y, "a": turn // 2, "b": turn % 2}), TWO)
    tree = fit(found, Normal(), Priors.of("flat")).effects
    mean = found.moments()["mean"].to_numpy()
    contrast = mean[1, 1] - mean[1, 0] - mean[0, 1] + mean[0, 0]
    # Standard error .2; a tenth of it, and Monte-Carlo error of 8,000 draws far within that.
    assert float(tree["interaction"].mean()) == pytest.approx(contrast, abs=0.02)


# Options


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"draws": 10}, r"draws=10 .*at least 100"),
        ({"tune": 0}, r"tune=0 .*at least 100"),
        ({"chains": 1}, r"chains=1 .*at least 2"),
        ({"draws": 200.5}, r"draws=200.5"),
        ({"draws": "many"}, r"draws='many'"),
        ({"chains": None}, r"chains=None"),
        ({"random_seed": -1}, r"random_seed=-1"),
        ({"random_seed": 1.5}, r"random_seed=1.5"),
    ],
)
def test_options_are_checked_at_birth(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(DesignError, match=match):
        SamplerOptions(**changes)


def test_options_take_numpys_whole_numbers() -> None:
    assert SamplerOptions(draws=np.int64(200), random_seed=np.int64(3)).draws == 200


def test_progress_is_the_share_of_all_draws_of_all_chains() -> None:
    progress = sampling._Progress()
    assert progress.done() == 0.0
    progress(
        [
            SimpleNamespace(finished_draws=300, total_draws=400),
            SimpleNamespace(finished_draws=0, total_draws=400),
        ]
    )
    assert progress.done() == pytest.approx(0.375)


def test_a_terminal_of_60_columns_sees_no_table_of_the_sampler(
    capfd: pytest.CaptureFixture[str],
) -> None:
    sample(normal_model(3.0, 1.0), SamplerOptions(draws=200, tune=100, chains=2, progressbar=True))
    assert "Divergences" not in capfd.readouterr().err
