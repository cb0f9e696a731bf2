"""What a stakeholder reads: every number recomputed from draws, every claim checked against the model.

Most statements are made from draws that the test makes up, so nothing is sampled and the right answer is
known; a few come from whole analyses.
"""

from __future__ import annotations

import re
from dataclasses import astuple, replace

import numpy as np
import pytest
from statements import ROBUST, factorial, gate, how, made_up, paired, prior_answers, stated

import twobytwo as tbt
from twobytwo import Analysis, DesignError
from twobytwo.answer.cautions import refusals
from twobytwo.answer.headline import CAUTIONS
from twobytwo.check.gate import Gate
from twobytwo.infer.families import family_of
from twobytwo.simulate import UserMinutes, user_minutes


def test_the_priors_range_is_stated_whatever_their_order() -> None:
    found = stated(made_up(paired()))
    assert "Across priors the probability stays within 9 % to 13 %." in found.how
    found = stated(made_up(paired()), priors=prior_answers(0.11, 0.112))
    assert "Across priors the probability stays at 11 %." in found.how
    # What depends on the prior does not stay.
    found = stated(made_up(paired()), priors=prior_answers(0.78, 0.12))
    assert "Across priors the probability ranges from 12 % to 78 %." in found.how


@pytest.mark.parametrize(
    ("shift", "verdict", "first"),
    [
        (-9.0, "harm", "Harm. Treated users lost "),
        (0.0, "open", "Open: harm is neither shown nor ruled out. "),
        (9.0, "no harm", "No harm that matters. Treated users gained "),
    ],
)
def test_the_verdict_comes_first_and_a_gain_is_told_as_a_gain(shift: float, verdict: str, first: str) -> None:
    draws = np.random.default_rng(4).normal(shift, 1.0, (4, 1000))
    found = stated(made_up(paired(margin=0.5), draws))
    assert found.verdict == verdict
    assert found.statement.startswith(first)
    assert len(found.statement.split()) <= 55


def test_the_threshold_of_the_verdict_is_the_plans() -> None:
    draws = np.random.default_rng(4).normal(1.5, 1.0, (4, 1000))
    assert stated(made_up(paired(), draws)).verdict == "open"
    lenient = stated(made_up(paired(), draws), max_probability=0.2)
    assert (lenient.verdict, lenient.max_probability) == ("no harm", 0.2)


def test_cautions_are_clauses_of_the_statement() -> None:
    found = stated(
        made_up(paired(cap=120.0)), gate("attrition", "data", 0.005), gate("rhat", "sampler", 1.02)
    )
    assert found.statement.endswith("Caution: minutes capped at 120; one group has more absent users.")


def test_three_cautions_leave_a_statement_within_fifty_five_words() -> None:
    longest = sorted(CAUTIONS, key=lambda name: len(CAUTIONS[name].split()))[-3:]
    warned = [replace(gate(name, "data", 0.005), status="warn") for name in longest]
    draws = np.random.default_rng(4).normal(0.3, 1.0, (4, 1000))
    found = stated(made_up(paired(margin=0.5), draws), *warned)
    assert found.statement.count(";") >= 2
    assert found.statement.startswith("Open: harm is neither shown nor ruled out.")
    assert 40 < len(found.statement.split()) <= 55


# --- Which of the two it is ---------------------------------------------------------------------------

# --- Changes ------------------------------------------------------------------------------------------


def test_the_mean_stands_beside_a_location() -> None:
    location, mean = made_up(paired(), family="student_t"), made_up(paired())
    found = stated(location, beside=mean)
    about = found.sentences.index("About the mean: open: harm is neither shown nor ruled out.")
    assert found.sentences[about + 1 :] == stated(mean).sentences[1:]
    refusing = gate("skewness", "family", 0.5, family="normal")
    withheld = stated(location, beside=mean, beside_against=[refusing])
    assert withheld.sentences[-1].startswith("About the mean no statement is made. A few very large values")
    assert (withheld.status, withheld.mean) == ("other_estimand", found.mean)
    assert stated(mean).status == "ok"


def test_changes_are_refused_where_a_gap_before_is_to_be_made_small() -> None:
    with pytest.raises(DesignError, match="no gap before to be made small; leave out randomised=True"):
        family_of("student_t").check(paired(randomised=True))


# --- No statement, and another family -----------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        gate("assignment", "data", 1e-9),
        gate("balance", "data", 1e-9),
        gate("rhat", "sampler", 1.5),
        gate("contrast_fidelity", "family", 4.0, family="normal"),
        gate("rhat", "sampler", float("nan")),
    ],
    ids=["assignment", "balance", "sampler", "family", "NaN"],
)
def test_a_refusal_withholds_every_number(refusal: Gate) -> None:
    found = stated(made_up(paired()), gate("ess_bulk", "sampler", 5000.0), refusal)
    assert found.status == "refused"
    assert found.sentences == ("No statement is made.", *refusals([refusal]))
    # The check's own words stand with the checks.
    assert "not fine" not in found.statement
    assert not re.search(r"\bp\b|[=_]", found.statement)
    numbers = ("mean", "median", "sd", "ci", "p_harm", "p_harm_mcse", "p_material_harm", "p_negligible")
    numbers += ("expected_loss", "interaction")
    assert all(getattr(found, name) is None for name in numbers)
    assert not re.search(r"\d", found.statement)


def test_every_reason_is_given() -> None:
    found = stated(made_up(paired()), gate("assignment", "data", 1e-9), gate("rhat", "sampler", 1.5))
    assert "not assigned independently" in found.statement
    assert "Run it again with more draws." in found.statement


def test_a_warning_withholds_nothing() -> None:
    found = stated(made_up(paired()), gate("attrition", "data", 0.005), gate("rhat", "sampler", 1.02))
    assert found.status == "ok"
    assert found.mean is not None


def test_a_replaced_family_is_named_with_the_reason() -> None:
    refusal = gate("mean_fidelity", "family", 0.5, family="lognormal")
    replaced = made_up(paired(), family="lognormal")
    found = stated(made_up(paired()), refusal, refused_fit=replaced)
    assert (found.status, found.family) == ("fallback", "normal")
    # Told after the answer, never before it.
    assert found.statement.startswith("Open: ")
    assert "The lognormal family was refused; the normal on the cell means" in how(found)
    assert "mean_fidelity is not fine." in how(found)
    assert "The same users were compared before and after" in how(found)
    assert found.mean is not None


def test_bad_data_withhold_a_replacement_too() -> None:
    refusals_ = gate("mean_fidelity", "family", 0.5, family="lognormal"), gate("assignment", "data", 1e-9)
    found = stated(made_up(paired()), *refusals_, refused_fit=made_up(paired(), family="lognormal"))
    assert found.status == "refused"
    assert found.sentences == ("No statement is made.", *refusals([refusals_[1]]))


# --- Interactions -------------------------------------------------------------------------------------


def test_an_interaction_separates_cannibalising_from_launching() -> None:
    # So that both together over neither may go either way.
    shift = np.random.default_rng(5).normal(-3.0, 1.0, (4, 1000))
    chosen = made_up(factorial(unit="user", margin=3.0), shift)
    robust = replace(ROBUST, method="ols_hc2")
    said = stated(chosen, robust=robust)
    found = said.statement
    draws = chosen.effects["interaction"].to_numpy()
    assert said.verdict == "open"
    assert f"Probability of cannibalisation of more than 3: {100 * (draws < -3).mean():.0f} %." in found
    assert re.search(
        r"change mean minutes per user by \S+ less than the two separate effects add up to", found
    )
    assert "80 users were compared, each in one cell." in how(said)
    worse = f"{100 * (chosen.effects['both'] < 0).mean().item():.0f} %"
    assert f"(probability that this is harm: {worse})." in found
    together = stated(chosen, robust=robust).interaction
    assert together is not None
    better = chosen.effects["both_over_better"]
    assert astuple(together) == (
        (draws < 0).mean(),
        (draws > 0).mean(),
        (chosen.effects["both"] < 0).mean().item(),
        (better < 0).mean().item(),
    )
    plain = stated(made_up(factorial()), robust=robust)
    rows = plain.statement
    assert "80 rows were compared" in how(plain)
    # Without a margin nothing is negligible, and with one it is.
    assert stated(made_up(factorial()), robust=robust).p_negligible is None
    assert stated(chosen, robust=robust).p_negligible == (np.abs(draws) <= 3).mean()
    assert "per user" not in rows


def test_an_interaction_that_is_rounded_to_nothing_has_no_direction() -> None:
    shift = np.random.default_rng(5).normal(0.0, 3.0, (4, 1000))
    chosen = made_up(factorial(unit="user"), shift - np.median(shift) - 0.01)
    found = stated(chosen, robust=replace(ROBUST, method="ols_hc2"))
    assert "by as much as the two separate effects add up to (" in found.statement
    # The ratio of ratios is written as 1: no sign that could be the opposite one.
    assert "opposite sign" not in how(found)


def test_a_refusal_says_which_other_families_were_tried() -> None:
    tried = "No other family passed its checks (lognormal and tail)."
    too_skewed = gate("skewness", "family", 0.5, family="normal")
    assert stated(made_up(paired()), too_skewed, note=tried).sentences[-1] == tried
    # Of data that are wrong no family is the reason.
    assert tried not in stated(made_up(paired()), gate("assignment", "data", 0.0), note=tried).sentences


# --- Whole analyses -----------------------------------------------------------------------------------

COLUMNS = {"outcome": "minutes", "group": "variant", "period": "period", "unit": "user_id"}


@pytest.fixture(scope="module")
def equal_absences() -> Analysis:
    # Groups of one size, whose skewness cancels: a fifth of 4,000 users would be too few for the normal.
    options = UserMinutes(
        n=4_000,
        effect=60.0,
        treated_share=0.5,
        before_only=(0.05, 0.05),
        after_only=(0.01, 0.01),
        seed=3,
    )
    return tbt.did(user_minutes(options), **COLUMNS, missing="drop", margin=10, measure="minutes")


def test_an_analysis_states_what_its_parts_say(equal_absences: Analysis) -> None:
    found, decision = equal_absences.headline, equal_absences.harm()
    assert found.status == "ok"
    assert (found.p_harm, found.p_material_harm) == (decision.p_harm.value, decision.p_material_harm.value)
    assert f"Probability of losing more than 10 minutes: {decision.p_material_harm}." in found.statement
    row = equal_absences.summary().loc["did"]
    assert (found.mean, found.median, found.sd) == (row["mean"], row["median"], row["sd"])
    users = f"{equal_absences.cells.units:,} users as pairs; only users seen in both periods are compared"
    assert users in how(found)


def test_the_crosscheck_shows_what_pairing_bought(equal_absences: Analysis) -> None:
    table = equal_absences.crosscheck().table
    expected = {"ols", "ols_hc2", "ols_cluster", "ols_cluster_cr2", "welch_change", "bootstrap"}
    assert expected <= set(table.index)
    assert table.loc["posterior", "se"] < 0.6 * table.loc["ols_hc2", "se"]
    assert table.loc["ols_cluster", "se"] < 0.6 * table.loc["ols_hc2", "se"]
    text = str(equal_absences.crosscheck())
    assert "ols_hc2" in text
    assert "welch_change" in text


def test_differential_absence_is_a_caution_where_no_reading_changes_the_decision() -> None:
    found = tbt.did(user_minutes(UserMinutes(seed=1)), **COLUMNS, missing="drop").headline
    assert (found.status, found.verdict) == ("ok", "no harm")
    assert "one group has more absent users" in found.statement


def test_absence_that_means_zero_is_no_attrition() -> None:
    result = tbt.did(user_minutes(UserMinutes(seed=1)), **COLUMNS, missing="zero")
    assert result.headline.status == "ok"
    assert "attrition" not in {gate.name for gate in result.gates}
    assert "counts as 0" in how(result.headline)
