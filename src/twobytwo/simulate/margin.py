"""Minutes of one cell: a sinh-arcsinh distribution of the log time, and how two cells go together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

__all__ = ["Margin", "after"]

type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """Minutes of one cell: the log of the time spent is sinh-arcsinh; rounded up and capped.

    The log of the time behind a standard normal `z` is
    `log(median) + scale·(sinh((arcsinh(z) + skew)/tail) − sinh(skew/tail))`. It rises with `z`, so a
    copula can tie two margins together; and the weight of the tail is free of the skewness, without
    which log-sd, log-skewness and mean cannot be had at once.

    References
    ----------
    Jones & Pewsey 2009, "Sinh-arcsinh distributions", *Biometrika* 96(4), 761–780.
    """

    median: float
    scale: float
    skew: float
    tail: float

    def minutes(self, z: Floats, cap: int) -> Floats:
        """Whole minutes in 1..cap behind standard normal `z`, the same shape."""
        bent = np.sinh((np.arcsinh(z) + self.skew) / self.tail) - math.sinh(self.skew / self.tail)
        log_time = math.log(self.median) + self.scale * bent
        # Capped before the exponential as well, which a far tail would overflow.
        return np.clip(np.ceil(np.exp(np.minimum(log_time, math.log(cap)))), 1.0, cap)

    def exceeds(self, cap: int) -> Floats:
        """P(minutes > k) for k = 1..cap − 1; every moment of the whole minutes is a sum over it."""
        log_time = np.log(np.arange(1, cap, dtype=np.float64))
        bent = (log_time - math.log(self.median)) / self.scale + math.sinh(self.skew / self.tail)
        return np.asarray(ndtr(np.sinh(self.skew - self.tail * np.arcsinh(bent))))

    def mean(self, cap: int) -> float:
        """Mean of the whole minutes, exact: the sum of P(minutes > k) over k = 0..cap − 1."""
        return 1.0 + float(self.exceeds(cap).sum())


def after(z_before: Floats, z_news: Floats, theta: Floats) -> Floats:
    """Tie a standard normal to `z_before` by a survival Clayton copula; shapes broadcast.

    Conditional inversion: of the users at `z_before`, the one at the quantile of `z_news`. With
    `u` and `v` the shares of users above, P(U ≤ u, V ≤ v) = (u^−θ + v^−θ − 1)^(−1/θ) and Kendall's
    tau is θ/(θ + 2). Of the heaviest users before, the share 2^(−1/θ) is among the heaviest after.

    References
    ----------
    Nelsen 2006, *An Introduction to Copulas*, 2nd ed.: section 2.9 (inversion), family 4.2.1.
    """
    # Shares above, not below: the heavy end then sits at zero, where floats are dense.
    excess = ndtr(-z_before) ** -theta * (ndtr(-z_news) ** (-theta / (1.0 + theta)) - 1.0)
    return np.asarray(-ndtri((excess + 1.0) ** (-1.0 / theta)))
