"""The methods page states the thresholds that the gates use, and every citation finds its section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from twobytwo.check.gate import THRESHOLDS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, flags=re.MULTILINE))
LIMIT = re.compile(r"(above|below) ([\d,.]+)( %)?")


def _limit(cell: str) -> tuple[str, float] | None:
    """Read "above 5 %" as ("above", 0.05), and a dash as no limit."""
    if cell == "–":
        return None
    side, number, percent = LIMIT.fullmatch(cell).groups()
    return side, float(number.replace(",", "")) / (100 if percent else 1)


def test_the_page_lists_every_gate_and_no_other() -> None:
    assert set(ROWS) == set(THRESHOLDS)


@pytest.mark.parametrize("name", THRESHOLDS)
def test_the_page_states_the_thresholds_of_the_gate(name: str) -> None:
    threshold = THRESHOLDS[name]
    side = "above" if threshold.above else "below"
    *_, warn, refuse = (cell.strip() for cell in ROWS[name].split("|"))
    for cell, value in ((warn, threshold.warn), (refuse, threshold.refuse)):
        assert _limit(cell) == (None if value is None else (side, pytest.approx(value)))


def test_every_citation_finds_its_section() -> None:
    sections = set(re.findall(r"^## (\d+)\.", PAGE, flags=re.MULTILINE))
    cited = set()
    for folder in ("src", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            cited |= set(re.findall(r"docs/methods\.md, section\s+(?:#\s+)?(\d+)", text))
            assert path == Path(__file__) or not re.search(r"\bMETHODS\b", text), path
    assert cited
    assert cited <= sections
