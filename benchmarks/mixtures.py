"""How close the mixture of kinds comes to real skewed outcomes: means and spreads of cells, rows and pairs.

Run once (`uv run --with lifetimes --with linearmodels python benchmarks/mixtures.py`); the result goes to
docs/data/mixtures.json with its date, versions, hashes of the data files and of the code.

CDNOW: what 23,570 customers spent from January to September 1997, and from October 1997 to June 1998 (in
the package `lifetimes`). MEPS: expenses for drugs (in `linearmodels`). Users are dealt at random to two
groups, except where the two halves of CDNOW are compared whole. The third data are the package's own
generator of minutes.
"""

import importlib.metadata
import importlib.util
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
from evidence import DATA, about, write

from twobytwo import Design, Priors, SamplerOptions, compress, simulate
from twobytwo.infer.families.lognormal_mixture import LogNormalMixture
from twobytwo.infer.fit import fit

MANY = 4_000_000
SAMPLER = SamplerOptions(draws=300, chains=2, progressbar=False)
CODE = (
    "data/log_pairs",
    *(
        f"infer/families/{name}"
        for name in (
            "kinds",
            "log_points",
            "lognormal_mixture",
            "lognormal_mixture_pairs",
            "mixing",
            "pair_kinds",
        )
    ),
)


def shipped(package, path):
    return Path(importlib.util.find_spec(package).origin).parent / "datasets" / path


def of_customers():
    return shipped("lifetimes", "CDNOW_master.txt")


def of_households():
    return shipped("linearmodels", "meps/meps.csv.bz2")


def arms(n):
    return np.random.default_rng(1).permutation(n) % 2


def cdnow():
    bought = pd.read_csv(of_customers(), sep=r"\s+", header=0, names=["id", "date", "discs", "spent"])
    bought["half"] = np.where(bought["date"] < 19_971_001, "before", "after")
    spent = bought.pivot_table(index="id", columns="half", values="spent", aggfunc="sum", fill_value=0.0)
    return spent.reset_index().assign(arm=arms(len(spent)))


def pairs_of_cdnow():
    asked = Design.did_wide(
        before_column="before", after_column="after", group="arm", unit="id", missing="zero"
    )
    return compress(cdnow(), asked)


def halves_of_cdnow():
    return cdnow().melt(
        id_vars=["id", "arm"], value_vars=["before", "after"], var_name="half", value_name="spent"
    )


def two_halves_of_cdnow():
    """All customers in each half; groups that are dealt have half of the largest orders by chance."""
    asked = Design.compare(outcome="spent", group="half", control="before", treatment="after")
    return compress(halves_of_cdnow(), asked)


def rows_of_cdnow():
    asked = Design.did(outcome="spent", group="arm", period="half", before="before", after="after")
    return compress(halves_of_cdnow(), asked)


def rows_of_meps():
    table = pd.read_csv(of_households())
    return compress(table.assign(arm=arms(len(table))), Design.compare(outcome="drugexp", group="arm"))


ROWS_OF_MINUTES = Design.did(outcome="minutes", group="variant", period="period")
PAIRS_OF_MINUTES = replace(ROWS_OF_MINUTES, unit="user_id", missing="zero")


def minutes(asked, n=50_000):
    return compress(simulate.kinds_of_users(simulate.KindsOfUsers(n=n)), asked)


def sds(cells):
    """Standard deviations of the rows of each cell."""
    raw = cells.moments()
    return np.sqrt((raw["ss"] / raw["n"]).to_numpy())


def measured(cells, true_sds=None):
    """Fit the mixture, and compare its means and spreads with those of the rows."""
    started = time.process_time()
    found = fit(cells, LogNormalMixture(), Priors(), SAMPLER)
    seconds = time.process_time() - started
    posterior, stats = found.tree["posterior"].to_dataset(), found.tree["sample_stats"]
    raw = cells.moments()
    weight, mu, sigma = (posterior[f"kind_{part}"].to_numpy() for part in ("weight", "location", "sigma"))
    active = 1 / (1 + np.exp(-posterior["activity"].to_numpy())) if "activity" in posterior else 1.0
    first = active * (weight * np.exp(mu + sigma**2 / 2)).sum(axis=-1)
    second = active * (weight * np.exp(2 * mu + 2 * sigma**2)).sum(axis=-1)
    means = found.means.median(("chain", "draw")).to_numpy() / raw["mean"].to_numpy()
    # Of the draws of the spread, as of those of the mean; not the spread of typical parameters.
    spreads = np.median(np.sqrt(second - first**2), axis=(0, 1))
    beside = {} if true_sds is None else {"sd over true sd": (spreads / true_sds).round(2).tolist()}
    return {
        "users": cells.rows if cells.units is None else cells.units,
        "kinds": int(found.model.dim_lengths["kind"].eval()),
        "mean over raw mean": means.round(3).tolist(),
        "sd over raw sd": (spreads / sds(cells)).round(2).tolist(),
        **beside,
        "raw sd over a high quantile of samples' from the family": round(
            found.family.spread_ratio(cells, posterior), 2
        ),
        "largest rank R-hat": round(
            max(float(value.max()) for value in az.rhat(posterior).data_vars.values()), 3
        ),
        "divergences": int(stats["diverging"].sum()),
        "cpu seconds": round(seconds),
    }


def main():
    results = {}
    for name, asked in {"minutes, pairs": PAIRS_OF_MINUTES, "minutes, rows": ROWS_OF_MINUTES}.items():
        # Of so heavy a tail the sample's own spread is noise; that of many users is nearly the truth.
        results[name] = measured(minutes(asked), sds(minutes(asked, n=MANY)))
        print(name, results[name], flush=True)
    for name, cells in {
        "CDNOW, pairs": pairs_of_cdnow,
        "CDNOW, rows": rows_of_cdnow,
        "CDNOW, two halves": two_halves_of_cdnow,
        "MEPS, rows": rows_of_meps,
    }.items():
        results[name] = measured(cells())
        print(name, results[name], flush=True)
    record = {
        **about(__file__, *CODE),
        "versions": {
            name: importlib.metadata.version(name) for name in ("twobytwo", "lifetimes", "linearmodels")
        },
        "data": {
            path.name: sha256(path.read_bytes()).hexdigest() for path in (of_customers(), of_households())
        },
        "draws": SAMPLER.draws * SAMPLER.chains,
        "results": results,
    }
    write(record, DATA / "mixtures.json")


if __name__ == "__main__":
    main()
