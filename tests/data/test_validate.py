"""A table, as its profile shows it, suits its design or is refused."""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from typing import Any

import pytest

from twobytwo.ask.design import Design
from twobytwo.data.profile import CellProfile, Profile
from twobytwo.data.validate import validate
from twobytwo.errors import DataError, TwoByTwoError

DID = Design.did(outcome="minutes", group="variant", period="period")
TWO = Design.interaction(outcome="y", factors=("a", "b"))


def cell(levels: tuple[Hashable, ...], **changes: Any) -> CellProfile:
    about = {"rows": 9, "missing": 0, "infinite": 0, "low": 0.0, "high": 1.0}
    return CellProfile(levels=levels, **(about | changes))


def table(**changes: Any) -> Profile:
    """Four cells of 0/1 factors; `changes` apply to the last."""
    cells = [cell(levels) for levels in itertools.product((0, 1), (0, 1))]
    return Profile(cells=(*cells[:-1], cell((1, 1), **changes)))


def test_a_fit_table_resolves_the_design() -> None:
    resolved = validate(TWO, table())
    assert [factor.levels for factor in resolved.factors] == [(0, 1), (0, 1)]
    assert resolved.coords == {"a": ("0", "1"), "b": ("0", "1")}
    assert TWO.factors[0].levels is None


@pytest.mark.parametrize(
    ("profile", "match"),
    [
        (Profile(cells=()), r"The table has 0 row\(s\); each cell needs at least 2"),
        (Profile(cells=(cell((0, 0), rows=1),)), r"The table has 1 row\(s\)"),
        (table(missing=3), r"'y' is missing \(NaN or null\) in 3 of 36 rows.*fill with 0 or drop"),
        (table(infinite=1_200, rows=2_000), r"'y' is infinite in 1,200 of 2,027 rows"),
        (table(rows=1), r"'a' = 1, 'b' = 1 has 1 row\(s\); each of the 4 cells needs at least 2"),
        (Profile(cells=table().cells[:-1]), r"'a' = 1, 'b' = 1 has 0 row\(s\)"),
        (table(low=0.5, high=0.5), r"'y' is constant \(0.5\) in the cell 'a' = 1, 'b' = 1 \(9 rows\)"),
        (Profile(cells=(*table().cells, cell((None, 1)))), r"'a' is missing in 9 of 45 rows"),
        (Profile(cells=(*table().cells, cell((0, None)))), r"'b' is missing in 9 of 45 rows"),
        (Profile(cells=(*table().cells, cell((2, 0)))), r"'a' has 3 level\(s\) \(0, 1, 2\)"),
        (Profile(cells=tuple(cell((0, b)) for b in (0, 1))), r"'a' has 1 level\(s\) \(0\)"),
    ],
)
def test_unfit_tables_are_refused_naming_column_count_and_fix(profile: Profile, match: str) -> None:
    with pytest.raises(DataError, match=match):
        validate(TWO, profile)


def test_a_constant_outcome_is_refused_as_a_whole() -> None:
    cells = tuple(cell(levels, low=7.0, high=7.0) for levels in itertools.product((0, 1), (0, 1)))
    with pytest.raises(DataError, match=r"'y' is constant \(7.0 in all 36 rows\)"):
        validate(TWO, Profile(cells=cells))


def test_every_error_of_the_design_is_of_the_family() -> None:
    with pytest.raises(TwoByTwoError, match="direction"):
        validate(TWO, Profile(cells=tuple(cell(levels) for levels in itertools.product("xy", "xy"))))


@pytest.mark.parametrize(
    ("design", "total"),
    [
        (TWO, 3.0),
        (TWO.measuring(margin=0.5), 2.5),
        (TWO.measuring(margin=0.5, kind="share"), 3.0),
    ],
)
def test_a_margin_in_shares_or_of_fractions_is_as_it_was_meant(design: Design, total: float) -> None:
    # A warning would be an error here.
    validate(design, Profile(cells=tuple(cell(each.levels, total=total) for each in table().cells)))


def test_a_margin_on_zeros_and_ones_may_have_been_meant_in_points() -> None:
    asked = TWO.measuring(margin=0.5)
    seen = Profile(cells=tuple(cell(each.levels, total=3.0) for each in table().cells))
    with pytest.warns(UserWarning, match=r"margin=0.5 is 50 percentage points. Say kind=.share."):
        validate(asked, seen)
