"""Messages about a plan say lines of TOML, not arguments of Python."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from twobytwo.cli import main
from twobytwo.cli.plan_words import in_plan

PLAN = """
title = "Do they?"
question = "{question}"
[data]
source = "rows.csv"
[design]
{design}
unit = "user_id"
[decision]
estimand = "mean"
harm = "decrease"
margin = 0.5
"""


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ('Say missing="zero".', 'Say missing = "zero".'),
        ("Say control='A', treatment='B' (or", 'Say control = "A", treatment = "B" (or'),
        ("margin=-5.0 must be", "margin = -5.0 must be"),
        ("leave out randomised=True or", "leave out randomised = true or"),
        ("not among factors=('a', 'b').", 'not among factors = ["a", "b"].'),
        ("levels={'a)': ('x=', 'kind=(')}.", 'levels = { "a)" = ["x=", "kind=("] }.'),
        # Without a value, the table is named where there is one; harm is that of a decision or of a metric.
        ("which is the control with control=.", "which is the control with [design] control."),
        ("say harm= and before=.", "say harm and [design] before."),
        ("give unit=... and agg=sum", "give unit = ... and agg = sum"),
        # No arguments of plans, or no arguments.
        ("data=None, x==1, launch=", "data=None, x==1, [design] launch"),
        ("rows/period=2/harm=1.csv: no rows", "rows/period=2/harm=1.csv: no rows"),
        # What TOML cannot say stays as it is.
        ("levels={1, 2} and kind=(", "levels = {1, 2} and kind = ("),
    ],
)
def test_arguments_become_lines(said: str, meant: str) -> None:
    assert in_plan(said) == meant


def checked(capsys: pytest.CaptureFixture[str], question: str, design: str) -> str:
    Path("plan.toml").write_text(PLAN.format(question=question, design=design))
    assert main(["check", "plan.toml"]) in (1, 2)
    return capsys.readouterr().err


def test_what_check_advises_can_be_pasted_into_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{k},{('off', 'on')[k % 2]},{('off', 'on')[k // 20]},{k}.5,{k}" for k in range(40)]
    Path("rows.csv").write_text("user_id,exp_a,exp_b,pre,post\n" + "\n".join(rows) + "\n41,off,on,7.5,\n")
    factors = 'outcome = "pre"\nfactors = ["exp_a", "exp_b"]'
    said = checked(capsys, "interaction", factors)
    lines = re.findall(r"Say (levels = .*?) \(", said)
    assert [tomllib.loads(line)["levels"] for line in lines] == [
        {name: ["off", "on"]} for name in ("exp_a", "exp_b")
    ]
    wide = 'before_column = "pre"\nafter_column = "post"\ngroup = "exp_a"'
    assert 'Say control = "off", treatment = "on"' in checked(capsys, "did", wide)
    said = checked(capsys, "did", f'{wide}\ncontrol = "off"')
    assert 'missing = "zero": an absent user had 0' in said
    assert 'missing = "available": use every row' in said
