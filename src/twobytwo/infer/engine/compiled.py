"""One compiled density for all models of one structure.

Models that differ in data and prior constants only have equal graphs. That is verified before a compiled
density is used again; nothing is keyed by hand.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.logprob.utils import ParameterValueError
from pytensor.compile.ops import ViewOp
from pytensor.graph.basic import Constant, equal_computations
from pytensor.graph.replace import clone_replace, vectorize_graph
from pytensor.graph.traversal import ancestors, graph_inputs

from twobytwo.infer.alone import in_turn
from twobytwo.infer.engine.caches import check_files, without_files
from twobytwo.infer.engine.reductions import numba_mode, of_length
from twobytwo.infer.engine.written import Written

__all__ = ["STEADY", "Compiled", "Values", "compiled", "values_of"]

Floats = npt.NDArray[np.float64]

# Of each named array the lengths of its axes, in the order of one flat vector: a number, or the name of the
# length where that is data.
_Shapes = Mapping[str, tuple[int | str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The numbers of a model, by name: asked for once, because PyMC compiles a function for it.

    Parameters
    ----------
    start
        Of the free variables, as the sampler sees them.
    data
        Data and prior constants; lengths of dimensions that are data come first.
    shapes
        Lengths of the axes of both.
    """

    start: Mapping[str, Any]
    data: Mapping[str, Any]
    shapes: tuple[_Shapes, _Shapes]


@in_turn
def values_of(model: pm.Model) -> Values:
    """Give where a model's free variables start, and its data."""
    lengths = [v for v in model.dim_lengths.values() if v in model.data_vars]
    ordered = dict.fromkeys([*lengths, *model.data_vars])
    start = _start(model)
    data = {v.name: v.get_value(borrow=True) for v in ordered}
    return Values(start=start, data=data, shapes=_shapes(model, start, data))


def _start(model: pm.Model) -> Mapping[str, Any]:
    """Take the starting values that the model was given; have PyMC compile a function only for others."""
    given = {v.name: model.rvs_to_initial_values[v] for v in model.free_RVs}
    transformed = any(model.rvs_to_transforms[v] for v in model.free_RVs)
    if not transformed and all(isinstance(value, np.ndarray) for value in given.values()):
        return given
    # A few numbers, asked for once: not worth what PyTensor imports to run compiled C.
    with pytensor.config.change_flags(cxx=""):
        return model.initial_point()


def _shapes(model: pm.Model, start: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[_Shapes, _Shapes]:
    lengths = {dim: v.name for dim, v in model.dim_lengths.items() if v.name in data}

    def of(array: Any, variable: str) -> tuple[int | str, ...]:
        dims = model.named_vars_to_dims.get(variable) or (None,) * np.ndim(array)
        return tuple(lengths.get(dim, size) for dim, size in zip(dims, np.shape(array), strict=True))

    named = {value.name: variable.name for variable, value in model.rvs_to_values.items()}
    return (
        {name: of(array, named[name]) for name, array in start.items()},
        {name: of(array, name) for name, array in data.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A density and the way back to named variables, for all models of one structure.

    Parameters
    ----------
    written
        The model as it is written, which another one is compared with first.
    graphs, inputs
        Its log-density and what is drawn, which take a while to make; another model's are compared with them
        where the models are not written alike.
    parameters, data
        The arrays that stand one after the other in the two vectors that the density takes.
    density
        Of (parameters, data): the gradient and, last, the log-density itself.
    expand
        From draws of the free variables, and the data named in `expand_data`, to those of all variables in
        `expanded`.
    """

    written: Written
    graphs: list[Any]
    inputs: list[Any]
    parameters: _Shapes
    data: _Shapes
    density: Callable[[Floats, Floats], tuple[Floats]]
    expand: Callable[..., list[Floats]]
    expand_data: list[str]
    expanded: list[str]

    def start_and_data(self, model: pm.Model) -> tuple[Floats, Floats]:
        """Give the two vectors of a model of this structure (`ValueError` if it is of another)."""
        return self.vectors(values_of(model))

    def vectors(self, values: Values) -> tuple[Floats, Floats]:
        """Give the two vectors, of values that are known already."""
        if values.shapes != (self.parameters, self.data):
            msg = "The model's parameters and data are not those that the density was compiled for."
            raise ValueError(msg)
        return _ravel(values.start), _steady(_ravel(values.data))


# Compiled densities of this process, the one that was used last at the end. Structures are few: a family, a
# question.
_COMPILED: list[Compiled] = []
_MOST_COMPILED = 32
# Numbers that the sampler sees keep 36 bits, because a last bit would become other draws. Fewer would blur
# means of a hundred million ± .1, more would not be the same in every run.
STEADY = 2.0**36


@in_turn
def compiled(model: pm.Model, values: Values | None = None) -> Compiled:
    """Find or make the compiled density of a model's structure.

    Parameters
    ----------
    model
        A model whose data and prior constants are `pymc.Data`; anything else is part of its structure. So is
        the length of a dimension, unless it is a `pymc.Data` too (``length=`` of `pymc.Model.add_coord`).
    values
        Of the model, where they are known already.

    Returns
    -------
    Compiled
        Shared with the models of this structure that came before in this process.

    Examples
    --------
    >>> import pymc as pm
    >>> def model(centre):
    ...     with pm.Model() as made:
    ...         pm.Normal("x", pm.Data("centre", centre), 1.0)
    ...     return made
    >>> compiled(model(0.0)) is compiled(model(7.0))
    True
    """
    values = values or values_of(model)
    derived = model.free_RVs + model.deterministics
    names = [variable.name for variable in derived]
    alike = [k for k in _COMPILED if (k.parameters, k.data, k.expanded) == (*values.shapes, names)]
    written = Written.of(model, list(values.data))
    for known in alike:
        if known.written.equals(written):
            return _keep(known)
    # What is drawn is part of the structure: equal densities may go with other deterministics.
    # Without a note of the call stack at every node, which takes a third of making a graph.
    with pytensor.config.change_flags(traceback__limit=0):
        graphs = [model.logp(), *model.replace_rvs_by_values(derived)]
    # Lengths of dimensions are part of the structure, so they are no inputs but constants.
    lengths = {
        v: pt.constant(v.get_value())
        for v in model.dim_lengths.values()
        if hasattr(v, "get_value") and v not in model.data_vars
    }
    # An array in them may be the user's, who can change it: what was compiled would be compared with that.
    copies = {
        v: type(v)(v.type, v.data.copy())
        for v in ancestors(graphs)
        if isinstance(v, Constant) and isinstance(v.data, np.ndarray) and v.data.ndim
    }
    graphs = clone_replace(graphs, replace=lengths | copies)
    inputs = [*model.value_vars, *(model[name] for name in values.data)]
    for known in alike:
        if equal_computations(known.graphs, graphs, known.inputs, inputs):
            return _keep(known)
    with pytensor.config.change_flags(numba__fastmath=False, traceback__limit=0):
        # Numba's fast mathematics adds in an order that depends on what it finds in its cache, and a last
        # bit becomes other draws; it may also take it that nothing is ever infinite.
        check_files()
        try:
            made = _ready(values, names, written, graphs, inputs)
        except Exception as error:  # noqa: BLE001 - whatever a file of machine code can do to who reads it
            with without_files():
                made = _ready(values, names, written, graphs, inputs)
            warnings.warn(
                f"PyTensor's cached code could not be used ({type(error).__name__}), so the model was "
                f"compiled without it; if this comes back, remove {str(pytensor.config.base_compiledir)!r}.",
                stacklevel=2,
            )
    return _keep(made)


def _keep(used: Compiled) -> Compiled:
    """Put a density where it is forgotten last."""
    _COMPILED[:] = [*(known for known in _COMPILED if known is not used), used][-_MOST_COMPILED:]
    return used


def _ready(values: Values, *parts: Any) -> Compiled:
    made = _compile(values.shapes, *parts)
    _first_call(made, *made.vectors(values))
    return made


def _first_call(made: Compiled, start: Floats, data: Floats) -> None:
    """Have Numba compile, which it does when a function is called."""
    with contextlib.suppress(ParameterValueError):
        made.density(start, data)


def _ravel(arrays: Mapping[str, Any]) -> Floats:
    return np.concatenate([np.empty(0), *map(np.ravel, arrays.values())], dtype=float)


def _steady(values: Floats) -> Floats:
    """Keep 36 significant bits.

    An engine adds rows in whatever order its threads finish, so sums differ in their last bits from run to
    run, between halves and wholes, and between units. A sampler turns the last bit into other draws; the
    same rows and the same seed should give the same answer.
    """
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * STEADY) / STEADY, exponent)


def _compile(
    shapes: tuple[_Shapes, _Shapes], names: list[str], written: Written, graphs: list[Any], inputs: list[Any]
) -> Compiled:
    parameters, data = shapes
    logp, *derived = graphs
    # All data in one vector: handing a dozen arrays to a compiled function costs more than the density.
    x, d = (pt.vector(name, shape=(_size(shapes),)) for name, shapes in (("x", parameters), ("d", data)))
    lengths: dict[int | str, Any] = {}
    # Data first: they have the lengths that are not known yet.
    pieces = dict(zip(inputs[len(parameters) :], _pieces(d, data, lengths), strict=True))
    pieces |= zip(inputs[: len(parameters)], _pieces(x, parameters, lengths), strict=True)
    pieces = {variable: piece.astype(variable.dtype) for variable, piece in pieces.items()}
    (flat,) = clone_replace([logp], replace=pieces)
    # One vector: whatever the graph is, its memory is in one piece.
    both = pt.concatenate([pt.grad(flat, x), flat[None]])
    function = pytensor.function([x, d], [both], mode=numba_mode(), on_unused_input="ignore")

    drawn = inputs[: len(parameters)]
    batched = {v: pt.tensor(v.name, shape=(None, *v.type.shape), dtype=v.dtype) for v in drawn}
    rows = vectorize_graph(_without_views(derived), replace=batched)
    shared = [v for v in graph_inputs(rows) if isinstance(v, pytensor.compile.SharedVariable)]
    as_inputs = {v: v.type(name=v.name) for v in shared if v.name in data}
    # A pass over all draws at once, run by NumPy: nothing to compile, also not the inner graphs that PyTensor
    # makes of some sums and hands to a compiler of C++ where there is one.
    with pytensor.config.change_flags(cxx=""):
        expand = pytensor.function(
            [*batched.values(), *as_inputs.values()],
            clone_replace(rows, replace=as_inputs),
            mode="FAST_COMPILE",
            on_unused_input="ignore",
        )
    return Compiled(
        written=written,
        graphs=graphs,
        inputs=inputs,
        parameters=parameters,
        data=data,
        density=function.vm.jit_fn,
        expand=expand,
        expand_data=[v.name for v in as_inputs],
        expanded=names,
    )


def _without_views(graphs: list[Any]) -> list[Any]:
    """Take out the nodes by which PyMC names deterministic variables: over many draws each is a loop."""
    while True:
        nodes = [v.owner for v in ancestors(graphs) if v.owner and isinstance(v.owner.op, ViewOp)]
        if not nodes:
            return graphs
        # What stands behind another one is behind it still when that one is gone.
        graphs = clone_replace(graphs, replace={nodes[-1].outputs[0]: nodes[-1].inputs[0]})


def _size(shapes: _Shapes) -> int | None:
    """How many numbers there are; None if a length is data."""
    size = 0
    for shape in shapes.values():
        known = [length for length in shape if isinstance(length, int)]
        if len(known) < len(shape):
            return None
        size += math.prod(known)
    return size


def _pieces(vector: Any, shapes: _Shapes, lengths: dict[int | str, Any]) -> Iterator[Any]:
    """Cut a vector into named arrays; lengths among them are kept for those that follow."""
    end: Any = 0
    for name, shape in shapes.items():
        known = tuple(lengths.get(length, length) for length in shape)
        length = math.prod(known)
        start, end = end, end + length
        yield (piece := of_length(vector[start:end], length).reshape(known))
        lengths[name] = piece.astype(int)
