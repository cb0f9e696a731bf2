"""Reports: what is said in text and JSON is what the analysis found, and nothing where it found nothing."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import twobytwo as tbt
from twobytwo.check.gates import Gate
from twobytwo.show import report

HERE = Path(__file__).parents[1]
SCHEMA = json.loads((HERE / "run.schema.json").read_text())
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
    """The least that a plan must be for a report."""

    title: str = "Minutes: gain or loss?"
    path: Path = Path("models/some.toml")
    sha256: str = "ab" * 32
    source: str = "rows.parquet"


@pytest.fixture(scope="module")
def pairs_result() -> tbt.Analysis:
    rows = tbt.simulate.user_minutes(tbt.simulate.UserMinutes(n=4_000, seed=3))
    return tbt.did(
        rows, outcome="minutes", group="variant", period="period", unit="user_id", missing="available"
    )


def unwrapped(text: str) -> str:
    return " ".join(text.split())


def lines_from(text: str, start: str) -> list[str]:
    """Lines of the section whose first line starts so."""
    (section,) = (part for part in text.split("\n\n") if part.startswith(start))
    return section.splitlines()


@pytest.mark.parametrize(
    "fixture", ["active_minutes_result", "cannibalisation_result", "pairs_result", "refused_result"]
)
def test_json_is_as_documented(fixture: str, request: pytest.FixtureRequest) -> None:
    made = json.loads(report.dumps(report.to_dict(request.getfixturevalue(fixture), Origin())))
    jsonschema.validate(made, SCHEMA)


def test_the_schema_can_refuse(active_minutes_result: tbt.Analysis) -> None:
    made = report.to_dict(active_minutes_result)
    made["headline"]["status"] = "refused"
    with pytest.raises(jsonschema.ValidationError, match="is not of type 'null'"):
        jsonschema.validate(made, SCHEMA)


def test_every_key_of_the_schema_is_explained() -> None:
    page = (HERE.parent / "docs" / "json.md").read_text()

    def keys(part: Any) -> set[str]:
        if isinstance(part, list):
            return set().union(*map(keys, part))
        if not isinstance(part, dict):
            return set()
        return set(part.get("properties", {})).union(*map(keys, part.values()))

    named = set(re.findall(r"`(\w+)`", page))
    assert keys(SCHEMA) - named == set()


def test_json_says_what_the_analysis_found(active_minutes_result: tbt.Analysis) -> None:
    made = report.to_dict(active_minutes_result, Origin())
    headline, found = made["headline"], active_minutes_result.headline
    assert [headline[name] for name in NUMBERS if name != "ci"] == [
        getattr(found, name) for name in NUMBERS if name != "ci"
    ]
    assert headline["ci"] == list(found.ci or ())
    assert headline["statement"] == found.statement
    assert [effect["effect"] for effect in made["effects"]] == list(active_minutes_result.effects)
    assert made["effects"][0]["ci"] == headline["ci"]
    assert [gate["name"] for gate in made["gates"]] == [gate.name for gate in active_minutes_result.gates]
    assert [prior["prior"] for prior in made["priors"]] == ["default", "flat", "sceptical"]
    assert made["plan"] == {
        "title": "Minutes: gain or loss?",
        "path": "models/some.toml",
        "sha256": "ab" * 32,
        "source": "rows.parquet",
    }


def test_json_has_the_published_least_squares(active_minutes_result: tbt.Analysis) -> None:
    """CASES.md A, to the printed digits."""
    by_method = {check["method"]: check for check in report.to_dict(active_minutes_result)["crosscheck"]}
    assert by_method.keys() == {"posterior", "ols", "ols_hc2", "bootstrap"}
    ols = by_method["ols"]
    assert (round(ols["estimate"], 4), round(ols["se"], 3)) == (223.1779, 27.134)
    assert [round(end, 3) for end in ols["ci"]] == [169.995, 276.360]


def test_json_describes_the_cells(active_minutes_result: tbt.Analysis) -> None:
    data = report.to_dict(active_minutes_result)["data"]
    rows = tbt.simulate.active_minutes().groupby(["variant", "period"])["minutes"]
    assert (data["rows"], data["units"]) == (96_330, None)
    assert len(data["cells"]) == 4
    for cell in data["cells"]:
        own = rows.get_group((cell["levels"]["variant"], cell["levels"]["period"]))
        assert cell["n"] == len(own)
        assert cell["mean"] == pytest.approx(own.mean(), rel=1e-9)
        assert cell["sd"] == pytest.approx(own.std(), rel=1e-9)


def test_json_counts_users(pairs_result: tbt.Analysis) -> None:
    made = report.to_dict(pairs_result)
    assert made["data"]["units"] == 4_000
    assert made["data"]["rows"] == sum(cell["n"] for cell in made["data"]["cells"]) < 8_000
    assert "ols_cluster" in [check["method"] for check in made["crosscheck"]]
    assert "rows of 4,000 users" in report.text(pairs_result)


def test_what_is_not_finite_is_null(active_minutes_result: tbt.Analysis) -> None:
    broken = dataclasses.replace(active_minutes_result.headline, mean=float("nan"), ci=(-np.inf, 3.0))
    made = report.to_dict(dataclasses.replace(active_minutes_result, headline=broken))
    assert (made["headline"]["mean"], made["headline"]["ci"]) == (None, [None, 3.0])
    assert "NaN" not in report.dumps(made)
    with pytest.raises(ValueError, match="not JSON compliant"):
        report.dumps({"mean": float("nan")})


def test_levels_of_any_type_become_json() -> None:
    levels = (np.int64(1), np.bool_(True), True, 2.5, "ä", None, decimal.Decimal("1.0"))
    assert report._plain(levels) == [1, True, True, 2.5, "ä", None, "1.0"]
    assert report._plain({datetime.date(2024, 2, 29): 1}) == {"2024-02-29": 1}


def test_a_refused_headline_has_no_number(refused_result: tbt.Analysis) -> None:
    assert refused_result.headline.status == "refused"
    made = report.to_dict(refused_result)
    assert [made["headline"][name] for name in NUMBERS] == [None] * len(NUMBERS)
    text = report.text(refused_result, Origin())
    assert unwrapped(refused_result.statement) in unwrapped(text)
    assert "The estimates are withheld too" in text
    assert any("REFUSED ess_bulk = " in line for line in lines_from(text, "Checks"))
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
    text = report.text(active_minutes_result, Origin())
    lines = text.splitlines()
    assert lines[0] == "Minutes: gain or loss?"
    assert "Harm: the treatment makes minutes decrease by more than 5 minutes" in lines
    assert unwrapped(active_minutes_result.statement) in unwrapped(text)
    order = ["Minutes", "Given", "Effects", "The same by", "The same under", "Checks", "Data", "Plan"]
    assert [part.startswith(start) for part, start in zip(text.split("\n\n"), order, strict=True)] == [
        True
    ] * len(order)
    assert f"sha256 {'ab' * 32}" in lines
    assert "Data: 96,330 rows from rows.parquet" in lines


def test_text_is_plain_and_fits_the_page(active_minutes_result: tbt.Analysis) -> None:
    text = report.text(active_minutes_result, Origin())
    assert "\x1b" not in text
    assert "\N{NO-BREAK SPACE}" not in text
    assert max(map(len, text.splitlines())) <= 88
    # "less than" and its number, and a number and its per cent sign, stand on one line.
    assert not any(re.search(r"[<>]$|^\s*%", line) for line in text.splitlines())
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_text_gives_sensible_digits(active_minutes_result: tbt.Analysis) -> None:
    text = report.text(active_minutes_result)
    effects = "\n".join(lines_from(text, "Effects"))
    assert re.search(
        r"difference-in-differences of mean minutes +\+22\d minutes +\+17\d to \+2[67]\d", effects
    )
    assert re.search(r"share of the counterfactual +\+\d\d %", effects)
    assert re.search(r"ratio of ratios of means +1\.8\d+ +1\.6\d+ to 2\.0\d+", effects)
    ols = next(line for line in lines_from(text, "The same by") if " ols " in line)
    assert ols.split()[:6] == ["ols", "+223.2", "27.1", "+170.0", "to", "+276.4"]
    cells = lines_from(text, "Data")
    # A level is no change: it has no sign.
    assert re.search(r"39,776 +478 +1,821 +478 +4\d\d to 49\d$", cells[2])
    priors = lines_from(text, "The same under")
    assert priors[1].endswith("P(harm)  P(harm > 5 minutes)")
    assert all(line.endswith("< 0.1 %") for line in priors[2:])


def test_text_of_an_interaction_speaks_of_cannibalisation(cannibalisation_result: tbt.Analysis) -> None:
    text = report.text(cannibalisation_result)
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
    green = lines_from(report.text(active_minutes_result), "Checks")
    assert green[1].startswith(f"  All {len(active_minutes_result.gates)} passed: ")
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
    mixed = lines_from(report.text(dataclasses.replace(active_minutes_result, gates=gates)), "Checks")
    assert mixed == [
        "Checks",
        "  3 of 5 passed; the others:",
        "  WARNING ess_bulk = 812 (warns below 1000, refuses below 400): Too few draws.",
        "  DOES NOT APPLY mean_fidelity of the student_t family: Not a mean.",
    ]


def test_check_shows_how_the_data_are_read() -> None:
    design = tbt.Design.did(
        outcome="minutes", group="variant", period="period", harm="increase", margin=2.5, measure="minutes"
    )
    cells = tbt.compress(tbt.simulate.active_minutes(), design)
    text = report.check_text(cells, Origin())
    assert "Harm: the treatment makes minutes increase by more than 2.5 minutes" in text.splitlines()
    assert lines_from(text, "Levels")[1:] == [
        "  variant  0 = control, 1 = treatment",
        "  period   pre = before, post = after",
    ]
    assert lines_from(text, "Data")[2].split() == ["0", "pre", "39,776", "478", "1,821"]
    made = report.check_to_dict(cells, Origin())
    assert set(made) == {"version", "plan", "question", "design", "data"}
    for key in made:
        jsonschema.validate(made[key], SCHEMA["properties"][key] | {"$defs": SCHEMA["$defs"]})


def test_write_is_whole_or_nothing(tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    target.write_text("old and longer")
    assert report.write("nü", target).read_text(encoding="utf-8") == "nü"
    occupied = tmp_path / "folder"
    occupied.mkdir()
    with pytest.raises(OSError, match="folder"):
        report.write("text", occupied)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "report.txt"]
