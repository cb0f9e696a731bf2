"""From a PyMC model to posterior draws, fast enough to be asked again.

The posteriors here have about ten parameters, so compiling, not sampling, is the cost. PyTensor's own
compiled density (kept in its disk cache) is handed to nutpie's sampler, and models that differ in data
and prior constants only share one compiled density within a process.
"""

from __future__ import annotations

import ctypes
import math
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pymc.logprob.utils import ParameterValueError
from pytensor.graph.basic import Constant, equal_computations
from pytensor.graph.replace import clone_replace, vectorize_graph
from pytensor.graph.traversal import graph_inputs

from twobytwo.errors import DataError, DesignError
from twobytwo.progress import watch

__all__ = ["SamplerOptions", "sample"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerOptions:
    """How to sample.

    Parameters
    ----------
    draws, tune, chains
        As in `pymc.sample`.
    random_seed
        The same seed gives the same draws from the same cells.
    progressbar
        Whether to show one; None shows it in terminals.

    Raises
    ------
    DesignError
        If a number is too small to judge convergence by.

    Examples
    --------
    >>> SamplerOptions(draws=2000).chains
    4
    """

    draws: int = 1250
    tune: int = 300
    chains: int = 4
    random_seed: int = 20_240_229
    progressbar: bool | None = None

    def __post_init__(self) -> None:
        for name, least in (("draws", 100), ("tune", 100), ("chains", 2), ("random_seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or not least <= int(value) < 2**32:
                msg = f"{name}={value!r} must be a whole number of at least {least} (and below 2^32)."
                raise DesignError(msg)


# Where each named array stands in one flat vector.
_Layout = Mapping[str, tuple[slice, tuple[int, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A density and the way back to named variables, for all models of one structure."""

    graphs: list[Any]
    inputs: list[Any]
    parameters: _Layout
    data: _Layout
    density: Callable[[Floats, Floats], tuple[Any, Floats]]
    expand: Callable[..., list[Floats]]
    expand_data: list[str]
    expanded: list[str]


# Compiled densities of this process, newest last. Structures are few: a family, a question.
_COMPILED: list[_Compiled] = []
_MOST_COMPILED = 32
# Where to give up looking for a step that the density can bear: far below the width of any prior.
_SHORTEST = 2.0**-40


def sample(model: pm.Model, options: SamplerOptions | None = None) -> xr.DataTree:
    """Draw from a model's posterior.

    Parameters
    ----------
    model
        Any PyMC model with continuous free variables.
    options
        Draws, chains, seed.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``observed_data`` and ``constant_data``, dims
        ``chain``, ``draw`` and the model's own; any ArviZ function takes it.

    Raises
    ------
    DesignError
        If the model has discrete free variables, or none at all.
    DataError
        If the model gives its data no probability at its starting point.

    Notes
    -----
    NUTS by nutpie (Seyboldt, Carlson & Carpenter 2026, arXiv:2603.18845) with low-rank adaptation of
    the mass matrix: cell effects are strongly correlated a posteriori.

    Examples
    --------
    >>> import pymc as pm
    >>> with pm.Model() as model:
    ...     x = pm.Normal("x", 3.0, 1.0)
    >>> tree = sample(model, SamplerOptions(draws=500))
    >>> bool(abs(tree["posterior"]["x"].mean() - 3.0) < 0.2)
    True
    """
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc

    _require_continuous(model)
    options = options or SamplerOptions()
    began = time.perf_counter()
    with watch("compiling the model (once for each kind)"):
        compiled = _compiled(model)
    ready = time.perf_counter()
    data = _steady(_ravel(_data(model), compiled.data))
    start = _steady(_ravel(model.initial_point(), compiled.parameters))
    logp = _callback(compiled.density, data)
    if not np.isfinite(logp(start)[0]):
        # The sampler would fail in a thread of its own and take the process with it.
        msg = "The model gives these data no probability at its starting point; try another family."
        raise DataError(msg)

    reach = _reach(logp, start)
    program = from_pyfunc(
        ndim=start.size,
        make_logp_fn=lambda: _callback(compiled.density, data),
        make_expand_fn=lambda *_: lambda x: {"x": x},
        expanded_dtypes=["float64"],
        expanded_shapes=[(start.size,)],
        expanded_names=["x"],
        make_initial_point_fn=lambda seed: (
            start + reach * np.random.default_rng(seed).uniform(-1, 1, start.size)
        ),
    )
    raw = nutpie.sample(
        program,
        draws=options.draws,
        tune=options.tune,
        chains=options.chains,
        # One thread: the density is called back through Python, which runs one thread at a time.
        cores=1,
        seed=options.random_seed,
        adaptation="low_rank",
        # Near-normal posteriors: longer steps make fewer evaluations and no fewer effective draws.
        target_accept=0.7,
        save_warmup=False,
        progress_bar=sys.stderr.isatty() if options.progressbar is None else options.progressbar,
    )
    if np.isnan(raw["posterior"]["x"].to_numpy()).any():
        # nutpie answers Ctrl-C with the draws it has.
        raise KeyboardInterrupt
    tree = _tree(model, compiled, raw)
    tree["sample_stats"].attrs.update(
        inference_library="nutpie",
        inference_library_version=nutpie.__version__,
        seconds_compiling=ready - began,
        seconds_sampling=time.perf_counter() - ready,
    )
    return tree


def _require_continuous(model: pm.Model) -> None:
    discrete = [repr(variable.name) for variable in model.discrete_value_vars]
    if discrete:
        msg = (
            f"The model's free variables {', '.join(discrete)} are discrete; only continuous ones can be "
            "sampled so. Sum them out of the density, or use pm.sample."
        )
        raise DesignError(msg)
    if not model.value_vars:
        msg = "The model has no free variables; there must be a continuous one to be drawn."
        raise DesignError(msg)


def _callback(density: Callable[..., tuple[Any, Floats]], data: Floats) -> Callable[[Floats], Any]:
    thread = threading.local()

    def logp(x: Floats) -> tuple[float, Floats]:
        # The sampler's threads are not Python's: each call would make and drop a Python thread state,
        # which costs more than the density. Taking the state once more keeps it alive between calls;
        # it halves the time of a fit.
        if not hasattr(thread, "held"):
            thread.held = ctypes.pythonapi.PyGILState_Ensure()
        try:
            value, gradient = density(x, data)
        except ParameterValueError:
            # A trial step so long that a scale underflows to zero: outside the support, so a divergence
            # for the sampler to count, not an end to the fit.
            return -math.inf, np.zeros_like(x)
        return value.item(), gradient

    return logp


def _reach(logp: Callable[[Floats], Any], start: Floats) -> Floats:
    """Say how far from the start, along each parameter, the chains may begin.

    The longest of ½, ¼, ⅛ ... whose step costs at most 2 of the log-density: about two standard deviations
    given the other parameters. A metric that varies little around a large mean has a posterior that is
    millions of times narrower than its prior, and a chain that begins outside does not find it in time.
    """
    least = logp(start)[0] - 2.0
    reach = np.full(start.size, 0.5)
    for index, axis in enumerate(np.eye(start.size)):
        while reach[index] > _SHORTEST and not all(
            logp(start + sign * reach[index] * axis)[0] >= least for sign in (-1, 1)
        ):
            reach[index] /= 2
    return reach


def _compiled(model: pm.Model) -> _Compiled:
    """Find or make the compiled density of a model's structure."""
    derived = model.free_RVs + model.deterministics
    # What is drawn is part of the structure: equal densities may go with other deterministics.
    graphs = [model.logp(), *model.replace_rvs_by_values(derived)]
    names = [variable.name for variable in derived]
    data = _data(model)
    # Lengths of dimensions are part of the structure, so they are no inputs but constants.
    lengths = {v: pt.constant(v.get_value()) for v in model.dim_lengths.values() if hasattr(v, "get_value")}
    graphs = clone_replace(graphs, replace=lengths)
    inputs = [*model.value_vars, *(model[name] for name in data)]
    layouts = _layout(model.initial_point()), _layout(data)
    for known in _COMPILED:
        if (known.parameters, known.data, known.expanded) == (*layouts, names) and equal_computations(
            known.graphs, graphs, known.inputs, inputs
        ):
            return known
    made = _compile(names, graphs, inputs, *layouts)
    _COMPILED.append(made)
    del _COMPILED[:-_MOST_COMPILED]
    return made


def _data(model: pm.Model) -> dict[str, Any]:
    return {v.name: v.get_value(borrow=True) for v in model.data_vars}


def _layout(arrays: Mapping[str, Any]) -> _Layout:
    bounds = [0, *accumulate(np.size(array) for array in arrays.values())]
    return {
        name: (slice(start, end), np.shape(array))
        for (name, array), (start, end) in zip(arrays.items(), pairwise(bounds), strict=True)
    }


def _ravel(arrays: Mapping[str, Any], layout: _Layout) -> Floats:
    return np.concatenate([np.empty(0), *(np.ravel(arrays[name]) for name in layout)], dtype=float)


def _steady(values: Floats) -> Floats:
    """Keep 32 significant bits.

    An engine adds rows in whatever order its threads finish, so sums differ in their last bits from run to
    run and between halves and wholes. A sampler turns the last bit into other draws; the same rows and the
    same seed should give the same answer.
    """
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2.0**32) / 2.0**32, exponent)


def _compile(
    names: list[str], graphs: list[Any], inputs: list[Any], parameters: _Layout, data: _Layout
) -> _Compiled:
    logp, *derived = graphs
    # All data in one vector: handing a dozen arrays to a compiled function costs more than the density.
    x, d = (
        pt.vector(name, shape=(sum(math.prod(shape) for _, shape in layout.values()),))
        for name, layout in (("x", parameters), ("d", data))
    )
    places = [(x, *place) for place in parameters.values()] + [(d, *place) for place in data.values()]
    pieces = {
        variable: vector[where].reshape(shape).astype(variable.dtype)
        for variable, (vector, where, shape) in zip(inputs, places, strict=True)
    }
    (flat,) = clone_replace([logp], replace=pieces)
    function = pytensor.function([x, d], [flat, pt.grad(flat, x)], mode="NUMBA", on_unused_input="ignore")

    drawn = inputs[: len(parameters)]
    batched = {v: pt.tensor(v.name, shape=(None, *v.type.shape), dtype=v.dtype) for v in drawn}
    rows = vectorize_graph(derived, replace=batched)
    shared = [v for v in graph_inputs(rows) if isinstance(v, pytensor.compile.SharedVariable)]
    as_inputs = {v: v.type(name=v.name) for v in shared if v.name in data}
    expand = pytensor.function(
        [*batched.values(), *as_inputs.values()],
        clone_replace(rows, replace=as_inputs),
        # A pass over all draws at once, run by NumPy: nothing to compile.
        mode="FAST_COMPILE",
        on_unused_input="ignore",
    )
    return _Compiled(
        graphs=graphs,
        inputs=inputs,
        parameters=parameters,
        data=data,
        density=function.vm.jit_fn,
        expand=expand,
        expand_data=[v.name for v in as_inputs],
        expanded=names,
    )


def _tree(model: pm.Model, compiled: _Compiled, raw: xr.DataTree) -> xr.DataTree:
    x = raw["posterior"]["x"].to_numpy()
    chains, draws, _ = x.shape
    flat = x.reshape(chains * draws, -1)
    drawn = [flat[:, where].reshape(-1, *shape) for where, shape in compiled.parameters.values()]
    known = _data(model)
    expanded = compiled.expand(*drawn, *(known[name] for name in compiled.expand_data))
    coords = {name: list(labels) for name, labels in model.coords.items() if labels is not None}

    def labelled(name: str, array: Any, *leading: str) -> xr.Variable:
        dims = model.named_vars_to_dims.get(name) or [
            f"{name}_dim_{k}" for k in range(np.ndim(array) - len(leading))
        ]
        return xr.Variable((*leading, *dims), array)

    posterior = {
        name: labelled(name, np.reshape(array, (chains, draws, *array.shape[1:])), "chain", "draw")
        for name, array in zip(compiled.expanded, expanded, strict=True)
    }
    stats = raw["sample_stats"].to_dataset()[list(_STATS)].rename(_STATS)
    values = {rv.name: model.rvs_to_values[rv] for rv in model.observed_RVs}
    observed = {name: _value(v) for name, v in values.items()}
    shown = {v.name for v in graph_inputs(list(values.values()))}
    groups = {
        "posterior": posterior,
        "observed_data": {name: labelled(name, array) for name, array in observed.items()},
        "constant_data": {name: labelled(name, array) for name, array in known.items() if name not in shown},
    }
    index = {"chain": np.arange(chains), "draw": np.arange(draws)}
    return xr.DataTree.from_dict(
        {
            **{group: _dataset(variables, coords | index) for group, variables in groups.items()},
            "sample_stats": stats,
        }
    )


def _value(observed: Any) -> Any:
    # `pm.Data` in this package's models, constants in anybody's; whole numbers are data behind a cast.
    if isinstance(observed, Constant):
        return observed.data
    if hasattr(observed, "get_value"):
        return observed.get_value()
    return pytensor.function([], observed, mode="FAST_COMPILE")()


# nutpie's names of what ArviZ calls otherwise.
_STATS = {
    "diverging": "diverging",
    "energy": "energy",
    "logp": "lp",
    "depth": "tree_depth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
}


def _dataset(variables: Mapping[str, xr.Variable], coords: Mapping[str, Any]) -> xr.Dataset:
    used = {dim for variable in variables.values() for dim in variable.dims}
    return xr.Dataset(dict(variables), {name: values for name, values in coords.items() if name in used})
