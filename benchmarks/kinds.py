"""Recovery and coverage of shares and counts, in experiments whose truth is known.

Run once (`uv run python benchmarks/kinds.py`); the result goes to docs/data/kinds.json with its date, recipe
and a hash of the code that made it. Progress is kept in the file given as first argument, so that a run goes
on.

Two groups of users drawn at random; the estimand is the difference of means. Default priors, as a user has
them.
"""

import json
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

import twobytwo
from twobytwo import Design, Priors, SamplerOptions, compress
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.fit import fit

EXPERIMENTS, USERS = 1_000, 4_000
SHARES, MEANS, ALPHA = (0.077, 0.095), (1.0, 1.1), 0.7
SAMPLER = SamplerOptions(draws=500, chains=2, progressbar=False)
HASHED = (
    "data/bins",
    "data/cells",
    "infer/effects",
    "infer/predictors",
    "infer/engine/sampling",
    "infer/families/binomial",
    "infer/families/hurdle",
    "infer/families/negative_binomial",
)


def outcomes(kind: str, group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if kind == "share":
        return (rng.random(len(group)) < np.array(SHARES)[group]).astype(int)
    mean = np.array(MEANS)[group]
    return rng.negative_binomial(ALPHA, ALPHA / (ALPHA + mean))


def experiment(kind: str, seed: int) -> dict[str, float]:
    rng = np.random.default_rng([seed, kind == "count"])
    group = np.arange(USERS) % 2
    frame = pd.DataFrame({"group": group, "y": outcomes(kind, group, rng)})
    cells = compress(frame, Design.compare(outcome="y", group="group", kind=kind))
    family = {"share": "binomial", "count": "negative_binomial"}[kind]
    draws = fit(cells, FAMILIES[family], Priors(), SAMPLER).effects["effect"].to_numpy().ravel()
    lower, median, upper = np.quantile(draws, [0.025, 0.5, 0.975])
    return {"lower": lower, "median": median, "upper": upper, "sd": draws.std(ddof=1)}


def main(kept: Path) -> None:
    done = json.loads(kept.read_text()) if kept.exists() else {"share": [], "count": []}
    truths = {"share": 100 * (SHARES[1] - SHARES[0]), "count": MEANS[1] - MEANS[0]}
    for step in range(EXPERIMENTS):
        for kind, found in done.items():
            if len(found) == step:
                found.append(experiment(kind, step))
        if step % 10 == 9:
            kept.write_text(json.dumps(done))
    package = Path(twobytwo.__file__).parent
    code = sha256(b"".join((package / f"{name}.py").read_bytes() for name in HASHED)).hexdigest()
    table = {}
    for kind, found in done.items():
        frame, truth = pd.DataFrame(found), truths[kind]
        covered = (frame["lower"] <= truth) & (truth <= frame["upper"])
        table[kind] = {
            "truth": round(truth, 4),
            "experiments": len(frame),
            "coverage": float(covered.mean()),
            "bias in sd": float((frame["median"] - truth).mean() / frame["sd"].mean()),
            "sd of medians over stated sd": float(frame["median"].std() / frame["sd"].mean()),
        }
    record = {
        "made": f"{datetime.now(UTC):%Y-%m-%d}",
        "users": USERS,
        "shares": SHARES,
        "means": MEANS,
        "shape": ALPHA,
        "code": code,
        "results": table,
    }
    target = Path(__file__).parents[1] / "docs" / "data" / "kinds.json"
    target.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/kinds.json"))
