"""Bins of two logarithms: they stand for the users, add up, and keep their numbers in another unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twobytwo import Design, compress
from twobytwo.data.cells import Cells
from twobytwo.data.log_pairs import LogPairs

ASK = Design.did_wide(before_column="pre", after_column="post", group="g", unit="id", missing="zero")
SUMS = ["n", "l0", "l1", "l0_0", "l0_1", "l1_1"]


def users(n: int = 3_000, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    pre = np.where(rng.random(n) < 0.2, 0.0, rng.lognormal(4, 1.5, n).round(1))
    post = np.where(rng.random(n) < 0.1, 0.0, (pre + 5) * rng.lognormal(-0.1, 0.5, n).round(1))
    return pd.DataFrame({"id": np.arange(n), "g": np.arange(n) % 2, "pre": pre, "post": post})


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return users()


@pytest.fixture(scope="module")
def cells(frame: pd.DataFrame) -> Cells:
    return compress(frame, ASK)


def bins(cells: Cells) -> LogPairs:
    assert cells.log_pairs is not None
    return cells.log_pairs


def test_points_have_the_moments_of_the_users_who_are_positive_twice(
    frame: pd.DataFrame, cells: Cells
) -> None:
    points = bins(cells).pairs()
    for g, rows in frame[(frame["pre"] > 0) & (frame["post"] > 0)].groupby("g"):
        before, after, weight = (points[k].to_numpy()[g] for k in ("before", "after", "weight"))
        logs = np.log(rows[["pre", "post"]].to_numpy())
        assert weight.sum() == pytest.approx(len(rows))
        mean = np.array([weight @ before, weight @ after]) / weight.sum()
        np.testing.assert_allclose(mean, logs.mean(axis=0), rtol=1e-12)
        found = np.cov(np.stack([before, after]), aweights=weight, ddof=0)
        np.testing.assert_allclose(found, np.cov(logs.T, ddof=0), rtol=1e-9)


def test_points_of_one_period_have_the_moments_of_its_users(frame: pd.DataFrame, cells: Cells) -> None:
    points = bins(cells).singles()
    for g, rows in frame.groupby("g"):
        for t, (here, other) in enumerate((("pre", "post"), ("post", "pre"))):
            logs = np.log(rows.loc[(rows[here] > 0) & (rows[other] == 0), here])
            value, weight = (points[k].to_numpy()[g, t] for k in ("value", "weight"))
            assert weight.sum() == pytest.approx(len(logs))
            assert np.average(value, weights=weight) == pytest.approx(logs.mean())
            away = np.average((value - logs.mean()) ** 2, weights=weight)
            assert away == pytest.approx(logs.var(ddof=0))


def test_there_are_far_fewer_points_than_users_and_no_more_for_more_users() -> None:
    """Ten times the users in the same places: the same bins."""
    base = users(6_000)
    many = pd.concat([base] * 5, ignore_index=True).assign(id=range(30_000))
    few, more = (bins(compress(rows, ASK)).frame for rows in (base, many))
    assert len(few) == len(more)
    assert len(more) < 30_000 / 10


def test_halves_add_up_to_the_whole(frame: pd.DataFrame, cells: Cells) -> None:
    halves = [compress(rows, ASK) for rows in (frame[:1_700], frame[1_700:])]
    found, whole = bins(halves[0] + halves[1]), bins(cells)
    if found.frame["width"].nunique() == 1:
        pd.testing.assert_frame_equal(found.frame, whole.frame, rtol=1e-9, atol=1e-9, check_dtype=False)
    for active, rows in whole.frame.groupby("active"):
        own = found.frame[found.frame["active"] == active]
        assert own["n"].sum() == rows["n"].sum()
        for name in ("l0", "l1"):
            assert (own["n"] * own[name]).sum() == pytest.approx((rows["n"] * rows[name]).sum())


def test_another_unit_moves_nobody_to_another_bin(cells: Cells) -> None:
    own, other = bins(cells).frame, bins(cells.scaled(60.0)).frame
    pd.testing.assert_frame_equal(own.drop(columns=["l0", "l1"]), other.drop(columns=["l0", "l1"]))
    for name, bit in (("l0", 2), ("l1", 1)):
        moved = np.where(own["active"] & bit, np.log(60.0), 0.0)
        np.testing.assert_allclose(other[name] - own[name], moved, atol=1e-12)


def test_they_are_saved_with_the_cells(cells: Cells, tmp_path: Path) -> None:
    loaded = Cells.load(cells.save(tmp_path / "cells"))
    pd.testing.assert_frame_equal(bins(loaded).frame, bins(cells).frame, check_exact=True)


def test_one_value_a_user_and_a_covariate_have_none(frame: pd.DataFrame) -> None:
    one = Design.compare(outcome="post", group="g", unit="id")
    assert compress(frame, one).log_pairs is None
    other = Design.compare(outcome="post", group="g", unit="id", covariate="pre")
    assert compress(frame, other).log_pairs is None
