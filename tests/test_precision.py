"""The page on precision tells what its record says, and the record is of the code that is here."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import draw_plasmode
import evidence
import gates_fast
import least_squares
import numpy as np
import pandas as pd
import plasmode
import populations
import pytest
import real_designs
import real_populations
import strata_fast

import twobytwo as tbt
from twobytwo.check.by_user import ancova
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gates.family import foreseen
from twobytwo.check.gates.groups import balance
from twobytwo.check.gates.logs import log_skewness
from twobytwo.infer.by_stratum import error_beside_covariance, spread_of_groups
from twobytwo.infer.families.normal import Normal
from twobytwo.simulate import EFFECTS, kinds_population

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "precision.md").read_text(encoding="utf-8")
RECORD = json.loads((ROOT / "docs" / "data" / "plasmode.json").read_text(encoding="utf-8"))
TABLES = draw_plasmode.tables(*draw_plasmode.read())
CELLS = draw_plasmode.Cells(RECORD)


def experiment(*, n=2_000, share=0.5, effect="all x1.1", seed=1):
    population = kinds_population(EFFECTS[effect])
    rng = np.random.default_rng(seed)
    users = population.draw(n=n, rng=rng)
    return population.experiment(users, rng.permutation(n) < n * share)


def fast(*experiments):
    cuts = [strata_fast.edges(e.before, e.treated) for e in experiments]
    tables = [
        strata_fast.sums(e.before, e.after, e.treated, cut) for e, cut in zip(experiments, cuts, strict=True)
    ]
    return strata_fast.answer(strata_fast.summarise(tables))


# --- the record and the page --------------------------------------------------------------------


def test_the_record_is_of_the_chosen_specification():
    fields = strata_fast.FINAL.__slots__
    assert RECORD["specification"] == {name: getattr(strata_fast.FINAL, name) for name in fields}


def test_more_experiments_are_told_as_recorded():
    more = evidence.read(evidence.DATA / "strata_large.json")
    assert more["replicates"][0] == plasmode.REPLICATES[-1]  # none of the record's own
    rows = {(row["effect"], row["estimator"]): row for row in more["rows"]}
    assert {effect for effect, _ in rows} == set(EFFECTS)
    strata, welch = (
        [row["covered"] for (_, by), row in rows.items() if by == name]
        for name in ("strata", "Welch on changes")
    )
    alarms = [rows["none", name]["harm alarms"] for name in ("strata", "Welch on changes")]
    said = " ".join(PAGE.split())
    assert f"the strata cover {100 * np.mean(strata):.1f} % and Welch {100 * np.mean(welch):.1f} %" in said
    assert f"no effect is covered less than {100 * min(strata):.1f} %" in said
    assert f"false alarms are {100 * alarms[0]:.1f} %, of Welch {100 * alarms[1]:.1f} %" in said
    # What was asked: within a point of Welch, false alarms in at most 6 %.
    assert np.mean(strata) > np.mean(welch) - 0.01
    assert alarms[0] <= 0.06


def test_further_experiments_count_by_their_number():
    more = evidence.read(evidence.DATA / "strata_large.json")
    further = next(r for r in more["rows"] if (r["effect"], r["estimator"]) == ("none", "strata"))
    own = CELLS.of(50_000, 0.5, draw_plasmode.STRATA)["none"]
    both = draw_plasmode.with_more(CELLS, more, draw_plasmode.STRATA)["none"]
    assert (own["replicates"], both["replicates"]) == (400, 2_000)
    alarms = (400 * own["harm_alarms"] + 1_600 * further["harm alarms"]) / 2_000
    assert both["harm_alarms"] == pytest.approx(alarms)
    assert both["width_over_lin"] == own["width_over_lin"]


def test_the_record_is_complete():
    assert CELLS.sizes == [500, 2_000, 10_000, 50_000]
    assert CELLS.effects == list(EFFECTS)
    families = {*draw_plasmode.FAMILIES, gates_fast.HURDLE}
    assert set(CELLS.estimators) == {*least_squares.ESTIMATORS, *families}
    assert len(CELLS.rows) == 4 * 2 * 10 * 10
    spend = draw_plasmode.Cells(RECORD, plasmode.CDNOW)
    assert set(spend.estimators) == set(CELLS.estimators)
    assert set(spend.effects) == set(EFFECTS)
    assert 500 in spend.sizes
    count = {row["n"]: row["replicates"] for row in CELLS.rows}
    assert all(count[n] >= least for n, least in {500: 600, 2_000: 400, 10_000: 400, 50_000: 400}.items())


@pytest.mark.parametrize("name", list(TABLES))
def test_the_tables_are_as_recorded(name):
    assert f"<!-- {name} -->\n\n{TABLES[name]}\n\n<!-- end {name} -->" in PAGE
    assert f"made on {RECORD['date']}" in PAGE


def test_the_picture_is_drawn_from_the_record(tmp_path):
    draw_plasmode.draw(RECORD, tmp_path / "precision.svg")
    drawn = (tmp_path / "precision.svg").read_text(encoding="utf-8")
    assert drawn == draw_plasmode.PICTURE.read_text(encoding="utf-8")


# --- the estimators ------------------------------------------------------------------------------


def test_least_squares_agrees_with_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    e = experiment(n=400)
    x, t = e.before - e.before.mean(), e.treated.astype(float)
    ones = np.ones(t.size)
    models = {
        "values after (HC2)": np.column_stack([ones, t]),
        "CUPED, own slopes (Lin)": np.column_stack([ones, t, x, x * t]),
    }
    for name, columns in models.items():
        fit = sm.OLS(e.after, columns).fit(cov_type="HC2")
        found = least_squares.ESTIMATORS[name](e.before, e.after, e.treated)
        assert found.effect == pytest.approx(fit.params[1])
        assert (found.upper - found.lower) / 2 / fit.bse[1] == pytest.approx(1.97, abs=0.01)
    slope = sm.OLS(e.after, np.column_stack([ones, t, x])).fit().params[1]
    pooled = least_squares.ESTIMATORS["CUPED, pooled slope"](e.before, e.after, e.treated)
    assert pooled.effect == pytest.approx(slope)


def test_winsorising_at_one_is_welch():
    e = experiment()
    welch = least_squares.ESTIMATORS["Welch on changes"](e.before, e.after, e.treated)
    assert least_squares._winsorised(1.0)(e.before, e.after, e.treated) == welch


def test_strata_have_twelve_users_of_each_group_and_keep_everybody():
    for n, share in ((500, 0.1), (500, 0.5), (10_000, 0.5)):
        e = experiment(n=n, share=share)
        cuts = strata_fast.edges(e.before, e.treated)
        table = strata_fast.sums(e.before, e.after, e.treated, cuts)
        assert 3 <= len(cuts) <= 10
        assert table[..., 0].min() >= 12
        assert table[..., 0].sum() == n
        assert table[..., 2].sum() == pytest.approx(e.after.sum())


def test_sums_of_parts_are_the_sums_of_the_whole():
    e = experiment()
    cuts = strata_fast.edges(e.before, e.treated)
    half = np.arange(e.before.size) < 700
    parts = sum(strata_fast.sums(e.before[m], e.after[m], e.treated[m], cuts) for m in (half, ~half))
    np.testing.assert_allclose(parts, strata_fast.sums(e.before, e.after, e.treated, cuts))


def test_the_fast_posterior_of_one_experiment_is_that_of_many():
    several = [experiment(n=n, share=share, seed=3) for n, share in ((500, 0.1), (500, 0.5), (10_000, 0.5))]
    together = fast(*several)
    for i, one in enumerate(several):
        alone = fast(one)
        for name in ("effect", "lower", "upper", "p_harm"):
            assert getattr(alone, name)[0] == pytest.approx(getattr(together, name)[i], rel=1e-6)


def test_the_fast_posterior_scales_with_the_unit_and_mirrors_the_groups():
    e = experiment()
    minutes = fast(e)
    hours = fast(type(e)(before=e.before / 60, after=e.after / 60, treated=e.treated))
    assert hours.effect == pytest.approx(minutes.effect / 60)
    assert hours.upper == pytest.approx(minutes.upper / 60)
    swapped = fast(type(e)(before=e.before, after=e.after, treated=~e.treated))
    assert swapped.effect == pytest.approx(-minutes.effect)
    assert swapped.p_harm == pytest.approx(1 - minutes.p_harm)


def test_the_fast_posterior_is_exact_given_the_step():
    """Means and covariances given tau, from the joint normal of the relative effects and their estimates."""
    e = experiment(n=10_000)
    table = strata_fast.sums(e.before, e.after, e.treated, strata_fast.edges(e.before, e.treated))
    s = strata_fast.summarise([table])
    tau, spec = 0.2, strata_fast.FINAL
    error = strata_fast.errors(s)
    _, effect, _, _ = strata_fast._given(tau, s, error, spec)
    k = s.real.sum()
    level = (s.share * s.mean)[0]
    below = level.cumsum()[:-1] / level.sum()
    steps = tau**2 + (spec.own * below**spec.own_power) ** 2
    # r = overall + climb - the climb's weighted mean.
    climb = np.vstack([np.zeros(k - 1), np.tril(np.ones((k - 1, k - 1)))])
    climb -= (level / level.sum()) @ climb
    prior = spec.overall_scale**2 * np.ones((k, k)) + climb @ np.diag(steps) @ climb.T
    gain = prior @ np.linalg.inv(prior + np.diag(error[0]))
    assert effect[0] == pytest.approx(level @ gain @ s.relative[0], rel=1e-6)


@pytest.mark.parametrize(("effect", "least"), [("all x1.1", 0.05), ("none", -0.05)])
def test_the_fast_posterior_finds_the_effect_of_a_large_experiment(effect, least):
    population = kinds_population(EFFECTS[effect])
    found = fast(experiment(n=200_000, effect=effect, seed=5))
    assert found.lower[0] < population.truth < found.upper[0]
    assert (found.upper - found.lower)[0] < 0.1 * population.mean
    assert found.effect[0] / population.mean > least


def test_the_error_of_a_stratum_is_between_its_own_and_its_neighbours():
    """Estimates of the spread that are far apart are drawn together, many users' less than few users'."""
    e = experiment(n=10_000)
    s = strata_fast.summarise(
        [strata_fast.sums(e.before, e.after, e.treated, strata_fast.edges(e.before, e.treated))]
    )
    k = s.real.sum()
    cv = s.cv.copy()
    cv[0, k - 1] = 0.2
    low = strata_fast.errors(dataclasses.replace(s, cv=cv))
    assert 0.2**2 * s.hat[0, k - 1] < low[0, k - 1] < strata_fast.errors(s)[0, k - 1]
    # Drawn up from 0.2 by a quarter at least, against 250 users.
    assert low[0, k - 1] / s.hat[0, k - 1] > 0.25**2


# --- the checks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_fast_checks_are_the_packages(share):
    """Of one experiment: covariance analysis, skewness, balance, spreads, and whether strata earn."""
    e = experiment(n=1_000, share=share, seed=4)
    users = pd.DataFrame({"user": np.arange(1_000), "treated": e.treated.astype(int)})
    rows = pd.concat([users.assign(when=when, y=getattr(e, when)) for when in ("before", "after")])
    asked = {"outcome": "y", "group": "treated", "period": "when", "unit": "user"}
    cells = tbt.compress(rows, tbt.Design.did(**asked, missing="zero", randomised=True))
    cuts = strata_fast.edges(e.before, e.treated)
    known = gates_fast.facts(e, strata_fast.sums(e.before, e.after, e.treated, cuts))
    check = ancova(cells)
    assert known.covariance == pytest.approx((check.estimate, check.se))
    skewness, spread = foreseen(Normal(), cells)
    of_changes, _ = foreseen(Normal(), tbt.compress(rows, tbt.Design.did(**asked, missing="zero")))
    assert known.skewness == pytest.approx(of_changes.value)
    # Where no group is small the package looks at what the value before leaves too.
    left = known.given_before if share == 0.5 else of_changes.value
    assert skewness.value == pytest.approx(left, rel=1e-3)
    assert known.spread_before == pytest.approx(spread.value)
    pairs = [tuple(values[e.treated == g] for values in (e.before, e.after)) for g in (False, True)]
    assert gates_fast.log_skewness(pairs)[0] == pytest.approx(log_skewness(cells).value, rel=1e-3)
    assert known.balance == pytest.approx(balance(cells).value)
    assert known.fewest == round(1_000 * share)
    # Edges fall on users here and on bins there.
    log_ratio, error = spread_of_groups(cells.strata())
    assert known.spread == pytest.approx(np.exp(max(0, abs(log_ratio) - 1.96 * error)), rel=0.05)
    assert known.earns == (error_beside_covariance(cells.strata()) < 1)


def test_auto_is_one_of_its_candidates():
    """Each experiment's answer is that of the strata or of the normal, with what the checks say of it."""
    several = [experiment(n=2_000, seed=seed) for seed in range(8)]
    cuts = [strata_fast.edges(e.before, e.treated) for e in several]
    tables = [
        strata_fast.sums(e.before, e.after, e.treated, cut) for e, cut in zip(several, cuts, strict=True)
    ]
    known = [gates_fast.facts(e, table) for e, table in zip(several, tables, strict=True)]
    found = strata_fast.answer(strata_fast.summarise(tables))
    welch = np.array(
        [least_squares.ESTIMATORS["Welch on changes"](e.before, e.after, e.treated) for e in several]
    )
    judged = gates_fast.judged(known, found, welch, "strata")
    auto, strata, normal = (judged[name] for name in (gates_fast.AUTO, "strata", gates_fast.NORMAL))
    looks = np.array([min(one.skewness, one.given_before) for one in known])
    simple = np.array([not one.earns for one in known]) & (looks <= 0.06)
    np.testing.assert_array_equal(auto.answers[simple], normal.answers[simple])
    np.testing.assert_array_equal(auto.answers[~simple], strata.answers[~simple])
    assert 0 < simple.sum() < len(simple)
    assert normal.withheld[looks > 0.2].all()
    assert not strata.withheld.any()


def test_customers_are_read_from_their_purchases(tmp_path):
    path = tmp_path / "master.txt"
    lines = [" customer_id  date number_of_cds  dollar_value", " 00001 19970101  1   11.77"]
    lines += [" 00001 19980301  1   2.50", " 00002 19970930  2   5.00", " 00002 19970102  2   1.00"]
    path.write_text("\n".join(lines), encoding="utf-8")
    population = plasmode.cdnow_population(path, EFFECTS["all x1.1"])
    np.testing.assert_array_equal(population.before, [1177, 600])
    np.testing.assert_array_equal(population.without, [250, 0])
    np.testing.assert_array_equal(population.treated, [275, 0])


def test_splits_of_a_population_are_scored_against_no_effect():
    rng = np.random.default_rng(2)
    before = rng.lognormal(3, 1, 600)
    values = np.column_stack([before, before * rng.gamma(4, 0.25, 600)])
    rows = populations.rows("some", values, 0.5, 20)
    assert [row["estimator"] for row in rows][-1] == gates_fast.AUTO
    assert all(row["n"] == 600 for row in rows)
    pooled = next(row for row in rows if row["estimator"] == "CUPED, pooled slope")
    assert pooled["width_over_pooled"] == pooled["rmse_over_pooled"] == 1
    assert all(row["coverage"] > 0.7 for row in rows)


@pytest.fixture(scope="module")
def real():
    return evidence.read(real_populations.RECORD)


def test_real_populations_are_told_as_recorded(real):
    for name, table in real_populations.tables(real).items():
        assert f"<!-- {name} -->\n\n{table}\n\n<!-- end {name} -->" in PAGE
    assert len(real["rows"]) == 2 * ((4 + 3) * 17 * 3 + 4 * 22)
    frame = pd.DataFrame(real["rows"])
    frame = frame[~frame["effect"].isin([*real_populations.large_effects(np.ones(10), np.ones(10))])]
    mean = frame.groupby(["estimator", "treated_share"])["coverage"].mean()
    alarms = frame[frame["effect"] == "none"].groupby(["estimator", "treated_share"])["harm_alarms"].mean()
    said = " ".join(PAGE.split())
    for share, covers in ((0.5, "95.4 % with half"), (0.1, "95.8 % with a tenth")):
        assert f"{100 * mean[gates_fast.AUTO, share]:.1f} %" == covers[:6]
        assert covers in said
    pooled = [f"{100 * mean[real_populations.POOLED, share]:.1f}" for share in (0.5, 0.1)]
    assert f"CUPED with a pooled slope {pooled[0]} and {pooled[1]} %" in said
    auto, cuped = (
        [100 * alarms[by, s] for s in (0.5, 0.1)] for by in (gates_fast.AUTO, real_populations.POOLED)
    )
    assert (
        f"{auto[0]:.1f} and {auto[1]:.1f} % false alarms, CUPED {cuped[0]:.1f} and {cuped[1]:.1f} %" in said
    )


def test_other_designs_are_told_as_recorded():
    record = evidence.read(real_designs.RECORD)
    for name, table in real_designs.tables(record).items():
        assert f"<!-- {name} -->\n\n{table}\n\n<!-- end {name} -->" in PAGE
    frame = pd.DataFrame(record["rows"])
    assert frame.groupby("design").size().to_dict() == {"changes": 48, "interaction": 24, "scorecard": 68}
    stated = frame[frame["stated"] > 0.1].groupby("design")["coverage_stated"].mean()
    assert stated.min() > 0.94


def test_two_experiments_are_answered_as_by_the_package():
    rng = np.random.default_rng(5)
    y, first, second = rng.lognormal(0.0, 1.0, 900), rng.random(900) < 0.5, rng.random(900) < 0.15
    (effect, lower, upper, _), status = real_designs.two_experiments(y, first, second)
    frame = pd.DataFrame({"y": y, "a": first.astype(int), "b": second.astype(int)})
    cells = tbt.compress(frame, tbt.Design.interaction(outcome="y", factors=("a", "b")))
    found = robust_check(cells)
    kept = 1 / (1 + (found.se / (0.5 * cells.yardstick)) ** 2)
    assert effect == pytest.approx(kept * found.estimate, rel=1e-3)
    assert upper - lower == pytest.approx(2 * 1.96 * np.sqrt(kept) * found.se, rel=1e-3)
    assert status == {gate.status for gate in foreseen(Normal(), cells)}


@pytest.mark.parametrize("light", [1.0, 3.0])
def test_changes_are_judged_as_by_the_package(light):
    """Small groups that lack large users by chance, and by nature."""
    rng = np.random.default_rng(8)
    chosen = rng.permutation(1_200) < 120
    before = np.where(
        chosen, np.minimum(rng.lognormal(0.0, 1.0, 1_200), 2.5) / light, rng.lognormal(0.0, 1.0, 1_200)
    )
    after = before * rng.lognormal(0.0, 0.3, 1_200)
    frame = pd.DataFrame({"u": range(1_200), "g": chosen.astype(int), "x": before, "y": after})
    design = tbt.Design.did_wide(before_column="x", after_column="y", group="g", unit="u")
    gates = foreseen(Normal(), tbt.compress(frame, design))
    assert [gate.name for gate in gates] == ["skewness", "spread_before"]
    assert (gates[1].status == "pass") == (light > 1)
    assert real_designs.judged_changes(before, after, chosen) == {gate.status for gate in gates}


def test_an_effect_is_what_its_name_says():
    before = np.arange(1.0, 1_001)
    found = real_populations.treated_values(before, 2 * before)
    change = {name: values / (2 * before) for name, values in found.items()}
    np.testing.assert_array_equal(change["none"], 1.0)
    np.testing.assert_allclose(change["all x1.1"], 1.1)
    np.testing.assert_array_equal(change["top 1 % x.5"], np.where(before > 990, 0.5, 1.0))
    assert 0.03 < (change["5 % of users to zero"] == 0).mean() < 0.07
    large = real_populations.large_effects(before, before)
    for name, size, heavy in (("all x1.5", 1.5, 0), ("top tenth x.5", 0.5, 900), ("top tenth x2", 2, 900)):
        np.testing.assert_allclose(large[name], np.where(before > heavy, size * before, before))


def test_splits_of_rows_are_welch_with_the_packages_check(monkeypatch):
    monkeypatch.setitem(real_populations.SPLITS, "rows", 6)
    y = np.random.default_rng(1).lognormal(0.0, 0.6, 400)
    (found,) = real_populations.answered_rows(y, 1.1 * y, 0.1).values()
    for k, treated in enumerate(real_populations._splits(400, 0.1, 6)):
        frame = pd.DataFrame({"g": treated.astype(int), "y": np.where(treated, 1.1 * y, y)})
        gates = foreseen(Normal(), tbt.compress(frame, tbt.Design.compare(outcome="y", group="g")))
        assert [gate.name for gate in gates] == ["skewness", "spread_alike"]
        assert found.withheld[k] == any(gate.status == "refuse" for gate in gates)
        assert found.warned[k] == any(gate.status != "pass" for gate in gates)
    assert found.withheld.any()
    assert not found.withheld.all()


def test_a_small_run_of_the_benchmark_gives_every_cell():
    populations = {name: kinds_population(effect) for name, effect in EFFECTS.items()}
    rows = plasmode.rows(populations, {"population": plasmode.KINDS}, 500, 0.1, 5)
    assert len(rows) == 10 * 10
    assert {tuple(row) for row in rows} == {tuple(RECORD["rows"][0])}
    lin = [row for row in rows if row["estimator"] == plasmode.LIN]
    assert all(row["width_over_lin"] == row["rmse_over_lin"] == 1 for row in lin)
    for row in rows:
        assert row["coverage"] + row["above_truth"] + row["below_truth"] == pytest.approx(1)
