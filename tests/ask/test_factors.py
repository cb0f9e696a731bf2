"""Factors from arguments: each question's columns with their levels, shares and words."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.ask.factors import arms, called, experiments, groups, periods, two_columns
from twobytwo.ask.launch import PERIODS, Launch
from twobytwo.errors import DesignError


def test_groups_know_their_levels_and_shares() -> None:
    assert groups("g", None, None, None).levels is None
    found = groups("g", "a", None, 0.2)
    assert (found.role, found.levels, found.many, found.expected_share) == ("group", ("a", None), False, 0.2)


@pytest.mark.parametrize(
    ("treatment", "levels"), [(None, ("a", None)), ("bc", ("a", "bc")), (["b", "c"], ("a", "b", "c"))]
)
def test_arms_are_one_or_several_against_the_control(treatment: Any, levels: Any) -> None:
    found = arms("g", "a", treatment, None)
    assert (found.levels, found.many) == (levels, True)


def test_a_launch_makes_the_periods_of_dates() -> None:
    day = Launch.stated("2026-05-01", None)
    assert periods("day", None, None, day).levels == PERIODS
    assert periods("t", "pre", "post", None).levels == ("pre", "post")
    with pytest.raises(DesignError, match=r"makes periods of the dates in 'day'; leave out before="):
        periods("day", "pre", None, day)


def test_the_period_of_two_columns_has_a_name_that_sql_tells_from_theirs() -> None:
    assert two_columns("g", "user").column == "period"
    assert two_columns("Period", "period_").column == "period__"


def test_each_experiment_has_its_levels_and_its_share() -> None:
    one, other = experiments(["a", "b"], {"a": ("off", "on")}, {"b": 0.3})
    assert (one.levels, one.expected_share) == (("off", "on"), None)
    assert (other.levels, other.expected_share, other.role) == (None, 0.3, "factor")
    assert [each.expected_share for each in experiments(["a", "b"], None, 0.5)] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("columns", "levels", "shares", "match"),
    [
        (["a"], None, None, r"factors=\['a'\] must name two columns"),
        (["a", "b"], {"z": (0, 1)}, None, r"levels= names \['z'\], which are not among"),
        (["a", "b"], {"a": "on"}, None, r"levels= gives 'on' for 'a'; give two"),
        (["a", "b"], None, {"c": 0.5}, r"expected_share= names 'c', which is not among"),
    ],
)
def test_what_is_about_no_experiment_is_refused(columns: Any, levels: Any, shares: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        experiments(columns, levels, shares)


def test_labels_name_columns_and_levels() -> None:
    labels = {"g": "feed", "b": "new feed"}
    one, other = called(labels, groups("g", "a", "b", None), periods("t", "x", "y", None))
    assert (one.name, one.labels, other.name, other.labels) == ("feed", ("a", "new feed"), "t", ("x", "y"))


def test_labels_that_are_no_names_of_anything_are_refused() -> None:
    with pytest.raises(DesignError, match=r"labels=\['feed'\] must give names by column or level"):
        called(["feed"], groups("g", "a", "b", None))  # type: ignore[arg-type]
