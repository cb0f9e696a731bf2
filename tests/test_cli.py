"""The command line: what is printed where, and with which exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import twobytwo as tbt
from twobytwo.answer import analysis
from twobytwo.answer import plan as plans
from twobytwo.answer.plan_analysis import Plan
from twobytwo.check.sensitivity import Sensitivity
from twobytwo.cli import main
from twobytwo.errors import DataError

HERE = Path(__file__).parent
MODELS = HERE.parent / "models"
ACTIVE, CANNIBALISATION = MODELS / "active_minutes.toml", MODELS / "cannibalisation.toml"
SCHEMA = json.loads(files("twobytwo.show").joinpath("result.schema.json").read_text())
HEAVY = ("pymc", "pytensor", "nutpie", "arviz_stats", "pandas", "statsmodels", "matplotlib", "ibis", "duckdb")


@pytest.fixture
def csv_plan(tmp_path: Path) -> Path:
    """A plan for `rows.csv` beside it: columns out, a, b."""
    text = CANNIBALISATION.read_text()
    for old, new in (
        ("simulate:cannibalisation", "rows.csv"),
        ('["exp1_is_treatment", "exp2_is_treatment"]', '["a", "b"]'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return path


def rows(outcome: Any) -> str:
    cells = [(a, b, k) for a in (0, 1) for b in (0, 1) for k in range(4)]
    return "out,a,b\n" + "".join(f"{outcome(a, b, k)},{a},{b}\n" for a, b, k in cells)


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error, and nothing on standard output."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("twobytwo: error: ")
    return err


@pytest.mark.parametrize(("path", "effect"), [(ACTIVE, "did"), (CANNIBALISATION, "interaction")])
def test_run_prints_one_json_object(path: Path, effect: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(path), "--json"]) == 0
    out, err = capsys.readouterr()
    made = json.loads(out)
    jsonschema.validate(made, SCHEMA)
    assert made["headline"]["effect"] == effect
    assert made["plan"]["sha256"] == plans.read_plan(path).sha256
    assert err == ""


def test_run_and_report_print_the_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(CANNIBALISATION)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("Two experiments at once: do they cannibalise each other?\n====")
    assert "\x1b" not in out
    assert "They cannibalise each other. Both together change mean out by" in " ".join(out.split())

    target = tmp_path / "report.txt"
    target.write_text("old")
    assert main(["report", str(CANNIBALISATION), "-o", str(target)]) == 0
    assert capsys.readouterr() == (f"{target}\n", "")

    def lasting(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith("twobytwo ")]

    # All but the line with the seconds it took.
    assert lasting(target.read_text(encoding="utf-8")) == lasting(out)
    assert [path.name for path in tmp_path.iterdir()] == ["report.txt"]


def test_a_report_may_show_what_the_other_choices_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The panel itself is tested elsewhere; here one other family stands for all."""
    tried = analysis.Analysis.sensitivity

    def fewer(self: analysis.Analysis, families: list[str] | None = None) -> Sensitivity:
        return tried(self, families=["lognormal"] if families is None else families)

    monkeypatch.setattr(analysis.Analysis, "sensitivity", fewer)
    pages = [tmp_path / "short.md", tmp_path / "long.md"]
    for page, flags in zip(pages, ([], ["--sensitivity"]), strict=True):
        assert main(["report", str(ACTIVE), *flags, "-o", str(page)]) == 0
    short, long = (page.read_text() for page in pages)
    for page in (short, long):
        assert "without the top 0.1 %" in page
        assert "multiplicative" in page
    assert re.search(r"\blognormal\b", long)
    assert not re.search(r"\blognormal\b", short)


def test_who_makes_up_much_of_a_total_is_told_at_the_terminal_and_in_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"user-{k},{'ab'[k % 2]},{100 * k if k == 41 else k % 7 + 1}" for k in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["who,g,y", *lines]))
    flags = ["--outcome", "y", "--group", "g", "--control", "a", "--unit", "who", "--draws", "500"]
    decided = ["--harm", "decrease", "--margin", "1"]
    path = tmp_path / "plan.toml"
    main(["init", str(tmp_path / "rows.csv"), *flags, *decided, "-o", str(path)])
    text = path.read_text()
    for gap in ("randomised", "expected_share", "measure", "label"):
        text = re.sub(rf"^# {gap} = .*\n", "", text, flags=re.MULTILINE)
    path.write_text(text)
    capsys.readouterr()
    assert main(["check", str(path)]) == 0
    out = capsys.readouterr().out
    assert "Whose values these are:\n  who      g      y  of the cell's total\n  user-41  b  4,100" in out
    main(["check", str(path), "--json"])
    assert "user-41" not in capsys.readouterr().out
    target = tmp_path / "answer.json"
    main(["compare", str(tmp_path / "rows.csv"), *flags, *decided, "-o", str(target)])
    assert "largest_share" in target.read_text()
    assert "user-41" not in target.read_text()
    capsys.readouterr()
    main(["compare", str(tmp_path / "rows.csv"), *flags, *decided])
    assert "user-41" in capsys.readouterr().out


def test_check_refuses_what_run_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A third of one arm is lost: the counts say so before anything is estimated."""
    rows = tbt.simulate.user_minutes(tbt.simulate.UserMinutes(n=4_000))
    lost = (rows["variant"] == 1) & (rows["user_id"] % 3 == 0)
    rows[~lost].to_parquet(tmp_path / "rows.parquet")
    plan = tmp_path / "plan.toml"
    plan.write_text(
        """
        title = "Rows were lost"
        question = "did"
        [data]
        source = "rows.parquet"
        [design]
        outcome = "minutes"
        group = "variant"
        period = "period"
        unit = "user_id"
        missing = "zero"
        expected_share = 0.5
        [decision]
        estimand = "mean"
        harm = "decrease"
        margin = 5
        """
    )
    assert main(["check", str(plan)]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"refused\s+sample_ratio", out)
    assert err == "twobytwo: error: `run` would state nothing (sample_ratio); the checks say why\n"


def test_a_refused_headline_is_printed_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(f"{CANNIBALISATION.read_text()}\ndraws = 100\ntune = 100\nchains = 2\n")
    assert main(["run", str(path)]) == 1
    out, err = capsys.readouterr()
    assert "No statement is made." in out
    assert re.match(r"twobytwo: error: the headline is refused \(.*ess_bulk", err)
    assert err.count("\n") == 1
    assert main(["report", str(path), "--json"]) == 1
    made = json.loads(capsys.readouterr().out)
    jsonschema.validate(made, SCHEMA)
    assert made["headline"]["status"] == "refused"


def test_data_that_do_not_fit_exit_1(csv_plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (csv_plan.parent / "rows.csv").write_text(rows(lambda a, b, k: "" if a + b + k == 0 else k + a))
    assert main(["run", str(csv_plan), "--json"]) == 1
    assert "Column 'out' is missing (NaN or null) in 1 of 16 rows." in error_line(capsys)


def test_a_design_that_cannot_be_asked_exits_2(csv_plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = rows(lambda a, b, k: k + a * b).replace("out,a,b", "out,a,c")
    (csv_plan.parent / "rows.csv").write_text(text)
    assert main(["check", str(csv_plan)]) == 2
    assert "Column 'b' is not in the table, which has 'out', 'a', 'c'." in error_line(capsys)


def test_a_plan_that_cannot_be_read_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "absent.toml"), "--json"]) == 2
    assert "No such file or directory" in error_line(capsys)
    path = tmp_path / "plan.toml"
    path.write_text("title = 'x'\nquestion = 'what\nnow'")
    assert main(["check", str(path)]) == 2
    assert "is not a TOML file" in error_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "the following arguments are required: PLAN (see twobytwo run --help)"),
        (["rum", "x"], "invalid choice: 'rum' (choose from 'run', 'check', 'report'"),
        (["run", "x", "--jsn"], "unrecognized arguments: --jsn"),
        (["run", "x", "-o", "y"], "unrecognized arguments: -o y"),
        (["report", "x", "-o", "/no/such/folder/y"], "the folder '/no/such/folder' cannot be written to"),
        (["report", "x", "-o", "/"], "'/': is a folder"),
    ],
)
def test_arguments_that_are_not_known_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in error_line(capsys)


def test_without_a_command_it_says_where_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Start with `twobytwo init rows.csv`" in " ".join(capsys.readouterr().err.split())


# As the user's own filter would be; the suite's turns every warning into an error.
@pytest.mark.filterwarnings("default::UserWarning")
def test_warnings_are_one_line_each_and_said_once(csv_plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (csv_plan.parent / "rows.csv").write_text(rows(lambda a, b, k: str(k < 1 + a + b).lower()))
    assert main(["check", str(csv_plan)]) == 0
    out, err = capsys.readouterr()
    assert "Data: 16 rows from rows.csv" in out
    assert err == "twobytwo: warning: Column 'out' is boolean: its mean is read as a share between 0 and 1.\n"


@pytest.mark.parametrize(
    ("terminal", "flags", "expected"), [(True, [], True), (True, ["--json"], False), (False, [], False)]
)
def test_progress_is_for_people_at_a_terminal(
    terminal: bool, flags: list[str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []

    def run(_: Plan, *, progressbar: bool) -> tbt.Analysis:
        shown.append(progressbar)
        raise DataError("enough seen")

    monkeypatch.setattr(plans, "run", run)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert main(["run", str(CANNIBALISATION), *flags]) == 1
    assert shown == [expected]


def test_interruption_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: Path) -> Plan:
        raise KeyboardInterrupt

    monkeypatch.setattr(plans, "read_plan", interrupt)
    assert main(["run", "x"]) == 130
    assert error_line(capsys) == "twobytwo: error: interrupted\n"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = [sys.executable, "-m", "twobytwo", "check", str(CANNIBALISATION)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_help_loads_nothing_and_check_no_pymc() -> None:
    """Waiting for seconds to read a help text is what makes people stop reading it."""
    script = f"""
import contextlib, io, sys
import twobytwo
from twobytwo.cli import main
from twobytwo.answer.plan import read_plan

with contextlib.redirect_stdout(io.StringIO()) as out:
    with contextlib.suppress(SystemExit):
        main(["--help"])
    with contextlib.suppress(SystemExit):
        main(["did", "--help"])
    read_plan({str(ACTIVE)!r})
assert out.getvalue().startswith("usage: twobytwo"), out.getvalue()
print([name for name in {HEAVY!r} if name in sys.modules])
with contextlib.redirect_stdout(io.StringIO()):
    assert main(["check", {str(ACTIVE)!r}]) == 0
print([name for name in ("pymc", "pytensor", "nutpie", "statsmodels", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "[]\n[]\n"


# What one answer in the shell does without: statsmodels, formulas, pictures and pages.
UNUSED = (
    *("arviz_plots", "statsmodels", "formulaic", "matplotlib", "jinja2", "bambi", "IPython"),
    "ibis.backends.sql.compilers.bigquery",
)


def test_a_run_imports_only_what_it_uses() -> None:
    script = f"""
import sys
from twobytwo.cli import main
assert main(["run", {str(ACTIVE)!r}]) == 0
print([name for name in {UNUSED!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "way",
    ["tbt.did", *(f"main(['run', {str(plan)!r}])" for plan in (ACTIVE, MODELS / "launch.toml"))],
)
def test_arviz_is_imported_before_the_large_libraries(way: str) -> None:
    """Its base walks through all modules that are there: after the others it takes up to half a second."""
    script = f"""
import sys
import twobytwo as tbt
from twobytwo.cli import main
{way}
print(min(("arviz_base", "pymc", "scipy.stats"), key=list(sys.modules).index))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "arviz_base"


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    out = capsys.readouterr().out
    assert out.startswith("twobytwo ")
    assert out.split()[1] in (HERE.parent / "pyproject.toml").read_text()


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `$T ...` in a shell, where $T is the command."""
    variables = os.environ | {"T": f"{sys.executable} -m twobytwo"} | environment
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=variables)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (f"$T check {CANNIBALISATION} >&-", "standard output is closed"),
        (f"$T check {CANNIBALISATION} >/dev/full", "standard output cannot be written: No space left"),
        ("$T --help >/dev/full", "standard output cannot be written: No space left"),
        ("$T check --help >/dev/full", "standard output cannot be written: No space left"),
        ("$T --version >/dev/full", "standard output cannot be written: No space left"),
        ('d=$(mktemp -d); cd "$d"; rmdir "$d"; $T check plan.toml', "working directory no longer exists"),
        ('d=$(mktemp -d); cd "$d"; rmdir "$d"; $T report p -o x.md', "working directory no longer exists"),
    ],
)
def test_a_machine_in_the_way_is_one_line_and_exits_3(command: str, message: str) -> None:
    done = shell(command)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("twobytwo: error: ")
    assert message in done.stderr


def test_where_nothing_can_be_said_the_status_is_still_right() -> None:
    assert "The data fit" in shell(f"$T check {CANNIBALISATION} 2>&-").stdout
    assert shell("$T check absent.toml 2>&-").returncode == 2
    assert shell("$T check absent.toml 2>/dev/full").returncode == 2


def test_a_fault_is_one_line_and_shows_its_traceback_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble(_: Path) -> Plan:
        raise ZeroDivisionError("by \x1b[31mzero")

    monkeypatch.setattr(plans, "read_plan", stumble)
    assert main(["run", "x"]) == 3
    said = error_line(capsys)
    assert "ZeroDivisionError: by \\x1b[31mzero; set TWOBYTWO_TRACEBACK=1" in said
    monkeypatch.setenv("TWOBYTWO_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main(["run", "x"])


def test_escapes_are_shown_and_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "a\x1b]0;b\x07.toml")]) == 2
    assert "\x1b" not in error_line(capsys)


def test_a_question_of_a_csv_needs_no_plan(csv_plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = csv_plan.parent / "rows.csv"
    source.write_text(rows(lambda a, b, k: 5 + k + a * b))
    flags = ["--outcome", "out", "--factors", "a", "b", "--margin", "0.5", "--draws", "500"]
    target = csv_plan.parent / "answer.json"
    status = main(["interaction", str(source), *flags, "--random-seed", "7", "-o", str(target)])
    out, _ = capsys.readouterr()
    assert out == f"{target}\n"
    made = json.loads(target.read_text())
    jsonschema.validate(made, SCHEMA)
    assert made["plan"] is None
    assert made["sampling"]["seed"] == 7
    assert (made["headline"]["status"] == "refused") == (status == 1)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["did", "--group", "a"], "--outcome is missing; say which column is the metric."),
        (
            ["did", "--outcome", "y", "--group", "a", "--period", "t", "--margin", "x"],
            "--margin = 'x' must be",
        ),
        (["did", "--outcome", "y", "--group", "a", "--period", "t", "--margin", "-5"], "--margin -5.0 must"),
        (["did", "--before-column", "y", "--period", "t"], "--period is for tables with one row per user"),
        (["compare", "--outcome", "y", "--group", "a", "--missing", "zero"], "--missing 'zero' says what"),
        (["interaction", "--outcome", "y", "--factors", "a"], "must name two columns"),
        (["compare", "--outcome", "y", "--group", "a", "--family", "gama"], "Did you mean 'gamma'?"),
    ],
)
def test_flags_are_refused_as_plans_are(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([flags[0], "rows.csv", *flags[1:]]) == 2
    assert message in error_line(capsys)


def test_flags_columns_and_levels_that_are_wrong_are_told_in_one_line(
    csv_plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = csv_plan.parent / "rows.csv"
    source.write_text(rows(lambda a, b, k: 5 + k + a * b))
    flags = ["--outcome", "outt", "--group", "a", "--control", "9", "--margin", "-5"]
    assert main(["compare", str(source), *flags]) == 2
    told = error_line(capsys)
    assert "3 things are wrong. (1) --margin -5.0 must be" in told
    assert "(2) Column 'outt' is not in the table" in told
    assert "(3) --control 9 is not a level of column 'a', which has 0 and 1." in told


@pytest.mark.filterwarnings("always:Column 'out' holds only")
def test_warnings_name_flags_too(csv_plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = csv_plan.parent / "rows.csv"
    source.write_text(rows(lambda _, b, k: (k + b) % 2))
    main(["compare", str(source), "--outcome", "out", "--group", "a", "--margin", "1", "--draws", "500"])
    assert 'and --margin 1 is 100 percentage points. Say --kind "share", and' in capsys.readouterr().err


def test_a_misspelt_flag_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["did", "rows.csv", "--outcom", "y"])
    assert "Did you mean '--outcome'?" in error_line(capsys)


def test_validate_says_in_one_sentence_whether_answers_can_be_believed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plan = str(Path(__file__).parents[1] / "models" / "active_minutes.toml")
    picture = tmp_path / "splits.svg"
    assert main(["validate", plan, "-o", str(picture)]) == 0
    assert "its probabilities can be believed for" in capsys.readouterr().out
    assert picture.read_bytes()[:5] == b"<?xml"
    assert main(["validate", plan, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
