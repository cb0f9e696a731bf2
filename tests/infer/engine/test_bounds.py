"""Parameters out of range: no exception, a density of zero, and in range the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pymc.logprob.utils import CheckParameterValue, ParameterValueError
from pytensor.graph.op import HasInnerGraph

from twobytwo.infer.engine.reductions import numba_mode

IN, OUT = np.array([0.5, 1.0, 2.0]), np.array([0.5, -1.0, 2.0])


def compiled(of: Callable[[Any, Any], Any], mode: Any) -> Any:
    """Compile what is made of the sigmas and of the log-densities that they give."""
    sigma = pt.vector("sigma", shape=(3,))
    logp = pm.logp(pm.Normal.dist(0, sigma), np.ones(3))
    with pytensor.config.change_flags(numba__fastmath=False):
        function = pytensor.function([sigma], of(sigma, logp), mode=mode)
        function(IN)
    return function


def operations(function: Any) -> list[Any]:
    """Give all operations, those inside others too."""
    found, graphs = [], [function.maker.fgraph]
    for graph in graphs:
        for node in graph.apply_nodes:
            found.append(node.op)
            graphs += [node.op.fgraph] if isinstance(node.op, HasInnerGraph) else []
    return found


@pytest.mark.parametrize(
    "of",
    [
        lambda sigma, logp: pt.concatenate([pytensor.grad(logp.sum(), sigma), logp.sum()[None]]),
        lambda _, logp: logp,
        lambda _, logp: pt.logsumexp(logp),
        lambda _, logp: (logp * np.arange(3.0)).sum(),
        lambda sigma, _: pm.logp(pm.Gamma.dist(alpha=sigma, beta=3 - sigma[::-1]), np.ones(3)).sum(),
        lambda sigma, _: pm.logp(pm.Normal.dist(0, sigma[1]), 1.0),
    ],
    ids=["sum and gradient", "itself", "mixture", "weighted", "two parameters", "scalar"],
)
def test_a_density_is_pymcs_in_range_and_zero_outside(of: Callable[[Any, Any], Any]) -> None:
    ours, theirs = compiled(of, numba_mode()), compiled(of, numba_mode().excluding("densities_of_zero"))
    assert [op for op in operations(theirs) if isinstance(op, CheckParameterValue)]
    assert not [op for op in operations(ours) if isinstance(op, CheckParameterValue)]
    np.testing.assert_array_equal(ours(IN), theirs(IN))
    with pytest.raises(ParameterValueError):
        theirs(OUT)
    # The last number is the density where there is a gradient too. Infinity times a weight of 0 is NaN.
    assert not np.isfinite(np.ravel(ours(OUT))[-1])


def test_one_part_of_a_mixture_out_of_range_makes_all_of_it_impossible() -> None:
    """As PyMC's own switch does; otherwise the mixture would be its other parts."""
    mixture = compiled(lambda _, logp: pt.logsumexp(logp), numba_mode())
    assert mixture(OUT) == -np.inf


def test_density_and_sum_become_one_loop() -> None:
    function = compiled(lambda _, logp: logp.sum(), numba_mode())
    assert len(function.maker.fgraph.apply_nodes) == 1


def test_a_check_that_pymc_wants_to_raise_is_left() -> None:
    """Quantiles of an impossible distribution are no number."""
    sigma = pt.scalar("sigma")
    function = pytensor.function([sigma], pm.icdf(pm.Normal.dist(0, sigma), 0.9), mode=numba_mode())
    with pytest.raises(ParameterValueError):
        function(-1.0)
