"""Shares and counts: the likelihood is that of every user, and other software finds the same effects."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
import pytest
import statsmodels.api as sm
import xarray as xr
from scipy import stats
from scipy.special import expit, gammaln, logit
from statsmodels.discrete.truncated_model import TruncatedLFNegativeBinomialP

import twobytwo as tbt
from twobytwo.ask.design import Design
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gate import refused
from twobytwo.check.gates.family import family_gates, foreseen
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.automatic import candidates
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors

Floats = npt.NDArray[np.float64]
SHARES = Design.interaction(outcome="y", factors=("a", "b"), kind="share")
COUNTS = Design.interaction(outcome="y", factors=("a", "b"), kind="count")
TWICE: dict[str, Any] = {
    "before_column": "before",
    "after_column": "after",
    "group": "g",
    "unit": "user",
    "kind": "share",
}


def dealt(y: npt.NDArray[Any]) -> pd.DataFrame:
    turn = np.arange(len(y)) % 4
    return pd.DataFrame({"y": y, "a": turn // 2, "b": turn % 2})


def shares(n: int = 4_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    p = np.array([0.08, 0.10, 0.09, 0.15])[np.arange(n) % 4]
    return dealt((rng.random(n) < p).astype(int))


def counts(alpha: float = 0.7, n: int = 8_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mean = np.array([1.0, 1.2, 0.9, 1.5])[np.arange(n) % 4]
    return dealt(rng.negative_binomial(alpha, alpha / (alpha + mean)))


def inflated(frame: pd.DataFrame, share: float = 0.3, seed: int = 9) -> pd.DataFrame:
    """The same with users who never come."""
    stays = np.random.default_rng(seed).random(len(frame)) > share
    return frame.assign(y=frame["y"].where(stays, 0))


def users_twice(n: int = 6_000, seed: int = 0, absent: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    keen = rng.normal(size=n)
    frame = pd.DataFrame({"user": np.arange(n), "g": np.arange(n) % 2})
    for name, level in (("before", 1.5), ("after", 1.3)):
        frame[name] = (keen + rng.normal(size=n) > level).astype(float)
        frame.loc[rng.random(n) < absent, name] = np.nan
    return frame.dropna(how="all", subset=["before", "after"])


def gaps(cells: Cells, family: str, oracle: Any, points: int = 6) -> Floats:
    """Compressed minus full log-likelihood at random points around the start."""
    model = build_model(cells, FAMILIES[family], Priors())
    named = model.unobserved_RVs
    outputs = model.replace_rvs_by_values([model.logp(vars=model.observed_RVs), *named])
    function = model.compile_fn(
        outputs, inputs=model.value_vars, mode="FAST_COMPILE", point_fn=True, on_unused_input="ignore"
    )
    rng, start, found = np.random.default_rng(1), model.initial_point(), []
    for _ in range(points):
        point = {name: value + 0.1 * rng.standard_normal(np.shape(value)) for name, value in start.items()}
        log_likelihood, *values = function(point)
        by_name = {variable.name: value for variable, value in zip(named, values, strict=True)}
        found.append(float(log_likelihood) - oracle(by_name))
    return np.array(found)


# The likelihood


def test_a_share_is_as_likely_as_its_rows() -> None:
    frame = shares()

    def rows(named: Any) -> float:
        log_odds = named["location"][frame["a"], frame["b"]]
        return float(stats.bernoulli.logpmf(frame["y"], expit(log_odds)).sum())

    assert np.ptp(gaps(compress(frame, SHARES), "binomial", rows)) < 1e-7


@pytest.mark.parametrize("absent", [0.0, 0.2])
def test_a_share_of_the_same_users_twice_is_as_likely_as_the_users(absent: float) -> None:
    """Four patterns whose shares have the odds ratio; one period's share of users seen once."""
    frame = users_twice(absent=absent)
    design = Design.did_wide(**TWICE, missing="available" if absent else None)

    def users(named: Any) -> float:
        total = 0.0
        for g, group in frame.groupby("g"):
            before, after = expit(named["location"][g])
            both = float(named["both_active"][g])
            share = {
                (1, 1): both,
                (1, 0): before - both,
                (0, 1): after - both,
                (0, 0): 1 - before - after + both,
            }
            odds = share[1, 1] * share[0, 0] / share[1, 0] / share[0, 1]
            assert np.log(odds) == pytest.approx(float(named["association"][g]), rel=1e-6)
            complete = group.dropna()
            total += sum(
                np.log(share[key]) for key in zip(complete["before"], complete["after"], strict=True)
            )
            for name, p in (("before", before), ("after", after)):
                other = "after" if name == "before" else "before"
                once = group.loc[group[other].isna(), name]
                total += stats.bernoulli.logpmf(once, p).sum()
        return float(total)

    assert np.ptp(gaps(compress(frame, design), "binomial", users)) < 1e-6


@pytest.mark.parametrize("alpha", [0.7, 1e6])
def test_counts_are_as_likely_as_their_rows(alpha: float) -> None:
    """Exact where whole numbers fall one to a bin, nothing left out."""
    frame = counts(alpha)

    def rows(named: Any) -> float:
        mean, shape = (np.exp(named[name])[frame["a"], frame["b"]] for name in ("location", "log_shape"))
        return float(stats.nbinom.logpmf(frame["y"], shape, shape / (shape + mean)).sum())

    assert frame["y"].max() < 32
    np.testing.assert_allclose(gaps(compress(frame, COUNTS), "negative_binomial", rows), 0, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.7, 1e6])
def test_counts_with_zeros_of_their_own_are_as_likely_as_their_rows(alpha: float) -> None:
    """Bernoulli, and negative binomial over its probability of not being zero."""
    frame = inflated(counts(alpha))
    of_activity = frame.groupby(["a", "b"])["y"].agg(n="size", active=lambda y: (y > 0).sum())
    # A binomial count is as likely as its rows up to how many orders they have.
    n, active = of_activity["n"], of_activity["active"]
    orders = (gammaln(n + 1) - gammaln(active + 1) - gammaln(n - active + 1)).sum()

    def rows(named: Any) -> float:
        mean, shape, odds = (
            np.exp(named[name])[frame["a"], frame["b"]] for name in ("location", "log_shape", "activity")
        )
        among = stats.nbinom(shape, shape / (shape + mean))
        positive = among.logpmf(frame["y"]) - among.logsf(0) + np.log(odds / (1 + odds))
        return float(np.where(frame["y"] == 0, -np.log1p(odds), positive).sum() + orders)

    assert frame["y"].max() < 32
    found = gaps(compress(frame, COUNTS), "hurdle_negative_binomial", rows)
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_large_counts_are_nearly_as_likely_as_their_rows() -> None:
    """Where several whole numbers share a bin: less than the limit for any family, 0.01."""
    rng = np.random.default_rng(3)
    frame = dealt(rng.negative_binomial(2.0, 2.0 / (2.0 + 300), 20_000))

    def rows(named: Any) -> float:
        mean, shape = (np.exp(named[name])[frame["a"], frame["b"]] for name in ("location", "log_shape"))
        return float(stats.nbinom.logpmf(frame["y"], shape, shape / (shape + mean)).sum())

    found = gaps(compress(frame, COUNTS), "negative_binomial", rows)
    assert 0 < np.abs(found).max() < 0.01


def test_the_negative_binomial_of_a_large_shape_is_poisson() -> None:
    value = np.arange(12.0)
    found = FAMILIES["negative_binomial"].log_density({"location": np.log(2.0), "log_shape": 18.0}, value)
    np.testing.assert_allclose(found, stats.poisson.logpmf(value, 2.0), atol=1e-5)


# Other software


@pytest.fixture(scope="module")
def share_fit() -> tuple[pd.DataFrame, Fit]:
    # With fewer, the posterior of log-odds is visibly skewed, and its median is not the most likely value.
    frame = shares(40_000)
    return frame, fit(compress(frame, SHARES), FAMILIES["binomial"], Priors.of("flat"), SamplerOptions())


@pytest.fixture(scope="module")
def count_fit() -> tuple[pd.DataFrame, Fit]:
    # 8,000 Poisson counts: the limit in which statsmodels' own errors are those of the data.
    frame = counts(1e6)
    cells = compress(frame, COUNTS)
    return frame, fit(cells, FAMILIES["negative_binomial"], Priors.of("flat"), SamplerOptions())


def saturated(frame: pd.DataFrame) -> pd.DataFrame:
    a, b = frame["a"] - 0.5, frame["b"] - 0.5
    return pd.DataFrame({"baseline": 1.0, "a": a, "b": b, "interaction": a * b})


def test_a_share_agrees_with_a_logistic_regression(share_fit: tuple[pd.DataFrame, Fit]) -> None:
    """Flat priors: estimates within .05 standard errors, standard errors within 3 %."""
    frame, fitted = share_fit
    glm = sm.GLM(frame["y"], saturated(frame), family=sm.families.Binomial()).fit()
    effects = fitted.tree["posterior"]["effects"]
    origin = float(logit((frame["y"].sum() + 0.5) / (len(frame) + 1)))
    centre = effects.median(("chain", "draw")).to_numpy() + np.array([origin, 0, 0, 0])
    assert (np.abs(centre - glm.params.to_numpy()) / glm.bse.to_numpy()).max() < 0.05
    sd = effects.std(("chain", "draw")).to_numpy()
    np.testing.assert_allclose(sd, glm.bse, rtol=0.03)
    cell = glm.predict([[1, x, y, x * y] for x in (-0.5, 0.5) for y in (-0.5, 0.5)]).reshape(2, 2)
    expected = 100 * (cell[1, 1] - cell[1, 0] - cell[0, 1] + cell[0, 0])
    found = fitted.effects["interaction"]
    assert abs(float(found.median()) - expected) < 0.05 * float(found.std())


def test_counts_agree_with_a_poisson_regression(count_fit: tuple[pd.DataFrame, Fit]) -> None:
    """Flat priors: estimates within .05 standard errors, standard errors within 3 %."""
    frame, fitted = count_fit
    glm = sm.GLM(frame["y"], saturated(frame), family=sm.families.Poisson()).fit()
    effects = fitted.tree["posterior"]["effects"]
    origin = float(np.log(frame.groupby(["a", "b"])["y"].mean()).mean())
    centre = effects.median(("chain", "draw")).to_numpy() + np.array([origin, 0, 0, 0])
    assert (np.abs(centre - glm.params.to_numpy()) / glm.bse.to_numpy()).max() < 0.05
    np.testing.assert_allclose(effects.std(("chain", "draw")), glm.bse, rtol=0.03)


def test_counts_with_zeros_agree_with_a_truncated_regression() -> None:
    """Flat priors, cell by cell: medians within .15 standard errors, standard errors within 5 %.

    Level and shape of truncated counts are hardly told apart, so that shapes are partially pooled shows in
    the level, by up to a tenth of its standard error.
    The mean of everybody is that of the data whatever the shape is, and so is its error where the model is
    true.
    """
    frame = inflated(counts(2.0, n=40_000))
    family = FAMILIES["hurdle_negative_binomial"]
    fitted = fit(compress(frame, COUNTS), family, Priors.of("flat"), SamplerOptions())
    posterior, means = fitted.tree["posterior"], fitted.means
    assert means is not None
    for (a, b), y in frame.groupby(["a", "b"])["y"]:
        positive = y[y > 0].to_numpy()
        model = TruncatedLFNegativeBinomialP(positive, np.ones(len(positive)), truncation=0)
        oracle = model.fit(method="bfgs", start_params=[np.log(positive.mean()), 0.5], disp=0)
        draws = posterior["location"].isel(a=a, b=b)
        assert float(draws.median()) == pytest.approx(oracle.params[0], abs=0.15 * oracle.bse[0])
        assert float(draws.std()) == pytest.approx(oracle.bse[0], rel=0.1)
        mean, error = means.isel(a=a, b=b), y.std() / np.sqrt(len(y))
        assert float(mean.median()) == pytest.approx(y.mean(), abs=0.05 * error)
        assert float(mean.std()) == pytest.approx(error, rel=0.05)


# What is refused, and who answers


def test_too_many_zeros_hand_counts_to_the_family_that_has_them() -> None:
    asked: dict[str, Any] = {"outcome": "y", "factors": ("a", "b"), "kind": "count"}
    often = dealt(np.random.default_rng(6).poisson(5.0, 8_000))
    result = tbt.interaction(inflated(often), **asked, family="auto")
    assert result.headline.family == "hurdle_negative_binomial"
    assert "(negative_binomial did not pass its checks)" in " ".join(result.headline.how)
    assert not [gate.name for gate in result.gates if gate.status == "refuse"]
    fitted = fit(result.cells, FAMILIES["negative_binomial"], Priors(), SamplerOptions(draws=200))
    gates = {gate.name: gate for gate in family_gates(fitted, robust_check(result.cells))}
    assert gates["zero_fidelity"].status == "refuse"
    assert "zeros and the family says" in gates["zero_fidelity"].message


def test_shares_of_zeros_are_foreseen_by_maximum_likelihood() -> None:
    """Against statsmodels, whose α is ours' inverse; far too many zeros refuse the family without a fit."""
    family, frame = FAMILIES["negative_binomial"], counts()
    found = family.rough_zero_shares(compress(frame, COUNTS))
    assert found is not None
    for (a, b), y in frame.groupby(["a", "b"])["y"]:
        const, dispersion = sm.NegativeBinomial(y, np.ones(len(y))).fit(disp=0).params
        shape = 1 / dispersion
        assert found[a, b] == pytest.approx((1 + np.exp(const) / shape) ** -shape, rel=1e-3)
    assert not refused(foreseen(family, compress(frame, COUNTS)))
    often = inflated(dealt(np.random.default_rng(6).poisson(5.0, 8_000)))
    assert [gate.name for gate in refused(foreseen(family, compress(often, COUNTS)))] == ["zero_fidelity"]


def test_counts_as_regular_as_poissons_have_its_zeros() -> None:
    frame = dealt(np.random.default_rng(7).binomial(4, 0.5, 8_000))
    found = FAMILIES["negative_binomial"].rough_zero_shares(compress(frame, COUNTS))
    means = frame.groupby(["a", "b"])["y"].mean().to_numpy().reshape(2, 2)
    assert found == pytest.approx(np.exp(-means), rel=1e-3)


def test_a_few_bots_are_overdispersion_that_no_family_of_counts_has() -> None:
    """One user in 500 is a bot: both families are refused for intervals that are too narrow."""
    rng = np.random.default_rng(0)
    people, bot = rng.poisson(3.0, 8_000), rng.random(8_000) < 0.002
    frame = dealt(np.where(bot, rng.poisson(300, 8_000), people))
    cells = compress(frame, COUNTS)
    robust = robust_check(cells)
    for name in ("negative_binomial", "hurdle_negative_binomial"):
        fitted = fit(cells, FAMILIES[name], Priors(), SamplerOptions(draws=200))
        gates = {gate.name: gate for gate in family_gates(fitted, robust)}
        assert gates["spread_fidelity"].status == "refuse"
        assert gates["spread_fidelity"].message.startswith("Counts spread")
        # Its interval is too narrow by what the gate says.
        sd = float(fitted.effects["interaction"].std())
        assert robust.se / sd == pytest.approx(gates["spread_fidelity"].value, rel=0.3)


def test_counts_of_the_same_users_twice_are_answered_with_a_reason() -> None:
    frame, asked = users_twice(n=400), TWICE | {"kind": "count"}
    first = candidates(compress(frame, Design.did_wide(**asked)))[0]
    assert (first.family.name, first.told) == ("normal", True)
    result = tbt.did(frame, **asked, family="auto")
    assert "no model of counts here describes the same users twice" in " ".join(result.headline.how)


@pytest.mark.parametrize(
    ("kind", "bad", "match"),
    [
        ("share", 2, "'y' is no share in 1 of 400 rows: a share is 0 or 1"),
        ("share", 0.5, "'y' is no share in 1 of 400 rows"),
        ("count", -1, "'y' is no count in 1 of 400 rows: a count is a whole number from 0 on"),
        ("count", 1.5, "'y' is no count in 1 of 400 rows"),
    ],
)
def test_values_that_the_kind_cannot_have_are_refused(kind: Any, bad: float, match: str) -> None:
    frame = shares(400).astype({"y": float})
    frame.loc[7, "y"] = bad
    with pytest.raises(DataError, match=match):
        compress(frame, Design.interaction(outcome="y", factors=("a", "b"), kind=kind))


def test_days_of_0_or_1_that_add_up_to_more_are_no_share_whoever_asks() -> None:
    days = pd.DataFrame({"u": np.repeat(range(400), 4), "day": np.tile(range(4), 400)})
    days["g"], days["t"] = days["u"] % 2, days["day"] // 2
    days["y"] = ((days["u"] < 12) | (days["day"] % 2 == days["u"] % 3)).astype(int)
    said = r"^Column 'y' is no share in 12 users: a share is 0 or 1\."
    asked = {"group": "g", "unit": "u", "agg": "sum"}
    of_metric: Any = {"outcome": "y", "kind": "share", "harm": "decrease", "margin": 1}
    after = days[days["t"] == 1]
    with pytest.raises(DataError, match=said):
        tbt.scorecard(after, **asked, metrics=[{"column": "y", "kind": "share"}])
    with pytest.raises(DataError, match=said + r" Their rows are added up .*one row of 0 or 1 per user,"):
        tbt.compare(after, **of_metric, **asked)
    for missing in ("zero", "drop", "available"):
        with pytest.raises(DataError, match=said + ".*per user and period"):
            tbt.did(days, **of_metric, **asked, period="t", missing=missing, before=0, after=1)
    first = days[days["day"] == 0]
    design = Design.compare(outcome="y", kind="share", control=0, **asked)
    assert compress(first, design).rows == 400


def test_a_boolean_share_needs_no_warning_and_is_in_per_cent() -> None:
    frame = shares(4_000)
    cells = compress(frame.astype({"y": bool}), SHARES)
    expected = 100 * frame.groupby(["a", "b"])["y"].mean()
    np.testing.assert_allclose(cells.moments()["mean"].to_numpy().ravel(), expected)


@pytest.mark.parametrize(
    ("family", "kind", "says"),
    [
        ("binomial", "amount", "describes shares, and 'y' is of kind='amount'"),
        ("negative_binomial", "share", "describes counts"),
        ("lognormal", "share", "describes amounts and counts"),
    ],
)
def test_a_family_of_another_kind_is_refused(family: str, kind: Any, says: str) -> None:
    cells = compress(shares(400), Design.interaction(outcome="y", factors=("a", "b"), kind=kind))
    with pytest.raises(DesignError, match=rf"family='{family}' {says}"):
        FAMILIES[family].check(cells)


def test_the_kind_decides_who_answers() -> None:
    def names(frame: pd.DataFrame, design: Design) -> list[str]:
        return [candidate.family.name for candidate in candidates(compress(frame, design))]

    assert names(shares(), SHARES) == ["binomial", "normal"]
    assert names(counts(), COUNTS)[:3] == ["negative_binomial", "hurdle_negative_binomial", "normal"]
    assert names(counts(1e6).assign(y=lambda frame: frame["y"] + 1), COUNTS)[:2] == [
        "negative_binomial",
        "normal",
    ]
    twice = Design.did_wide(**TWICE, randomised=True)
    assert names(users_twice(), twice) == ["binomial", "normal"]


def test_a_share_before_makes_the_comparison_after_more_precise() -> None:
    """Groups drawn at random: the gap before is zero, and the share after is adjusted for it."""
    frame = users_twice(n=3_000, seed=4)
    cells = compress(frame, Design.did_wide(**TWICE, randomised=True))
    fitted = fit(cells, FAMILIES["binomial"], Priors.of("flat"), SamplerOptions())
    draws = fitted.effects["did"]
    assert abs(float(fitted.effects["gap[before]"].median())) < 0.05
    free = frame.groupby("g")["after"].mean().diff().iloc[-1] * 100
    gap = frame.groupby("g")["before"].mean().diff().iloc[-1] * 100
    slope = np.cov(frame["before"], frame["after"])[0, 1] / frame["before"].var()
    assert float(draws.median()) == pytest.approx(free - slope * gap, abs=0.1 * float(draws.std()))


# Values


def test_a_shares_value_is_in_per_cent() -> None:
    posterior = xr.Dataset({"location": (("chain", "draw", "a"), logit(np.array([[[0.25, 0.5]]])))})
    np.testing.assert_allclose(FAMILIES["binomial"].values(posterior)["mean"], [[[25.0, 50.0]]])


@pytest.mark.parametrize(("family", "parameters", "mean"), [
    ("binomial", {"location": logit(0.2)}, 20.0),
    ("negative_binomial", {"location": np.log(3.0), "log_shape": 0.0}, 3.0),
    # Half of 3 over the probability 3/4 of not being zero.
    ("hurdle_negative_binomial", {"activity": 0.0, "location": np.log(3.0), "log_shape": 0.0}, 2.0),
    ("hurdle_negative_binomial", {"activity": 1.0, "location": -1.0, "log_shape": 2.0}, None),
])  # fmt: skip
def test_density_and_simulation_are_of_one_distribution(
    family: str, parameters: dict[str, float], mean: float | None
) -> None:
    """Frequencies of 200,000 draws within 4 standard errors of the probabilities."""
    draws = FAMILIES[family].simulate(parameters, 200_000, np.random.default_rng(1))
    if mean is None:
        mean = float(FAMILIES[family].values(xr.Dataset(parameters))["mean"])
    assert draws.mean() == pytest.approx(mean, abs=4 * draws.std() / np.sqrt(200_000))
    values, found = np.unique(draws, return_counts=True)
    p = np.exp(FAMILIES[family].log_density(parameters, values))
    common = p > 1e-4
    assert (np.abs(found / 200_000 - p) < 4 * np.sqrt(p / 200_000))[common].all()


@pytest.mark.parametrize("family", ["binomial", "negative_binomial", "hurdle_negative_binomial"])
def test_prior_predictive_draws_are_draws_of_what_is_observed(family: str) -> None:
    cells = compress(
        shares() if family == "binomial" else counts(), SHARES if family == "binomial" else COUNTS
    )
    model = build_model(cells, FAMILIES[family], Priors())
    drawn = pm.sample_prior_predictive(
        draws=20, model=model, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
    )["prior_predictive"]
    for values in drawn.data_vars.values():
        assert float(values.min()) >= 0
        assert (values == np.round(values)).all()
        assert float(values.std("draw").max()) > 0
