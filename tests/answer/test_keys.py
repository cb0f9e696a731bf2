"""The keys of plans: every one has its words and its place."""

from __future__ import annotations

import inspect

import pytest

from twobytwo.answer import keys
from twobytwo.answer.forms import QUESTIONS
from twobytwo.answer.scorecard import scorecard


def test_every_key_has_its_words() -> None:
    for question in QUESTIONS:
        for hints in keys.keys(question).values():
            assert hints.keys() <= keys.MEANING.keys()
        for hints in keys.card_layout(question).values():
            assert hints.keys() <= keys.MEANING.keys()


def test_short_names_are_of_keys_and_none_is_another_key() -> None:
    for question in QUESTIONS:
        assert set(keys.SHORT.values()) <= set(keys.keys(question)["design"])
        assert not set(keys.SHORT) & set(keys.keys(question)["design"])
    stated = {"title": "x", "design": {"group": "g", "expected": 0.2}}
    assert keys.in_full(stated) == {"title": "x", "design": {"group": "g", "expected_share": 0.2}}
    with pytest.raises(keys.MisstatedError, match="expected and expected_share are one key"):
        keys.in_full({"design": {"expected": 0.2, "expected_share": 0.2}})


def test_a_scorecard_knows_every_keyword_of_the_call() -> None:
    """But for the numbers that are found, and metrics, which are tables."""
    stated = {
        key
        for question in QUESTIONS
        for where, hints in keys.card_layout(question).items()
        if where not in ("", "data", "metric")
        for key in hints
    }
    assert stated == set(inspect.signature(scorecard).parameters) - {"data", "metrics"}
