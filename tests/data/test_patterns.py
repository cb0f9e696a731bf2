"""Patterns of presence and their numbers."""

from __future__ import annotations

from twobytwo.data.patterns import bits, patterns


def test_patterns_begin_everywhere_and_end_nowhere() -> None:
    assert patterns(1) == ((True,), (False,))
    found = patterns(3)
    assert (found[0], found[-1], len(found)) == ((True,) * 3, (False,) * 3, 8)


def test_the_first_column_has_the_highest_bit() -> None:
    assert [bits(pattern) for pattern in patterns(2)] == [3, 2, 1, 0]
    assert bits((True, False, False)) == 4
