"""Draws of one posterior as draws of another: smoothed importance weights, and how far they move an answer.

Equal to ArviZ's, which the tests hold them to; `twobytwo.infer.convergence` says why ArviZ is not imported.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from twobytwo.infer.convergence import ess_of_tails

__all__ = ["moved", "power_scaling_weights", "smoothed_weights"]

Floats = npt.NDArray[np.float64]

# Where the tails of log-densities begin that are raised to a power.
_TAILS = (0.05, 0.95)
_LEAST_IN_TAIL = 5
# Zhang & Stephens' weak prior of the scale, and Vehtari et al.'s of the shape: ten draws with a shape of ½.
_SCALE_DRAWS, _SHAPE_DRAWS, _SHAPE = 3, 10, 0.5


def smoothed_weights(log_ratios: Floats) -> tuple[Floats, float]:
    """Pareto-smoothed importance weights.

    Parameters
    ----------
    log_ratios
        Logarithms of the ratio of the wanted to the given density, one for each draw.

    Returns
    -------
    tuple
        Logarithms of weights that add up to one, and the Pareto shape of their tail.

    Raises
    ------
    ValueError
        If the ratios have no tail to fit a shape to.

    Notes
    -----
    PSIS (Vehtari et al. 2024), as if the draws were independent.

    Examples
    --------
    >>> log_weights, shape = smoothed_weights(np.random.default_rng(1).normal(size=4000))
    >>> round(float(np.exp(log_weights).sum()), 6), shape < 0.5
    (1.0, True)
    """
    size = len(log_ratios)
    return _smoothed(log_ratios, _tail_size(size, 1.0))


def power_scaling_weights(log_density: Floats, power: float) -> Floats:
    """Weights of draws under a posterior with one factor of its density raised to a power.

    Parameters
    ----------
    log_density
        Logarithm of that factor, one for each draw.
    power
        Near 1.

    Returns
    -------
    array
        They add up to one.

    Raises
    ------
    ValueError
        If the densities have no tail.

    Examples
    --------
    >>> weights = power_scaling_weights(np.random.default_rng(1).normal(size=4000), 1.01)
    >>> round(float(weights.sum()), 6)
    1.0
    """
    size = len(log_density)
    efficiency = ess_of_tails(log_density[None], _TAILS) / size
    tail = max(min(_tail_size(size, efficiency), size // 2), _LEAST_IN_TAIL)
    return np.asarray(np.exp(_smoothed((power - 1) * log_density, tail)[0]))


def moved(draws: Floats, weights: Floats) -> float:
    """Tell how far weights move the distribution of draws.

    Parameters
    ----------
    draws
        Of one quantity.
    weights
        Of each.

    Returns
    -------
    float
        The cumulative Jensen-Shannon distance between 0 and 1 (Nguyen & Vreeken 2015), the larger of that
        of the draws and of their negatives.

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=4000)
    >>> moved(draws, np.ones(4000)) < 0.01 < moved(draws, np.exp(draws))
    True
    """
    return max(_distance(draws, weights), _distance(-draws, weights))


def _tail_size(size: int, efficiency: float) -> int:
    return int(3 * (size / efficiency) ** 0.5) if size * efficiency > 225 else size // 5


def _smoothed(log_ratios: Floats, tail: int) -> tuple[Floats, float]:
    """Put quantiles of a generalised Pareto distribution in the place of the largest ratios."""
    ratios = log_ratios - log_ratios.max()
    order = np.argsort(ratios)
    largest = order[-tail:]
    if tail < _LEAST_IN_TAIL or np.ptp(ratios[largest]) < np.finfo(float).tiny:
        msg = "The ratios have no tail to fit a shape to."
        raise ValueError(msg)
    cutoff = np.exp(ratios[order[-tail - 1]])
    shape, scale = _generalised_pareto(np.exp(ratios[largest]) - cutoff)
    if np.isfinite(shape):
        at = np.log1p(-(np.arange(tail) + 0.5) / tail)
        beyond = -at if shape == 0 else np.expm1(-shape * at) / shape
        ratios[largest] = np.minimum(np.log(cutoff + scale * beyond), 0.0)
    return ratios - logsumexp(ratios), shape


def _generalised_pareto(excess: Floats) -> tuple[float, float]:
    """Shape and scale of sorted excesses over a threshold (Zhang & Stephens 2009), NaN if they are none."""
    size = len(excess)
    quartile = excess[int(size / 4 + 0.5) - 1]
    if quartile <= excess[0]:
        return np.nan, np.nan
    tried = 30 + int(size**0.5)
    grid = 1 - np.sqrt(tried / (np.arange(1, tried + 1) - 0.5))
    grid = grid / (_SCALE_DRAWS * quartile) + 1 / excess[-1]
    shapes = np.log1p(-grid[:, None] * excess).mean(axis=1)
    profile = size * (np.log(-grid / shapes) - shapes - 1)
    posterior = np.exp(profile - logsumexp(profile))
    likely = posterior >= 10 * np.finfo(float).eps
    rate = np.average(grid[likely], weights=posterior[likely])
    shape = np.log1p(-rate * excess).mean()
    if np.isnan(shape):
        return np.inf, np.nan
    scale = -shape / rate
    return float((size * shape + _SHAPE_DRAWS * _SHAPE) / (size + _SHAPE_DRAWS)), float(scale)


def _distance(draws: Floats, weights: Floats) -> float:
    order = np.argsort(draws)
    widths, size = np.diff(draws[order]), len(draws)
    before = np.linspace(1 / size, 1 - 1 / size, size - 1)
    after = np.cumsum(weights[order] / weights.sum())[:-1]
    areas = before @ widths, after @ widths

    def log2(values: Floats) -> Floats:
        return np.log2(values, out=np.zeros_like(values), where=values != 0)

    middle = log2((before + after) / 2)
    gap = (areas[1] - areas[0]) / (2 * np.log(2))
    one = max(0.0, float((widths * before * (log2(before) - middle)).sum() + gap))
    other = max(0.0, float((widths * after * (log2(after) - middle)).sum() - gap))
    return float(((one + other) / sum(areas)) ** 0.5)
