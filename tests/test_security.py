"""Advisories against dependencies: looked at lately, of the versions held, and none of them applies."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
RECORD = json.loads((ROOT / "docs" / "data" / "advisories.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HELD = dict(line.split("==") for line in PROJECT["tool"]["uv"]["constraint-dependencies"])
ALLOWED = {one.name: one.specifier for one in map(Requirement, PROJECT["project"]["dependencies"])}


def test_the_last_look_is_not_old() -> None:
    """If not: look for advisories (`uvx pip-audit`), write what was found and the date."""
    looked = date.fromisoformat(RECORD["date"])
    assert datetime.now(tz=UTC).date() - looked < timedelta(weeks=26)
    assert f"Looked at on {looked}" in PAGE


def test_what_was_looked_at_is_what_is_held() -> None:
    """If not: look for advisories against the versions that are new, then write them into the record."""
    assert RECORD["held"] == HELD


@pytest.mark.parametrize("known", RECORD["known"], ids=lambda known: known["advisory"])
def test_no_known_advisory_applies_to_what_is_held_or_allowed(known: dict[str, str]) -> None:
    name, fixed = known["package"], Version(known["fixed"])
    assert Version(HELD[name]) >= fixed
    least = min(Version(one.version) for one in ALLOWED[name] if one.operator == ">=")
    assert least >= fixed
    row = f"| {name} | {known['advisory']} | {known['about']} | {fixed} | {HELD[name]} |"
    assert row in PAGE
