"""A graph is compiled once, with the numbers of PyTensor's own way, and kept on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode, get_mode

from twobytwo.infer.engine.linker import Once

VALUES = np.random.default_rng(0).normal(size=50)


def function(*, linker: Any, offset: float = 0.0) -> Any:
    x, y = pt.vector("x"), pt.vector("y")
    rules = get_mode("NUMBA").provided_optimizer
    return pytensor.function([x, y], [pt.exp(x).sum() * y + offset], mode=Mode(linker, rules))


def test_numbers_are_those_of_pytensor() -> None:
    (own,) = function(linker=Once())(VALUES, VALUES)
    (its,) = function(linker=get_mode("NUMBA").linker)(VALUES, VALUES)
    np.testing.assert_array_equal(own, its)


def test_what_is_called_is_the_function_of_the_graph() -> None:
    """PyTensor's own is one of any number of arguments, around it."""
    codes = [
        function(linker=linker).vm.jit_fn.py_func.__code__ for linker in (Once(), get_mode("NUMBA").linker)
    ]
    assert [code.co_argcount for code in codes] == [2, 0]


def test_code_is_read_from_disk_where_it_was_compiled_before() -> None:
    # Of no other test: code that is there already would be read, not compiled.
    offset = float(np.random.default_rng().normal())
    first, second = function(linker=Once(), offset=offset), function(linker=Once(), offset=offset)
    for each in (first, second):
        each(VALUES, VALUES)
    hits = [sum(each.vm.jit_fn.stats.cache_hits.values()) for each in (first, second)]
    assert hits == [0, 1]


@pytest.mark.parametrize("fast", [False, True])
def test_fast_mathematics_has_code_of_its_own(fast: bool) -> None:
    with pytensor.config.change_flags(numba__fastmath=fast):
        made = function(linker=Once(), offset=1.0 + fast)
        made(VALUES, VALUES)
    assert bool(made.vm.jit_fn.targetoptions["fastmath"]) == fast


def test_nothing_is_kept_where_nothing_should_be() -> None:
    with pytensor.config.change_flags(numba__cache=False):
        made = function(linker=Once(), offset=3.0)
        made(VALUES, VALUES)
    assert made.vm.jit_fn.stats.cache_path is None
