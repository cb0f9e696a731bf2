"""Numbers with units, above all the number one."""

from __future__ import annotations

import pytest

from twobytwo.ask.units import counted


@pytest.mark.parametrize(
    ("number", "unit", "said"),
    [
        ("0", "minutes", "0 minutes"),
        ("1", "minutes", "1 minute"),
        ("-1", "minutes", "-1 minute"),
        ("−1", "hours", "−1 hour"),
        ("1.0", "minutes", "1.0 minutes"),
        ("11", "minutes", "11 minutes"),
        ("1", "Minutes", "1 minute"),
        ("1", "minutes a day", "1 minute a day"),
        ("1", "points", "1 point"),
        # Only what is counted, not what it is shared among.
        ("1", "orders per 100 users", "1 order per 100 users"),
        ("1", "page views", "1 page view"),
        ("1", "kr", "1 kr"),
        ("1", "news", "1 (news)"),
        ("1", "", "1"),
    ],
)
def test_a_one_never_stands_before_a_plural(number: str, unit: str, said: str) -> None:
    assert counted(number, unit) == said
