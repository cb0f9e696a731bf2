"""Bins against the rows that went in: moments, weighted points, log-likelihoods, sums of parts."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data.bins import Bins, gauss
from twobytwo.data.cells import Cells, compress
from twobytwo.data.grid import Grid
from twobytwo.data.moments import merge

Floats = npt.NDArray[np.float64]
Density = Callable[[Floats], Floats]

DESIGN = Design.interaction(outcome="y", factors=("a", "b"))
N = 100_000


def dealt(y: Floats) -> pd.DataFrame:
    """Rows dealt to the four cells in turn."""
    turn = np.arange(len(y)) % 4
    return pd.DataFrame({"y": y, "a": turn // 2, "b": turn % 2})


def difference(y: Floats, cells: Cells, log_density: Density) -> float:
    """Log-likelihood of the weighted points minus that of the rows."""
    points = cells.points()
    weight = points["weight"].to_numpy()
    values = log_density(points["value"].to_numpy()[weight > 0])
    return float(weight[weight > 0] @ values - log_density(y).sum())


def rows_of(kind: str) -> Floats:
    rng = np.random.default_rng(11)
    return {
        "stand-in": lambda: simulate.active_minutes()["minutes"].to_numpy(float),
        "t": lambda: 50 + 20 * rng.standard_t(2.5, N),
        "lognormal": lambda: rng.lognormal(4.0, 1.9, N),
        # Gamma and lognormal densities need positive outcomes.
        "stand-in, size": lambda: np.abs(simulate.active_minutes()["minutes"].to_numpy(float)),
        "t, size": lambda: np.abs(50 + 20 * rng.standard_t(2.5, N)),
    }[kind]()


@lru_cache
def compressed(kind: str) -> tuple[Floats, Cells]:
    y = rows_of(kind)
    return y, compress(dealt(y), DESIGN)


def densities(family: str, y: Floats) -> list[Density]:
    """Ten parameter values around the data's own."""
    rng = np.random.default_rng(3)
    centre, spread = float(np.median(y)), float(np.subtract(*np.quantile(y, [0.75, 0.25]))) / 1.35
    logs = np.log(np.maximum(np.abs(y), 1e-9))

    def about(value: float, by: float = 0.2) -> float:
        return value * math.exp(by * rng.standard_normal())

    def draw() -> Density:
        if family == "student_t":
            nu, loc, scale = about(3.0, 0.5), centre + 0.2 * spread * rng.standard_normal(), about(spread)
            return lambda x: stats.t.logpdf(x, nu, loc, scale)
        if family == "gamma":
            shape = about(y.mean() ** 2 / y.var() + 0.3)
            rate = shape / about(y.mean())
            return lambda x: stats.gamma.logpdf(x, shape, scale=1 / rate)
        if family == "lognormal":
            sigma, centre_of_logs = about(logs.std()), logs.mean() + 0.1 * rng.standard_normal()
            return lambda x: stats.lognorm.logpdf(x, sigma, scale=math.exp(centre_of_logs))
        mu, sd = y.mean() + y.std() * rng.standard_normal(), about(y.std(), 0.7)
        return lambda x: stats.norm.logpdf(x, mu, sd)

    return [draw() for _ in range(10)]


# The log-likelihood of the points is that of the rows


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        *(("student_t", kind) for kind in ("stand-in", "t", "lognormal")),
        *(("gamma", kind) for kind in ("stand-in, size", "t, size", "lognormal")),
        *(("lognormal", kind) for kind in ("stand-in, size", "t, size", "lognormal")),
    ],
)
def test_weighted_points_give_the_log_likelihood_of_all_rows(family: str, kind: str) -> None:
    y, cells = compressed(kind)
    worst = max(abs(difference(y, cells, density)) for density in densities(family, y))
    assert worst < 0.01


@pytest.mark.parametrize("kind", ["stand-in", "t", "lognormal"])
def test_a_normal_log_likelihood_is_exact(kind: str) -> None:
    y, cells = compressed(kind)
    for density in densities("normal", y):
        assert abs(difference(y, cells, density)) <= 1e-8 * abs(density(y).sum())


@pytest.mark.parametrize("family", ["student_t", "gamma", "lognormal"])
def test_whole_minutes_one_to_a_bin_are_exact(family: str) -> None:
    """Up to 31, bins are at most one wide; to 63, two values share a bin, which two nodes represent."""
    rng = np.random.default_rng(2)
    y = np.clip(np.ceil(rng.lognormal(2, 1, 20_000)), 1, 63)
    cells = compress(dealt(y), DESIGN)
    for density in densities(family, y):
        assert abs(difference(y, cells, density)) <= 1e-11 * abs(density(y).sum())
    points = cells.points()
    kept = points["value"].to_numpy()[points["weight"].to_numpy() > 0]
    np.testing.assert_allclose(kept, np.round(kept), rtol=1e-12)


def test_half_zeros_are_exact_too() -> None:
    rng = np.random.default_rng(2)
    y = np.where(rng.random(20_000) < 0.6, 0.0, np.ceil(rng.lognormal(2, 0.5, 20_000)))
    cells = compress(dealt(y), DESIGN)
    assert abs(difference(y, cells, lambda x: stats.t.logpdf(x, 3.0, 1.0, 2.0))) < 1e-6
    assert int(cells.count("zero").sum()) == int((y == 0).sum())


@pytest.mark.parametrize("ratio", [3, 10, 30])
def test_a_cell_much_narrower_than_the_others_is_seen_as_sharply(ratio: float) -> None:
    """The bins' scale comes from all cells together; correctness must not depend on it."""
    rng = np.random.default_rng(1)
    scales, centres = [20 / ratio, 20, 20, 20], [10, 50, 60, 70]
    ys = [centre + scale * rng.standard_t(3, N // 4) for centre, scale in zip(centres, scales, strict=True)]
    frame = pd.concat([pd.DataFrame({"y": y, "a": k // 2, "b": k % 2}) for k, y in enumerate(ys)])
    points = compress(frame, DESIGN).points().sel(a="0", b="0")
    weight = points["weight"].to_numpy()
    value, weight = points["value"].to_numpy()[weight > 0], weight[weight > 0]
    full = stats.t.logpdf(ys[0], 3, 10, scales[0]).sum()
    assert abs(weight @ stats.t.logpdf(value, 3, 10, scales[0]) - full) < 0.01


# Moments


@pytest.mark.parametrize("kind", ["stand-in", "t", "lognormal"])
def test_moments_are_those_of_the_rows(kind: str) -> None:
    y, cells = compressed(kind)
    groups = dealt(y).groupby(["a", "b"])["y"]
    moments = cells.moments()
    for name, values in {
        "n": groups.size(),
        "mean": groups.mean(),
        "ss": groups.apply(lambda v: ((v - v.mean()) ** 2).sum()),
        "sc": groups.apply(lambda v: ((v - v.mean()) ** 3).sum()),
    }.items():
        np.testing.assert_allclose(moments[name].to_numpy().ravel(), values, rtol=1e-9)


def test_log_moments_are_those_of_the_positive_rows() -> None:
    y, cells = compressed("t")
    frame = dealt(y)
    logs = np.log(frame["y"].where(frame["y"] > 0)).groupby([frame["a"], frame["b"]])
    moments = cells.moments("log")
    np.testing.assert_array_equal(moments["n"].to_numpy().ravel(), logs.count())
    np.testing.assert_allclose(moments["mean"].to_numpy().ravel(), logs.mean(), rtol=1e-12)
    np.testing.assert_allclose(moments["ss"].to_numpy().ravel(), logs.var() * (logs.count() - 1), rtol=1e-10)
    for sign, chosen in (("positive", y > 0), ("negative", y < 0), ("zero", y == 0)):
        assert int(cells.count(sign).sum()) == int(chosen.sum())  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_units_do_not_matter(unit: float) -> None:
    y = rows_of("lognormal")[:4_000]
    scaled, plain = (compress(dealt(y * u), DESIGN).moments() for u in (unit, 1.0))
    for name, power in (("mean", 1), ("ss", 2), ("sc", 3)):
        np.testing.assert_allclose(scaled[name] / unit**power, plain[name], rtol=1e-11)


@pytest.mark.parametrize("shift", [0.0, 1e3, 1e6, 1e9])
def test_a_large_mean_does_not_drown_a_small_spread(shift: float) -> None:
    y = np.random.default_rng(4).normal(0, 1, 4_000)
    found = compress(dealt(y + shift), DESIGN).moments()["ss"].to_numpy().ravel()
    # Exact sums of the rows as they are stored: what is tested is the compression, not the rounding.
    stored = (y + shift) - shift
    expected = dealt(stored).groupby(["a", "b"])["y"].var() * 999
    # A mean near 1e9 is itself stored to 1e-7 of a unit only.
    np.testing.assert_allclose(found, expected, rtol=1e-9 + 1e-16 * shift)


@pytest.mark.parametrize("strange", [-0.0, 5e-324, 1e-300])
def test_a_value_next_to_zero_is_no_trouble(strange: float) -> None:
    y = rows_of("lognormal")[:400].copy()
    y[0] = strange
    cells = compress(dealt(y), DESIGN)
    assert cells.rows == 400
    np.testing.assert_allclose(cells.moments()["mean"].to_numpy().ravel()[0], y[::4].mean())


@pytest.mark.parametrize("coarsest", [1, 2, 7, 48, 10_000])
def test_points_keep_three_moments_at_any_coarseness(coarsest: int) -> None:
    _, cells = compressed("lognormal")
    points, moments = cells.points(coarsest), cells.moments()
    value, weight = (points[name].to_numpy() for name in ("value", "weight"))
    assert int((weight > 0).sum(axis=-1).max()) <= 2 * coarsest
    mean = moments["mean"].to_numpy()
    centred = value - mean[..., None]
    np.testing.assert_allclose(weight.sum(-1), moments["n"], rtol=1e-12)
    np.testing.assert_allclose((weight * value).sum(-1), moments["n"] * mean, rtol=1e-11)
    np.testing.assert_allclose((weight * centred**2).sum(-1), moments["ss"], rtol=1e-9)
    np.testing.assert_allclose((weight * centred**3).sum(-1), moments["sc"], rtol=1e-8)


def test_points_lie_among_the_rows_and_padding_weighs_nothing() -> None:
    y, cells = compressed("lognormal")
    points = cells.points()
    value, weight = (points[name].to_numpy() for name in ("value", "weight"))
    assert (weight >= 0).all()
    assert value[weight > 0].min() > 0, "a point below zero would leave the lognormal's support"
    assert value[weight > 0].max() <= y.max() * (1 + 1e-9)
    assert (weight > 0).any(axis=tuple(range(weight.ndim - 1))).all(), "a point that no cell has"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-6),
        min_size=1,
        max_size=12,
    )
)
def test_the_gauss_rule_keeps_count_mean_variance_and_third_moment(values: list[float]) -> None:
    y = np.array(values)
    mean = y.mean()
    moments = np.array([[float(y.size)], [mean], [((y - mean) ** 2).sum()], [((y - mean) ** 3).sum()]])
    nodes, weights, _ = gauss(moments, np.zeros(1, dtype=np.int64))
    scale = np.abs(y).max() + 1e-300
    assert nodes.size <= 2
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(y.size)
    for power in (1, 2, 3):
        found, expected = (weights * (nodes - mean) ** power).sum(), ((y - mean) ** power).sum()
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-7 * y.size * scale**power)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(-1000, 1000), min_size=1, max_size=6), min_size=1, max_size=5))
def test_merged_moments_are_those_of_all_values(sets: list[list[int]]) -> None:
    def of(values: Floats) -> Floats:
        centred = values - values.mean()
        return np.array([values.size, values.mean(), (centred**2).sum(), (centred**3).sum()])

    parts = [np.array(values, dtype=float) for values in sets]
    merged = merge(np.stack([of(part) for part in parts], axis=1), np.zeros(len(parts), dtype=np.int64), 1)
    np.testing.assert_allclose(merged[:, 0], of(np.concatenate(parts)), rtol=1e-9, atol=1e-5)


# Sums of parts


def test_parts_add_up_to_the_whole_on_one_grid() -> None:
    y = rows_of("t")[:20_000]
    frame = dealt(y)
    grid = Grid(floor=16.0, centre=48.0, spread=16.0, width=1 / 16)
    whole = compress(frame, DESIGN, grid=grid).bins
    first, second = (compress(part, DESIGN, grid=grid).bins for part in (frame[:7_000], frame[7_000:]))
    for total in (first + second, second + first):
        pd.testing.assert_frame_equal(total.frame, whole.frame, rtol=1e-9)
        exact = ["cell", "reference", "n"]
        assert (total.frame[exact] == whole.frame[exact]).all(axis=None)


def test_parts_on_different_grids_keep_every_moment() -> None:
    y = rows_of("lognormal")[:20_000]
    frame = dealt(y)
    whole = compress(frame, DESIGN)
    low = compress(frame[y < 50], DESIGN)
    high = compress(frame[y >= 50], DESIGN, grid=Grid(floor=1.0, centre=0.0, spread=512.0, width=1 / 8))
    total = low + high
    assert total.rows == whole.rows
    for kind in ("raw", "log"):
        for name, values in whole.moments(kind).items():  # type: ignore[arg-type]
            np.testing.assert_allclose(total.moments(kind)[name], values, rtol=1e-9)  # type: ignore[arg-type]
    density: Density = lambda x: stats.gamma.logpdf(x, 0.4, scale=800)  # noqa: E731
    assert abs(difference(y, total, density)) < 0.02


def test_addition_is_associative() -> None:
    frame = dealt(rows_of("t")[:3_000])
    a, b, c = (compress(frame[k : k + 1_000], DESIGN).bins for k in (0, 1_000, 2_000))
    pd.testing.assert_frame_equal(((a + b) + c).frame, (a + (b + c)).frame, rtol=1e-9)


def test_bins_know_their_labels() -> None:
    bins = compress(dealt(np.arange(40.0)), DESIGN).bins
    assert isinstance(bins, Bins)
    assert (bins.dims, bins.shape, bins.rows, bins.n_cells) == (("a", "b"), (2, 2), 40, 4)
    assert bins.lowest == 0.0
