"""Values of plans become what Python code would give, and what is wrong is said at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import pytest

from twobytwo.answer import read_keys
from twobytwo.answer.keys import SAMPLER, in_file


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (3, float, 3.0),
        (3, int, 3),
        (True, int, read_keys._MISFIT),
        (True, bool, True),
        (1, bool, read_keys._MISFIT),
        ("a", str | None, "a"),
        (1, str | None, read_keys._MISFIT),
        (2.5, Hashable, 2.5),
        ([1], Hashable, read_keys._MISFIT),
        ("x", Literal["x", "y"] | None, "x"),
        ("z", Literal["x", "y"], read_keys._MISFIT),
        (["a", "b"], Sequence[str], ("a", "b")),
        (["a", 1], Sequence[str], read_keys._MISFIT),
        ([0, 1, 2], tuple[Hashable, Hashable], read_keys._MISFIT),
        ([0, 1, 2], tuple[Hashable, ...], (0, 1, 2)),
        ({"a": [0, 1]}, Mapping[str, tuple[Hashable, Hashable]] | None, {"a": (0, 1)}),
        ([], Mapping[str, Any], read_keys._MISFIT),
    ],
)
def test_toml_values_become_arguments(value: Any, hint: Any, expected: Any) -> None:
    converted = read_keys._convert(value, hint)
    assert converted == expected
    assert type(converted) is type(expected)


def test_unknown_keys_of_a_table_are_told_together_and_the_allowed_ones_once() -> None:
    layout = {"decision": {"harm": str}, "sampler": SAMPLER}
    said = read_keys.unknown(["harm", "drows", "sed", "x"], "sampler", layout, in_file)
    assert said == [
        "key [sampler] harm is unknown; it belongs to [decision] harm.",
        "keys [sampler] drows, [sampler] sed, [sampler] x are unknown; allowed are 'draws', 'tune', "
        "'chains', 'random_seed'. Did you mean 'draws'?",
    ]
