"""Plans of scorecards: everything that decides is there before the data are, or is asked for by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import twobytwo as tbt
from twobytwo.answer.plan import check, read_plan, run
from twobytwo.answer.plan_card import ScorecardPlan, card_in_shell
from twobytwo.errors import DataError, PlanError

LAUNCH = Path(__file__).parents[2] / "models" / "launch.toml"
RULE = 'launch_if = "primary improves and no guardrail is harmed"'
PLAN = f"""
title = "Can we launch?"
question = "comparison"
[data]
source = "rows.csv"
[design]
group = "arm"
[[metric]]
column = "minutes"
role = "primary"
harm = "decrease"
margin = 1
[[metric]]
column = "crashed"
role = "guardrail"
kind = "share"
harm = "increase"
margin = 1
[decision]
{RULE}
"""


def written(folder: Path, *edits: tuple[str, str]) -> Path:
    text = PLAN
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path) -> ScorecardPlan:
    plan = read_plan(path)
    assert isinstance(plan, ScorecardPlan)
    return plan


def test_the_launch_plan_is_the_call_in_python() -> None:
    plan = read(LAUNCH)
    made = run(plan)
    stated = [
        {"column": "minutes", "role": "primary", "measure": "minutes", "harm": "decrease", "margin": 1.0}
        | {"before_column": "minutes_before"},
        {"column": "bought", "role": "guardrail", "kind": "share", "harm": "decrease", "margin": 1.5},
        {"column": "revenue", "role": "guardrail", "measure": "euro", "harm": "decrease", "margin": 1.0}
        | {"cap": "99.9%"},
        {"column": "crashed", "role": "guardrail", "kind": "share", "harm": "increase", "margin": 0.7},
        {"column": "unsubscribed", "role": "guardrail", "kind": "share", "harm": "increase", "margin": 0.7},
        {"column": "tickets", "role": "guardrail", "kind": "count", "harm": "increase", "margin": 0.02},
        {"column": "minutes", "kind": "ratio", "denominator": "sessions", "measure": "minutes a session"},
    ]
    asked = tbt.scorecard(
        tbt.simulate.launch_users(),
        group="variant",
        unit="user_id",
        expected_share=0.5,
        metrics=stated,
        launch_if={"primary improves": 0.95, "no guardrail is harmed": 0.9},
        random_seed=4,
    )
    assert asked.asked == made.asked
    # Engines add users in the order in which threads finish, which moves last digits only.
    np.testing.assert_allclose(made.draws, asked.draws, rtol=1e-6, atol=1e-9)
    assert made.launch is not None
    assert made.launch.verdict == "launch"
    assert [gate.status for gate in made.gates] == ["pass", "pass"]


def test_a_check_reads_and_decides_nothing(tmp_path: Path) -> None:
    rows = "arm,minutes,crashed\n" + "".join(f"{k % 2},{k},{int(k % 3 == 0)}\n" for k in range(20))
    (tmp_path / "rows.csv").write_text(rows)
    several = check(read(written(tmp_path)))
    assert several.n.tolist() == [10, 10]
    (tmp_path / "rows.csv").write_text(rows.replace("1,1,0", "1,1,5"))
    with pytest.raises(DataError, match="'crashed' is no share"):
        check(read(written(tmp_path)))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (
            'launch_if = "primary improves and no guardrail is harmed"',
            "",
            r"\[decision\] launch_if is missing; say",
        ),
        ("no guardrail is harmed", "no guardrail is hurt", r"says 'no guardrail is hurt', which is no part"),
        ('harm = "increase"\n', "", r"\[\[metric\]\] harm of 'crashed' is missing; say which direction"),
        ("margin = 1\n[[metric]]", "[[metric]]", r"\[\[metric\]\] margin of 'minutes' is missing"),
        (
            'column = "crashed"',
            'colum = "crashed"',
            r"\] colum of number 2 is unknown.*'column'\?",
        ),
        ('column = "crashed"', 'column = "minutes"', "'minutes' stands twice"),
        ('kind = "share"', 'kind = "part"', r"\[\[metric\]\] kind of 'crashed' = 'part' must be one of"),
        (
            'role = "guardrail"',
            'role = "guard"',
            r"\] role of 'crashed' = 'guard' must be one of",
        ),
        ('group = "arm"', 'group = "arm"\noutcome = "y"', r"key \[design\] outcome is unknown"),
        ('group = "arm"', 'group = "arm"\nmargin = 2', r"belongs to \[\[metric\]\] margin"),
        ('group = "arm"', 'group = "minutes"', "'minutes' is used in two roles"),
        ('question = "comparison"', 'question = "did"', r"\[design\] period is missing"),
        ("[decision]", "[model]\nfamily = 'normal'\n[decision]", r"key \[model\] family is unknown"),
        ("[decision]", "[sampler]\nchains = 2\n[decision]", r"key \[sampler\] chains is unknown"),
        ("[decision]", "[model]\npriors = 'flatt'\n[decision]", "flatt"),
        ("[decision]", "[decision]\nci_prob = 2.0", r"ci_prob = 2.0 must be between"),
        ('role = "primary"', 'role = "information"', 'no metric has the role "primary"'),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, old: str, new: str, match: str) -> None:
    with pytest.raises(PlanError, match=match) as caught:
        read_plan(written(tmp_path, (old, new)))
    assert str(caught.value).startswith(str(tmp_path / "plan.toml"))


def test_a_comparison_has_several_treatments_and_a_did_two_groups(tmp_path: Path) -> None:
    several = ('group = "arm"', 'group = "arm"\ncontrol = "a"\ntreatment = ["b", "c"]')
    assert read_plan(written(tmp_path, several)).asked.design.factors[0].levels == ("a", "b", "c")
    with pytest.raises(PlanError, match=r"\[design\] treatment = \['b', 'c'\] must be a level"):
        read_plan(written(tmp_path, several, ('question = "comparison"', 'question = "did"')))


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    edits = (('harm = "increase"\n', ""), ('group = "arm"', 'grup = "arm"'), ("[data]", "[dta]"))
    with pytest.raises(PlanError, match=r"wrong.*\[dta\].*grup.*harm of 'crashed' is missing"):
        read_plan(written(tmp_path, *edits))


def test_one_table_is_no_list(tmp_path: Path) -> None:
    text = PLAN[: PLAN.index('[[metric]]\ncolumn = "crashed"')].replace("[[metric]]", "[metric]")
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(PlanError, match=r"list of tables: for each metric write \[\[metric\]\]"):
        read_plan(path)


def test_a_rule_needs_something_to_decide(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    head = PLAN[: PLAN.index("[[metric]]")]
    path.write_text(f'{head}[[metric]]\ncolumn = "y"\nrole = "information"\n[decision]\nlaunch_if = 0.9\n')
    with pytest.raises(PlanError, match="launch_if is there, but no metric has a role that decides"):
        read_plan(path)


def test_an_interaction_has_no_launch_rule(tmp_path: Path) -> None:
    """It does not say whether to launch; so no rule is asked for either."""
    plan = """title = "both"
question = "interaction"
data.source = "rows.csv"
[design]
factors = ["a", "b"]
[[metric]]
column = "y"
role = "primary"
harm = "decrease"
margin = 1
"""
    path = tmp_path / "plan.toml"
    path.write_text(plan)
    assert not read_plan(path).asked.decides
    path.write_text(f"{plan}[decision]\nlaunch_if = 0.9\n")
    with pytest.raises(PlanError, match="an interaction does not say whether to launch"):
        read_plan(path)


@pytest.mark.parametrize(
    ("design", "question"),
    [
        ({"group": "g"}, "comparison"),
        ({"group": "g", "period": "t"}, "did"),
        ({"factors": ["a", "b"]}, "interaction"),
    ],
)
def test_the_shell_says_the_question_by_its_columns(design: dict[str, Any], question: str) -> None:
    plan = card_in_shell({"design": design}, [{"column": "y"}], "rows.csv", lambda _, key: key)
    assert plan.asked.design.question == question
    assert (plan.sha256, plan.asked.decides) == ("", False)
