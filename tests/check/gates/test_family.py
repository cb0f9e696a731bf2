"""What a family's own traits ask for: means, positive outcomes, spreads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from drawn import TWO, cells_with_means, fitted, robust

from twobytwo.check.gate import refused
from twobytwo.check.gates.family import family_gates
from twobytwo.data.cells import compress
from twobytwo.infer.families import Family
from twobytwo.infer.families.gamma import Gamma
from twobytwo.infer.families.hurdle_gamma import HurdleGamma
from twobytwo.infer.families.hurdle_lognormal import HurdleLogNormal
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.negative_binomial import NegativeBinomial


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
