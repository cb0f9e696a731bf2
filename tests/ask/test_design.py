"""What is asked: frozen, checked at birth, and never in two roles."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from twobytwo.ask.design import Design
from twobytwo.errors import DesignError

DID = Design.did(outcome="minutes", group="variant", period="period")


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
