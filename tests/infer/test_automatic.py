"""Which families are tried, in which order; and the family of strata that comes first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twobytwo as tbt
from twobytwo.infer.automatic import candidates
from twobytwo.infer.families.stratified import adjusted
from twobytwo.simulate import KindsOfUsers, kinds_of_users

BEFORE = {"group": "variant", "period": "period", "unit": "user_id", "missing": "zero", "randomised": True}


def names(cells: tbt.Cells) -> list[str]:
    return [candidate.family.name for candidate in candidates(cells)]


@pytest.fixture(scope="module")
def skewed() -> pd.DataFrame:
    return kinds_of_users(KindsOfUsers(n=2_000, seed=11))


@pytest.fixture(scope="module")
def stratified(skewed: pd.DataFrame) -> tbt.Analysis:
    return tbt.did(skewed, outcome="minutes", measure="minutes", margin=5, **BEFORE)


def test_strata_come_first_where_groups_were_drawn_at_random(skewed: pd.DataFrame) -> None:
    design = tbt.Design.did(outcome="minutes", **BEFORE)
    assert names(tbt.compress(skewed, design))[:2] == ["stratified", "normal"]


def test_the_normal_comes_first_otherwise() -> None:
    design = tbt.Design.did(outcome="minutes", group="variant", period="period")
    assert names(tbt.compress(tbt.simulate.active_minutes(), design))[0] == "normal"


def test_a_skewed_experiment_is_answered_by_its_strata(stratified: tbt.Analysis) -> None:
    """Where the normal is withheld, because a few heavy users carry the difference, strata answer."""
    assert stratified.headline.status == "ok"
    assert stratified.fit.family.name == "stratified"
    assert stratified.headline.ci is not None
    companion = stratified.crosscheck().table.loc["ancova"]
    width = stratified.headline.ci[1] - stratified.headline.ci[0]
    assert width < companion["upper"] - companion["lower"]
    # Within what two estimates of one effect may differ by.
    assert abs(stratified.headline.mean - companion["estimate"]) < 2 * companion["se"]


def test_the_effect_is_the_weighted_mean_of_its_strata(stratified: tbt.Analysis) -> None:
    posterior = stratified.fit.tree["posterior"].to_dataset()
    share = np.exp(posterior["log_share"] - posterior["log_share"].max("stratum"))
    share = share / share.sum("stratum")
    total = (share * posterior["stratum_mean"] * posterior["relative_effect"]).sum("stratum")
    location = posterior["location"]
    after = location.isel({location.dims[-1]: 1})
    difference = after.isel({after.dims[-1]: 1}) - after.isel({after.dims[-1]: 0})
    np.testing.assert_allclose(total.transpose(*difference.dims), difference, rtol=1e-6, atol=1e-6)


def test_strata_agree_with_the_same_formula_on_rows(skewed: pd.DataFrame) -> None:
    """The relative effect of a stratum by hand: a regression with one slope, over the stratum's mean."""
    design = tbt.Design.did(outcome="minutes", **BEFORE)
    cells = tbt.compress(skewed, design)
    found, strata = adjusted(cells.strata()), cells.strata()
    wide = skewed.pivot_table(index=["user_id", "variant"], columns="period", values="minutes", fill_value=0)
    wide = wide.reset_index().sort_values("pre")
    k = strata.sizes["stratum"] - 1
    heaviest = wide.tail(int(strata["n"].isel(stratum=k).sum()))
    columns = np.column_stack([np.ones(len(heaviest)), heaviest["variant"], heaviest["pre"]])
    slopes = np.linalg.lstsq(columns, heaviest["post"].to_numpy(float), rcond=None)[0]
    assert float(found["relative"][k]) == pytest.approx(slopes[1] / heaviest["post"].mean(), rel=1e-6)


def test_a_family_of_strata_says_what_it_needs(skewed: pd.DataFrame) -> None:
    with pytest.raises(tbt.DesignError, match="needs unit=, the same metric before, and randomised=True"):
        tbt.did(skewed, outcome="minutes", family="stratified", **(BEFORE | {"randomised": False}))
