"""From a PyMC model to posterior draws, fast enough to be asked again.

The posteriors here have about ten parameters, so compiling, not sampling, is the cost: PyTensor's own
compiled density, kept in its disk cache and shared by all models of one structure, is handed to nutpie.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import pymc as pm
import xarray as xr
from pymc.logprob.utils import ParameterValueError

from twobytwo.ask.arguments import flag, shown
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.alone import alone
from twobytwo.infer.engine import memory, public
from twobytwo.infer.engine.compiled import STEADY, Compiled, Values, compiled, values_of
from twobytwo.infer.engine.tree import expand, labelled_tree, read_trace
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
        The same seed gives the same draws from the same cells, on the same machine.
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


# Where transitions diverge and all is drawn again, what 1 − target_accept is multiplied by.
_SHORTER = 0.2
# How nutpie says that no chain could begin.
_NO_START = "initialization points failed"
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
        fewer effective draws. Where a transition diverges, all is drawn once more in shorter steps, with a
        target that is five times nearer to 1, and the draws with fewer divergences are kept.

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
        If the model gives its data no probability at its starting point, or its log-density no finite slope
        around it.

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
    sampler = partial(
        nutpie.sample,
        draws=options.draws,
        tune=options.tune,
        chains=options.chains,
        seed=options.random_seed,
        adaptation="low_rank",
        save_warmup=False,
        # Its own conversion to xarray takes as long as the sampling.
        return_raw_trace=True,
        # Its own table is 110 columns wide and stays on the screen.
        progress_bar=False,
    )

    def begin(seed: int) -> Floats:
        return start + reach * np.random.default_rng(seed).uniform(-1, 1, start.size)

    def drawn(target: float, doing: str) -> tuple[Floats, dict[str, npt.NDArray[Any]]]:
        progress = _Progress()
        steps = partial(sampler, target_accept=target, progress_callback=progress)
        with watch(doing, progress.done, shown=options.progressbar):
            raw = _run(steps, made.density, data, start.size, begin)
        x, stats = read_trace(raw)
        if x.shape[:2] != (options.chains, options.draws):
            # nutpie answers Ctrl-C with the draws it has.
            raise KeyboardInterrupt
        return x, stats

    try:
        x, stats = drawn(target_accept, "sampling")
        if stats["diverging"].any():
            nearer = 1 - _SHORTER * (1 - target_accept)
            again = drawn(nearer, "sampling again in shorter steps")
            # Where a posterior has a corner, shorter steps may also stay in it for longer.
            if again[1]["diverging"].sum() <= stats["diverging"].sum():
                (x, stats), target_accept = again, nearer
    except RuntimeError as error:
        # nutpie's own words go on with a trace of machine code.
        if _NO_START not in str(error):
            raise
        without = _without_slope(made.density(begin(0), data)[0][:-1], values)
        msg = (
            f"The model's log-density has no finite slope in {without} around its starting point, so it "
            "cannot be sampled. Try another family, or write the distribution so that its logarithm can be "
            "differentiated there."
        )
        raise DataError(msg) from error
    tree = labelled_tree(model, values, made, x + (origin - standard_origin), stats)
    tree["sample_stats"].attrs.update(
        inference_library="nutpie",
        inference_library_version=nutpie.__version__,
        target_accept=target_accept,
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
    """Sample by addresses of machine code, or by nutpie's public function where these do not fit."""
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
            stacklevel=4,
        )
        return sampler(public.program(*parts))


def _numbers(values: Values, made: Compiled) -> int:
    """How many numbers one draw has, those of the free variables twice: as sampled and as shown."""
    one = expand(values, made, [np.asarray(array)[None] for array in values.start.values()])
    return sum(np.size(array) for array in [*values.start.values(), *one])


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


def _without_slope(gradient: Floats, values: Values) -> str:
    """Say of which free variables a density has no finite slope."""
    ends = np.cumsum([np.size(array) for array in values.start.values()])
    parts = zip(values.start, np.split(gradient, ends[:-1]), strict=True)
    return ", ".join(repr(name) for name, part in parts if not np.isfinite(part).all())


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
