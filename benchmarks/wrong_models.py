"""Coverage and one-sided errors of every family's interval where the data are not what it assumes.

    uv run python benchmarks/wrong_models.py              # about an hour; goes on where it was stopped
    uv run python benchmarks/wrong_models.py tail         # one family anew

The result goes to docs/data/wrong_models.json with its date, recipe and, for each family, a hash of the code
behind its rows. Independent rows, difference-in-differences of means; the treated group's outcomes after are
5.6 % larger. "Stated" is what a reader would see: a family that its gates refuse is replaced by the normal on
the cell means, and where that is refused too nothing is stated. What its gates refuse before it is fitted is
fitted in the first experiments only, to say what its interval would have covered.

Families of the mean alone; the mixture has populations of its own (benchmarks/populations.py).
"""

import sys
import warnings

import numpy as np
import pandas as pd
from evidence import DATA, code_hash, read, today, write
from scipy import stats

from twobytwo import DataError, Design, Priors, SamplerOptions, compress
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gate import refused
from twobytwo.check.gates.family import family_gates, foreseen
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.fit import fit

EXPERIMENTS, ROWS_PER_PERIOD, LIFT, ACTIVE = 400, 4_000, 0.056, 0.4
# In so many experiments a family is fitted although its gates have refused it from the cells alone.
FITTED_ANYWAY = 40
FAMILIES_OF_MEANS = ("normal", "lognormal", "gamma", "hurdle_lognormal", "hurdle_gamma", "tail")
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
CODE = (
    "data/bins",
    "data/cells",
    "check/gate",
    "check/gates/family",
    "check/gates/fidelity",
    "check/gates/logs",
    "check/gates/skewed",
    "check/least_squares",
    "infer/effects",
    "infer/predictors",
    "infer/families/hurdle",
    "infer/families/points",
)
# What a family has in modules of its own.
PARTS = {"tail": ("tail_cut", "pareto")}


def code_of(family):
    """Hash the code behind a family's figures."""
    return code_hash(*CODE, *(f"infer/families/{name}" for name in (family, *PARTS.get(family, ()))))


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


def answer(cells, name, seed, robust, *, anyway):
    """Give a family's interval, None where it was not fitted, and whether its gates refuse it."""
    family = FAMILIES[name]
    if refused(foreseen(family, cells)) and not anyway:
        return None, True
    with warnings.catch_warnings(action="ignore"):
        try:
            fitted = fit(
                cells, family, Priors(), SamplerOptions(draws=500, tune=500, chains=2, random_seed=seed)
            )
        except DataError:  # The family says that it is not for such data.
            return None, True
    row = fitted.effects.summary().loc["did"]
    return (row["lower"], row["upper"]), bool(refused(family_gates(fitted, robust)))


def fits(name, truth):
    """Tell whether a family is for such data: hurdles with zeros, logarithms without."""
    zeros = TRUTHS[truth][1] < 1
    return name in {"normal", "tail"} or name.startswith("hurdle") == zeros


def figures(truth, allocation, names):
    """Draw, fit, count: rows of the table for one truth and allocation."""
    positive, active = TRUTHS[truth]
    did = LIFT * active * positive.mean()
    tally = {name: {"all": [], "stated": [], "passed": 0, "width": []} for name in names}

    def misses(interval):
        low, high = interval
        return high < did, low > did

    for seed in range(EXPERIMENTS):
        cells = compress(draw(truth, SHARES[allocation], seed), DESIGN)
        robust = robust_check(cells)
        normal, no_normal = answer(cells, "normal", seed, robust, anyway=True)
        for name, one in tally.items():
            found, no = (
                (normal, no_normal)
                if name == "normal"
                else answer(cells, name, seed, robust, anyway=seed < FITTED_ANYWAY)
            )
            if found is not None:
                one["all"].append(misses(found))
                one["width"].append((found[1] - found[0]) / (normal[1] - normal[0]))
            one["passed"] += not no
            if not no:
                one["stated"].append(misses(found))
            elif not no_normal:
                one["stated"].append(misses(normal))
    return [
        {"truth": truth, "treated": allocation, "family": name, "fitted": len(one["all"])}
        | rates("", one["all"])
        | {"width": round(float(np.median(one["width"])), 3) if one["width"] else None}
        | {"passed": one["passed"] / EXPERIMENTS, "stated": len(one["stated"]) / EXPERIMENTS}
        | rates("stated_", one["stated"])
        for name, one in tally.items()
    ]


def main():
    """Add to the record what it lacks, one truth and allocation after the other."""
    asked = tuple(sys.argv[1:]) or FAMILIES_OF_MEANS
    record = read(DATA / "wrong_models.json")
    if record.get("experiments") != EXPERIMENTS:
        record = {"rows": []}
    rows = [row for row in record["rows"] if row["code"] == code_of(row["family"])]
    for truth in TRUTHS:
        for allocation in SHARES:
            have = {row["family"] for row in rows if (row["truth"], row["treated"]) == (truth, allocation)}
            names = [name for name in asked if fits(name, truth) and name not in have]
            if not names:
                continue
            rows += [row | {"code": code_of(row["family"])} for row in figures(truth, allocation, names)]
            order = [(one, share, name) for one in TRUTHS for share in SHARES for name in FAMILIES_OF_MEANS]
            rows.sort(key=lambda row: order.index((row["truth"], row["treated"], row["family"])))
            record = {
                "recipe": "benchmarks/wrong_models.py",
                "date": today(),
                "experiments": EXPERIMENTS,
                "fitted_anyway": FITTED_ANYWAY,
                "rows_per_period": ROWS_PER_PERIOD,
                "lift": LIFT,
                "rows": rows,
            }
            write(record, DATA / "wrong_models.json")
            print(truth, allocation, *names, flush=True)


def rates(prefix, misses):
    """Share of intervals that cover the truth, lie below it, lie above it."""
    if not misses:
        return {f"{prefix}{key}": None for key in ("covered", "below", "above")}
    below, above = np.mean(misses, axis=0)
    shares = {"covered": 1 - below - above, "below": below, "above": above}
    return {f"{prefix}{key}": round(float(share), 4) for key, share in shares.items()}


if __name__ == "__main__":
    main()
