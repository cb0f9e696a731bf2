"""How much is assumed: priors, and whether trends add or multiply."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from twobytwo.ask.design import Design
from twobytwo.check.gate import Gate
from twobytwo.check.gates.prior import prior_gates, trend_gates
from twobytwo.infer.effects import contrasts

DID = Design.did(outcome="y", group="g", period="t", control=0, treatment=1, before=0, after=1, margin=1.0)


def statuses(gates: list[Gate]) -> dict[str, str]:
    return {gate.name: gate.status for gate in gates}


def test_prior_gates_warn_and_never_refuse() -> None:
    names = ("prior_weight", "prior_range", "power_scaling")
    assert statuses(prior_gates(0.19, [0.10, 0.14], 0.04)) == dict.fromkeys(names, "pass")
    assert statuses(prior_gates(0.21, [0.10, 0.16], 0.06)) == dict.fromkeys(names, "warn")
    assert statuses(prior_gates(1.0, [0.0, 1.0], math.nan)) == dict.fromkeys(names, "warn")
    assert "< 0.1 % to > 99.9 %" in prior_gates(1.0, [0.0, 1.0], 0.0)[1].message


def trends(means: list[list[float]], sd: float) -> list[Gate]:
    rng = np.random.default_rng(0)
    draws = np.asarray(means) + sd * rng.standard_normal((4, 1_000, 2, 2))
    coords = {dim: list(labels) for dim, labels in DID.coords.items()}
    cell_means = xr.DataArray(draws, dims=("chain", "draw", *DID.dims), coords=coords)
    return trend_gates(contrasts({"mean": cell_means}, DID), DID)


@pytest.mark.parametrize(
    ("means", "status", "said"),
    [
        ([[10.0, 12.0], [10.0, 12.0]], "pass", "does not change the decision"),
        # +2 against +4 adds up to harm of −2; but both grew by a fifth.
        ([[20.0, 24.0], [10.0, 12.0]], "warn", "adding: > 99.9 %, harm; multiplying: < 0.1 %, no harm"),
        # The other way round: +4 each, where multiplying would have given +8.
        ([[10.0, 14.0], [20.0, 24.0]], "warn", "adding: < 0.1 %, no harm; multiplying: > 99.9 %, harm"),
    ],
)
def test_trends_that_add_or_multiply_may_lead_to_two_decisions(
    means: list[list[float]], status: str, said: str
) -> None:
    (gate,) = trends(means, 0.1)
    assert (gate.name, gate.subject, gate.status) == ("trends", "prior", status)
    assert said in gate.message


def test_nothing_multiplies_where_a_mean_may_be_negative() -> None:
    assert trends([[0.1, 1.0], [1.0, 1.0]], 1.0) == []
