"""Effects on many metrics shrunk towards nothing by how large such effects are found to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from twobytwo.errors import DesignError

__all__ = ["Shrinkage", "shrunk"]

Floats = npt.NDArray[np.float64]

# A t distribution as a mixture of normals: this many variances, at the middle of equal shares.
_NODES, _DF = 41, 4
# How many widths are tried.
_WIDTHS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrinkage:
    """What effects were shrunk by.

    Parameters
    ----------
    kind
        ``"normal"`` or ``"fat"``.
    width
        Standard deviation (scale, if fat) of true effects in multiples of the metrics' scales, as estimated.
    metrics
        How many effects it was estimated from, one for each metric (and treatment).
    """

    kind: Literal["normal", "fat"]
    width: float
    metrics: int

    @property
    def words(self) -> str:
        """What was done, in a sentence."""
        tails = " with fat tails" if self.kind == "fat" else ""
        return (
            f"Effects are shrunk: over {self.metrics:,} of them true effects{tails} are estimated to have a "
            f"standard deviation of {self.width:.2%} of a metric's mean."
        )


def shrunk(
    draws: Floats,
    covariance: Floats,
    scale: Floats,
    kind: Literal["normal", "fat"],
    *,
    seed: int = 0,
) -> tuple[Floats, Shrinkage]:
    """Shrink joint draws of effects by an estimated distribution of true effects around zero.

    Parameters
    ----------
    draws
        Of the effects; shape (draws, effects).
    covariance
        Of the effects' errors; shape (effects, effects). That of the draws themselves would be far too small
        in some directions where there are not many more draws than effects.
    scale
        What an effect of 1 is, for each of them.
    kind
        Of the distribution of true effects.
    seed
        Of the draws of its width.

    Returns
    -------
    draws : numpy.ndarray
        After shrinking; joint draws still.
    shrinkage : Shrinkage
        What was done.

    Raises
    ------
    DesignError
        For an unknown kind, or fewer than ten metrics: their spread would not be known.

    Notes
    -----
    ``δ/s ~ N(0, ω²)``. A width ω as likely as another before the data, up to thrice the largest estimate, is
    drawn anew for every draw: one best width would be zero for one card in five, and every effect with it.
    By the joint likelihood of all effects, whose errors are correlated. With fat tails ω² is multiplied by
    inverse-gamma variances, so that a large effect is hardly shrunk; then effects are taken as independent,
    but count for the width as only as many as vary independently, ``J² / Σ ρ²``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> true, se = rng.normal(0, 0.02, 200), 0.02
    >>> draws = true + rng.normal(0, se, 200) + se * rng.standard_normal((2_000, 200))
    >>> found, how = shrunk(draws, se**2 * np.eye(200), np.ones(200), "normal", seed=1)
    >>> bool(0.015 < how.width < 0.025), bool(np.mean((found.mean(0) - true) ** 2) < 0.7 * se**2)
    (True, True)
    """
    if kind not in ("normal", "fat"):
        msg = f'shrink={kind!r} is unknown; use "normal", "fat" or None.'
        raise DesignError(msg)
    count = draws.shape[1]
    if count < 10:
        msg = f"shrink={kind!r} learns from the metrics how large effects are; {count} are fewer than 10."
        raise DesignError(msg)
    shrink = _normal if kind == "normal" else _fat
    made, width = shrink(draws / scale, covariance / np.outer(scale, scale), np.random.default_rng(seed))
    return made * scale, Shrinkage(kind=kind, width=width, metrics=count)


def _normal(effects: Floats, covariance: Floats, rng: np.random.Generator) -> tuple[Floats, float]:
    """Shrink by normal effects: along the directions in which the estimates' errors are independent."""
    variances, directions = np.linalg.eigh(covariance)
    variances = np.maximum(variances, 0.0)
    widths = _widths(effects, covariance)
    along = effects.mean(axis=0) @ directions
    fits = scipy.stats.norm.logpdf(along, 0, np.sqrt(variances + widths[:, None] ** 2))
    share = _shares(np.sum(fits, axis=1), widths)
    width = rng.choice(widths, size=(len(effects), 1), p=share)
    # A draw of the prior, corrected by a draw of the likelihood, is one of the posterior (Matheron's rule).
    prior = width * rng.standard_normal(effects.shape)
    keep = width**2 / (width**2 + variances)
    return prior + ((effects - prior) @ directions * keep) @ directions.T, float(share @ widths)


def _fat(effects: Floats, covariance: Floats, _: np.random.Generator) -> tuple[Floats, float]:
    """Shrink by effects of a t distribution: each to its own mean and standard deviation."""
    mean, sd = effects.mean(axis=0), np.sqrt(np.diagonal(covariance))
    mixture = 1 / (scipy.stats.chi2.ppf((np.arange(_NODES) + 0.5) / _NODES, _DF) / _DF)
    widths = _widths(effects, covariance)
    # Axes: width, part of the mixture, effect.
    variance = widths[:, None, None] ** 2 * mixture[:, None]
    parts = scipy.stats.norm.logpdf(mean, 0, np.sqrt(sd**2 + variance)) - np.log(_NODES)
    fits = np.logaddexp.reduce(parts, axis=1)
    correlation = covariance / np.outer(sd, sd)
    independent = len(mean) / float(np.square(correlation).sum())
    share = _shares(independent * fits.sum(axis=1), widths)
    weight = np.exp(parts - fits[:, None]) * share[:, None, None]
    keep = variance / (variance + sd**2)
    centre = (weight * keep * mean).sum(axis=(0, 1))
    second = (weight * (keep * sd**2 + (keep * mean) ** 2)).sum(axis=(0, 1))
    spread = np.sqrt(np.maximum(second - centre**2, 0.0))
    return centre + (effects - mean) / sd * spread, float(share @ widths)


def _widths(effects: Floats, covariance: Floats) -> Floats:
    """Give a grid of widths: from nothing, closer together near it, to thrice the largest estimate."""
    mean, sd = np.abs(effects.mean(axis=0)), np.sqrt(np.diagonal(covariance))
    least = np.median(sd) / 50
    return np.geomspace(least, 3 * max(mean.max(), sd.max()), _WIDTHS)


def _shares(fits: Floats, widths: Floats) -> Floats:
    """Give every width of the grid its posterior probability, for a flat prior."""
    share = np.exp(fits - fits.max()) * np.gradient(widths)
    return np.asarray(share / share.sum())
