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
_NODES, _DF = 101, 4


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


def shrunk(draws: Floats, scale: Floats, kind: Literal["normal", "fat"]) -> tuple[Floats, Shrinkage]:
    """Shrink joint draws of effects by an estimated distribution of true effects around zero.

    Parameters
    ----------
    draws
        Of the effects; shape (draws, effects).
    scale
        What an effect of 1 is, for each of them.
    kind
        Of the distribution of true effects.

    Returns
    -------
    draws : numpy.ndarray
        With the mean and the standard deviation that each effect has after shrinking.
    shrinkage : Shrinkage
        What was done.

    Raises
    ------
    DesignError
        For an unknown kind, or fewer than ten metrics: their spread would not be known.

    Notes
    -----
    ``δ/s ~ N(0, ω²)`` with ω by maximum marginal likelihood of the estimates, metrics taken as independent.
    With fat tails ω² is multiplied by inverse-gamma variances, so that a large effect is hardly shrunk.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> true, se = rng.normal(0, 0.02, 200), 0.02
    >>> draws = true + rng.normal(0, se, 200) + se * rng.standard_normal((2_000, 200))
    >>> found, how = shrunk(draws, np.ones(200), "normal")
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
    mean, sd = draws.mean(axis=0) / scale, draws.std(axis=0) / scale
    shares = (np.arange(_NODES) + 0.5) / _NODES
    mixture = 1 / (scipy.stats.chi2.ppf(shares, _DF) / _DF) if kind == "fat" else np.ones(1)

    def log_parts(width: float) -> Floats:
        return scipy.stats.norm.logpdf(mean, 0, np.sqrt(sd**2 + width**2 * mixture[:, None])) - np.log(
            len(mixture)
        )

    def against(log_width: float) -> float:
        return -float(np.logaddexp.reduce(log_parts(np.exp(log_width)), axis=0).sum())

    typical = np.log(np.median(sd))
    found = scipy.optimize.minimize_scalar(against, bounds=(typical - 6, typical + 6), method="bounded")
    width = float(np.exp(found.x))
    parts = log_parts(width)
    weight = np.exp(parts - np.logaddexp.reduce(parts, axis=0))
    variance = width**2 * mixture[:, None]
    keep = variance / (variance + sd**2)
    centre = (weight * keep * mean).sum(axis=0)
    second = (weight * (keep * sd**2 + (keep * mean) ** 2)).sum(axis=0)
    spread = np.sqrt(np.maximum(second - centre**2, 0.0))
    made = centre + (draws / scale - mean) / sd * spread
    return made * scale, Shrinkage(kind=kind, width=width, metrics=count)
