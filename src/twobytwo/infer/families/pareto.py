"""The generalised Pareto of a tail's excesses: density, mean, and one index by maximum likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt

__all__ = ["bounded_pareto", "common_index", "mean_excess", "pareto"]

Floats = npt.NDArray[np.float64]

# Where a tail index is looked for, and to what part of that; scales are found to their last digits.
_LOW, _HIGH, _HALVINGS = 0.005, 2.0, 30
_SAME, _MOST_STEPS = 1e-10, 60
# Of its mean excess; where most excesses are zero no scale is the best.
_LEAST_SCALE = 1e-6


def pareto(size: Any, scale: Any, xi: Any) -> Any:
    """Give the PyMC distribution of an excess over the threshold.

    Parameters
    ----------
    size
        Of a draw.
    scale
        σ, in units of the outcome.
    xi
        Tail index ξ above 0: the density falls like ``x^(−1 − 1/ξ)``.
    """

    def draw(scale: Any, xi: Any, size: Any) -> Any:
        return scale / xi * (pm.Uniform.dist(0, 1, size=size) ** -xi - 1)

    return pm.CustomDist.dist(
        scale, xi, dist=draw, logp=lambda value, scale, xi: _log_density(value, scale, xi), size=size
    )


def bounded_pareto(size: Any, scale: Any, xi: Any, room: Any) -> Any:
    """Give the distribution of an excess that is known to be at most `room`; others as for `pareto`."""

    def inside(scale: Any, xi: Any, room: Any) -> Any:
        return 1 - (1 + xi * room / scale) ** (-1 / xi)

    def draw(scale: Any, xi: Any, room: Any, size: Any) -> Any:
        u = inside(scale, xi, room) * pm.Uniform.dist(0, 1, size=size)
        return scale / xi * ((1 - u) ** -xi - 1)

    def logp(value: Any, scale: Any, xi: Any, room: Any) -> Any:
        return _log_density(value, scale, xi) - pt.log(inside(scale, xi, room))

    return pm.CustomDist.dist(scale, xi, room, dist=draw, logp=logp, size=size)


def mean_excess(scale: Any, xi: Any, room: Any = None) -> Any:
    """Give the mean excess over the threshold, ``σ / (1 − ξ)``, or of excesses of at most `room`."""
    if room is None:
        return scale / (1 - xi)
    beyond = (1 + xi * room / scale) ** (-1 / xi)
    return (scale / (1 - xi) - beyond * (room + (scale + xi * room) / (1 - xi))) / (1 - beyond)


def _log_density(excess: Any, scale: Any, xi: Any) -> Any:
    return -pt.log(scale) - (1 + 1 / xi) * pt.log1p(xi * excess / scale)


def common_index(excess: Floats, weight: Floats) -> tuple[float, Floats]:
    """Estimate one tail index for several tails, each with a scale of its own, by maximum likelihood.

    Parameters
    ----------
    excess, weight
        Points that stand for the excesses; shape (tails, points). A tail without weight says nothing.

    Returns
    -------
    tuple
        ξ, between 0.005 and 2, and the scales by tail (units of the excess; 0 for a tail that says nothing).

    Notes
    -----
    Given ξ, the best scale of a tail solves ``mean(x / (σ + ξ x)) = 1 / (1 + ξ)``; the profile likelihood of
    Grimshaw (1993), of ξ instead of ξ/σ, because ξ is what the tails have in common. Its slope is halved in.

    Examples
    --------
    >>> chance = (np.arange(5_000) + 0.5) / 5_000
    >>> ones = np.ones_like(chance)[None]
    >>> xi, scale = common_index(10 / 0.3 * (chance[None] ** -0.3 - 1), ones)
    >>> round(xi, 2), scale.round(1).tolist()
    (0.3, [10.0])
    """
    size, total = weight.sum(axis=1), (weight * excess).sum(axis=1)
    found = total > 0
    scales = np.zeros(len(excess))
    x, w = excess[found], weight[found] / size[found, None]
    # In multiples of the mean of its tail every scale is near one, and none is above.
    mean = total[found] / size[found]
    x = x / mean[:, None]
    scale = np.ones(len(x))
    low, high = _LOW, _HIGH
    for _ in range(_HALVINGS):
        xi = (low + high) / 2
        scale = _best_scales(xi, x, w, scale)
        if float(size[found] @ _slope(xi, x, w, scale)) > 0:
            low = xi
        else:
            high = xi
    scales[found] = scale * mean
    return xi, scales


def _best_scales(xi: float, x: Floats, w: Floats, scale: Floats) -> Floats:
    """Solve for the scales by Newton's steps on ``1 / mean(x / (σ + ξ x))``, which is nearly a line in σ.

    It is concave: after one step every step is from below, and none goes too far.
    """
    for _ in range(_MOST_STEPS):
        ratio = x / (scale[:, None] + xi * x)
        mean = (w * ratio).sum(axis=1)
        # The derivative of the reciprocal; a ratio of zero, of excesses of zero, moves nothing.
        slope = (w * ratio / (scale[:, None] + xi * x)).sum(axis=1) / mean**2
        step = (1 / mean - (1 + xi)) / slope
        moved = np.maximum(scale - step, np.maximum(scale / 8, _LEAST_SCALE))
        if (np.abs(moved - scale) <= _SAME * scale).all():
            return moved
        scale = moved
    return scale


def _slope(xi: float, x: Floats, w: Floats, scale: Floats) -> Floats:
    """Give the slope of a row's log-likelihood in ξ, at the best scales, by tail."""
    ratio = x / (scale[:, None] + xi * x)
    logs = np.log1p(xi * x / scale[:, None])
    return (w * (logs / xi**2 - (1 + 1 / xi) * ratio)).sum(axis=1)
