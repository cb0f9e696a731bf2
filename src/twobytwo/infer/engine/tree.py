"""What a sampler drew, as a labelled tree: the model's own variables, statistics and data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pymc as pm
import pytensor
import xarray as xr
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import graph_inputs

from twobytwo.infer.alone import alone, in_turn
from twobytwo.infer.engine.compiled import Compiled, Values

__all__ = ["expand", "labelled_tree", "read_trace"]

Floats = npt.NDArray[np.float64]

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


def read_trace(trace: Any) -> tuple[Floats, dict[str, npt.NDArray[Any]]]:
    """Give the vectors of all chains' draws and the sampler's statistics, without the warm-up.

    Of an interrupted sampler as many draws as its slowest chain has.
    """
    draws, statistics = trace.get_arrow_trace()
    tuned = [~pyarrow.array(chain.column("tuning")).to_numpy(zero_copy_only=False) for chain in statistics]
    least = min((int(after.sum()) for after in tuned), default=0)
    if not least:
        return np.empty((len(draws), 0, 0)), {}

    def stack(batches: list[Any], name: str) -> npt.NDArray[Any]:
        columns = [pyarrow.array(batch.column(name)) for batch in batches]
        flat = [(c.flatten() if hasattr(c, "flatten") else c).to_numpy(zero_copy_only=False) for c in columns]
        return np.stack(
            [f.reshape(len(after), -1)[after][:least] for f, after in zip(flat, tuned, strict=True)]
        )

    return stack(draws, "x"), {name: stack(statistics, theirs)[..., 0] for theirs, name in _STATS.items()}


def expand(values: Values, made: Compiled, drawn: list[Floats]) -> list[Floats]:
    """Give all variables from draws of the free ones."""
    with alone():
        return made.expand(*drawn, *(values.data[name] for name in made.expand_data))


@in_turn
def labelled_tree(
    model: pm.Model,
    values: Values,
    made: Compiled,
    x: Floats,
    statistics: Mapping[str, npt.NDArray[Any]],
) -> xr.DataTree:
    """Give draws and statistics the names and dims of the model, and its data beside them.

    Parameters
    ----------
    model
        What was sampled.
    values, made
        Its numbers and its compiled density.
    x
        Vectors of its free variables; shape (chain, draw, parameter).
    statistics
        Of the sampler; shape (chain, draw) each.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``observed_data`` and ``constant_data``.
    """
    chains, draws, _ = x.shape
    flat = x.reshape(chains * draws, -1)
    starts = [np.asarray(array) for array in values.start.values()]
    parts = np.split(flat, np.cumsum([start.size for start in starts])[:-1], axis=1)
    drawn = [part.reshape(-1, *start.shape) for part, start in zip(parts, starts, strict=True)]
    expanded = expand(values, made, drawn)
    coords = {name: list(labels) for name, labels in model.coords.items() if labels is not None}

    def labelled(name: str, array: Any, *leading: str) -> xr.Variable:
        dims = model.named_vars_to_dims.get(name) or [
            f"{name}_dim_{k}" for k in range(np.ndim(array) - len(leading))
        ]
        return xr.Variable((*leading, *dims), array)

    posterior = {
        name: labelled(name, np.reshape(array, (chains, draws, *array.shape[1:])), "chain", "draw")
        for name, array in zip(made.expanded, expanded, strict=True)
    }
    stats = {name: xr.Variable(("chain", "draw"), array) for name, array in statistics.items()}
    observations = {rv.name: model.rvs_to_values[rv] for rv in model.observed_RVs}
    observed = {name: _value(v) for name, v in observations.items()}
    shown = {v.name for v in graph_inputs(list(observations.values()))}
    groups = {
        "posterior": posterior,
        "sample_stats": stats,
        "observed_data": {name: labelled(name, array) for name, array in observed.items()},
        "constant_data": {
            name: labelled(name, array) for name, array in values.data.items() if name not in shown
        },
    }
    index = {"chain": np.arange(chains), "draw": np.arange(draws)}
    return xr.DataTree.from_dict(
        {group: _dataset(variables, coords | index) for group, variables in groups.items()}
    )


def _value(observed: Any) -> Any:
    # `pm.Data` in this package's models, constants in anybody's; whole numbers are data behind a cast.
    if isinstance(observed, Constant):
        return observed.data
    if hasattr(observed, "get_value"):
        return observed.get_value()
    return pytensor.function([], observed, mode="FAST_COMPILE")()


def _dataset(variables: Mapping[str, xr.Variable], coords: Mapping[str, Any]) -> xr.Dataset:
    used = {dim for variable in variables.values() for dim in variable.dims}
    return xr.Dataset(dict(variables), {name: values for name, values in coords.items() if name in used})
