"""Factors: what they and their levels are called, in results and in labelled arrays."""

from __future__ import annotations

import pytest

from twobytwo.ask.factor import Factor
from twobytwo.errors import DesignError


def test_labels_need_levels() -> None:
    with pytest.raises(DesignError, match=r"levels of 'f' are not resolved"):
        _ = Factor(column="f", role="group").labels


def test_levels_are_the_tables_own_and_keep_their_words() -> None:
    stated = Factor(column="f", role="group", levels=(0, 1), words=((1, "new"), ("x", "stranger")))
    assert stated.resolve([True, False]).labels == ("False", "True")
    found = stated.resolve([1, 0])
    assert (found.labels, found.words) == (("0", "new"), ((1, "new"),))
    assert (found.actor(0), found.actor(1)) == ("the treatment", "new")


def test_two_levels_with_the_same_words_are_refused() -> None:
    same = Factor(column="f", role="group", levels=(0, 1), words=((0, "it"), (1, "it")))
    with pytest.raises(DesignError, match="labels= call two levels of column 'f' the same"):
        same.resolve([0, 1])


@pytest.mark.parametrize("column", ["mean", "sample_x", "y_sd", "chain", "location"])
def test_a_column_called_like_a_part_of_models_has_another_dimension(column: str) -> None:
    assert Factor(column=column, role="factor").dim == f"{column}_"
    assert Factor(column=f"my/{column}x", role="factor").dim == f"my_{column}x"
