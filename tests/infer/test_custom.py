"""Families of one's own, tried with distributions that the package itself does not use."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

import twobytwo as tbt
from twobytwo import DataError, Design, DesignError, Priors, compress
from twobytwo.infer.fit import fit
from twobytwo.infer.model import build_model

FACTORS = ("a", "b")
DESIGN = Design.interaction(outcome="y", factors=FACTORS)
ALPHA, SIGMA = 4.0, 2.0
SHIFT = SIGMA * ALPHA / np.sqrt(1 + ALPHA**2) * np.sqrt(2 / np.pi)

SKEW_NORMAL = tbt.family(
    pm.SkewNormal,
    location="mu",
    spread="sigma",
    shared={"alpha": lambda name: pm.Normal(name, 0, 3)},
    mean=lambda mu, sigma, alpha: mu + sigma * alpha / np.sqrt(1 + alpha**2) * np.sqrt(2 / np.pi),
)
GAMMA = tbt.family(pm.Gamma, location="mu", spread="sigma", link="log", mean=lambda mu, sigma: mu + 0 * sigma)


def table(draw, n=10_000):
    return pd.concat(
        [pd.DataFrame({"y": draw(a, b, n), "a": a, "b": b}) for a in (0, 1) for b in (0, 1)],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def skewed():
    rng = np.random.default_rng(5)
    return table(
        lambda a, b, n: stats.skewnorm.rvs(
            ALPHA, loc=10 + a + 2 * b + 0.5 * a * b, scale=SIGMA, size=n, random_state=rng
        )
    )


@pytest.fixture(scope="module")
def fitted(skewed):
    return fit(compress(skewed, DESIGN), SKEW_NORMAL, Priors.of("flat"))


def test_log_likelihood_is_that_of_all_rows(skewed):
    model = build_model(compress(skewed, DESIGN), SKEW_NORMAL, Priors())
    density = model.compile_logp(model.observed_RVs, mode="FAST_COMPILE")
    point = model.initial_point()
    rng = np.random.default_rng(3)
    for _ in range(5):
        # Near the mode: where the posterior is, and where the points' error is of fourth order.
        alpha, noise = rng.uniform(3.5, 4.5), rng.normal(0, 0.03, (2, 2))
        moved = point | {"alpha": np.array(alpha), "log_spread": point["log_spread"] + noise}
        location = model["location"].eval({model["effects"]: moved["effects"]}, mode="FAST_COMPILE")
        rows = stats.skewnorm.logpdf(
            skewed["y"],
            alpha,
            location[skewed["a"], skewed["b"]],
            np.exp(moved["log_spread"])[skewed["a"], skewed["b"]],
        )
        assert density(moved) == pytest.approx(rows.sum(), abs=0.01)


def test_recovers_what_was_simulated_and_calls_it_a_mean(fitted):
    row = fitted.effects.summary().loc["interaction"]
    # Four standard deviations: one seed, and a test that must not fail by chance.
    assert abs(row["mean"] - 0.5) < 4 * row["sd"]
    assert row["sd"] < 0.05
    assert row["estimand"] == "mean"
    alpha = fitted.tree["posterior"]["alpha"]
    assert abs(float(alpha.mean()) - ALPHA) < 4 * float(alpha.std())
    cell = fitted.effects["mean[1, 1]"]
    assert float(cell.mean()) == pytest.approx(13.5 + SHIFT, abs=4 * float(cell.std()))


def test_log_link_gives_effects_on_the_mean():
    rng = np.random.default_rng(8)
    rows = table(lambda a, _, n: rng.gamma(2.0, 5.0 * (1 + 0.2 * a), n))
    effects = fit(compress(rows, DESIGN), GAMMA, Priors()).effects
    raw = rows.groupby(["a", "b"])["y"].mean().to_numpy()
    means = [float(effects[f"mean[{a}, {b}]"].mean()) for a in (0, 1) for b in (0, 1)]
    # A gamma's sample mean is its maximum-likelihood mean; the prior is flat at this size.
    np.testing.assert_allclose(means, raw, rtol=0.01)


def test_without_a_mean_it_is_a_location():
    bare = tbt.family(pm.Laplace, location="mu", spread="b")
    assert (bare.name, bare.estimand) == ("Laplace", "location")


@pytest.mark.filterwarnings("ignore:Numba will use object mode:UserWarning")
def test_simulates_and_is_dense_given_the_posteriors_own_names():
    parameters = {"location": 1.0, "log_spread": np.log(SIGMA), "alpha": ALPHA}
    draws = SKEW_NORMAL.simulate(parameters, 20_000, np.random.default_rng(1))
    assert draws.mean() == pytest.approx(1 + SHIFT, abs=0.05)
    value = np.array([-1.0, 0.0, 3.0])
    found = SKEW_NORMAL.log_density(parameters, value)
    # Owen's function in SciPy is good to seven digits in the tail.
    np.testing.assert_allclose(found, stats.skewnorm.logpdf(value, ALPHA, 1.0, SIGMA), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Numba will use object mode:UserWarning")
def test_density_of_many_values_and_many_draws_at_once():
    """As `compare_families` asks for it: values down, draws across."""
    location, log_spread = np.array([0.0, 0.1, 0.2, 0.3]), np.array([0.0, 0.2, 0.1, 0.0])
    value = np.array([0.5, 1.0, 2.0])[:, None]
    found = GAMMA.log_density({"location": location, "log_spread": log_spread}, value)
    mean, sd = np.exp(location), np.exp(log_spread)
    expected = stats.gamma.logpdf(value, (mean / sd) ** 2, scale=sd**2 / mean)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_refuses_zeros_under_a_log_link():
    rows = table(lambda _a, _b, n: np.random.default_rng(2).poisson(1.0, n).astype(float), n=50)
    with pytest.raises(DataError, match=r"Column 'y' has \d+ zeros .* log link"):
        build_model(compress(rows, DESIGN), GAMMA, Priors())


def test_refuses_pairs():
    design = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing="drop")
    cells = compress(tbt.simulate.user_minutes(tbt.simulate.UserMinutes(n=300)), design)
    with pytest.raises(DesignError, match=r"describes 1 value\(s\) of a user, not 2; use family="):
        build_model(cells, SKEW_NORMAL, Priors())


@pytest.mark.parametrize(
    ("asked", "kind"), [({"kind": "share"}, "share"), ({"denominator": "sessions", "unit": "id"}, "ratio")]
)
def test_refuses_shares_and_ratios(asked, kind):
    frame = pd.DataFrame({"id": range(400), "g": np.arange(400) % 2, "y": np.arange(400) // 2 % 2})
    frame["sessions"] = 1 + frame["id"] % 7
    cells = compress(frame, Design.compare(outcome="y", group="g", **asked))
    with pytest.raises(DesignError, match=f"describes amounts and counts, and 'y' is of kind='{kind}'"):
        build_model(cells, SKEW_NORMAL, Priors())


@pytest.mark.parametrize("name", ["normal", "lognormal_mixture", "auto"])
def test_refuses_names_of_the_package(name):
    with pytest.raises(DesignError, match=f"name='{name}' is that of a family of the package; give yours"):
        tbt.family(pm.Normal, location="mu", spread="sigma", name=name)


def normal_or_poisson(kind):
    return {
        "normal": lambda size, mu, sigma: pm.Normal.dist(mu, sigma, size=size),
        "poisson": lambda size, mu, sigma: pm.Poisson.dist(mu + sigma, size=size),
    }[kind]


@pytest.mark.parametrize(
    ("distribution", "arguments", "said"),
    [
        (pm.Normal, {"location": "mean", "spread": "sigma"}, "'Normal' has no argument 'mean'; it has 'mu'"),
        (pm.Normal, {"location": "mu", "spread": "sgma"}, "Did you mean 'sigma'"),
        (pm.Normal, {"location": "mu", "spread": "mu"}, "one argument twice among 'mu', 'mu'"),
        (pm.StudentT, {"location": "mu", "spread": "sigma"}, "needs its argument 'nu' too; .*shared="),
        (pm.Normal, {"location": "mu", "spread": "sigma", "link": "logg"}, "link='logg' .* mean 'log'"),
        (pm.Poisson, {"location": "mu", "spread": "mu"}, "'Poisson' is a discrete distribution"),
        (pm.Normal.dist, {"location": "mu", "spread": "scale"}, "no argument .scale."),
        (normal_or_poisson("normal"), {"location": "loc", "spread": "sigma"}, "no argument 'loc'"),
        (
            lambda mu, sigma: pm.Normal.dist(mu, sigma),
            {"location": "mu", "spread": "sigma"},
            "argument 'size'",
        ),
    ],
)
def test_what_does_not_fit_the_distribution_is_refused_in_words(distribution, arguments, said):
    with pytest.raises(DesignError, match=said):
        tbt.family(distribution, **arguments)


def test_a_function_of_a_discrete_distribution_is_refused_when_it_is_called(skewed):
    cells = compress(skewed, DESIGN)
    made = {
        kind: tbt.family(normal_or_poisson(kind), location="mu", spread="sigma", name=f"{kind} by choice")
        for kind in ("normal", "poisson")
    }
    assert "points" in build_model(cells, made["normal"], Priors()).named_vars
    with pytest.raises(DesignError, match="'poisson by choice' is a discrete distribution"):
        build_model(cells, made["poisson"], Priors())
