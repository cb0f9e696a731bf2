"""Least squares of the saturated model: in closed form, and by statsmodels for the crosscheck table."""

from __future__ import annotations

import numpy as np

from twobytwo.ask.contrast import Contrast
from twobytwo.check.arrays import periods, weigh, weights_of
from twobytwo.check.record import Check, answered
from twobytwo.data.cells import Cells

__all__ = ["least_squares", "statsmodels_least_squares"]

_ONE_SPREAD, _ROWS = "rows independent, one spread for all cells", "rows independent"
# Merging a cell's bins to this many keeps its count, mean and variance exactly.
_POINTS = 48


def least_squares(
    cells: Cells, ci_prob: float = 0.95, contrast: Contrast | None = None
) -> tuple[Check, Check]:
    """Classical and heteroscedasticity-robust (HC2) least squares in closed form.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the confidence intervals.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    tuple of Check
        ``ols`` and ``ols_hc2``.

    Notes
    -----
    With one coefficient per cell the estimate is ``w · m``. Its classical variance is ``σ² Σ w²/n``, σ² the
    pooled residual variance with rows − cells degrees of freedom. A row's leverage is 1/n of its cell, so
    the HC2 variance is ``Σ w² s²/n`` with ``s² = SS/(n − 1)``. Intervals use the normal quantile. A contrast
    of one period alone is one of that period's rows alone.

    Examples
    --------
    >>> import pandas as pd
    >>> from twobytwo.data.cells import compress
    >>> from twobytwo.ask.design import Design
    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 5, 8, 13, 21, 34], "a": [0, 1] * 4, "b": [0] * 4 + [1] * 4})
    >>> cells = compress(frame, Design.interaction(outcome="y", factors=("a", "b")))
    >>> round(least_squares(cells)[1].estimate, 6)
    7.5
    """
    table = weigh(cells, contrast)
    square = table.weights**2
    pooled = table.ss.sum() / (table.n.sum() - table.n.size)
    classical = pooled * (square / table.n).sum()
    # A cell that is not asked about may have one row.
    spread = np.divide(table.ss, table.n - 1, out=np.zeros_like(table.ss), where=square > 0)
    robust = (square * spread / table.n).sum()
    return (
        answered("ols", table.estimate, float(classical) ** 0.5, ci_prob, _ONE_SPREAD),
        answered("ols_hc2", table.estimate, float(robust) ** 0.5, ci_prob, _ROWS),
    )


def statsmodels_least_squares(
    cells: Cells, ci_prob: float = 0.95, contrast: Contrast | None = None
) -> tuple[Check, Check]:
    """Answer as `least_squares` does, by statsmodels; imported when called.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the confidence intervals.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    tuple of Check
        ``ols`` and ``ols_hc2``, equal to those of `least_squares` but for rounding.

    Notes
    -----
    A Gaussian GLM with one coefficient per cell on the weighted points, whose weights are frequencies; the
    points keep each cell's count, mean and variance, so the fit is that of all rows. statsmodels has no HC2
    for frequency weights; in the saturated model HC2 is HC0 times n/(n − 1), cell by cell.
    """
    # Not statsmodels.api, which imports time series and more.
    from statsmodels.genmod.families import Gaussian
    from statsmodels.genmod.generalized_linear_model import GLM

    weights = weights_of(cells, contrast)
    kept = periods(cells, weights)
    points = cells.points(coarsest=_POINTS)
    if cells.design.period is not None:
        points = points.isel({cells.design.period: kept})
    weights = weights[..., kept].ravel()
    value, weight = points["value"].to_numpy().ravel(), points["weight"].to_numpy().ravel()
    # One scale for all units: a sum of squares of 1e12 seconds would lose digits in the solver.
    unit = float(np.abs(value).max())
    cell = np.repeat(np.arange(weights.size), points.sizes["point"])
    real = weight > 0
    dummies = (cell[real, None] == np.arange(weights.size)).astype(float)
    model = GLM(value[real] / unit, dummies, family=Gaussian(), freq_weights=weight[real])
    classical, robust = model.fit(), model.fit(cov_type="HC0")
    n = weigh(cells, contrast).n.ravel()
    estimate = unit * float(weights @ classical.params)
    variance = weights @ classical.cov_params() @ weights
    small = np.divide(weights**2 * n, n - 1, out=np.zeros_like(n), where=weights != 0)
    robust_variance = float(small @ np.diag(robust.cov_params()))
    return (
        answered("ols", estimate, unit * variance**0.5, ci_prob, _ONE_SPREAD),
        answered("ols_hc2", estimate, unit * robust_variance**0.5, ci_prob, _ROWS),
    )
