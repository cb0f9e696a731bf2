"""Searches for unused objects are rare inside, and as before outside; the end of a process is short."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from twobytwo.cli.collecting import rarely_collecting

# What is not flushed, what is to be done at the end, and what Python would take apart.
ENDING = """
import atexit, sys
from twobytwo.cli.collecting import leave
class Library:
    def __del__(self):
        print("taken apart")
kept = Library()
atexit.register(print, "done at the end")
sys.stdout.write("not flushed; ")
leave(3)
"""


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


def test_a_process_ends_when_all_is_said_and_takes_nothing_apart() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert ended.stdout == "not flushed; done at the end\n"
    assert ended.stderr == ""
