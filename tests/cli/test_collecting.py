"""Searches for unused objects are rare inside, and as before outside."""

from __future__ import annotations

import gc

import pytest

from twobytwo.cli.collecting import rarely_collecting


def _thresholds_then_fail(seen: list[tuple[int, int, int]]) -> None:
    with rarely_collecting():
        seen.append(gc.get_threshold())
        raise KeyError


def test_searches_are_rare_until_the_body_ends() -> None:
    before, seen = gc.get_threshold(), []
    with pytest.raises(KeyError):
        _thresholds_then_fail(seen)
    assert seen[0][0] > 10 * before[0]
    assert seen[0][1:] == before[1:]
    assert gc.get_threshold() == before
