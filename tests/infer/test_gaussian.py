"""The normal likelihood by its sufficient statistics: against every row, and against exact posteriors.

Oracle 1: the log-density of the observed statistics, as a function of the parameters, equals the row-level
bivariate one up to a constant. Oracle 2: draws agree with conjugate draws (normal-inverse-Wishart), which
are exact, reweighted to the package's priors. The priors are written out here a second time, from
docs/methods.md, section 3, and from the docstrings, so that an error in either place shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import arviz_stats
import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
import pytest
from scipy import stats
from scipy.optimize import approx_fprime
from scipy.special import expit, logit

from twobytwo import Cells, Design, DesignError, compress
from twobytwo.ask.factor import Factor
from twobytwo.ask.metric import Metric
from twobytwo.infer.families import family_of
from twobytwo.infer.families.gaussian import observe_alike, observe_gaussian
from twobytwo.infer.fit import fit
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors
from twobytwo.simulate import UserMinutes, user_minutes

Floats = npt.NDArray[np.float64]
# Users of each group: seen in both periods, before only, after only.
Pattern = tuple[tuple[int, int, int], tuple[int, int, int]]

PATTERNS: Mapping[str, Pattern] = {
    "everybody twice": ((40, 0, 0), (25, 0, 0)),
    "absences everywhere": ((30, 7, 4), (20, 5, 3)),
    "one before-only user": ((30, 1, 0), (20, 0, 0)),
    "one after-only user in one group": ((30, 4, 0), (20, 6, 1)),
    "nobody after only": ((30, 6, 0), (20, 9, 0)),
    "one user of every kind": ((12, 1, 1), (9, 1, 1)),
    "three pairs and many absences": ((3, 30, 25), (4, 2, 40)),
}


def users(pattern: Pattern, seed: int, *, log: bool = False) -> pd.DataFrame:
    """Correlated users, one row each; NaN where absent. Some values are negative unless `log`."""
    rng = np.random.default_rng(seed)
    frames = []
    for arm, (both, before, after) in enumerate(pattern):
        n = both + before + after
        first, second = rng.standard_normal((2, n))
        pre = 20 + 3 * arm + 12 * first
        post = 22 + 5 * arm + 15 * (0.8 * first + 0.6 * second)
        if log:
            pre, post = np.exp(pre / 15), np.exp(post / 15)
        seen = np.repeat([0, 1, 2], [both, before, after])
        frames.append(
            pd.DataFrame(
                {
                    "arm": arm,
                    "pre": np.where(seen == 2, np.nan, pre),
                    "post": np.where(seen == 1, np.nan, post),
                }
            )
        )
    table = pd.concat(frames, ignore_index=True)
    return table.assign(user=np.arange(len(table)))


def question(**changes: Any) -> Design:
    columns = {"before_column": "pre", "after_column": "post", "group": "arm", "unit": "user"}
    return Design.did_wide(**(columns | changes))


def cells_of(table: pd.DataFrame) -> Cells:
    return compress(table, question(missing="available"))


# --- Oracle 1: every row ------------------------------------------------------------------------------


def locations(effects: Floats, origin: float, scale: float) -> Floats:
    """Group ±½, period 0/1: baseline, gap before, trend, difference-in-differences; shape (group, period)."""
    baseline, gap, trend, did = effects
    return origin + scale * np.array(
        [[baseline + g * gap, baseline + g * gap + trend + g * did] for g in (-0.5, 0.5)]
    )


def row_level(table: pd.DataFrame, location: Floats, sd: Floats, fisher_z: Floats) -> float:
    """Log-likelihood of all rows: bivariate normal for users seen twice, normal for the others."""
    total = 0.0
    for arm, group in table.groupby("arm"):
        g = int(arm)
        y, rho = group[["pre", "post"]].to_numpy(), math.tanh(fisher_z[g])
        covariance = np.diag(sd[g] ** 2)
        covariance[0, 1] = covariance[1, 0] = rho * sd[g].prod()
        both = ~np.isnan(y).any(axis=1)
        total += stats.multivariate_normal(location[g], covariance).logpdf(y[both]).sum()
        for t in (0, 1):
            once = y[np.isnan(y[:, 1 - t]), t]
            total += stats.norm(location[g, t], sd[g, t]).logpdf(once).sum()
    return float(total)


def nearby(model: pm.Model, count: int, seed: int, step: float = 0.3) -> list[dict[str, Floats]]:
    """Points of the parameter space around the start."""
    rng = np.random.default_rng(seed)
    start = model.initial_point()
    return [
        {name: value + step * rng.standard_normal(np.shape(value)) for name, value in start.items()}
        for _ in range(count)
    ]


def observed_density(model: pm.Model) -> Callable[[dict[str, Floats]], float]:
    # Interpreted: compiling would cost more than all evaluations.
    return model.compile_logp(vars=model.observed_RVs, mode="FAST_COMPILE")


def assert_equal_up_to_a_constant(one: Floats, other: Floats) -> None:
    """Differences between points agree to 1e-8 of the largest difference."""
    first, second = one[1:] - one[0], other[1:] - other[0]
    assert np.abs(second).max() > 1
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-8 * np.abs(second).max())


def yardstick(table: pd.DataFrame) -> float:
    """The pooled mean, or the sd if larger and values can be negative (docs/methods.md, section 3)."""
    rows = table[["pre", "post"]].to_numpy().ravel()
    rows = rows[~np.isnan(rows)]
    return abs(rows.mean()) if rows.min() >= 0 else max(abs(rows.mean()), rows.std())


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_normal_pairs_have_the_likelihood_of_their_rows(pattern: Pattern) -> None:
    table = users(pattern, 1)
    model = build_model(cells_of(table), family_of("normal"), Priors())
    points = nearby(model, 8, 2)
    density, scale = observed_density(model), yardstick(table)
    rows = [
        row_level(table, locations(p["effects"], 0.0, scale), np.exp(p["log_sd"]), p["fisher_z"])
        for p in points
    ]
    assert_equal_up_to_a_constant(np.array([density(p) for p in points], float), np.array(rows))


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_lognormal_pairs_have_the_likelihood_of_their_logarithms(pattern: Pattern) -> None:
    table = users(pattern, 3, log=True)
    model = build_model(cells_of(table), family_of("lognormal"), Priors())
    points = nearby(model, 8, 4)
    logs = table.assign(pre=np.log(table["pre"]), post=np.log(table["post"]))
    origin = float(np.nanmean(logs[["pre", "post"]].to_numpy()))
    density = observed_density(model)
    rows = [
        row_level(
            logs,
            locations(p["effects"], origin, 1.0),
            0.05 + 2.95 * expit(p["logit_sigma"]),
            p["fisher_z"],
        )
        for p in points
    ]
    assert_equal_up_to_a_constant(np.array([density(p) for p in points], float), np.array(rows))


def test_ignoring_the_pairs_is_another_likelihood() -> None:
    # Negative control of the comparison: rows as if independent.
    table = users(PATTERNS["absences everywhere"], 1)
    model = build_model(cells_of(table), family_of("normal"), Priors())
    points, scale = nearby(model, 8, 2), yardstick(table)
    density = observed_density(model)
    rows = [
        row_level(table, locations(p["effects"], 0.0, scale), np.exp(p["log_sd"]), np.zeros(2))
        for p in points
    ]
    with pytest.raises(AssertionError):
        assert_equal_up_to_a_constant(np.array([density(p) for p in points], float), np.array(rows))


@pytest.mark.parametrize("family", ["normal", "lognormal"])
def test_independent_rows_have_their_likelihood(family: str) -> None:
    table = users(((30, 5, 2), (20, 3, 4)), 5, log=family == "lognormal")
    rows = table.melt(["user", "arm"], ["pre", "post"], var_name="when", value_name="y").dropna()
    cells = compress(rows, Design.did(outcome="y", group="arm", period="when"))
    model = build_model(cells, family_of(family), Priors())
    points, density = nearby(model, 6, 6), observed_density(model)
    y = np.log(rows["y"]) if family == "lognormal" else rows["y"]
    place = (rows["arm"].to_numpy(), (rows["when"] == "post").to_numpy().astype(int))
    expected = []
    for p in points:
        if family == "lognormal":
            mu = locations(p["effects"], float(y.mean()), 1.0)
            sd = 0.05 + 2.95 * expit(p["logit_sigma"])
        else:
            mu, sd = locations(p["effects"], 0.0, yardstick(table)), np.exp(p["log_sd"])
        expected.append(stats.norm(mu[place], sd[place]).logpdf(y).sum())
    assert_equal_up_to_a_constant(np.array([density(p) for p in points], float), np.array(expected))


@pytest.mark.parametrize("correlation", [0.999, -0.99, 0.0])
def test_extreme_correlations_lose_no_digits(correlation: float) -> None:
    rng = np.random.default_rng(7)
    first, second = rng.standard_normal((2, 60))
    table = pd.DataFrame(
        {
            "user": range(60),
            "arm": np.repeat([0, 1], 30),
            "pre": 100 + first,
            "post": 100 + correlation * first + math.sqrt(1 - correlation**2) * second,
        }
    )
    model = build_model(cells_of(table), family_of("normal"), Priors())
    # Steps of a hundredth: the mean is a hundred times the sd.
    points, density = nearby(model, 6, 8, step=0.01), observed_density(model)
    rows = [
        row_level(table, locations(p["effects"], 0.0, yardstick(table)), np.exp(p["log_sd"]), p["fisher_z"])
        for p in points
    ]
    assert_equal_up_to_a_constant(np.array([density(p) for p in points], float), np.array(rows))


def test_the_likelihood_does_not_depend_on_the_unit() -> None:
    table = users(PATTERNS["absences everywhere"], 9)
    differences = []
    for unit in (1.0, 1e-12, 1e12):
        scaled = table.assign(pre=unit * table["pre"], post=unit * table["post"])
        model = build_model(cells_of(scaled), family_of("normal"), Priors())
        start, density = model.initial_point(), observed_density(model)
        moved = start | {"effects": start["effects"] + 0.2, "fisher_z": start["fisher_z"] - 0.2}
        differences.append(density(moved) - density(start))
    np.testing.assert_allclose(differences[1:], differences[0], rtol=1e-8)


@pytest.mark.parametrize("family", ["normal", "lognormal"])
@pytest.mark.parametrize("absent", ["pre", "post"])
def test_users_seen_once_may_have_equal_values(family: str, absent: str) -> None:
    # Whole minutes: two users who were seen for one minute and never again.
    table = users(((30, 0, 0), (20, 0, 0)), 10, log=True)
    other = {"pre": "post", "post": "pre"}[absent]
    ties = pd.DataFrame({"user": [901, 902], "arm": 1, absent: np.nan, other: 3.0})
    table = pd.concat([table, ties], ignore_index=True)
    model = build_model(cells_of(table), family_of(family), Priors())
    points, density = nearby(model, 6, 11), observed_density(model)
    logs = table.assign(pre=np.log(table["pre"]), post=np.log(table["post"]))
    rows = []
    for p in points:
        if family == "normal":
            mu, sd, data = locations(p["effects"], 0.0, yardstick(table)), np.exp(p["log_sd"]), table
        else:
            origin = float(np.nanmean(logs[["pre", "post"]].to_numpy()))
            mu, sd = locations(p["effects"], origin, 1.0), 0.05 + 2.95 * expit(p["logit_sigma"])
            data = logs
        rows.append(row_level(data, mu, sd, p["fisher_z"]))
    found = np.array([density(p) for p in points], float)
    assert np.isfinite(found).all()
    assert_equal_up_to_a_constant(found, np.array(rows))


def test_prior_draws_of_the_statistics_are_draws_of_statistics() -> None:
    """Each is conditional on those before it; with its parameters it is a normal or χ² pivot."""
    table = users(((12, 0, 0), (8, 0, 0)), 12)
    model = build_model(cells_of(table), family_of("normal"), Priors())
    names = ["location", "log_sd", "fisher_z", "sample_mean_0", "sample_ss_0", "sample_slope_1_0"]
    names += ["sample_mean_1", "sample_ss_1"]
    drawn = dict(
        zip(
            names,
            pm.draw([model[name] for name in names], draws=1000, random_seed=13, mode="FAST_COMPILE"),
            strict=True,
        )
    )
    n, sd, rho = np.array([12, 8]), np.exp(drawn["log_sd"]), np.tanh(drawn["fisher_z"])
    before, after = drawn["location"][..., 0], drawn["location"][..., 1]
    slope, tau = rho * sd[..., 1] / sd[..., 0], sd[..., 1] * np.sqrt(1 - rho**2)
    surprise = drawn["sample_mean_0"] - before
    normal = {
        "mean before": surprise / (sd[..., 0] / np.sqrt(n)),
        "slope": (drawn["sample_slope_1_0"] - slope) / (tau / np.sqrt(drawn["sample_ss_0"])),
        "mean after": (drawn["sample_mean_1"] - after - slope * surprise) / (tau / np.sqrt(n)),
    }
    for name, pivot in normal.items():
        assert stats.kstest(pivot.ravel(), stats.norm.cdf).pvalue > 1e-4, name
    for g in (0, 1):
        first = drawn["sample_ss_0"][:, g] / sd[:, g, 0] ** 2
        residual = drawn["sample_ss_1"][:, g] / tau[:, g] ** 2
        assert stats.kstest(first, stats.chi2(n[g] - 1).cdf).pvalue > 1e-4
        assert stats.kstest(residual, stats.chi2(n[g] - 2).cdf).pvalue > 1e-4


# --- Any number of values -----------------------------------------------------------------------------

THREE = Design(
    question="did",
    metric=Metric(column="y"),
    factors=(
        Factor(column="arm", role="group", levels=(0, 1, 2), many=True),
        Factor(column="when", role="period", levels=("a", "b", "c"), many=True),
    ),
    unit="user",
)


def three_values(sizes: tuple[int, ...], seed: int) -> pd.DataFrame:
    """Users with three correlated values each, all seen; one row each."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(np.arange(len(sizes)), sizes)
    mixing = np.array([[12.0, 0, 0], [9, 8, 0], [-4, 6, 10]])
    values = np.array([20.0, 25, 18]) + arm[:, None] + rng.standard_normal((len(arm), 3)) @ mixing.T
    return pd.DataFrame({"arm": arm, "user": np.arange(len(arm)), **dict(zip("abc", values.T, strict=True))})


def three_model(table: pd.DataFrame) -> pm.Model:
    rows = table.melt(["arm", "user"], ["a", "b", "c"], var_name="when", value_name="y")
    cells = compress(rows, THREE)
    with pm.Model(coords={dim: list(names) for dim, names in cells.coords.items()}) as model:
        location = pm.Normal("location", 20.0, 5.0, dims=cells.dims)
        log_sd = pm.Normal("log_sd", 2.3, 0.3, dims=cells.dims)
        observe_gaussian(cells, "raw", location, pm.math.exp(log_sd))
    return model


def correlations(z: Floats) -> Floats:
    """Correlation matrix of canonical partial correlations by the textbook recursion (C-vine)."""
    p10, p20, p21 = np.tanh(z)
    r21 = p21 * math.sqrt((1 - p10**2) * (1 - p20**2)) + p10 * p20
    return np.array([[1, p10, p20], [p10, 1, r21], [p20, r21, 1]])


def test_three_values_have_the_likelihood_of_their_rows() -> None:
    table = three_values((30, 20, 4), 21)
    model = three_model(table)
    points, density = nearby(model, 8, 22), observed_density(model)
    rows = []
    for p in points:
        total = 0.0
        for g, group in table.groupby("arm"):
            sd = np.exp(p["log_sd"][g])
            covariance = correlations(p["fisher_z"][g]) * np.outer(sd, sd)
            normal = stats.multivariate_normal(p["location"][g], covariance)
            total += normal.logpdf(group[["a", "b", "c"]].to_numpy()).sum()
        rows.append(total)
    assert_equal_up_to_a_constant(np.array([density(p) for p in points], float), np.array(rows))


def test_three_values_start_at_the_partial_correlations_of_the_data() -> None:
    table = three_values((60, 50, 40), 23)
    z = three_model(table).initial_point()["fisher_z"]
    for g, group in table.groupby("arm"):
        np.testing.assert_allclose(correlations(z[g]), group[["a", "b", "c"]].corr(), atol=1e-12)


def test_prior_draws_of_three_values_are_draws_of_statistics() -> None:
    """Their sums of squares and products are Wishart: whitened, the Bartlett pivots are normal and χ²."""
    model = three_model(three_values((12, 9, 8), 24))
    names = ["location", "log_sd", "fisher_z", *(f"sample_mean_{j}" for j in range(3))]
    names += [f"sample_ss_{j}" for j in range(3)] + [
        "sample_slope_1_0",
        "sample_slope_2_0",
        "sample_slope_2_1",
    ]
    drawn = pm.draw([model[name] for name in names], draws=600, random_seed=25, mode="FAST_COMPILE")
    by_name = dict(zip(names, drawn, strict=True))
    pivots: dict[str, list[float]] = {}
    n = 12
    for s in range(600):
        sd = np.exp(by_name["log_sd"][s, 0])
        factor = np.linalg.cholesky(correlations(by_name["fisher_z"][s, 0]) * np.outer(sd, sd))
        q = np.eye(3)
        for j, k in ((1, 0), (2, 0), (2, 1)):
            q[j, k] = by_name[f"sample_slope_{j}_{k}"][s, 0]
        root = np.sqrt([by_name[f"sample_ss_{j}"][s, 0] for j in range(3)])
        bartlett = np.linalg.solve(factor, q * root)
        mean = np.array([by_name[f"sample_mean_{j}"][s, 0] for j in range(3)])
        surprise = np.linalg.solve(factor, mean - by_name["location"][s, 0]) * math.sqrt(n)
        for j in range(3):
            pivots.setdefault(f"chi2 {j}", []).append(bartlett[j, j] ** 2)
            pivots.setdefault("normal", []).append(surprise[j])
            for k in range(j):
                pivots["normal"].append(bartlett[j, k])
    assert stats.kstest(pivots["normal"], stats.norm.cdf).pvalue > 1e-4
    for j in range(3):
        assert stats.kstest(pivots[f"chi2 {j}"], stats.chi2(n - 1 - j).cdf).pvalue > 1e-4


@pytest.mark.parametrize("family", ["gamma", "student_t", "tail", "hurdle_lognormal", "hurdle_gamma"])
def test_families_of_two_values_refuse_three_in_words(family: str) -> None:
    rows = three_values((30, 20, 20), 26).melt(
        ["arm", "user"], ["a", "b", "c"], var_name="when", value_name="y"
    )
    cells = compress(rows.assign(y=np.exp(rows["y"] / 20)), THREE)
    with pytest.raises(DesignError, match=rf"'{family}' describes 1 or 2 value\(s\) of a user, not 3"):
        family_of(family).check(cells)


# --- Student-t on the users' changes ------------------------------------------------------------------


def test_student_t_on_changes_has_the_likelihood_of_the_changes() -> None:
    """To the error of the bins: docs/methods.md, section 8, below 1e-5 of the differences."""
    table = users(((250, 20, 5), (150, 10, 10)), 14)
    model = build_model(cells_of(table), family_of("student_t"), Priors())
    assert [str(name) for name in model.coords["effect"]] == ["trend", "did"]
    start, density, scale = model.initial_point(), observed_density(model), yardstick(table)
    rng = np.random.default_rng(15)
    points = [
        {name: value + 0.2 * rng.standard_normal(np.shape(value)) for name, value in start.items()}
        for _ in range(8)
    ]
    change = table["post"] - table["pre"]

    with pm.Model() as rows:
        trend, did, nu = pm.Flat("trend"), pm.Flat("did"), pm.Flat("nu")
        spread = pm.Flat("spread", shape=2)
        for arm, sign in ((0, -0.5), (1, 0.5)):
            seen = change[(table["arm"] == arm)].dropna()
            pm.StudentT(
                f"rows{arm}", nu=nu, mu=scale * (trend + sign * did), sigma=spread[arm], observed=seen
            )
    explicit = observed_density(rows)
    expected = [
        explicit(
            {
                "trend": p["effects"][0],
                "did": p["effects"][1],
                "nu": np.exp(p["nu_log__"]),
                "spread": np.exp(p["log_scale"]),
            }
        )
        for p in points
    ]
    one, other = np.array([density(p) for p in points], float), np.array(expected)
    first, second = one - one[0], other - other[0]
    assert np.abs(second).max() > 1
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-5 * np.abs(second).max())


# --- Oracle 2: exact posteriors -----------------------------------------------------------------------

DRAWS = 40_000
SEEDS = range(20)


# Priors that matter a little at 150 users per group, so that a wrong one shows.
TIGHT = Priors(name="tight", baseline=0.3, effect=0.3, gap=0.2, spread=0.3)


def chart(parameters: Floats) -> Floats:
    """(log s0, log s1, z) to (Σ00, Σ11, Σ01)."""
    a, b, z = parameters
    return np.array([np.exp(2 * a), np.exp(2 * b), np.tanh(z) * np.exp(a + b)])


def test_the_reference_prior_in_the_packages_coordinates() -> None:
    """|Σ|^(−3/2) dΣ = const × (1 − ρ²)^(−1/2) da db dz: the Jacobian by finite differences."""
    rng = np.random.default_rng(16)
    constants = []
    for parameters in rng.normal(0, 0.7, (20, 3)):
        s00, s11, s01 = chart(parameters)
        jacobian = abs(np.linalg.det(approx_fprime(parameters, chart, 1e-7)))
        reference = (s00 * s11 - s01**2) ** -1.5 * jacobian
        constants.append(reference / (1 - np.tanh(parameters[2]) ** 2) ** -0.5)
    np.testing.assert_allclose(constants, constants[0], rtol=1e-5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Weighted exact draws."""

    location: Floats  # (draws, group, period)
    sd: Floats
    z: Floats  # (draws, group)
    log_weight: Floats


def roots(df: int, scale: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Square roots of draws from the inverse Wishart, by Bartlett; SciPy's own takes a second."""
    a, d = np.sqrt(rng.chisquare([df, df - 1], (draws, 2))).T
    lower = np.zeros((draws, 2, 2))
    lower[:, 0, 0], lower[:, 1, 1] = 1 / a, 1 / d
    lower[:, 1, 0] = -rng.standard_normal(draws) / (a * d)
    return np.linalg.cholesky(scale) @ lower.swapaxes(1, 2)


def test_the_oracles_covariances_are_inverse_wishart() -> None:
    scale = np.array([[4.0, 2.0], [2.0, 3.0]])
    rng = np.random.default_rng(19)
    root = roots(12, scale, 4000, rng)
    mine = root @ root.swapaxes(1, 2)
    theirs = stats.invwishart(12, scale).rvs(4000, random_state=rng)
    for pick in (lambda s: s[:, 0, 0], lambda s: s[:, 0, 1], lambda s: np.linalg.det(s)):
        assert stats.ks_2samp(pick(mine), pick(theirs)).pvalue > 1e-3


def conjugate(table: pd.DataFrame, seed: int) -> Exact:
    """Exact draws under |Σ|^(−3/2) from users seen twice; those seen once enter by their likelihood."""
    rng = np.random.default_rng(seed)
    location, sd = np.empty((2, DRAWS, 2, 2))
    z = np.empty((DRAWS, 2))
    log_weight = np.zeros(DRAWS)
    for g in (0, 1):
        group = table.loc[table["arm"] == g, ["pre", "post"]]
        y = group.dropna().to_numpy()
        n, mean = len(y), y.mean(axis=0)
        scatter = (y - mean).T @ (y - mean)
        root = roots(n - 1, scatter, DRAWS, rng)
        sigma = root @ root.swapaxes(1, 2)
        location[:, g] = mean + np.einsum("kij,kj->ki", root, rng.standard_normal((DRAWS, 2))) / math.sqrt(n)
        sd[:, g] = np.sqrt(np.diagonal(sigma, axis1=1, axis2=2))
        z[:, g] = np.arctanh(sigma[:, 0, 1] / sd[:, g].prod(axis=1))
        for t, (mine, absent) in enumerate((("pre", "post"), ("post", "pre"))):
            for value in group.loc[group[absent].isna(), mine]:
                log_weight += stats.norm(location[:, g, t], sd[:, g, t]).logpdf(value)
    # From the reference prior to a flat one in (log s0, log s1, z).
    log_weight += 0.5 * np.log1p(-(np.tanh(z) ** 2)).sum(axis=1)
    return Exact(location=location, sd=sd, z=z, log_weight=log_weight)


def effects_prior(location: Floats, priors: Priors, origin: float, scale: float, baseline: float) -> Floats:
    """Log-density of the effects that make the locations, in multiples of the yardstick."""
    m = (location - origin) / scale
    before, after = m[..., 0], m[..., 1]
    rises = after - before
    effects = {
        "baseline": (before.mean(axis=-1), baseline, priors.baseline),
        "gap": (before[..., 1] - before[..., 0], 0.0, priors.gap),
        "trend": (rises.mean(axis=-1), 0.0, priors.effect),
        "did": (rises[..., 1] - rises[..., 0], 0.0, priors.effect),
    }
    return sum(stats.norm(mean, sd).logpdf(value) for value, mean, sd in effects.values())


def normal_prior(exact: Exact, table: pd.DataFrame, priors: Priors) -> Floats:
    rows = table[["pre", "post"]].to_numpy()
    scale = yardstick(table)
    within = np.nansum((rows - cell_means(table)[table["arm"]]) ** 2)
    pooled = math.log(within / np.isfinite(rows).sum()) / 2
    return (
        effects_prior(exact.location, priors, 0.0, scale, float(np.nanmean(rows)) / scale)
        + stats.norm(pooled, priors.spread).logpdf(np.log(exact.sd)).sum(axis=(1, 2))
        + stats.norm(0, 1).logpdf(exact.z).sum(axis=1)
    )


def cell_means(table: pd.DataFrame) -> Floats:
    return table.groupby("arm")[["pre", "post"]].mean().to_numpy()


def lognormal_prior(exact: Exact, logs: pd.DataFrame, priors: Priors) -> Floats:
    """The pooled level of the four logits is integrated out: they are jointly normal."""
    origin = float(np.nanmean(logs[["pre", "post"]].to_numpy()))
    share = (exact.sd - 0.05) / 2.95
    inside = ((share > 0) & (share < 1)).all(axis=(1, 2))
    share = np.where(inside[:, None, None], share, 0.5)
    covariance = 0.86**2 * np.ones((4, 4)) + (0.4 * priors.spread) ** 2 * np.eye(4)
    logits = logit(share).reshape(-1, 4)
    # d logit / d log σ = σ / (2.95 share (1 − share)).
    jacobian = np.log(exact.sd / (2.95 * share * (1 - share))).sum(axis=(1, 2))
    density = (
        effects_prior(exact.location, priors, origin, 1.0, 0.0)
        + stats.multivariate_normal(np.full(4, -0.45), covariance).logpdf(logits)
        + jacobian
        + stats.norm(0, 1).logpdf(exact.z).sum(axis=1)
    )
    return np.where(inside, density, -np.inf)


@pytest.mark.parametrize("family", ["normal", "lognormal"])
def test_the_models_prior_is_the_oracles(family: str) -> None:
    table = users(PATTERNS["everybody twice"], 20, log=True)
    model = build_model(cells_of(table), family_of(family), TIGHT)
    density = model.compile_logp(vars=model.free_RVs, mode="FAST_COMPILE")
    logs = table.assign(pre=np.log(table["pre"]), post=np.log(table["post"]))
    points, expected = nearby(model, 6, 21), []
    for p in points:
        if family == "normal":
            mu, sd = locations(p["effects"], 0.0, yardstick(table)), np.exp(p["log_sd"])
        else:
            mu = locations(p["effects"], float(logs[["pre", "post"]].to_numpy().mean()), 1.0)
            sd = 0.05 + 2.95 * expit(p["logit_sigma"])
        one = Exact(location=mu[None], sd=sd[None], z=p["fisher_z"][None], log_weight=np.zeros(1))
        if family == "normal":
            expected.append(normal_prior(one, table, TIGHT).item())
            continue
        # The model has the pooled level as a parameter, the oracle has it integrated out: the level's own
        # posterior given the four logits, which is normal too, is what lies between.
        level, logits = p["pooled_logit_sigma"], p["logit_sigma"].ravel()
        precision = 1 / 0.86**2 + 4 / (0.4 * TIGHT.spread) ** 2
        centre = (-0.45 / 0.86**2 + logits.sum() / (0.4 * TIGHT.spread) ** 2) / precision
        share = (sd - 0.05) / 2.95
        jacobian = np.log(sd / (2.95 * share * (1 - share))).sum()
        conditional = stats.norm(centre, precision**-0.5).logpdf(level)
        expected.append(lognormal_prior(one, logs, TIGHT).item() - jacobian + conditional)
    assert_equal_up_to_a_constant(np.array([density(p) for p in points], float), np.array(expected))


def weighted(values: Floats, log_weight: Floats) -> tuple[float, float]:
    """Self-normalised importance mean and its standard error."""
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    # One heavy user seen once can leave all weight on one draw, which is no oracle.
    assert 1 / (weight @ weight) > 1_000
    mean = float(weight @ values)
    return mean, float(np.sqrt((weight**2) @ (values - mean) ** 2))


def did(means: Floats) -> Floats:
    """Of shape (..., group, period)."""
    return (means[..., 1, 1] - means[..., 1, 0]) - (means[..., 0, 1] - means[..., 0, 0])


def small_table(seed: int, *, log: bool) -> pd.DataFrame:
    """300 users: the generator's minutes on odd seeds, correlated (log-)normals on even ones."""
    if seed % 2 == 0:
        table = users(((150, 0, 0), (150, 0, 0)), 1000 + seed)
        # Log-sds of 1.2 to 1.5 (docs/methods.md, section 3).
        columns = ["pre", "post"]
        return table.assign(**{c: np.exp(table[c] / 10) for c in columns}) if log else table
    options = UserMinutes(n=300, treated_share=0.5, before_only=(0.0, 0.0), after_only=(0.0, 0.0), seed=seed)
    wide = user_minutes(options).pivot(index=["user_id", "variant"], columns="period", values="minutes")
    return wide.reset_index().rename(columns={"user_id": "user", "variant": "arm"})[
        ["user", "arm", "pre", "post"]
    ]


def compared(table: pd.DataFrame, family: str, design: Design, *, weigh: bool = True) -> dict[str, float]:
    """Distances of posterior expectations from the exact ones, in combined Monte-Carlo errors."""
    tree = fit(compress(table, design), family_of(family), TIGHT).tree
    posterior = tree["posterior"].to_dataset()
    if family == "normal":
        exact = conjugate(table, 17)
        means, drawn = exact.location, posterior["location"]
        prior = normal_prior(exact, table, TIGHT)
    else:
        logs = table.assign(pre=np.log(table["pre"]), post=np.log(table["post"]))
        exact = conjugate(logs, 18)
        means = np.exp(exact.location + exact.sd**2 / 2)
        drawn = np.exp(posterior["location"] + posterior["sigma"] ** 2 / 2)
        prior = lognormal_prior(exact, logs, TIGHT)
    log_weight = exact.log_weight + (prior if weigh else 0.0)
    sampled_did, exact_did = did(drawn.to_numpy()), did(means)
    middle = float(np.mean(sampled_did))
    quantities = {
        "did": (sampled_did, exact_did),
        # Squares about one fixed number: the variance is in them too.
        "did²": ((sampled_did - middle) ** 2, (exact_did - middle) ** 2),
        "P(harm)": ((sampled_did < 0).astype(float), (exact_did < 0).astype(float)),
        "treated after": (drawn.to_numpy()[..., 1, 1], means[:, 1, 1]),
        "z": (posterior["fisher_z"].to_numpy()[..., 0], exact.z[:, 0]),
    }
    distances = {}
    for name, (sampled, values) in quantities.items():
        mean, error = weighted(values, log_weight)
        mine = float(arviz_stats.mcse(sampled))
        distances[name] = (float(sampled.mean()) - mean) / math.hypot(mine, error)
    return distances


@pytest.mark.parametrize(
    ("family", "seeds"),
    [
        ("normal", SEEDS[:6]),
        ("lognormal", SEEDS[:6]),
        pytest.param("normal", SEEDS, marks=pytest.mark.slow),
        pytest.param("lognormal", SEEDS, marks=pytest.mark.slow),
    ],
)
def test_draws_agree_with_the_exact_posterior(family: str, seeds: range) -> None:
    distances = pd.DataFrame(
        {seed: compared(small_table(seed, log=family == "lognormal"), family, question()) for seed in seeds}
    )
    # 4 Monte-Carlo standard errors on every seed ...
    assert (distances.abs() < 4).all(axis=None), distances.round(1).to_string()
    # ... and together no further away than chance: the sum of squares is χ².
    together = (distances**2).sum(axis=1)
    assert (stats.chi2(len(seeds)).sf(together) > 1e-4).all(), together.to_string()


@pytest.mark.parametrize("family", ["normal", "lognormal"])
def test_absences_agree_with_the_exact_posterior(family: str) -> None:
    for seed in range(2):
        table = small_table(seed, log=family == "lognormal").astype({"pre": float, "post": float})
        # Absences of both kinds in both groups each time: one model to compile.
        lot = np.random.default_rng(5 * seed).random(len(table))
        table["pre"] = table["pre"].mask(lot < 0.03)
        table["post"] = table["post"].mask(lot > 0.95)
        distances = compared(table, family, question(missing="available"))
        assert max(map(abs, distances.values())) < 4, (seed, distances)


def test_the_wrong_prior_would_show() -> None:
    # Negative control: without the reweighting the same comparison fails.
    distances = [compared(small_table(seed, log=False), "normal", question(), weigh=False) for seed in (0, 2)]
    assert any(abs(distance["did"]) > 4 for distance in distances)


# --- Groups drawn at random share slopes where one is small --------------------------------------------


def residual_rows(
    table: pd.DataFrame, location: Floats, log_tau: Floats, slopes: Mapping[Any, float]
) -> float:
    """Log-likelihood of every row: a regression of each column on those before it, one for all arms."""
    total, columns = 0.0, sorted(set(table.columns) - {"arm", "user"})
    for arm, group in table.groupby("arm"):
        y = group[columns].to_numpy() - location[int(arm)]
        for j in range(len(columns)):
            left = y[:, j] - sum(slopes[j, k] * y[:, k] for k in range(j))
            total += stats.norm(0, np.exp(log_tau[int(arm), j])).logpdf(left).sum()
    return float(total)


@pytest.mark.parametrize("columns", [2, 3])
def test_one_slope_for_all_groups_has_the_likelihood_of_its_rows(columns: int) -> None:
    names = list("abc")[:columns]
    table = three_values((60, 12), 31)[["arm", "user", *names]]
    when = Factor(column="when", role="period", levels=tuple(names), many=columns > 2)
    arms = Factor(column="arm", role="group", levels=(0, 1))
    design = Design(question="did", metric=Metric(column="y"), factors=(arms, when), unit="user")
    rows = table.melt(["arm", "user"], names, var_name="when", value_name="y")
    cells = compress(rows, design)
    with pm.Model(coords={dim: list(labels) for dim, labels in cells.coords.items()}) as model:
        location = pm.Normal("location", 20.0, 5.0, dims=cells.dims)
        observe_alike(cells, location, Priors())
    unit = dict(zip(model.coords["link"], model["slope_unit"].get_value(), strict=True))
    points, density = nearby(model, 8, 32), observed_density(model)
    expected = []
    for p in points:
        z = dict(zip(model.coords["link"], p["slope_z"], strict=True))
        slopes = {
            (j, k): math.sinh(z[f"{names[k]}, {names[j]}"]) * unit[f"{names[k]}, {names[j]}"]
            for j in range(columns)
            for k in range(j)
        }
        expected.append(residual_rows(table, p["location"], p["log_residual_sd"], slopes))
    assert_equal_up_to_a_constant(np.array([density(p) for p in points], float), np.array(expected))
    # The start is the pooled regression; standard deviations follow from residuals and slopes.
    start = model.initial_point()
    centred = table[names] - table.groupby("arm")[names].transform("mean")
    pooled = np.linalg.lstsq(centred[names[:-1]], centred[names[-1]], rcond=None)
    found = (np.sinh(start["slope_z"]) * model["slope_unit"].get_value())[-columns + 1 :]
    np.testing.assert_allclose(found, pooled[0], rtol=1e-9)


def test_standard_deviations_follow_from_one_slope() -> None:
    table = users(((60, 0, 0), (10, 0, 0)), 34)
    model = build_model(compress(table, question(randomised=True)), family_of("normal"), Priors())
    names = ["log_sd", "log_residual_sd", "slope_z", "slope_unit"]
    drawn = pm.draw([model[name] for name in names], draws=5, random_seed=1, mode="FAST_COMPILE")
    log_sd, log_tau, z, unit = drawn
    slope = np.sinh(z[:, 0]) * unit[:, 0]
    sd = np.exp(log_tau[..., 0])
    np.testing.assert_allclose(np.exp(log_sd[..., 0]), sd)
    after = np.hypot(np.exp(log_tau[..., 1]), slope[:, None] * sd)
    np.testing.assert_allclose(np.exp(log_sd[..., 1]), after)


def test_a_small_group_drawn_at_random_shares_the_slope_and_a_large_one_has_its_own() -> None:
    rng = np.random.default_rng(33)
    for small, shared in ((30, True), (60, False)):
        arm = np.arange(200) < small
        before = rng.normal(50, 5, 200)
        table = pd.DataFrame(
            {
                "user": range(200),
                "arm": arm.astype(int),
                "pre": before,
                "post": before + rng.normal(0, 3, 200),
            }
        )
        model = build_model(compress(table, question(randomised=True)), family_of("normal"), Priors())
        assert ("slope_z" in model.named_vars) is shared
        assert ("fisher_z" in model.named_vars) is not shared
        assert "log_sd" in model.named_vars
