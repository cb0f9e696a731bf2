"""The question: which level is the reference, what a formula means, and which tables cannot answer."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import pytest

from twobytwo.ask.design import Design
from twobytwo.errors import DesignError

DID = Design.did(outcome="minutes", group="variant", period="period")


TWO = Design.interaction(outcome="y", factors=("a", "b"))


@pytest.mark.parametrize(
    "columns",
    list(
        itertools.combinations(["a/b", "a_b", "location", "location_", "n", "n_", "mean", "x_sd", "x_sd_"], 2)
    ),
)
def test_two_columns_never_share_a_dimension(columns: tuple[str, str]) -> None:
    design = Design.interaction(outcome="y", factors=columns)
    assert len(set(design.dims)) == 2


def test_a_design_is_frozen_and_comparable() -> None:
    assert Design.did(outcome="minutes", group="variant", period="period") == DID
    with pytest.raises(dataclasses.FrozenInstanceError):
        DID.unit = "user"  # type: ignore[misc]


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
        ({"factors": ("a", "b", "c", "d")}, r"factors=\('a', 'b', 'c', 'd'\) must name two columns"),
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
    assert DID.metric.harm_sign == -1
    assert DID.measuring(harm="increase").metric.harm_sign == 1


def test_levels_of_one_factor_may_be_given_alone() -> None:
    design = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": ("off", "on")})
    resolved = design.resolve({"a": ["on", "off"], "b": [1, 0]})
    assert resolved.coords == {"a": ("off", "on"), "b": ("0", "1")}


def test_labels_are_what_results_call_the_levels() -> None:
    """By the level or its text, for the levels of any factor; those without words keep their text."""
    design = Design.did(outcome="y", group="g", period="t", labels={"1": "the new feed", "post": "in autumn"})
    resolved = design.resolve({"g": [0, 1], "t": ["pre", "post"]})
    assert resolved.coords == {"g": ("0", "the new feed"), "t": ("pre", "in autumn")}
    assert [factor.levels for factor in resolved.factors] == [(0, 1), ("pre", "post")]
    assert resolved.headline.agent == "the new feed"
    assert [contrast.name for contrast in resolved.contrasts][1:3] == ["change[0]", "change[the new feed]"]
    assert resolved.resolve({"g": [0, 1], "t": ["pre", "post"]}) == resolved
    both = Design.interaction(outcome="y", factors=("a", "b"), labels={True: "on", False: "off"})
    assert both.resolve({"a": [False, True], "b": [False, True]}).coords == {
        "a": ("off", "on"),
        "b": ("off", "on"),
    }


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (
            {"variantb": "x"},
            "names 'variantb', which is neither a level .* nor the column .* Did you mean 'variant_b'",
        ),
        ({"variant_b": "control"}, "call two levels of column 'g' the same"),
        ({"variant_b": " "}, "give each column or level a name of its own"),
        ({"variant_b": 3}, "give each column or level a name of its own"),
    ],
)
def test_labels_that_do_not_tell_levels_apart_are_refused(labels: Any, reason: str) -> None:
    with pytest.raises(DesignError, match=reason):
        Design.compare(outcome="y", group="g", labels=labels).resolve({"g": ["control", "variant_b"]})
