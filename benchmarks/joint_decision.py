"""Is the joint probability of a scorecard calibrated, and is the product of the metrics' own not?

Run once (`uv run python benchmarks/joint_decision.py`, a minute or two); the result goes to
docs/data/joint_decision.json with its date, recipe and a hash of the code that made it.

One primary metric and six guardrails of the same users, correlated by what kind of user one is. In each
experiment the true effects are drawn from the prior that the scorecard is told, so that a stated probability
is right if it is the share of experiments in which the event is true.
"""

import json

import numpy as np
from evidence import DATA, about, write

from twobytwo import Design, Priors
from twobytwo.ask.lines import Line
from twobytwo.ask.metric import Metric
from twobytwo.data.sums import sums_of
from twobytwo.infer.estimates import estimates
from twobytwo.infer.layout import reads_of
from twobytwo.infer.together import effects_together

EXPERIMENTS, USERS, METRICS, WIDTH, LOADING, MARGIN = 1_000, 8_000, 7, 0.03, 0.9, 2.0
DESIGN = Design.compare(outcome="m0", group="arm", control=0, treatment=1)
PRIORS = Priors(name="drawn from", effect=WIDTH)
BINS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
CODE = ("data/sums", "infer/estimates", "infer/layout", "infer/together", "infer/predictors")


def experiment(seed):
    """One experiment: the two stated probabilities, and whether the event is true."""
    rng = np.random.default_rng(seed)
    true = WIDTH * 100 * rng.standard_normal(METRICS)
    arm = np.arange(USERS) % 2
    keen = rng.standard_normal((USERS, 1))
    noise = rng.standard_normal((USERS, METRICS))
    values = 100 + 60 * (LOADING * keen + np.sqrt(1 - LOADING**2) * noise) + arm[:, None] * true
    lines = [Line(metric=Metric(column=f"m{j}", margin=MARGIN if j else None)) for j in range(METRICS)]
    several = sums_of(DESIGN, reads_of(lines), [(arm, values)])
    found = estimates(several, lines)
    effect = effects_together(several, lines, found, PRIORS, draws=2_000, seed=seed).effect
    up, safe = effect[:, 0] > 0, effect[:, 1:] >= -MARGIN
    return (
        float((up & safe.all(axis=1)).mean()),
        float(up.mean() * safe.mean(axis=0).prod()),
        bool(true[0] > 0 and (true[1:] >= -MARGIN).all()),
    )


def table(stated, true):
    """By tenth of the stated probability: experiments, mean stated, share in which it was true."""
    place = np.clip(np.digitize(stated, BINS) - 1, 0, len(BINS) - 2)
    rows = []
    for k in range(len(BINS) - 1):
        here = place == k
        if here.any():
            rows.append(
                {
                    "from": round(float(BINS[k]), 1),
                    "experiments": int(here.sum()),
                    "stated": round(float(stated[here].mean()), 3),
                    "true": round(float(true[here].mean()), 3),
                }
            )
    return rows


def main():
    """Draw, decide, count."""
    joint, product, true = (
        np.array(parts, dtype=float) for parts in zip(*map(experiment, range(EXPERIMENTS)), strict=True)
    )
    summary = {
        name: {
            "mean stated": round(float(stated.mean()), 4),
            "standard errors off": round(
                float((true - stated).sum() / np.sqrt((stated * (1 - stated)).sum())), 2
            ),
            "log score": round(
                float(
                    np.where(
                        true == 1, np.log(np.maximum(stated, 1e-4)), np.log(np.maximum(1 - stated, 1e-4))
                    ).mean()
                ),
                4,
            ),
            "table": table(stated, true),
        }
        for name, stated in (("joint", joint), ("product", product))
    }
    record = {
        **about(__file__, *CODE),
        "experiments": EXPERIMENTS,
        "users": USERS,
        "true": round(float(true.mean()), 4),
        **summary,
    }
    write(record, DATA / "joint_decision.json")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
