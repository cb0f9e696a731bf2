"""Frequentist coverage of the 95 % credible interval for pairs, over 1,000 generated experiments.

Run once (`uv run python benchmarks/coverage_pairs.py`, about a quarter of an hour); the result goes to
docs/data/coverage_pairs.json with its date, recipe and a hash of the code that made it.
"""

import json
import math

from evidence import DATA, about, write

from twobytwo import Design, Priors, SamplerOptions, compress, simulate
from twobytwo.check.crosscheck import robust_check
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.fit import fit

EXPERIMENTS, USERS, EFFECT = 1_000, 2_000, 5.0
DESIGN = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing="drop")
# The modules whose change would make these figures old.
CODE = (
    "data/bins",
    "data/users",
    "data/joint",
    "data/cells",
    "infer/model",
    "infer/engine/sampling",
    "infer/effects",
    "simulate/users",
    "infer/families/gaussian",
    "infer/families/normal",
)


def main():
    """Generate, fit, count."""
    outcomes = {"posterior": [0, 0], "welch_change": [0, 0]}
    for seed in range(EXPERIMENTS):
        options = simulate.UserMinutes(
            n=USERS,
            effect=EFFECT,
            treated_share=0.5,
            before_only=(0.05, 0.05),
            after_only=(0.01, 0.01),
            seed=seed,
        )
        cells = compress(simulate.user_minutes(options), DESIGN)
        sampler = SamplerOptions(draws=1000, chains=2, random_seed=seed)
        row = fit(cells, Normal(), Priors(), sampler).effects.summary().loc["did"]
        welch = robust_check(cells)
        for method, lower, upper in (
            ("posterior", row["lower"], row["upper"]),
            ("welch_change", welch.lower, welch.upper),
        ):
            outcomes[method][0] += upper < EFFECT
            outcomes[method][1] += lower > EFFECT
        if seed % 100 == 99:
            print(seed + 1, outcomes, flush=True)
    record = {
        **about(__file__, *CODE),
        "experiments": EXPERIMENTS,
        "users": USERS,
        "effect": EFFECT,
        "coverage": {
            method: {
                "covered": 1 - (low + high) / EXPERIMENTS,
                "standard_error": round(math.sqrt(0.05 * 0.95 / EXPERIMENTS), 4),
                "interval_below_truth": low / EXPERIMENTS,
                "interval_above_truth": high / EXPERIMENTS,
            }
            for method, (low, high) in outcomes.items()
        },
    }
    write(record, DATA / "coverage_pairs.json")
    print(json.dumps(record["coverage"], indent=1))


if __name__ == "__main__":
    main()
