"""Which families are tried, in which order; and the family of strata that comes first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lines import LINE, about_a_line

import twobytwo as tbt
from twobytwo.infer.automatic import candidates
from twobytwo.infer.engine.compiled import compiled
from twobytwo.infer.model import build_model
from twobytwo.simulate import KindsOfUsers, kinds_of_users

BEFORE = {"group": "variant", "period": "period", "unit": "user_id", "missing": "zero", "randomised": True}


def names(cells: tbt.Cells) -> list[str]:
    return [candidate.family.name for candidate in candidates(cells) if not candidate.only_if_clean]


@pytest.fixture(scope="module")
def skewed() -> pd.DataFrame:
    return kinds_of_users(KindsOfUsers(n=2_000, seed=2))


@pytest.fixture(scope="module")
def stratified(skewed: pd.DataFrame) -> tbt.Analysis:
    return tbt.did(skewed, outcome="minutes", measure="minutes", margin=5, **BEFORE)


def test_strata_come_first_where_groups_were_drawn_at_random(skewed: pd.DataFrame) -> None:
    design = tbt.Design.did(outcome="minutes", **BEFORE)
    assert names(tbt.compress(skewed, design))[:2] == ["stratified", "normal"]


def test_the_normal_comes_first_otherwise() -> None:
    design = tbt.Design.did(outcome="minutes", group="variant", period="period")
    assert names(tbt.compress(tbt.simulate.active_minutes(), design))[0] == "normal"


def test_the_normal_comes_first_where_strata_are_no_more_precise() -> None:
    listed = candidates(tbt.compress(about_a_line(fanning=False), LINE))
    assert [one.family.name for one in listed[:3]] == ["normal", "stratified", "normal"]
    assert [one.only_if_clean for one in listed[:3]] == [True, False, False]
    assert candidates(tbt.compress(about_a_line(fanning=True), LINE))[0].family.name == "stratified"


def test_a_skewed_experiment_is_answered_by_its_strata(
    stratified: tbt.Analysis, skewed: pd.DataFrame
) -> None:
    """Strata answer where they are the more precise, or a few heavy users carry the difference."""
    assert stratified.headline.status == "ok"
    assert stratified.fit.family.name == "stratified"
    assert stratified.headline.ci is not None
    companion = stratified.crosscheck().table.loc["ancova"]
    width = stratified.headline.ci[1] - stratified.headline.ci[0]
    # Narrower than a t test on changes in every sample, than covariance analysis in most: a spread that is
    # small because few heavy users came is not believed (docs/precision.md).
    wide = skewed.pivot_table(index=["user_id", "variant"], columns="period", values="minutes", fill_value=0)
    change = (wide["post"] - wide["pre"]).groupby("variant")
    assert width < 2 * 1.96 * np.sqrt((change.var() / change.size()).sum())
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


def test_strata_are_an_easy_posterior(stratified: tbt.Analysis) -> None:
    """Ten steps of the sampler a draw, none of them lost: what a fit in a second rests on."""
    stats = stratified.fit.tree["sample_stats"]
    assert not stats["diverging"].any()
    assert float(stats["n_steps"].mean()) < 16


def test_steps_have_their_prior_whatever_the_data(stratified: tbt.Analysis) -> None:
    """They are written by their estimates, which must not move them."""
    prior = stratified.with_groups("prior")["prior"].to_dataset()
    steps = prior["relative_effect"].diff("stratum").to_numpy()[0]
    own = stratified.fit.tree["constant_data"]["own_step"].to_numpy()
    z = steps / np.sqrt(prior["step"].to_numpy()[0, :, None] ** 2 + own)
    assert (np.abs(z.mean(axis=0)) < 4 / np.sqrt(len(z))).all()
    assert (np.abs(z.var(axis=0) - 1) < 4 * np.sqrt(2 / len(z))).all()
    correlation = np.corrcoef(z.T) - np.eye(z.shape[1])
    assert np.abs(correlation).max() < 4.5 / np.sqrt(len(z))


def test_another_number_of_strata_compiles_nothing(stratified: tbt.Analysis) -> None:
    users = kinds_of_users(KindsOfUsers(n=280, seed=2))
    few = tbt.compress(users, tbt.Design.did(outcome="minutes", **BEFORE))
    sizes = [cells.strata().sizes["stratum"] for cells in (stratified.cells, few)]
    assert sizes[0] > sizes[1]
    made, model = compiled(stratified.fit.model), build_model(few, stratified.fit.family, tbt.Priors())
    assert compiled(model) is made
    start, data = made.start_and_data(model)
    own = float(model.compile_logp(mode="FAST_COMPILE")(model.initial_point()))
    assert made.density(start, data)[0][-1] == pytest.approx(own, rel=1e-10)


def test_a_family_of_strata_says_what_it_needs(skewed: pd.DataFrame) -> None:
    with pytest.raises(tbt.DesignError, match="needs unit=, the same metric before, and randomised=True"):
        tbt.did(skewed, outcome="minutes", family="stratified", **(BEFORE | {"randomised": False}))


def test_a_large_effect_in_a_small_group_has_the_error_of_that_group() -> None:
    """Values spread as their means, here by a half; one spread gives an error 1.4 times too small."""
    rng = np.random.default_rng(3)
    before = rng.gamma(2, 50, 4_000)
    treated = np.arange(4_000) < 400
    after = before * rng.gamma(4, 0.25, 4_000) * np.where(treated, 1.5, 1)
    users = pd.DataFrame({"id": range(4_000), "g": treated.astype(int), "pre": before, "post": after})
    result = tbt.compare(
        users, outcome="post", group="g", before_column="pre", unit="id", progressbar=False, draws=500
    )
    assert result.headline.family == "stratified"
    assert result.headline.ci is not None
    # Given the value before, x, the standard deviation is half the mean, and E x² is 15,000.
    error = np.sqrt(0.5**2 * 15_000 * (1.5**2 / 400 + 1 / 3_600))
    # The treated group's own spread counts as a fifth of its users tell it; by one for both it is 0.67 times.
    assert (result.headline.ci[1] - result.headline.ci[0]) / 2 / 1.96 == pytest.approx(error, rel=0.2)
