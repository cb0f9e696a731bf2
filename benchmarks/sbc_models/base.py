"""What every model of simulation-based calibration is: parameters, designs, rows, truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from twobytwo import Design, Priors

Floats = np.ndarray
Drawn = dict[str, Any]

# Of 300 draws every third is kept; a rank is between 0 and this.
RANKS = 100
WIDTHS = Priors(
    name="sbc",
    baseline=0.2,
    effect=0.2,
    gap=0.2,
    interaction=0.2,
    activity=0.3,
    activity_interaction=0.3,
    spread=0.3,
)
LEVELS = {"control": 0, "treatment": 1}
TWO = {"g": (0, 1), "t": (0, 1)}
WIDE = {"before_column": "y0", "after_column": "y1", "group": "g", "unit": "u", **LEVELS}


def designs(kind: Any = "amount") -> dict[str, Design]:
    """Give the questions by the words for them."""
    return {
        "rows": Design.did(outcome="y", group="g", period="t", before=0, after=1, kind=kind, **LEVELS),
        "factorial": Design.interaction(outcome="y", factors=("g", "t"), levels=TWO, kind=kind),
        "pairs": Design.did_wide(kind=kind, **WIDE),
        "randomised pairs": Design.did_wide(kind=kind, randomised=True, **WIDE),
    }


ROWS = designs()["rows"]


def rank(draws: Floats, true: float, rng: np.random.Generator) -> int:
    """Give the number of draws below the truth, ties broken at random."""
    ties = int((draws == true).sum())
    return int((draws < true).sum() + (rng.integers(0, ties + 1) if ties else 0))


@dataclass(frozen=True)
class Free:
    """A free variable with a normal prior, around a constant, another variable, or what follows from some."""

    name: str
    mean: Any
    sd: Any
    shape: tuple[int, ...] = ()

    def draw(self, found: Drawn, rng: np.random.Generator) -> Any:
        return rng.normal(self._mean(found), self.sd, self.shape)

    def log_density(self, found: Drawn) -> float:
        """Log prior density of what the sampler calls the variable, in its own unit."""
        away = (found[self.name] - self._mean(found)) / self.sd
        return -0.5 * float((np.square(away) + 2 * np.log(self.sd) + np.log(2 * np.pi)).sum())

    def sampled(self, value: Any) -> Any:
        """Give the value in the sampler's own unit."""
        return value

    def _mean(self, found: Drawn) -> Any:
        if callable(self.mean):
            return self.mean(found)
        return found[self.mean] if isinstance(self.mean, str) else self.mean


@dataclass(frozen=True)
class Positive(Free):
    """A free variable above zero, whose unit in the sampler is its logarithm."""

    prior: Any = None

    def draw(self, found: Drawn, rng: np.random.Generator) -> Any:  # noqa: ARG002 - as every variable's
        return self.prior.rvs(random_state=rng)

    def log_density(self, found: Drawn) -> float:
        return float(self.prior.logpdf(found[self.name]) + np.log(found[self.name]))

    def sampled(self, value: Any) -> Any:
        return np.log(value)


def location(effects: Floats, origin: float, scale: float, *, factorial: bool = False) -> Floats:
    """Cells from effects: levels of groups and experiments are ±½, of periods 0 and 1."""
    second = (-0.5, 0.5) if factorial else (0.0, 1.0)
    base, one, two, both = effects
    return origin + scale * np.array(
        [[base + a * one + b * two + a * b * both for b in second] for a in (-0.5, 0.5)]
    )


@dataclass(frozen=True)
class Model:
    """A family in a design: how its parameters, rows and true means are drawn, and what code it is."""

    # How its design is called.
    words: str
    # Rows of a cell, or users of a group.
    n: int
    family: ClassVar[Any]
    kind: ClassVar[Any] = "amount"
    files: ClassVar[tuple[str, ...]]
    origin: ClassVar[float] = 0.0
    scale: ClassVar[float] = 1.0
    baseline: ClassVar[float] = 0.0
    effects_sd: ClassVar[Any] = 0.2
    widths: ClassVar[Priors] = WIDTHS
    target_accept: ClassVar[float] = 0.8

    @property
    def design(self) -> Design:
        return designs(self.kind)[self.words]

    @property
    def paired(self) -> bool:
        return "pairs" in self.words

    @property
    def randomised(self) -> bool:
        return "randomised" in self.words

    @property
    def factorial(self) -> bool:
        return self.words == "factorial"

    @property
    def of_changes(self) -> bool:
        """Whether cells are groups of users' changes."""
        return False

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,) if self.of_changes else (2, 2)

    @property
    def code(self) -> tuple[str, ...]:
        # What is said of an effect (its labels) changes no rank.
        shared = (
            "ask/contrast:Contrast",
            "data/bins",
            "data/given",
            "data/joint",
            "data/merging",
            "data/patterns",
            "data/regressions",
            "infer/predictors",
            "infer/effects:contrasts,_Table",
            "infer/model:build_model,_build",
        )
        return (*shared, *(f"infer/families/{name}" for name in self.files))

    @property
    def constants(self) -> Mapping[str, Any]:
        """What stands in place of the data's own mean and spread."""
        return {"origin": self.origin, "scale": self.scale, "effects_prior_mean": self.prior_mean}

    @property
    def prior_mean(self) -> Floats:
        return np.array([self.baseline, 0, 0, 0]) if len(self.shape) == 2 else np.zeros(2)

    @property
    def free(self) -> tuple[Free, ...]:
        """List the free variables, those first around which others are."""
        return (Free("effects", self.prior_mean, self.effects_sd, self.prior_mean.shape), *self.spreads())

    def spreads(self) -> tuple[Free, ...]:
        raise NotImplementedError

    def draw(self, rng: np.random.Generator) -> Drawn:
        """Draw parameters, and what follows from them in every cell."""
        found: Drawn = {}
        for free in self.free:
            found[free.name] = free.draw(found, rng)
        return found | self.derived(found)

    def derived(self, found: Drawn) -> Drawn:
        return {"location": self.cells(found["effects"], self.origin, self.scale)}

    def cells(self, effects: Floats, origin: float, scale: float) -> Floats:
        if len(self.shape) == 1:
            return origin + scale * (effects[0] + np.array([-0.5, 0.5]) * effects[1])
        return location(effects, origin, scale, factorial=self.factorial)

    def log_prior(self, found: Drawn) -> float:
        return sum(free.log_density(found) for free in self.free)

    def rows(self, found: Drawn, rng: np.random.Generator) -> pd.DataFrame:
        """Draw the rows of an experiment."""
        if self.paired:
            parts = []
            for g in (0, 1):
                before, after = self.users(found, g, rng)
                parts.append(pd.DataFrame({"y0": before, "y1": after, "g": g}))
            users = pd.concat(parts, ignore_index=True)
            return users.assign(u=range(len(users)))
        parts = []
        for place in np.ndindex(2, 2):
            at = {name: value[place] for name, value in found.items() if np.shape(value)[:2] == (2, 2)}
            y = self.row({**found, **at}, self.n, rng)
            parts.append(pd.DataFrame({"y": y, "g": place[0], "t": place[1]}))
        return pd.concat(parts)

    def row(self, at: Drawn, n: int, rng: np.random.Generator) -> Floats:
        """Draw the rows of one cell, given its parameters."""
        raise NotImplementedError

    def users(self, found: Drawn, g: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw the values before and after of the users of one group."""
        if self.of_changes:
            at = {name: value[g] for name, value in found.items() if np.shape(value)[:1] == (2,)}
            before = rng.normal(0, 1, self.n)
            return before, before + self.row({**found, **at}, self.n, rng)
        raise NotImplementedError

    def means(self, found: Drawn) -> Floats:
        """Give the true value of every cell."""
        return found["location"]

    def accepts(self, rows: pd.DataFrame) -> bool:
        """Whether such data are asked about at all; may depend on nothing but the data."""
        return bool(len(rows))

    def truth(self, found: Drawn) -> dict[str, float]:
        """The contrasts that are ranked, by the names that effects have."""
        means = self.means(found)
        if means.ndim == 1:
            return {"did": float(means[1] - means[0])}
        (m00, m01), (m10, m11) = means
        both = m11 - m10 - m01 + m00
        return {"interaction": both, "both": m11 - m00} if self.factorial else {"did": both}
