"""Least-squares estimators of the effect on the mean: Welch on changes, HC2, CUPED, winsorised."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

__all__ = ["ESTIMATORS", "Estimate"]

type _Floats = npt.NDArray[np.float64]
type _Bools = npt.NDArray[np.bool_]


class Estimate(NamedTuple):
    """An effect with its 95 % interval and the chance that it is below zero."""

    effect: float
    lower: float
    upper: float
    p_harm: float


def _student(effect: float, variance: float, df: float) -> Estimate:
    se = np.sqrt(variance)
    half = se * stdtrit(df, 0.975)
    return Estimate(effect, effect - half, effect + half, float(stdtr(df, -effect / se)))


def _welch(y: _Floats, treated: _Bools) -> Estimate:
    a, b = y[treated], y[~treated]
    va, vb = a.var(ddof=1) / a.size, b.var(ddof=1) / b.size
    df = (va + vb) ** 2 / (va**2 / (a.size - 1) + vb**2 / (b.size - 1))
    return _student(a.mean() - b.mean(), va + vb, df)


def changes(x: _Floats, y: _Floats, treated: _Bools) -> Estimate:
    """Welch on each user's change."""
    return _welch(y - x, treated)


def after(_x: _Floats, y: _Floats, treated: _Bools) -> Estimate:
    """Difference of the values after (HC2)."""
    return _welch(y, treated)


def pooled(x: _Floats, y: _Floats, treated: _Bools) -> Estimate:
    """CUPED: one slope for both groups, taken within groups."""
    dx = [x[treated == g] - x[treated == g].mean() for g in (False, True)]
    slope = sum(d @ y[treated == g] for g, d in enumerate(dx)) / sum(d @ d for d in dx)
    return _welch(y - slope * x, treated)


def lin(x: _Floats, y: _Floats, treated: _Bools) -> Estimate:
    """CUPED with own slopes (Lin 2013): the interacted regression, HC2."""
    value, variance, pieces = [], [], []
    for g in (False, True):
        xg, yg = x[treated == g], y[treated == g]
        d = xg - xg.mean()
        sxx = d @ d
        slope = d @ yg / sxx
        gap = x.mean() - xg.mean()
        value.append(yg.mean() + slope * gap)
        residual = yg - yg.mean() - slope * d
        influence = 1 / xg.size + d * gap / sxx
        v = float((influence**2 * residual**2 / (1 - 1 / xg.size - d**2 / sxx)).sum())
        variance.append(v)
        pieces.append(v**2 / (xg.size - 2))
    return _student(value[1] - value[0], sum(variance), sum(variance) ** 2 / sum(pieces))


def _winsorised(share: float) -> Callable[[_Floats, _Floats, _Bools], Estimate]:
    def estimate(x: _Floats, y: _Floats, treated: _Bools) -> Estimate:
        return changes(np.minimum(x, np.quantile(x, share)), np.minimum(y, np.quantile(y, share)), treated)

    return estimate


ESTIMATORS: dict[str, Callable[[_Floats, _Floats, _Bools], Estimate]] = {
    "Welch on changes": changes,
    "values after (HC2)": after,
    "CUPED, pooled slope": pooled,
    "CUPED, own slopes (Lin)": lin,
    "winsorised at 99 %": _winsorised(0.99),
    "winsorised at 99.9 %": _winsorised(0.999),
}
