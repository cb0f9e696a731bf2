"""What the plan of an analysis states is what is done with the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import twobytwo as tbt
from twobytwo.answer.plan_analysis import Plan, check_analysis, planned_analysis, run_analysis
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.priors import Priors

ROWS = "y,g,t\n" + "".join(f"{g + t + k},{g},{t}\n" for g in (0, 1) for t in (0, 1) for k in (1, 2.5, 4))


def planned(folder: Path, **tables: Any) -> Plan:
    """A plan of `tables`, of the file rows.csv unless they say otherwise."""
    stated = {
        "title": "Did it help?",
        "question": "did",
        "data": {"source": "rows.csv"},
        "design": {"outcome": "y", "group": "g", "period": "t"},
        "decision": {"estimand": "mean", "harm": "decrease", "margin": 5},
    }
    return planned_analysis(stated | tables, folder / "plan.toml", "")


def test_the_data_must_fit_the_design(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    with pytest.raises(DesignError, match="Column 'grp' is not in the table"):
        check_analysis(planned(tmp_path, design={"outcome": "y", "group": "grp", "period": "t"}))
    (tmp_path / "rows.csv").write_text(ROWS + ",0,1\n")
    with pytest.raises(DataError, match=r"Column 'y' is missing .* in 1 of 13 rows"):
        check_analysis(planned(tmp_path))


EXPERIMENTS = ("exp1_is_treatment", "exp2_is_treatment")


def test_run_does_what_is_stated(tmp_path: Path) -> None:
    decided = {"margin": 0.5, "ci_prob": 0.8, "max_probability": 0.2}
    plan = planned(
        tmp_path,
        question="interaction",
        data={"source": "simulate:cannibalisation"},
        design={"outcome": "out", "factors": list(EXPERIMENTS)},
        decision={"estimand": "mean", "harm": "decrease", **decided},
        model={"family": "normal", "priors": {"name": "ours", "interaction": 0.25}},
        sampler={"draws": 500, "random_seed": 7},
    )
    result = run_analysis(plan)
    assert result.options.max_probability == 0.2
    assert result.options.sampler == SamplerOptions(draws=500, random_seed=7)
    assert result.posterior["posterior"].sizes["draw"] == 500
    assert result.fit.priors == Priors(name="ours", interaction=0.25)
    assert (result.headline.ci_prob, result.headline.margin) == (0.8, 0.5)
    by_hand = tbt.interaction(
        tbt.simulate.cannibalisation(),
        outcome="out",
        factors=EXPERIMENTS,
        priors=plan.priors,
        draws=500,
        random_seed=7,
        **decided,
    )
    assert result.headline == by_hand.headline


def test_check_refuses_outcomes_that_the_family_would_refuse(tmp_path: Path) -> None:
    """It passed, and the run failed a minute later."""
    rows = tbt.simulate.cannibalisation()
    rows.assign(out=rows["out"] - 15).to_csv(tmp_path / "rows.csv", index=False)
    plan = planned(
        tmp_path,
        question="interaction",
        design={"outcome": "out", "factors": list(EXPERIMENTS)},
        model={"family": "lognormal"},
    )
    with pytest.raises(DataError, match=r"negative values.*needs positive outcomes"):
        check_analysis(plan)
