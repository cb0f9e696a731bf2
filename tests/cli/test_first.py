"""`twobytwo init`: a file becomes a plan, at a terminal with questions."""

from __future__ import annotations

import io
import sys
import tomllib
from pathlib import Path

import pytest

from twobytwo.cli import main
from twobytwo.simulate import DailyMinutes, daily_minutes


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    daily_minutes(DailyMinutes(n=300)).to_csv("rows.csv", index=False)
    return tmp_path


def test_at_a_terminal_an_answer_that_is_none_is_asked_again(
    rows: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("2026-09-01\nnone\nzero\ndown\ndecrease\n5\n"))
    assert main(["init", "rows.csv"]) == 0
    plan = tomllib.loads((rows / "plan.toml").read_text())
    assert plan["design"]["missing"] == "zero"
    assert plan["decision"] == {"estimand": "mean", "harm": "decrease", "margin": 5}
    assert '\'down\' is none of "decrease", "increase".' in capsys.readouterr().err


@pytest.mark.usefixtures("rows")
def test_init_writes_what_it_saw_and_says_what_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "rows.csv"]) == 0
    said = capsys.readouterr().out
    assert "Still to fill in" in said
    assert [line.split(":")[0].strip() for line in said.splitlines()[2:-1]] == ["launch", "harm", "margin"]
    assert said.rstrip().endswith("twobytwo check plan.toml")
    assert main(["check", "plan.toml"]) == 2
    error = capsys.readouterr().err
    assert "3 lines are still to be filled in: launch, harm, margin" in error


def test_flags_fill_it_in_and_check_holds_the_rows_against_it(
    rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = (
        "--launch 2026-09-01 --missing zero --harm decrease --margin 5 --expected-share 0.2 --measure minutes"
    )
    (rows / "plans").mkdir()
    assert main(["init", "rows.csv", *flags.split(), "-o", "plans/mine.toml"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("twobytwo run plans/mine.toml")
    plan = tomllib.loads((rows / "plans" / "mine.toml").read_text())
    assert plan["data"]["source"] == "../rows.csv"
    assert plan["design"]["expected_share"] == 0.2
    assert main(["check", "plans/mine.toml"]) == 0
    assert "launch on 2026-09-01 (before: 14 days, 2026-08-18 to 2026-08-31; after: 14 days" in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_plan_is_never_replaced(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (rows / "plan.toml").write_text("mine")
    assert main(["init", "rows.csv"]) == 2
    assert "exists already and is not replaced" in capsys.readouterr().err
    assert (rows / "plan.toml").read_text() == "mine"
    assert main(["init", "rows.csv", "-o", "plan.txt"]) == 2
    assert "ends in .toml" in capsys.readouterr().err


def test_at_a_terminal_it_asks_and_an_empty_line_leaves_it_open(
    rows: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("2026-09-01\nzero\ndecrease\n\n"))
    assert main(["init", "rows.csv"]) == 0
    plan = tomllib.loads((rows / "plan.toml").read_text())
    assert (plan["design"]["launch"], plan["design"]["missing"]) == ("2026-09-01", "zero")
    assert plan["decision"] == {"estimand": "mean", "harm": "decrease"}
    said = capsys.readouterr()
    assert said.err.count("an empty line leaves it open") == 4
    assert "  margin: the smallest harm that matters" in said.out


@pytest.mark.usefixtures("rows")
def test_an_unknown_flag_is_compared_with_the_flags_of_plans(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["init", "rows.csv", "--lunch", "2026-09-01"])
    assert "Did you mean '--launch'?" in capsys.readouterr().err
