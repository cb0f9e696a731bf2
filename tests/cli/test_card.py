"""Scorecards in the shell: the same as in Python, from a plan or from flags."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from scored import CRASH, PRIMARY, three_arms, users

import twobytwo as tbt
from twobytwo.answer.keys import METRIC
from twobytwo.cli import main

LAUNCH = Path(__file__).parents[2] / "models" / "launch.toml"
SCHEMA = json.loads(files("twobytwo.show").joinpath("scorecard.schema.json").read_text())
FLAGS = [
    *("--group", "arm", "--unit", "user"),
    *("--metric", "minutes", "role=primary", "measure=minutes", "margin=1"),
    *("--metric", "crashed", "kind=share", "role=guardrail", "harm=increase", "margin=1"),
]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    users(2_000).to_parquet(path)
    return str(path)


def test_flags_say_what_keywords_do(rows: str, capsys: pytest.CaptureFixture[str]) -> None:
    rule = ["--launch-if", "primary improves=0.95", "no guardrail is harmed=0.8", "--priors", "sceptical"]
    assert main(["scorecard", rows, *FLAGS, *rule, "--draws", "1000"]) == 0
    card = tbt.scorecard(
        rows,
        group="arm",
        unit="user",
        metrics=[PRIMARY, CRASH],
        launch_if={"primary improves": 0.95, "no guardrail is harmed": 0.8},
        priors="sceptical",
        draws=1_000,
    )
    out, err = capsys.readouterr()
    assert (out.rstrip("\n"), err) == (repr(card), "")


def test_several_treatments_are_several_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.parquet"
    three_arms(1_500).to_parquet(path)
    flags = ["--control", "control", "--treatment", "blue", "green"]
    assert main(["scorecard", str(path), *FLAGS, *flags, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    jsonschema.validate(made, SCHEMA)
    assert [each["treatment"] for each in made["launches"]] == ["blue", "green"]
    assert main(["scorecard", str(path), *FLAGS, *flags, "--period", "t"]) == 2
    assert "--treatment = ['blue', 'green'] must be a level" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (["--launch-if", "0.4"], "--launch-if 0.4 must be between 0.5 and 1"),
        (["--launch-if", "primary wins"], "says 'primary wins', which is no part of a rule"),
        (
            ["--metric", "visits", "margin"],
            "visits margin: write what is said of a metric as KEY=VALUE",
        ),
        (["--metric", "visits", "margn=2"], "key --metric margn of 'visits' is unknown"),
        (
            ["--metric", "visits", "margin=much"],
            "margin of 'visits' = 'much' must be a finite number",
        ),
        (["--metric", "crashed"], "'crashed' stands twice"),
        (["--factors", "a", "b"], "key --group is unknown"),
        (["--expected-share", "2"], "expected-share"),
    ],
)
def test_mistakes_are_said_as_flags(
    rows: str, more: list[str], match: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scorecard", rows, *FLAGS, *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert match in err


def test_groups_of_other_sizes_exit_1(rows: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scorecard", rows, *FLAGS, "--expected-share", "0.2", "--json"]) == 1
    out, err = capsys.readouterr()
    made = json.loads(out)
    jsonschema.validate(made, SCHEMA)
    assert made["status"] == "refused"
    assert "every verdict is refused (sample_ratio)" in err


def test_a_plan_is_checked_run_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(LAUNCH)]) == 0
    out = capsys.readouterr().out
    assert "The data fit the design. Nothing has been estimated." in out
    assert "Launch if P(primary improves) >= 95 % and P(no guardrail is harmed) >= 90 %." in out
    assert "treatment  10,000" in out
    assert "All 2 passed: sample_ratio, balance" in out
    assert main(["check", str(LAUNCH), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["users"] == [10_000, 10_000]
    assert main(["run", str(LAUNCH), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    jsonschema.validate(made, SCHEMA)
    assert made["plan"]["title"] == "Can we launch the new home page?"
    for suffix in (".html", ".md", ".txt", ".json"):
        page = tmp_path / f"card{suffix}"
        assert main(["report", str(LAUNCH), "-o", str(page)]) == 0
        assert made["plan"]["sha256"] in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "match"),
    [
        (["validate", str(LAUNCH)], "validate is for a plan of one metric"),
        (["report", str(LAUNCH), "--sensitivity"], "--sensitivity is for an analysis of one metric"),
    ],
)
def test_what_is_for_one_metric_says_so(
    command: list[str], match: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 2
    assert match in capsys.readouterr().err


def test_a_scorecard_is_not_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "card.json"
    assert main(["report", str(LAUNCH), "-o", str(page)]) == 0
    assert main(["verify", str(page), "--data", "simulate:launch"]) == 1
    assert "is a scorecard" in capsys.readouterr().err


def test_a_check_says_that_nothing_would_be_stated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(LAUNCH.read_text().replace("expected_share = 0.5", "expected_share = 0.4"))
    assert main(["check", str(plan)]) == 1
    out, err = capsys.readouterr()
    assert "The groups are not as large as expected" in " ".join(out.split())
    assert "`run` would state nothing (sample_ratio)" in err


def test_help_names_every_key_of_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scorecard", "--help"])
    out = " ".join(capsys.readouterr().out.split())
    for key in METRIC:
        assert key in out
