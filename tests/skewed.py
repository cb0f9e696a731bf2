"""A table of minutes with zeros, in which priors and trends matter."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twobytwo.ask.design import Design

__all__ = ["DID", "with_zeros"]


def with_zeros(n: int = 800) -> pd.DataFrame:
    """So few, and an effect so small, that priors matter; treated users are a third of control users."""
    rng, turn = np.random.default_rng(4), np.arange(n) % 4
    y = rng.lognormal(3 - 1.1 * (turn // 2) + 0.2 * (turn % 2), 0.8, n) * (rng.random(n) < 0.6)
    return pd.DataFrame({"minutes": y, "g": turn // 2, "t": turn % 2})


DID = Design.did(
    outcome="minutes", group="g", period="t", control=0, treatment=1, before=0, after=1, margin=0.5
)
