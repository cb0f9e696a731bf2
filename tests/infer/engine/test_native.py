"""The bridge from PyTensor's machine code to nutpie: the same numbers as through Python, or none."""

from __future__ import annotations

import ctypes
from typing import Any

import numba
import numpy as np
import pymc as pm
import pytest

from twobytwo.infer.engine.compiled import compiled
from twobytwo.infer.engine.native import program


def density(sd: float = 1.0) -> tuple[Any, np.ndarray, np.ndarray]:
    """x ~ N(1, sd²), y ~ N(x, exp(x)) seen at 2: a density with a gradient that depends on x."""
    with pm.Model() as model:
        x = pm.Normal("x", pm.Data("centre", 1.0), pm.Data("sd", sd), shape=2)
        pm.Normal("y", x, pm.math.exp(x), observed=pm.Data("y_data", np.array([2.0, 3.0])))
    made = compiled(model)
    start, data = made.start_and_data(model)
    made.density(start, data)
    return made.density, start, data


def called(density: Any, data: np.ndarray, x: np.ndarray) -> tuple[int, float, np.ndarray]:
    """Call the C function as nutpie does."""
    made = program(density, data, len(x), lambda _: x)
    gradient, value = np.empty_like(x), np.empty(1)
    pointers = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for array in (x, gradient, value)]
    place = made.user_data.ctypes.data_as(ctypes.POINTER(ctypes.c_int64))
    code = made.compiled_logp_func.ctypes(len(x), *pointers, place)
    return code, float(value[0]), gradient


@pytest.mark.parametrize("shift", [0.0, 0.3, -2.0])
def test_the_machine_code_gives_what_python_gets(shift: float) -> None:
    function, start, data = density()
    (expected,) = function(start + shift, data)
    code, value, gradient = called(function, data, start + shift)
    assert code == 0
    assert value == expected[-1]
    np.testing.assert_array_equal(gradient, expected[:-1])


def test_the_data_are_those_of_the_program() -> None:
    function, start, data = density()
    _, _, other = density(sd=5.0)
    assert called(function, data, start + 1)[1] != called(function, other, start + 1)[1]


@pytest.mark.parametrize("far", [-800.0, np.nan])
def test_outside_the_support_is_a_divergence_and_no_number(far: float) -> None:
    """At -800 the spread exp(x) is 0, which PyMC refuses by an error."""
    function, start, data = density()
    assert called(function, data, start + far)[0] > 0


def test_machine_code_of_another_kind_is_not_called() -> None:
    """It would end the process."""

    @numba.njit
    def density(x: Any, data: Any) -> Any:
        return x[0] + data[0]

    density(np.ones(1), np.ones(1))
    with pytest.raises(TypeError, match="A density must be"):
        program(density, np.ones(1), 1, lambda _: np.zeros(1))
