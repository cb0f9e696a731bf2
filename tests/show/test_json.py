"""JSON is what the analysis found, as the schema and `docs/json.md` say."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import twobytwo as tbt
from twobytwo.show import json as json_report
from twobytwo.show import text

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


@pytest.mark.parametrize(
    "fixture", ["active_minutes_result", "cannibalisation_result", "pairs_result", "refused_result"]
)
def test_json_is_as_documented(fixture: str, request: pytest.FixtureRequest) -> None:
    made = json.loads(json_report.dumps(json_report.to_dict(request.getfixturevalue(fixture), Origin())))
    jsonschema.validate(made, SCHEMA)


def test_the_schema_can_refuse(active_minutes_result: tbt.Analysis) -> None:
    made = json_report.to_dict(active_minutes_result)
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
    made = json_report.to_dict(active_minutes_result, Origin())
    headline, found = made["headline"], active_minutes_result.headline
    assert [headline[name] for name in NUMBERS if name != "ci"] == pytest.approx(
        [getattr(found, name) for name in NUMBERS if name != "ci"], rel=1e-11
    )
    assert headline["ci"] == pytest.approx(list(found.ci or ()), rel=1e-11)
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
    by_method = {check["method"]: check for check in json_report.to_dict(active_minutes_result)["crosscheck"]}
    assert by_method.keys() == {"posterior", "ols", "ols_hc2", "bootstrap"}
    ols = by_method["ols"]
    assert (round(ols["estimate"], 4), round(ols["se"], 3)) == (223.1779, 27.134)
    assert [round(end, 3) for end in ols["ci"]] == [169.995, 276.360]


def test_json_describes_the_cells(active_minutes_result: tbt.Analysis) -> None:
    data = json_report.to_dict(active_minutes_result)["data"]
    rows = tbt.simulate.active_minutes().groupby(["variant", "period"])["minutes"]
    assert (data["rows"], data["units"]) == (96_330, None)
    assert len(data["cells"]) == 4
    for cell in data["cells"]:
        own = rows.get_group((cell["levels"]["variant"], cell["levels"]["period"]))
        assert cell["n"] == len(own)
        assert cell["mean"] == pytest.approx(own.mean(), rel=1e-9)
        assert cell["sd"] == pytest.approx(own.std(), rel=1e-9)


def test_json_counts_users(pairs_result: tbt.Analysis) -> None:
    made = json_report.to_dict(pairs_result)
    assert made["data"]["units"] == 4_000
    assert made["data"]["rows"] == sum(cell["n"] for cell in made["data"]["cells"]) < 8_000
    assert "ols_cluster" in [check["method"] for check in made["crosscheck"]]
    assert "rows of 4,000 users" in text.text(pairs_result)


def test_what_is_not_finite_is_null(active_minutes_result: tbt.Analysis) -> None:
    broken = dataclasses.replace(active_minutes_result.headline, mean=float("nan"), ci=(-np.inf, 3.0))
    made = json_report.to_dict(dataclasses.replace(active_minutes_result, headline=broken))
    assert (made["headline"]["mean"], made["headline"]["ci"]) == (None, [None, 3.0])
    assert "NaN" not in json_report.dumps(made)
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_report.dumps({"mean": float("nan")})


def test_levels_of_any_type_become_json() -> None:
    levels = (np.int64(1), np.bool_(True), True, 2.5, "ä", None, decimal.Decimal("1.0"))
    assert json_report.plain(levels) == [1, True, True, 2.5, "ä", None, "1.0"]
    assert json_report.plain({datetime.date(2024, 2, 29): 1}) == {"2024-02-29": 1}
