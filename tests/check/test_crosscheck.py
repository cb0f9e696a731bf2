"""Least squares and the bootstrap from compressed rows, against statsmodels and resampling on all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.check.crosscheck import (
    Check,
    bootstrap,
    by_user,
    companions,
    compare,
    least_squares,
    robust_check,
    sandwich,
)
from twobytwo.data.cells import Cells, compress

MINUTES = Design.did(outcome="minutes", group="variant", period="period")
TWO = Design.interaction(outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"))


def matrix(first: Any, second: Any) -> np.ndarray:
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    return np.column_stack([np.ones_like(one), one, two, one * two])


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulate.active_minutes()


@pytest.fixture(scope="module")
def cells(rows: pd.DataFrame) -> Cells:
    return compress(rows, MINUTES)


# Oracle: CASES.md A, published


def test_classical_least_squares_to_the_printed_digits(cells: Cells) -> None:
    ols, _ = least_squares(cells)
    assert ols.method == "ols"
    assert f"{ols.estimate:+.4f} ({ols.se:.3f}) [{ols.lower:.3f}, {ols.upper:.3f}]" == (
        "+223.1779 (27.134) [169.995, 276.360]"
    )


def test_the_bootstrap_interval_is_near_175_to_271(cells: Cells) -> None:
    found = bootstrap(cells)
    assert found.lower == pytest.approx(175, abs=2)
    assert found.upper == pytest.approx(271, abs=2)
    assert found.estimate == pytest.approx(223.1779, abs=5e-5)


# Oracle: statsmodels on the 96,330 rows


def test_all_rows_in_statsmodels_give_the_same(rows: pd.DataFrame, cells: Cells) -> None:
    exog = matrix(rows["variant"], rows["period"] == "post")
    classical, robust = (
        sm.OLS(rows["minutes"].to_numpy(), exog).fit(cov_type=kind, use_t=False)
        for kind in ("nonrobust", "HC2")
    )
    for found, fitted in zip(least_squares(cells), (classical, robust), strict=True):
        assert found.estimate == pytest.approx(fitted.params[3], rel=1e-9)
        assert found.se == pytest.approx(fitted.bse[3], rel=1e-9)
        assert (found.lower, found.upper) == pytest.approx(tuple(fitted.conf_int()[3]), rel=1e-9)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("n", [12, 40])
def test_small_and_unbalanced_tables_in_any_unit(n: int, unit: float) -> None:
    rng = np.random.default_rng(n)
    a, b = np.arange(n) // 2 % 2, np.arange(n) % 2
    a[-2:], b[-2:] = 0, 0
    y = unit * rng.lognormal(1, 2, n)
    found = least_squares(compress(pd.DataFrame({"y": y, "a": a, "b": b}), _design("y", "a", "b")))
    for check, kind in zip(found, ("nonrobust", "HC2"), strict=True):
        fitted = sm.OLS(y / unit, matrix(a, b)).fit(cov_type=kind, use_t=False)
        assert check.estimate == pytest.approx(unit * fitted.params[3], rel=1e-9)
        assert check.se == pytest.approx(unit * fitted.bse[3], rel=1e-9)


def _design(outcome: str, a: str, b: str) -> Design:
    return Design.interaction(outcome=outcome, factors=(a, b))


@pytest.mark.parametrize("ci_prob", [0.5, 0.8, 0.99])
def test_intervals_have_the_probability_asked_for(cells: Cells, ci_prob: float) -> None:
    from scipy import stats

    half = stats.norm.ppf((1 + ci_prob) / 2)
    for check in least_squares(cells, ci_prob):
        assert (check.upper - check.lower) / 2 == pytest.approx(half * check.se)
        assert (check.upper + check.lower) / 2 == pytest.approx(check.estimate)


# The bootstrap


def test_the_bootstrap_is_that_of_the_rows(rows: pd.DataFrame, cells: Cells) -> None:
    """Whole rows resampled 300 times; the Monte-Carlo error of its sd is 4 %, of its ends 0.15 sd."""
    rng = np.random.default_rng(1)
    contrasts = np.zeros(300)
    for (variant, period), values in rows.groupby(["variant", "period"])["minutes"]:
        y, sign = values.to_numpy(), 1 if (variant == 1) == (period == "post") else -1
        # The mean of n Poisson-weighted rows; n is fixed by dividing by the sum of the weights.
        for start in range(0, 300, 100):
            weights = rng.poisson(1.0, (100, y.size)).astype(np.float32)
            contrasts[start : start + 100] += sign * (weights @ y.astype(np.float32)) / weights.sum(axis=1)
    found = bootstrap(cells)
    assert found.se == pytest.approx(contrasts.std(), rel=0.16)
    for quantile, value in ((0.025, found.lower), (0.975, found.upper)):
        assert value == pytest.approx(np.quantile(contrasts, quantile), abs=0.5 * found.se)


def test_the_bootstrap_of_skewed_rows_is_skewed_like_that_of_the_rows() -> None:
    """Few rows and one heavy tail: the interval is far from symmetric, and third moments are kept."""
    rng = np.random.default_rng(0)
    ys = [rng.normal(10, 1, 200), rng.normal(10, 1, 200), rng.normal(10, 1, 200), rng.lognormal(1, 2, 200)]
    frame = pd.concat([pd.DataFrame({"y": y, "a": k // 2, "b": k % 2}) for k, y in enumerate(ys)])
    found = bootstrap(compress(frame, _design("y", "a", "b")), seed=3)
    resampled = np.stack([rng.choice(y, (10_000, 200)).mean(axis=1) for y in ys], axis=-1) @ [1, -1, -1, 1]
    assert found.se == pytest.approx(resampled.std(), rel=0.05)
    assert found.upper - found.estimate > 1.1 * (found.estimate - found.lower)
    for quantile, value in ((0.025, found.lower), (0.975, found.upper)):
        assert value == pytest.approx(np.quantile(resampled, quantile), abs=0.12 * found.se)


def test_the_bootstrap_depends_on_its_seed_and_on_nothing_else(cells: Cells) -> None:
    assert bootstrap(cells, seed=1) == bootstrap(cells, seed=1)
    assert bootstrap(cells, seed=1).lower != bootstrap(cells, seed=2).lower


# By user, against statsmodels' clusters


@pytest.fixture(scope="module")
def users() -> pd.DataFrame:
    return simulate.user_minutes(simulate.UserMinutes(n=3_000, seed=6))


def paired(rows: pd.DataFrame, missing: Any) -> Cells:
    design = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing=missing)
    return compress(rows, design)


def test_cluster_robust_errors_are_statsmodels(users: pd.DataFrame) -> None:
    """Users seen once included; CR1 is what statsmodels calls cluster."""
    cells = paired(users, "available")
    fitted = sm.OLS(
        users["minutes"].to_numpy(float), matrix(users["variant"], users["period"] == "post")
    ).fit(cov_type="cluster", cov_kwds={"groups": users["user_id"].to_numpy()}, use_t=False)
    found = next(check for check in by_user(cells) if check.method == "ols_cluster")
    assert found.estimate == pytest.approx(fitted.params[3], rel=1e-9)
    assert found.se == pytest.approx(fitted.bse[3], rel=1e-8)
    assert (found.lower, found.upper) == pytest.approx(tuple(fitted.conf_int()[3]), rel=1e-8)


def test_cr2_of_complete_pairs_is_welch_on_changes(users: pd.DataFrame) -> None:
    wide = users.pivot(index=["variant", "user_id"], columns="period", values="minutes").dropna()
    change = (wide["post"] - wide["pre"]).groupby("variant")
    se = float(np.sqrt((change.var() / change.size()).sum()))
    cells = paired(users, "drop")
    assert sandwich(cells)["CR2"] == pytest.approx(se, rel=1e-9)
    welch = robust_check(cells)
    assert welch.method == "welch_change"
    assert welch.se == pytest.approx(se, rel=1e-9)
    assert welch.estimate == pytest.approx(float(change.mean()[1] - change.mean()[0]), rel=1e-9)


def test_cr3_is_the_jackknife_over_users(users: pd.DataFrame) -> None:
    """Leave out one user at a time; 400 users, some seen once."""
    some = users[users["user_id"] < 400]
    cell = some["variant"].to_numpy() * 2 + (some["period"] == "post").to_numpy()
    n, total = (np.bincount(cell, w, 4) for w in (None, some["minutes"].to_numpy(float)))
    left = []
    for index in some.groupby("user_id").indices.values():
        own_n = np.bincount(cell[index], minlength=4)
        own = np.bincount(cell[index], some["minutes"].to_numpy(float)[index], 4)
        left.append(((total - own) / (n - own_n)) @ [1, -1, -1, 1])
    estimate = (total / n) @ [1, -1, -1, 1]
    jackknife = float(np.sqrt(((np.array(left) - estimate) ** 2).sum()))
    assert sandwich(paired(some, "available"))["CR3"] == pytest.approx(jackknife, rel=1e-9)


def test_few_users_seen_twice_among_many_seen_once_have_a_bootstrap() -> None:
    """A resample of 203 users, of whom 3 have a value after, often has none: it has no contrast."""
    rng = np.random.default_rng(0)
    wide = pd.DataFrame({"user": range(406), "arm": [0, 1] * 203, "pre": rng.normal(10, 1, 406)})
    wide["post"] = wide["pre"].where(wide["user"] < 6) + rng.normal(0, 1, 406)
    design = Design.did_wide(
        before_column="pre", after_column="post", group="arm", unit="user", missing="available"
    )
    found = bootstrap(compress(wide, design))
    assert found.lower < found.estimate < found.upper
    assert 0 < found.se < 5


def test_the_user_bootstrap_resamples_users(users: pd.DataFrame) -> None:
    cells = paired(users, "available")
    wide = users.pivot(index="user_id", columns="period", values="minutes")
    group = users.groupby("user_id")["variant"].first().reindex(wide.index).to_numpy()
    values, rng = wide[["pre", "post"]].to_numpy(), np.random.default_rng(0)
    contrasts = np.zeros(3_000)
    for g in (0, 1):
        own = values[group == g]
        drawn = rng.integers(0, len(own), (3_000, len(own)))
        for k in range(3_000):
            before, after = np.nanmean(own[drawn[k]], axis=0)
            contrasts[k] += (1 if g else -1) * (after - before)
    found = bootstrap(cells)
    assert found.assumes == "users independent"
    assert found.se == pytest.approx(contrasts.std(), rel=0.06)
    for quantile, value in ((0.025, found.lower), (0.975, found.upper)):
        assert value == pytest.approx(np.quantile(contrasts, quantile), abs=0.15 * found.se)


def test_companions_are_named_for_the_table(cells: Cells, users: pd.DataFrame) -> None:
    assert [check.method for check in companions(cells)] == ["ols", "ols_hc2", "bootstrap"]
    names = [check.method for check in companions(paired(users, "drop"))]
    assert names[:3] == ["ols", "ols_hc2", "ols_cluster"]
    assert names[-1] == "bootstrap"
    assert robust_check(cells).method == "ols_hc2"


# The verdict


def check(method: str, estimate: float, se: float = 1.0) -> Check:
    return Check(
        method=method, estimate=estimate, se=se, lower=estimate - 2 * se, upper=estimate + 2 * se, assumes=""
    )


@pytest.mark.parametrize(
    ("estimate", "se", "agrees", "reasoned"),
    [
        (0.0, 1.0, True, False),
        (0.5, 1.0, True, False),
        (0.51, 1.0, False, True),
        (-0.51, 1.0, False, True),
        (0.0, 1.2, True, True),  # agrees, but the interval is a fifth wider
        (0.0, 0.8, True, True),
    ],
)
def test_the_verdict_is_in_standard_errors_with_a_reason(
    estimate: float, se: float, agrees: bool, reasoned: bool
) -> None:
    robust = check("ols_hc2", 0.0)
    found = compare(check("posterior", estimate, se), [robust], robust=robust, reasons=["Because of it."])
    assert found.agrees is agrees
    assert found.distance == pytest.approx(estimate)
    assert ("Because of it." in found.verdict) is reasoned
    assert ("disagree" in found.verdict) is not agrees
    assert f"{abs(estimate):.2f} standard errors" in found.verdict


def test_the_table_has_the_posterior_first() -> None:
    robust = check("ols_hc2", 0.0)
    found = compare(check("posterior", 0.1), [check("ols", 0.0), robust], robust=robust, reasons=[])
    assert found.table.index.tolist() == ["posterior", "ols", "ols_hc2"]
    assert found.table.loc["posterior", "estimate"] == 0.1
    assert "posterior" in str(found)
    assert found.verdict in str(found)


def test_two_experiments_agree_with_statsmodels_too() -> None:
    rows = simulate.cannibalisation(seed=3)
    fitted = sm.OLS(rows["out"], matrix(rows["exp1_is_treatment"], rows["exp2_is_treatment"])).fit()
    ols, _ = least_squares(compress(rows, TWO))
    assert ols.estimate == pytest.approx(fitted.params.iloc[3], rel=1e-9)
    assert ols.se == pytest.approx(fitted.bse.iloc[3], rel=1e-9)
