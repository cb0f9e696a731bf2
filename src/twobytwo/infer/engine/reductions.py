"""What PyTensor makes of a density for Numba: the same numbers, and less to compile.

Sums over arrays become sums over vectors. For arrays of several axes PyTensor writes code that sorts the axes
by their strides, for the case that they are not in order. Numba compiles that sorting, and what it needs, in
every process that compiles anything: six of the fifteen seconds of a first fit of the normal. The arrays here
are in order.

Elementwise operations are fused, however many operands they have. Where PyTensor finds no C++ compiler it
would leave more than 32 apart, which is what NumPy can take and three times as much for Numba to compile.

A check of parameters becomes a density of zero; see `twobytwo.infer.engine.bounds`.

A piece of a vector is taken to be as long as it was cut. Where the vector's own length is not known, PyTensor
checks the piece's, with a message that takes Numba longer to compile than a whole loop.
"""

from __future__ import annotations

import math
from typing import Any

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode, get_mode, optdb
from pytensor.compile.ops import TypeCastingOp
from pytensor.graph.basic import Apply
from pytensor.graph.rewriting.basic import dfs_rewriter, node_rewriter
from pytensor.tensor.elemwise import CAReduce
from pytensor.tensor.rewriting.elemwise import FusionOptimizer, fuse_seqopt
from pytensor.tensor.rewriting.fused_elemwise import fused_elemwise_optdb

from twobytwo.infer.engine.bounds import densities_of_zero
from twobytwo.infer.engine.linker import Once

__all__ = ["numba_mode", "of_length"]

_NAME, _TAG = "along_vectors", "twobytwo"
# PyTensor's own, in whose place the one below stands.
_FUSION = "composite_elemwise_fusion"
# As many rows are added up one by one; of more, PyTensor's own loop is shorter.
_MOST_ROWS = 16


def _along_vectors(_graph: Any, node: Any) -> list[Any] | None:
    """Reduce a whole array as one vector, and an array along its last axis row by row."""
    (array,), axes = node.inputs, node.op.axis
    last, lengths = array.type.ndim - 1, array.type.shape
    if last < 1:
        return None
    along = node.op.clone(axis=(0,))
    kept = () if axes is None else tuple(lengths[k] for k in range(last + 1) if k not in axes)
    if all(length == 1 for length in kept):
        return [along(array.reshape((-1,))).reshape(kept)]
    if tuple(axes) != (last,) or None in kept or math.prod(kept) > _MOST_ROWS:
        return None
    rows = array.reshape((math.prod(kept), -1))
    return [pt.stack([along(rows[k]) for k in range(math.prod(kept))]).reshape(kept)]


class _OfLength(TypeCastingOp):  # type: ignore[misc]  # PyTensor has no types
    """A vector as it is, of a length that the type knows."""

    __props__ = ("length",)

    def __init__(self, length: int) -> None:
        self.length = length

    def make_node(self, vector: Any) -> Apply:
        return Apply(self, [vector], [vector.type.clone(shape=(self.length,))()])

    def pullback(self, _inputs: Any, _outputs: Any, gradients: Any) -> Any:
        return gradients


def of_length(vector: Any, length: Any) -> Any:
    """Tell PyTensor how long a vector is, where it does not know that and the length is a number.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> of_length(pt.vector("d")[2:5], 3).type.shape
    (3,)
    """
    known = isinstance(length, int) and vector.type.shape == (None,)
    return _OfLength(length)(vector) if known else vector


class _Fusion(FusionOptimizer):  # type: ignore[misc]  # PyTensor has no types
    """Fusion that takes it that there is a C++ compiler; nothing is handed to one."""

    def apply(self, graph: Any) -> Any:
        with pytensor.config.change_flags(cxx=pytensor.config.cxx or "none"):
            return super().apply(graph)


fuse_seqopt.register(f"{_FUSION}_of_any_size", _Fusion(), _TAG, position=1)
# After elementwise operations have been fused, with the sums that follow them where PyTensor can; before
# scalars are told from arrays.
fused_elemwise_optdb.register(
    _NAME, dfs_rewriter(node_rewriter([CAReduce])(_along_vectors)), _TAG, position=0.5
)
# Behind what changes formulas, so that a parameter in range has the same numbers to the last bit; before what
# fuses operations (48 and 49).
optdb.register("densities_of_zero", densities_of_zero, _TAG, position=47.9)


def numba_mode() -> Mode:
    """Give PyTensor's mode for Numba, with sums over vectors, fusion without a limit and one function."""
    return Mode(Once(), get_mode("NUMBA").provided_optimizer.including(_TAG).excluding(_FUSION))
