"""The keys of plans: every one has its words, and values become what Python code would give."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

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


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (3, float, 3.0),
        (3, int, 3),
        (True, int, keys._MISFIT),
        (True, bool, True),
        (1, bool, keys._MISFIT),
        ("a", str | None, "a"),
        (1, str | None, keys._MISFIT),
        (2.5, Hashable, 2.5),
        ([1], Hashable, keys._MISFIT),
        ("x", Literal["x", "y"] | None, "x"),
        ("z", Literal["x", "y"], keys._MISFIT),
        (["a", "b"], Sequence[str], ("a", "b")),
        (["a", 1], Sequence[str], keys._MISFIT),
        ([0, 1, 2], tuple[Hashable, Hashable], keys._MISFIT),
        ([0, 1, 2], tuple[Hashable, ...], (0, 1, 2)),
        ({"a": [0, 1]}, Mapping[str, tuple[Hashable, Hashable]] | None, {"a": (0, 1)}),
        ([], Mapping[str, Any], keys._MISFIT),
    ],
)
def test_toml_values_become_arguments(value: Any, hint: Any, expected: Any) -> None:
    converted = keys._convert(value, hint)
    assert converted == expected
    assert type(converted) is type(expected)


def test_unknown_keys_of_a_table_are_told_together_and_the_allowed_ones_once() -> None:
    layout = {"decision": {"harm": str}, "sampler": keys.SAMPLER}
    said = keys.unknown(["harm", "drows", "sed", "x"], "sampler", layout, keys.in_file)
    assert said == [
        "key [sampler] harm is unknown; it belongs to [decision] harm.",
        "keys [sampler] drows, [sampler] sed, [sampler] x are unknown; allowed are 'draws', 'tune', "
        "'chains', 'random_seed'. Did you mean 'draws'?",
    ]
