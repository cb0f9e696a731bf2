"""Families with zeros and tails: the compressed likelihood is that of every row and of every user.

The oracles add SciPy's densities row by row, user by user, with the parameters that the model itself gives
at random points around where the sampler starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import optimize, stats
from scipy.special import expit

from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors

Floats = npt.NDArray[np.float64]
Named = Mapping[str, Any]
TWO = Design.interaction(outcome="y", factors=("a", "b"))
WIDE = {"before_column": "before", "after_column": "after", "group": "g", "unit": "user"}


def pairs_of(rng: np.random.Generator, n: int, *, zeros: bool) -> pd.DataFrame:
    """Users with two correlated skewed values; with zeros, all four patterns of activity."""
    level = rng.normal(2, 0.8, n)
    before, after = (np.exp(level + rng.normal(0, 0.6, n)) * rng.gamma(2, 0.5, n) for _ in (0, 1))
    if zeros:
        keen = rng.normal(0, 1, n)
        before, after = (y * (keen + rng.normal(0, 1, n) > 0.3) for y in (before, after))
    return pd.DataFrame({"user": np.arange(n), "g": np.arange(n) % 2, "before": before, "after": after})


def evaluator(model: pm.Model) -> Callable[[Named], tuple[float, Named]]:
    """Log-density of the observed variables alone, and every parameter by name."""
    named = model.unobserved_RVs
    outputs = model.replace_rvs_by_values([model.logp(vars=model.observed_RVs), *named])
    function = model.compile_fn(
        outputs, inputs=model.value_vars, mode="FAST_COMPILE", point_fn=True, on_unused_input="ignore"
    )

    def evaluate(point: Named) -> tuple[float, Named]:
        found, *values = function(point)
        return float(found), {variable.name: value for variable, value in zip(named, values, strict=True)}

    return evaluate


def gaps(family: str, cells: Cells, oracle: Callable[[Named, pm.Model], float]) -> Floats:
    """Compressed minus full log-likelihood at six points around the data."""
    model = build_model(cells, FAMILIES[family], Priors())
    evaluate, rng, start = evaluator(model), np.random.default_rng(1), model.initial_point()
    found = []
    for _ in range(6):
        point = {name: value + 0.1 * rng.standard_normal(np.shape(value)) for name, value in start.items()}
        log_likelihood, named = evaluate(point)
        found.append(log_likelihood - oracle(named, model))
    return np.array(found)


# The four patterns of activity


def both_active(before: float, after: float, log_theta: float) -> float:
    """Plackett's distribution by search: the share active in both whose odds ratio is theta."""

    def off(both: float) -> float:
        neither = 1 - before - after + both
        return float(
            np.log(both) + np.log(neither) - np.log(before - both) - np.log(after - both) - log_theta
        )

    low, high = max(0.0, before + after - 1), min(before, after)
    return float(optimize.brentq(off, low + 1e-13, high - 1e-13, xtol=1e-16, rtol=1e-14))


def patterns_log_likelihood(frame: pd.DataFrame, named: Named) -> float:
    """Each user's log-probability of being active in both periods, one, or neither."""
    total = 0.0
    for group, users in frame.groupby("g"):
        before, after = expit(named["activity"][group])
        both = both_active(before, after, float(named["association"][group]))
        assert named["both_active"][group] == pytest.approx(both, rel=1e-8)
        share = {(1, 1): both, (1, 0): before - both, (0, 1): after - both, (0, 0): 1 - before - after + both}
        active = zip((users["before"] > 0).astype(int), (users["after"] > 0).astype(int), strict=True)
        total += sum(np.log(share[pattern]) for pattern in active)
    return float(total)


def actives(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Users active in both periods, and of each period those active in it only, as ``y``."""
    before, after = frame["before"] > 0, frame["after"] > 0
    singles = [
        frame[before & ~after].rename(columns={"before": "y"}),
        frame[~before & after].rename(columns={"after": "y"}),
    ]
    return frame[before & after], singles


def lognormal_users(frame: pd.DataFrame, named: Named) -> float:
    both, singles = actives(frame)
    location, sigma, rho = named["location"], named["sigma"], np.tanh(named["fisher_z"])
    total = 0.0
    for group, users in both.groupby("g"):
        sd = sigma[group]
        cross = rho[group] * sd[0] * sd[1]
        logs = np.log(users[["before", "after"]].to_numpy())
        total += stats.multivariate_normal.logpdf(
            logs, location[group], [[sd[0] ** 2, cross], [cross, sd[1] ** 2]]
        ).sum()
        total -= logs.sum()
    for t, users in enumerate(singles):
        g, y = users["g"].to_numpy(), users["y"].to_numpy()
        level = (location + named["single_shift"])[g, t]
        total += stats.lognorm.logpdf(y, named["single_sigma"][g, t], scale=np.exp(level)).sum()
    return float(total)


def gamma_both(both: pd.DataFrame, named: Named) -> float:
    g, before, after = (both[name].to_numpy() for name in ("g", "before", "after"))
    mean, shape = np.exp(named["location"]), np.exp(named["log_shape"])
    slope = expit(named["logit_dependence"])[g]
    given = mean[g, 1] * (1 - slope + slope * before / mean[g, 0])
    rows = stats.gamma.logpdf(before, shape[g, 0], scale=mean[g, 0] / shape[g, 0])
    return float((rows + stats.gamma.logpdf(after, shape[g, 1], scale=given / shape[g, 1])).sum())


def gamma_users(frame: pd.DataFrame, named: Named) -> float:
    both, singles = actives(frame)
    total = gamma_both(both, named)
    for t, users in enumerate(singles):
        g, y = users["g"].to_numpy(), users["y"].to_numpy()
        mean = np.exp(named["location"] + named["single_shift"])[g, t]
        shape = named["single_shape"][g, t]
        total += stats.gamma.logpdf(y, shape, scale=mean / shape).sum()
    return float(total)


def test_pairs_of_a_hurdle_lognormal_are_as_likely_as_their_users() -> None:
    frame = pairs_of(np.random.default_rng(0), 3_000, zeros=True)
    found = gaps(
        "hurdle_lognormal",
        compress(frame, Design.did_wide(**WIDE)),
        lambda named, _: patterns_log_likelihood(frame, named) + lognormal_users(frame, named),
    )
    # Of log-likelihoods of some 10,000: 1e-8 relative.
    assert np.ptp(found) < 1e-5


# With the power, values differ by fifty orders of magnitude, as those of a gamma whose shape is 0.05 do.
@pytest.mark.parametrize("power", [1, 12])
@pytest.mark.parametrize("family", ["gamma", "hurdle_gamma"])
def test_pairs_of_gamma_values_are_as_likely_as_their_users(family: str, power: int) -> None:
    """The values after enter through narrow bins of the values before: less than 0.01 at 20,000 users."""
    zeros = family == "hurdle_gamma"
    frame = pairs_of(np.random.default_rng(0), 20_000, zeros=zeros)
    frame[["before", "after"]] **= power

    def oracle(named: Named, _: pm.Model) -> float:
        if zeros:
            return patterns_log_likelihood(frame, named) + gamma_users(frame, named)
        return gamma_both(frame, named)

    found = gaps(family, compress(frame, Design.did_wide(**WIDE)), oracle)
    assert np.ptp(found) < 0.01


def test_unrelated_and_proportional_values_are_the_ends_of_the_dependence() -> None:
    """At β = 0 the pairs of a gamma are two independent samples, exactly."""
    frame = pairs_of(np.random.default_rng(0), 2_000, zeros=False)
    model = build_model(compress(frame, Design.did_wide(**WIDE)), FAMILIES["gamma"], Priors())
    evaluate, point = evaluator(model), dict(model.initial_point())
    found = []
    for move in (0.0, 0.2):
        moved = point | {
            "logit_dependence": np.full(2, -40.0),
            "log_shape": point["log_shape"] + move * np.array([[1, -1], [0.5, 2]]),
        }
        log_likelihood, named = evaluate(moved)
        mean, shape = np.exp(named["location"]), np.exp(named["log_shape"])
        rows = sum(
            stats.gamma.logpdf(users[column], shape[g, t], scale=mean[g, t] / shape[g, t]).sum()
            for g, users in frame.groupby("g")
            for t, column in enumerate(("before", "after"))
        )
        found.append(log_likelihood - rows)
    assert np.ptp(found) < 1e-6


# The tail


def tail_oracle(
    values: list[Floats], *, signs: tuple[int, ...], room: bool = False
) -> Callable[[Named, pm.Model], float]:
    """Counts multinomial, body's mean by its normal limit, and every row beyond a threshold by SciPy.

    ``values`` has one array a cell, in the order of the cells.
    """

    def log_likelihood(named: Named, model: pm.Model) -> float:
        threshold = model["threshold"].get_value()
        total = 0.0
        for y, place in zip(values, np.ndindex(*threshold.shape[:-1]), strict=True):
            odds, scale = named["tail_odds"][place], np.exp(named["log_tail_scale"][place])
            inside = np.ones(len(y), dtype=bool)
            mean = float(named["location"][place]) * (1 + odds.sum())
            for k, sign in enumerate(signs):
                excess = sign * (y - threshold[(*place, k)])
                inside &= excess <= 0
                beyond = stats.genpareto(named["xi"], scale=scale[k])
                total += beyond.logpdf(excess[excess > 0]).sum()
                mean_excess = beyond.mean()
                if room:
                    width = float(model["room"].get_value()[(*place, k)])
                    total -= (excess > 0).sum() * beyond.logcdf(width)
                    mean_excess = beyond.expect(lb=0, ub=width, conditional=True)
                total += (excess > 0).sum() * np.log(odds[k])
                mean -= odds[k] * (threshold[(*place, k)] + sign * mean_excess)
            total -= len(y) * np.log1p(odds.sum())
            body = y[inside]
            total += stats.norm.logpdf(body.mean(), mean, body.std() / np.sqrt(len(body)))
        return float(total)

    return log_likelihood


def tailed(n: int, seed: int = 0) -> pd.DataFrame:
    """Zeros, lognormal values and one heavy tail for all."""
    rng = np.random.default_rng(seed)
    beyond = 20 + stats.genpareto.rvs(0.3, scale=15, size=n, random_state=rng)
    y = np.where(rng.random(n) < 0.05, beyond, rng.uniform(0, 20, n))
    turn = np.arange(n) % 4
    return pd.DataFrame({"y": np.where(rng.random(n) < 0.3, 0.0, y), "a": turn // 2, "b": turn % 2})


@pytest.mark.parametrize("bound", [None, 2_000.0])
def test_tails_are_as_likely_as_their_rows(bound: float | None) -> None:
    frame = tailed(100_000)
    frame["y"] = frame["y"].clip(upper=1_999.0)
    design = Design.interaction(outcome="y", factors=("a", "b"), upper_bound=bound)
    values = [rows.to_numpy() for _, rows in frame.groupby(["a", "b"])["y"]]
    found = gaps("tail", compress(frame, design), tail_oracle(values, signs=(1,), room=bound is not None))
    assert np.ptp(found) < 0.01


def test_tails_of_changes_are_as_likely_as_the_users() -> None:
    frame = pairs_of(np.random.default_rng(0), 20_000, zeros=True)
    change = frame["after"] - frame["before"]
    values = [rows.to_numpy() for _, rows in change.groupby(frame["g"])]
    found = gaps("tail", compress(frame, Design.did_wide(**WIDE)), tail_oracle(values, signs=(1, -1)))
    assert np.ptp(found) < 0.01


# Density and simulation are of one distribution, and its mean is the mean that the family states


PARAMETERS: dict[str, dict[str, Any]] = {
    "hurdle_lognormal": {"activity": -0.4, "location": 1.0, "sigma": 0.8},
    "gamma": {"location": 1.0, "log_shape": -0.5},
    "hurdle_gamma": {"activity": -0.4, "location": 1.0, "log_shape": -0.5},
    "lognormal_mixture": {
        "activity": 0.3,
        "kind_weight": [0.6, 0.4],
        "kind_location": [-1.0, 1.0],
        "kind_sigma": [0.9, 0.6],
    },
}


@pytest.mark.parametrize("family", PARAMETERS)
def test_the_density_is_that_of_the_simulated_outcomes(family: str) -> None:
    """Kolmogorov-Smirnov against the integrated density; the size of the zeros by their count."""
    parameters, known = PARAMETERS[family], FAMILIES[family]
    draws = known.simulate(parameters, 20_000, np.random.default_rng(2))
    # Even steps of the logarithm, on which the integrand is smooth.
    grid = np.exp(np.linspace(-20, 6, 40_001))
    density = np.exp(known.log_density(parameters, grid)) * grid
    cdf = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(np.log(grid)))])
    zero = float(np.exp(known.log_density(parameters, np.zeros(1)))[0]) if "activity" in parameters else 0.0
    assert cdf[-1] + zero == pytest.approx(1, abs=2e-4)
    positive = np.log(draws[draws > 0])
    assert stats.kstest(positive, lambda x: np.interp(x, np.log(grid), cdf / cdf[-1])).pvalue > 0.001
    assert (draws == 0).mean() == pytest.approx(zero, abs=4 * np.sqrt(zero * (1 - zero) / 20_000))


@pytest.mark.parametrize("family", ["hurdle_lognormal", "hurdle_gamma"])
def test_one_period_of_pairs_is_simulated_with_the_mean_that_is_stated(family: str) -> None:
    """Users active once only have a level and a spread of their own; the mean is over both kinds."""
    group, dims = 1, ("chain", "draw", "g", "t")
    drawn = {
        "activity": [[0.0, 0.3], [-0.4, 0.6]],
        "location": [[1.0, 1.1], [1.2, 0.9]],
        "single_shift": [[-1.0, -0.8], [-1.2, 0.5]],
    }
    if family == "hurdle_lognormal":
        drawn |= {"sigma": [[0.8, 0.7], [0.9, 0.6]], "single_sigma": [[0.5, 0.6], [0.7, 1.0]]}
    else:
        drawn |= {"log_shape": [[0.3, 0.2], [0.5, -0.2]], "single_shape": [[0.8, 2.0], [1.5, 0.7]]}
        drawn |= {"dependence": [[0.0, 0.6], [0.0, 0.7]]}
    posterior = xr.Dataset({name: (dims, np.array(value)[None, None]) for name, value in drawn.items()})
    both, before_shape = np.array([0.4, 0.35]), np.array([1.3, 1.6])
    posterior["both_active"] = (("chain", "draw", "g"), both[None, None])
    stated = FAMILIES[family].values(posterior)["mean"].to_numpy()[0, 0]
    for t in (0, 1):
        parameters = {name: np.array(value)[group, t] for name, value in drawn.items()}
        parameters |= {"both_active": both[group], "shape_before": before_shape[group]}
        draws = FAMILIES[family].simulate(parameters, 400_000, np.random.default_rng(t))
        assert draws.mean() == pytest.approx(stated[group, t], abs=4 * draws.std() / np.sqrt(len(draws)))
