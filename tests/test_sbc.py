"""The calibration harness judges rightly, and its record is of the code that is here."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import evidence
import numpy as np
import pandas as pd
import pytest
import sbc
import sbc_models
import strata_law
from scipy.stats import binom, multinomial, norm

from twobytwo import compress
from twobytwo.ask.design import Design
from twobytwo.infer.by_stratum import adjusted
from twobytwo.infer.families import family_of
from twobytwo.infer.model import build_model
from twobytwo.infer.predictors import coding

ROOT = Path(__file__).parents[1]
RECORD = json.loads((ROOT / "docs" / "data" / "sbc.json").read_text(encoding="utf-8"))
STALE = timedelta(weeks=26)


@pytest.mark.parametrize("name", list(sbc.MODELS))
def test_the_record_is_fresh_and_of_the_code_that_is_here(name: str) -> None:
    again = f"run `uv run python benchmarks/sbc.py 1000 '{name}'`, then `... sbc.py --page`"
    of, entry = sbc.MODELS[name], RECORD["models"].get(name)
    assert entry is not None, f"{name!r} was never simulated: {again}"
    changed = f"{name!r} was simulated with other code than {', '.join(of.code)} now have: {again}"
    assert entry["code"] == evidence.code_hash(*of.code), changed
    age = datetime.now(tz=UTC).date() - date.fromisoformat(entry["date"])
    assert age < STALE, f"{name!r} was simulated on {entry['date']}, more than 26 weeks ago: {again}"


def test_as_many_quantities_are_inside_their_band_as_of_uniform_ranks() -> None:
    """One in a hundred is outside by chance; none may be where a hundred uniform ones hardly ever are."""
    counts = {}
    for name, entry in RECORD["models"].items():
        for quantity, ranks in entry["ranks"].items():
            assert sum(ranks) == entry["simulations"]
            counts[name, quantity] = ranks
    outside = [place for place, ranks in counts.items() if not sbc.inside(ranks)]
    assert len(outside) <= binom.ppf(0.99, len(counts), 0.01), outside
    assert not [place for place in outside if sbc.chance(counts[place]) <= 0.01 / len(counts)]


@pytest.mark.parametrize("name", [*sbc.FAULTS, sbc.OWN_VARIATION])
def test_a_planted_fault_was_found(name: str) -> None:
    """If not: run benchmarks/sbc.py 40 --faults, with more simulations where it takes more."""
    entry = RECORD["faults"][name]
    assert entry["found"]
    ranked = [quantity for quantity, counts in entry.get("ranks", {}).items() if not sbc.inside(counts)]
    assert not ranked or ranked == entry["found"]


@pytest.mark.parametrize("same", [True, False])
def test_ranks_are_kept_where_moved_code_gives_them_again(
    *, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "normal, rows"
    ranks = {"did": [0] * (sbc.RANKS + 1)}
    entry = {"code": "before", "simulations": 9, "ranks": ranks, "first": [{"did": 3}] * sbc.REPLAYED}
    monkeypatch.setattr(sbc, "RECORD", tmp_path / "sbc.json")
    monkeypatch.setattr(sbc, "one", lambda _, seed: {"did": 3 if same or seed == 0 else 4})
    evidence.write({"models": {name: entry}}, sbc.RECORD)
    sbc.carry(("normal",))
    kept = evidence.read(sbc.RECORD)["models"][name]
    assert kept["simulations"] == 9
    assert (kept["code"] == evidence.code_hash(*sbc.MODELS[name].code)) is same
    assert ("carried" in kept) is same


def test_strata_lean_to_no_side() -> None:
    assert abs(strata_law.lean(adjusted, experiments=100)) < 3


def test_the_page_and_the_picture_are_of_the_record(tmp_path: Path) -> None:
    """If not: benchmarks/sbc.py --page."""
    assert sbc.tables(RECORD) in sbc.PAGE.read_text(encoding="utf-8")
    sbc.draw(RECORD, tmp_path / "sbc.svg")
    assert (tmp_path / "sbc.svg").read_text("utf-8") == sbc.PICTURE.read_text("utf-8")


def test_the_band_lets_uniform_ranks_pass_and_stops_others() -> None:
    rng = np.random.default_rng(2)

    def counts(ranks: Any) -> list[int]:
        return np.bincount(np.clip(ranks, 0, sbc.RANKS).astype(int), minlength=sbc.RANKS + 1).tolist()

    uniform = [sbc.inside(counts(rng.integers(0, sbc.RANKS + 1, 400))) for _ in range(100)]
    assert np.mean(uniform) > 0.94
    assert not sbc.inside(counts(rng.beta(1.5, 1, 400) * (sbc.RANKS + 1)))
    assert not sbc.inside(counts(rng.beta(2, 2, 400) * (sbc.RANKS + 1)))
    assert not sbc.inside(counts(rng.beta(0.6, 0.6, 400) * (sbc.RANKS + 1)))


def test_the_chance_of_ranks_is_that_of_their_band() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        counts = np.bincount(rng.integers(0, sbc.RANKS + 1, 20), minlength=sbc.RANKS + 1).tolist()
        assert 0 < sbc.chance(counts) <= 1
        assert (sbc.chance(counts) > 0.02) <= sbc.inside(counts)
    assert sbc.chance([20, *[0] * sbc.RANKS]) < 1e-4


@pytest.mark.parametrize("factorial", [False, True])
def test_cells_are_coded_as_in_the_package(*, factorial: bool) -> None:
    design = sbc.MODELS["normal, factorial" if factorial else "normal, rows"].design
    effects = np.array([1.0, -0.4, 0.3, 0.7])
    resolved: Design = design.resolve({"g": [0, 1], "t": [0, 1]})
    expected = 2 + 3 * (coding(resolved).to_numpy() * effects).sum(axis=-1)
    np.testing.assert_allclose(sbc_models.location(effects, 2.0, 3.0, factorial=factorial), expected)


@pytest.mark.parametrize("name", [n for n in sbc.MODELS if not n.startswith(("joint", "stratified"))])
def test_rows_have_the_true_means(name: str) -> None:
    of = dataclasses.replace(sbc.MODELS[name], n=40_000)
    rng = np.random.default_rng(1)
    found = of.draw(rng)
    rows = of.rows(found, rng)
    if of.paired:
        values = [rows["y1"] - rows["y0"]] if of.of_changes else [rows["y0"], rows["y1"]]
        cells = [value[rows["g"] == g] for g in (0, 1) for value in values]
    else:
        cells = [cell for _, cell in rows.groupby(["g", "t"])["y"]]
    unit = 100 if of.kind == "share" else 1
    for cell, true in zip(cells, np.ravel(of.means(found)), strict=True):
        assert abs(unit * cell.mean() - true) < 5 * unit * cell.std() / np.sqrt(len(cell))


def test_strata_hold_the_users_that_were_drawn_for_them() -> None:
    """Their sums are draws of the model's distributions only so."""
    of, rng, taken = sbc.MODELS["stratified, randomised pairs"], np.random.default_rng(1), 0
    with sbc.patched(*of.replaced()):
        while taken < 5:
            found = of.draw(rng)
            # Where most users are heavy, those in the middle come close to the edge below them.
            found["log_share"] = np.log([0.1, 0.2, 0.7])
            rows = of.rows(found | of.derived(found), rng)
            if len(rows):
                here = compress(rows, of.design).strata()["n"].sum("group")
                np.testing.assert_array_equal(here, rows.groupby("drawn_for").size())
                taken += 1


def test_strata_are_as_likely_as_they_are_drawn() -> None:
    """Their likelihood, written a second time from the rows, at the truth and elsewhere."""
    of, rng = sbc.MODELS["stratified, randomised pairs"], np.random.default_rng(2)
    rows = pd.DataFrame()
    while not len(rows):
        found = of.draw(rng)
        rows = of.rows(found, rng)
    with sbc.patched(*of.replaced()):
        made = build_model(compress(rows, of.design), family_of(of.family), of.widths)
    for name, value in of.constants.items():
        made[name].set_value(np.asarray(value, dtype=float))
    likelihood = made.compile_logp(vars=made.observed_RVs, jacobian=False, mode="FAST_COMPILE")
    sampled = {variable.name: made.rvs_to_values[variable].name for variable in made.free_RVs}
    for at in (found, of.draw(rng), of.draw(rng)):
        point = {sampled[free.name]: np.asarray(free.sampled(at[free.name])) for free in of.free}
        np.testing.assert_allclose(likelihood(point), likelihood_of_strata(of, at, rows), rtol=1e-7)


def likelihood_of_strata(of: Any, at: Any, rows: pd.DataFrame) -> float:
    groups = [rows[rows["g"] == g] for g in (0, 1)]
    total = sum(
        norm.logpdf(group["y0"].mean(), at["location"][g, 0], of.before_se[g])
        for g, group in enumerate(groups)
    )
    n = rows.groupby("drawn_for").size().to_numpy()
    total += multinomial.logpmf(n, n.sum(), at["share"])
    seen = []
    for k in range(3):
        users = [group[group["drawn_for"] == k] for group in groups]
        off = np.concatenate([u[["y0", "y1"]] - u[["y0", "y1"]].mean() for u in users])
        (xx, xy), (_, yy) = off.T @ off
        (x0, y0), (x1, y1) = (u[["y0", "y1"]].mean() for u in users)
        mean = rows.loc[rows["drawn_for"] == k, "y1"].mean()
        hat = sum(1 / len(u) for u in users) + (x1 - x0) ** 2 / xx
        each = [((u["y1"] - u["y1"].mean() - xy / xx * (u["y0"] - u["y0"].mean())) ** 2).sum() for u in users]
        variance = (yy - xy**2 / xx) / (n[k] - 3)
        # Drawn to the common variance as by 4 of a fifth of the users.
        own = sum(
            (4 * variance + squares / 5) / (4 + (len(u) - 1) / 5) / len(u)
            for squares, u in zip(each, users, strict=True)
        )
        relative = (y1 - y0 - xy / xx * (x1 - x0)) / mean
        seen.append((mean, relative, hat, variance, n[k] ** 2 * own, n[k] ** 2 * variance * hat))
    *_, own, common = np.array(seen).T
    factor = own.sum() / common.sum()
    # The simulator has groups that spread differently.
    assert factor > 1
    for k, (mean, relative, hat, variance, *_) in enumerate(seen):
        total += norm.logpdf(mean, at["mean"][k], of.spread[k] / np.sqrt(n[k]))
        total += norm.logpdf(relative, at["relative"][k], np.exp(at["log_cv"][k]) * np.sqrt(hat * factor))
        cv = np.sqrt(variance) / mean
        total += norm.logpdf(np.log(cv), at["log_cv"][k], (0.4 * (n[k] - 3)) ** -0.5)
    return float(total)


def test_one_simulation_ranks_every_quantity() -> None:
    ranks = sbc.one("normal, rows", 0)
    assert list(ranks) == ["did", "log-prior", "log-likelihood"]
    assert all(0 <= rank <= sbc.RANKS for rank in ranks.values())


def calibrated(name: str, simulations: int) -> bool:
    """Whether all quantities together are as near to uniform as in 99 of 100 right runs."""
    entry: dict[str, Any] = {"ranks": {}}
    for seed in range(10_000, 10_000 + simulations):
        sbc.add(entry, sbc.one(name, seed))
    ranks = entry["ranks"].values()
    return all(sbc.inside(counts) or sbc.chance(counts) > 0.01 / len(ranks) for counts in ranks)


@pytest.mark.parametrize(("name", "simulations"), [("normal, rows", 60), ("joint normal, scorecard", 140)])
def test_two_fast_models_are_calibrated(name: str, simulations: int) -> None:
    """200 in all; gross faults need fewer (the planted ones were found with 40)."""
    assert calibrated(name, simulations)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["normal, rows", "lognormal, rows"])
def test_two_fast_models_are_calibrated_in_200_simulations(name: str) -> None:
    assert calibrated(name, 200)
