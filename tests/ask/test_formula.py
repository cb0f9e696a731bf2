"""The formula spelling: what is one and the same analysis, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.formula import Formula, parse_formula
from twobytwo.errors import DesignError

DID = Design.did(outcome="minutes", group="variant", period="period")
TWO = Design.interaction(outcome="y", factors=("a", "b"))


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
