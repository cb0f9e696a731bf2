"""Users of one experiment with several metrics, and scorecards on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import twobytwo as tbt
from twobytwo.answer.card import Scorecard

PRIMARY = {"column": "minutes", "role": "primary", "measure": "minutes", "margin": 1}
SAFE = {"column": "bought", "kind": "share", "role": "guardrail", "harm": "decrease", "margin": 2}
CRASH = {"column": "crashed", "kind": "share", "role": "guardrail", "harm": "increase", "margin": 1}


def users(n: int = 8_000, seed: int = 0, lift: float = 0.05) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    keen = rng.normal(size=n)
    frame = pd.DataFrame({"user": np.arange(n), "arm": np.arange(n) % 2})
    frame["minutes"] = np.exp(3 + 0.5 * keen + 0.3 * rng.normal(size=n)) * (1 + lift * frame["arm"])
    frame["bought"] = (keen + rng.normal(size=n) > 1.5).astype(int)
    frame["crashed"] = rng.random(n) < 0.03
    frame["visits"] = rng.poisson(2 * np.exp(0.4 * keen))
    return frame


def three_arms(n: int = 6_000) -> pd.DataFrame:
    """Users of two treatments and control: blue users gain minutes, green ones crash."""
    frame = users(n).assign(arm=lambda frame: np.array(["control", "blue", "green"])[frame["user"] % 3])
    frame["minutes"] *= np.where(frame["arm"] == "blue", 1.1, 1.0)
    worse = (frame["arm"] == "green") & (frame["user"] % 25 == 0)
    return frame.assign(crashed=(frame["crashed"] | worse).astype(int))


def asked(frame: pd.DataFrame, *metrics: Any, **more: Any) -> Scorecard:
    return tbt.scorecard(frame, group="arm", metrics=metrics, **more)
