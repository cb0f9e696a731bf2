"""Thresholds of the tail, its coarse points, and whether its shape holds still."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from twobytwo import Cells, Design, compress
from twobytwo.check.gate import THRESHOLDS
from twobytwo.check.gates.family import foreseen
from twobytwo.errors import DesignError
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.families.tail import Tail, tail_shapes
from twobytwo.infer.families.tail_cut import split
from twobytwo.simulate import KindsOfUsers, kinds_of_users

SHAPE = 0.35


def cells_of(y: np.ndarray, arm: np.ndarray) -> Cells:
    frame = pd.DataFrame({"y": y, "a": arm % 2, "b": arm // 2})
    return compress(frame, Design.interaction(outcome="y", factors=("a", "b")))


@pytest.fixture(scope="module")
def revenue() -> tuple[np.ndarray, np.ndarray]:
    """Pareto all the way down, so that every threshold shows the same shape; cells of different levels."""
    rng = np.random.default_rng(3)
    arm = np.arange(80_000) % 4
    y = 50 * stats.genpareto.rvs(SHAPE, size=len(arm), random_state=rng) * (1 + 0.1 * arm)
    return y, arm


@pytest.fixture(scope="module")
def cells(revenue: tuple[np.ndarray, np.ndarray]) -> Cells:
    return cells_of(*revenue)


def test_thresholds_are_common_to_all_cells(cells: Cells) -> None:
    parts = split(cells.bins)
    assert len(set(parts["threshold"].to_numpy().ravel())) == 1
    counts = parts["counts"].to_numpy()
    share = counts[..., 1].sum() / counts.sum()
    assert 0.05 <= share < 0.06
    # Cells of higher level have more of their rows beyond it.
    assert counts[0, 0, 1] < counts[1, 1, 1]


def test_a_cell_of_low_values_still_has_a_tail() -> None:
    rng = np.random.default_rng(4)
    arm = np.arange(8_000) % 4
    y = rng.exponential(1.0, len(arm)) * np.where(arm == 0, 0.2, 1.0)
    counts = split(cells_of(y, arm).bins)["counts"].to_numpy()
    assert counts[..., 1].min() >= 40


def test_few_points_have_the_likelihood_of_the_rows(
    revenue: tuple[np.ndarray, np.ndarray], cells: Cells
) -> None:
    (y, arm), parts = revenue, split(cells.bins)
    assert parts.sizes["point"] <= 96
    threshold = float(parts["threshold"].to_numpy()[0, 0, 0])
    for a, b in ((0, 0), (1, 1)):
        excess = y[(arm % 2 == a) & (arm // 2 == b) & (y > threshold)] - threshold
        cell = parts.isel(a=a, b=b, side=0)
        value, weight = cell["value"].to_numpy(), cell["weight"].to_numpy()
        assert weight.sum() == pytest.approx(len(excess))
        logs = np.array(
            [
                [
                    stats.genpareto.logpdf(excess, xi, 0, scale).sum(),
                    float(weight @ stats.genpareto.logpdf(value, xi, 0, scale)),
                ]
                for xi, scale in ((0.3, 60.0), (0.35, 80.0), (0.45, 70.0))
            ]
        )
        assert np.abs(np.diff(logs[:, 0] - logs[:, 1])).max() < 0.01


def test_the_shape_of_a_pareto_holds_still_and_is_found(cells: Cells) -> None:
    shapes = tail_shapes(cells.bins)
    assert shapes.shape == (3, 2)
    assert (np.abs(shapes[:, 0] - SHAPE) < 3 * shapes[:, 1]).all()
    (gate,) = foreseen(Tail(), cells)
    assert (gate.name, gate.family, gate.status) == ("tail_stability", "tail", "pass")


def test_minutes_of_kinds_of_users_have_no_pareto_tail() -> None:
    """The index falls as the threshold rises."""
    rows = kinds_of_users(KindsOfUsers(n=50_000, seed=1))
    design = Design.did(outcome="minutes", group="variant", period="period")
    minutes = compress(rows, design)
    shapes = tail_shapes(minutes.bins)
    assert (np.diff(shapes[:, 0]) < 0).all()
    (gate,) = foreseen(Tail(), minutes)
    assert gate.status == "refuse"
    assert gate.value is not None
    assert gate.value > (THRESHOLDS["tail_stability"].refuse or 0)


def test_what_is_foreseen_of_other_families_needs_no_fit(cells: Cells) -> None:
    """A lognormal that is far off is refused by formulas; a normal by its gates of large values alone."""
    assert [gate.name for gate in foreseen(Normal(), cells)] == ["skewness", "spread_alike"]
    rng = np.random.default_rng(5)
    arm = np.arange(20_000) % 4
    good = foreseen(LogNormal(), cells_of(rng.lognormal(3, 1, len(arm)), arm))
    assert [gate.status for gate in good if gate.name == "mean_fidelity"] == []
    bad = foreseen(LogNormal(), cells_of(rng.gamma(0.3, 10, len(arm)), arm))
    assert [gate.status for gate in bad if gate.name == "mean_fidelity"] == ["refuse"]


def test_rough_means_are_those_of_the_population(cells: Cells) -> None:
    """Body, threshold and what maximum likelihood has beyond it: nearer than the raw means are."""
    rough, raw = Tail().rough_means(cells), cells.moments()
    assert rough is not None
    truth = 50 * (1 + 0.1 * np.array([[0, 2], [1, 3]])) / (1 - SHAPE)
    se = np.sqrt(raw["ss"].to_numpy()) / raw["n"].to_numpy()
    assert np.abs((rough - truth) / se).max() < 2.5
    np.testing.assert_allclose(rough, truth, rtol=0.02)


def test_a_tail_whose_mean_is_far_off_is_refused_before_it_is_fitted() -> None:
    """Two lumps beyond the threshold: as a Pareto they have a mean that the data do not have."""
    rng = np.random.default_rng(6)
    arm = np.arange(40_000) % 4
    y = rng.gamma(2.0, 1.0, len(arm))
    y[: len(y) // 50] += 10_000.0
    found = foreseen(Tail(), cells_of(y, arm))
    assert [gate.status for gate in found if gate.name == "mean_fidelity"] == ["refuse"]


def test_rough_means_of_changes_have_two_tails_and_of_a_bound_none(cells: Cells) -> None:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"before": rng.pareto(4.0, 4_000), "after": rng.pareto(4.0, 4_000) + 1})
    wide = {"before_column": "before", "after_column": "after", "group": "g", "unit": "u", "control": 0}
    frame = frame.assign(g=np.arange(4_000) % 2, u=np.arange(4_000))
    pairs = compress(frame, Design.did_wide(**wide, treatment=1))
    rough = Tail().rough_means(pairs)
    assert rough is not None
    np.testing.assert_allclose(rough, pairs.changes.moments()["mean"].to_numpy(), atol=0.05)
    bounded = replace(cells.design, metric=replace(cells.design.metric, upper_bound=1e9))
    assert Tail().rough_means(replace(cells, design=bounded)) is None


def test_no_value_has_a_density_and_a_bound_takes_one_draw_a_row() -> None:
    tail = {"threshold": [10.0], "log_tail_scale": [1.0], "tail_odds": [1e12], "xi": 0.3}
    with pytest.raises(DesignError, match="no density below its threshold"):
        Tail().log_density(tail, np.array([12.0]))
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    drawn = Tail().simulate({**tail, "room": [5.0], "body": [1.0]}, 100, rng)
    assert drawn.max() <= 15.0
    same.choice(2, size=100, p=[0.0, 1.0])
    same.choice(np.ones(1), size=100)
    top = stats.genpareto.cdf(5.0, 0.3, 0, np.e)
    np.testing.assert_allclose(drawn, 10 + stats.genpareto.ppf(top * same.random(100), 0.3, 0, np.e))
