"""Searches for unused objects are rare inside, and as before outside."""

from __future__ import annotations

import gc

import pytest

from twobytwo.cli.collecting import libraries_set_aside, rarely_collecting


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


def test_libraries_are_searched_again_when_the_body_has_ended() -> None:
    with rarely_collecting():
        libraries_set_aside()
        inside = gc.get_freeze_count()
    assert inside > 100_000
    assert gc.get_freeze_count() == 0


def test_a_process_that_ends_leaves_them_aside() -> None:
    kept = gc.get_threshold()
    try:
        with rarely_collecting(to_the_end=True):
            libraries_set_aside()
        assert gc.get_freeze_count() > 100_000
        assert gc.get_threshold() != kept
    finally:
        gc.unfreeze()
        gc.set_threshold(*kept)
