"""What columns may be: guesses that names and levels leave no doubt about, and none else."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.answer.guesses import (
    dates,
    groups,
    in_order,
    measured,
    named_times,
    periods,
    unread_numbers,
    user_column,
)
from twobytwo.data.outline import Column

USER = Column(name="user_id", kind="number", values=900)
ORDER = Column(name="order_id", kind="text", values=900)
ARM = Column(name="variant", kind="text", values=2, levels=("a", "b"))
WHEN = Column(name="when", kind="text", values=2, levels=("post", "pre"))
DAY = Column(name="day", kind="date", values=28)
MINUTES = Column(name="minutes", kind="number", values=700)
FLAG = Column(name="treated_it", kind="number", values=2, levels=(0, 1))
EVERY = [USER, ORDER, ARM, WHEN, DAY, MINUTES]


def test_each_column_is_found_by_what_it_looks_like() -> None:
    assert measured(EVERY) == [MINUTES]
    assert user_column(EVERY) == USER
    assert dates(EVERY) == [DAY]
    assert periods(EVERY) == [WHEN]
    assert groups(EVERY) == [ARM]


@pytest.mark.parametrize(
    ("columns", "found"),
    [([ORDER], ORDER), ([USER, ORDER], USER), ([USER, Column(name="account", kind="text", values=9)], None)],
)
def test_users_are_found_where_one_column_alone_can_be_meant(columns: Any, found: Any) -> None:
    assert user_column(columns) == found


def test_a_group_without_a_telling_name_needs_telling_levels() -> None:
    plain = Column(name="x", kind="text", values=2, levels=("u", "v"))
    telling = Column(name="x", kind="text", values=2, levels=("control", "v"))
    assert groups([plain]) == []
    assert groups([telling, plain]) == [telling]


@pytest.mark.parametrize(
    ("column", "role", "levels"),
    [
        (WHEN, "period", ("pre", "post")),
        (ARM, "group", None),
        (Column(name="g", kind="number", values=2, levels=(2, 1)), "group", None),
        (
            Column(name="g", kind="text", values=3, levels=("b", "control", "a")),
            "group",
            ("control", "a", "b"),
        ),
    ],
)
def test_levels_are_put_in_order_without_doubt_or_not_at_all(column: Column, role: Any, levels: Any) -> None:
    assert in_order(column, role) == levels


@pytest.mark.parametrize(
    "name", ["User ID", "user-id", "userId", "UserID", "Customer No", "id", "acct", "Kunden-Nr"]
)
def test_words_of_a_name_may_be_joined_in_any_way(name: str) -> None:
    column = Column(name=name, kind="number", values=900, low=1, high=900)
    assert user_column([column]) == column
    assert measured([column]) == []


def test_a_word_within_a_word_is_no_id() -> None:
    column = Column(name="Valid minutes", kind="number", values=900, low=1, high=900)
    assert user_column([column]) is None
    assert measured([column]) == [column]


@pytest.mark.parametrize("name", ["variante", "Testgruppe", "user_group", "cohort", "Groupe"])
def test_groups_are_found_by_names_of_other_languages_too(name: str) -> None:
    plain = Column(name="land", kind="text", values=2, levels=("DE", "FR"))
    assert groups([plain, Column(name=name, kind="text", values=2, levels=("alt", "neu"))])[0].name == name


@pytest.mark.parametrize(
    ("low", "high", "is_number"),
    [
        ("€1,234.50", "€9.00", True),
        ("1.234,50 €", "9,00 €", True),
        ("12 %", "7 %", True),
        ("0.5", "N/A", True),
        ("1 234", "9", True),
        ("a12", "b9", False),
        ("2026-01-01", "2026-02-01", False),
        ("new feed", "old feed", False),
    ],
)
def test_texts_that_a_person_reads_as_numbers_are_told(low: str, high: str, is_number: bool) -> None:
    column = Column(name="spend", kind="text", values=900, low=low, high=high)
    assert unread_numbers([column]) == ([column] if is_number else [])
    assert unread_numbers([Column(name="user_id", kind="text", values=900, low=low, high=high)]) == []


def test_zeros_and_ones_are_no_group_where_a_text_could_be_one() -> None:
    crashed = Column(name="crashed", kind="number", values=2, levels=(0, 1))
    for name, levels in (("cell", ("u", "v")), ("x", ("A", "B")), ("x", ("variant 1", "variant 2"))):
        arm = Column(name=name, kind="text", values=2, levels=levels)
        assert groups([crashed, arm]) == [arm]
    # Of a text that says nothing nobody can know, and alone a flag is all there is.
    country = Column(name="country", kind="text", values=2, levels=("DE", "FR"))
    assert groups([crashed, country]) == [country, crashed]
    assert groups([crashed]) == [crashed]
    assert groups([country]) == []


def test_few_counts_before_are_no_periods() -> None:
    pre = Column(name="pre", kind="number", values=5, levels=(0, 1, 2, 3, 4))
    assert named_times([pre]) == []
    post = Column(name="is_post", kind="number", values=2, levels=(0, 1))
    wave = Column(name="wave", kind="number", values=3, levels=(1, 2, 3))
    assert named_times([post, wave]) == [post, wave]
