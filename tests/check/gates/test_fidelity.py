"""A family against the raw means: cell by cell, as a contrast, and in precision."""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr
from drawn import FLAT, cells_with_means, fitted, robust

from twobytwo.check.gate import Threshold
from twobytwo.check.gates.family import family_gates
from twobytwo.check.gates.fidelity import mean_fidelity
from twobytwo.data.cells import Cells
from twobytwo.infer.effects import Effects
from twobytwo.infer.predictors import coding

Floats = npt.NDArray[np.float64]
SE = 1 / math.sqrt(101)  # of a mean in these cells


@pytest.mark.parametrize(
    ("off", "sd", "status", "value"),
    [
        (0.0, 1.0, "pass", 0.0),
        (1.9 * SE, 1.0, "pass", 0.19 * SE),
        (2.1 * SE, 1.0, "warn", 2.1),
        (5 * SE, 1.0, "warn", 5.0),
        (0.6, 1.0, "warn", 0.06),  # 6 %, 6 standard errors
        (1.1, 1.0, "refuse", 0.11),  # 11 %, 11 standard errors
        (-1.1, 1.0, "refuse", 0.11),
        (1.1, 1.1 / SE / 2.9, "warn", 2.9),  # 11 %, but 2.9 standard errors
        (1.1, 1.1 / SE, "warn", 1.0),  # 11 %, but 1 standard error
        (0.9, 0.1, "warn", 0.09),  # 90 standard errors, but 9 %
        (0.6, 100.0, "pass", 0.6 / 100 / SE),  # 6 %, but a twentieth of a standard error
    ],
)
def test_mean_fidelity_looks_at_both_the_per_cents_and_the_standard_errors(
    off: float, sd: float, status: str, value: float
) -> None:
    raw = [10.0, 10.0, 10.0, 10.0]
    cells = cells_with_means(raw, sd)
    gate = family_gates(fitted(cells, [10.0, 10.0, 10.0, 10.0 + off], interaction=0), robust(0, 1))[0]
    assert (gate.name, gate.subject, gate.status) == ("mean_fidelity", "family", status)
    # What decided: a share, or where that does not tell, standard errors; it agrees with its own limits.
    assert gate.value == pytest.approx(value, abs=1e-9)
    assert Threshold(warn=gate.warn, refuse=gate.refuse).status(value) == status
    if status != "pass":
        assert "in the cell (1, 1)" in gate.message
        assert gate.family == "some family"


def test_mean_fidelity_names_the_worst_cell() -> None:
    gate = family_gates(fitted(cells_with_means([10.0] * 4), [10.3, 13.0, 10.0, 11.0]), robust(0, 100))[0]
    assert gate.status == "refuse"
    assert "in the cell (0, 1) is 13.00, the raw mean 10.00 (+30%" in gate.message


def test_a_raw_mean_of_zero_is_no_reason_to_stumble() -> None:
    cells = cells_with_means([0.0, 10.0, 10.0, 10.0])
    gate = family_gates(fitted(cells, [0.5, 10.0, 10.0, 10.0], interaction=0), robust(0, 1))[0]
    assert gate.status in ("warn", "refuse")
    assert "inf" not in gate.message
    assert "nan" not in gate.message
    good = family_gates(fitted(cells, [0.0, 10.0, 10.0, 10.0], interaction=0), robust(0, 1))[0]
    assert good.status == "pass"


@pytest.mark.parametrize(
    ("posterior", "weight", "status"),
    [
        (2.0, 0.0, "pass"),
        (3.9, 0.0, "pass"),
        (4.1, 0.0, "warn"),
        (-0.9, 0.0, "warn"),
        (-1.1, 0.0, "refuse"),
        (5.1, 0.0, "refuse"),
        (1.0, 0.5, "pass"),  # pulled half-way to zero by the stated prior
        (2.0, 0.5, "pass"),  # anywhere between the data and what the prior's weight alone would make of them
        (-1.1, 0.5, "warn"),
    ],
)
def test_contrast_fidelity_leaves_the_priors_pull_aside(posterior: float, weight: float, status: str) -> None:
    """Draws without spread: a family of perfect precision may differ by what the companion errs."""
    chosen = fitted(cells_with_means([10.0] * 4), [10.0] * 4, weight=weight, interaction=posterior)
    gate = family_gates(chosen, robust(2.0, 1.0))[1]
    assert (gate.name, gate.status) == ("contrast_fidelity", status)


@pytest.mark.parametrize(
    ("own", "weight", "off", "value"),
    [
        (0.0, 0.0, 1.0, 1.0),
        (0.6, 0.0, 1.0, 1 / 0.8),
        (0.8, 0.0, 1.2, 2.0),
        (0.99, 0.0, 0.9, 2.7),  # no gain in precision: a third of the companion's error is allowed for
        (2.0, 0.0, 0.9, 2.7),
        (0.3, 0.75, 1.0, 1 / 0.8),  # the prior halved the family's own error of 0.6
    ],
)
def test_a_more_precise_family_may_differ_by_what_it_gains(
    own: float, weight: float, off: float, value: float
) -> None:
    draws = np.random.default_rng(0).normal(size=(2, 50))
    draws = own * (draws - np.median(draws)) / draws.std(ddof=1) - off
    chosen = fitted(cells_with_means([10.0] * 4), [10.0] * 4, weight=weight)
    draw = xr.DataArray(draws, dims=("chain", "draw"))
    chosen.effects = Effects(draws=xr.Dataset({"interaction": draw}), headline="interaction")
    gate = family_gates(chosen, robust(0.0, 1.0))[1]
    assert gate.value == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("own", "weight", "status"),
    [
        (1.0, 0.0, "pass"),
        (0.71, 0.0, "pass"),
        (0.69, 0.0, "warn"),
        (0.51, 0.0, "warn"),
        (0.49, 0.0, "refuse"),
        (0.3, 0.75, "warn"),  # the prior halved the family's own error of 0.6
    ],
)
def test_precision_far_beyond_the_companions_is_assumed(own: float, weight: float, status: str) -> None:
    draws = np.random.default_rng(0).normal(size=(2, 50))
    chosen = fitted(cells_with_means([10.0] * 4), [10.0] * 4, weight=weight)
    draw = xr.DataArray(own * draws / draws.std(ddof=1), dims=("chain", "draw"))
    chosen.effects = Effects(draws=xr.Dataset({"interaction": draw}), headline="interaction")
    gate = family_gates(chosen, robust(0.0, 1.0))[2]
    assert (gate.name, gate.status) == ("gain", status)


def test_a_message_about_the_effect_names_the_number_that_is_judged() -> None:
    """With a posterior as wide as the companion's the error of the difference is a third of that one's."""
    draws = np.random.default_rng(0).normal(size=(2, 50))
    chosen = fitted(cells_with_means([10.0] * 4), [10.0] * 4)
    draw = xr.DataArray(38_000 + draws - np.median(draws), dims=("chain", "draw"))
    chosen.effects = Effects(draws=xr.Dataset({"interaction": draw}), headline="interaction")
    gate = family_gates(chosen, robust(39_381.6, 1_500.0))[1]
    assert gate.status == "pass"
    gate = family_gates(chosen, robust(39_381.6, 400.0))[1]
    assert gate.status == "refuse"
    assert gate.value == pytest.approx(1_381.6 / 400, rel=1e-3)
    assert "differ by 3.45 standard errors of their difference" in gate.message
    assert "the effect in the raw means (39,382)" in gate.message


def posterior(cells: Cells, se: float, sd: float) -> tuple[xr.Dataset, Floats]:
    """A prior of every effect around zero, and the means of its posterior by ridge regression."""
    design, raw = coding(cells.design).to_numpy().reshape(4, 4), cells.moments()["mean"].to_numpy().ravel()
    effects = np.linalg.solve(design.T @ design + np.eye(4) * se**2 / sd**2, design.T @ raw)
    return FLAT.assign(effects_prior_sd=("effect", np.full(4, sd))), design @ effects


@pytest.mark.parametrize(("further", "why"), [(0.0, "the prior pulls it there"), (3.0, "not distributed")])
def test_a_mean_that_the_prior_moves_is_not_blamed_on_the_distribution(further: float, why: str) -> None:
    cells = cells_with_means([20_000.0, 20_000.0, 20_000.0, 60_000.0], sd=40_000.0)
    prior, means = posterior(cells, 40_000 * SE, 8_000.0)
    chosen = fitted(cells, means - further * 40_000 * SE, interaction=0)
    chosen.tree["constant_data"] = xr.DataTree(prior)
    gate = mean_fidelity(chosen, chosen.means)
    assert gate.status != "pass"
    assert why in gate.message
    # As people read numbers.
    assert re.search(r"in the cell \(\d, \d\) is \d\d,\d\d\d, the raw mean [26]0,000 ", gate.message)
