"""Recovery and coverage of shares, counts and ratios by their families' own posteriors.

    uv run python benchmarks/kinds.py                        # every kind, 1,000 experiments
    uv run python benchmarks/kinds.py 1000 ratio             # one kind
    uv run python benchmarks/kinds.py --seconds=300          # stops after five minutes; goes on next time

The result goes to docs/data/kinds.json: sums over the experiments, with the date and, for each kind, a hash
of the code that made it. Experiments of a kind whose code has changed are counted anew.

Two groups of 4,000 users in all, drawn at random; the estimand is the difference of shares, of means, or of
ratios of means. Default priors, as a user has them.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd
from evidence import DATA, code_hash, read, today, write

from twobytwo import Cells, Design, Priors, SamplerOptions, compress
from twobytwo.check.crosscheck import robust_check
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.fit import fit

RECORD = DATA / "kinds.json"
USERS = 4_000
GROUP = np.arange(USERS) % 2
SHARES, MEANS, ALPHA = (0.077, 0.095), (1.0, 1.1), 0.7
# Of the hurdle: who is active at all, and the mean of a count that is drawn again until it is not zero.
ACTIVE, POSITIVE = (0.40, 0.42), (3.0, 3.2)
# Minutes of a user of the kind k ~ N(0, 1): 1 + Poisson(exp(k/2)) sessions, each of exp(.3 k - .045) paces.
PACES = (10.0, 10.4)
SAMPLER = SamplerOptions(draws=500, chains=2, progressbar=False)
EVERY = (
    "data/bins",
    "data/cells",
    "infer/effects",
    "infer/model",
    "infer/predictors",
    "infer/engine/sampling",
)


def shares(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"y": (rng.random(USERS) < np.array(SHARES)[GROUP]).astype(int)}


def counts(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"y": rng.negative_binomial(ALPHA, ALPHA / (ALPHA + np.array(MEANS)[GROUP]))}


def counts_with_a_hurdle(rng: np.random.Generator) -> dict[str, np.ndarray]:
    chance = ALPHA / (ALPHA + np.array(POSITIVE)[GROUP])
    y = rng.negative_binomial(ALPHA, chance)
    while (y == 0).any():
        y = np.where(y == 0, rng.negative_binomial(ALPHA, chance), y)
    return {"y": y * (rng.random(USERS) < np.array(ACTIVE)[GROUP])}


def ratios(rng: np.random.Generator) -> dict[str, np.ndarray]:
    keen = rng.standard_normal(USERS)
    sessions = 1 + rng.poisson(np.exp(keen / 2))
    pace = np.array(PACES)[GROUP] * np.exp(0.3 * keen - 0.045)
    return {"y": rng.gamma(2 * sessions, pace / 2), "sessions": sessions}


def hurdle_mean(active: float, mean: float) -> float:
    return active * mean / (1 - (ALPHA / (ALPHA + mean)) ** ALPHA)


@dataclass(frozen=True)
class Kind:
    """A kind of metric: the family that answers, the truth, the rows, the code that must not change."""

    metric: str
    family: str
    truth: float
    rows: Callable[[np.random.Generator], dict[str, np.ndarray]]
    code: tuple[str, ...]

    @property
    def hashed(self) -> str:
        return code_hash(*EVERY, *self.code)


def of_families(*names: str) -> tuple[str, ...]:
    return tuple(f"infer/families/{name}" for name in names)


KINDS = {
    "share": Kind(
        "share", "binomial", 100 * (SHARES[1] - SHARES[0]), shares, of_families("binomial", "hurdle")
    ),
    "count": Kind(
        "count", "negative_binomial", MEANS[1] - MEANS[0], counts, of_families("negative_binomial")
    ),
    "count with a hurdle": Kind(
        "count",
        "hurdle_negative_binomial",
        hurdle_mean(ACTIVE[1], POSITIVE[1]) - hurdle_mean(ACTIVE[0], POSITIVE[0]),
        counts_with_a_hurdle,
        of_families("negative_binomial", "hurdle", "hurdle_negative_binomial"),
    ),
    "ratio": Kind(
        "ratio",
        "normal",
        # E[minutes | k] = pace (1 + exp(k/2)) exp(.3 k - .045), and E[exp(a k)] = exp(a²/2).
        (PACES[1] - PACES[0]) * (1 + np.exp(0.32 - 0.045)) / (1 + np.exp(0.125)),
        ratios,
        ("data/ratio", "data/moments", *of_families("normal", "gaussian")),
    ),
}


def cells_of(name: str, seed: int) -> Cells:
    """Users of one experiment, compressed."""
    of = KINDS[name]
    rows = of.rows(np.random.default_rng([seed, crc32(name.encode())]))
    frame = pd.DataFrame({"user": np.arange(USERS), "group": GROUP, **rows})
    asked = {"denominator": "sessions"} if of.metric == "ratio" else {}
    design = Design.compare(outcome="y", group="group", unit="user", kind=of.metric, **asked)
    return compress(frame, design)


def experiment(name: str, seed: int) -> dict[str, float]:
    """Lower end, median and upper end of the 95 % interval, and standard deviation, of one experiment."""
    draws = fit(cells_of(name, seed), FAMILIES[KINDS[name].family], Priors(), SAMPLER).effects["effect"]
    lower, median, upper = np.quantile(draws.to_numpy(), [0.025, 0.5, 0.975])
    return {"lower": lower, "median": median, "upper": upper, "sd": float(draws.std(ddof=1))}


def add(sums: dict[str, float], found: dict[str, float], truth: float) -> None:
    """Add an experiment to the sums."""
    error = found["median"] - truth
    for name, value in {
        "experiments": 1,
        "covered": int(found["lower"] <= truth <= found["upper"]),
        "interval below truth": int(found["upper"] < truth),
        "interval above truth": int(found["lower"] > truth),
        "errors of medians": error,
        "squares of errors": error**2,
        "stated sd": found["sd"],
    }.items():
        sums[name] = sums.get(name, 0) + value


def covered_by_companion(name: str, experiments: int) -> int:
    """Count the same experiments whose truth least squares (of a ratio the delta method) covers."""
    checks = (robust_check(cells_of(name, seed)) for seed in range(experiments))
    return sum(check.lower <= KINDS[name].truth <= check.upper for check in checks)


def main() -> None:
    """Add experiments until every kind has as many as wanted."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    wanted = int(words[0]) if words else 1_000
    most = next((float(w.partition("=")[2]) for w in sys.argv if w.startswith("--seconds=")), float("inf"))
    record = read(RECORD)
    kinds, began = record["kinds"], time.perf_counter()
    for name in words[1:] or KINDS:
        of = KINDS[name]
        about = {"family": of.family, "truth": of.truth, "code": of.hashed}
        entry = kinds.setdefault(name, {**about, "sums": {}})
        if entry["code"] != of.hashed:
            entry = kinds[name] = {**about, "sums": {}}
        while (done := entry["sums"].get("experiments", 0)) < wanted:
            for seed in range(done, min(done + 10, wanted)):
                add(entry["sums"], experiment(name, seed), of.truth)
            entry["date"] = today()
            write(record, RECORD)
            if time.perf_counter() - began > most:
                return
        if "covered by the companion" not in entry:
            entry["covered by the companion"] = int(covered_by_companion(name, wanted))
            write(record, RECORD)
        print(name, entry, flush=True)


if __name__ == "__main__":
    main()
