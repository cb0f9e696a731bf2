"""A mixture of lognormal kinds: its likelihood of whole numbers and zeros, its start, its number of kinds."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.data.engines import OwnDuckDB
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families.kinds import find_kinds
from twobytwo.infer.families.log_points import LogPoints
from twobytwo.infer.families.lognormal_mixture import LogNormalMixture, _start
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors

Floats = npt.NDArray[np.float64]
TWO = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (0, 1), "b": (0, 1)})
PARTS = ("kind_weight", "kind_location", "kind_sigma")
WEIGHT, LOCATION, SIGMA = np.array([0.4, 0.45, 0.15]), np.array([1.5, 3.0, 5.5]), np.array([1.0, 0.9, 1.0])
OPTIONS = SamplerOptions(draws=300, tune=300, chains=2)


def mixed(n: int, rng: np.random.Generator, *, zeros: float = 0.0, whole: bool = False) -> pd.DataFrame:
    kind = rng.choice(3, size=n, p=WEIGHT)
    y = rng.lognormal(LOCATION[kind], SIGMA[kind])
    if whole:
        y = np.maximum(np.rint(y), 1.0)
    turn = np.arange(n) % 4
    return pd.DataFrame({"y": y * (rng.random(n) >= zeros), "a": turn // 2, "b": turn % 2})


def evaluated(cells: Cells, family: LogNormalMixture, steps: int) -> list[tuple[float, dict[str, Any]]]:
    """Log-likelihoods around the start, and the parameters of the cells that belong to them."""
    model = build_model(cells, family, Priors())
    names = [name for name in (*PARTS, "activity") if name in model.named_vars]
    outputs = [model.logp(vars=model.observed_RVs), *(model[name] for name in names)]
    function = model.compile_fn(
        model.replace_rvs_by_values(outputs),
        inputs=model.value_vars,
        mode="FAST_COMPILE",
        point_fn=True,
        on_unused_input="ignore",
    )
    rng, start, made = np.random.default_rng(1), model.initial_point(), []
    for _ in range(steps):
        found, *values = function({k: v + 0.05 * rng.standard_normal(np.shape(v)) for k, v in start.items()})
        made.append((float(found), dict(zip(names, values, strict=True))))
    return made


def by_rows(frame: pd.DataFrame, named: dict[str, Any]) -> float:
    """Log-likelihood row by row: SciPy's probability of the interval that a small whole number stands for."""
    total = 0.0
    for (a, b), rows in frame.groupby(["a", "b"]):
        y = rows["y"].to_numpy()
        y = y[y > 0]
        kinds = [
            stats.lognorm(s, scale=np.exp(m))
            for m, s in zip(*(named[p][a, b] for p in PARTS[1:]), strict=True)
        ]
        weights = named["kind_weight"][a, b]
        density = sum(w * kind.pdf(y) for w, kind in zip(weights, kinds, strict=True))
        if (y == np.rint(y)).all():
            low = np.where(y > 1, y - 0.5, 0.0)
            inside = sum(
                w * (kind.cdf(y + 0.5) - kind.cdf(low)) for w, kind in zip(weights, kinds, strict=True)
            )
            density = np.where(y <= 20, inside, density)
        total += float(np.log(density).sum())
        if "activity" in named:
            active = 1 / (1 + np.exp(-named["activity"][a, b]))
            total += float(stats.binom.logpmf(len(y), len(rows), active))
    return total


@pytest.mark.parametrize(("kinds", "zeros", "whole"), [(3, 0.0, True), (4, 0.3, True), (2, 0.3, False)])
def test_the_likelihood_is_that_of_the_rows(kinds: int, zeros: float, whole: bool) -> None:
    frame = mixed(20_000, np.random.default_rng(0), zeros=zeros, whole=whole)
    for found, named in evaluated(compress(frame, TWO), LogNormalMixture(kinds), 4):
        assert named["kind_weight"].shape == (2, 2, kinds)
        assert found == pytest.approx(by_rows(frame, named), abs=0.01)


def test_the_mean_of_the_positive_outcomes_is_the_location() -> None:
    cells = compress(mixed(4_000, np.random.default_rng(0)), TWO)
    model = build_model(cells, LogNormalMixture(3), Priors())
    names = ("location", *PARTS)
    function = model.compile_fn(
        model.replace_rvs_by_values([model[name] for name in names]),
        inputs=model.value_vars,
        mode="FAST_COMPILE",
        point_fn=True,
        on_unused_input="ignore",
    )
    location, weight, mu, sigma = function(model.initial_point())
    np.testing.assert_allclose((weight * np.exp(mu + sigma**2 / 2)).sum(axis=-1), np.exp(location))
    np.testing.assert_allclose(weight.sum(axis=-1), 1)
    assert (np.diff(mu, axis=-1) > 0).all()


@pytest.mark.parametrize("unit", [1.0, 60.0, 1 / 60])
def test_whole_numbers_are_found_in_any_unit(unit: float) -> None:
    frame = mixed(2_000, np.random.default_rng(0), whole=True)
    frame["y"] *= unit
    fixed = LogNormalMixture().fixed(compress(frame, TWO))
    assert float(fixed["whole_unit"]) == pytest.approx(unit)


def test_other_numbers_are_no_whole_ones() -> None:
    assert "whole_unit" not in LogNormalMixture().fixed(compress(mixed(2_000, np.random.default_rng(0)), TWO))


def test_simulated_whole_numbers_have_the_density_that_is_stated() -> None:
    parameters = {"kind_weight": WEIGHT, "kind_location": LOCATION, "kind_sigma": SIGMA, "whole_unit": 2.0}
    draws = LogNormalMixture().simulate(parameters, 200_000, np.random.default_rng(0))
    for value in (2.0, 4.0, 20.0):
        share = float(2.0 * np.exp(LogNormalMixture().log_density(parameters, np.array([value]))[0]))
        assert (draws == value).mean() == pytest.approx(share, abs=4 * np.sqrt(share / 200_000))


# The start


def points_of(value: Floats, cells: int = 4) -> LogPoints:
    """Rows dealt to cells in turn, in bins of 1/20."""
    cell = np.arange(len(value)) % cells
    found, weight = np.unique(np.stack([cell, np.round(value * 20)]), axis=1, return_counts=True)
    none = np.full(len(weight), np.nan)
    return LogPoints(
        cell=found[0].astype(np.int64),
        value=found[1] / 20,
        weight=weight.astype(float),
        lower=none,
        upper=none,
    )


def test_em_finds_the_kinds_that_made_the_data() -> None:
    rng = np.random.default_rng(3)
    kind = rng.choice(3, size=40_000, p=[0.4, 0.35, 0.25])
    value = rng.normal(np.array([0.0, 3.0, 7.0])[kind], np.array([0.8, 0.7, 0.9])[kind])
    found = find_kinds(points_of(value), 3, 0.1)
    np.testing.assert_allclose(found.share, np.tile([0.4, 0.35, 0.25], (4, 1)), atol=0.03)
    np.testing.assert_allclose(found.location, np.tile([0.0, 3.0, 7.0], (4, 1)), atol=0.1)
    np.testing.assert_allclose(found.sigma, np.tile([0.8, 0.7, 0.9], (4, 1)), atol=0.06)


def test_em_improves_on_one_lognormal_and_more_kinds_on_fewer() -> None:
    logs = np.log(mixed(20_000, np.random.default_rng(0))["y"].to_numpy())
    one = stats.norm.logpdf(logs, logs.mean(), logs.std()).sum()
    two, three = (find_kinds(points_of(logs), count, 0.1).log_likelihood for count in (2, 3))
    assert one + 50 < two
    assert two + 10 < three


def test_a_kind_does_not_collapse_onto_one_value() -> None:
    """A third of the rows has one price; its kind is as wide as the least that a kind may be."""
    rng = np.random.default_rng(0)
    value = np.where(rng.random(6_000) < 0.3, 2.5, rng.normal(4, 1, 6_000))
    assert find_kinds(points_of(value), 2, 0.3).sigma.min() == pytest.approx(0.3)


# How many kinds


def test_four_kinds_are_taken_where_they_describe_better() -> None:
    rng, turn = np.random.default_rng(0), np.arange(40_000) % 4
    kind = rng.choice(4, size=40_000, p=[0.3, 0.3, 0.25, 0.15])
    four = rng.lognormal(np.array([0.0, 2.5, 5.0, 7.5])[kind], 0.7)
    cells = compress(pd.DataFrame({"y": four, "a": turn // 2, "b": turn % 2}), TWO)
    assert build_model(cells, LogNormalMixture(), Priors()).coords["kind"] == ("1", "2", "3", "4")
    three = compress(mixed(4_000, rng), TWO)
    assert build_model(three, LogNormalMixture(), Priors()).coords["kind"] == ("1", "2", "3")


@pytest.mark.parametrize("kinds", [1, 5, 2.5, True, "3"])
def test_a_number_of_kinds_that_is_not_possible_is_refused(kinds: Any) -> None:
    with pytest.raises(DesignError, match=r"components=.* must be a whole number from 2 to 4, or None"):
        LogNormalMixture(kinds)


# What is refused


def test_negative_values_and_few_positive_ones_are_refused() -> None:
    frame = mixed(400, np.random.default_rng(0))
    frame.loc[0, "y"] = -3.0
    with pytest.raises(DataError, match=r"'y' has 1 negative values; family='lognormal_mixture'.*normal"):
        LogNormalMixture().check(compress(frame, TWO))
    few = mixed(400, np.random.default_rng(0), zeros=0.9)
    with pytest.raises(DataError, match=r"A cell of 'y' has \d+ positive values.* at least 20 in every cell"):
        LogNormalMixture().check(compress(few, TWO))


# A fit to three kinds of users


@pytest.fixture(scope="module")
def users() -> Fit:
    rows = simulate.kinds_of_users(simulate.KindsOfUsers(n=50_000))
    design = Design.did(outcome="minutes", group="variant", period="period")
    return fit(compress(rows, design), LogNormalMixture(), Priors(), OPTIONS)


def test_cell_means_of_three_kinds_of_users_are_the_raw_ones(users: Fit) -> None:
    """A single lognormal is a fifth short here."""
    raw = users.cells.moments()["mean"].to_numpy()
    assert users.means is not None
    np.testing.assert_allclose(users.means.median(("chain", "draw")), raw, rtol=0.05)


def test_spreads_of_three_kinds_of_users_are_those_of_the_generator(users: Fit) -> None:
    """The sample's own are up to a third off: of so heavy a tail a standard deviation is noise."""
    typical = users.tree["posterior"].to_dataset().median(("chain", "draw"))
    weight, mu, sigma = (typical[part].to_numpy() for part in PARTS)
    mean = (weight * np.exp(mu + sigma**2 / 2)).sum(axis=-1)
    sd = np.sqrt((weight * np.exp(2 * mu + 2 * sigma**2)).sum(axis=-1) - mean**2)
    population = simulate.kinds_population(simulate.EFFECTS["none"])
    before, after = (y[y > 0].std() for y in (population.before, population.without))
    np.testing.assert_allclose(sd, [[before, after], [before, 1.04 * after]], rtol=0.15)


def test_the_spread_is_compared_with_that_of_samples(users: Fit) -> None:
    """No fault is found with the family that made the data, and one with a family of too light a tail."""
    posterior = users.tree["posterior"].to_dataset()
    assert users.family.spread_ratio(users.cells, posterior) < 1.15
    light = posterior.assign(kind_sigma=posterior["kind_sigma"] * 0.7)
    assert users.family.spread_ratio(users.cells, light) > 1.15


def test_the_sampler_does_not_get_lost(users: Fit) -> None:
    assert int(users.tree["sample_stats"]["diverging"].sum()) <= 1


def test_starts_keep_the_connections_of_two_tables_of_cells_only() -> None:
    """Cells of pairs hold the connection that may still read their bins."""

    def alive() -> int:
        gc.collect()
        return sum(type(one) is OwnDuckDB for one in gc.get_objects())

    design = Design.did(outcome="y", group="g", period="t", unit="u", missing="drop", control=0, before=0)
    before = alive()
    for seed in range(5):
        who = np.repeat(np.arange(200), 2)
        frame = pd.DataFrame({"u": who, "g": who % 2, "t": np.tile([0, 1], 200)})
        frame["y"] = np.random.default_rng(seed).lognormal(3, 1, 400)
        _start(compress(frame, design), 2)
    assert alive() <= before + 2
