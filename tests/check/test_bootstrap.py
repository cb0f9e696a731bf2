"""The bootstrap of compressed data against resampling of rows and of users."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from anytable import cells_of_rows, cells_of_users

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.check.bootstrap import bootstrap
from twobytwo.check.least_squares import least_squares
from twobytwo.data.cells import Cells, compress

MINUTES = Design.did(outcome="minutes", group="variant", period="period")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulate.active_minutes()


@pytest.fixture(scope="module")
def cells(rows: pd.DataFrame) -> Cells:
    return compress(rows, MINUTES)


def _design(outcome: str, a: str, b: str) -> Design:
    return Design.interaction(outcome=outcome, factors=(a, b))


def test_the_bootstrap_interval_is_near_175_to_271(cells: Cells) -> None:
    found = bootstrap(cells)
    assert found.lower == pytest.approx(175, abs=2)
    assert found.upper == pytest.approx(271, abs=2)
    assert found.estimate == pytest.approx(223.1779, abs=5e-5)


def test_the_bootstrap_is_that_of_the_rows(rows: pd.DataFrame, cells: Cells) -> None:
    """Whole rows resampled 300 times; the Monte-Carlo error of its sd is 4 %, of its ends 0.15 sd."""
    rng = np.random.default_rng(1)
    contrasts = np.zeros(300)
    for (variant, period), values in rows.groupby(["variant", "period"])["minutes"]:
        y, sign = values.to_numpy(), 1 if (variant == 1) == (period == "post") else -1
        # The mean of n Poisson-weighted rows; n is fixed by dividing by the sum of the weights.
        for start in range(0, 300, 100):
            weights = rng.poisson(1.0, (100, y.size)).astype(np.float32)
            contrasts[start : start + 100] += sign * (weights @ y.astype(np.float32)) / weights.sum(axis=1)
    found = bootstrap(cells)
    assert found.se == pytest.approx(contrasts.std(), rel=0.16)
    for quantile, value in ((0.025, found.lower), (0.975, found.upper)):
        assert value == pytest.approx(np.quantile(contrasts, quantile), abs=0.5 * found.se)


def test_the_bootstrap_of_skewed_rows_is_skewed_like_that_of_the_rows() -> None:
    """Few rows and one heavy tail: the interval is far from symmetric, and third moments are kept."""
    rng = np.random.default_rng(0)
    ys = [rng.normal(10, 1, 200), rng.normal(10, 1, 200), rng.normal(10, 1, 200), rng.lognormal(1, 2, 200)]
    frame = pd.concat([pd.DataFrame({"y": y, "a": k // 2, "b": k % 2}) for k, y in enumerate(ys)])
    found = bootstrap(compress(frame, _design("y", "a", "b")), seed=3)
    resampled = np.stack([rng.choice(y, (10_000, 200)).mean(axis=1) for y in ys], axis=-1) @ [1, -1, -1, 1]
    assert found.se == pytest.approx(resampled.std(), rel=0.05)
    assert found.upper - found.estimate > 1.1 * (found.estimate - found.lower)
    for quantile, value in ((0.025, found.lower), (0.975, found.upper)):
        assert value == pytest.approx(np.quantile(resampled, quantile), abs=0.12 * found.se)


def test_the_bootstrap_depends_on_its_seed_and_on_nothing_else(cells: Cells) -> None:
    assert bootstrap(cells, seed=1) == bootstrap(cells, seed=1)
    assert bootstrap(cells, seed=1).lower != bootstrap(cells, seed=2).lower


@pytest.fixture(scope="module")
def users() -> pd.DataFrame:
    return simulate.user_minutes(simulate.UserMinutes(n=3_000, seed=6))


def paired(rows: pd.DataFrame, missing: Any) -> Cells:
    design = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing=missing)
    return compress(rows, design)


def test_few_users_seen_twice_among_many_seen_once_have_a_bootstrap() -> None:
    """A resample of 203 users, of whom 3 have a value after, often has none: it has no contrast."""
    rng = np.random.default_rng(0)
    wide = pd.DataFrame({"user": range(406), "arm": [0, 1] * 203, "pre": rng.normal(10, 1, 406)})
    wide["post"] = wide["pre"].where(wide["user"] < 6) + rng.normal(0, 1, 406)
    design = Design.did_wide(
        before_column="pre", after_column="post", group="arm", unit="user", missing="available"
    )
    found = bootstrap(compress(wide, design))
    assert found.lower < found.estimate < found.upper
    assert 0 < found.se < 5


def test_the_user_bootstrap_resamples_users(users: pd.DataFrame) -> None:
    cells = paired(users, "available")
    wide = users.pivot(index="user_id", columns="period", values="minutes")
    group = users.groupby("user_id")["variant"].first().reindex(wide.index).to_numpy()
    values, rng = wide[["pre", "post"]].to_numpy(), np.random.default_rng(0)
    contrasts = np.zeros(3_000)
    for g in (0, 1):
        own = values[group == g]
        drawn = rng.integers(0, len(own), (3_000, len(own)))
        for k in range(3_000):
            before, after = np.nanmean(own[drawn[k]], axis=0)
            contrasts[k] += (1 if g else -1) * (after - before)
    found = bootstrap(cells)
    assert found.assumes == "users independent"
    assert found.se == pytest.approx(contrasts.std(), rel=0.06)
    for quantile, value in ((0.025, found.lower), (0.975, found.upper)):
        assert value == pytest.approx(np.quantile(contrasts, quantile), abs=0.15 * found.se)


def test_any_contrast_of_several_arms_is_resampled() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"y": rng.normal(10, 3, 900), "arm": ["a", "b", "c"] * 300})
    design = Design.compare(outcome="y", group="arm", control="a", treatment=["b", "c"])
    cells = cells_of_rows(frame, design)
    for contrast in cells.design.contrasts:
        found, robust = bootstrap(cells, 0.95, contrast), least_squares(cells, 0.95, contrast)[1]
        assert found.estimate == robust.estimate
        assert found.se == pytest.approx(robust.se, rel=0.03)


def test_users_of_several_groups_are_resampled_after() -> None:
    rng = np.random.default_rng(0)
    wide = pd.DataFrame({"arm": ["a", "b", "c"] * 300, "pre": rng.normal(10, 3, 900)})
    wide["y"] = wide["pre"] + rng.normal(0, 1, 900) + (wide["arm"] == "c")
    design = Design.compare(
        outcome="y", group="arm", control="a", treatment=["b", "c"], unit="user", before_column="pre"
    )
    cells = cells_of_users(wide, design, "pre", "y")
    contrast = cells.design.contrasts[1]
    found, robust = bootstrap(cells, 0.95, contrast), least_squares(cells, 0.95, contrast)[1]
    assert found.estimate == robust.estimate
    assert found.se == pytest.approx(robust.se, rel=0.03)
