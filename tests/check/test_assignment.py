"""Assignment, from counts: what random assignment makes so passes, what users lost on one side refuses."""

from __future__ import annotations

import numpy as np
import pytest

from twobytwo.ask.design import Design
from twobytwo.check.assignment import (
    alike_before,
    assigned_together,
    counted_by_factor,
    expected_sizes,
)

LEVELS = {"group": [0, 1], "a": [0, 1], "b": [0, 1], "t": ["pre", "post"]}


def test_counts_are_by_level_and_where_users_are_not_known_by_period() -> None:
    two = Design.interaction(outcome="y", factors=("a", "b")).resolve(LEVELS)
    counted = counted_by_factor(two, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert [by[""].tolist() for by in counted.values()] == [[3.0, 7.0], [4.0, 6.0]]
    rows = Design.did(outcome="y", group="group", period="t").resolve(LEVELS)
    (by_period,) = counted_by_factor(rows, np.array([[1.0, 2.0], [3.0, 4.0]])).values()
    assert {where: n.tolist() for where, n in by_period.items()} == {"pre": [1.0, 3.0], "post": [2.0, 4.0]}


@pytest.mark.parametrize(
    ("n", "status"),
    [((5_020, 4_980), "pass"), ((5_300, 4_700), "refuse"), ((5_020_000, 4_980_000), "warn")],
)
def test_sizes_are_held_against_what_was_expected(n: tuple[float, float], status: str) -> None:
    """A tiny deviation of very many users is certain and changes nothing: a warning."""
    design = Design.compare(outcome="y", group="group", expected_share=0.5).resolve(LEVELS)
    (gate,) = expected_sizes(counted_by_factor(design, np.array(n, dtype=float)), "users")
    assert (gate.name, gate.status) == ("sample_ratio", status)
    assert f"1 has {n[1]:,.0f} of {sum(n):,.0f} users" in gate.message


def test_nothing_expected_is_nothing_tested() -> None:
    design = Design.compare(outcome="y", group="group").resolve(LEVELS)
    assert expected_sizes(counted_by_factor(design, np.array([1.0, 9.0])), "rows") == []
    assert assigned_together(design, np.array([1.0, 9.0])) == []
    assert alike_before([], np.array([]), np.array([])) == []


def test_the_worst_of_several_gaps_before_is_judged_by_its_chance_among_all() -> None:
    gap = np.zeros(50)
    gap[3] = 3.3
    names = [f"x{k}" for k in range(50)]
    (many,) = alike_before(names, gap, np.ones(50))
    (one,) = alike_before(["x3"], gap[3:4], np.ones(1))
    assert (many.status, one.status) == ("pass", "refuse")
    assert "'x3' (gap +3.3" in many.message
