"""Priors are checked at birth, and a preset is found by its name."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from twobytwo.errors import DesignError
from twobytwo.infer.priors import PRESETS, Priors

SDS = [field.name for field in dataclasses.fields(Priors) if field.name != "name"]


@pytest.mark.parametrize("name", ["default", "flat", "sceptical"])
def test_presets_have_the_widths_of_the_methods(name: str) -> None:
    priors = Priors.of(name)
    assert priors.name == name
    effect, interaction, baseline = {
        "default": (1.0, 0.5, 1.0),
        "flat": (10.0, 5.0, 10.0),
        "sceptical": (0.3, 0.15, 1.0),
    }[name]
    assert (priors.effect, priors.interaction, priors.baseline) == (effect, interaction, baseline)


def test_every_preset_has_the_interaction_at_half_a_main_effect() -> None:
    for priors in PRESETS.values():
        assert priors.interaction == priors.effect / 2


def test_priors_pass_through() -> None:
    ours = Priors(name="ours", effect=0.1)
    assert Priors.of(ours) is ours


@pytest.mark.parametrize("field", SDS)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, -math.inf])
def test_a_width_must_be_positive_and_finite(field: str, value: float) -> None:
    with pytest.raises(DesignError, match=rf"Prior standard deviation {field}={value!r} must be positive"):
        Priors(**{field: value})


@pytest.mark.parametrize("value", ["1", None, [1.0]])
def test_a_width_must_be_a_number(value: Any) -> None:
    with pytest.raises(DesignError, match="Prior standard deviation effect="):
        Priors(effect=value)


@pytest.mark.parametrize(
    ("priors", "match"),
    [
        (
            "flatt",
            r"priors='flatt' is unknown; use one of 'default', 'flat', 'sceptical'.*Did you mean 'flat'",
        ),
        ("", r"priors='' is unknown"),
        (0.3, r"priors=0.3 is unknown"),
        (None, r"priors=None is unknown"),
        ({"effect": 1.0}, r"priors=\{'effect': 1.0\} is unknown"),
    ],
)
def test_unknown_priors_are_refused(priors: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        Priors.of(priors)


def test_priors_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Priors().effect = 3.0  # type: ignore[misc]


def test_priors_of_ones_own_are_not_called_default() -> None:
    """A result that says "default priors" must mean the preset."""
    assert Priors(effect=0.05).name != "default"
