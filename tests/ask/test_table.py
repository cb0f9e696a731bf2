"""The table of cells: dimensions that differ, levels in order, words for them, what is compared."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.factor import Factor
from twobytwo.ask.table import CellTable
from twobytwo.errors import DesignError


@pytest.mark.parametrize(
    "columns",
    list(
        itertools.combinations(["a/b", "a_b", "location", "location_", "n", "n_", "mean", "x_sd", "x_sd_"], 2)
    ),
)
def test_two_columns_never_share_a_dimension(columns: tuple[str, str]) -> None:
    design = Design.interaction(outcome="y", factors=columns)
    assert len(set(design.dims)) == 2


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


def test_a_value_that_is_given_before_is_not_compared() -> None:
    arm = Factor(column="arm", role="group", levels=("a", "b", "c"), many=True)
    when = Factor(column="period", role="period", levels=("before", "after"))
    plain, given = (CellTable(question="comparison", factors=made) for made in ((arm,), (arm, when)))
    assert (plain.given_before, given.given_before) == (False, True)
    assert plain.compared == given.compared == (arm,)
    assert (plain.period, given.period) == (None, "period")
    assert (plain.shape, given.shape) == ((3,), (3, 2))
    did = CellTable(question="did", factors=(arm, when))
    assert not did.given_before
    assert did.compared == (arm, when)


def test_what_was_asked_for_is_one_contrast_or_one_of_each_treatment() -> None:
    both = Design.interaction(outcome="y", factors=("a", "b")).resolve({"a": [0, 1], "b": [0, 1]})
    assert both.primary == (both.headline,)
    arms = Design.compare(outcome="y", group="g", control="a").resolve({"g": ["c", "a", "b"]})
    assert [contrast.name for contrast in arms.primary] == ["effect[b]", "effect[c]"]
