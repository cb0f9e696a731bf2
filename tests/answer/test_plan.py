"""Plans: what is stated is what is done, and what is not understood is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import twobytwo as tbt
from twobytwo.answer.plan import check, read_plan, run, stated_in_shell
from twobytwo.answer.plan_analysis import Plan
from twobytwo.errors import DataError, DesignError, PlanError
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.priors import Priors

MODELS = Path(__file__).parents[2] / "models"

DID = """
title = "Did it help?"
question = "did"
[data]
source = "rows.csv"
[design]
outcome = "y"
group = "g"
period = "t"
[decision]
estimand = "mean"
harm = "decrease"
margin = 5
"""
INTERACTION = """
title = "Do they cannibalise?"
question = "interaction"
[data]
source = "simulate:cannibalisation"
[design]
outcome = "out"
factors = ["exp1_is_treatment", "exp2_is_treatment"]
[decision]
estimand = "mean"
harm = "decrease"
margin = 0
"""
ROWS = "y,g,t\n" + "".join(f"{g + t + k},{g},{t}\n" for g in (0, 1) for t in (0, 1) for k in (1, 2.5, 4))


def written(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def edited(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)


def test_the_active_minutes_plan_is_read() -> None:
    path = MODELS / "active_minutes.toml"
    plan = read_plan(path)
    assert plan.source == "simulate:active_minutes"
    assert plan.design == tbt.Design.did(
        outcome="minutes",
        group="variant",
        period="period",
        control=0,
        treatment=1,
        before="pre",
        after="post",
        harm="decrease",
        margin=5.0,
        measure="minutes",
    )
    assert (plan.family, plan.estimand, plan.ci_prob) == ("normal", "mean", 0.95)
    assert plan.priors == Priors.of("default")
    assert plan.sampler == {"random_seed": 14}
    assert plan.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_cannibalisation_plan_is_read() -> None:
    plan = read_plan(MODELS / "cannibalisation.toml")
    assert plan.design == tbt.Design.interaction(
        outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"), harm="decrease", margin=0.0
    )


@pytest.mark.parametrize("name", ["active_minutes", "cannibalisation"])
def test_keys_shown_as_comments_are_known(name: str, tmp_path: Path) -> None:
    """A comment that teaches the format must not teach it wrong."""
    text = (MODELS / f"{name}.toml").read_text()
    shown = [line.removeprefix("# ") for line in text.splitlines()]
    kept = [
        line
        for line, original in zip(shown, text.splitlines(), strict=True)
        # Prose has no " = " after its first word.
        if original == line or line.split(" ")[1:2] == ["="] or line.startswith("[")
    ]
    kept = [line for line in kept if not (line.startswith("exp1") or line == "[design.levels]")]
    plan = read_plan(written(tmp_path, "\n".join(kept)))
    assert plan.design.unit == "user_id"
    assert plan.sampler.keys() == (
        {"draws", "tune", "chains", "random_seed"} if "active" in name else {"random_seed"}
    )
    if name == "cannibalisation":
        assert plan.priors == Priors(name="past experiments", effect=0.3, interaction=0.15)
    else:
        defaults = SamplerOptions()
        assert (plan.sampler["draws"], plan.sampler["tune"]) == (defaults.draws, defaults.tune)
        assert (plan.family, plan.priors, plan.ci_prob) == ("normal", Priors.of("default"), 0.95)


def test_the_source_is_relative_to_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    monkeypatch.chdir("/")
    cells = check(read_plan(written(tmp_path, DID)))
    assert cells.rows == 12
    assert cells.design.factors[1].levels == (0, 1)
    assert cells.moments()["mean"].sel(g="1", t="1").item() == 4.5


def test_every_keyword_of_a_design_can_be_stated(tmp_path: Path) -> None:
    stated = edited(
        DID,
        'period = "t"',
        'period = "t"\nunit = "id"\nmissing = "zero"\nagg = "sum"\nrandomised = true\n'
        'control = "A"\ntreatment = "B"\nbefore = 2023\nafter = 2024\nmeasure = "m"',
    )
    assert read_plan(written(tmp_path, stated)).design == tbt.Design.did(
        outcome="y",
        group="g",
        period="t",
        unit="id",
        missing="zero",
        agg="sum",
        randomised=True,
        control="A",
        treatment="B",
        before=2023,
        after=2024,
        measure="m",
        harm="decrease",
        margin=5.0,
    )


def test_one_row_per_user_has_a_column_for_each_period(tmp_path: Path) -> None:
    stated = edited(
        edited(DID, 'outcome = "y"', 'before_column = "y0"\nafter_column = "y1"'),
        'period = "t"',
        'unit = "id"',
    )
    (tmp_path / "rows.csv").write_text(
        "id,g,y0,y1\n" + "".join(f"{k},{k % 2},{k},{k * 2 + k**2 % 7}\n" for k in range(1, 13))
    )
    plan = read_plan(written(tmp_path, stated))
    assert plan.design == tbt.Design.did_wide(
        before_column="y0", after_column="y1", group="g", unit="id", harm="decrease", margin=5.0
    )
    assert check(plan).units == 12


COMPARISON = """
title = "Is one of them better?"
question = "comparison"
[data]
source = "rows.csv"
[design]
outcome = "y"
group = "arm"
control = "a"
treatment = ["b", "c"]
[decision]
estimand = "mean"
harm = "decrease"
margin = 1
max_probability = 0.1
"""


def test_a_ratio_is_planned_by_its_denominator(tmp_path: Path) -> None:
    rows = [(k % 2, k % 4 // 2, k % 7, 1 + k % 3) for k in range(400)]
    lines = "".join(f"{g},{t},{y},{x}\n" for g, t, y, x in rows)
    (tmp_path / "rows.csv").write_text(f"g,t,y,x\n{lines}", encoding="utf-8")
    plan = read_plan(written(tmp_path, edited(DID, 'outcome = "y"', 'outcome = "y"\ndenominator = "x"')))
    assert isinstance(plan, Plan)
    assert (plan.design.metric.kind, plan.design.metric.said) == ("ratio", "the ratio of y to x")
    own = [(y, x) for g, t, y, x in rows if (g, t) == (1, 0)]
    expected = sum(y for y, _ in own) / sum(x for _, x in own)
    assert check(plan).moments()["mean"].to_numpy()[1, 0] == pytest.approx(expected)


def test_a_comparison_is_planned_and_checked(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "y,arm\n" + "".join(f"{k * k % 7},{'abc'[k % 3]}\n" for k in range(30))
    )
    plan = read_plan(written(tmp_path, COMPARISON))
    assert plan.max_probability == 0.1
    cells = check(plan)
    assert cells.rows == 30
    assert cells.design.factors[0].levels == ("a", "b", "c")


def test_levels_are_pairs(tmp_path: Path) -> None:
    table = '[design.levels]\nexp1_is_treatment = ["off", "on"]\n[decision]'
    plan = read_plan(written(tmp_path, edited(INTERACTION, "[decision]", table)))
    assert plan.design.factors[0].levels == ("off", "on")
    assert plan.design.factors[1].levels is None


def test_priors_may_be_a_table(tmp_path: Path) -> None:
    table = "\n[model.priors]\neffect = 0.1\ninteraction = 1"
    assert read_plan(written(tmp_path, INTERACTION + table)).priors == Priors(
        name="planned", effect=0.1, interaction=1.0
    )
    preset = '\n[model]\npriors = "flat"'
    assert read_plan(written(tmp_path, INTERACTION + preset)).priors == Priors.of("flat")


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (
            'outcome = "y"',
            'outcom = "y"',
            r"plan\.toml: key \[design\] outcom is unknown.* Did you mean 'outcome'\?",
        ),
        ('group = "g"', "", r"\[design\] group is missing; say which column tells"),
        (
            'period = "t"',
            'period = "t"\nmargin = 3',
            r"\[design\] margin is unknown; it belongs to \[decision\] margin",
        ),
        ('period = "t"', 'period = "t"\nfactors = ["a", "b"]', r"key \[design\] factors is unknown"),
        ('title = "Did it help?"', "", "title is missing; say in a few words"),
        ('title = "Did it help?"', "title = 3", "title = 3 must be text"),
        ('title = "Did it help?"', 'title = "a"\ntitel = "b"', "key titel is unknown.* Did you mean 'title'"),
        ('question = "did"', "", "question is missing; use one of 'did', 'interaction'"),
        ('question = "did"', 'question = "dit"', "question = 'dit' is not allowed.* Did you mean 'did'"),
        ('question = "did"', 'question = ["did"]', r"question = \['did'\] is not allowed"),
        ('source = "rows.csv"', "", r"\[data\] source is missing; say where the rows are"),
        ('source = "rows.csv"', "source = 1", r"\[data\] source = 1 must be text"),
        ("[decision]", "[decisions]", r"table \[decisions\] is unknown.* Did you mean 'decision'"),
        (
            '[data]\nsource = "rows.csv"',
            'data = "rows.csv"',
            r"data = 'rows.csv' must be a table: write \[data\]",
        ),
        ("margin = 5", "", r"\[decision\] margin is missing; say the smallest harm that matters.*0 if any"),
        ("margin = 5", "margin = true", r"\[decision\] margin = True must be a finite number"),
        ("margin = 5", 'margin = "5"', r"\[decision\] margin = '5' must be a finite number"),
        ("margin = 5", "margin = inf", r"\[decision\] margin = inf must be a finite number"),
        ("margin = 5", "margin = -5", r"plan\.toml: margin=-5.0 must be at least 0"),
        ("margin = 5", "margin = 5\nci_prob = 95", r"\[decision\] ci_prob = 95.0 must be between 0 and 1"),
        (
            "margin = 5",
            "margin = 5\nmax_probability = 0.5",
            r"\[decision\] max_probability = 0.5 must be between 0 and 0.5, such as 0.05",
        ),
        (
            "margin = 5",
            'margin = 5\nmax_probability = "low"',
            r"max_probability = 'low' must be a finite number",
        ),
        (
            'harm = "decrease"',
            'harm = "down"',
            r"\[decision\] harm = 'down' must be one of 'decrease', 'increase'",
        ),
        ('harm = "decrease"', "", r"\[decision\] harm is missing; say which direction"),
        ('estimand = "mean"', "", r"\[decision\] estimand is missing; say what of the outcome"),
        (
            'estimand = "mean"',
            'estimand = "location"',
            "estimand = 'location', but the family 'auto' estimates the mean; .* use family 'student_t'",
        ),
        ('estimand = "mean"', 'estimand = "median"', "estimates the mean; write 'mean'"),
        (
            "margin = 5",
            'margin = 5\n[model]\nfamily = "studentt"',
            "'studentt' is unknown.* Did you mean 'student_t'",
        ),
        (
            "margin = 5",
            'margin = 5\n[model]\npriors = "flatt"',
            "priors='flatt' is unknown.*Did you mean 'flat'",
        ),
        ("margin = 5", "margin = 5\n[model]\npriors = 3", r"\[model\] priors = 3 must be text or a table"),
        (
            "margin = 5",
            "margin = 5\n[model.priors]\nefect = 1",
            r"key \[model.priors\] efect is unknown.* Did you mean 'effect'",
        ),
        ("margin = 5", "margin = 5\n[model.priors]\neffect = 0", "effect=0.0 must be positive and finite"),
        (
            "margin = 5",
            'margin = 5\n[model.priors]\nname = "flat"',
            "'flat' is a preset's; give these priors another",
        ),
        ("margin = 5", "margin = 5\n[sampler]\nseed = 3", r"key \[sampler\] seed is unknown"),
        (
            "margin = 5",
            "margin = 5\n[sampler]\ndraws = 1e3",
            r"\[sampler\] draws = 1000.0 must be a whole number",
        ),
        ('group = "g"', 'group = "y"', r"plan\.toml: Column 'y' is used in two roles"),
        ('group = "g"', 'group = "g"\ncontrol = [0]', r"control = \[0\] must be a level \(text, a number"),
        (
            'group = "g"',
            'group = "g"\nunit = "u"\nmissing = "no"',
            "'no' must be one of 'zero', 'drop', 'available'",
        ),
        ('group = "g"', 'group = "g"\nrandomised = 1', "randomised = 1 must be true or false"),
        ('outcome = "y"', 'after_column = "y"', r"key \[design\] period is unknown.*'before_column'"),
        ("[data]", "[data", r"plan\.toml is not a TOML file: .*line 4"),
    ],
)
def test_a_plan_that_is_not_understood_is_refused(old: str, new: str, match: str, tmp_path: Path) -> None:
    path = written(tmp_path, edited(DID, old, new))
    with pytest.raises(PlanError, match=match) as caught:
        read_plan(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (
            'factors = ["exp1_is_treatment", "exp2_is_treatment"]',
            'factors = "a"',
            "'a' must be a list of texts",
        ),
        ('factors = ["exp1_is_treatment", "exp2_is_treatment"]', 'factors = ["a"]', "must name two columns"),
        ("[decision]", '[design.levels]\nother = ["a", "b"]\n[decision]', "levels= names .'other'."),
        (
            "[decision]",
            '[design.levels]\nexp1_is_treatment = ["a"]\n[decision]',
            "must be a table, each value of which is a list of two levels",
        ),
    ],
)
def test_a_plan_of_an_interaction_too(old: str, new: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=match):
        read_plan(written(tmp_path, edited(INTERACTION, old, new)))


def test_files_that_are_no_plans_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"absent\.toml' cannot be read: No such file.*looked from"):
        read_plan(tmp_path / "absent.toml")
    with pytest.raises(PlanError, match="cannot be read: Is a directory"):
        read_plan(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError, match=r"binary\.toml is not a TOML file"):
        read_plan(binary)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("margin = 5", f"margin = {'9' * 400}", "margin.*number"),
        ("margin = 5", f"margin = {'9' * 5_000}", r"plan\.toml is not a TOML file: Exceeds the limit"),
        ("[data]", f"x = {'[' * 3_000}{']' * 3_000}\n[data]", "is not a TOML file|x is unknown"),
    ],
)
def test_numbers_and_nests_of_thousands_are_the_plans_fault(
    old: str, new: str, match: str, tmp_path: Path
) -> None:
    with pytest.raises(PlanError, match=match):
        read_plan(written(tmp_path, edited(DID, old, new)))


def test_data_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No file matches .*rows\.csv"):
        check(read_plan(written(tmp_path, DID)))
    unknown = edited(DID, "rows.csv", "simulate:canibalisation")
    with pytest.raises(PlanError, match=r"\[data\] source = .* Did you mean 'cannibalisation'"):
        check(read_plan(written(tmp_path, unknown)))


def test_settings_too_small_are_refused_before_the_data_are_read(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, DID + "[sampler]\ndraws = 5"))
    # There is no rows.csv, which is not what it complains about.
    with pytest.raises(DesignError, match="draws=5 must be a whole number of at least 100"):
        run(plan)


def test_what_cannot_be_read_and_what_cannot_be_are_told_together() -> None:
    stated = {
        "design": {"outcome": "y", "group": 3, "period": "t", "launch": "2026-13-01"},
        "decision": {"harm": "down", "margin": -5},
    }
    with pytest.raises(PlanError) as error:
        stated_in_shell("did", stated, "rows.csv", lambda _, key: f"--{key}")
    said = str(error.value)
    assert "--harm = 'down' must be one of" in said
    assert "--group = 3 must be text" in said
    assert "margin=-5.0 must be at least 0" in said
    # Nothing is said of the names that stand in for what is absent.
    assert "<" not in said
