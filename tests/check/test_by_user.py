"""Answers by user against statsmodels' clusters, an explicit jackknife and statsmodels' ANCOVA."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from anytable import cells_of_users

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.check.by_user import adjusted, ancova, by_user, fiml, sandwich
from twobytwo.check.crosscheck import robust_check
from twobytwo.data.cells import Cells, compress


def matrix(first: Any, second: Any) -> np.ndarray:
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    return np.column_stack([np.ones_like(one), one, two, one * two])


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


# A value before: comparisons of groups drawn at random


def compared(n: int = 3_000, slopes: tuple[float, ...] = (0.5, 0.8, 1.1)) -> tuple[pd.DataFrame, Cells]:
    """Three arms of unequal size; every arm has a slope of its own."""
    rng = np.random.default_rng(4)
    arm = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    pre = rng.normal(30, 10, n)
    post = 20 + np.array(slopes)[arm] * (pre - 30) + np.array([0.0, 1.0, 3.0])[arm] + rng.normal(0, 5, n)
    wide = pd.DataFrame({"arm": np.array(["a", "b", "c"])[arm], "pre": pre, "y": post})
    design = Design.compare(
        outcome="y", group="arm", control="a", treatment=["b", "c"], unit="user", covariate="pre"
    )
    return wide, cells_of_users(wide, design, "pre", "y")


def test_a_comparison_with_a_covariate_is_statsmodels_ancova() -> None:
    """Lin's regression with interactions, arms by twos; it takes the baseline as known, this one does not."""
    wide, cells = compared()
    for contrast, (low, high) in zip(cells.design.contrasts, ["ab", "ac", "bc"], strict=True):
        some = wide[wide["arm"].isin([low, high])]
        x, treated = some["pre"] - some["pre"].mean(), (some["arm"] == high).astype(float)
        exog = np.column_stack([np.ones(len(some)), treated, x, treated * x])
        fitted = sm.OLS(some["y"].to_numpy(), exog).fit(cov_type="HC2", use_t=False)
        found = robust_check(cells, 0.95, contrast)
        slopes = fitted.params[3] ** 2 * some["pre"].var() / len(some)
        assert found.method == "ancova"
        assert found.estimate == pytest.approx(fitted.params[1], abs=0.05 * fitted.bse[1])
        assert found.se == pytest.approx(np.sqrt(fitted.bse[1] ** 2 + slopes), rel=0.02)


def test_a_small_group_is_adjusted_by_one_slope_for_both() -> None:
    """Within-group regression with one slope; every group has its own residual spread."""
    rng = np.random.default_rng(5)
    treated = np.arange(600) < 60
    pre = rng.gamma(2.0, 10.0, 600)
    post = 5 + np.where(treated, 1.2, 0.7) * pre + rng.normal(0, np.where(treated, 9, 4), 600)
    wide = pd.DataFrame({"arm": np.where(treated, "t", "c"), "pre": pre, "y": post})
    design = Design.compare(
        outcome="y", group="arm", control="c", treatment="t", unit="user", covariate="pre"
    )
    found = robust_check(cells_of_users(wide, design, "pre", "y"))
    exog = np.column_stack([np.ones(600), treated, pre])
    fitted = sm.OLS(post, exog).fit()
    assert (found.method, found.estimate) == ("ancova", pytest.approx(fitted.params[1], rel=1e-9))
    residual = post - fitted.params[2] * pre
    squares = [residual[arm].var(ddof=1) / arm.sum() for arm in (treated, ~treated)]
    assert found.se == pytest.approx(np.sqrt(sum(squares)), rel=1e-9)
    assert found.assumes.endswith("one slope")


def test_with_one_slope_the_covariate_narrows_as_it_correlates() -> None:
    _, cells = compared(slopes=(0.8, 0.8, 0.8))
    found = {check.method: check for check in by_user(cells)}
    assert set(found) == {"ols_cluster", "ols_cluster_cr2", "ols_cluster_cr3", "ancova"}
    assert found["ancova"].se == pytest.approx(5 / np.sqrt(64 + 25) * found["ols_cluster_cr2"].se, rel=0.05)


def test_before_another_quantity_nothing_of_it_is_in_least_squares() -> None:
    wide, cells = compared()
    after = wide.groupby("arm")["y"]
    expected = np.sqrt((after.var() / after.size())[["a", "b"]].sum())
    assert sandwich(cells)["CR2"] == pytest.approx(expected, rel=1e-9)


def test_only_contrasts_between_groups_after_are_adjusted() -> None:
    rows = simulate.user_minutes(simulate.UserMinutes(n=300))
    design = Design.did(
        outcome="minutes", group="variant", period="period", unit="user_id", missing="drop", randomised=True
    )
    cells = compress(rows, design)
    methods = {
        contrast.name: robust_check(cells, 0.95, contrast).method for contrast in cells.design.contrasts
    }
    assert methods == {
        "did": "ancova",
        "change[0]": "welch_change",
        "change[1]": "welch_change",
        "gap[pre]": "ols_cluster_cr2",
        "gap[post]": "ancova",
    }
    assert adjusted(cells) is not None
    free = compress(rows, Design.did(outcome="minutes", group="variant", period="period"))
    assert adjusted(free) is None


def test_absent_users_of_a_comparison_are_completed() -> None:
    """Half of those above a level before are absent after; the level is known, so only users are lost."""
    wide, _ = compared()
    wide = wide.assign(y=wide["y"].where((wide["pre"] < 35) | (wide.index % 2 == 0)))
    design = Design.compare(
        outcome="y",
        group="arm",
        control="a",
        treatment=["b", "c"],
        unit="user",
        covariate="pre",
        missing="available",
    )
    cells = cells_of_users(wide, design, "pre", "y")
    found = robust_check(cells)
    assert found == fiml(cells)
    assert abs(found.estimate - 1.0) < 3 * found.se
    assert found.se < 1.2 * ancova(cells).se
