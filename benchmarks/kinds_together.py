"""Do a scorecard's intervals cover the truth: shares, counts, ratios, amounts, and with a value before?

Run once (`uv run python benchmarks/kinds_together.py`, some three minutes); the result goes to
docs/data/kinds_together.json with its date, recipe and a hash of the code that made it.

Two groups of users drawn at random, whose metrics depend on what kind of user one is; default priors.
Coverage is of the 95 % interval of the joint draws, and of the contrast without a prior.
"""

import json

import numpy as np
from evidence import DATA, about, write
from scipy.stats import norm

from twobytwo import Design, Priors
from twobytwo.ask.lines import lines_of
from twobytwo.data.sums import sums_of
from twobytwo.infer.estimates import estimates
from twobytwo.infer.layout import pairs_of, reads_of
from twobytwo.infer.together import effects_together

EXPERIMENTS, USERS, DRAWS = 10_000, 4_000, 4_000
SHARES, MEANS, ALPHA, PACES = (0.077, 0.095), (1.0, 1.1), 0.7, (10.0, 10.4)
DESIGN = Design.compare(outcome="bought", group="arm", unit="user", control=0, treatment=1)
LINES = lines_of(
    [
        {"column": "bought", "kind": "share", "label": "share"},
        {"column": "clicks", "kind": "count", "label": "count"},
        {"column": "minutes", "kind": "ratio", "denominator": "sessions", "label": "ratio"},
        {"column": "minutes", "label": "amount"},
        {"column": "minutes", "label": "amount with a value before", "before_column": "earlier"},
        {
            "column": "bought",
            "kind": "share",
            "label": "share with a value before",
            "before_column": "earlier",
        },
    ]
)
CODE = ("data/sums", "infer/estimates", "infer/layout", "infer/together", "infer/predictors")
# Sessions of a user of the kind k ~ N(0, 1): 1 + Poisson(exp(k/2)), each of exp(.3 k - .045) paces.
SESSIONS = 1 + np.exp(0.125)
MINUTES_PER_PACE = 1 + np.exp(0.32 - 0.045)


def truths():
    """The true effects, in the order of the lines."""
    share, pace = 100 * (SHARES[1] - SHARES[0]), PACES[1] - PACES[0]
    amount = pace * MINUTES_PER_PACE
    return np.array([share, MEANS[1] - MEANS[0], amount / SESSIONS, amount, amount, share])


def users(rng):
    """Groups and values of one experiment, the values in the order of the reads."""
    arm, keen = np.arange(USERS) % 2, rng.standard_normal(USERS)
    means = np.array(MEANS)[arm]

    def minutes(pace):
        sessions = 1 + rng.poisson(np.exp(keen / 2))
        return sessions, rng.gamma(2 * sessions, pace * np.exp(0.3 * keen - 0.045) / 2)

    sessions, spent = minutes(np.array(PACES)[arm])
    columns = {
        # A threshold on the same kind, so that the value before says something of it.
        "bought": (keen + rng.standard_normal(USERS)) / np.sqrt(2) > norm.isf(np.array(SHARES)[arm]),
        "clicks": rng.negative_binomial(ALPHA, ALPHA / (ALPHA + means)),
        "minutes": spent,
        "sessions": sessions,
        "earlier": minutes(PACES[0])[1],
    }
    return arm, np.stack([columns[read.column] for read in reads_of(LINES)], axis=1).astype(float)


def experiment(seed):
    """Medians, standard deviations, intervals, and the companion's intervals."""
    arm, values = users(np.random.default_rng(seed))
    several = sums_of(DESIGN, reads_of(LINES), [(arm, values)], pairs=pairs_of(LINES))
    found = estimates(several, LINES)
    effect = effects_together(several, LINES, found, Priors(), draws=DRAWS, seed=seed).effect
    lower, median, upper = np.quantile(effect, [0.025, 0.5, 0.975], axis=0)
    half = norm.isf(0.025) * found.se
    return lower, median, upper, effect.std(axis=0), found.effect - half, found.effect + half


def main():
    """Draw, answer, count."""
    lower, median, upper, sd, low, high = np.stack([experiment(s) for s in range(EXPERIMENTS)], axis=1)
    true = truths()
    table = {
        line.metric.label: {
            "truth": round(float(true[j]), 4),
            "coverage": float(((lower <= true) & (true <= upper))[:, j].mean()),
            "coverage without a prior": float(((low <= true) & (true <= high))[:, j].mean()),
            "bias in sd": round(float((median[:, j] - true[j]).mean() / sd[:, j].mean()), 3),
            "sd of medians over stated sd": round(float(median[:, j].std() / sd[:, j].mean()), 3),
            "stated sd": round(float(sd[:, j].mean()), 4),
        }
        for j, line in enumerate(LINES)
    }
    record = {
        **about(__file__, *CODE),
        "experiments": EXPERIMENTS,
        "users": USERS,
        "table": table,
    }
    write(record, DATA / "kinds_together.json")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
