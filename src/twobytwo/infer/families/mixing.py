"""What mixtures of lognormal kinds of rows and of pairs share: pooled parameters, stable sums, a row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
from pytensor.gradient import disconnected_grad

from twobytwo.infer.priors import Priors

__all__ = [
    "APART_SD",
    "BEYOND_SD",
    "FEWEST",
    "LEAST",
    "MOST",
    "ODDS_SD",
    "USUAL",
    "log_sum",
    "mean_of_cells",
    "mixture_of_rows",
    "pooled",
    "shared",
    "steady",
]

Floats = npt.NDArray[np.float64]

FEWEST, USUAL, MOST = 2, 3, 4
# Smallest log-sd of a kind, as a share of that of all outcomes: prices and round numbers are no kinds.
LEAST = 0.3
# How far the kinds that cells share may be from where EM found them: log-shares against the lightest's, logs
# of the distance from a kind to the next, logs of the log-sd beyond its least. Kinds that resemble each other
# can be told apart in many ways, which differ in no mean and which no sampler goes through in time.
ODDS_SD, APART_SD, BEYOND_SD = 0.25, 0.12, 0.3


def shared(name: str, start: Floats, sd: float, dims: Any) -> Any:
    """Add what the cells share, near where EM found it, to the current model."""
    start = steady(start)
    return pm.Normal(name, pm.Data(f"{name}_found", start), sd, initval=start, dims=dims)


def pooled(name: str, start: Floats, centre: Any, sd: float, priors: Priors, dims: Any) -> Any:
    """Add every cell's own value, around the one that they share, to the current model."""
    width = pm.Data(f"{name}_cell_sd", sd * priors.spread)
    return pm.Normal(name, centre, width, initval=steady(start), dims=dims)


def steady(start: Floats) -> Floats:
    """Forget digits in which EM on the same rows may differ from run to run."""
    return np.round(start, 6)


def mean_of_cells(by_cell: Floats) -> Floats:
    """Average over the cells what every kind has in them."""
    return steady(by_cell.reshape(-1, by_cell.shape[-1]).mean(axis=0))


def log_sum(logs: Any) -> Any:
    """Logarithm of the sum of exponentials over the last axis."""
    top = disconnected_grad(logs.max(axis=-1))
    return top + pm.math.log(pm.math.exp(logs - top[..., None]).sum(axis=-1))


def mixture_of_rows(count: int, whole: int) -> Any:
    """Give the distribution of a row; of its points the first are intervals."""

    def distribution(size: Any, *parameters: Any) -> Any:
        return pm.CustomDist.dist(*parameters, dist=draw, logp=logp, size=size)

    def parts(parameters: Any) -> Any:
        return [parameters[start : start + count] for start in (0, count, 2 * count)]

    def draw(unit: Any, *arguments: Any) -> Any:
        *parameters, size = arguments
        log_weight, mu, sigma = parts(parameters)
        u = pm.Uniform.dist(0, 1, size=size)
        place, spread, share = mu[0], sigma[0], pt.exp(log_weight[0])
        for k in range(1, count):
            heavier = u > share
            place, spread = pt.switch(heavier, mu[k], place), pt.switch(heavier, sigma[k], spread)
            share = share + pt.exp(log_weight[k])
        value = pt.exp(place + spread * pm.Normal.dist(0, 1, size=size))
        safe = pt.switch(unit > 0, unit, 1.0)
        return pt.switch(unit > 0, safe * pt.maximum(pt.round(value / safe), 1.0), value)

    def logp(value: Any, unit: Any, *parameters: Any) -> Any:
        log_weight, mu, sigma = parts(parameters)
        kinds = list(zip(log_weight, mu, sigma, strict=True))
        logs = pt.log(value[..., whole:])
        each = [w - 0.5 * ((logs - m) / s) ** 2 - pt.log(s) for w, m, s in kinds]
        top = each[0]
        for one in each[1:]:
            top = pt.maximum(top, one)
        top = disconnected_grad(top)
        density = top + pt.log(sum(pt.exp(one - top) for one in each)) - logs - 0.5 * math.log(2 * math.pi)
        if not whole:
            return density
        upper = pt.log(value[..., :whole] + unit / 2)
        # From one edge to the next; below the first everything is rounded up to one unit.
        below = [pt.exp(w) * _ndtr((upper - m) / s) for w, m, s in kinds]
        reached = sum(below)
        inside = pt.concatenate([reached[..., :1], reached[..., 1:] - reached[..., :-1]], axis=-1)
        interval = pt.log(pt.maximum(inside, 1e-300)) - pt.log(unit)
        return pt.concatenate([interval, density], axis=-1)

    return distribution


def _ndtr(z: Any) -> Any:
    return 0.5 * pt.erfc(-z / math.sqrt(2))
