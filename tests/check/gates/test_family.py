"""A family against the raw means: cell by cell, as a contrast, in spread and in skewness."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from twobytwo.ask.design import Design
from twobytwo.check.gate import Threshold, refused
from twobytwo.check.gates.family import family_gates
from twobytwo.check.record import Check
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.effects import Effects
from twobytwo.infer.families import Family
from twobytwo.infer.families.gamma import Gamma
from twobytwo.infer.families.hurdle_gamma import HurdleGamma
from twobytwo.infer.families.hurdle_lognormal import HurdleLogNormal
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.negative_binomial import NegativeBinomial
from twobytwo.infer.families.normal import Normal

TWO = Design.interaction(outcome="y", factors=("a", "b"))


class SomeFamily(Normal):
    """A family with the traits of most: means of its own, an identity link."""

    name = "some family"
    raw_means = False


def cells_with_means(means: list[float], sd: float = 1.0, n: int = 101) -> Cells:
    """Cells whose raw mean, sd and count are exactly these."""
    unit = np.linspace(-1, 1, n)
    unit = unit / unit.std(ddof=1)
    frame = pd.concat(
        [pd.DataFrame({"y": mean + sd * unit, "a": k // 2, "b": k % 2}) for k, mean in enumerate(means)]
    )
    return compress(frame, TWO)


def fitted(cells: Cells, means: Any, *, weight: float = 0.0, interaction: float | None = None) -> Any:
    """What the gates look at in a fit, with the same value in every draw."""
    array = np.broadcast_to(np.reshape(np.asarray(means, dtype=float), (2, 2)), (2, 50, 2, 2))
    draws = xr.DataArray(array, dims=("chain", "draw", "a", "b"))
    (m00, m01), (m10, m11) = np.reshape(means, (2, 2))
    value = (m11 - m10) - (m01 - m00) if interaction is None else interaction
    headline = xr.DataArray(np.full((2, 50), value), dims=("chain", "draw"))
    return SimpleNamespace(
        cells=cells,
        tree=xr.DataTree.from_dict({"posterior": xr.Dataset()}),
        of_changes=False,
        means=draws,
        prior_weight=lambda *_: weight,
        effects=Effects(draws=xr.Dataset({"interaction": headline}), headline="interaction"),
        family=SomeFamily(),
    )


def robust(estimate: float, se: float) -> Check:
    return Check(method="ols_hc2", estimate=estimate, se=se, lower=0.0, upper=0.0, assumes="")


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
    assert "in the cell (0, 1) is 13, the raw mean 10 (+30%" in gate.message


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


def test_a_location_is_not_compared_with_means() -> None:
    chosen = fitted(cells_with_means([10.0] * 4), [10.0] * 4)
    chosen.means = None
    gates = family_gates(chosen, robust(0, 1))
    assert [(gate.name, gate.status, gate.value) for gate in gates] == [
        ("mean_fidelity", "skip", None),
        ("contrast_fidelity", "skip", None),
    ]
    assert refused(gates) == []


@pytest.mark.parametrize(
    ("positive", "status"), [(100, "pass"), (99, "warn"), (50, "warn"), (49, "refuse"), (2, "refuse")]
)
@pytest.mark.parametrize("family", [HurdleLogNormal(), LogNormal()])
def test_a_family_of_positives_needs_some(positive: int, status: str, family: Family) -> None:
    cells = compress(
        pd.concat(
            [
                pd.DataFrame(
                    {"y": np.r_[np.zeros(60), np.ones(positive if k == 3 else 200)], "a": k // 2, "b": k % 2}
                )
                for k in range(4)
            ]
        ),
        TWO,
    )
    chosen = fitted(cells, [0.5, 0.5, 0.5, positive / (60 + positive)])
    chosen.family = family
    (gate,) = (gate for gate in family_gates(chosen, robust(0, 1)) if gate.name == "positives")
    assert (gate.value, gate.status) == (positive, status)


@pytest.mark.parametrize(
    ("wider", "status"), [(1.0, "pass"), (1.09, "pass"), (1.11, "warn"), (1.14, "warn"), (1.16, "refuse")]
)
@pytest.mark.parametrize("zeros", [0, 70])
def test_a_gamma_must_spread_as_far_as_its_outcomes(wider: float, status: str, zeros: int) -> None:
    """A gamma of shape k has a standard deviation of mean / √k; zeros are no part of it."""
    unit = np.linspace(-1, 1, 101)
    positive = 10 + 2 * wider * unit / unit.std()
    y = np.r_[positive, np.zeros(zeros)]
    cells = compress(pd.concat([pd.DataFrame({"y": y, "a": k // 2, "b": k % 2}) for k in range(4)]), TWO)
    chosen = fitted(cells, [y.mean()] * 4)
    chosen.family = HurdleGamma() if zeros else Gamma()
    drawn = {"location": np.log(10), "log_shape": np.log(25)}
    posterior = {name: (("chain", "draw", "a", "b"), np.full((2, 50, 2, 2), v)) for name, v in drawn.items()}
    chosen.tree = xr.DataTree.from_dict({"posterior": xr.Dataset(posterior)})
    (gate,) = (gate for gate in family_gates(chosen, robust(0, 1)) if gate.name == "spread_fidelity")
    assert gate.value == pytest.approx(wider, rel=1e-6)
    assert (gate.subject, gate.status) == ("family", status)


@pytest.mark.parametrize(
    ("shape", "status"), [(0.5, "pass"), (0.67, "pass"), (0.68, "warn"), (0.75, "warn"), (0.77, "refuse")]
)
def test_counts_must_not_be_overdispersed_beyond_their_family(shape: float, status: str) -> None:
    """A negative binomial has the variance m + m²/α; these counts have that of α = 1/2, m = 2."""
    y = np.tile([0, 0, 0, 2, 8], 40)
    assert (y.mean(), y.var()) == (2, 9.6)
    cells = compress(pd.concat([pd.DataFrame({"y": y, "a": k // 2, "b": k % 2}) for k in range(4)]), TWO)
    chosen = fitted(cells, [2.0] * 4)
    chosen.family = NegativeBinomial()
    drawn = {"location": np.log(2), "log_shape": np.log(shape)}
    posterior = {name: (("chain", "draw", "a", "b"), np.full((2, 50, 2, 2), v)) for name, v in drawn.items()}
    chosen.tree = xr.DataTree.from_dict({"posterior": xr.Dataset(posterior)})
    (gate,) = (gate for gate in family_gates(chosen, robust(0, 1)) if gate.name == "spread_fidelity")
    assert gate.value == pytest.approx(np.sqrt(9.6 / (2 + 4 / shape)))
    assert gate.status == status
    assert ("overdispersion, as a few bots cause it" in gate.message) == (status != "pass")
