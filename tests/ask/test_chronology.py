"""Periods whose names say which is the later one, and those whose names leave a doubt."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pytest

from twobytwo.ask.chronology import later
from twobytwo.ask.levels import ordered
from twobytwo.errors import DesignError

IN_ORDER: list[tuple[Hashable, Hashable]] = [
    (1, 2),
    (2**62, 2**62 + 1),
    (np.int64(9), np.int64(10)),
    (0.5, Decimal("1.5")),
    ("9", "10"),
    ("-2", "1.5"),
    (date(2023, 12, 31), date(2024, 1, 1)),
    (datetime(2024, 1, 1, 8), datetime(2024, 1, 1, 9)),
    ("2023", "2024"),
    ("2024-W09", "2024-W10"),
    ("2024-05-01 08:00", "2024-05-01 09:30"),
    ("week 2", "week 10"),
    ("Week 9", "week 10"),
    ("wave 2 of the survey", "wave 10 of the survey"),
    ("Q1", "Q2"),
    ("period 1", "period 60"),
    ("2026 week 1", "2026 week 50"),
    ("Jan 2026", "Dec 2026"),
    ("2026 Q1", "2026 Q2"),
    ("Q4 2025", "Q4 2026"),
    ("Jan", "Feb"),
    ("February", "JUNE"),
    ("Mar", "April"),
    ("2026 Jan", "2026 Feb"),
    ("1 May 2026", "1 September 2026"),
    ("May 2025", "May 2026"),
]
IN_DOUBT: list[tuple[Hashable, Hashable]] = [
    ("old", "new"),
    ("a", "b"),
    ("week 2", "month 1"),
    ("Dec 2025", "Jan 2026"),
    ("Q4 2025", "Q1 2026"),
    ("Dec", "Jan"),
    ("Q4", "Q1"),
    ("Week 52", "Week 1"),
    ("KW51", "KW2"),
    ("3 weeks ago", "2 weeks ago"),
    ("day -2", "day -1"),
    ("T-2", "T-1"),
    ("v1.10", "v1.9"),
    ("phase 1.5", "phase 1.25"),
    ("phase 2.5", "phase 1.5"),
    ("Jan", "Winter"),
    ("marble", "jam"),
    ("week ²", "week 1"),
    (2, "week 1"),
    (None, 1),
    (True, False),
    (date(2024, 1, 1), 2023),
]


@pytest.mark.parametrize(("earlier", "late"), IN_ORDER)
def test_the_later_one_of_two_names_is_known(earlier: Hashable, late: Hashable) -> None:
    assert later(late, earlier)
    assert not later(earlier, late)


@pytest.mark.parametrize(("one", "other"), IN_DOUBT)
def test_names_of_no_one_order_are_never_guessed(one: Hashable, other: Hashable) -> None:
    assert not later(one, other)
    assert not later(other, one)


def test_a_period_is_not_later_than_itself() -> None:
    assert not any(later(level, level) for pair in IN_ORDER + IN_DOUBT for level in pair)


@pytest.mark.parametrize(("late", "earlier"), [("week 10", "week 2"), ("Feb", "Jan")])
def test_periods_that_name_their_order_are_not_turned_round(late: str, earlier: str) -> None:
    with pytest.raises(DesignError, match=f"before='{late}' is later than after='{earlier}'.*exchange"):
        ordered("t", "period", (late, earlier), [earlier, late])
    assert ordered("t", "period", (earlier, late), [late, earlier]) == (earlier, late)
