"""From a PyMC model to posterior draws, fast enough to be asked again.

The posteriors here have about ten parameters, so compiling, not sampling, is the cost: PyTensor's own
compiled density, kept in its disk cache and shared by all models of one structure, is handed to nutpie.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pymc as pm
import pytensor
import xarray as xr
from pymc.logprob.utils import ParameterValueError
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import graph_inputs

from twobytwo.ask.arguments import flag, shown
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.alone import alone, in_turn
from twobytwo.infer.engine import memory, public
from twobytwo.infer.engine.compiled import STEADY, Compiled, Values, compiled, values_of
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

    draws: int = 2000
    tune: int = 300
    chains: int = 4
    random_seed: int = 20_240_229
    progressbar: bool | None = None

    def __post_init__(self) -> None:
        for name, least in (("draws", 100), ("tune", 100), ("chains", 2), ("random_seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) < 2**32:
                msg = f"{name}={shown(value)} must be a whole number of at least {least} (and below 2^32)."
                raise DesignError(msg)
        if self.progressbar is not None:
            flag("progressbar", self.progressbar)


# Where to give up looking for a step that the density can bear: far below the width of any prior.
_SHORTEST = 2.0**-40


def sample(
    model: pm.Model,
    options: SamplerOptions | None = None,
    *,
    standard: pm.Model | None = None,
    target_accept: float = 0.65,
) -> xr.DataTree:
    """Draw from a model's posterior.

    Parameters
    ----------
    model
        Any PyMC model with continuous free variables.
    options
        Draws, chains, seed.
    standard
        The same model with the data in a standard unit, where there is one: the sampler sees this one. A free
        variable may differ between the two by a constant only, by which their starting values differ too.
    target_accept
        As in `pymc.sample`; for near-normal posteriors a low one makes longer steps, fewer evaluations and no
        fewer effective draws.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``observed_data`` and ``constant_data``, dims
        ``chain``, ``draw`` and the model's own; any ArviZ function takes it.

    Raises
    ------
    DesignError
        If the model has discrete free variables, or none at all, or if there is no memory for the draws.
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
    _require_continuous(model)
    options = options or SamplerOptions()
    began = time.perf_counter()
    with watch("compiling the model, once for this machine", shown=options.progressbar):
        values = values_of(model)
        made = compiled(model, values)
    memory.require(options.draws + options.tune, options.chains, _numbers(values, made))
    origin, _ = made.vectors(values)
    standard_origin, data = made.vectors(values_of(standard) if standard else values)
    # Last bits of a starting point would become other draws.
    start = np.round(standard_origin * STEADY) / STEADY
    logp = _logp(made, data)
    if not np.isfinite(logp(start)):
        # The sampler would fail in a thread of its own and take the process with it.
        msg = "The model gives these data no probability at its starting point; try another family."
        raise DataError(msg)
    ready = time.perf_counter()
    reach = _reach(logp, start)
    nutpie = public.load_nutpie()
    progress = _Progress()
    sampler = partial(
        nutpie.sample,
        draws=options.draws,
        tune=options.tune,
        chains=options.chains,
        seed=options.random_seed,
        adaptation="low_rank",
        target_accept=target_accept,
        save_warmup=False,
        # Its own conversion to xarray takes as long as the sampling.
        return_raw_trace=True,
        # Its own table is 110 columns wide and stays on the screen.
        progress_bar=False,
        progress_callback=progress,
    )
    with watch("sampling", progress.done, shown=options.progressbar):
        raw = _run(
            sampler,
            made.density,
            data,
            start.size,
            lambda seed: start + reach * np.random.default_rng(seed).uniform(-1, 1, start.size),
        )
    x, stats = _arrays(raw)
    if x.shape[:2] != (options.chains, options.draws):
        # nutpie answers Ctrl-C with the draws it has.
        raise KeyboardInterrupt
    tree = _tree(model, values, made, x + (origin - standard_origin), stats)
    tree["sample_stats"].attrs.update(
        inference_library="nutpie",
        inference_library_version=nutpie.__version__,
        seconds_compiling=ready - began,
        seconds_sampling=time.perf_counter() - ready,
    )
    return tree


class _Progress:
    """How far all chains are, as nutpie last told from a thread of its own."""

    def __init__(self) -> None:
        self._done = 0.0

    def __call__(self, chains: Sequence[Any]) -> None:
        total = sum(chain.total_draws for chain in chains)
        self._done = sum(chain.finished_draws for chain in chains) / max(total, 1)

    def done(self) -> float:
        return self._done


def _run(sampler: Callable[[Any], Any], *parts: Any) -> Any:
    """Sample by the short cut, or by nutpie's public door where the short cut does not fit."""
    try:
        with alone():
            from twobytwo.infer.engine.native import program

        return sampler(program(*parts))
    except (ImportError, AttributeError, TypeError, ValueError, NotImplementedError) as error:
        # What other versions of nutpie, PyTensor and Numba are noticed by. The sampler's own failures are
        # RuntimeErrors.
        reason = " ".join(str(error).split())
        warnings.warn(
            f"sampling goes the slower way through Python, because the fast one does not fit: {reason}",
            stacklevel=3,
        )
        return sampler(public.program(*parts))


def _numbers(values: Values, made: Compiled) -> int:
    """How many numbers one draw has, those of the free variables twice: as sampled and as shown."""
    one = _expanded(values, made, [np.asarray(array)[None] for array in values.start.values()])
    return sum(np.size(array) for array in [*values.start.values(), *one])


def _expanded(values: Values, made: Compiled, drawn: list[Floats]) -> list[Floats]:
    """Give all variables from draws of the free ones."""
    with alone():
        return made.expand(*drawn, *(values.data[name] for name in made.expand_data))


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


def _logp(made: Compiled, data: Floats) -> Callable[[Floats], float]:
    def logp(x: Floats) -> float:
        try:
            return float(made.density(x, data)[0][-1])
        except ParameterValueError:
            return -math.inf

    return logp


def _reach(logp: Callable[[Floats], float], start: Floats) -> Floats:
    """Say how far from the start, along each parameter, the chains may begin.

    The longest of ½, ¼, ⅛ ... whose step costs at most 2 of the log-density: about two standard deviations
    given the other parameters. A metric that varies little around a large mean has a posterior that is
    millions of times narrower than its prior, and a chain that begins outside does not find it in time.
    """
    least = logp(start) - 2.0
    reach = np.full(start.size, 0.5)
    for index, axis in enumerate(np.eye(start.size)):
        while reach[index] > _SHORTEST and not all(
            logp(start + sign * reach[index] * axis) >= least for sign in (-1, 1)
        ):
            reach[index] /= 2
    return reach


def _arrays(trace: Any) -> tuple[Floats, dict[str, npt.NDArray[Any]]]:
    """Give the vectors of all chains' draws and the sampler's statistics, without the warm-up.

    Of an interrupted sampler as many draws as its slowest chain has.
    """
    draws, statistics = trace.get_arrow_trace()
    tuned = [~pyarrow.array(chain.column("tuning")).to_numpy(zero_copy_only=False) for chain in statistics]
    least = min(int(after.sum()) for after in tuned)

    def stack(batches: list[Any], name: str) -> npt.NDArray[Any]:
        columns = [pyarrow.array(batch.column(name)) for batch in batches]
        flat = [(c.flatten() if hasattr(c, "flatten") else c).to_numpy(zero_copy_only=False) for c in columns]
        return np.stack(
            [f.reshape(len(after), -1)[after][:least] for f, after in zip(flat, tuned, strict=True)]
        )

    return stack(draws, "x"), {name: stack(statistics, theirs)[..., 0] for theirs, name in _STATS.items()}


@in_turn
def _tree(
    model: pm.Model,
    values: Values,
    made: Compiled,
    x: Floats,
    statistics: Mapping[str, npt.NDArray[Any]],
) -> xr.DataTree:
    chains, draws, _ = x.shape
    flat = x.reshape(chains * draws, -1)
    starts = [np.asarray(array) for array in values.start.values()]
    parts = np.split(flat, np.cumsum([start.size for start in starts])[:-1], axis=1)
    drawn = [part.reshape(-1, *start.shape) for part, start in zip(parts, starts, strict=True)]
    expanded = _expanded(values, made, drawn)
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
