"""Reference draws: Student-t on all 96,330 rows of the active-minutes stand-in, by pm.sample.

Run once (`uv run python benchmarks/student_t_rows.py`); the summary goes to
tests/reference/student_t_rows.json with its date, versions and recipe, and a test compares the
compressed model with it. Takes minutes; the compressed model takes about a second.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import arviz_stats
import numpy as np
import pymc as pm

from twobytwo import Design, Priors, compress, simulate
from twobytwo.infer.engine.sampling import SamplerOptions, sample
from twobytwo.infer.families.points import weighted_quantiles
from twobytwo.infer.families.student_t import StudentT
from twobytwo.infer.model import build_model, coding

SEED = 20_261_121
OPTIONS = {"draws": 1000, "tune": 1000, "chains": 2, "cores": 2}


def row_model(cells, rows):
    """State the model of `twobytwo.infer.families.StudentT` again, row by row, from its documentation."""
    reference = StudentT().reference(cells)
    start = build_model(cells, StudentT(), Priors()).initial_point()
    quartiles = weighted_quantiles(cells.bins, 0.75) - weighted_quantiles(cells.bins, 0.25)
    group = rows["variant"].to_numpy()
    period = (rows["period"] == "post").to_numpy().astype(int)
    design = coding(cells.design).to_numpy()
    with pm.Model() as model:
        effects = pm.Normal("effects", [reference.baseline, 0, 0, 0], 1.0, initval=start["effects"])
        location = pm.Deterministic("location", reference.scale * (design * effects).sum(axis=-1))
        log_scale = pm.Normal(
            "log_scale",
            float(np.log(quartiles / 1.35).mean()),
            1.0,
            shape=(2, 2),
            initval=start["log_scale"],
        )
        nu = pm.Gamma("nu", 2.0, 0.1, initval=10.0)
        scale = pm.math.exp(log_scale)
        pm.StudentT(
            "y",
            nu=nu,
            mu=location[group, period],
            sigma=scale[group, period],
            observed=rows["minutes"].to_numpy(),
        )
    return model


def main():
    """Sample, summarise, write."""
    rows = simulate.active_minutes()
    cells = compress(rows, Design.did(outcome="minutes", group="variant", period="period"))
    with row_model(cells, rows):
        began = time.perf_counter()
        tree = pm.sample(**OPTIONS, random_seed=SEED, progressbar=False)
        seconds_rows = time.perf_counter() - began
    model = build_model(cells, StudentT(), Priors())
    sample(model)
    began = time.perf_counter()
    sample(model, SamplerOptions(draws=1000, tune=1000, chains=2))
    seconds_compressed = time.perf_counter() - began
    location = tree["posterior"]["location"]
    did = location[..., 1, 1] - location[..., 1, 0] - location[..., 0, 1] + location[..., 0, 0]
    quantities = {
        "did": did,
        "nu": tree["posterior"]["nu"],
        **{f"location[{g},{t}]": location[..., g, t] for g in (0, 1) for t in (0, 1)},
        **{f"log_scale[{g},{t}]": tree["posterior"]["log_scale"][..., g, t] for g in (0, 1) for t in (0, 1)},
    }
    summary = {
        name: {
            "mean": float(draws.mean()),
            "mcse_mean": float(arviz_stats.mcse(draws)),
            "sd": float(draws.std(ddof=1)),
            "mcse_sd": float(arviz_stats.mcse(draws, method="sd")),
            "rhat": float(arviz_stats.rhat(draws)),
        }
        for name, draws in quantities.items()
    }
    reference = {
        "recipe": "benchmarks/student_t_rows.py",
        "date": datetime.now(tz=UTC).date().isoformat(),
        "pymc": pm.__version__,
        "seed": SEED,
        "options": OPTIONS,
        "rows": len(rows),
        "seconds_rows": round(seconds_rows, 1),
        "seconds_compressed": round(seconds_compressed, 2),
        "summary": summary,
    }
    path = Path(__file__).parent.parent / "tests" / "reference" / "student_t_rows.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(reference, indent=1) + "\n")
    print(
        f"{len(rows):,} rows: {seconds_rows:.1f} s; compressed: {seconds_compressed:.2f} s "
        f"({seconds_rows / seconds_compressed:.0f} times faster)"
    )


if __name__ == "__main__":
    main()
