"""Kinds of users, and tails beyond a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit

from sbc_models.base import WIDTHS, Drawn, Floats, Free, Model
from sbc_models.plain import correlated
from twobytwo.infer.families import tail_cut
from twobytwo.infer.families.lognormal_mixture import LogNormalMixture


class Mixture(Model):
    family = LogNormalMixture(3)
    files = ("lognormal_mixture", "mixing", "log_points", "points")
    origin = 3.0
    target_accept = 0.9
    odds, apart, beyond, least = np.array([0.3, -0.7]), np.array([0.5, 0.3]), np.full(3, -0.9), 0.35

    @property
    def constants(self) -> Mapping[str, Any]:
        return super().constants | {
            "kind_log_odds_found": self.odds,
            "log_apart_found": self.apart,
            "kind_log_beyond_found": self.beyond,
            "least_sigma": self.least,
        }

    def spreads(self) -> tuple[Free, ...]:
        # Cells differ by .28 in log-shares, .14 in distances and .05 in the log of a spread, times the
        # prior's .3; a kind's sigma is typically .65 of the whole spread, of which .3 is the least.
        return (
            Free("kind_log_odds", self.odds, 0.25, (2,)),
            Free("log_odds", "kind_log_odds", 0.28 * 0.3, (2, 2, 2)),
            Free("log_apart", self.apart, 0.12, (2,)),
            Distance("distance", "log_apart", 0.14 * 0.3, (2, 2, 2)),
            Free("kind_log_beyond", self.beyond, 0.3, (3,)),
            Free("log_beyond", "kind_log_beyond", 0.05 * 0.65 / 0.35 * 0.3, (2, 2, 3)),
        )

    def derived(self, found: Drawn) -> Drawn:
        odds = np.concatenate([np.zeros((2, 2, 1)), found["log_odds"]], axis=-1)
        share = np.exp(odds) / np.exp(odds).sum(axis=-1, keepdims=True)
        away = np.concatenate([np.zeros((2, 2, 1)), found["distance"]], axis=-1)
        sigma = self.least + np.exp(found["log_beyond"])
        total = np.log((share * np.exp(away + sigma**2 / 2)).sum(axis=-1))
        made = super().derived(found)
        place = (made["location"] - total)[..., None] + away
        return made | {"share": share, "place": place, "sigma": sigma}

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        kind = rng.choice(3, size=n, p=at["share"])
        return rng.lognormal(at["place"][kind], at["sigma"][kind])

    def means(self, found: Drawn) -> Floats:
        return np.exp(found["location"])


class Distance(Free):
    """Distances of the heavier kinds from the lightest, around running sums of the steps."""

    def _mean(self, found: Drawn) -> Any:
        return np.cumsum(np.exp(found[self.mean]))


class MixturePairs(Model):
    """A user has one kind before and after; nobody is at zero."""

    family = LogNormalMixture(3)
    files = ("lognormal_mixture", "lognormal_mixture_pairs", "mixing", "../../data/log_pairs")
    origin = 3.0
    target_accept = 0.9
    odds, apart = np.array([0.3, -0.7]), np.array([[1.5, 2.8], [1.6, 2.7]])
    beyond, fisher, least = np.full((2, 3), -0.9), np.array([0.4, 0.8, 1.0]), 0.35

    @property
    def constants(self) -> Mapping[str, Any]:
        return super().constants | {
            "kind_log_odds_found": self.odds,
            "kind_distance_found": self.apart,
            "kind_log_beyond_found": self.beyond,
            "kind_fisher_z_found": self.fisher,
            "least_sigma": self.least,
        }

    def spreads(self) -> tuple[Free, ...]:
        return (
            Free("kind_log_odds", self.odds, 0.25, (2,)),
            Free("log_odds", "kind_log_odds", 0.28 * 0.3, (2, 2)),
            Free("kind_distance", self.apart, 0.12, (2, 2)),
            Free("distance", "kind_distance", 0.14 * 0.3, (2, 2, 2)),
            Free("kind_log_beyond", self.beyond, 0.3, (2, 3)),
            Free("kind_fisher_z", self.fisher, 0.3, (3,)),
        )

    def derived(self, found: Drawn) -> Drawn:
        weight = np.exp(np.concatenate([np.zeros((2, 1)), found["log_odds"]], axis=-1))
        share = weight / weight.sum(axis=-1, keepdims=True)
        away = np.concatenate([np.zeros((2, 2, 1)), found["distance"]], axis=-1)
        sigma = self.least + np.exp(found["kind_log_beyond"])
        total = np.log((share[:, None] * np.exp(away + sigma**2 / 2)).sum(axis=-1))
        made = super().derived(found)
        place = (made["location"] - total)[..., None] + away
        return made | {"share": share, "place": place, "sigma": sigma}

    def users(self, found: Drawn, g: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        kind = rng.choice(3, size=self.n, p=found["share"][g])
        pair = correlated(np.tanh(found["kind_fisher_z"])[kind], self.n, rng)
        before, after = (
            np.exp(found["place"][g, t, kind] + found["sigma"][t, kind] * pair[t]) for t in (0, 1)
        )
        return before, after

    def means(self, found: Drawn) -> Floats:
        return np.exp(found["location"])


def index(at: Drawn) -> float:
    """Give the tail index ξ."""
    return 0.95 * expit(at["logit_xi"])


class Tail(Model):
    """A body of any bounded shape, here a beta, and generalised-Pareto tails beyond a fixed threshold."""

    family = "tail"
    files = ("tail", "tail_cut", "pareto", "points")
    scale, baseline = 10.0, 3.0
    widths = replace(WIDTHS, spread=0.15)
    threshold, log_odds, log_excess = 64.0, np.log(0.12), np.log(40.0)
    # From where effects are told, and what changes nothing; other than the data's.
    body = 25.0

    @property
    def of_changes(self) -> bool:
        return self.paired

    @property
    def signs(self) -> Floats:
        return np.array([1.0, -1.0]) if self.paired else np.array([1.0])

    @property
    def constants(self) -> Mapping[str, Any]:
        return super().constants | {
            "log_tail_odds_prior_mean": self.log_odds,
            "log_mean_excess_prior_mean": self.log_excess,
            "body_mean_rough": np.full(self.shape, self.body),
        }

    @property
    def free(self) -> tuple[Free, ...]:
        shape = (*self.shape, len(self.signs))
        return (
            Free("log_tail_odds", self.log_odds, 0.15, shape),
            Free("logit_xi", -0.75, 0.8),
            Free("log_tail_scale", lambda at: self.log_excess + np.log1p(-index(at)), 0.15, shape),
            Free(
                "effects_away",
                lambda at: self.prior_mean - self.there(at),
                self.effects_sd,
                self.prior_mean.shape,
            ),
        )

    def there(self, at: Drawn) -> Floats:
        """Give the effects that cells have whose bodies have the mean that effects are told from."""
        odds = np.exp(at["log_tail_odds"])
        beyond = self.signs * (self.threshold + np.exp(at["log_tail_scale"]) / (1 - index(at)))
        middle = (self.body + (odds * beyond).sum(axis=-1)) / (1 + odds.sum(axis=-1))
        # Column by column, what an effect of one does to the cells.
        every = np.eye(len(self.prior_mean))
        coding = np.stack([self.cells(one, 0.0, 1.0).ravel() for one in every], axis=-1)
        return np.linalg.solve(coding, (middle.ravel() - self.origin) / self.scale)

    def derived(self, found: Drawn) -> Drawn:
        return super().derived({"effects": found["effects_away"] + self.there(found)})

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        odds, xi = np.exp(at["log_tail_odds"]), index(at)
        scale = np.exp(at["log_tail_scale"])
        beyond = self.signs * (self.threshold + scale / (1 - xi))
        body = at["location"] * (1 + odds.sum()) - (odds * beyond).sum()
        low = -self.threshold if self.paired else 0.0
        middle = (body - low) / (self.threshold - low)
        assert 0.02 < middle < 0.98
        part = rng.choice(1 + len(odds), size=n, p=np.append(1.0, odds) / (1 + odds.sum()))
        drawn = low + (self.threshold - low) * rng.beta(3 * middle, 3 * (1 - middle), n)
        for k, sign in enumerate(self.signs):
            here = part == k + 1
            tail = scale[k] / xi * (rng.random(int(here.sum())) ** -xi - 1)
            drawn[here] = sign * (self.threshold + tail)
        return drawn

    def replaced(self) -> tuple[Any, str, Any]:
        """What the data choose themselves otherwise: the threshold."""
        edges = list(self.signs * self.threshold)
        return tail_cut, "_edges", lambda *_: edges
