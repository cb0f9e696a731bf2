"""A density compiled by PyTensor, called by nutpie without Python in between.

PyTensor keeps the machine code of a compiled graph in its disk cache; nutpie takes the address of a C
function. Between the two stands one small function, compiled by Numba once per machine and the same for every
density: it calls the code at an address. So nothing is compiled again for the sampler, and chains run on all
cores, which they cannot while every evaluation has to hold Python's lock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from twobytwo.infer.engine.caches import check_files
from twobytwo.infer.engine.public import load_nutpie

_VERSION = load_nutpie().__version__
if _VERSION.split(".")[:2] != ["0", "16"]:
    # The C functions below are called without any check of their arguments.
    _MESSAGE = f"nutpie {_VERSION} is not one of the versions 0.16 that this was made for"
    raise ImportError(_MESSAGE)

from nutpie.compile_pymc import CompiledPyMCModel, address_as_void_pointer  # noqa: E402

__all__ = ["program"]

Floats = npt.NDArray[np.float64]

# What the machine code of every density takes and returns: (parameters, data) to (gradient and value,).
_VECTOR = types.Array(types.float64, 1, "C")
_TAKEN = (_VECTOR, _VECTOR)
_RETURNED = types.UniTuple(_VECTOR, 1)
_POINTER = types.CPointer(types.float64)
_FIELDS = {
    *("dims", "_n_dim", "_coords", "_shapes", "compiled_logp_func", "compiled_expand_func", "shape_info"),
    *("initial_point_func", "shared_data", "shared_var_keys", "user_data", "n_expanded", "logp_func"),
    "expand_func",
}
# nutpie's codes for an evaluation that is a divergence, not an end to the fit.
_NOT_FINITE, _OUTSIDE = 3, 1


def _cfunc(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a C function and keep it on disk, where there is a place for it."""

    def make(function: Callable[..., Any]) -> Any:
        try:
            return numba.cfunc(signature, cache=True)(function)
        except (RuntimeError, OSError):
            # Neither the package's folder nor the user's cache can be written to.
            return numba.cfunc(signature)(function)

    return make


check_files()


@intrinsic
def _call(_typing: Any, _address: Any, first: Any, second: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        convention = context.call_conv
        made = convention.get_function_type(_RETURNED, _TAKEN).as_pointer()
        address, *given = zip(arguments, signature.args, strict=True)
        taken = [
            context.cast(builder, argument, found, wanted)
            for (argument, found), wanted in zip(given, _TAKEN, strict=True)
        ]
        function = builder.inttoptr(address[0], made)
        status, returned = convention.call_function(builder, function, _RETURNED, _TAKEN, taken)
        with builder.if_then(status.is_error, likely=False):
            convention.return_status_propagate(builder, status)
        return returned

    return _RETURNED(types.intp, first, second), code


@_cfunc(types.int64(types.uint64, _POINTER, _POINTER, _POINTER, types.CPointer(types.intp)))
def _evaluate(size: Any, parameters: Any, gradient: Any, value: Any, place: Any) -> int:
    # `place`: address of the density, address of the data, length of the data.
    try:
        data = numba.carray(address_as_void_pointer(place[1]), (place[2],), np.float64)
        (found,) = _call(place[0], numba.carray(parameters, (size,)), data)
        value[0] = found[size]
        numba.carray(gradient, (size,))[:] = found[:size]
    except Exception:  # noqa: BLE001 - Numba knows no other
        # A trial step so long that a scale underflows to zero: outside the support.
        return _OUTSIDE
    return 0 if np.isfinite(found).all() else _NOT_FINITE


@_cfunc(types.int64(types.uint64, types.uint64, _POINTER, _POINTER, types.voidptr))
def _keep(size: Any, _kept: Any, parameters: Any, kept: Any, _place: Any) -> int:
    numba.carray(kept, (size,))[:] = numba.carray(parameters, (size,))
    return 0


def program(density: Any, data: Floats, size: int, start: Callable[[int], Floats]) -> CompiledPyMCModel:
    """Make of a density what nutpie samples.

    Parameters
    ----------
    density
        Numba's function of (parameters, data), called at least once: a vector of the gradient and, last, the
        log-density itself.
    data
        What it is evaluated with.
    size
        Number of parameters.
    start
        A chain's starting point, given its seed.

    Returns
    -------
    nutpie.compile_pymc.CompiledPyMCModel
        With one variable, ``x``: the vector of parameters.

    Raises
    ------
    TypeError
        If the machine code takes or returns anything else, for then calling it would end the process, or if
        nutpie's record is another.
    """
    if not {field.name for field in dataclasses.fields(CompiledPyMCModel)} >= _FIELDS:
        msg = "nutpie's compiled model has other fields than it had"
        raise TypeError(msg)
    (compiled,) = density.overloads.values()
    if (compiled.signature.args, compiled.signature.return_type) != (_TAKEN, _RETURNED):
        msg = f"A density must be {_TAKEN} -> {_RETURNED}, not {compiled.signature}."
        raise TypeError(msg)
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return CompiledPyMCModel(
        dims={},
        _n_dim=size,
        _coords={},
        _shapes={"x": (size,)},
        compiled_logp_func=_evaluate,
        compiled_expand_func=_keep,
        initial_point_func=start,
        # Kept alive with the program, whose place holds their addresses only.
        shared_data={"data": data},
        shared_var_keys={},
        user_data=np.array([address, data.ctypes.data, data.size]),
        n_expanded=size,
        shape_info=(["x"], [slice(0, size)], [(size,)]),
        logp_func=density,
        expand_func=None,
    )
