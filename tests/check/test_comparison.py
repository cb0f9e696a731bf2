"""Families side by side: leave-one-out densities against ArviZ on rows, replicates against the data."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats import loo as arviz_loo
from scipy import stats
from scipy.special import expit

import twobytwo as tbt
from twobytwo.ask.design import Design
from twobytwo.check.comparison import Comparison, _statistics, compare_fits, loo, predictive_checks
from twobytwo.data.cells import compress
from twobytwo.errors import DesignError
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.priors import Priors

TWO = Design.interaction(outcome="y", factors=("a", "b"))
# As many draws as leave-one-out densities are computed from: none is left out.
OPTIONS = SamplerOptions(draws=250, tune=200)


def rows(n: int, seed: int = 0) -> pd.DataFrame:
    """A third zeros, lognormal positives."""
    rng, turn = np.random.default_rng(seed), np.arange(n) % 4
    y = rng.lognormal(2 + 0.2 * (turn == 3), 0.9, n) * (rng.random(n) < 0.66)
    return pd.DataFrame({"y": y, "a": turn // 2, "b": turn % 2})


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    return rows(400)


@pytest.fixture(scope="module")
def fits() -> dict[str, Fit]:
    cells = compress(rows(4_000, seed=1), TWO)
    return {
        name: fit(cells, FAMILIES[name], Priors(), OPTIONS)
        for name in ("normal", "hurdle_lognormal", "hurdle_gamma")
    }


@pytest.fixture(scope="module")
def comparison(fits: dict[str, Fit]) -> Comparison:
    return compare_fits(fits)


def density_of_rows(fitted: Fit, frame: pd.DataFrame) -> np.ndarray:
    """Log-density of every row under every draw, by SciPy; shape (1, draws, rows)."""
    posterior = fitted.tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    a, b = frame["a"].to_numpy(), frame["b"].to_numpy()

    def of_row(name: str) -> np.ndarray:
        return posterior[name].transpose("sample", "a", "b").to_numpy()[:, a, b]

    y, location = frame["y"].to_numpy(), of_row("location")
    if fitted.family.name == "normal":
        return stats.norm.logpdf(y, location, np.exp(of_row("log_sd")))[None]
    positive = np.where(y > 0, y, 1.0)
    if fitted.family.name == "hurdle_lognormal":
        density = stats.lognorm.logpdf(positive, of_row("sigma"), scale=np.exp(location))
    else:
        shape = np.exp(of_row("log_shape"))
        density = stats.gamma.logpdf(positive, shape, scale=np.exp(location) / shape)
    active = expit(of_row("activity"))
    return np.where(y > 0, np.log(active) + density, np.log1p(-active))[None]


@pytest.mark.parametrize("family", ["normal", "hurdle_lognormal", "hurdle_gamma"])
def test_leave_one_out_of_weighted_points_is_that_of_the_rows(family: str, small: pd.DataFrame) -> None:
    """ArviZ on 400 rows; rows of one bin share a density, which costs a hundredth at most."""
    fitted = fit(compress(small, TWO), FAMILIES[family], Priors(), OPTIONS)
    log_likelihood = xr.DataArray(density_of_rows(fitted, small), dims=("chain", "draw", "row"))
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"x": log_likelihood.isel(row=0)}),
            "log_likelihood": xr.Dataset({"y": log_likelihood}),
        }
    )
    with warnings.catch_warnings(action="ignore"):
        # That a shape is large is compared below.
        expected = arviz_loo(tree, var_name="y", pointwise=True, reff=1.0)
    found = loo(fitted)
    assert found.elpd == pytest.approx(expected.elpd, abs=0.05)
    assert found.se == pytest.approx(expected.se, rel=0.005)
    assert found.p == pytest.approx(expected.p, abs=0.05)
    assert found.n_data_points == expected.n_data_points == 400
    assert found.good_k == pytest.approx(expected.good_k)
    assert found.warning == expected.warning
    weight = fitted.cells.points()["weight"]
    assert float((found.elpd_i * weight).sum()) == pytest.approx(found.elpd)
    assert float(found.pareto_k.where(weight > 0).max()) == pytest.approx(
        float(expected.pareto_k.max()), abs=0.05
    )


def test_the_family_that_made_the_data_comes_first_among_those_of_its_support(comparison: Comparison) -> None:
    table = comparison.table
    assert table.columns.tolist() == [
        "rank",
        "elpd",
        "p",
        "elpd_diff",
        "se",
        "dse",
        "warning",
        "support",
    ]
    assert table.index.name == "family"
    hurdles = table[table["support"] == "zeros and positive"]
    assert hurdles.index.tolist() == ["hurdle_lognormal", "hurdle_gamma"]
    assert hurdles["rank"].tolist() == [0, 1]
    best, other = hurdles.loc["hurdle_lognormal"], hurdles.loc["hurdle_gamma"]
    assert (best["elpd_diff"], best["dse"]) == (0, 0)
    assert other["elpd_diff"] == pytest.approx(best["elpd"] - other["elpd"])
    assert other["elpd_diff"] > 4 * other["dse"] > 0
    # A density is not compared with probabilities of zero: the normal is alone.
    assert table.loc["normal", "support"] == "density"
    assert table.loc["normal", "rank"] == 0


def test_the_standard_error_of_a_difference_is_that_of_its_rows(
    fits: dict[str, Fit], comparison: Comparison
) -> None:
    """√n times the standard deviation of the rows' differences; a point counts as its rows."""
    weight = fits["normal"].cells.points()["weight"].to_numpy().ravel()
    one, other = (
        comparison.elpd[name].elpd_i.to_numpy().ravel() for name in ("hurdle_lognormal", "hurdle_gamma")
    )
    gap = one - other
    variance = np.average((gap - np.average(gap, weights=weight)) ** 2, weights=weight)
    assert weight.sum() == pytest.approx(4_000)
    assert comparison.table.loc["hurdle_gamma", "dse"] == pytest.approx(np.sqrt(4_000 * variance))


def test_a_family_of_the_wrong_shape_is_outside_its_replicates(comparison: Comparison) -> None:
    checks = comparison.predictive
    assert checks.index.names == ["family", "cell", "statistic"]
    assert checks.columns.tolist() == ["observed", "lower", "upper", "inside"]
    own = checks.loc["hurdle_lognormal"]
    assert len(own) == 4 * 5
    # 99 % of the replicates each: of twenty statistics one may be outside.
    assert own["inside"].sum() >= 19
    normal = checks.loc["normal"]["inside"].unstack("statistic")
    assert not normal[["zeros", "p99", "top 1 % share"]].to_numpy().any()
    # A normal has the data's mean and spread whatever their shape.
    assert normal[["mean", "sd"]].to_numpy().all()
    assert not checks.loc["hurdle_gamma"]["inside"].all()
    assert "Outside 99 % of the replicates" in str(comparison)


def test_observed_statistics_are_those_of_the_rows(fits: dict[str, Fit]) -> None:
    frame = rows(4_000, seed=1)
    observed = predictive_checks(fits["normal"])["observed"].unstack("statistic")
    for (a, b), y in frame.groupby(["a", "b"])["y"]:
        found = observed.loc[f"{a}, {b}"]
        assert found["zeros"] == pytest.approx((y == 0).mean())
        assert found["mean"] == pytest.approx(y.mean())
        assert found["sd"] == pytest.approx(y.std(ddof=0))
        # The ten largest of 1,000 rows are some bins apart.
        assert y.nlargest(13).min() * 0.97 <= found["p99"] <= y.nlargest(8).min() * 1.03
        assert found["top 1 % share"] == pytest.approx(y.nlargest(10).sum() / y.sum(), rel=0.03)


def test_statistics_of_values_by_brute_force() -> None:
    y = np.random.default_rng(0).lognormal(0, 1, 1_000)
    y[:100] = 0
    zeros, mean, sd, p99, top = _statistics(y, np.ones(1_000))
    assert (zeros, mean, sd) == pytest.approx((0.1, y.mean(), y.std()))
    assert np.sort(y)[989] <= p99 <= np.sort(y)[990]
    assert top == pytest.approx(np.sort(y)[-10:].sum() / y.sum())
    # Whole weights are rows that are alike.
    twice = _statistics(y, np.full(1_000, 2.0))
    assert twice == pytest.approx(_statistics(np.repeat(y, 2), np.ones(2_000)))


def test_what_cannot_be_left_out_row_by_row_is_said() -> None:
    rng = np.random.default_rng(0)
    level = rng.lognormal(2, 1, 600)
    users = pd.DataFrame(
        {"u": range(600), "g": np.arange(600) % 2, "pre": level, "post": level * 1.1 + rng.random(600)}
    )
    design = Design.did_wide(before_column="pre", after_column="post", group="g", unit="u")
    fitted = fit(compress(users, design), FAMILIES["normal"], Priors(), OPTIONS)
    with pytest.raises(DesignError, match="the normal family describes pairs of values"):
        loo(fitted)
    comparison = compare_fits({"normal": fitted})
    assert comparison.table.empty
    assert comparison.elpd == {}
    assert comparison.notes == (
        "Not compared by its density: the normal family describes pairs of values, which are not left out "
        "one by one.",
    )
    assert comparison.notes[0] in str(comparison)
    assert set(comparison.predictive.loc["normal"].index.get_level_values("cell")) == {
        "0, before",
        "0, after",
        "1, before",
        "1, after",
    }


def test_an_analysis_compares_the_families_that_suit() -> None:
    result = tbt.interaction(rows(2_000, seed=1), outcome="y", factors=("a", "b"), draws=250, tune=200)
    comparison = result.compare_families(["hurdle_lognormal", "tail"])
    assert set(comparison.predictive.index.get_level_values("family")) == {
        "normal",
        "hurdle_lognormal",
        "tail",
    }
    # A histogram has no density to compare.
    assert set(comparison.table.index) == {"normal", "hurdle_lognormal"}
    assert 'family="tail" has no density below its threshold' in comparison.notes[0]
    with pytest.raises(tbt.DataError, match=r"'y' has [\d,]+ zeros .*positive outcomes"):
        result.compare_families(["lognormal"])
