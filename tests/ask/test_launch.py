"""The day of a launch: how it may be stated, and what it makes of a design."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.launch import Launch, Span
from twobytwo.errors import DesignError

ASKED = {"outcome": "y", "group": "g", "period": "day"}


@pytest.mark.parametrize("given", ["2026-09-01", date(2026, 9, 1), datetime(2026, 9, 1)])
def test_a_day_is_a_day_however_it_is_written(given: Any) -> None:
    launch = Launch.stated(given, None)
    assert launch is not None
    assert launch.day == "2026-09-01"


@pytest.mark.parametrize("given", ["1 September", "09/01/2026", "2026-13-01", 20260901, True])
def test_what_is_no_day_is_refused(given: Any) -> None:
    with pytest.raises(DesignError, match=r"launch=.* is no day; write it as year-month-day"):
        Launch.stated(given, None)


@pytest.mark.parametrize("given", [datetime(2026, 9, 1, 12), datetime(2026, 9, 1, tzinfo=UTC)])
def test_a_time_of_day_is_refused(given: datetime) -> None:
    with pytest.raises(DesignError, match="has a time of day or a zone"):
        Launch.stated(given, None)


def test_days_without_rows_are_told() -> None:
    assert Span(first="2026-08-01", last="2026-08-14", days=13).words.startswith("rows on 13 of its 14 days")


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"per": "day"}, "say the day of the launch with launch="),
        ({"launch": "2026-09-01", "per": "week"}, "per='week' is not allowed"),
        ({"launch": "2026-09-01", "per": "day"}, 'say agg="sum"'),
        (
            {"launch": "2026-09-01", "per": "day", "unit": "u", "agg": "sum", "kind": "count"},
            "kind='count' of 'y' is then none",
        ),
        ({"launch": "2026-09-01", "before": "a", "after": "b"}, "leave out before= and after="),
    ],
)
def test_contradictions_are_refused(stated: dict[str, Any], reason: str) -> None:
    with pytest.raises(DesignError, match=reason):
        Design.did(**ASKED, **stated)


def test_what_is_divided_by_days_is_called_so() -> None:
    design = Design.did(**ASKED, launch="2026-09-01", per="day", unit="u", agg="sum", measure="minutes")
    assert design.metric.measure == "minutes a day"
    assert Design.did(**ASKED, launch="2026-09-01", per="day", unit="u", agg="sum").metric.name == "y a day"
