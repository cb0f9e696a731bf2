"""`twobytwo init`: a file becomes a plan, at a terminal with questions."""

from __future__ import annotations

import io
import re
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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def answering(patch: pytest.MonkeyPatch, *answers: str) -> None:
    """Sit at a terminal and type; the end of the answers is Ctrl-D."""
    patch.setattr(sys, "stdin", Terminal("".join(f"{answer}\n" for answer in answers)))


@pytest.mark.usefixtures("rows")
def test_at_a_terminal_what_cannot_be_is_asked_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    launches = ("2026-13-45", "2027-01-01", "2026-08-18", "2026-09-01")
    others = ("none", "zero", "yes", "false", "20%", "0.2", "down", "decrease", "-5", "5 minutes", "5")
    answering(monkeypatch, *launches, *others)
    assert main(["init", "rows.csv"]) == 0
    plan = tomllib.loads(Path("plan.toml").read_text())
    assert plan["decision"] == {"estimand": "mean", "harm": "decrease", "margin": 5}
    written = {"launch": "2026-09-01", "missing": "zero", "randomised": False, "expected_share": 0.2}
    assert written.items() <= plan["design"].items()
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("This cannot be:") == 9
    for message in (
        "launch='2026-13-45' is no day",
        "launch = 2027-01-01 leaves one of the periods without a row: the dates of column 'day' run from",
        "launch = 2026-08-18 leaves one of the periods",
        "missing = 'none' must be one of 'zero', 'drop', 'available'",
        "margin=-5.0 must be at least 0",
        "margin = '5 minutes' must be a finite number",
    ):
        assert message in said
    assert main(["check", "plan.toml"]) == 0


def test_the_question_is_asked_where_the_columns_do_not_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("two.csv").write_text(
        "exp1,exp2,minutes\n" + "".join(f"{k % 2},{k // 20},{k}.5\n" for k in range(40))
    )
    answering(monkeypatch, "anova", "interaction", "", "decrease", "0")
    assert main(["init", "two.csv"]) == 0
    plan = tomllib.loads(Path("plan.toml").read_text())
    assert (plan["question"], plan["design"]["factors"]) == ("interaction", ["exp1", "exp2"])
    assert "question = 'anova' is not allowed" in capsys.readouterr().err


def test_levels_are_typed_as_they_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{('2', '1')[k % 2]},{('off', 'on')[k // 20]},{k}.5\n" for k in range(40)]
    Path("two.csv").write_text("exp_a,exp_b,minutes\n" + "".join(rows))
    answering(monkeypatch, "exp_a=2,1 exp_b=off,on", "", "decrease", "0")
    assert main(["init", "two.csv", "--question", "interaction"]) == 0
    assert "Such as exp_a=1,2 exp_b=off,on, in this order or the other." in " ".join(
        capsys.readouterr().err.split()
    )
    plan = tomllib.loads(Path("plan.toml").read_text())
    assert plan["design"]["levels"] == {"exp_a": [2, 1], "exp_b": ["off", "on"]}
    assert main(["check", "plan.toml"]) == 0


@pytest.mark.usefixtures("rows")
def test_the_end_of_input_keeps_what_was_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "2026-09-01", "zero")
    assert main(["init", "rows.csv"]) == 0
    assert tomllib.loads(Path("plan.toml").read_text())["design"]["missing"] == "zero"
    assert "Still to fill in" in capsys.readouterr().out


@pytest.mark.usefixtures("rows")
def test_an_interruption_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch)

    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    assert main(["init", "rows.csv"]) == 130
    assert not Path("plan.toml").exists()


@pytest.mark.usefixtures("rows")
def test_wrong_flags_are_told_together_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    flags = "--outcome minuts --group arm --launch 2024-09-01 --margin -5"
    assert main(["init", "rows.csv", *flags.split()]) == 2
    said = capsys.readouterr().err
    assert "4 things are wrong." in said
    assert "--margin -5.0 must be at least 0" in said
    assert "--outcome: column 'minuts' is not in the file" in said
    assert "Did you mean 'minutes'?" in said
    assert "--launch = 2024-09-01 leaves one of the periods without a row" in said
    assert not Path("plan.toml").exists()


@pytest.mark.usefixtures("rows")
def test_init_writes_what_it_saw_and_says_what_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "rows.csv"]) == 0
    said = capsys.readouterr().out
    assert "Still to fill in" in said
    assert re.findall(r"^  (\w+): ", said, re.MULTILINE) == ["launch", "harm", "margin"]
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


def test_a_launch_without_dates_is_one_mistake_in_the_words_of_the_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [f"{k},{'AB'[k % 2]},{('pre', 'post')[k // 20]},2026-09-{k // 2 + 1:02},{k}.5" for k in range(40)]
    Path("both.csv").write_text("user_id,group,phase,day,y\n" + "\n".join(lines))
    launch = ["--launch", "2026-09-11"]
    assert main(["init", "both.csv", *launch, "--period", "phase"]) == 2
    said = capsys.readouterr().err
    assert "--launch is a day among dates, and column 'phase' holds text; say --period day." in said
    assert "things are wrong" not in said
    assert main(["init", "both.csv", *launch]) == 0
    assert tomllib.loads(Path("plan.toml").read_text())["design"]["period"] == "day"


@pytest.mark.usefixtures("rows")
def test_missing_is_open_where_check_would_ask_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "rows.csv", "--launch", "2026-09-01", "--harm", "decrease", "--margin", "5"]) == 0
    said = capsys.readouterr().out
    assert re.findall(r"^  (\w+): ", said, re.MULTILINE) == ["missing"]
    assert "users have rows in one period only" in " ".join(said.split())
    assert main(["check", "plan.toml"]) == 2
    assert "1 line is still to be filled in: missing" in capsys.readouterr().err


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
    answering(monkeypatch, "2026-09-01", "zero", "", "", "decrease", "")
    assert main(["init", "rows.csv"]) == 0
    plan = tomllib.loads((rows / "plan.toml").read_text())
    assert (plan["design"]["launch"], plan["design"]["missing"]) == ("2026-09-01", "zero")
    assert plan["decision"] == {"estimand": "mean", "harm": "decrease"}
    said = capsys.readouterr()
    assert said.err.count("\nSay ") == 6
    assert "  margin: the smallest harm that matters" in said.out


@pytest.mark.usefixtures("rows")
def test_an_unknown_flag_is_compared_with_the_flags_of_plans(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["init", "rows.csv", "--lunch", "2026-09-01"])
    assert "Did you mean '--launch'?" in capsys.readouterr().err


def _filled_in(text: str, *keys: str) -> str:
    """Take away the # of some open lines, as a person does."""
    open_ones = tuple(f"# {key} = " for key in keys)
    return "\n".join(line[2:] if line.startswith(open_ones) else line for line in text.splitlines())


@pytest.mark.parametrize(
    ("column", "levels"),
    [
        ("phase", ("baseline", "post-launch")),
        ("Period", ("P1", "P2")),
        ("month", (202601, 202602)),
        ("week", (1, 2)),
        ("stage", ("before launch", "after launch")),
        ("is_post", (0, 1)),
        # Whatever it is called, users have a row at each of its levels.
        ("snapshot", ("old", "young")),
    ],
)
def test_before_and_after_are_never_added_up_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, levels: tuple[object, object]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{k % 60},{('control', 'new')[k % 2]},{levels[k // 60]},{k * k % 103}.5" for k in range(120)]
    Path("rows.csv").write_text(f"user_id,variant,{column},spend\n" + "\n".join(rows))
    assert main(["init", "rows.csv", "--harm", "decrease", "--margin", "1"]) == 0
    text = Path("plan.toml").read_text()
    plan = tomllib.loads(text)
    assert "question" not in plan
    assert plan["design"].keys() == {"outcome", "group", "control", "treatment", "unit"}
    assert f"'{column}' may tell before from after" in text
    assert re.search(rf'^# period = "{column}"  # FILL IN if question = "did"', text, re.MULTILINE)
    assert re.search(r'^# agg = "sum"  # FILL IN if question = "comparison"', text, re.MULTILINE)
    Path("plan.toml").write_text(_filled_in(text, "question", "period", "before"))
    assert main(["check", "plan.toml"]) == 0
    compared = text.replace('# question = "did"', 'question = "comparison"')
    Path("plan.toml").write_text(compared)
    assert main(["check", "plan.toml"]) == 2
    Path("plan.toml").write_text(_filled_in(compared, "agg"))
    assert main(["check", "plan.toml"]) == 0


def test_users_whose_column_has_no_telling_name_are_looked_at_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{k % 60},{'AB'[k % 2]},{('old', 'young')[k // 60]},{k * k % 103}.5" for k in range(120)]
    Path("rows.csv").write_text("u,variant,snapshot,spend\n" + "\n".join(rows))
    assert main(["init", "rows.csv"]) == 0
    text = Path("plan.toml").read_text()
    assert "question" not in tomllib.loads(text)
    assert re.search(r'^# unit = "u"  # FILL IN', text, re.MULTILINE)
    assert re.search(r'^# period = "snapshot"  # FILL IN', text, re.MULTILINE)


def test_a_trait_of_users_is_no_period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{k},{'AB'[k % 2]},{('ios', 'web')[k // 30]},{k * 7 % 31}.5" for k in range(60)] * 2
    Path("rows.csv").write_text("user_id,variant,platform,spend\n" + "\n".join(rows))
    assert main(["init", "rows.csv"]) == 0
    assert tomllib.loads(Path("plan.toml").read_text())["question"] == "comparison"


def test_at_a_terminal_the_question_decides_about_periods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{k},{('control', 'new')[k % 2]},{when},{k}.5" for when in ("P1", "P2") for k in range(60)]
    Path("rows.csv").write_text("user_id,variant,period,spend\n" + "\n".join(rows))
    answering(monkeypatch, "did", "P1", "", "", "", "decrease", "1")
    assert main(["init", "rows.csv"]) == 0
    design = tomllib.loads(Path("plan.toml").read_text())["design"]
    assert {"period": "period", "before": "P1"}.items() <= design.items()
    assert "agg" not in design


def test_rows_written_twice_are_not_added_up_silently(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{k},{('control', 'new')[k % 2]},{k * k % 103}.5" for k in range(60)]
    Path("once.csv").write_text("\n".join(["user_id,variant,spend", *rows, *rows[:9]]))
    flags = ["--harm", "decrease", "--margin", "1"]
    assert main(["init", "once.csv", *flags, "-o", "once.toml"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "agg: how several rows of a user" in said
    assert (
        "9 rows are exact copies of another row, and no user has several otherwise: take the copies" in said
    )
    assert "agg" not in tomllib.loads(Path("once.toml").read_text())["design"]
    # Users of a log have several rows anyway; who adds them up is told as well.
    more = [f"{k},{('control', 'new')[k % 2]},{k}.25" for k in range(60)]
    Path("log.csv").write_text("\n".join(["user_id,variant,spend", *rows, *more, more[3]]))
    assert main(["init", "log.csv", *flags, "-o", "log.toml"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "Note: 1 row is an exact copy of another row (the same in every column), and all are added up."
        in said
    )
    assert tomllib.loads(Path("log.toml").read_text())["design"]["agg"] == "sum"
    assert "1 row is an exact copy of another row" in Path("log.toml").read_text()
    # Without copies nothing is said.
    Path("log.csv").write_text("\n".join(["user_id,variant,spend", *rows, *more]))
    assert main(["init", "log.csv", *flags, "-o", "clean.toml"]) == 0
    assert "Note" not in capsys.readouterr().out


def test_shares_of_three_groups_are_written_as_check_takes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{k},{('control', 'a', 'b')[k % 3]},{k * k % 103}.5" for k in range(90)]
    Path("rows.csv").write_text("\n".join(["user_id,variant,spend", *rows]))
    decided = ["--harm", "decrease", "--margin", "1"]
    assert main(["init", "rows.csv", *decided, "--expected-share", "0.333"]) == 2
    said = capsys.readouterr().err
    assert "--expected-share 0.333 is one number, but column 'variant' has 3 levels" in said
    shares = "--expected-share control=0.334 a=0.333 b=0.333"
    assert f"such as {shares}." in said
    assert not Path("plan.toml").exists()
    assert main(["init", "rows.csv", *decided, *shares.split(), "-o", "said.toml"]) == 0
    assert main(["check", "said.toml"]) == 0
    capsys.readouterr()
    # At a terminal the example is one of these levels too, and so is the line of the plan.
    answering(monkeypatch, "0.333", "a=0.333 b=0.333 control=0.334")
    assert main(["init", "rows.csv", *decided, "-o", "typed.toml"]) == 0
    assert "Such as a=0.334 b=0.333 control=0.333." in " ".join(capsys.readouterr().err.split())
    assert main(["check", "typed.toml"]) == 0
    answering(monkeypatch, "")
    assert main(["init", "rows.csv", *decided, "-o", "open.toml"]) == 0
    Path("open.toml").write_text(_filled_in(Path("open.toml").read_text(), "expected_share"))
    assert main(["check", "open.toml"]) == 0
