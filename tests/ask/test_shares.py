"""Expected shares: what may be stated, and which level gets which."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.shares import shares_by_level, stated_shares
from twobytwo.errors import DesignError


@pytest.mark.parametrize("given", [0, 1, -0.2, 1.2, 20, True, "half", float("nan"), {"a": 0.5, "b": "x"}])
def test_what_is_no_share_is_refused(given: Any) -> None:
    with pytest.raises(DesignError, match=r"expected_share=.* is no share between 0 and 1"):
        stated_shares(given)


def test_one_number_is_of_no_level_that_has_a_name() -> None:
    with pytest.raises(DesignError, match=r"^expected_share=1\.0 is no share between 0 and 1\. Give"):
        stated_shares(1.0)
    with pytest.raises(DesignError, match=r": 'x' for 'b' is no share between"):
        stated_shares({"a": 0.5, "b": "x"})  # type: ignore[dict-item]


def test_shares_add_up_to_one_but_for_rounding() -> None:
    assert stated_shares({"a": 0.333, "b": 0.333, "c": 0.334}) is not None
    assert sum(share for _, share in stated_shares({"a": 0.3333, "b": 0.6666})) == pytest.approx(1, abs=1e-12)  # type: ignore[union-attr, misc]
    with pytest.raises(DesignError, match=r"adds up to 0\.9, not to 1"):
        stated_shares({"a": 0.3, "b": 0.6})


def test_a_number_is_the_treatments_share() -> None:
    assert shares_by_level(0.25, (0, 1), "g") == ((0, 0.75), (1, 0.25))
    said = (
        r"is one number, but column 'g' has 3 levels; .* such as expected_share=\{'0': 0.334, '1': 0.333, '2'"
    )
    with pytest.raises(DesignError, match=said):
        shares_by_level(0.25, (0, 1, 2), "g")


@pytest.mark.parametrize("levels", [("a", "b"), (False, True), (0, 1)])
def test_plan_files_name_levels_by_their_text(levels: tuple[Any, Any]) -> None:
    stated = stated_shares(
        {str(level).lower(): share for level, share in zip(levels, (0.9, 0.1), strict=True)}
    )
    assert shares_by_level(stated, levels, "g") == ((levels[0], 0.9), (levels[1], 0.1))


def test_every_level_has_a_share_and_every_share_a_level() -> None:
    stated = stated_shares({"control": 0.5, "variant": 0.5})
    with pytest.raises(DesignError, match=r"'variant' is no level; .* Did you mean 'variant_b'"):
        shares_by_level(stated, ("control", "variant_b"), "g")
    with pytest.raises(DesignError, match="'c' has no share"):
        shares_by_level(stated, ("control", "variant", "c"), "g")


def test_experiments_are_named_by_their_columns() -> None:
    design = Design.interaction(outcome="y", factors=("a", "b"), expected_share={"b": 0.1})
    resolved = design.resolve({"a": [0, 1], "b": [0, 1]})
    assert [factor.expected_share for factor in resolved.factors] == [None, ((0, 0.9), (1, 0.1))]
    with pytest.raises(DesignError, match="names 'bb', which is not among"):
        Design.interaction(outcome="y", factors=("a", "b"), expected_share={"bb": 0.1})
