"""The question: which level is the reference, what a formula means, and which tables cannot answer."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Hashable
from typing import Any

import pytest

from twobytwo.ask.design import CellProfile, Design, Factor, Formula, Profile, parse_formula, validate
from twobytwo.errors import DataError, DesignError, TwoByTwoError

DID = Design.did(outcome="minutes", group="variant", period="period")
TWO = Design.interaction(outcome="y", factors=("a", "b"))


def cell(levels: tuple[Hashable, ...], **changes: Any) -> CellProfile:
    about = {"rows": 9, "missing": 0, "infinite": 0, "low": 0.0, "high": 1.0}
    return CellProfile(levels=levels, **(about | changes))


def table(**changes: Any) -> Profile:
    """Four cells of 0/1 factors; `changes` apply to the last."""
    cells = [cell(levels) for levels in itertools.product((0, 1), (0, 1))]
    return Profile(cells=(*cells[:-1], cell((1, 1), **changes)))


# Levels and their direction


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
    factor = Factor(column="f", role=role)
    for observed in ([reference, other], [other, reference]):
        assert factor.resolve(observed).levels == (reference, other)


def test_post_does_not_come_before_pre() -> None:
    """The published answer of the active-minutes case has its sign reversed just so."""
    assert sorted(["pre", "post"]) == ["post", "pre"]
    assert Factor(column="period", role="period").resolve(["post", "pre"]).levels == ("pre", "post")


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
        Factor(column="f", role=role).resolve(observed)


@pytest.mark.parametrize("observed", [[1, 2], [2, 1], ["2", "1"], [2.0, 1.0]])
def test_codes_one_and_two_are_read_with_a_warning_that_prints_the_mapping(observed: list[Hashable]) -> None:
    low, high = sorted(observed, key=str)
    with pytest.warns(UserWarning, match=rf"'f' is coded 1/2: read as {low!r} = reference, {high!r}"):
        assert Factor(column="f", role="group").resolve(observed).levels == (low, high)


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
    assert Factor(column="f", role="group", levels=given).resolve(["A", "B"]).levels == expected


def test_given_levels_overrule_what_names_suggest() -> None:
    assert Factor(column="f", role="period", levels=("post", "pre")).resolve(["pre", "post"]).levels == (
        "post",
        "pre",
    )


def test_the_tables_own_spelling_of_a_level_is_kept() -> None:
    assert Factor(column="f", role="group", levels=(0, 1)).resolve([True, False]).labels == ("False", "True")


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
        Factor(column="f", role=role, levels=given).resolve(["control", "treatment"])


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
        Factor(column="f", role="group").resolve(observed)


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
        Factor(column="f", role="group", levels=(one, "other")).resolve([one, twin, "other"])


def test_two_levels_that_are_twins_are_not_a_comparison() -> None:
    with pytest.raises(DataError, match="look alike"):
        Factor(column="f", role="group", levels=("a", "A")).resolve(["a", "A"])


def test_labels_need_levels() -> None:
    with pytest.raises(DesignError, match=r"levels of 'f' are not resolved"):
        _ = Factor(column="f", role="group").labels


# Names of columns


@pytest.mark.parametrize(
    "columns",
    list(
        itertools.combinations(["a/b", "a_b", "location", "location_", "n", "n_", "mean", "x_sd", "x_sd_"], 2)
    ),
)
def test_two_columns_never_share_a_dimension(columns: tuple[str, str]) -> None:
    design = Design.interaction(outcome="y", factors=columns)
    assert len(set(design.dims)) == 2


# Stating the design


def test_a_design_is_frozen_and_comparable() -> None:
    assert Design.did(outcome="minutes", group="variant", period="period") == DID
    with pytest.raises(dataclasses.FrozenInstanceError):
        DID.margin = 3.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"harm": "down"}, r"harm='down' is not allowed; use one of 'decrease', 'increase'"),
        ({"margin": -1}, r"margin=-1 must be .*at least 0"),
        ({"margin": math.nan}, r"margin=nan must be .*at least 0"),
        ({"margin": "5"}, r"margin='5'"),
        ({"outcome": "a"}, r"'a' is used in two roles"),
        ({"factors": ("a", "a")}, r"'a' is used in two roles"),
        ({"unit": "y"}, r"'y' is used in two roles"),
        ({"factors": ("a", "b", "c")}, r"factors=\('a', 'b', 'c'\) must name two columns"),
        ({"factors": "ab"}, r"factors='ab' must name two columns"),
        ({"factors": 3}, r"factors=3 must name two columns"),
        ({"levels": {"z": (0, 1)}}, r"levels= names \['z'\], which are not among factors"),
        ({"levels": {"a": ("x",)}}, r"levels=.*'a'.*two"),
        ({"levels": {"a": (0, 1, 2)}}, r"levels=.*'a'.*two"),
        ({"levels": [(0, 1)]}, r"levels="),
    ],
)
def test_arguments_are_checked_at_birth(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(DesignError, match=match):
        Design.interaction(**({"outcome": "y", "factors": ("a", "b")} | changes))


def test_an_unknown_question_is_refused() -> None:
    with pytest.raises(DesignError, match=r"question='rdd' is not allowed; use one of 'did', 'interaction'"):
        dataclasses.replace(DID, question="rdd")


def test_harm_sign() -> None:
    assert DID.harm_sign == -1
    assert dataclasses.replace(DID, harm="increase").harm_sign == 1


def test_levels_of_one_factor_may_be_given_alone() -> None:
    design = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": ("off", "on")})
    resolved = design.resolve({"a": ["on", "off"], "b": [1, 0]})
    assert resolved.coords == {"a": ("off", "on"), "b": ("0", "1")}


# Formulas


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ a * b",
        "y~a*b",
        "y ~ a + b + a:b",
        "y ~ a + b + b:a",
        "y ~ a + b + a * b",
        "y ~ a * b + 1",
        "y ~ a * b * a",
        "y ~ (a + b)**2",
        "y ~ C(a) * C(b)",
        "`y` ~ `a` * `b`",
    ],
)
def test_spellings_of_one_and_the_same_analysis(formula: str) -> None:
    assert parse_formula(formula) == Formula(outcome="y", factors=("a", "b"))


def test_factors_come_in_the_order_in_which_they_are_written() -> None:
    assert parse_formula("y ~ b * a").factors == ("b", "a")
    assert parse_formula("y ~ period + group + group:period").factors == ("period", "group")


@pytest.mark.parametrize(
    ("formula", "outcome", "factors"),
    [
        ("`my y` ~ `it's` * `a b`", "my y", ("it's", "a b")),
        ("y ~ C(`a b`) * b", "y", ("a b", "b")),
        ("y ~ `C(a)` * b", "y", ("C(a)", "b")),
        ("mínutos ~ grüppe * b", "mínutos", ("grüppe", "b")),
        ("y ~ a.x * b", "y", ("a.x", "b")),
    ],
)
def test_names_between_backticks_may_be_anything(
    formula: str, outcome: str, factors: tuple[str, str]
) -> None:
    assert parse_formula(formula) == Formula(outcome=outcome, factors=factors)


@pytest.mark.parametrize("formula", ["y ~ a:b", "y ~ a:b + a", "y ~ b + a:b", "y ~ a / b", "y ~ a %in% b"])
def test_an_interaction_without_its_main_effects_is_refused(formula: str) -> None:
    with pytest.raises(DesignError, match=r"has a:b without both main effects.*not the interaction contrast"):
        parse_formula(formula)


@pytest.mark.parametrize(
    "formula", ["np.log(y) ~ a * b", "log(y) ~ a * b", "I(y / 60) ~ a * b", "{y / 60} ~ a * b", "y:z ~ a * b"]
)
def test_a_transformed_outcome_is_refused_with_a_pointer_to_families(formula: str) -> None:
    with pytest.raises(DesignError, match=r'transforms the outcome.*family="lognormal"'):
        parse_formula(formula)


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "~",
        "y",
        "y ~",
        "~ a * b",
        "y ~ a",
        "y ~ a + b",
        "y ~ a * a",
        "y ~ a * b - 1",
        "y ~ 0 + a * b",
        "y ~ a * b * c",
        "y ~ a * b + c",
        "y ~ a * b + a * c",
        "y ~ -a * b",
        "y + z ~ a * b",
        "1 ~ a * b",
        "'y' ~ a * b",
        "y ~ a *",
        "y ~ (a * b",
        "y = a * b",
        "y ~ a * b ~ c",
        "y ~ a * b | c",
        "y ~ .",
        "y ~ np.log(a) * b",
        "y ~ bs(a) * b",
        "y ~ C(a, Treatment('x')) * b",
        None,
        3,
    ],
)
def test_any_other_formula_is_one_readable_error(formula: Any) -> None:
    with pytest.raises(DesignError, match="formula=") as caught:
        parse_formula(formula)
    # A terminal's colour codes and a second line would break the shell's one readable line.
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_third_term_is_not_called_a_missing_main_effect() -> None:
    with pytest.raises(DesignError, match="formula=") as caught:
        parse_formula("y ~ a * b + c")
    assert "without both main effects" not in str(caught.value)


# Tables that cannot answer


def test_a_fit_table_resolves_the_design() -> None:
    resolved = validate(TWO, table())
    assert [factor.levels for factor in resolved.factors] == [(0, 1), (0, 1)]
    assert resolved.coords == {"a": ("0", "1"), "b": ("0", "1")}
    assert TWO.factors[0].levels is None


@pytest.mark.parametrize(
    ("profile", "match"),
    [
        (Profile(cells=()), r"The table has 0 row\(s\); each of the four cells needs at least 2"),
        (Profile(cells=(cell((0, 0), rows=1),)), r"The table has 1 row\(s\)"),
        (table(missing=3), r"'y' is missing \(NaN or null\) in 3 of 36 rows.*fill with 0 or drop"),
        (table(infinite=1_200, rows=2_000), r"'y' is infinite in 1,200 of 2,027 rows"),
        (table(rows=1), r"'a' = 1, 'b' = 1 has 1 row\(s\); each of the four cells needs at least 2"),
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
