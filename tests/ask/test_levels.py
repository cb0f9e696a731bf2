"""Levels of a column: direction, twins, and what is asked for."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest

from twobytwo.ask.levels import ordered
from twobytwo.errors import DataError, DesignError


@pytest.mark.parametrize(
    ("role", "reference", "other"),
    [
        ("group", False, True),
        ("group", 0, 1),
        ("group", 0.0, 1.0),
        ("group", "0", "1"),
        ("group", "control", "treatment"),
        ("group", "Control", "TREATMENT"),
        ("period", False, True),
        ("period", 0, 1),
        ("period", "pre", "post"),
        ("period", "Pre", "Post"),
        ("period", "BEFORE", "after"),
        ("factor", False, True),
        ("factor", 0, 1),
        ("factor", "control", "treatment"),
    ],
)
def test_unmistakable_levels_are_taken_in_any_order(role: Any, reference: Hashable, other: Hashable) -> None:
    for observed in ([reference, other], [other, reference]):
        assert ordered("f", role, None, observed) == (reference, other)


def test_post_does_not_come_before_pre() -> None:
    """The published answer of the active-minutes case has its sign reversed just so."""
    assert sorted(["pre", "post"]) == ["post", "pre"]
    assert ordered("period", "period", None, ["post", "pre"]) == ("pre", "post")


@pytest.mark.parametrize(
    ("role", "observed", "fix"),
    [
        ("group", ["A", "B"], r"control='A', treatment='B'"),
        ("group", ["pre", "post"], r"control='pre', treatment='post'"),
        ("period", ["control", "treatment"], r"before='control', after='treatment'"),
        ("period", ["2023", "2024"], r"before='2023', after='2024'"),
        ("period", [2023, 2024], r"before=2023, after=2024"),
        ("factor", ["off", "on"], r"levels=\{'f': \('off', 'on'\)\}"),
        ("group", ["true", "false"], r"control='true', treatment='false'"),
        ("group", [0, 2], r"control=0, treatment=2"),
        ("group", ["yes", "no"], r"control='yes', treatment='no'"),
    ],
)
def test_an_unknown_direction_is_asked_for_and_never_guessed(
    role: Any, observed: list[Hashable], fix: str
) -> None:
    with pytest.raises(DesignError, match=rf"direction of column 'f' is unknown.*{fix}"):
        ordered("f", role, None, observed)


@pytest.mark.parametrize("observed", [[1, 2], [2, 1], ["2", "1"], [2.0, 1.0]])
def test_codes_one_and_two_are_read_with_a_warning_that_prints_the_mapping(observed: list[Hashable]) -> None:
    low, high = sorted(observed, key=str)
    with pytest.warns(UserWarning, match=rf"'f' is coded 1/2: read as {low!r} = reference, {high!r}"):
        assert ordered("f", "group", None, observed) == (low, high)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("B", "A"), ("B", "A")),
        (("B", None), ("B", "A")),
        ((None, "A"), ("B", "A")),
        ((None, "B"), ("A", "B")),
    ],
)
def test_given_levels_decide_and_one_implies_the_other(given: Any, expected: tuple[str, str]) -> None:
    assert ordered("f", "group", given, ["A", "B"]) == expected


def test_given_levels_overrule_what_names_suggest_but_not_time() -> None:
    given = ("treatment", "control")
    assert ordered("f", "group", given, ["control", "treatment"]) == given
    with pytest.raises(DesignError, match="before='post' is later than after='pre' in column 'f'"):
        ordered("f", "period", ("post", "pre"), ["pre", "post"])


def test_the_tables_own_spelling_of_a_level_is_kept() -> None:
    assert repr(ordered("f", "group", (0, 1), [True, False])) == "(False, True)"


@pytest.mark.parametrize(
    ("role", "given", "match"),
    [
        ("group", ("contrl", "treatment"), r"control='contrl' is not a level of column 'f'.*'control'\?"),
        ("group", ("0", "1"), r"control='0' is not a level of column 'f', which has"),
        ("period", (None, "later"), r"after='later' is not a level of column 'f'"),
        ("group", ("control", "control"), r"'f': control and treatment are both 'control'"),
    ],
)
def test_given_levels_must_be_two_of_the_columns(role: Any, given: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        ordered("f", role, given, ["control", "treatment"])


@pytest.mark.parametrize(
    ("observed", "match"),
    [
        ([], r"'f' has 0 level\(s\).*exactly 2"),
        ([0], r"'f' has 1 level\(s\) \(0\); exactly 2 are needed. Both groups of rows are needed"),
        (["a", "b", "c"], r"'f' has 3 level\(s\) \('a', 'b', 'c'\); exactly 2.*recode the column"),
        (list(range(9)), r"'f' has 9 level\(s\) \(0, 1, 2, 3, 4, 5, \.\.\.\)"),
    ],
)
def test_other_than_two_levels_are_refused(observed: list[Hashable], match: str) -> None:
    with pytest.raises(DataError, match=match):
        ordered("f", "group", None, observed)


@pytest.mark.parametrize(
    ("one", "twin", "point"),
    [
        ("control", "control ", r"U\+0020"),
        ("control", "Control", r"U\+0043"),
        ("control", "control\N{NO-BREAK SPACE}", r"U\+00A0"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}", r"U\+0301"),
        ("control", "\N{FULLWIDTH LATIN SMALL LETTER C}ontrol", r"U\+FF43"),
        ("stra\N{LATIN SMALL LETTER SHARP S}e", "STRASSE", r"U\+00DF"),
    ],
)
def test_twins_among_levels_are_shown_by_code_point_and_never_merged(one: str, twin: str, point: str) -> None:
    with pytest.raises(DataError, match=rf"'f' has 2 levels that look alike:.*{point}.*not merged"):
        ordered("f", "group", (one, "other"), [one, twin, "other"])


def test_two_levels_that_are_twins_are_not_a_comparison() -> None:
    with pytest.raises(DataError, match="look alike"):
        ordered("f", "group", ("a", "A"), ["a", "A"])


@pytest.mark.parametrize(
    ("given", "observed", "expected"),
    [
        (None, ["b", "control", "a"], ("control", "a", "b")),
        (("a", None), ["b", "c", "a"], ("a", "b", "c")),
        ((None, "b", "a"), ["b", "control", "a"], ("control", "b", "a")),
    ],
)
def test_of_several_groups_the_control_comes_first(given: Any, observed: Any, expected: Any) -> None:
    assert ordered("f", "group", given, observed, many=True) == expected


@pytest.mark.parametrize(
    ("given", "observed", "error", "match"),
    [
        (None, ["a", "b", "c"], DesignError, "say which is the control with control="),
        (("a", "b"), ["a", "b", "c"], DesignError, r"has further levels \('c'\)"),
        (("a", "b", "b"), ["a", "b", "c"], DesignError, "a level is named twice"),
        (("a", "d", "c"), ["a", "b", "c"], DesignError, "'d' is not a level of column 'f'"),
        (None, list(range(21)), DataError, "has 21 levels; at most 20 groups"),
    ],
)
def test_several_groups_without_doubt_or_not_at_all(
    given: Any, observed: Any, error: Any, match: str
) -> None:
    with pytest.raises(error, match=match):
        ordered("f", "group", given, observed, many=True)


def test_yes_and_no_that_were_read_as_booleans_are_explained() -> None:
    with pytest.raises(DesignError, match=r"control='no' is not a level .* read as one of True and False\.$"):
        ordered("g", "group", ("no", None), [True, False])
