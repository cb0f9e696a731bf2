"""Contrasts: weights that sum to zero, and the words to speak of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twobytwo.ask.contrast import Contrast
from twobytwo.ask.design import Design

DID = Design.did(outcome="y", group="g", period="t", control=0, treatment=1, before=0, after=1)
TWO = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (0, 1), "b": (0, 1)})
THREE = Design.interaction(
    outcome="y", factors=("a", "b", "c"), levels={"a": (0, 1), "b": (0, 1), "c": (0, 1)}
)
ARMS = Design.compare(outcome="y", group="g", control="none", treatment=["red", "blue"])
BEFORE = Design.compare(outcome="y", group="g", control="none", treatment="red", unit="id", before_column="x")


@pytest.mark.parametrize("design", [DID, TWO, THREE, ARMS, BEFORE], ids=lambda d: d.question)
def test_weights_sum_to_zero_and_names_differ(design: Design) -> None:
    contrasts = design.contrasts
    assert len({contrast.name for contrast in contrasts}) == len(contrasts)
    assert contrasts[0].role == "primary"
    for contrast in contrasts:
        weights = contrast.array(design.shape)
        assert weights.shape == design.shape
        assert weights.sum() == pytest.approx(0)
        assert np.abs(weights).sum() > 0


@pytest.mark.parametrize("design", [DID, TWO, THREE, ARMS, BEFORE], ids=lambda d: d.question)
def test_a_contrast_of_numbers_is_the_weighted_sum(design: Design) -> None:
    cells = np.random.default_rng(1).normal(size=design.shape)
    for contrast in design.contrasts:
        expected = (contrast.array(design.shape) * cells).sum()
        assert contrast.value(lambda place: cells[place]) == pytest.approx(expected)


def test_of_two_experiments_the_headline_is_what_both_do_less_what_each_does() -> None:
    """The same words for three: all together over what each alone adds up to."""
    cells = {(0, 0, 0): 10.0, (1, 0, 0): 12.0, (0, 1, 0): 13.0, (0, 0, 1): 11.0, (1, 1, 1): 15.0}
    value = THREE.headline.value(lambda place: cells[place])
    assert value == (15 - 10) - (12 - 10) - (13 - 10) - (11 - 10)


def test_weights_that_do_not_sum_to_zero_are_no_contrast() -> None:
    with pytest.raises(ValueError, match="'mean' must sum to zero"):
        Contrast(name="mean", label="", weights={(0,): 0.5, (1,): 0.5})


def test_a_gap_before_is_what_a_pretrend_looks_like() -> None:
    roles = {contrast.name: contrast.role for contrast in DID.contrasts}
    assert roles["did"] == "primary"
    assert roles["gap[0]"] == "pretrend"
    assert roles["gap[1]"] == "secondary"


def test_the_did_of_changes_is_a_difference_of_groups() -> None:
    of_changes = DID.headline.of_changes()
    assert of_changes is not None
    assert of_changes.array((2,)).tolist() == [-1, 1]
    assert DID.contrasts[-1].of_changes() is None


def test_joining_along_another_axis_gives_the_same_difference() -> None:
    cells = {(0, 0): 1.0, (0, 1): 2.0, (1, 0): 4.0, (1, 1): 8.0}
    along = [DID.headline.fold(cells.get, lambda a, b: a - b, moving=axis) for axis in (0, 1)]  # type: ignore[operator]
    assert along == [3.0, 3.0]


def test_labels_of_columns_name_experiments_and_leave_the_names_of_effects() -> None:
    levels = {"exp_1": (0, 1), "exp_2": (0, 1), "exp_3": (0, 1)}
    design = Design.interaction(
        outcome="y", factors=("exp_1", "exp_2", "exp_3"), levels=levels, labels={"exp_1": "new feed", 1: "on"}
    )
    assert design.factors[0].name == "new feed"
    assert design.factors[1].labels == ("0", "on")
    by_name = {contrast.name: contrast.label for contrast in design.contrasts}
    assert by_name["exp_1:exp_2"].startswith("interaction of new feed and exp_2, averaged over exp_3")
    assert by_name["first_alone"] == "new feed without exp_2 and exp_3"


ODD = ("{of}", "$\\frac{$x_{")


@pytest.mark.parametrize(
    "design",
    [
        Design.did(outcome="y", group="{g", period="t}", control=ODD[0], treatment=ODD[1], before=0, after=1),
        Design.compare(outcome="y", group="{g", control=ODD[0], treatment=ODD[1]),
        Design.interaction(
            outcome="y", factors=("{g", "t}", "{}"), levels=dict.fromkeys(("{g", "t}", "{}"), (0, 1))
        ),
    ],
    ids=lambda design: design.question,
)
def test_names_with_braces_stay_as_they_are(design: Design) -> None:
    fill = {"of": "mean y", "those": "means", "on": ""}
    labels = [label for one in design.contrasts for label in (one.label, *one.forms.values())]
    filled = " ".join(label.format(**fill) for label in labels)
    assert all(factor.name in filled for factor in design.factors)
    assert design.question == "interaction" or all(level in filled for level in ODD)
    assert "{{" not in filled


@pytest.mark.parametrize(
    ("labels", "agent"),
    [(None, "the treatment"), ({"a": "old"}, "the treatment"), ({"b": "new"}, "new")],
)
def test_the_treatment_is_called_alike_by_every_question(labels: dict[str, str] | None, agent: str) -> None:
    levels = {"g": ["a", "b"], "t": ["pre", "post"]}
    asked: Any = {"outcome": "y", "group": "g", "control": "a", "labels": labels}
    for design in (Design.compare(**asked), Design.did(**asked, period="t")):
        assert design.resolve(levels).headline.agent == agent


def test_one_of_several_treatments_is_named() -> None:
    design = Design.compare(outcome="y", group="g", control="a", treatment=["b", "c"], labels={"c": "new"})
    primary = [one.agent for one in design.resolve({"g": ["a", "b", "c"]}).contrasts if one.role == "primary"]
    assert primary == ["g b", "new"]
