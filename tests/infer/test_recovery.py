"""Families with zeros and tails recover what was simulated, and agree with exact posteriors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.families import lognormal as bounds
from twobytwo.infer.fit import fit
from twobytwo.infer.predictors import coding, prior_sd, terms
from twobytwo.infer.priors import Priors

Floats = npt.NDArray[np.float64]
Simulated = tuple[pd.DataFrame, float]
ROWS = Design.did(outcome="y", group="g", period="t", control=0, treatment=1, before=0, after=1)
COUNTS = Design.did(outcome="y", group="g", period="t", kind="count")
PAIRS = Design.did_wide(before_column="pre", after_column="post", group="g", unit="u")
QUICK = SamplerOptions(draws=250, tune=250)
# Locations in logs, group by period; the treated lose an eighth.
LEVEL = np.array([[2.0, 2.1], [1.9, 1.88]])
P_ACTIVE = np.array([[0.6, 0.55], [0.62, 0.5]])


def did(means: Floats) -> float:
    return float(means[1, 1] - means[1, 0] - means[0, 1] + means[0, 0])


# Independent rows: a generator and the true difference-in-differences of its mean


def of_rows(draw: Callable[[int, int, int], Floats], n: int) -> pd.DataFrame:
    cells = [(g, t) for g in (0, 1) for t in (0, 1)]
    return pd.concat(
        [pd.DataFrame({"y": draw(g, t, n), "g": g, "t": t}) for g, t in cells], ignore_index=True
    )


def hurdle_lognormal_rows(rng: np.random.Generator) -> Simulated:
    frame = of_rows(
        lambda g, t, n: rng.lognormal(LEVEL[g, t], 1.1, n) * (rng.random(n) < P_ACTIVE[g, t]), 1_000
    )
    return frame, did(P_ACTIVE * np.exp(LEVEL + 1.1**2 / 2))


def gamma_rows(rng: np.random.Generator) -> Simulated:
    mean = np.exp(LEVEL)
    return of_rows(lambda g, t, n: rng.gamma(0.6, mean[g, t] / 0.6, n), 1_000), did(mean)


def hurdle_gamma_rows(rng: np.random.Generator) -> Simulated:
    mean = np.exp(LEVEL)
    frame = of_rows(
        lambda g, t, n: rng.gamma(0.6, mean[g, t] / 0.6, n) * (rng.random(n) < P_ACTIVE[g, t]), 1_000
    )
    return frame, did(P_ACTIVE * mean)


def hurdle_count_rows(rng: np.random.Generator) -> Simulated:
    """Counts of a level and a shape, and users who never come."""
    mean = np.exp(LEVEL)

    def draw(g: int, t: int, n: int) -> Floats:
        return rng.negative_binomial(2.0, 2 / (2 + mean[g, t]), n) * (rng.random(n) < P_ACTIVE[g, t])

    return of_rows(draw, 1_000), did(P_ACTIVE * mean)


def mixture_rows(rng: np.random.Generator) -> Simulated:
    """Light, usual and heavy users; the treated have fewer heavy ones after."""
    shares = np.array([[[0.4, 0.45, 0.15]] * 2, [[0.4, 0.45, 0.15], [0.42, 0.46, 0.12]]])
    mu, sigma = np.array([1.0, 2.5, 5.0]), np.array([0.9, 0.8, 0.9])

    def draw(g: int, t: int, n: int) -> Floats:
        kind = rng.choice(3, size=n, p=shares[g, t])
        return rng.lognormal(LEVEL[g, t] + mu[kind], sigma[kind]) * (rng.random(n) < P_ACTIVE[g, t])

    mean = np.exp(LEVEL) * (shares * np.exp(mu + sigma**2 / 2)).sum(axis=-1)
    return of_rows(draw, 3_000), did(P_ACTIVE * mean)


def tail_rows(rng: np.random.Generator) -> Simulated:
    scale = np.array([[8.0, 9.0], [8.0, 7.0]])

    def draw(g: int, t: int, n: int) -> Floats:
        beyond = 20 + stats.genpareto.rvs(0.3, scale=scale[g, t], size=n, random_state=rng)
        return np.where(rng.random(n) < 0.06, beyond, rng.uniform(0, 20, n))

    return of_rows(draw, 3_000), did(0.94 * 10 + 0.06 * (20 + scale / 0.7))


# Pairs


SHARES = np.array([[0.5, 0.1, 0.08, 0.32], [0.48, 0.14, 0.05, 0.33]])


def of_users(pairs: list[Floats]) -> pd.DataFrame:
    parts = [pd.DataFrame({"pre": y[:, 0], "post": y[:, 1], "g": g}) for g, y in enumerate(pairs)]
    return pd.concat(parts, ignore_index=True).assign(u=lambda frame: range(len(frame)))


def with_patterns(g: int, both: Floats, single: Floats, rng: np.random.Generator) -> Floats:
    """Users active in both periods, in one, or in none."""
    pattern = rng.choice(4, size=len(both), p=SHARES[g])[:, None]
    kept = np.where(pattern == 0, both, single)
    return np.where((pattern == 0) | (pattern == [[1, 2]]), kept, 0.0)


def overall(mean: Floats, single: Floats) -> Floats:
    return SHARES[:, [0]] * mean + SHARES[:, 1:3] * single


def hurdle_lognormal_pairs(rng: np.random.Generator, n: int = 2_000) -> Simulated:
    pairs = []
    for g in (0, 1):
        logs = rng.multivariate_normal(LEVEL[g], [[1.0, 0.7], [0.7, 1.0]], n)
        pairs.append(with_patterns(g, np.exp(logs), rng.lognormal(LEVEL[g] - 1, 0.8, (n, 2)), rng))
    return of_users(pairs), did(overall(np.exp(LEVEL + 0.5), np.exp(LEVEL - 1 + 0.32)))


def mixture_pairs(rng: np.random.Generator, n: int = 3_000) -> Simulated:
    """A user has one kind, before and after; light ones vanish, and the treated have fewer heavy ones."""
    shares = np.array([[0.4, 0.45, 0.15], [0.42, 0.46, 0.12]])
    mu, sigma, rho = np.array([1.0, 2.5, 5.0]), np.array([0.9, 0.8, 0.9]), np.array([0.3, 0.7, 0.8])
    stays = np.array([0.8, 0.95, 0.99])
    kinds = np.exp(mu + sigma**2 / 2)
    pairs, means = [], []
    for g in (0, 1):
        kind = rng.choice(3, size=n, p=shares[g])
        z = rng.standard_normal((2, n))
        z[1] = rho[kind] * z[0] + np.sqrt(1 - rho[kind] ** 2) * z[1]
        both = np.exp(LEVEL[g] + (mu[kind] + sigma[kind] * z).T)
        seen = np.stack([np.ones(n, dtype=bool), rng.random(n) < stays[kind]], axis=-1)
        pairs.append(both * seen)
        means.append(np.exp(LEVEL[g]) * [shares[g] @ kinds, (shares[g] * stays) @ kinds])
    return of_users(pairs), did(np.array(means))


def gamma_users(g: int, n: int, rng: np.random.Generator) -> Floats:
    mean = np.exp(LEVEL[g])
    before = rng.gamma(0.8, mean[0] / 0.8, n)
    given = mean[1] * (0.4 + 0.6 * before / mean[0])
    return np.stack([before, rng.gamma(1.5, given / 1.5)], axis=-1)


def gamma_pairs(rng: np.random.Generator) -> Simulated:
    return of_users([gamma_users(g, 2_000, rng) for g in (0, 1)]), did(np.exp(LEVEL))


def hurdle_gamma_pairs(rng: np.random.Generator, n: int = 2_000) -> Simulated:
    mean = np.exp(LEVEL)
    pairs = [
        with_patterns(g, gamma_users(g, n, rng), rng.gamma(0.7, 0.4 * mean[g] / 0.7, (n, 2)), rng)
        for g in (0, 1)
    ]
    return of_users(pairs), did(overall(mean, 0.4 * mean))


def tail_pairs(rng: np.random.Generator, n: int = 4_000) -> Simulated:
    """Changes within ±5, and beyond on either side generalised Pareto."""
    up = np.array([6.0, 5.0])
    pairs = []
    for g in (0, 1):
        beyond = 5 + stats.genpareto.rvs(0.3, scale=up[g], size=n, random_state=rng)
        below = 5 + stats.genpareto.rvs(0.3, scale=4.0, size=n, random_state=rng)
        part = rng.choice(3, size=n, p=[0.88, 0.06, 0.06])
        change = np.choose(part, [rng.uniform(-5, 5, n), beyond, -below])
        before = 500 + rng.gamma(2, 50, n)
        pairs.append(np.stack([before, before + change], axis=-1))
    means = 0.06 * (up / 0.7 - 4 / 0.7)
    return of_users(pairs), float(means[1] - means[0])


GENERATORS: dict[tuple[str, bool], Callable[[np.random.Generator], Simulated]] = {
    ("hurdle_lognormal", False): hurdle_lognormal_rows,
    ("hurdle_gamma", False): hurdle_gamma_rows,
    ("hurdle_negative_binomial", False): hurdle_count_rows,
    ("gamma", False): gamma_rows,
    ("lognormal_mixture", False): mixture_rows,
    ("tail", False): tail_rows,
    ("hurdle_lognormal", True): hurdle_lognormal_pairs,
    ("hurdle_gamma", True): hurdle_gamma_pairs,
    ("gamma", True): gamma_pairs,
    ("lognormal_mixture", True): mixture_pairs,
    ("tail", True): tail_pairs,
}


def answers(family: str, paired: bool, sets: int) -> tuple[int, Floats]:
    """In how many sets the 95 % interval holds the truth, and by how many sds each mean is off."""
    inside, off = 0, []
    design = PAIRS if paired else ROWS if "amount" in FAMILIES[family].kinds else COUNTS
    for seed in range(sets):
        frame, truth = GENERATORS[family, paired](np.random.default_rng(seed))
        effects = fit(compress(frame, design), FAMILIES[family], Priors(), QUICK).effects
        row = effects.summary().loc["did"]
        inside += bool(row["lower"] < truth < row["upper"])
        off.append((row["mean"] - truth) / row["sd"])
    return inside, np.array(off)


# Pairs and mixtures are slower; twenty sets of each are in the test below.
@pytest.mark.parametrize(
    ("family", "paired"),
    [
        pytest.param(*one, marks=[pytest.mark.slow] if one[1] or one[0] == "lognormal_mixture" else [])
        for one in GENERATORS
    ],
)
def test_the_effect_is_recovered(family: str, paired: bool) -> None:
    """Three sets: none off by 3 sds (a probability of 1 % for three), and not all by one."""
    _, off = answers(family, paired, 3)
    assert np.abs(off).max() < 3
    assert np.abs(off).min() < 1.5


@pytest.mark.slow
@pytest.mark.parametrize(("family", "paired"), GENERATORS)
def test_the_effect_is_recovered_in_twenty_sets(family: str, paired: bool) -> None:
    """Of 20 intervals of 95 % at least 17 (less in 1.6 % of such series); z-scores of about one."""
    inside, off = answers(family, paired, 20)
    assert inside >= 17
    assert 0.5 < np.std(off) < 1.5
    assert abs(np.mean(off)) < 3 / np.sqrt(20)


# Exact posteriors


def reweighted_conjugate(cells: Cells, draws: int = 400_000) -> tuple[Floats, Floats, Floats, Floats]:
    """Hurdle-lognormal posterior without a Markov chain.

    Beta draws of the activity and normal-inverse-gamma draws of the logs, which are the posterior under
    priors that are flat in the log-odds, the log mean and the log of σ; times the ratio of the package's
    priors to flat ones.
    """
    rng = np.random.default_rng(0)
    positive, n = cells.count("positive").to_numpy(), cells.moments()["n"].to_numpy()
    logs = cells.moments("log")
    k, mean, ss = (logs[name].to_numpy() for name in ("n", "mean", "ss"))
    active = rng.beta(positive, n - positive, (draws, 2, 2))
    sigma = np.sqrt(ss / rng.chisquare(k - 1, (draws, 2, 2)))
    location = rng.normal(mean, sigma / np.sqrt(k))
    effects_of = np.linalg.inv(coding(cells.design).to_numpy().reshape(4, 4))
    pooled_log = float((k * mean).sum() / k.sum())
    pooled_odds = float(logit((positive.sum() + 0.5) / (n.sum() + 1)))
    log_weight = np.zeros(draws)
    for predictor, values, origin in (
        ("location", location, pooled_log),
        ("activity", logit(active), pooled_odds),
    ):
        effects = (values.reshape(draws, 4) - origin) @ effects_of.T
        widths = prior_sd(Priors(), terms(cells.design), predictor=predictor)
        log_weight += stats.norm.logpdf(effects, 0, widths).sum(axis=1)
    # Cells around a pooled logit of σ, itself normal: together a multivariate normal.
    share = (sigma - bounds._LOW) / (bounds._HIGH - bounds._LOW)
    inside = ((share > 0) & (share < 1)).all(axis=(1, 2))
    share = np.clip(share, 1e-9, 1 - 1e-9)
    covariance = bounds._POOLED_LOGIT_SD**2 * np.ones((4, 4)) + bounds._CELL_LOGIT_SD**2 * np.eye(4)
    prior = stats.multivariate_normal(np.full(4, bounds._POOLED_LOGIT), covariance)
    log_weight += prior.logpdf(logit(share).reshape(draws, 4))
    # d logit(share) / d log σ
    log_weight += np.log(sigma / (bounds._HIGH - bounds._LOW) / share / (1 - share)).sum(axis=(1, 2))
    weight = np.where(inside, np.exp(log_weight - log_weight.max()), 0.0)
    assert weight.sum() ** 2 / (weight**2).sum() > 10_000, "enough effective draws"
    return active, location, sigma, weight / weight.sum()


def few_rows() -> pd.DataFrame:
    """So few that the priors matter."""
    rng = np.random.default_rng(11)
    return of_rows(lambda g, t, n: rng.lognormal(LEVEL[g, t], 1.1, n) * (rng.random(n) < P_ACTIVE[g, t]), 60)


def log_odds_did(active: Floats) -> Floats:
    (o00, o01), (o10, o11) = np.moveaxis(logit(active), 0, -1)
    return (o11 - o10) - (o01 - o00)


def test_a_hurdle_lognormal_is_its_conjugate_posterior() -> None:
    """Tolerances: 4 Monte-Carlo standard errors."""
    cells = compress(few_rows(), ROWS)
    fitted = fit(cells, FAMILIES["hurdle_lognormal"], Priors(), SamplerOptions())
    active, location, sigma, weight = reweighted_conjugate(cells)
    among = np.exp(location + sigma**2 / 2)
    (p00, p01), (p10, p11) = np.moveaxis(active, 0, -1)
    (m00, m01), (m10, m11) = np.moveaxis(among, 0, -1)
    participation = (p11 - p10) * (m11 + m10) / 2 - (p01 - p00) * (m01 + m00) / 2
    expected = {
        "did": (p11 * m11 - p10 * m10) - (p01 * m01 - p00 * m00),
        "did_participation": participation,
        "mean_among_active[1, 1]": m11,
        "P(active)[1, 1]": p11,
        "log odds": log_odds_did(active),
    }
    odds = fitted.tree["posterior"]["activity_effects"].isel(effect=-1)
    for name, values in expected.items():
        found = (odds if name == "log odds" else fitted.effects[name]).to_numpy().ravel()
        mean = float(np.sum(weight * values))
        sd = float(np.sqrt(np.sum(weight * (values - mean) ** 2)))
        # Of 5,000 draws at least 2,000 are effective.
        assert found.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(2_000)), name
        tails = np.quantile(found, [0.025, 0.5, 0.975])
        exact = np.quantile(values, [0.025, 0.5, 0.975], weights=weight, method="inverted_cdf")
        # The standard error of a 2.5 % quantile is 2.7 times that of a normal's mean.
        np.testing.assert_allclose(tails, exact, rtol=0, atol=4 * 2.7 * sd / np.sqrt(2_000), err_msg=name)


def test_the_prior_matters_where_the_conjugate_is_compared() -> None:
    """The negative control: without the weights the comparison above would fail."""
    active, *_, weight = reweighted_conjugate(compress(few_rows(), ROWS))
    odds = log_odds_did(active)
    mean = float(np.sum(weight * odds))
    sd = float(np.sqrt(np.sum(weight * (odds - mean) ** 2)))
    assert odds.std() > 1.2 * sd
    assert abs(odds.mean() - mean) > 4 * sd / np.sqrt(2_000)


def test_the_body_of_a_tail_is_its_bayesian_bootstrap() -> None:
    """Dirichlet weights on the rows below the threshold; tolerance: 4 Monte-Carlo standard errors."""
    frame, _ = tail_rows(np.random.default_rng(5))
    fitted = fit(compress(frame, ROWS), FAMILIES["tail"], Priors(), SamplerOptions())
    posterior = fitted.tree["posterior"]
    threshold = fitted.tree["constant_data"]["threshold"].isel(side=0)
    odds, scale = (posterior[name].isel(side=0) for name in ("tail_odds", "log_tail_scale"))
    beyond = threshold + np.exp(scale) / (1 - posterior["xi"])
    body = posterior["location"] * (1 + odds) - odds * beyond
    rng = np.random.default_rng(0)
    for place in np.ndindex(2, 2):
        rows = frame.loc[(frame["g"] == place[0]) & (frame["t"] == place[1]), "y"].to_numpy()
        inside = rows[rows <= float(threshold[place])]
        weights = rng.exponential(size=(4_000, len(inside)))
        expected = weights @ inside / weights.sum(axis=1)
        found = body.isel(g=place[0], t=place[1]).to_numpy().ravel()
        assert found.mean() == pytest.approx(
            expected.mean(), abs=4 * expected.std() * np.sqrt(1 / 2_000 + 1 / 4_000)
        )
        assert found.std() == pytest.approx(expected.std(), rel=4 / np.sqrt(2 * 1_500))


def test_the_odds_of_activity_are_a_beta_posterior_under_flat_priors() -> None:
    """Whatever the positives are: 3,000 rows, so that the flat prior has no weight."""
    frame, _ = hurdle_gamma_rows(np.random.default_rng(2))
    cells = compress(frame, ROWS)
    fitted = fit(cells, FAMILIES["hurdle_gamma"], Priors.of("flat"), SamplerOptions(draws=500))
    found = expit(fitted.tree["posterior"]["activity"]).to_numpy().reshape(-1, 2, 2)
    positive, n = cells.count("positive").to_numpy(), cells.moments()["n"].to_numpy()
    exact = stats.beta(positive, n - positive)
    np.testing.assert_allclose(
        found.mean(axis=0), exact.mean(), rtol=0, atol=4 * exact.std().max() / np.sqrt(800)
    )
    np.testing.assert_allclose(found.std(axis=0), exact.std(), rtol=4 / np.sqrt(2 * 600))
