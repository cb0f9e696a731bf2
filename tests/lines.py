"""Users whose value after lies about a line in their value before."""

from __future__ import annotations

import numpy as np
import pandas as pd

import twobytwo as tbt

LINE = tbt.Design.compare(outcome="post", group="g", unit="id", before_column="pre")


def about_a_line(*, fanning: bool) -> pd.DataFrame:
    """Users who vary about a line as much whatever they did before, or the more the more they did."""
    rng = np.random.default_rng(5)
    pre = rng.lognormal(4, 1, 4_000)
    noise = rng.gamma(4, 0.1, 4_000)
    post = pre * (0.6 + noise) if fanning else 0.6 * pre + 50 * noise
    return pd.DataFrame({"id": np.arange(4_000), "g": rng.integers(0, 2, 4_000), "pre": pre, "post": post})
