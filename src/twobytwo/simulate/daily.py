"""Daily rows as a log has them: a partial rollout, days without use, users who leave, and bots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from twobytwo.errors import DesignError
from twobytwo.simulate.arguments import is_finite, is_probability, options_or_default, whole

__all__ = ["DailyMinutes", "daily_minutes"]

LAUNCH = "2026-09-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyMinutes:
    """Options of `daily_minutes`.

    Parameters
    ----------
    n
        Number of users.
    effect
        By what share treated users' minutes grow from the launch on; people only, not bots.
    treated_share
        Share of the users who are treated, drawn at random.
    days
        Days before the launch on 2026-09-01, and as many after.
    leaving
        Share of the users who leave for good on some day.
    bots
        Share of the accounts that are bots: most of a day, on every day from some day on.
    seed
        Of the generator; the same seed gives the same users and days under any effect.

    Examples
    --------
    >>> DailyMinutes(effect=0.0).n
    5000
    """

    n: int = 5_000
    effect: float = 0.15
    treated_share: float = 0.2
    days: int = 14
    leaving: float = 0.08
    bots: float = 0.002
    seed: int = 7

    def __post_init__(self) -> None:
        whole("n", self.n, at_least=20)
        whole("days", self.days, at_least=1)
        for name in ("treated_share", "leaving", "bots"):
            value = getattr(self, name)
            if not is_probability(value):
                msg = f"{name} must be a share between 0 and 1, got {value!r}."
                raise DesignError(msg)
        if not is_finite(self.effect) or self.effect <= -1:
            msg = f"effect must be a share above -1, such as 0.1, got {self.effect!r}."
            raise DesignError(msg)


def daily_minutes(options: DailyMinutes | None = None) -> pd.DataFrame:
    """Draw one row per user and day with use.

    Parameters
    ----------
    options
        See `DailyMinutes`.

    Returns
    -------
    pandas.DataFrame
        ``user_id``, ``variant`` (``"control"``, ``"variant_b"``), ``day`` (ISO text) and ``minutes``, whole
        and at least 1. A day without use has no row.

    Examples
    --------
    >>> rows = daily_minutes()
    >>> list(rows), len(rows) > 50_000
    (['user_id', 'variant', 'day', 'minutes'], True)
    """
    options = options_or_default(options, DailyMinutes)
    rng = np.random.default_rng(options.seed)
    n, days = options.n, 2 * options.days
    treated = rng.random(n) < options.treated_share
    # Some use it now and then, some daily and long.
    taste = rng.normal(0, 1, n)
    active = 1 / (1 + np.exp(-(0.1 + 0.9 * taste)))
    typical = np.exp(2.6 + 0.8 * taste)
    stays = np.where(rng.random(n) < options.leaving, rng.integers(1, days, n), days)
    minutes = typical[:, None] * rng.gamma(1.5, 1 / 1.5, (n, days))
    uses = (rng.random((n, days)) < active[:, None]) & (np.arange(days) < stays[:, None])
    after = np.arange(days) >= options.days
    minutes = minutes * (1 + options.effect * (treated[:, None] & after))
    # Bots: found late, and in no arm more than in the other but by chance.
    bots = rng.random(n) < options.bots
    begin = rng.integers(0, days, n)
    machine = bots[:, None] & (np.arange(days) >= begin[:, None])
    minutes = np.where(machine, rng.uniform(1_100, 1_440, (n, days)), minutes)
    uses = np.where(bots[:, None], machine, uses)
    user, day = np.nonzero(uses)
    dates = pd.date_range(end=pd.Timestamp(LAUNCH) + pd.Timedelta(days=options.days - 1), periods=days)
    return pd.DataFrame(
        {
            "user_id": user + 100_001,
            "variant": np.where(treated, "variant_b", "control")[user],
            "day": dates.strftime("%Y-%m-%d").to_numpy()[day],
            "minutes": np.maximum(1, np.rint(minutes[user, day])).astype(np.int64),
        }
    )
