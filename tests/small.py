"""Small cells and a model with a known posterior, for tests of what samples them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm

from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.engine.sampling import SamplerOptions

TWO = Design.interaction(outcome="y", factors=("a", "b"))
QUICK = SamplerOptions(draws=300, tune=200, chains=2)


def cells(seed: int = 0, n: int = 200, means: tuple[float, ...] = (10, 15, 20, 22)) -> Cells:
    rng = np.random.default_rng(seed)
    frame = pd.concat(
        [
            pd.DataFrame({"y": rng.normal(mean, 2, n // 4), "a": k // 2, "b": k % 2})
            for k, mean in enumerate(means)
        ]
    )
    return compress(frame, TWO)


def normal_model(
    observed: float = 3.0, sd: float = 1.0, multiple: float | None = None, name: str = "multiple"
) -> pm.Model:
    """x ~ N(0, 10), one observation of it, all values as data; the posterior is known."""
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, pm.Data("prior_sd", 10.0))
        pm.Normal("y", x, pm.Data("sd", sd), observed=pm.Data("y_data", np.array([observed])), shape=(1,))
        if multiple is not None:
            pm.Deterministic(name, multiple * x)
    return model
