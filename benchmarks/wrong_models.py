"""Coverage and one-sided errors of every family's interval where the data are not what it assumes.

Run once (`uv run python benchmarks/wrong_models.py`, about an hour); the result goes to
docs/data/wrong_models.json with its date, recipe and a hash of the code that made it.

Independent rows, difference-in-differences of means; the treated group's outcomes after are 5.6 % larger.
"Stated" is what a reader would see: a family that its gates refuse is replaced by the normal on the cell
means, and where that is refused too nothing is stated.
"""

import json
import sys
import warnings
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

import twobytwo
from twobytwo import Design, Priors, SamplerOptions, compress
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gate import refused
from twobytwo.check.gates.family import family_gates
from twobytwo.errors import TwoByTwoError
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.fit import fit

EXPERIMENTS, ROWS_PER_PERIOD, LIFT, ACTIVE = 40, 4_000, 0.056, 0.4
DESIGN = Design.did(outcome="y", group="treated", period="after")
# Positive outcomes of mean 100, and the share of outcomes that are not zero.
TRUTHS = {
    "lognormal": (stats.lognorm(1.5, scale=100 / np.exp(1.5**2 / 2)), 1.0),
    "hurdle-lognormal": (stats.lognorm(1.39, scale=100 / np.exp(1.39**2 / 2)), ACTIVE),
    "hurdle-gamma": (stats.gamma(0.5, scale=200), ACTIVE),
    "Weibull": (stats.weibull_min(0.6, scale=100 / stats.weibull_min(0.6).mean()), 1.0),
    "GPD tail": (stats.genpareto(0.4, scale=60), 1.0),
}
SHARES = {"1:1": 0.5, "5 %": 0.05}
HASHED = (
    "data/bins",
    "data/cells",
    "check/gate",
    "check/gates/family",
    "check/least_squares",
    "infer/effects",
    "infer/predictors",
    "infer/engine/sampling",
    "infer/families/gamma",
    "infer/families/hurdle",
    "infer/families/hurdle_gamma",
    "infer/families/hurdle_lognormal",
    "infer/families/lognormal",
    "infer/families/normal",
    "infer/families/points",
    "infer/families/student_t",
    "infer/families/tail",
)


def code_hash():
    """Hash the code behind the figures."""
    root = Path(twobytwo.__file__).parent
    return sha256(b"".join((root / f"{name}.py").read_bytes() for name in HASHED)).hexdigest()[:16]


def draw(truth, share, seed):
    """Draw one experiment."""
    positive, active = TRUTHS[truth]
    rng = np.random.default_rng(seed)
    frames = []
    for after in (0, 1):
        treated = (np.arange(ROWS_PER_PERIOD) < share * ROWS_PER_PERIOD).astype(int)
        y = positive.rvs(ROWS_PER_PERIOD, random_state=rng) * (rng.random(ROWS_PER_PERIOD) < active)
        frames.append(
            pd.DataFrame({"y": y * (1 + LIFT * treated * after), "treated": treated, "after": after})
        )
    return pd.concat(frames)


def answers(cells, seed):
    """Every family's interval, and whether its gates let it answer."""
    sampler = SamplerOptions(draws=500, chains=2, random_seed=seed)
    robust = robust_check(cells)
    found = {}
    hurdles = bool(cells.count("zero").sum())
    for name, family in FAMILIES.items():
        if name.startswith("hurdle") and not hurdles:
            # Without zeros it is the family without the hurdle.
            continue
        try:
            with warnings.catch_warnings(action="ignore"):
                fitted = fit(cells, family, Priors(), sampler)
        except TwoByTwoError:
            # The family is not for such data.
            continue
        row = fitted.effects.summary().loc["did"]
        found[name] = (row["lower"], row["upper"], bool(refused(family_gates(fitted, robust))))
    return found


def main():
    """Draw, fit, count."""
    experiments = int(sys.argv[1]) if len(sys.argv) > 1 else EXPERIMENTS
    rows = []
    for truth, (positive, active) in TRUTHS.items():
        did = LIFT * active * positive.mean()
        for allocation, share in SHARES.items():
            tally = {}
            for seed in range(experiments):
                found = answers(compress(draw(truth, share, seed), DESIGN), seed)
                low, high, no_normal = found["normal"]
                for name, (lower, upper, no) in found.items():
                    one = tally.setdefault(name, {"all": [], "stated": [], "own": 0, "width": []})
                    one["all"].append((upper < did, lower > did))
                    one["width"].append((upper - lower) / (high - low))
                    one["own"] += not no
                    if not no:
                        one["stated"].append((upper < did, lower > did))
                    elif not no_normal:
                        one["stated"].append((high < did, low > did))
            for name, one in tally.items():
                rows.append(
                    {"truth": truth, "treated": allocation, "family": name, "experiments": len(one["all"])}
                    | rates("", one["all"])
                    | {"width": round(float(np.median(one["width"])), 3)}
                    | {"passed": one["own"] / len(one["all"]), "stated": len(one["stated"]) / len(one["all"])}
                    | rates("stated_", one["stated"])
                )
                print(rows[-1], flush=True)
    record = {
        "recipe": "benchmarks/wrong_models.py",
        "date": datetime.now(tz=UTC).date().isoformat(),
        "code": code_hash(),
        "experiments": experiments,
        "rows_per_period": ROWS_PER_PERIOD,
        "lift": LIFT,
        "rows": rows,
    }
    path = Path(__file__).parent.parent / "docs" / "data" / "wrong_models.json"
    path.write_text(json.dumps(record, indent=1) + "\n")


def rates(prefix, misses):
    """Share of intervals that cover the truth, lie below it, lie above it."""
    if not misses:
        return {f"{prefix}{key}": None for key in ("covered", "below", "above")}
    below, above = np.mean(misses, axis=0)
    shares = {"covered": 1 - below - above, "below": below, "above": above}
    return {f"{prefix}{key}": round(float(share), 4) for key, share in shares.items()}


if __name__ == "__main__":
    main()
