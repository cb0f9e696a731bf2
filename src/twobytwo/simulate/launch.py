"""A launch: users with many metrics, correlated by what kind of user one is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twobytwo.errors import DesignError
from twobytwo.simulate.arguments import is_finite, whole

__all__ = ["launch_users"]

_KEEN, _NOISE = 0.8, 0.5


def launch_users(n: int = 20_000, *, lift: float = 0.04, crashes: float = 0.0, seed: int = 4) -> pd.DataFrame:
    """Draw users of a randomised experiment with a primary metric, guardrails and what they are divided by.

    Parameters
    ----------
    n
        Users, at least 20; half of them are treated.
    lift
        True relative effect on minutes, above -1; sessions gain half of it.
    crashes
        True effect on the share of users who saw a crash, which is 2 % without it; between -0.02 and 0.5.
    seed
        Of the generator, at least 0.

    Returns
    -------
    pandas.DataFrame
        One row per user: `user_id`, `variant`, `minutes_before`, `minutes`, `sessions`, `bought`, `revenue`,
        `tickets`, `unsubscribed`, `crashed`. Keen users do more of everything; only what is named above has
        an effect.

    Raises
    ------
    DesignError
        If an argument is out of range.

    Examples
    --------
    >>> launch_users(1_000).groupby("variant")["minutes"].count().to_dict()
    {'control': 500, 'treatment': 500}
    """
    whole("n", n, at_least=20)
    whole("seed", seed, at_least=0)
    for name, value, low, high in (("lift", lift, -1.0, np.inf), ("crashes", crashes, -0.02, 0.5)):
        if not is_finite(value) or not low < value < high:
            msg = f"{name} must be a number between {low:g} and {high:g}, got {value!r}."
            raise DesignError(msg)
    rng = np.random.default_rng(seed)
    treated = rng.permutation(n) % 2
    keen = rng.standard_normal(n)

    def skewed(mean: float) -> np.ndarray:
        spread = _KEEN**2 + _NOISE**2
        return mean * np.exp(_KEEN * keen + _NOISE * rng.standard_normal(n) - spread / 2)

    bought = keen + rng.standard_normal(n) > 2
    return pd.DataFrame(
        {
            "user_id": np.arange(n),
            "variant": np.where(treated == 1, "treatment", "control"),
            "minutes_before": skewed(120).round(1),
            "minutes": (skewed(120) * (1 + lift * treated)).round(1),
            "sessions": 1 + rng.poisson(6 * np.exp(0.6 * keen - 0.18) * (1 + lift / 2 * treated)),
            "bought": bought.astype(int),
            "revenue": np.where(bought, skewed(40), 0.0).round(2),
            "tickets": rng.poisson(0.1 * np.exp(0.3 * keen), n),
            "unsubscribed": (rng.random(n) < 0.03 / (1 + np.exp(keen))).astype(int),
            "crashed": (rng.random(n) < 0.02 + crashes * treated).astype(int),
        }
    )
