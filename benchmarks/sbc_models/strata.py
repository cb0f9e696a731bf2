"""Strata of the value before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sbc_models.base import Drawn, Floats, Free, Model, Positive
from twobytwo.data import strata as strata_module
from twobytwo.data.merging import merged

# The unit of the scale of steps, 1/8, and its prior, HalfNormal(1/4).
UNIT, STEP = 0.125, stats.halfnorm(scale=2.0)


@dataclass(frozen=True)
class Scale(Positive):
    """A free variable above zero, whose unit in the sampler is a logarithm far below 1 and itself above."""

    def log_density(self, found: Drawn) -> float:
        return float(self.prior.logpdf(found[self.name]) + np.log(-np.expm1(-found[self.name])))

    def sampled(self, value: Any) -> Any:
        return np.log(np.expm1(value))


@dataclass(frozen=True)
class Eased(Free):
    """Steps in their own posterior mean and sd, given estimates of them: a normal with both depending."""

    own: Any = None
    seen: Any = None
    precision: Any = None

    def sigma(self, found: Drawn) -> Floats:
        """Give the sd of the steps' prior."""
        return np.sqrt((UNIT * found["step_in_units"]) ** 2 + self.own**2)

    def steps(self, found: Drawn) -> Floats:
        """Give the steps themselves."""
        variance = 1 / (1 / self.sigma(found) ** 2 + self.precision)
        return variance * self.precision * self.seen + np.sqrt(variance) * found[self.name]

    def draw(self, found: Drawn, rng: np.random.Generator) -> Any:
        variance = 1 / (1 / self.sigma(found) ** 2 + self.precision)
        steps = rng.normal(0.0, self.sigma(found))
        return (steps - variance * self.precision * self.seen) / np.sqrt(variance)

    def log_density(self, found: Drawn) -> float:
        sigma = self.sigma(found)
        # From the density of the steps to that of the variable.
        change = -0.5 * np.log(1 / sigma**2 + self.precision)
        return float((stats.norm.logpdf(self.steps(found), 0.0, sigma) + change).sum())


class Stratified(Model):
    """Three strata; rows are made so that their statistics are draws of the model's own distributions.

    Three users in ten are treated, and their values spread more than the others', so that the groups' own
    spreads decide the error.
    """

    family = "stratified"
    files = ("stratified",)
    scale, baseline = 10.0, 1.0
    effects_sd = np.array([0.2, 1e-3, 0.2, 0.2])
    target_accept = 0.85
    places, edges = np.array([0.01, 1.0, 100.0]), np.array([0.1, 10.0])
    log_share, log_level = np.log([0.5, 0.3, 0.2]), np.log([0.4, 1.0, 2.5])
    own, cv_step = np.array([0.12, 0.3]), np.array([0.5, 0.15])
    # Estimates of the steps, by which they are written and which change nothing; other than the data's.
    step_seen, step_precision = np.array([0.2, -0.1]), np.array([4.0, 20.0])
    treated, wider = 0.3, 1.5
    spread, before_se = np.array([4.0, 10.0, 25.0]), np.array([0.1, 0.1])

    @property
    def code(self) -> tuple[str, ...]:
        return (*super().code, "infer/by_stratum")

    @property
    def constants(self) -> Mapping[str, Any]:
        return super().constants | {
            "effects_prior_sd": self.effects_sd,
            "stratum_log_share": self.log_share,
            "stratum_log_level": self.log_level,
            "share_treated": self.treated,
            "own_step": self.own**2,
            "step_seen": self.step_seen,
            "step_precision": self.step_precision,
            "cv_step": self.cv_step,
            "stratum_spread": self.spread,
            "mean_before_se": self.before_se,
        }

    def spreads(self) -> tuple[Free, ...]:
        return (
            Free("log_share", self.log_share, 1.0, (3,)),
            Free("log_level", self.log_level, 1.0, (3,)),
            Scale("step_in_units", None, None, prior=STEP),
            self.steps,
            Free("cv_z", 0.0, 1.0, (2,)),
            Free("log_cv_top", 0.0, 1.0),
        )

    @property
    def steps(self) -> Eased:
        """How relative effects step from stratum to stratum."""
        return Eased("step_z", None, None, (2,), self.own, self.step_seen, self.step_precision)

    def derived(self, found: Drawn) -> Drawn:
        made = super().derived(found)
        control, treated = made["location"][:, 1]
        after = (1 - self.treated) * control + self.treated * treated
        share = np.exp(found["log_share"]) / np.exp(found["log_share"]).sum()
        level = np.exp(found["log_level"])
        level = level / (share @ level)
        walked = np.concatenate([[0.0], np.cumsum(self.steps.steps(found))])
        relative = (treated - control) / after + walked - (share * level) @ walked
        # From the heaviest users down.
        down = np.cumsum((found["cv_z"] * self.cv_step)[::-1])
        log_cv = found["log_cv_top"] + np.concatenate([[0.0], down])[::-1]
        return made | {"share": share, "mean": after * level, "relative": relative, "log_cv": log_cv}

    def rows(self, found: Drawn, rng: np.random.Generator) -> pd.DataFrame:
        n = rng.multinomial(2 * self.n, found["share"])
        second = np.round(self.treated * n).astype(int)
        groups = np.stack([n - second, second], axis=-1)
        nothing = pd.DataFrame()
        if groups.min() < 12:
            return nothing
        wanted = rng.normal(found["location"][:, 0], self.before_se)
        factor = wanted * groups.sum(axis=0) / (self.places @ groups)
        places = self.places[:, None] * factor
        total = n.astype(float)
        mean = rng.normal(found["mean"], self.spread / np.sqrt(total))
        # An estimate of the coefficient of variation counts a fifth of its users.
        cv = np.exp(rng.normal(found["log_cv"], (0.4 * (total - 3)) ** -0.5))
        # Of the common variance, the groups' own; over the users they add up to it.
        own = np.array([1.0, self.wider**2]) * (total / (groups @ [1.0, self.wider**2]))[:, None]
        hat = self._hat(groups, places, (total * mean * cv) ** 2, own)
        relative = rng.normal(found["relative"], np.exp(found["log_cv"]) * np.sqrt(hat))
        sd = (cv * mean * np.sqrt((total - 3) / total))[:, None] * np.sqrt(own)
        parts = [self._stratum(groups[k], places[k], (mean[k], relative[k], sd[k]), rng) for k in range(3)]
        if any(part is None for part in parts):
            return nothing
        users = pd.concat(parts, keys=range(3), names=["drawn_for", None]).reset_index("drawn_for")
        # Beyond an edge, or in a bin that reaches beyond it, users are in another stratum, and its sums are
        # not those that were drawn. A bin is at most a sixteenth of its value wide.
        low, high = np.array([0.0, *(1.1 * self.edges)]), np.array([*(self.edges / 1.1), np.inf])
        at = users["drawn_for"].to_numpy()
        if not users["y0"].between(low[at], high[at]).all():
            return nothing
        return users.assign(u=range(len(users)))

    def _hat(self, n: Floats, places: Floats, part: Floats, own: Floats) -> Floats:
        """Give variances of relative effects in squared coefficients of variation, (stratum,).

        All larger by one factor, where the error of the whole is larger by the groups' own variances, each
        drawn to the common one as by 4 of a fifth of its users.
        """
        total = n.sum(axis=1, keepdims=True)
        hat = (1 / n).sum(axis=1) + np.diff(places)[:, 0] ** 2 / (n * (places / 10) ** 2).sum(axis=1)
        each = (4 + 0.2 * (total - 3) / total * own * n) / (4 + 0.2 * (n - 1))
        return hat * max(1.0, (part * (each / n).sum(axis=1)).sum() / (part * hat).sum())

    def _stratum(
        self, n: Floats, place: Floats, of: tuple[Floats, Floats, Floats], rng: np.random.Generator
    ) -> pd.DataFrame | None:
        mean, relative, sd = of
        total = n.sum()
        noise = [rng.standard_normal(size) for size in n]
        # Values before: a tenth around their place, nothing to do with what else spreads the values after.
        u = [(z - z.mean()) / z.std() / 10 for z in noise]
        slope = 0.3 * mean / place.mean()
        difference = relative * mean + slope * (place[1] - place[0])
        parts = []
        for g in (0, 1):
            centre = mean + difference * (-n[1], n[0])[g] / total
            if centre <= 0:
                return None
            pattern = stats.gamma.ppf((np.arange(n[g]) + 0.5) / n[g], (centre / sd[g] / 1.5) ** 2)
            if not np.ptp(pattern) > 0:
                return None
            pattern = rng.permutation(pattern)
            z = (pattern - pattern.mean()) / pattern.std()
            # Orthogonal to the residuals, with a standard deviation of a tenth again.
            x = u[g] - (u[g] @ z) / (z @ z) * z
            x = x / x.std() / 10
            y = centre + slope * place[g] * x + sd[g] * z
            if y.min() < 0 or np.ptp(x) > 2:
                return None
            parts.append(pd.DataFrame({"y0": place[g] * (1 + x), "y1": y, "g": g}))
        return pd.concat(parts)

    def replaced(self) -> tuple[Any, str, Any]:
        """What the data choose themselves otherwise: where strata are cut."""

        def fixed(by_before: Any) -> Any:
            at = np.searchsorted(self.edges, by_before.frame["reference"])
            frame = by_before.frame.assign(stratum=at)
            table = merged(frame, ["stratum", "group"], strata_module._PRODUCTS)  # noqa: SLF001 - as it is
            return by_before._labelled(table, frame)  # noqa: SLF001

        return strata_module.ByBefore, "strata", fixed
