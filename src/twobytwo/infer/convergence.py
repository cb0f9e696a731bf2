"""How much a sampler's draws tell: R̂, effective sample sizes, Monte-Carlo errors.

Equal to ArviZ's, which the tests hold them to. ArviZ itself imports half of SciPy, which takes longer than a
fit, and looks at one number of a variable after the other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

__all__ = ["Convergence", "bfmi", "convergence", "ess", "ess_of_tails", "mcse"]

Floats = npt.NDArray[np.float64]

# Quantiles whose effective sample size is that of the tails: the ends of ArviZ's intervals of 89 %, mirrored.
_TAILS = (0.11, 0.89)


class Convergence(NamedTuple):
    """Of every quantity: R̂, effective sample sizes of bulk and tails."""

    rhat: Floats
    bulk: Floats
    tail: Floats


def convergence(draws: npt.ArrayLike) -> Convergence:
    """Say whether chains agree, and what their draws are worth.

    Parameters
    ----------
    draws
        Dims chain, draw and any others.

    Returns
    -------
    Convergence
        Arrays of the other dims; NaN where a draw is none, R̂ also where all draws are one value.

    Notes
    -----
    Rank-normalised split R̂, the larger of that of the draws and of their distances from the median, and
    the effective sample sizes that go with it (Vehtari et al. 2021).

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=(4, 1000, 2))
    >>> [round(float(value), 2) for value in convergence(draws).rhat]
    [1.0, 1.0]
    """
    whole = np.asarray(draws, dtype=float)
    x = whole.reshape(*whole.shape[:2], -1)
    flat = _halves(x)
    z = _normal_scores(flat)
    far = np.abs(flat - np.median(flat, axis=(0, 1)))
    bulk, *tails = np.split(_ess(np.concatenate([z, *_below(x, _TAILS)], axis=-1)), 3)
    known = np.isfinite(flat).all(axis=(0, 1))
    # Of two values there is one distance from the median, which has no R̂.
    found = np.fmax(_rhat(z), _rhat(_normal_scores(far))), bulk, np.minimum(*tails)
    return Convergence(*(np.where(known, value, np.nan).reshape(whole.shape[2:]) for value in found))


def ess(draws: npt.ArrayLike) -> float:
    """Effective sample size for the mean of one quantity.

    Parameters
    ----------
    draws
        Dims chain and draw.

    Examples
    --------
    >>> 3500 < ess(np.random.default_rng(1).normal(size=(4, 1000))) < 4500
    True
    """
    return float(_ess(_halves(np.asarray(draws, dtype=float)[..., None]))[0])


def ess_of_tails(draws: npt.ArrayLike, quantiles: tuple[float, float]) -> float:
    """Effective sample size for the shares of draws below two quantiles, the smaller one.

    Parameters
    ----------
    draws
        Dims chain and draw, of one quantity.
    quantiles
        As probabilities.

    Examples
    --------
    >>> 3000 < ess_of_tails(np.random.default_rng(1).normal(size=(4, 1000)), (0.05, 0.95)) < 4500
    True
    """
    x = np.asarray(draws, dtype=float)[..., None]
    return float(_ess(np.concatenate(_below(x, quantiles), axis=-1)).min())


def mcse(draws: npt.ArrayLike) -> float:
    """Monte-Carlo standard error of the mean of one quantity: ``sd / √ESS``.

    Parameters
    ----------
    draws
        Dims chain and draw.

    Examples
    --------
    >>> round(mcse(np.random.default_rng(1).normal(size=(4, 1000))), 3)
    0.016
    """
    return float(np.asarray(draws, dtype=float).std(ddof=1)) / ess(draws) ** 0.5


def bfmi(energy: npt.ArrayLike) -> Floats:
    """Estimated Bayesian fraction of missing information of every chain (Betancourt 2016).

    Parameters
    ----------
    energy
        Dims chain and draw.

    Examples
    --------
    >>> float(bfmi([[0.0, 2.0, 0.0, 2.0]])[0])
    3.0
    """
    energies = np.asarray(energy, dtype=float)
    return np.asarray(np.square(np.diff(energies, axis=1)).mean(axis=1) / energies.var(axis=1, ddof=1))


def _below(x: Floats, quantiles: tuple[float, float]) -> list[Floats]:
    """Mark the draws below quantiles of all draws, those in the middle of an odd number too."""
    limits = np.quantile(x.reshape(-1, x.shape[-1]), quantiles, axis=0)
    return [(_halves(x) <= limit).astype(float) for limit in limits]


def _halves(x: Floats) -> Floats:
    """Take every chain as two, without the draw in the middle of an odd number."""
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, -half:]])


def _normal_scores(x: Floats) -> Floats:
    """Put in the place of every draw the normal quantile of its rank among all chains (Blom 1958)."""
    flat = x.reshape(-1, x.shape[-1])
    ranks = np.empty_like(flat)
    for column, values in enumerate(flat.T):
        order = np.argsort(values)
        ends = np.flatnonzero(np.diff(values[order], append=np.inf))
        # Equal draws share the mean of their ranks.
        sizes = np.diff(ends, prepend=-1)
        ranks[order, column] = np.repeat(ends + 1 - (sizes - 1) / 2, sizes)
    return np.asarray(ndtri((ranks - 3 / 8) / (len(flat) + 1 / 4))).reshape(x.shape)


def _rhat(x: Floats) -> Floats:
    size = x.shape[1]
    within = x.var(axis=1, ddof=1).mean(axis=0)
    between = size * x.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt((between / within + size - 1) / size))


def _ess(x: Floats) -> Floats:
    """Effective sample size of every column, by Geyer's initial monotone sequence."""
    chains, size, _ = x.shape
    centred = x - x.mean(axis=1, keepdims=True)
    frequencies = np.fft.rfft(centred, 2 * size, axis=1)
    power = (frequencies.real**2 + frequencies.imag**2).mean(axis=0)
    covariance = np.fft.irfft(power, 2 * size, axis=0)[:size] / size
    within = covariance[0] * size / (size - 1)
    total = covariance[0] + (x.mean(axis=1).var(axis=0, ddof=1) if chains > 1 else 0.0)
    length = chains * size
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = 1 - (within - covariance) / total
    correlation[0] = 1.0
    # Sums of neighbours are positive and fall, if anything but noise is left in them.
    last = (size - 3) // 2
    pairs = correlation[: 2 * last + 2].reshape(last + 1, 2, -1).sum(axis=1)
    end = np.argmax(np.concatenate([pairs[:last] <= 0, np.ones_like(pairs[:1], dtype=bool)]), axis=0)
    kept = np.arange(last + 1)[:, None] < end
    total_of_pairs = np.where(kept, np.minimum.accumulate(pairs), 0.0).sum(axis=0)
    after = np.maximum(np.take_along_axis(correlation, 2 * end[None], axis=0)[0], 0.0)
    time = np.maximum(-1 + 2 * total_of_pairs + after, 1 / np.log10(length))
    return np.where(np.ptp(x, axis=(0, 1)) == 0, length, length / time)
