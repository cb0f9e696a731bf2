"""The folder of families is their list: one file more is one family more, everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import exponential

import twobytwo
from twobytwo.infer.families import FAMILIES, families_for
from twobytwo.infer.known import estimands

# A question of each kind, in a process whose package has one file more.
ASKED = """
import json, sys
import numpy as np, pandas as pd
import twobytwo as tbt
from twobytwo.answer.schema import plan_schema
from twobytwo.infer.families import families_for

rng = np.random.default_rng(1)
turn = np.arange(8_000) % 4
y = rng.exponential(20 + 4 * (turn == 3))
rows = pd.DataFrame({"group": turn // 2, "period": turn % 2, "y": y})
about = {"outcome": "y", "group": "group", "family": "exponential", "margin": 1, "harm": "decrease"}
answers = {
    "did": tbt.did(rows, period="period", **about),
    "compare": tbt.compare(rows[rows["period"] == 1], **about),
}
told = {"file": tbt.__file__, "of_amounts": [family.name for family in families_for("amount")]}
told["in_schema"] = "exponential" in json.dumps(plan_schema())
for (name, result), page in zip(answers.items(), ("report.html", "report.md")):
    result.report(page)
    contrast = result.design.contrasts[0]
    draws = result.effects[contrast.name]
    told[name] = {
        "family": result.headline.family,
        "statement": result.statement,
        "gates": {gate.name: gate.status for gate in result.gates},
        "mean": float(draws.mean()),
        "sd": float(draws.std()),
    }
# Of exponential outcomes the mean is the standard deviation too.
means = rows.groupby(["group", "period"])["y"].mean().unstack().to_numpy()
signs = {"did": [[1, -1], [-1, 1]], "compare": [[0, -1], [0, 1]]}
for name, weights in signs.items():
    told[name]["raw"] = float((means * weights).sum())
    told[name]["se"] = float(np.sqrt((means**2 * np.square(weights) / 2_000).sum()))
print(json.dumps(told))
"""
PLAN = """
title = "Toy"
question = "comparison"
[data]
source = "rows.csv"
[design]
outcome = "y"
group = "group"
[decision]
estimand = "mean"
harm = "decrease"
margin = 1
[model]
family = "exponential"
"""
READ = "import sys; from twobytwo.answer.plan import read_plan; print(read_plan('plan.toml').family);\
 print('pymc' in sys.modules)"


def test_what_is_read_of_the_files_is_what_the_classes_say() -> None:
    assert estimands() == {name: family.estimand for name, family in FAMILIES.items()}
    assert all(family.name == name for name, family in FAMILIES.items())
    assert {family.name for kind in ("amount", "share", "count") for family in families_for(kind)} == set(
        FAMILIES
    )


def test_a_family_is_one_file(tmp_path: Path) -> None:
    """Two questions, their gates and reports, panels, the schema of plans and plans take it from there.

    It takes a process of its own (8 seconds), as the package is another one.
    """
    package = tmp_path / "twobytwo"
    shutil.copytree(Path(twobytwo.__file__).parent, package)
    shutil.copy(exponential.__file__, package / "infer" / "families")
    (tmp_path / "plan.toml").write_text(PLAN, "utf-8")

    def python(code: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    told = json.loads(python(ASKED)[-1])
    assert Path(told["file"]).parent == package
    assert told["in_schema"]
    assert "exponential" in told["of_amounts"]
    for name in ("did", "compare"):
        answer = told[name]
        assert answer["family"] == "exponential"
        # The prior has some weight; tests/infer/test_recovery.py asks the package's own families for more.
        assert abs(answer["mean"] - answer["raw"]) < 0.1 * answer["se"]
        assert abs(answer["sd"] / answer["se"] - 1) < 0.06
        assert answer["statement"].startswith("No harm that matters. Mean y of the treated group rose by")
        assert set(answer["gates"].values()) == {"pass"}
        assert {"mean_fidelity", "contrast_fidelity", "rhat", "prior_weight"} <= set(answer["gates"])
    for page in ("report.html", "report.md"):
        assert "exponential" in (tmp_path / page).read_text("utf-8")
    assert python(READ) == ["exponential", "False"]
