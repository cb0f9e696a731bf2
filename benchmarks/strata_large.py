"""Coverage and false alarms of the strata at 50,000 users, in further draws of the plasmode.

    uv run python benchmarks/strata_large.py            # about five minutes

400 experiments leave a standard error of 1.1 % in a coverage, as much as what is asked of it (within one
point of Welch). Here the same population is drawn 1,600 times more, by the seeds that follow those of
benchmarks/plasmode.py, half of the users treated, and answered by the strata and by Welch only. The result
goes to docs/data/strata_large.json.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from evidence import DATA, about, write
from least_squares import changes
from plasmode import POPULATION_SEED, REPLICATES, SEED
from strata_fast import answer, edges, summarise, sums

from twobytwo.simulate import EFFECTS, kinds_population

CODE = ("benchmarks/least_squares", "benchmarks/strata_fast", "simulate/kinds")
USERS, SHARE, MORE = 50_000, 0.5, 1_600
FIRST = REPLICATES[-1]


def scores(answers: npt.NDArray[np.float64], truth: float) -> dict[str, float]:
    """Shares of intervals that cover the truth, and of experiments in which harm is stated with 95 %."""
    _, lower, upper, harm = answers.T
    return {
        "covered": round(float(((lower <= truth) & (truth <= upper)).mean()), 4),
        "harm alarms": round(float((harm > 0.95).mean()), 4),
    }


def main() -> None:
    """Draw, answer by both, count."""
    populations = {name: kinds_population(e, seed=POPULATION_SEED) for name, e in EFFECTS.items()}
    tables, welch = {name: [] for name in EFFECTS}, {name: [] for name in EFFECTS}
    for replicate in range(FIRST, FIRST + MORE):
        rng = np.random.default_rng([SEED, USERS, round(100 * SHARE), replicate])
        users = populations["none"].draw(n=USERS, rng=rng)
        treated = rng.permutation(USERS) < round(USERS * SHARE)
        # Of what users did before, which no effect changes.
        cuts = None
        for name, population in populations.items():
            e = population.experiment(users, treated)
            cuts = edges(e.before, treated) if cuts is None else cuts
            tables[name].append(sums(e.before, e.after, treated, cuts))
            welch[name].append(changes(e.before, e.after, treated))
    rows = []
    for name, population in populations.items():
        found = answer(summarise(tables[name]))
        strata = np.stack([found.effect, found.lower, found.upper, found.p_harm], axis=1)
        by_estimator = {"strata": strata, "Welch on changes": np.array(welch[name])}
        rows += [
            {"effect": name, "estimator": estimator} | scores(answers, population.truth)
            for estimator, answers in by_estimator.items()
        ]
    head = {"users": USERS, "treated_share": SHARE, "replicates": [FIRST, FIRST + MORE]}
    write(about(__file__, *CODE) | head | {"rows": rows}, DATA / "strata_large.json")


if __name__ == "__main__":
    main()
