"""What a fit implies beyond its posterior: prior draws, simulated data, log-densities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pytensor.graph.replace import vectorize_graph

from twobytwo.errors import DesignError, nearest
from twobytwo.infer.alone import alone

__all__ = ["GROUPS", "group"]

_PRIOR_DRAWS = 2_000
# Compiling these functions takes longer than running them: a pass over all draws at once, by NumPy.
_MODE = "FAST_COMPILE"


def group(model: pm.Model, tree: xr.DataTree, name: str, random_seed: int) -> xr.Dataset:
    """Make one more group of a fit's tree.

    Parameters
    ----------
    model
        The model that was fitted.
    tree
        Its posterior.
    name
        A key of `GROUPS`.
    random_seed
        Of the draws.

    Returns
    -------
    xarray.Dataset
        Dims ``chain``, ``draw`` and the model's own.

    Raises
    ------
    DesignError
        If there is no such group, or the draws are of another version's model, with other parameters.

    Examples
    --------
    >>> with pm.Model() as model:
    ...     x = pm.Normal("x", 3.0, 1.0)
    >>> draws = group(model, xr.DataTree(), "prior", 1)
    >>> bool(abs(draws["x"].mean() - 3.0) < 0.2)
    True
    """
    if name not in GROUPS:
        msg = f"group={name!r} is unknown; there are {', '.join(GROUPS)}.{nearest(name, GROUPS)}"
        raise DesignError(msg)
    if name != "prior":
        _refuse_other_parameters(model, tree, name)
    with alone():
        return GROUPS[name](model, tree, random_seed)


def _refuse_other_parameters(model: pm.Model, tree: xr.DataTree, name: str) -> None:
    """Refuse the draws of a saved analysis whose family had other parameters when it was fitted.

    PyMC would draw those that it does not find from their priors, and say nothing.
    """
    missing = [v.name for v in model.free_RVs if v.name not in tree["posterior"].data_vars]
    if missing:
        msg = (
            f"{name!r} needs draws of {', '.join(map(repr, missing))}, which are not there: another version, "
            "whose model has other parameters, made the analysis. Make it again."
        )
        raise DesignError(msg)


def _prior(model: pm.Model, _: xr.DataTree, seed: int) -> xr.Dataset:
    shown = [*model.free_RVs, *model.deterministics]
    drawn = pm.draw(shown, draws=_PRIOR_DRAWS, mode=_MODE, random_seed=seed)
    return _labelled(model, {v.name: array[None] for v, array in zip(shown, drawn, strict=True)})


def _posterior_predictive(model: pm.Model, tree: xr.DataTree, seed: int) -> xr.Dataset:
    made = pm.sample_posterior_predictive(
        tree, model=model, progressbar=False, random_seed=seed, compile_kwargs={"mode": _MODE}
    )
    return made["posterior_predictive"].to_dataset()


def _log_likelihood(model: pm.Model, tree: xr.DataTree, _: int) -> xr.Dataset:
    return _log_density(model, tree, model.observed_RVs)


def _log_prior(model: pm.Model, tree: xr.DataTree, _: int) -> xr.Dataset:
    return _log_density(model, tree, model.free_RVs)


# What can be asked for besides posterior, sample_stats, observed_data and constant_data.
GROUPS: Mapping[str, Callable[[pm.Model, xr.DataTree, int], xr.Dataset]] = {
    "prior": _prior,
    "posterior_predictive": _posterior_predictive,
    "log_likelihood_parts": _log_likelihood,
    "log_prior": _log_prior,
}


def _log_density(model: pm.Model, tree: xr.DataTree, variables: Sequence[Any]) -> xr.Dataset:
    """Elementwise log-densities; PyMC's own function refuses models with initial values."""
    posterior = tree["posterior"]
    terms = model.logp(vars=list(variables), jacobian=False, sum=False)
    batched, inputs = {}, []
    for variable in model.free_RVs:
        value = model.rvs_to_values[variable]
        draws = pt.tensor(variable.name, shape=(None, *variable.type.shape), dtype=variable.dtype)
        inputs.append(draws)
        transform = model.rvs_to_transforms[variable]
        # The posterior is kept on the natural scale, densities take the sampler's.
        batched[value] = draws if transform is None else transform.forward(draws, *variable.owner.inputs)
    # A parent of parameters, such as a pooled spread, is in no likelihood itself.
    function = pytensor.function(
        inputs, vectorize_graph(terms, replace=batched), mode=_MODE, on_unused_input="ignore"
    )
    # Chain by chain, because a term may have thousands of elements a draw.
    chains = [
        function(*(posterior[v.name].isel(chain=k).to_numpy() for v in inputs))
        for k in range(posterior.sizes["chain"])
    ]
    stacked = [np.stack(term) for term in zip(*chains, strict=True)]
    return _labelled(model, {v.name: array for v, array in zip(variables, stacked, strict=True)})


def _labelled(model: pm.Model, arrays: Mapping[str, Any]) -> xr.Dataset:
    """Give arrays with leading chain and draw the model's dims and labels."""
    coords: dict[str, Any] = {
        name: list(labels) for name, labels in model.coords.items() if labels is not None
    }
    variables = {}
    for name, array in arrays.items():
        own = array.ndim - 2
        # The counts of a multinomial have one density together, without their last dimension.
        dims = (model.named_vars_to_dims.get(name) or [f"{name}_dim_{k}" for k in range(own)])[:own]
        variables[name] = xr.Variable(("chain", "draw", *map(str, dims)), array)
    made = xr.Dataset(variables)
    coords |= {"chain": np.arange(made.sizes["chain"]), "draw": np.arange(made.sizes["draw"])}
    return made.assign_coords({name: values for name, values in coords.items() if name in made.dims})
