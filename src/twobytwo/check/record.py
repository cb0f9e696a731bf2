"""One method's answer: a number, its standard error and its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri, stdtrit

__all__ = ["Check", "answered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One method's answer.

    Parameters
    ----------
    method
        ``"posterior"``; ``"ols"``, ``"ols_hc2"`` (rows independent); ``"ols_cluster"`` (CR1),
        ``"ols_cluster_cr2"``, ``"ols_cluster_cr3"``, ``"welch_change"``, where the groups were drawn
        at random ``"ancova"``, and with ``missing="available"`` ``"fiml"`` (by user); ``"bootstrap"`` (by
        user where users are known).
    estimate, se, lower, upper
        In units of the outcome.
    assumes
        What the method takes for granted, in words.
    """

    method: str
    estimate: float
    se: float
    lower: float
    upper: float
    assumes: str


def answered(
    method: str, estimate: float, se: float, ci_prob: float, assumes: str, *, df: float = math.inf
) -> Check:
    """Give an answer its interval, by the quantile of a t distribution (of a normal one by default).

    Examples
    --------
    >>> round(answered("ols", 0.0, 1.0, 0.95, "rows independent").upper, 2)
    1.96
    """
    level = (1 + ci_prob) / 2
    half = float(ndtri(level) if math.isinf(df) else stdtrit(df, level)) * float(se)
    return Check(
        method=method,
        estimate=estimate,
        se=float(se),
        lower=estimate - half,
        upper=estimate + half,
        assumes=assumes,
    )
