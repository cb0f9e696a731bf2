"""Moments of cells against the rows that went in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.data.moments import Moments

DESIGN = Design.interaction(outcome="y", factors=("a", "b"))
Floats = npt.NDArray[np.float64]


def dealt(y: Floats) -> pd.DataFrame:
    turn = np.arange(len(y)) % 4
    return pd.DataFrame({"y": y, "a": turn // 2, "b": turn % 2})


def of_rows(y: Floats) -> Moments:
    return compress(dealt(y), DESIGN).bins.by_cell


def direct(y: Floats) -> Floats:
    """In extended precision: count, mean, central sums, of every fourth row."""
    found = []
    for k in range(4):
        own = y[k::4].astype(np.longdouble)
        shift = own - own.mean()
        found.append([len(own), own.mean(), (shift**2).sum(), (shift**3).sum()])
    return np.array(found, dtype=float).T


RNG = np.random.default_rng(3)
SKEWED = RNG.lognormal(4, 1.9, 4_000)


@pytest.mark.parametrize(
    "y",
    [
        SKEWED,
        SKEWED - 100,
        SKEWED * 1e-62,
        SKEWED * 1e55,
        1e8 + RNG.normal(0, 0.1, 4_000),
        -5e5 + RNG.normal(0, 3, 4_000),
        np.where(RNG.random(4_000) < 0.4, 0.0, SKEWED),
    ],
    ids=["skewed", "both signs", "tiny", "huge", "far from zero", "far below", "zeros"],
)
def test_moments_are_those_of_the_rows_wherever_they_are(y: Floats) -> None:
    found, expected = of_rows(y).values, direct(y)
    spread = np.sqrt(expected[2] / expected[0])
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-14, atol=1e-12 * spread.min())
    np.testing.assert_allclose(found[2], expected[2], rtol=1e-9)
    np.testing.assert_allclose(found[3], expected[3], rtol=1e-7, atol=1e-8 * (spread**3 * 1e3).max())


def test_ranges_and_signs_are_counted() -> None:
    y = np.concatenate([SKEWED - 100, np.zeros(400)])
    frame = of_rows(y).frame
    for k in range(4):
        own = y[k::4]
        row = frame.iloc[k]
        assert (row["low"], row["high"]) == (own.min(), own.max())
        assert (row["positive"], row["zero"]) == ((own > 0).sum(), (own == 0).sum())


def test_the_same_digits_come_from_shuffled_rows() -> None:
    frame = dealt(SKEWED)
    one, other = (
        compress(f, DESIGN).bins.by_cell.frame for f in (frame, frame.sample(frac=1, random_state=1))
    )
    np.testing.assert_allclose(one, other, rtol=4e-16 * 10)


def test_moments_add_up_and_move_with_the_unit() -> None:
    first, second = of_rows(SKEWED[:1_000]), of_rows(SKEWED[1_000:])
    whole = of_rows(SKEWED)
    pd.testing.assert_frame_equal((first + second).frame, whole.frame, rtol=1e-11)
    pd.testing.assert_frame_equal(whole.scaled(60.0).frame, of_rows(SKEWED * 60).frame, rtol=1e-11)


def test_bins_have_the_moments_of_their_rows() -> None:
    cells: Cells = compress(dealt(SKEWED), DESIGN)
    of_bins = Moments.of_bins(cells.bins.frame, 4)
    np.testing.assert_allclose(of_bins.values, cells.bins.by_cell.values, rtol=1e-11)
    logs = Moments.of_bins(cells.bins.frame, 4, logs=True)
    np.testing.assert_allclose(logs.values, cells.bins.logs.values, rtol=1e-10)
