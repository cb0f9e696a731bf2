"""Less to compile, and the same numbers to the last bit: sums over vectors, fusion, pieces of a length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import HasInnerGraph
from pytensor.tensor.elemwise import CAReduce

from twobytwo.infer.engine.reductions import numba_mode, of_length


def reduced(array: Any, reduce: Any) -> list[int]:
    """Number of axes of all arrays that are reduced, after PyTensor has rewritten the graph."""
    graph = FunctionGraph([array], [reduce(array)], clone=True)
    numba_mode().excluding("inplace").optimizer.rewrite(graph)
    nodes = set(graph.apply_nodes)
    for node in graph.apply_nodes:
        nodes |= set(node.op.fgraph.apply_nodes) if isinstance(node.op, HasInnerGraph) else set()
    return [node.inputs[0].type.ndim for node in nodes if isinstance(node.op, CAReduce)]


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((2, 3), None), ((2, 2, 50), -1), ((2, 2, 1), (0, 1))],
    ids=["whole", "last axis", "all but one of length 1"],
)
def test_vectors_give_what_arrays_give(shape: tuple[int, ...], axis: Any) -> None:
    """One after the other, as PyTensor's own loops add up: with the same last bits draws are the same."""
    array = pt.tensor("array", shape=shape)
    assert set(reduced(array, lambda x: x.sum(axis=axis))) == {1}
    values = np.random.default_rng(1).normal(1e3, 1, shape)
    with pytensor.config.change_flags(numba__fastmath=False):
        found = pytensor.function([array], array.sum(axis=axis), mode=numba_mode())(values)
    one_by_one = values.cumsum(axis=-1)[..., -1] if axis == -1 else values.ravel().cumsum()[-1]
    np.testing.assert_array_equal(found, np.reshape(one_by_one, found.shape))


def test_largest_values_and_conditions_are_found_along_vectors_too() -> None:
    array = pt.tensor("array", shape=(2, 2, 3))
    assert set(reduced(array, lambda x: x.max(axis=-1))) == {1}
    assert reduced(pt.tensor("known", shape=(2, 3), dtype=bool), pt.all) == [1]


def test_other_reductions_are_left_to_pytensor() -> None:
    """Along the first axis, or of many rows."""
    array = pt.tensor("array", shape=(40, 3))
    for axis in (0, 1):
        assert reduced(array, lambda x, axis=axis: x.sum(axis=axis)) == [2]


@pytest.mark.parametrize("compiler", ["", "g++"])
def test_elementwise_operations_are_fused_whether_or_not_there_is_a_compiler(compiler: str) -> None:
    """PyTensor alone keeps operations apart that together have more than 32 operands, and warns."""
    vectors = [pt.vector(f"x{k}", shape=(3,)) for k in range(40)]
    total = pt.exp(vectors[0])
    for one in vectors[1:]:
        total = total * 0.5 + one
    with pytensor.config.change_flags(cxx=compiler):
        graph = FunctionGraph(vectors, [total], clone=True)
        numba_mode().excluding("inplace").optimizer.rewrite(graph)
        assert pytensor.config.cxx == compiler
    assert len(graph.apply_nodes) == 1


def test_a_piece_of_known_length_is_checked_by_nobody_and_has_a_gradient() -> None:
    """PyTensor alone makes of the same reshape a check whose message Numba has to compile."""
    vector, length = pt.vector("d"), pt.iscalar("length")
    piece = of_length(vector[1:3], 2)
    assert piece.type.shape == (2,)
    assert of_length(piece, 2) is piece
    assert of_length(vector, length) is vector
    both = pt.concatenate([piece.reshape((2,)) ** 2, pytensor.grad((piece**2).sum(), vector)])
    graph = FunctionGraph([vector], [both], clone=True)
    numba_mode().excluding("inplace").optimizer.rewrite(graph)
    assert not any("SpecifyShape" in str(node.op) for node in graph.apply_nodes)
    found = pytensor.function([vector], both, mode=numba_mode())(np.arange(4.0))
    assert found.tolist() == [1.0, 4.0, 0.0, 2.0, 4.0, 0.0]
