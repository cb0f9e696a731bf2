"""What a contrast's error owes to a group that spreads less than the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["alike_over_own"]

Floats = npt.NDArray[np.float64]


def alike_over_own(n: Floats, ss: Floats, squared: Floats) -> float:
    """Divide a contrast's error by one spread for all groups of a period by that of each group's own.

    Parameters
    ----------
    n, ss
        Values and their central sums of squares; shape (groups, periods).
    squared
        Squared weights of the contrast.

    Returns
    -------
    float
        NaN where nothing varies. It is 1 for groups of one size.

    Examples
    --------
    >>> n, ss = np.array([[900.0], [100.0]]), np.array([[900.0], [25.0]])
    >>> round(alike_over_own(n, ss, np.ones((2, 1))), 2)  # a small group with half the spread
    1.69
    """
    used = squared > 0
    n, ss = np.where(used, n, 0), np.where(used, ss, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.nan_to_num(ss.sum(axis=0) / n.sum(axis=0))
        each = np.where(used, squared / n, 0.0)
        own = np.where(used, squared * ss / n.astype(float) ** 2, 0.0)
        return float(np.sqrt((pooled * each).sum() / own.sum()))
