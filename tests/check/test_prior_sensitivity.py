"""The answer under other priors: reweighted draws against fits, and what they may not hide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats import psense
from scipy import stats
from skewed import DID, with_zeros

from twobytwo.ask.design import Design
from twobytwo.check import prior_sensitivity
from twobytwo.check.prior_sensitivity import PriorAnswer, across_priors, power_scaling, table
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families.binomial import Binomial
from twobytwo.infer.families.hurdle_lognormal import HurdleLogNormal
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.families.student_t import StudentT
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.priors import PRESETS, Priors

TWO = Design.interaction(outcome="y", factors=("a", "b"), margin=1.0)
OPTIONS = SamplerOptions(draws=2_000)


def headline_across(base: Fit, **changes: Any) -> tuple[PriorAnswer, ...]:
    return across_priors(base, **changes)[base.effects.headline]


def cells_of(means: tuple[float, ...], sd: float, n: int = 100, shift: float = 0.0) -> Cells:
    rng = np.random.default_rng(2)
    frame = pd.concat(
        [
            pd.DataFrame({"y": shift + rng.normal(mean, sd, n), "a": k // 2, "b": k % 2})
            for k, mean in enumerate(means)
        ]
    )
    return compress(frame, TWO)


@pytest.fixture(scope="module")
def unsure() -> Fit:
    """An interaction of about one standard error, so that the prior matters."""
    return fit(cells_of((10, 11, 12, 10), 10.0), Normal(), Priors.of("default"), OPTIONS)


def test_the_own_priors_come_first_then_the_other_presets(unsure: Fit) -> None:
    answers = headline_across(unsure)
    assert [answer.prior for answer in answers] == ["default", "flat", "sceptical"]
    assert answers[0].method == "fitted"
    assert all(answer.method in ("reweighted", "refitted") for answer in answers[1:])


def test_the_own_answer_is_that_of_the_draws(unsure: Fit) -> None:
    draws = unsure.effects["interaction"].to_numpy().ravel()
    own = headline_across(unsure, ci_prob=0.8)[0]
    assert own.mean == pytest.approx(draws.mean())
    assert (own.lower, own.upper) == pytest.approx(tuple(np.quantile(draws, [0.1, 0.9])), rel=0.01)
    assert own.p_harm == pytest.approx((draws < 0).mean())
    assert own.p_material_harm == pytest.approx((draws < -1.0).mean())


def test_reweighted_answers_are_those_of_a_fit(unsure: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tolerances: four Monte-Carlo standard errors of two sets of 8,000 draws."""
    reweighted = headline_across(unsure)
    monkeypatch.setattr(prior_sensitivity, "_PARETO_LIMIT", -1.0)
    refitted = headline_across(unsure, options=OPTIONS)
    assert [answer.method for answer in refitted] == ["fitted", "refitted", "refitted"]
    assert "reweighted" in [answer.method for answer in reweighted]
    sd = float(unsure.effects["interaction"].std())
    for one, other in zip(reweighted, refitted, strict=True):
        assert one.mean == pytest.approx(other.mean, abs=0.1 * sd)
        assert one.lower == pytest.approx(other.lower, abs=0.25 * sd)
        assert one.upper == pytest.approx(other.upper, abs=0.25 * sd)
        assert one.p_harm == pytest.approx(other.p_harm, abs=0.04)


def test_priors_of_shares_are_those_of_their_log_odds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weighed with the priors of means, the flat prior gave 14.7 points where a fit gives 21.2."""
    n = 160
    rng, arm = np.random.default_rng(3), np.arange(n) % 2
    bought = (rng.random(n) < np.where(arm == 1, 0.30, 0.15)).astype(int)
    design = Design.compare(outcome="y", group="g", kind="share")
    cells = compress(pd.DataFrame({"y": bought, "g": arm}), design)
    shares = fit(cells, Binomial(), Priors.of("default"), OPTIONS)
    weighed = headline_across(shares, options=OPTIONS)
    monkeypatch.setattr(prior_sensitivity, "_PARETO_LIMIT", -1.0)
    sd = float(shares.effects[shares.effects.headline].std())
    for one, other in zip(weighed, headline_across(shares, options=OPTIONS), strict=True):
        assert one.mean == pytest.approx(other.mean, abs=0.1 * sd)
        assert one.p_harm == pytest.approx(other.p_harm, abs=0.02)


def test_a_sceptical_prior_pulls_towards_nothing(unsure: Fit) -> None:
    default, flat, sceptical = headline_across(unsure, options=OPTIONS)
    assert abs(sceptical.mean) < abs(default.mean) <= abs(flat.mean) * 1.05
    assert sceptical.upper - sceptical.lower < flat.upper - flat.lower


def test_from_a_narrow_prior_one_cannot_weigh_one_s_way_to_a_wide_one() -> None:
    """The draws do not reach where the flat prior would go: a refit, and the right answer."""
    cells = cells_of((10, 20, 20, 60), 3.0)
    narrow = fit(cells, Normal(), Priors(name="narrow", effect=0.05, interaction=0.01), OPTIONS)
    by_name = {answer.prior: answer for answer in headline_across(narrow, options=OPTIONS)}
    raw = float(np.array([[1, -1], [-1, 1]]).ravel() @ cells.moments()["mean"].to_numpy().ravel())
    assert by_name["narrow"].mean < 0.8 * raw
    assert by_name["flat"].mean == pytest.approx(raw, rel=0.05)
    assert by_name["flat"].method == "refitted"


def test_another_prior_of_the_spread_means_a_refit() -> None:
    base = fit(
        cells_of((10, 11, 12, 10), 1.0), Normal(), Priors(name="own", spread=0.5), SamplerOptions(draws=300)
    )
    methods = [answer.method for answer in headline_across(base, options=SamplerOptions(draws=300))]
    assert methods == ["fitted", *["refitted"] * len(PRESETS)]


def test_every_preset_is_tried_next_to_priors_of_ones_own(unsure: Fit) -> None:
    """Priors of one's own, left without a name, must not hide a preset."""
    own = fit(unsure.cells, Normal(), Priors(interaction=0.01), SamplerOptions(draws=500))
    rows = table(headline_across(own, options=SamplerOptions(draws=500)))
    assert rows["median"].abs().max() > 10 * abs(float(own.effects["interaction"].mean()))


def test_data_that_drown_the_prior_are_no_trouble() -> None:
    """All weights are equal then; there is no tail to fit a shape to."""
    base = fit(
        cells_of((10, 15, 20, 22), 1e-3, n=50), Normal(), Priors.of("default"), SamplerOptions(draws=500)
    )
    answers = headline_across(base)
    assert [answer.method for answer in answers] == ["fitted", "reweighted", "reweighted"]
    assert len({round(answer.median, 2) for answer in answers}) == 1


def test_draws_that_never_moved_do_not_end_in_a_traceback() -> None:
    """A sampler that failed is for the gates to say, not for the importance weights."""
    base = fit(
        cells_of((10, 15, 20, 22), 1.0, n=50), Normal(), Priors.of("default"), SamplerOptions(draws=300)
    )
    base.tree["posterior"]["effects"][:] = base.tree["posterior"]["effects"][0, 0].to_numpy()
    assert len(headline_across(base)) == 3


def test_the_table_has_a_row_for_each_prior(unsure: Fit) -> None:
    rows = table(headline_across(unsure))
    assert rows.index.name == "prior"
    assert rows.index.tolist() == ["default", "flat", "sceptical"]
    assert rows.columns.tolist() == [
        "mean",
        "lower",
        "upper",
        "p_harm",
        "p_material_harm",
        "method",
        "median",
    ]
    assert ((rows["lower"] < rows["median"]) & (rows["median"] < rows["upper"])).all()


def test_locations_are_answered_across_priors_too() -> None:
    rng = np.random.default_rng(0)
    turn = np.arange(400) % 4
    frame = pd.DataFrame({"y": 10 + rng.standard_t(3, 400), "a": turn // 2, "b": turn % 2})
    base = fit(compress(frame, TWO), StudentT(), Priors.of("default"), SamplerOptions(draws=300))
    assert len(headline_across(base, options=SamplerOptions(draws=300))) == 3


# Families with zeros: two sets of effects, and the weights of both


@pytest.fixture(scope="module")
def hurdle() -> Fit:
    return fit(compress(with_zeros(), DID), HurdleLogNormal(), Priors.of("default"), OPTIONS)


def test_the_weights_of_a_hurdle_know_its_activity_too(hurdle: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tolerances as above: four Monte-Carlo standard errors of two sets of 8,000 draws."""
    reweighted = headline_across(hurdle)
    assert [answer.method for answer in reweighted] == ["fitted", "reweighted", "reweighted"]
    monkeypatch.setattr(prior_sensitivity, "_PARETO_LIMIT", -1.0)
    refitted = headline_across(hurdle, options=OPTIONS)
    sd = float(hurdle.effects["did"].std())
    for one, other in zip(reweighted, refitted, strict=True):
        assert one.mean == pytest.approx(other.mean, abs=0.1 * sd)
        assert one.p_harm == pytest.approx(other.p_harm, abs=0.04)
        assert one.lower == pytest.approx(other.lower, abs=0.25 * sd)
        assert one.upper == pytest.approx(other.upper, abs=0.25 * sd)
    # The negative control: the sceptical prior does change this answer.
    default, _, sceptical = reweighted
    assert sceptical.upper - sceptical.lower < 0.92 * (default.upper - default.lower)


def test_power_scaling_is_that_of_arviz(hurdle: Fit) -> None:
    posterior, constants = hurdle.tree["posterior"], hurdle.tree["constant_data"]
    log_prior = {
        name: (
            ("chain", "draw", "effect"),
            stats.norm.logpdf(
                posterior[name], constants[f"{name}_prior_mean"], constants[f"{name}_prior_sd"]
            ),
        )
        for name in ("effects", "activity_effects")
    }
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"did": hurdle.effects["did"].transpose("chain", "draw")}),
            "log_prior": xr.Dataset(log_prior),
        }
    )
    assert power_scaling(hurdle) == pytest.approx(float(psense(tree, group="prior")["did"]), rel=1e-6)


def test_a_prior_without_weight_has_no_power() -> None:
    base = fit(cells_of((10, 15, 20, 22), 1.0, n=200), Normal(), Priors.of("flat"), SamplerOptions(draws=500))
    narrow = fit(
        base.cells, Normal(), Priors(name="narrow", effect=0.1, interaction=0.05), SamplerOptions(draws=500)
    )
    assert power_scaling(base) < 0.01
    assert power_scaling(narrow) > 0.05
