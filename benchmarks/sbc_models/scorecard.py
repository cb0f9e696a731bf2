"""Several metrics of the same users, decided together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import stats

from sbc_models.base import LEVELS, RANKS, WIDTHS, Floats, rank
from twobytwo import Design
from twobytwo.ask.lines import Line
from twobytwo.ask.metric import Metric
from twobytwo.data.several import read_several
from twobytwo.infer.estimates import estimates
from twobytwo.infer.layout import pairs_of, reads_of
from twobytwo.infer.together import effects_together


@dataclass(frozen=True)
class Scorecard:
    """Effects on two amounts (one with a value before), a ratio, a share and a count, without a sampler."""

    n: int
    code: ClassVar[tuple[str, ...]] = (
        "data/several",
        "data/sums",
        "infer/estimates",
        "infer/layout",
        "infer/together",
        "infer/predictors",
    )
    design: ClassVar[Design] = Design.compare(outcome="a", group="g", **LEVELS)
    lines: ClassVar[tuple[Line, ...]] = (
        Line(metric=Metric(column="a")),
        Line(metric=Metric(column="d"), before_column="d0"),
        Line(metric=Metric(column="b", kind="ratio", denominator="c")),
        Line(metric=Metric(column="s", kind="share")),
        Line(metric=Metric(column="k", kind="count")),
    )
    # What effects are scaled by in place of the data's own; the prior sd of a share's is .3 of it, not .2.
    scale: ClassVar[Floats] = np.array([20.0, 20.0, 0.4, 12.0, 0.4])
    widths: ClassVar[Floats] = np.array([0.2, 0.2, 0.2, 0.3, 0.2])

    def ranks(self, rng: np.random.Generator) -> dict[str, int]:
        """Rank the truth of one simulation among its draws."""
        true = rng.normal(0, self.widths * self.scale)
        several = read_several(self.users(true, rng), self.design, reads_of(self.lines), pairs_of(self.lines))
        found = replace(estimates(several, self.lines), scale=self.scale)
        seed = int(rng.integers(2**31))
        draws = effects_together(several, self.lines, found, WIDTHS, draws=RANKS, seed=seed).effect
        ranks = {line.metric.name: rank(draws[:, j], true[j], rng) for j, line in enumerate(self.lines)}
        inverse = np.linalg.inv(found.covariance)

        def fit(effect: Floats) -> Floats:
            away = effect - found.effect
            return -0.5 * np.einsum("...j,jk,...k", away, inverse, away)

        def prior(effect: Floats) -> Floats:
            return -0.5 * np.square(effect / (self.widths * self.scale)).sum(axis=-1)

        for quantity, density in (("log-prior", prior), ("log-likelihood", fit)):
            ranks[quantity] = rank(density(draws), density(true), rng)
        return ranks

    def users(self, true: Floats, rng: np.random.Generator) -> pd.DataFrame:
        """Draw users whose values go together by how keen they are."""
        arm = np.arange(2 * self.n) % 2
        keen, noise = rng.standard_normal(2 * self.n), rng.standard_normal(2 * self.n)
        clicks = rng.poisson(5 * np.exp(0.5 * keen - 0.125))
        before, chance = rng.standard_normal((2, 2 * self.n))
        return pd.DataFrame(
            {
                "g": arm,
                "a": 100 + 40 * keen + 40 * noise + true[0] * arm,
                "d0": 50 + 30 * before,
                "d": 100 + 45 * before + 40 * noise + true[1] * arm,
                # Its mean is the ratio times that of the denominator.
                "b": (2 + true[2] * arm) * clicks * rng.gamma(4, 1 / 4, 2 * self.n),
                "c": clicks,
                "s": (stats.norm.cdf(0.6 * keen + 0.8 * chance) < 0.3 + true[3] / 100 * arm).astype(int),
                "k": rng.poisson((4 + true[4] * arm) * np.exp(0.5 * keen - 0.125)),
            }
        )
