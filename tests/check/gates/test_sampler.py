"""What bad draws look like to the sampler's gates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr

from twobytwo.check.gate import Gate
from twobytwo.check.gates.sampler import sampler_gates
from twobytwo.infer.effects import Effects


def draws_of(shift: float = 0.0, *, n: int = 2_000, diverging: int = 0, sticky: float = 0.0) -> Any:
    """Four chains, the first moved by `shift`; `sticky` correlates neighbours of draws and energies."""
    rng = np.random.default_rng(0)

    def chain_draw() -> np.ndarray:
        noise = rng.normal(size=(4, n))
        if sticky:
            for t in range(1, n):
                noise[:, t] = sticky * noise[:, t - 1] + math.sqrt(1 - sticky**2) * noise[:, t]
        return noise

    x = chain_draw()
    x[0] += shift
    diverged = np.zeros((4, n), dtype=bool)
    diverged[0, :diverging] = True
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"effects": (("chain", "draw"), x)}),
            "sample_stats": xr.Dataset(
                {"diverging": (("chain", "draw"), diverged), "energy": (("chain", "draw"), chain_draw())}
            ),
        }
    )
    attributes = {"label": "did", "estimand": "mean", "scale": "additive", "unit": ""}
    did = xr.DataArray(chain_draw(), dims=("chain", "draw"), attrs=attributes)
    return tree, Effects(draws=xr.Dataset({"did": did}), headline="did")


def statuses(gates: list[Gate]) -> dict[str, str]:
    return {gate.name: gate.status for gate in gates}


def test_good_draws_pass_every_gate() -> None:
    gates = sampler_gates(*draws_of())
    assert statuses(gates) == dict.fromkeys(
        ["rhat", "ess_bulk", "ess_tail", "divergences", "e_bfmi", "mcse"], "pass"
    )
    assert {gate.subject for gate in gates} == {"sampler"}


@pytest.mark.filterwarnings("error")
def test_a_number_that_is_the_same_in_every_draw_is_left_out() -> None:
    tree, effects = draws_of()
    tree["posterior"]["fixed"] = xr.zeros_like(tree["posterior"]["effects"])
    assert statuses(sampler_gates(tree, effects)) == statuses(sampler_gates(*draws_of()))


@pytest.mark.parametrize(
    ("changes", "name", "status"),
    [
        ({"shift": 3.0}, "rhat", "refuse"),
        ({"shift": 0.35}, "rhat", "warn"),
        ({"sticky": 0.85}, "ess_bulk", "warn"),
        ({"sticky": 0.98}, "ess_bulk", "refuse"),
        ({"sticky": 0.98}, "ess_tail", "refuse"),
        ({"diverging": 1}, "divergences", "warn"),
        ({"diverging": 8}, "divergences", "warn"),
        ({"diverging": 9}, "divergences", "refuse"),
        ({"sticky": 0.87}, "e_bfmi", "warn"),
        ({"sticky": 0.95}, "e_bfmi", "refuse"),
        ({"sticky": 0.9, "n": 1_000}, "mcse", "warn"),
        ({"sticky": 0.99, "n": 1_000}, "mcse", "refuse"),
    ],
)
def test_bad_draws_are_caught_by_the_gate_that_is_there_for_them(
    changes: dict[str, Any], name: str, status: str
) -> None:
    """E-BFMI of an energy with autocorrelation ρ is 2 (1 − ρ): 0.26 and 0.1 here."""
    assert statuses(sampler_gates(*draws_of(**changes)))[name] == status


def test_the_contrasts_are_judged_too_not_only_the_parameters() -> None:
    tree, effects = draws_of()
    moved = effects.draws["did"].copy(data=effects.draws["did"].to_numpy())
    moved[0] += 3
    assert statuses(sampler_gates(tree, Effects(draws=xr.Dataset({"did": moved}), headline="did")))[
        "rhat"
    ] == ("refuse")
