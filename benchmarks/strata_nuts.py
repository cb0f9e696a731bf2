"""The fast form of the strata beside the package's own posterior, and which answers the gates let through.

Run `uv run python benchmarks/strata_nuts.py` (an hour on one core): 200 experiments, 2 x 500 draws each;
the result goes to docs/data/strata_nuts.json, anew after every experiment, sizes and effects in turn.
"""

from __future__ import annotations

import argparse
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from evidence import DATA, about, write
from plasmode import POPULATION_SEED
from strata_fast import answer, edges, summarise, sums

import twobytwo as tbt
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gates.family import family_gates
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import family_of
from twobytwo.infer.fit import fit
from twobytwo.simulate import EFFECTS, Minutes, kinds_population

CODE = ("benchmarks/strata_fast", "infer/by_stratum", "infer/families/stratified")
SEED = 20_261_126
CELLS = tuple(product((500, 2_000, 10_000, 50_000), (0.5, 0.1)))
DESIGN = tbt.Design.compare(outcome="after", group="treated", unit="user", before_column="before")
SAMPLER = SamplerOptions(draws=500, chains=2, progressbar=False)


def experiment(k: int) -> tuple[int, float, str, Minutes, float, float]:
    """Give the k-th experiment: users, share treated, effect, minutes, truth and mean."""
    n, share = CELLS[k % len(CELLS)]
    effect = list(EFFECTS)[(k + k // len(CELLS)) % len(EFFECTS)]
    population = kinds_population(EFFECTS[effect], seed=POPULATION_SEED)
    rng = np.random.default_rng([SEED, k])
    users = population.draw(n=n, rng=rng)
    minutes = population.experiment(users, rng.permutation(n) < round(n * share))
    return n, share, effect, minutes, population.truth, population.mean


def answers(k: int) -> list[dict[str, object]]:
    """Answer one experiment by the fast form and by two families, all in percent of the mean."""
    n, share, effect, e, truth, mean = experiment(k)
    about = {"experiment": k, "n": n, "treated_share": share, "effect": effect}
    about["truth"] = round(100 * truth / mean, 3)
    fast = answer(summarise([sums(e.before, e.after, e.treated, edges(e.before, e.treated))]))
    found = [("fast form", "ok", fast.effect[0], fast.lower[0], fast.upper[0])]
    frame = {"user": np.arange(n), "treated": e.treated.astype(int), "before": e.before, "after": e.after}
    cells = tbt.compress(pd.DataFrame(frame), DESIGN)
    robust = robust_check(cells, 0.95)
    for family in ("stratified", "normal"):
        chosen = fit(cells, family_of(family), tbt.Priors(), SAMPLER)
        draws = chosen.effects[chosen.effects.headline].to_numpy().ravel()
        status = {gate.status for gate in family_gates(chosen, robust)}
        worst = "refused" if "refuse" in status else "caution" if "warn" in status else "ok"
        found.append((family, worst, draws.mean(), *np.quantile(draws, [0.025, 0.975])))
    return [
        about
        | {"answer": name, "status": status}
        | {
            key: round(100 * float(value) / mean, 3)
            for key, value in zip(("mean", "lower", "upper"), numbers, strict=True)
        }
        for name, status, *numbers in found
    ]


def main() -> None:
    """Run the experiments and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=200)
    parser.add_argument("--out", type=Path, default=DATA / "strata_nuts.json")
    asked = parser.parse_args()
    record = {
        **about(__file__, *CODE),
        "seeds": {"population": POPULATION_SEED, "draws": [SEED, "experiment"]},
    }
    found: list[dict[str, object]] = []
    for k in range(asked.experiments):
        began = time.perf_counter()
        with warnings.catch_warnings(action="ignore"):
            found += answers(k)
        write(record | {"rows": found}, asked.out)
        print(k, f"{time.perf_counter() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
