"""Whether strata know enough of their users, with draws that are given: nothing is fitted here."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xarray as xr

from twobytwo.ask.design import Design
from twobytwo.check.gate import Gate
from twobytwo.check.gates.strata import strata_gates
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.by_stratum import spread_of_groups
from twobytwo.infer.effects import Effects

DESIGN = Design.compare(outcome="post", group="g", unit="id", before_column="pre")


def cells_of(treated: int, control: int, *, wilder: float = 1.0) -> Cells:
    """Users whose value after is about the value before; the treated vary `wilder` times as much."""
    rng, n = np.random.default_rng(3), treated + control
    g = (np.arange(n) < treated).astype(int)
    pre = rng.lognormal(4, 1, n)
    sd = 0.3 * np.where(g == 1, wilder, 1.0)
    frame = pd.DataFrame({"id": np.arange(n), "g": g, "pre": pre, "post": pre * (1 + rng.normal(0, sd))})
    return compress(frame.clip(lower=0), DESIGN)


@pytest.fixture(scope="module")
def tenth() -> Cells:
    return cells_of(400, 3_600)


def gates(
    cells: Cells, relative: float | npt.NDArray[np.float64] = 0.01, effect: float = 1.0
) -> dict[str, Gate]:
    """Judge draws (100) of one relative effect in all strata, and of an effect over all."""
    draws = np.broadcast_to(np.asarray(relative, dtype=float), 100).reshape(2, 50)
    of_strata = xr.DataArray(draws, dims=("chain", "draw")).expand_dims(stratum=cells.strata()["stratum"])
    headline = xr.DataArray(np.full((2, 50), effect), dims=("chain", "draw"))
    chosen: Any = SimpleNamespace(
        cells=cells,
        tree=xr.DataTree.from_dict({"posterior": xr.Dataset({"relative_effect": of_strata})}),
        effects=Effects(draws=xr.Dataset({"difference": headline}), headline="difference"),
    )
    return {gate.name: gate for gate in strata_gates(chosen)}


def test_they_are_about_the_family_and_pass_where_nothing_is_wrong(tenth: Cells) -> None:
    found = gates(tenth)
    assert list(found) == ["stratum_users", "stratum_spread", "stratum_signs"]
    assert {(gate.subject, gate.status) for gate in found.values()} == {("family", "pass")}


@pytest.mark.parametrize(("treated", "status"), [(30, "pass"), (29, "warn"), (24, "warn")])
def test_a_small_group_hardly_tells_its_effect(treated: int, status: str) -> None:
    gate = gates(cells_of(treated, 300))["stratum_users"]
    assert (gate.value, gate.status) == (treated, status)


@pytest.mark.parametrize("wilder", [3.0, 1 / 3])
def test_groups_that_vary_differently_are_seen_whichever_it_is(wilder: float) -> None:
    cells = cells_of(2_000, 2_000, wilder=wilder)
    log_ratio, error = spread_of_groups(cells.strata())
    assert math.copysign(1, log_ratio) == math.copysign(1, math.log(wilder))
    gate = gates(cells)["stratum_spread"]
    assert gate.value == pytest.approx(math.exp(abs(log_ratio) - 1.96 * error))
    assert gate.status == "warn"


@pytest.mark.parametrize(("other", "status"), [(0, "pass"), (80, "pass"), (81, "warn"), (100, "warn")])
@pytest.mark.parametrize("effect", [1.0, -1.0])
def test_heavy_users_with_the_other_sign_are_pointed_at(
    tenth: Cells, other: int, status: str, effect: float
) -> None:
    draws = np.where(np.arange(100) < other, -0.01, 0.01) * effect
    gate = gates(tenth, draws, effect)["stratum_signs"]
    assert (gate.value, gate.status) == (other / 100, status)
