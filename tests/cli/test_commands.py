"""What commands do, and the exit status that they end with."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from twobytwo.answer import plan as plans
from twobytwo.check.gates.data import data_gates
from twobytwo.cli import commands
from twobytwo.cli.streams import DONE, REFUSED
from twobytwo.errors import PlanError
from twobytwo.show.json import check_to_dict

MODELS = Path(__file__).parents[2] / "models"
ACTIVE = MODELS / "active_minutes.toml"


def test_check_estimates_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.check(Namespace(plan=ACTIVE, json=False)) == DONE
    out, err = capsys.readouterr()
    assert "The data fit the design. Nothing has been estimated." in out
    assert err == ""
    assert commands.check(Namespace(plan=ACTIVE, json=True)) == DONE
    made = json.loads(capsys.readouterr().out)
    plan = plans.read_plan(ACTIVE)
    cells = plans.check(plan)
    assert made == check_to_dict(cells, plan, data_gates(cells, blind=True))


def test_a_scorecard_is_not_validated() -> None:
    with pytest.raises(PlanError, match=r"launch\.toml: validate is for a plan of one metric"):
        commands.validate(Namespace(plan=MODELS / "launch.toml", json=False, output=None))


def test_a_table_against_its_plan_ends_with_another_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hundred times as many treated users as the plan says: nothing would be stated."""
    lines = "".join(f"{k},{int(k % 100 > 0)},{k % 7 + 1}\n" for k in range(4_000))
    (tmp_path / "rows.csv").write_text("user,arm,y\n" + lines)
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'title = "x"\nquestion = "comparison"\n[data]\nsource = "rows.csv"\n[design]\noutcome = "y"\n'
        'group = "arm"\nunit = "user"\nexpected_share = 0.5\n[decision]\nestimand = "mean"\n'
        'harm = "decrease"\nmargin = 1\n'
    )
    assert commands.check(Namespace(plan=plan, json=False)) == REFUSED
    assert "`run` would state nothing (sample_ratio)" in capsys.readouterr().err
