"""The same question put to other packages: time, memory and interval, each in an environment of its own.

Run `uv run python benchmarks/peers.py` on a quiet machine, or with `--sizes 1e7` for some sizes. uv makes the
environments and keeps them in its cache; no package becomes a dependency. A measurement is a process of its
own, which first answers for 10,000 rows, so that loading and compiling are counted in the whole process only,
and then for the table. The result goes to docs/data/peers.json.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from scaling import PIVOT, ROWS, arguments, mark, remember, since

SIZES = (10**5, 10**6, 10**7)
SMALL = 10**4
# The most rows that models of every row are given; minutes, and once.
SAMPLED = 10**5
# What takes longer is stopped; the table says so.
SECONDS = 600
RESAMPLES = 200
USERS = PIVOT[PIVOT.index("(\n") :].replace("group by variant", "")


def twobytwo(path):
    """Answer by pairs of the same users, normal family: posterior, prior, checks and statement."""
    from twobytwo import did

    answer = did(
        path,
        outcome="minutes",
        group="variant",
        period="period",
        unit="user_id",
        missing="drop",
        family="normal",
    )
    return answer.headline.mean, *answer.headline.ci


def twobytwo_randomised(path):
    """Answer by analysis of covariance, as tea-tasting's CUPED does."""
    from twobytwo import did

    answer = did(
        path,
        outcome="minutes",
        group="variant",
        period="period",
        unit="user_id",
        missing="drop",
        randomised=True,
        family="normal",
    )
    return answer.headline.mean, *answer.headline.ci


def frame(path):
    """Read the rows as most packages want them."""
    import pandas as pd

    rows = pd.read_parquet(path)
    rows["after"] = (rows["period"] == "post").astype(int)
    return rows[["user_id", "variant", "after", "minutes"]]


def statsmodels(path):
    """Ordinary least squares with standard errors clustered by user."""
    import statsmodels.formula.api as smf

    rows = frame(path)
    model = smf.ols("minutes ~ variant * after", rows)
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": rows["user_id"]})
    return fit.params["variant:after"], *fit.conf_int().loc["variant:after"]


def pyfixest(path):
    """Ordinary least squares with standard errors clustered by user."""
    import pyfixest

    fit = pyfixest.feols("minutes ~ variant * after", frame(path), vcov={"CRV1": "user_id"})
    return fit.coef()["variant:after"], *fit.confint().loc["variant:after"]


def tea_tasting(path):
    """CUPED on users pivoted by DuckDB: Welch's interval of the values after, given those before."""
    import ibis
    import tea_tasting as tt

    rows = ibis.duckdb.connect().read_parquet(path)
    users = rows.group_by("user_id").agg(
        variant=rows.variant.max(),
        pre=rows.minutes.sum(where=rows.period == "pre"),
        post=rows.minutes.sum(where=rows.period == "post"),
    )
    found = tt.Experiment(minutes=tt.Mean("post", "pre")).analyze(users)["minutes"]
    return found.effect_size, found.effect_size_ci_lower, found.effect_size_ci_upper


def bootstrap(path):
    """Refit the difference of mean changes to resampled users (NumPy, on users pivoted by DuckDB)."""
    import duckdb
    import numpy as np

    users = duckdb.connect().sql(f"select variant, post - pre as change from {USERS.format(path=path)}")
    columns = users.fetchnumpy()
    groups = [columns["change"][columns["variant"] == group] for group in (0, 1)]
    rng = np.random.default_rng(1)
    refits = [
        np.subtract(*(values[rng.integers(0, len(values), len(values))].mean() for values in groups[::-1]))
        for _ in range(RESAMPLES)
    ]
    return groups[1].mean() - groups[0].mean(), *np.quantile(refits, (0.025, 0.975))


def bambi(path):
    """A Bayesian linear model of every row, with Bambi's priors and sampler; users are not known to it."""
    import bambi

    draws = bambi.Model("minutes ~ variant * after", frame(path)).fit(progressbar=False, random_seed=1)
    return summary(draws.posterior["variant:after"])


def pymc(path):
    """Normal outcomes of every row with a spread in each cell, by PyMC's default sampler."""
    import numpy as np
    import pymc as pm

    rows = frame(path)
    variant, after, minutes = (rows[name].to_numpy() for name in ("variant", "after", "minutes"))
    scale = float(minutes.std())
    with pm.Model():
        mean = pm.Normal("mean", float(minutes.mean()), scale, shape=(2, 2))
        spread = pm.HalfNormal("spread", 5 * scale, shape=(2, 2), initval=np.full((2, 2), scale))
        pm.Deterministic("effect", mean[1, 1] - mean[1, 0] - mean[0, 1] + mean[0, 0])
        pm.Normal("minutes", mean[variant, after], spread[variant, after], observed=minutes)
        draws = pm.sample(progressbar=False, random_seed=1)
    return summary(draws.posterior["effect"])


def summary(draws):
    """Give mean and interval of draws."""
    import numpy as np

    return float(draws.mean()), *np.quantile(draws, (0.025, 0.975))


# Name: what answers, the packages it needs, the distribution whose version is told, and up to how many rows.
PEERS = {
    "twobytwo": (twobytwo, None, "twobytwo", 10**8),
    # At 10^7 rows its copies would crowd out whoever shares the machine.
    "statsmodels": (statsmodels, ("statsmodels", "pyarrow"), "statsmodels", 10**6),
    "pyfixest": (pyfixest, ("pyfixest", "pyarrow"), "pyfixest", 10**7),
    "bootstrap": (bootstrap, ("duckdb", "numpy"), "numpy", 10**7),
    "twobytwo, randomised": (twobytwo_randomised, None, "twobytwo", 10**8),
    "tea-tasting": (tea_tasting, ("tea-tasting", "ibis-framework[duckdb]"), "tea-tasting", 10**7),
    "Bambi": (bambi, ("bambi", "pyarrow"), "bambi", SAMPLED),
    "PyMC, rows": (pymc, None, "pymc", SAMPLED),
}


def measure(name, small, path):
    """Answer for a small table first, then for the table; told apart."""
    ask, _, package, _ = PEERS[name]
    ask(small)
    began = mark()
    estimate, low, high = ask(path)
    found = since(began)
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return found | {
        "whole_cpu": round(sum(usage.ru_utime + usage.ru_stime for usage in both), 3),
        "peak_mb": max(usage.ru_maxrss for usage in both) // 1024,
        "estimate": round(float(estimate), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
        "version": version(package),
    }


def within(packages):
    """Give the command that runs Python where these packages are; uv makes the place if need be."""
    if packages is None:
        return [sys.executable]
    wanted = [argument for package in packages for argument in ("--with", package)]
    return [
        os.environ.get("UV", "uv"),
        "run",
        "--quiet",
        "--no-project",
        "--python",
        sys.executable,
        *wanted,
        "python",
    ]


def repeated(name, small, path, repeats):
    """Measure several times: medians, smallest and largest; or the word for what did not finish."""
    python = within(PEERS[name][1])
    found = []
    for _ in range(repeats):
        command = [*python, __file__, "--one", name, small, path]
        try:
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return {"stopped_after_seconds": SECONDS}
        except subprocess.CalledProcessError as error:
            return {
                "failed": (error.stderr.strip().splitlines() or [f"signal {-error.returncode}"])[-1][:200]
            }
        found.append(json.loads(done.stdout.splitlines()[-1]))
    medians = {
        key: statistics.median(one[key] for one in found)
        for key in ("seconds", "cpu", "whole_cpu", "peak_mb")
    }
    spread = [min(one["cpu"] for one in found), max(one["cpu"] for one in found)]
    return found[0] | medians | {"cpu_range": spread, "repeats": repeats}


def main():
    """Measure one package, or all of them at every size."""
    wanted = arguments()
    if wanted.one:
        print(json.dumps(measure(*wanted.one)))
        return
    import duckdb

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        small = f"{folder}/small.parquet"
        duckdb.connect().execute(ROWS.format(rows=SMALL, path=small))
        for size in wanted.sizes or SIZES:
            path = f"{folder}/{size}.parquet"
            duckdb.connect().execute(ROWS.format(rows=size, path=path))
            found = {}
            for name, (_, _, _, most) in PEERS.items():
                if size <= most:
                    repeats = 1 if most == SAMPLED else wanted.repeats
                    found[name] = repeated(name, small, path, repeats)
                    print(round(time.perf_counter() - began), size, name, found[name], flush=True)
            remember("peers", {"size": size, "peers": found})
            Path(path).unlink()


if __name__ == "__main__":
    main()
