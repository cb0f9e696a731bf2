"""Text says what the analysis found, at any width, and nothing where it found nothing."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

import twobytwo as tbt
from twobytwo.check.gate import Gate
from twobytwo.check.gates.data import data_gates
from twobytwo.show import text as text_of
from twobytwo.show.json import check_to_dict, to_dict
from twobytwo.show.tables import Table
from twobytwo.show.text import Page

HERE = Path(__file__).parents[1]
SCHEMA = json.loads(files("twobytwo.show").joinpath("result.schema.json").read_text())
NUMBERS = (
    "mean",
    "median",
    "sd",
    "ci",
    "p_harm",
    "p_harm_mcse",
    "p_material_harm",
    "p_negligible",
    "expected_loss",
)


@dataclasses.dataclass(frozen=True)
class Origin:
    """The least that a plan must be for a text_of."""

    title: str = "Minutes: gain or loss?"
    path: Path = Path("models/some.toml")
    sha256: str = "ab" * 32
    source: str = "rows.parquet"


def unwrapped(text: str) -> str:
    return " ".join(text.split())


def lines_from(text: str, start: str) -> list[str]:
    """Lines of the section whose first line starts so."""
    (section,) = (part for part in text.split("\n\n") if part.startswith(start))
    return section.splitlines()


def test_a_refused_headline_has_no_number(refused_result: tbt.Analysis) -> None:
    assert refused_result.headline.status == "refused"
    made = to_dict(refused_result)
    assert [made["headline"][name] for name in NUMBERS] == [None] * len(NUMBERS)
    text = text_of.text(refused_result, Origin())
    assert unwrapped(refused_result.statement) in unwrapped(text)
    assert "The estimates are withheld too" in text
    assert any("refused  ess_bulk = " in line for line in lines_from(text, "Checks"))
    # Neither the interaction nor any other effect; the raw cells are data, not estimates.
    assert re.search(r"[-+]\d|interval", text) is None
    assert lines_from(text, "Data")[1].split() == [
        "exp1_is_treatment",
        "exp2_is_treatment",
        "rows",
        "mean",
        "sd",
    ]


def test_text_reads_from_the_answer_to_its_origin(active_minutes_result: tbt.Analysis) -> None:
    text = text_of.text(active_minutes_result, Origin())
    lines = text.splitlines()
    assert lines[0] == "Minutes: gain or loss?"
    assert "Harm: the treatment makes minutes decrease by more than 5 minutes" in lines
    assert unwrapped(active_minutes_result.statement) in unwrapped(text)
    order = [
        "Minutes",
        "No harm",
        "How we know",
        "Effects",
        "The same by",
        "The same under",
        "Checks",
        "Data",
        "Plan",
    ]
    assert [part.startswith(start) for part, start in zip(text.split("\n\n"), order, strict=True)] == [
        True
    ] * len(order)
    assert f"sha256 {'ab' * 32}" in lines
    assert "Data: 96,330 rows from rows.parquet" in lines


def test_text_is_plain_and_fits_the_page(active_minutes_result: tbt.Analysis) -> None:
    text = text_of.text(active_minutes_result, Origin())
    assert "\x1b" not in text
    assert "\N{NO-BREAK SPACE}" not in text
    assert max(map(len, text.splitlines())) <= 88
    # "less than" and its number, and a number and its per cent sign, stand on one line.
    assert not any(re.search(r"[<>]$|^\s*%", line) for line in text.splitlines())
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_text_gives_sensible_digits(active_minutes_result: tbt.Analysis) -> None:
    text = text_of.text(active_minutes_result)
    effects = "\n".join(lines_from(text, "Effects"))
    assert re.search(
        r"difference-in-differences of mean minutes +\+22\d minutes +\+17\d to \+2[67]\d", effects
    )
    assert re.search(r"share of the counterfactual +\+\d\d %", effects)
    assert re.search(r"ratio of ratios of means +1\.8\d+ +1\.6\d+ to 2\.0\d+", effects)
    ols = next(line for line in lines_from(text, "The same by") if " ols " in line)
    assert ols.split()[:6] == ["ols", "+223", "27", "+170", "to", "+276"]
    cells = lines_from(text, "Data")
    # A level is no change: it has no sign.
    assert re.search(r"39,776 +478 +1,821 +478 +4\d\d to 49\d$", cells[2])
    priors = lines_from(text, "The same under")
    assert priors[1].endswith("P(harm)  P(harm > 5 minutes)")
    assert all(line.endswith("< 0.1 %") for line in priors[2:])


def test_text_of_an_interaction_speaks_of_cannibalisation(cannibalisation_result: tbt.Analysis) -> None:
    text = text_of.text(cannibalisation_result)
    assert text.splitlines()[:3] == [
        "Interaction of exp1_is_treatment and exp2_is_treatment on out",
        "=============================================================",
        "Cannibalisation: an interaction below zero",
    ]
    priors = lines_from(text, "The same under")
    assert priors[1].endswith("P(cannibalisation)")
    assert "P(harm" not in text
    assert "Plan" not in text


def test_text_shows_checks_that_are_not_green(active_minutes_result: tbt.Analysis) -> None:
    passed = tuple(gate for gate in active_minutes_result.gates if gate.status == "pass")
    only = dataclasses.replace(active_minutes_result, gates=passed)
    assert lines_from(text_of.text(only), "Checks")[1].startswith(f"  All {len(passed)} passed: ")
    # Its groups differed by 44 % before.
    found = lines_from(text_of.text(active_minutes_result), "Checks")
    assert found[0] == f"Checks: {len(passed)} of {len(passed) + 1} passed; the others:"
    assert found[1].startswith("  warning  baseline_gap = 0.436 (warns above 0.2): Before, the mean of")
    limits = {"warn": 1000.0, "refuse": 400.0, "subject": "sampler"}
    gates = (
        Gate(name="ess_bulk", status="warn", value=812.3, message="Too few draws.", **limits),
        Gate(
            name="mean_fidelity",
            subject="family",
            status="skip",
            value=None,
            warn=0.05,
            refuse=0.1,
            message="Not a mean.",
            family="student_t",
        ),
        *active_minutes_result.gates[:3],
    )
    mixed = lines_from(text_of.text(dataclasses.replace(active_minutes_result, gates=gates)), "Checks")
    assert mixed == [
        "Checks: 3 of 5 passed; the others:",
        "  warning  ess_bulk = 812 (warns below 1000, refuses below 400): Too few draws.",
        "  skipped  mean_fidelity of the student_t family: Not a mean.",
    ]


def test_check_shows_how_the_data_are_read() -> None:
    design = tbt.Design.did(
        outcome="minutes", group="variant", period="period", harm="increase", margin=2.5, measure="minutes"
    )
    cells = tbt.compress(tbt.simulate.active_minutes(), design)
    text = text_of.check_text(cells, Origin())
    assert "Harm: the treatment makes minutes increase by more than 2.5 minutes" in text.splitlines()
    assert lines_from(text, "Levels")[1:] == [
        "  variant  0 = control, 1 = treatment",
        "  period   pre = before, post = after",
    ]
    assert lines_from(text, "Data")[2].split() == ["0", "pre", "39,776", "478", "1,821"]
    gates = data_gates(cells, blind=True)
    assert "baseline_gap = " in text_of.check_text(cells, Origin(), gates)
    made = check_to_dict(cells, Origin(), gates)
    assert set(made) == {"version", "plan", "question", "design", "data", "gates"}
    for key in made:
        jsonschema.validate(made[key], SCHEMA["properties"][key] | {"$defs": SCHEMA["$defs"]})


def test_print_gives_the_statement_and_a_table(active_minutes_result: tbt.Analysis) -> None:
    out = str(active_minutes_result)
    assert " ".join(out.split()).startswith(" ".join(active_minutes_result.statement.split()))
    row = next(line for line in out.splitlines() if "differences of mean minutes  " in line)
    assert re.search(r"\+22\d minutes +\+17\d to \+2[67]\d$", row)
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 88
    # The REPL's echo stays short.
    assert "interval  " not in repr(active_minutes_result)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("fixture", ["active_minutes_result", "cannibalisation_result"])
def test_from_60_columns_up_nothing_is_cut(
    fixture: str, width: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = request.getfixturevalue(fixture)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    made = text_of.text(analysis, to=Terminal())
    assert "\x1b" not in made
    assert max(map(len, made.splitlines())) <= width
    assert "…" not in made
    # The same characters as in a file; wrapped cells only come in another order.
    letters = [sorted("".join(part.replace("=", "").split())) for part in (made, text_of.text(analysis))]
    assert letters[0] == letters[1]
    assert not any(
        re.search(r"\d$", line) and re.match(r"\s*(minutes|%)", following)
        for line, following in itertools.pairwise(made.splitlines())
    )


def test_colours_are_for_terminals_that_want_them(
    refused_result: tbt.Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31mrefused" in text_of.brief(refused_result, to=Terminal())
    assert "\x1b" not in text_of.brief(refused_result, to=io.StringIO())


def test_escapes_in_names_are_shown_and_not_obeyed(
    active_minutes_result: tbt.Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level may hold what clears a terminal or paints it; Python prints it as the shell does."""
    page = Page(None)
    page.paragraph("treated \x1b[2J\x1b[31m")
    page.table(Table(title="of \x1b[2J", header=("level",), rows=(("a\x1b[2Jb",),)))
    assert "\x1b" not in page.written()
    assert page.written().count(r"\x1b[2J") == 3
    monkeypatch.setattr(type(active_minutes_result), "statement", property(lambda _: "treated \x1b[2J"))
    assert repr(active_minutes_result).startswith(r"treated \x1b[2J")
