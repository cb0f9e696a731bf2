"""Zeros, shares and counts: who is active, and how often something happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from sbc_models.base import Drawn, Floats, Free, Model
from sbc_models.plain import Gamma, LogNormal

ACTIVITY_SD = np.array([0.2, 0.3, 0.3, 0.3])
ASSOCIATION = Free("association", 2.0, 2.0, (2,))


def both_active(before: float, after: float, log_ratio: float) -> float:
    """Give the probability of both, of two events with this log odds ratio, by Plackett's quadratic."""
    theta = np.exp(log_ratio)
    roots = np.roots([theta - 1, -(1 + (before + after) * (theta - 1)), theta * before * after])
    low, high = max(0.0, before + after - 1), min(before, after)
    middle = (low + high) / 2
    return float(min((r.real for r in roots), key=lambda root: abs(root - middle)))


def active_users(
    log_odds: Floats, log_ratio: float, n: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw who is active before and who is after."""
    before, after = expit(log_odds)
    both = both_active(before, after, log_ratio)
    shares = np.clip([both, before - both, after - both, 1 - before - after + both], 0, 1)
    pattern = rng.choice(4, size=n, p=shares / shares.sum())
    return pattern <= 1, (pattern == 0) | (pattern == 2)


class WithZeros(Model):
    """A family of positive outcomes, and zeros; of users also the four patterns of activity."""

    @property
    def constants(self) -> Mapping[str, Any]:
        return super().constants | {"activity_origin": 0.8}

    def spreads(self) -> tuple[Free, ...]:
        singles: tuple[Free, ...] = ()
        if self.paired:
            singles = (ASSOCIATION, Free("single_shift", 0.0, 1.0, (2, 2)), self.single())
        return (Free("activity_effects", 0.0, ACTIVITY_SD, (4,)), *super().spreads(), *singles)

    def single(self) -> Free:
        raise NotImplementedError

    def derived(self, found: Drawn) -> Drawn:
        return super().derived(found) | {"activity": self.cells(found["activity_effects"], 0.8, 1.0)}

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        return super().row(at, n, rng) * (rng.random(n) < expit(at["activity"]))

    def users(self, found: Drawn, g: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        active = active_users(found["activity"][g], found["association"][g], self.n, rng)
        values = super().users(found, g, rng)
        alone = active[0] ^ active[1]
        made = []
        for t in (0, 1):
            at = {name: value[g, t] for name, value in self.of_single(found).items()}
            y = np.where(alone, super().row(at, self.n, rng), values[t])
            made.append(np.where(active[t], y, 0.0))
        return made[0], made[1]

    def of_single(self, found: Drawn) -> Drawn:
        """Parameters of outcomes of users active in one period only."""
        raise NotImplementedError

    def means(self, found: Drawn) -> Floats:
        mean, active = super().means(found), expit(found["activity"])
        if not self.paired:
            return mean * active
        single = super().means(self.of_single(found))
        both = np.array([[both_active(*active[g], found["association"][g])] * 2 for g in (0, 1)])
        return both * mean + (active - both) * single

    def accepts(self, rows: pd.DataFrame) -> bool:
        """Whether every pattern has users enough, so that all data have one shape."""
        if not self.paired:
            return True
        active = [rows["y0"] > 0, rows["y1"] > 0]
        patterns = [active[0] & active[1], active[0] & ~active[1], ~active[0] & active[1]]
        return all(bool(pattern.groupby(rows["g"]).sum().ge(3).all()) for pattern in patterns)


class HurdleLogNormal(WithZeros, LogNormal):
    family = "hurdle_lognormal"
    files = ("hurdle_lognormal", "hurdle", "lognormal", "gaussian")

    def single(self) -> Free:
        return Free("single_log_sigma_ratio", 0.0, 0.3, (2, 2))

    def of_single(self, found: Drawn) -> Drawn:
        spread = found["sigma"] * np.exp(found["single_log_sigma_ratio"])
        return {"location": found["location"] + found["single_shift"], "sigma": spread}


class HurdleGamma(WithZeros, Gamma):
    family = "hurdle_gamma"
    files = ("hurdle_gamma", "hurdle", "gamma", "points")

    def single(self) -> Free:
        return Free("single_log_shape_ratio", 0.0, 0.5, (2, 2))

    def of_single(self, found: Drawn) -> Drawn:
        log_shape = found["log_shape"] + found["single_log_shape_ratio"]
        return {"location": found["location"] + found["single_shift"], "log_shape": log_shape}


class Binomial(Model):
    family, kind = "binomial", "share"
    files = ("binomial", "hurdle")
    origin, effects_sd = 0.4, ACTIVITY_SD

    def spreads(self) -> tuple[Free, ...]:
        return (ASSOCIATION,) if self.paired else ()

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        return (rng.random(n) < expit(at["location"])).astype(int)

    def users(self, found: Drawn, g: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        before, after = active_users(found["location"][g], found["association"][g], self.n, rng)
        return before.astype(int), after.astype(int)

    def means(self, found: Drawn) -> Floats:
        return 100 * expit(found["location"])

    def accepts(self, rows: pd.DataFrame) -> bool:
        """Whether both values are in every cell, and not everybody changes alike."""
        if not self.paired:
            return bool(rows.groupby(["g", "t"])["y"].nunique().eq(2).all())
        changed = rows.assign(change=rows["y1"] - rows["y0"]).groupby("g")[["y0", "y1", "change"]].nunique()
        return bool(changed.ge(2).all().all())


class NegativeBinomial(Model):
    family, kind = "negative_binomial", "count"
    files = ("negative_binomial", "gamma", "points")
    origin = 1.0
    target_accept = 0.95

    def spreads(self) -> tuple[Free, ...]:
        return (
            Free("pooled_log_shape", 1.0, 2.0),
            Free("log_shape", "pooled_log_shape", 0.4 * 0.3, self.shape),
        )

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        shape = np.exp(at["log_shape"])
        return rng.poisson(rng.gamma(shape, np.exp(at["location"]) / shape, n))

    def means(self, found: Drawn) -> Floats:
        return np.exp(found["location"])

    def accepts(self, rows: pd.DataFrame) -> bool:
        return bool(rows.groupby(["g", "t"])["y"].nunique().ge(2).all())


class HurdleNegativeBinomial(WithZeros, NegativeBinomial):
    family = "hurdle_negative_binomial"
    files = ("hurdle_negative_binomial", "hurdle", "negative_binomial", "gamma", "points")

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        """Draw until a count is not zero, of as many as are active."""
        shape, found = np.exp(at["log_shape"]), np.zeros(n)
        left = rng.random(n) < expit(at["activity"])
        while left.any():
            found[left] = rng.poisson(rng.gamma(shape, np.exp(at["location"]) / shape, int(left.sum())))
            left &= found == 0
        return found

    def means(self, found: Drawn) -> Floats:
        mean, shape = np.exp(found["location"]), np.exp(found["log_shape"])
        return expit(found["activity"]) * mean / (1 - (shape / (shape + mean)) ** shape)

    def accepts(self, rows: pd.DataFrame) -> bool:
        """Whether there are zeros, and in every cell two positive counts."""
        active = rows[rows["y"] > 0].groupby(["g", "t"])["y"].size()
        return bool((rows["y"] == 0).any() and len(active) == 4 and active.ge(2).all())
