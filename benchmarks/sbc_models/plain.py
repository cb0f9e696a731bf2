"""Normal and Student-t outcomes, lognormal and gamma ones, in rows and pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import expit

from sbc_models.base import Drawn, Floats, Free, Model, Positive

NU = Positive("nu", None, None, prior=stats.gamma(2.0, scale=10.0))


def correlated(rho: Any, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw pairs of standard normals."""
    first, second = rng.standard_normal((2, n))
    return first, rho * first + np.sqrt(1 - rho**2) * second


class Normal(Model):
    family = "normal"
    files = ("normal", "gaussian")
    scale, baseline = 10.0, 1.0

    @property
    def constants(self) -> Mapping[str, Any]:
        tight = {"effects_prior_sd": self.effects_sd} if self.randomised else {}
        return super().constants | {"log_sd_prior_mean": np.log(4)} | tight

    @property
    def effects_sd(self) -> Any:  # type: ignore[override]
        # Groups drawn at random have no gap before.
        return np.array([0.2, 1e-3, 0.2, 0.2]) if self.randomised else 0.2

    def spreads(self) -> tuple[Free, ...]:
        links = (Free("fisher_z", 0.0, 1.0, (2,)),) if self.paired else ()
        return (Free("log_sd", np.log(4), 0.3, self.shape), *links)

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        return rng.normal(at["location"], np.exp(at["log_sd"]), n)

    def users(self, found: Drawn, g: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        first, second = correlated(np.tanh(found["fisher_z"][g]), self.n, rng)
        (m0, m1), (s0, s1) = found["location"][g], np.exp(found["log_sd"][g])
        return m0 + s0 * first, m1 + s1 * second


class StudentT(Model):
    family = "student_t"
    files = ("student_t", "points")
    scale, baseline = 10.0, 1.0

    @property
    def of_changes(self) -> bool:
        return self.paired

    @property
    def constants(self) -> Mapping[str, Any]:
        return super().constants | {"log_scale_prior_mean": np.log(4)}

    def spreads(self) -> tuple[Free, ...]:
        return (Free("log_scale", np.log(4), 0.3, self.shape), NU)

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        return at["location"] + np.exp(at["log_scale"]) * rng.standard_t(at["nu"], n)


class LogNormal(Model):
    family = "lognormal"
    files = ("lognormal", "gaussian")
    origin = 1.0

    def spreads(self) -> tuple[Free, ...]:
        # The log-sd is between .05 and 3, its pooled logit N(-.45, .86), cells within .4 × the spread.
        links = (Free("fisher_z", 0.0, 1.0, (2,)),) if self.paired else ()
        return (
            Free("pooled_logit_sigma", -0.45, 0.86),
            Free("logit_sigma", "pooled_logit_sigma", 0.4 * 0.3, self.shape),
            *links,
        )

    def derived(self, found: Drawn) -> Drawn:
        return super().derived(found) | {"sigma": 0.05 + 2.95 * expit(found["logit_sigma"])}

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        return np.exp(rng.normal(at["location"], at["sigma"], n))

    def users(self, found: Drawn, g: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        first, second = correlated(np.tanh(found["fisher_z"][g]), self.n, rng)
        (m0, m1), (s0, s1) = found["location"][g], found["sigma"][g]
        return np.exp(m0 + s0 * first), np.exp(m1 + s1 * second)

    def means(self, found: Drawn) -> Floats:
        return np.exp(found["location"] + found["sigma"] ** 2 / 2)


class Gamma(Model):
    family = "gamma"
    files = ("gamma", "points")
    origin = 1.0

    def spreads(self) -> tuple[Free, ...]:
        links = (Free("logit_dependence", 0.0, 1.5, (2,)),) if self.paired else ()
        return (
            Free("pooled_log_shape", -0.5, 1.0),
            Free("log_shape", "pooled_log_shape", 0.4 * 0.3, self.shape),
            *links,
        )

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        shape = np.exp(at["log_shape"])
        return rng.gamma(shape, np.exp(at["location"]) / shape, n)

    def users(self, found: Drawn, g: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        # The value after is gamma given the value before, with a mean linear in it.
        (m0, m1), (k0, k1) = np.exp(found["location"][g]), np.exp(found["log_shape"][g])
        before = rng.gamma(k0, m0 / k0, self.n)
        beta = expit(found["logit_dependence"][g])
        given = m1 * (1 - beta + beta * before / m0)
        return before, rng.gamma(k1, given / k1)

    def means(self, found: Drawn) -> Floats:
        return np.exp(found["location"])
