"""Names in a list, wherever sentences have one."""

from __future__ import annotations

import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.listed import listed
from twobytwo.show.words import asked


def test_the_last_name_has_an_and_before_it() -> None:
    assert listed(["a"]) == "a"
    assert listed(iter("ab")) == "a and b"
    assert listed(["a", "b", "c", "d"]) == "a, b, c and d"


def test_nothing_is_no_list() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        listed([])


def test_three_experiments_are_listed_in_labels_and_headings() -> None:
    design = Design.interaction(outcome="y", factors=("a", "b", "c"))
    assert asked(design) == "Interaction of a, b and c on y"
    labels = [contrast.label for contrast in design.contrasts]
    assert labels[0].startswith("a, b and c together over what each alone adds up to")
    assert any(label.startswith("interaction of a and b, averaged over c") for label in labels)
    assert any(label.startswith("a without b and c") for label in labels)
