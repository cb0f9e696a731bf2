"""A fit whose draws are given, for checks that look at draws and fit nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from twobytwo.ask.design import Design
from twobytwo.check.record import Check
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.effects import Effects
from twobytwo.infer.families.normal import Normal

TWO = Design.interaction(outcome="y", factors=("a", "b"))

# Priors so wide that they pull at nothing.
FLAT = xr.Dataset(
    {
        "scale": 1.0,
        "effects_prior_mean": ("effect", np.zeros(4)),
        "effects_prior_sd": ("effect", np.full(4, 1e9)),
    }
)


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
    draws = xr.DataArray(array, dims=("chain", "draw", *cells.dims))
    (m00, m01), (m10, m11) = np.reshape(means, (2, 2))
    value = (m11 - m10) - (m01 - m00) if interaction is None else interaction
    headline = xr.DataArray(np.full((2, 50), value), dims=("chain", "draw"))
    return SimpleNamespace(
        cells=cells,
        tree=xr.DataTree.from_dict({"posterior": xr.Dataset({"location": draws}), "constant_data": FLAT}),
        of_changes=False,
        means=draws,
        prior_weight=lambda *_: weight,
        effects=Effects(draws=xr.Dataset({"interaction": headline}), headline="interaction"),
        family=SomeFamily(),
    )


def robust(estimate: float, se: float) -> Check:
    return Check(method="ols_hc2", estimate=estimate, se=se, lower=0.0, upper=0.0, assumes="")
