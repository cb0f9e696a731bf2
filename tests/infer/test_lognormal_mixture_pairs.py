"""A mixture of kinds on pairs: its likelihood user by user, its start, its draws, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from scipy import stats

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families.lognormal_mixture import LogNormalMixture
from twobytwo.infer.families.lognormal_mixture_pairs import _observe_both, _observe_single, log_means
from twobytwo.infer.families.pair_kinds import find_pair_kinds
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors

Floats = npt.NDArray[np.float64]
ASK = {"before_column": "pre", "after_column": "post", "group": "g", "unit": "u"}
ZEROS = Design.did_wide(**ASK, missing="zero")
SHARE, RHO = np.array([0.4, 0.45, 0.15]), np.array([0.3, 0.7, 0.8])
MEAN = np.array([[1.5, 3.0, 6.0], [1.4, 3.1, 5.9]])
SD = np.array([[1.0, 0.8, 0.9], [1.1, 0.9, 1.0]])
STAYS = np.array([0.7, 0.95, 0.99])


def users(n: int, rng: np.random.Generator, *, zeros: bool = True) -> pd.DataFrame:
    """Three kinds; light users vanish most, and some are seen after only or never."""
    kind = rng.choice(3, size=n, p=SHARE)
    z = rng.standard_normal((2, n))
    z[1] = RHO[kind] * z[0] + np.sqrt(1 - RHO[kind] ** 2) * z[1]
    pre, post = np.exp(MEAN[:, kind] + SD[:, kind] * z)
    if zeros:
        pre = pre * (rng.random(n) < 0.96)
        post = post * (rng.random(n) < STAYS[kind])
    return pd.DataFrame({"u": np.arange(n), "g": np.arange(n) % 2, "pre": pre, "post": post})


@cache
def cells(*, zeros: bool = True) -> tuple[pd.DataFrame, Cells]:
    frame = users(4_000, np.random.default_rng(0), zeros=zeros)
    return frame, compress(frame, ZEROS)


def around_the_start(model: pm.Model, steps: int) -> list[tuple[float, dict[str, Any]]]:
    """Log-likelihoods around the start, with all parameters by name."""
    named = model.unobserved_RVs
    outputs = model.replace_rvs_by_values([model.logp(vars=model.observed_RVs), *named])
    function = model.compile_fn(
        outputs, inputs=model.value_vars, mode="FAST_COMPILE", point_fn=True, on_unused_input="ignore"
    )
    rng, start, made = np.random.default_rng(1), model.initial_point(), []
    for _ in range(steps):
        found, *values = function({k: v + 0.05 * rng.standard_normal(np.shape(v)) for k, v in start.items()})
        made.append((float(found), {v.name: value for v, value in zip(named, values, strict=True)}))
    return made


def shares_of(weights: Floats) -> Floats:
    return weights / weights.sum()


def by_users(frame: pd.DataFrame, named: dict[str, Any], kinds: int = 3) -> float:
    """Log-likelihood user by user, from SciPy's densities."""
    total, rho = 0.0, named["kind_correlation"]
    for g, rows in frame.groupby("g"):
        weight, mu, sd = (named[f"kind_{part}"][g] for part in ("weight", "location", "sigma"))
        y = rows[["pre", "post"]].to_numpy()
        seen = y > 0
        logs = np.log(np.where(seen, y, 1.0))
        both = seen.all(axis=1)
        density = np.zeros(both.sum())
        for k, share in enumerate(shares_of(weight[0, :kinds])):
            cross = rho[k] * sd[0, k] * sd[1, k]
            covariance = [[sd[0, k] ** 2, cross], [cross, sd[1, k] ** 2]]
            density += share * stats.multivariate_normal.pdf(logs[both], mu[:, k], covariance)
        total += float(np.log(density).sum())
        if "activity" not in named:
            continue
        for t in (0, 1):
            once = seen[:, t] & ~both
            of_kinds = stats.norm.pdf(logs[once, t][:, None], mu[t, kinds:], sd[t, kinds:])
            total += float(np.log(of_kinds @ shares_of(weight[t, kinds:])).sum())
        p = 1 / (1 + np.exp(-named["activity"][g]))
        both_p = named["both_active"][g]
        shares = [both_p, p[0] - both_p, p[1] - both_p, 1 - p.sum() + both_p]
        counts = [
            both.sum(),
            (seen[:, 0] & ~both).sum(),
            (seen[:, 1] & ~both).sum(),
            (~seen.any(axis=1)).sum(),
        ]
        total += float(stats.multinomial.logpmf(counts, len(rows), shares))
    return total


@pytest.mark.parametrize("zeros", [True, False], ids=["zeros", "positive"])
def test_the_likelihood_is_that_of_the_users(zeros: bool) -> None:
    """Differences between parameters, which a posterior sees, to 0.01; the whole sum to 0.02."""
    frame, compressed = cells(zeros=zeros)
    made = around_the_start(build_model(compressed, LogNormalMixture(3), Priors()), 4)
    gaps = np.array([found - by_users(frame, named) for found, named in made])
    assert np.ptp(gaps) < 0.01
    assert np.abs(gaps).max() < 0.02


def test_the_mean_of_the_positive_outcomes_is_the_location() -> None:
    _, named = around_the_start(build_model(cells()[1], LogNormalMixture(3), Priors()), 1)[0]
    weight, mu, sigma = (named[f"kind_{part}"] for part in ("weight", "location", "sigma"))
    np.testing.assert_allclose(weight.sum(axis=-1), 1)
    np.testing.assert_allclose((weight * np.exp(mu + sigma**2 / 2)).sum(axis=-1), np.exp(named["location"]))
    # Users of both periods and of one are mixed as often as there are such users.
    p = 1 / (1 + np.exp(-named["activity"]))
    np.testing.assert_allclose(weight[..., :3].sum(axis=-1), named["both_active"][:, None] / p)


def test_the_start_is_at_the_data() -> None:
    """The kinds that made them, and their means."""
    frame, compressed = cells()
    assert compressed.log_pairs is not None
    found = find_pair_kinds(compressed.log_pairs, 3, 0.3)
    np.testing.assert_allclose(found.correlation, RHO, atol=0.12)
    np.testing.assert_allclose(found.sigma, SD, atol=0.15)
    np.testing.assert_allclose(np.diff(found.location), np.diff(MEAN), atol=0.3)
    # Nearly all who vanish are light.
    assert found.single_share[0, 0] > 0.6
    assert found.share[:, 0].max() < 0.45
    raw = frame.groupby("g")[["pre", "post"]].agg(lambda y: y[y > 0].mean())
    # A few users are a tenth of the mean in 2,000; the groups share the kinds.
    np.testing.assert_allclose(np.exp(log_means(compressed, 3)), raw, rtol=0.15)


def test_drawn_users_have_the_density_that_is_stated() -> None:
    """Predictive draws are draws of users, with the moments and the distribution of the mixture."""
    n, group = 40_000, ["a"]
    points = xr.Dataset(
        {name: (("g", "pair"), np.ones((1, n))) for name in ("before", "after", "weight")}, {"g": group}
    )
    single = xr.Dataset(
        {name: (("g", "t", "point"), np.ones((1, 2, n))) for name in ("value", "weight")}, {"g": group}
    )
    with pm.Model(coords={"g": group, "t": ["pre", "post"]}) as model:
        share, mean = pt.as_tensor(np.log(SHARE)[None]), pt.as_tensor(MEAN[None])
        sd, rho = pt.as_tensor(SD), pt.as_tensor(RHO)
        _observe_both(points, "g", (share, mean[:, 0], mean[:, 1], sd[0], sd[1], rho))
        _observe_single(single, ("g", "t"), (pt.stack([share, share], axis=1), mean, sd[None]))
    drawn, once = (
        pm.draw(model[name], random_seed=1, mode="FAST_COMPILE")[0] for name in ("pairs", "singles")
    )
    mixed = SHARE @ MEAN.T
    covariance = np.zeros((2, 2))
    for k, weight in enumerate(SHARE):
        cross = RHO[k] * SD[0, k] * SD[1, k]
        away = MEAN[:, k] - mixed
        covariance += weight * (
            np.array([[SD[0, k] ** 2, cross], [cross, SD[1, k] ** 2]]) + np.outer(away, away)
        )
    np.testing.assert_allclose(drawn.mean(axis=0), mixed, atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, rtol=0.05)
    for t in (0, 1):
        for values in (drawn[:, t], once[t]):
            # The distribution function at every value is uniform.
            reached = stats.norm.cdf((values[:, None] - MEAN[t]) / SD[t]) @ SHARE
            assert stats.kstest(reached, "uniform").pvalue > 0.001


def test_what_it_does_not_know_is_refused_in_words() -> None:
    frame = users(400, np.random.default_rng(0))
    known = LogNormalMixture()
    alike = compress(frame, replace(ZEROS, randomised=True))
    with pytest.raises(DesignError, match="does not know randomised=True together with unit="):
        known.check(alike)
    gone = frame.assign(pre=frame["pre"].where(frame["u"] > 20))
    with pytest.raises(DesignError, match='does not know missing="available"'):
        known.check(compress(gone, Design.did_wide(**ASK, missing="available")))
    with pytest.raises(DataError, match=r"A group has \d+ user\(s\) with a positive 'post' in both"):
        known.check(compress(users(100, np.random.default_rng(0)), ZEROS))
    with pytest.raises(DataError, match=r"no bins of the two logarithms.* Compress the table again"):
        known.check(replace(cells()[1], log_pairs=None))


# A fit to three kinds of users whose minutes look like real ones


@pytest.fixture(scope="module")
def minutes() -> Fit:
    rows = simulate.kinds_of_users(simulate.KindsOfUsers(n=50_000))
    design = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing="zero")
    return fit(compress(rows, design), LogNormalMixture(), Priors(), SamplerOptions(draws=300, chains=2))


@pytest.mark.slow  # Compiling takes a minute on a new machine, sampling 10 to 20 seconds.
def test_the_four_means_of_real_looking_minutes_are_the_raw_ones(minutes: Fit) -> None:
    """One bivariate lognormal is a fifth short."""
    assert minutes.means is not None
    raw = minutes.cells.moments()["mean"]
    np.testing.assert_allclose(minutes.means.median(("chain", "draw")), raw, rtol=0.05)


@pytest.mark.slow
def test_their_spreads_are_those_of_the_generator(minutes: Fit) -> None:
    """The sample's own are up to a third off: of so heavy a tail a standard deviation is noise."""
    posterior = minutes.tree["posterior"].to_dataset()
    typical = posterior.median(("chain", "draw"))
    weight, mu, sigma = (typical[f"kind_{part}"].to_numpy() for part in ("weight", "location", "sigma"))
    mean = (weight * np.exp(mu + sigma**2 / 2)).sum(axis=-1)
    sd = np.sqrt((weight * np.exp(2 * mu + 2 * sigma**2)).sum(axis=-1) - mean**2)
    population = simulate.kinds_population(simulate.EFFECTS["none"])
    before, after = (y[y > 0].std() for y in (population.before, population.without))
    np.testing.assert_allclose(sd, [[before, after], [before, 1.04 * after]], rtol=0.15)
    assert minutes.family.spread_ratio(minutes.cells, posterior) < 1.15


@pytest.mark.slow
def test_the_sampler_does_not_get_lost(minutes: Fit) -> None:
    assert int(minutes.tree["sample_stats"]["diverging"].sum()) <= 1


@pytest.mark.slow
def test_minutes_and_seconds_have_one_answer() -> None:
    """The sampler sees the same numbers: bins keep their users in another unit."""
    frame = users(1_500, np.random.default_rng(3))
    options = SamplerOptions(draws=200, tune=200, chains=2)
    compressed = compress(frame, ZEROS)
    draws = [
        fit(one, LogNormalMixture(3), Priors(), options).effects["did"].to_numpy().ravel()
        for one in (compressed, compressed.scaled(60.0))
    ]
    assert (draws[0] < 0).mean() == pytest.approx((draws[1] < 0).mean(), abs=0.005)
    np.testing.assert_allclose(draws[0].std() * 60, draws[1].std(), rtol=0.01)
