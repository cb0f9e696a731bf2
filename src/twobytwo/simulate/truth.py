"""What is true of the population behind `user_minutes`, by exact sums over whole minutes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from twobytwo.simulate.arguments import options_or_default
from twobytwo.simulate.margin import Floats, Margin
from twobytwo.simulate.users import UserMinutes, margins_of

__all__ = ["CellTruth", "Truth", "user_minutes_truth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTruth:
    """Population moments of the whole minutes in one cell.

    Parameters
    ----------
    mean, sd, median
        Minutes per user.
    log_mean, log_sd, log_skewness
        Moments of the natural log of the minutes; no unit.

    Examples
    --------
    >>> cell = CellTruth(
    ...     mean=478.0, sd=1_821.0, median=55, log_mean=4.2, log_sd=1.89, log_skewness=0.3
    ... )
    >>> print(round(cell.lognormal_mean))
    398
    """

    mean: float
    sd: float
    median: int
    log_mean: float
    log_sd: float
    log_skewness: float

    @property
    def lognormal_mean(self) -> float:
        """`exp(μ + σ²/2)`, what a lognormal model would call the mean; not the mean here."""
        return math.exp(self.log_mean + self.log_sd**2 / 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of the population behind `user_minutes`, whatever sample is drawn from it.

    Parameters
    ----------
    cells
        `cells[group][period]`, control before treatment and before before after.

    Examples
    --------
    >>> truth = user_minutes_truth(UserMinutes(effect=-5.0))
    >>> print(f"{truth.did:.6f} minutes, {truth.relative:+.2%}")
    -5.000000 minutes, -1.90%
    """

    cells: tuple[tuple[CellTruth, CellTruth], tuple[CellTruth, CellTruth]]

    @property
    def means(self) -> Floats:
        """Mean minutes per user; shape (group, period)."""
        return np.array([[cell.mean for cell in group] for group in self.cells])

    @property
    def did(self) -> float:
        """Additive difference-in-differences of the means, in minutes per user."""
        (c0, c1), (t0, t1) = self.means.tolist()
        return float((t1 - t0) - (c1 - c0))

    @property
    def relative(self) -> float:
        """`did` as a fraction of the treated mean had its trend been the control's."""
        return self.did / (self.cells[1][1].mean - self.did)

    @property
    def ratio_of_ratios(self) -> float:
        """Treated growth factor over control growth factor, the multiplicative interaction."""
        (c0, c1), (t0, t1) = self.means.tolist()
        return float((t1 / t0) / (c1 / c0))


def user_minutes_truth(options: UserMinutes | None = None) -> Truth:
    """Compute the population moments behind `user_minutes`, by exact sums over whole minutes.

    Parameters
    ----------
    options
        The same options as given to `user_minutes`; only `effect` and `days` matter.

    Returns
    -------
    Truth
        Moments of the four cells and the three contrasts of their means.

    Examples
    --------
    >>> truth = user_minutes_truth()
    >>> print(truth.means.round())
    [[468. 455.]
     [276. 462.]]
    >>> print([[cell.median for cell in group] for group in truth.cells])
    [[55, 52], [45, 71]]
    """
    options = options_or_default(options, UserMinutes)
    return _truth(options.effect, options.cap)


@lru_cache(maxsize=64)
def _truth(effect: float | None, cap: int) -> Truth:
    (c0, c1), (t0, t1) = margins_of(effect, cap)
    return Truth(
        cells=(
            (_cell_truth(c0, cap), _cell_truth(c1, cap)),
            (_cell_truth(t0, cap), _cell_truth(t1, cap)),
        )
    )


def _cell_truth(margin: Margin, cap: int) -> CellTruth:
    exceeds = margin.exceeds(cap)
    probability = -np.diff(exceeds, prepend=1.0, append=0.0)
    minutes = np.arange(1, cap + 1, dtype=np.float64)
    logs = np.log(minutes)
    mean, log_mean = margin.mean(cap), float(probability @ logs)
    log_sd = math.sqrt(probability @ (logs - log_mean) ** 2)
    return CellTruth(
        mean=mean,
        sd=math.sqrt(probability @ (minutes - mean) ** 2),
        median=1 + int(np.count_nonzero(exceeds > 0.5)),
        log_mean=log_mean,
        log_sd=log_sd,
        log_skewness=float(probability @ ((logs - log_mean) / log_sd) ** 3),
    )
