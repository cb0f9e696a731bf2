"""Which texts are dates in more than one way, and what they may be."""

from __future__ import annotations

import pandas as pd
import pytest

from twobytwo.data.dates import clear, readings, refusal, unclear
from twobytwo.data.sources import open_source


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("11/01/2026", "2026-01-11 2026-11-01"),
        ("1-11-2026 10:00", "2026-11-01 2026-01-11"),
        ("11/11/2026", "2026-11-11"),
        ("11/13/2026", "2026-11-13"),
        ("03.11.2026", "2026-11-03"),
        ("03.11.26", "2026-11-03 2003-11-26"),
        ("01/11/26", "2026-11-01 2026-01-11 2001-11-26"),
        ("30/11/99", "1999-11-30"),
        ("control", ""),
    ],
)
def test_a_text_may_be_these_days(text: str, days: str) -> None:
    assert " ".join(map(str, readings(text))) == days


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # One way to read it, several different ones, or several that are the same.
        ("11/01/2026", "unclear"),
        ("1-2-2026", "unclear"),
        ("11/1/2026 10:00 AM", "unclear"),
        ("11/11/2026", "same"),
        ("11/13/2026", "clear"),
        ("13/11/2026", "clear"),
        ("2026-11-01", "clear"),
        ("03.11.2026", "clear"),
        ("03.11.26", "unclear"),
        ("30/11/26", "unclear"),
        ("11/30/26", "clear"),
        ("30/11/99", "clear"),
        ("11/01/2026-B", "clear"),
        ("", "clear"),
        (None, "same"),
    ],
)
def test_a_text_is_clear_or_not(text: str | None, found: str) -> None:
    source = open_source(pd.DataFrame({"day": pd.array([text], dtype="string")}), ["day"])
    day = source.table.day
    row = source.execute(source.table.select(clear=clear(day), unclear=unclear(day))).to_pylist()[0]
    assert row == {"clear": found == "clear", "unclear": found == "unclear"}


def test_the_refusal_says_column_example_readings_and_what_to_do() -> None:
    said = refusal("order_date", "11/01/2026")
    for part in ("'order_date'", "'11/01/2026' is 2026-01-11 or 2026-11-01", "such as 2026-11-07"):
        assert part in said
