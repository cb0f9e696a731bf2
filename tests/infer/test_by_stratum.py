"""What strata say before any model agrees with the same formulas on rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lines import LINE, about_a_line

import twobytwo as tbt
from twobytwo.infer.by_stratum import adjusted, error_beside_covariance, spread_of_groups
from twobytwo.simulate import KindsOfUsers, kinds_of_users


@pytest.mark.parametrize("fanning", [False, True])
def test_the_error_beside_covariance_is_that_of_rows(fanning: bool) -> None:
    frame = about_a_line(fanning=fanning)
    strata = tbt.compress(frame, LINE).strata()
    found = adjusted(strata)
    weight = (found["n"] * found["mean"] / found["n"].sum()).to_numpy()
    own = weight**2 @ (found["cv"] ** 2 * found["hat"]).to_numpy()
    centred = frame - frame.groupby("g")[["pre", "post"]].transform("mean")
    slope = (centred["pre"] @ centred["post"]) / (centred["pre"] @ centred["pre"])
    left = (frame["post"] - slope * frame["pre"]).groupby(frame["g"])
    ratio = error_beside_covariance(strata)
    assert ratio == pytest.approx(np.sqrt(own / (left.var() / left.size()).sum()), rel=1e-9)
    assert (ratio < 1) == fanning


def test_strata_agree_with_the_same_formula_on_rows() -> None:
    """The relative effect of a stratum by hand: a regression with one slope, over the stratum's mean."""
    users = kinds_of_users(KindsOfUsers(n=2_000, seed=2))
    same = {"unit": "user_id", "missing": "zero", "randomised": True}
    design = tbt.Design.did(outcome="minutes", group="variant", period="period", **same)
    strata = tbt.compress(users, design).strata()
    found = adjusted(strata)
    wide = users.pivot_table(index=["user_id", "variant"], columns="period", values="minutes", fill_value=0)
    wide = wide.reset_index().sort_values("pre")
    k = strata.sizes["stratum"] - 1
    heaviest = wide.tail(int(strata["n"].isel(stratum=k).sum()))
    columns = np.column_stack([np.ones(len(heaviest)), heaviest["variant"], heaviest["pre"]])
    slopes = np.linalg.lstsq(columns, heaviest["post"].to_numpy(float), rcond=None)[0]
    assert float(found["relative"][k]) == pytest.approx(slopes[1] / heaviest["post"].mean(), rel=1e-6)


@pytest.mark.parametrize("spread", [0.5, 1.0, 4.0])
def test_the_error_is_no_smaller_than_by_the_groups_own_spreads(spread: float) -> None:
    rng = np.random.default_rng(2)
    treated = rng.permutation(2_000) < 200
    pre = rng.lognormal(3.0, 0.8, 2_000)
    post = np.maximum(pre * (1 + rng.normal(0, np.where(treated, 0.1 * spread, 0.1))), 0.0)
    frame = pd.DataFrame({"id": np.arange(2_000), "g": treated.astype(int), "pre": pre, "post": post})
    strata = tbt.compress(frame, LINE).strata()
    of_rows = frame.sort_values("pre")
    users = strata["n"].sum("group").to_numpy().astype(int)
    stratum = np.repeat(np.arange(len(users)), users)
    own, common = np.array([errors(rows) for _, rows in of_rows.groupby(stratum)]).T
    found = adjusted(strata)
    factor = (found["mean"] * found["cv"]).to_numpy() ** 2 * found["hat"].to_numpy() / common
    # One factor for all strata, whichever differ.
    np.testing.assert_allclose(factor, factor[0])
    whole = (users**2 * own).sum() / (users**2 * common).sum()
    assert factor[0] == pytest.approx(max(1.0, whole), rel=1e-9)
    assert {0.5: whole < 1, 1.0: whole < 1.1, 4.0: whole > 2.5}[spread]


def errors(rows: pd.DataFrame) -> tuple[float, float]:
    """Squared errors of the difference in one stratum, by each group's own spread and by a common one."""
    columns = np.column_stack([np.ones(len(rows)), rows["g"], rows["pre"]])
    left = rows["post"] - columns @ np.linalg.lstsq(columns, rows["post"].to_numpy(), rcond=None)[0]
    n, squares = left.groupby(rows["g"]).size(), (left**2).groupby(rows["g"]).sum()
    variance = squares.sum() / (len(rows) - 3)
    # Drawn to the common variance as by 4 of a fifth of the users.
    own = ((4 * variance + squares / 5) / (4 + (n - 1) / 5) / n).sum()
    x = rows.groupby("g")["pre"]
    gap = np.diff(x.mean()).item() ** 2 / ((rows["pre"] - x.transform("mean")) ** 2).sum()
    return own, variance * ((1 / n).sum() + gap)


def spreads(factor: float, noise: float) -> tuple[float, float]:
    """Users whose treated values after are `factor` times as large, with `noise` times the log-sd."""
    rng = np.random.default_rng(3)
    n = 20_000
    treated = rng.random(n) < 0.5
    pre = rng.lognormal(4, 1, n)
    sd = np.where(treated, noise, 1.0) * 0.3
    post = pre * np.where(treated, factor, 1.0) * rng.lognormal(-(sd**2) / 2, sd)
    frame = pd.DataFrame({"id": np.arange(n), "g": treated.astype(int), "pre": pre, "post": post})
    return spread_of_groups(tbt.compress(frame, LINE).strata())


def test_a_larger_mean_with_its_spread_is_one_coefficient_of_variation() -> None:
    log_ratio, error = spreads(1.2, 1.0)
    assert abs(log_ratio) < 2 * error < 0.3


def test_a_group_that_varies_more_than_its_mean_is_seen() -> None:
    log_ratio, error = spreads(1.0, 1.8)
    assert np.exp(log_ratio) == pytest.approx(1.8, rel=0.15)
    assert np.exp(log_ratio - 1.96 * error) > 1.2
