"""Whether logarithms are as even as a lognormal takes them, so that its means can be the data's."""

from __future__ import annotations

import math

import numpy as np

from twobytwo.check.gate import Gate, judge
from twobytwo.data.cells import Cells

__all__ = ["log_skewness"]

# So many standard errors before a shift is no chance: to warn, and to refuse.
_WARN_ERRORS, _REFUSE_ERRORS = 2.0, 3.0


def log_skewness(cells: Cells) -> Gate:
    """Judge how far the skewness of the logarithms takes a mean from where a lognormal puts it.

    The logarithm of a mean is ``μ + σ²/2 + κ₃/6 + ...`` in the cumulants of the logarithms, and a lognormal
    stops at the second. κ₃ is pooled over the cells, which share their shape if only their effects differ: a
    small cell's own mean is too uncertain to show that the family misses it.

    Parameters
    ----------
    cells
        The data.

    Returns
    -------
    Gate
        ``|κ₃| / 6``, a share of the mean; it counts only where κ₃ is standard errors from zero as well.
    """
    logs = cells.moments("log")
    n, ss, third = (float(logs[name].sum()) for name in ("n", "ss", "sc"))
    third -= _of_patterns(cells)
    shift = abs(third) / n / 6
    error = math.sqrt(6 * (1 + _correlation(cells) ** 3) / n) * (ss / n) ** 1.5 / 6
    # Logarithms that are all one number have no error, and no skewness either.
    away = shift / error if error else 0.0
    even = "The logarithms are as even as a normal's."
    skewed = (
        f"The logarithms are skewed ({away:.1f} standard errors): the means that this family "
        f"makes of them are too {'low' if third > 0 else 'high'}."
    )
    gate = judge("log_skewness", "family", shift, {"pass": even, "fail": skewed})
    if away <= _WARN_ERRORS:
        return gate.at_most("pass", even)
    return gate.at_most("warn", skewed) if away <= _REFUSE_ERRORS else gate


def _correlation(cells: Cells) -> float:
    """Correlate the logarithms of users active twice: their cubes, which κ₃ adds, correlate as its cube."""
    if cells.joint.size == 1:
        return 0.0
    logs = cells.joint.activity("log").isel(pattern=0)
    axes = tuple(range(logs["n"].ndim))
    before, after = logs["ss"].to_numpy().sum(axis=axes)
    return max(0.0, float(logs["cross"].to_numpy()[..., 0, 1].sum() / math.sqrt(before * after)))


def _of_patterns(cells: Cells) -> float:
    """Third central sum that cells owe to users active once, whom a family of pairs knows as such."""
    if cells.joint.size == 1:
        return 0.0
    logs, total = cells.joint.activity("log"), 0.0
    for period, once in enumerate((1, 2)):
        n = logs["n"].to_numpy()[..., [0, once]].astype(float)
        mean = logs["mean"].to_numpy()[..., [0, once], period]
        ss = logs["ss"].to_numpy()[..., [0, once], period]
        away = mean - (n * mean).sum(axis=-1, keepdims=True) / n.sum(axis=-1, keepdims=True)
        total += float(np.sum(3 * away * ss + n * away**3))
    return total
