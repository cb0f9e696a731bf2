"""A law of strata: where nothing has an effect, estimates lean to neither side, however few are treated.

Users are drawn from a large population without an effect, cut into strata, summed, adjusted by the package
and answered by the fast posterior of `strata_fast`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import strata_fast
import xarray as xr

from twobytwo.simulate import EFFECTS, kinds_population

USERS, TREATED, EXPERIMENTS = 500, 0.1, 2_000


def _strata(before: Any, after: Any, treated: Any) -> xr.Dataset:
    """Sum users by stratum and group, as `twobytwo.data.strata.ByBefore.strata` does."""
    cuts = strata_fast.edges(before, treated)
    n, sx, sy, sxx, sxy, syy = np.moveaxis(strata_fast.sums(before, after, treated, cuts), -1, 0)
    x, y = sx / n, sy / n
    made = {"n": n, "x": x, "y": y, "xx": sxx - n * x**2, "xy": sxy - n * x * y, "yy": syy - n * y**2}
    dims = ("stratum", "group")
    return xr.Dataset({name: (dims, values) for name, values in made.items()}, {"stratum": range(len(n))})


def lean(adjusted: Callable[[xr.Dataset], xr.Dataset], experiments: int = EXPERIMENTS) -> float:
    """Give the mean error of the estimated effects where there is none, in its own standard errors.

    Parameters
    ----------
    adjusted
        `twobytwo.infer.by_stratum.adjusted`, or what is put in its place.
    experiments
        How many are drawn.
    """
    population = kinds_population(EFFECTS["none"])
    effects = []
    for seed in range(experiments):
        rng = np.random.default_rng(seed)
        users = population.draw(n=USERS, rng=rng)
        drawn = population.experiment(users, rng.permutation(USERS) < round(USERS * TREATED))
        found = adjusted(_strata(drawn.before, drawn.after, drawn.treated))
        columns = {
            name: found[name].to_numpy()[None] for name in ("n", "mean", "relative", "hat", "cv", "df")
        }
        summary = strata_fast.Summary(
            real=np.ones((1, found.sizes["stratum"]), dtype=bool),
            spread=found["spread"].to_numpy()[None] ** 2,
            **columns,
        )
        effects.append(strata_fast.answer(summary).effect[0])
    errors = np.array(effects) - population.truth
    return float(errors.mean() / errors.std(ddof=1) * np.sqrt(experiments))
