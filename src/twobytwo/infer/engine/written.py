"""Models as they are written: whether two of them differ in their data only, before densities are made.

Making a density to compare takes 50 to 250 ms, comparing what is written one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

import numpy as np
import pymc as pm
from pymc.distributions.custom import CustomDistRV, CustomSymbolicDistRV
from pymc.logprob.abstract import _logprob
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.traversal import ancestors, graph_inputs
from pytensor.tensor.random.type import RandomType

__all__ = ["Written"]

# What is compared by its value where a function refers to it.
_PLAIN = (bool, int, float, str, type(None))
# Whose functions and operations stay as they are.
_LIBRARIES = ("pymc", "pytensor")


@dataclass(frozen=True, slots=True)
class Written:
    """A model's variables, before anything is made of them.

    Variables of equal graphs have equal densities, if they are transformed alike. Two `pymc.CustomDist` are
    equal if their ``logp`` is the same function of this package and refers to the same values.

    Parameters
    ----------
    variables
        Free and observed ones, deterministics, potentials, observed values.
    inputs
        What may differ between equal models: data, sources of chance, lengths of dimensions.
    transforms
        Of the free variables.
    settled
        Of inputs that are not data, such as the lengths of other dimensions: their values now.
    constants
        Their values now; an array may be the user's, who can change it.
    densities
        Of variables whose density is stated by a function: that function, as it is now.
    """

    variables: list[Any]
    inputs: list[Any]
    transforms: list[Any]
    settled: list[Any]
    constants: Mapping[Variable, Any]
    densities: Mapping[Variable, Any]

    @classmethod
    def of(cls, model: pm.Model, data: Sequence[str]) -> Written:
        """Take the variables of a model whose data have these names."""
        variables = [*model.basic_RVs, *model.deterministics, *model.potentials]
        variables += [model.rvs_to_values[variable] for variable in model.observed_RVs]
        shared = [model[name] for name in data]
        known = set(shared)
        others = [v for v in graph_inputs(variables) if v not in known and not isinstance(v, Constant)]
        # What is neither data nor random is the length of a dimension.
        chance = [v for v in others if isinstance(v.type, RandomType)]
        lengths = [v for v in others if v not in chance]
        return cls(
            variables,
            [*shared, *chance, *lengths],
            [model.rvs_to_transforms[variable] for variable in model.free_RVs],
            [_settled(v.get_value()) if hasattr(v, "get_value") else None for v in lengths],
            {v: _settled(v.data) for v in ancestors(variables) if isinstance(v, Constant)},
            {v: density for v in model.basic_RVs if (density := _density(v.owner.op)) is not None},
        )

    def equals(self, other: Written) -> bool:
        """Whether two models differ in their data only."""
        return (
            self.settled == other.settled
            and len(self.inputs) == len(other.inputs)
            and len(self.transforms) == len(other.transforms)
            and all(one is two for one, two in zip(self.transforms, other.transforms, strict=True))
            and len(self.variables) == len(other.variables)
            and _equal_graphs(self, other)
        )


def _settled(value: Any) -> Any:
    """Give what is equal where the value is, and does not change with it."""
    return (value.dtype, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value


def _equal_graphs(one: Written, two: Written) -> bool:
    """Walk both graphs at once: every variable of the first has one counterpart in the second.

    As `pytensor.graph.basic.equal_computations`, which takes two densities of one's own for different ones
    even where they are made by the same function.
    """
    counterpart: dict[Variable, Variable] = dict(zip(one.inputs, two.inputs, strict=True))
    if not all(x.type.in_same_class(y.type) for x, y in counterpart.items()):
        return False
    waiting = list(zip(one.variables, two.variables, strict=True))
    while waiting:
        x, y = waiting.pop()
        if x in counterpart:
            if counterpart[x] is not y:
                return False
            continue
        if not x.type.in_same_class(y.type):
            return False
        if x in one.constants:
            if y not in two.constants or one.constants[x] != two.constants[y]:
                return False
            continue
        a, b = x.owner, y.owner
        if (
            a is None
            or b is None
            or len(a.inputs) != len(b.inputs)
            or a.outputs.index(x) != b.outputs.index(y)
            or one.densities.get(x) != two.densities.get(y)
            or (x not in one.densities and a.op != b.op)
        ):
            return False
        counterpart[x] = y
        waiting.extend(zip(a.inputs, b.inputs, strict=True))
    return True


def _density(operation: Any) -> Any:
    """Describe the function that a random variable's density is stated by; None where a library states it."""
    function = _logprob.dispatch(type(operation))
    if isinstance(operation, CustomDistRV | CustomSymbolicDistRV):
        function = inspect.getclosurevars(function).nonlocals.get("logp")
        # Without one the density is that of the draws, whose graph is the operation's.
        return None if function is None else (operation.signature, _described(function))
    return None if type(operation).__module__.partition(".")[0] in _LIBRARIES else _described(function)


def _described(value: Any) -> Any:
    """Describe what a function of this package computes by, as it is now: its code and what that refers to.

    Whatever is not known to stay as it is, such as a function of the user's, is described by something that
    is equal to nothing else.
    """
    if isinstance(value, _PLAIN):
        return type(value), value
    if isinstance(value, list | tuple):
        return tuple(map(_described, value))
    if inspect.ismodule(value) or inspect.isclass(value):
        return value
    # Not `__module__`, which a function can have from another one that it wraps.
    origin = value.__globals__.get("__name__", "").partition(".")[0] if inspect.isfunction(value) else None
    if origin in _LIBRARIES:
        return value
    if origin == "twobytwo":
        closure = [cell.cell_contents for cell in value.__closure__ or ()]
        seen = [name for name in _names(value.__code__) if name in value.__globals__]
        return (
            value.__code__,
            _described((value.__defaults__, *(value.__kwdefaults__ or {}).items())),
            _described(closure),
            tuple((name, _described(value.__globals__[name])) for name in seen),
        )
    return object()


def _names(code: CodeType) -> Iterator[str]:
    """Give the names that a function's code looks up, and those of functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
