"""Data that few families take: rare actives, ties, random groups, caps: a number, or an error in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import twobytwo as tbt
from twobytwo.ask.design import Design
from twobytwo.check.gates.family import family_gates
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.automatic import candidates
from twobytwo.infer.families import FAMILIES

N = 1_000
COLUMNS = {"outcome": "y", "group": "arm", "period": "period"}


def cells_of(before: Any, after: Any, **design: Any) -> Cells:
    halves = [
        pd.DataFrame({"user": range(N), "arm": np.arange(N) % 2, "period": name, "y": values})
        for name, values in (("pre", before), ("post", after))
    ]
    return compress(pd.concat(halves), Design.did(**COLUMNS, **design))


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def test_users_never_active_twice_are_no_crash(rng: np.random.Generator) -> None:
    turn = np.arange(N) // 2 % 50
    rare = [np.where(turn == k, rng.gamma(1, 5, N), 0.0) for k in (0, 1)]
    cells = cells_of(*rare, unit="user")
    assert cells.joint.given.frame.empty
    with pytest.raises(DataError, match=r"0 user\(s\) with a positive 'y' in both periods.*at least 3"):
        FAMILIES["hurdle_lognormal"].check(cells)
    assert "hurdle_lognormal" not in [candidate.family.name for candidate in candidates(cells)]


@pytest.mark.parametrize("unit", [None, "user"])
def test_a_tail_needs_different_values(rng: np.random.Generator, unit: str | None) -> None:
    ratings = [rng.integers(0, 2, N).astype(float) for _ in range(2)]
    with pytest.raises(DataError, match="'y' has so few different values in a cell that no tail"):
        FAMILIES["tail"].check(cells_of(*ratings, unit=unit))


def test_a_tail_needs_changes(rng: np.random.Generator) -> None:
    before = rng.gamma(1, 5, N)
    after = before + (rng.random(N) < 0.03)
    with pytest.raises(DataError, match="no tail can be told"):
        FAMILIES["tail"].check(cells_of(before, after, unit="user"))


def test_many_values_at_the_bound_are_no_tail(rng: np.random.Generator) -> None:
    full = [np.minimum(rng.gamma(1, 30, N), 60.0) for _ in range(2)]
    with pytest.raises(DataError, match="no tail can be told"):
        FAMILIES["tail"].check(cells_of(*full, upper_bound=60))


@pytest.mark.parametrize("family", ["lognormal", "hurdle_lognormal"])
def test_lognormals_do_not_know_groups_drawn_at_random(rng: np.random.Generator, family: str) -> None:
    positive = [rng.lognormal(1, 1, N) for _ in range(2)]
    if family.startswith("hurdle"):
        positive = [np.where(rng.random(N) < 0.5, y, 0.0) for y in positive]
    cells = cells_of(*positive, randomised=True)
    with pytest.raises(DesignError, match="leave out randomised=True"):
        FAMILIES[family].check(cells)
    assert candidates(cells)[0].family.name == "normal"


def test_an_uncapped_answer_is_checked_and_shown_in_the_panel() -> None:
    """A heavy tail: the mean of y, capped at 30 is safe, the mean is not, and the statement says so."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"arm": np.repeat([0, 1], [1_900, 100]), "y": rng.lognormal(1, 2.2, 2_000)})
    frame = pd.concat([rows.assign(period="pre"), rows.assign(period="post", y=rng.permutation(rows["y"]))])
    result = tbt.did(frame, **COLUMNS, cap=30)
    assert result.uncapped is not None
    (skewness,) = (g for g in family_gates(result.uncapped, _robust(result)) if g.name == "skewness")
    assert skewness.status == "refuse"
    assert "which its checks would refuse (skewness)" in " ".join(result.headline.how)
    assert "mean of y, capped at 30" in result.statement
    assert result.summary().loc["did", "estimand"] == "mean of y, capped at 30"
    panel = result.sensitivity(families=["normal"])
    assert list(dict.fromkeys(panel.table["values"])) == ["capped", "uncapped", "without the top 0.1 %"]


def _robust(result: tbt.Analysis) -> Any:
    from twobytwo.check.crosscheck import robust_check

    assert result.cells.uncapped is not None
    return robust_check(result.cells.uncapped)
