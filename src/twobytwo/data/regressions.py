"""Regressions of every column on those before it, from sums of squares and products."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["regressions"]

Floats = npt.NDArray[np.float64]


def regressions(cross: Floats) -> tuple[Floats, Floats, Floats]:
    """Regress every column on those before it.

    Parameters
    ----------
    cross
        Central sums of squares and products; shape (..., D, D).

    Returns
    -------
    residual : numpy.ndarray
        Residual sum of squares of every column given all columns before it; shape (..., D).
    slope : numpy.ndarray
        ``[j, k]`` for k < j: slope of column j on what columns before k leave of column k; the factor Q of
        ``cross = Q diag(residual) Qᵀ`` below its diagonal of ones; shape (..., D, D).
    partial : numpy.ndarray
        ``[j, k]`` for k < j: partial correlation of the columns j and k given all before k; same shape.

    Examples
    --------
    >>> residual, slope, _ = regressions(np.array([[4.0, 2.0], [2.0, 5.0]]))
    >>> residual.tolist(), slope[1, 0].item()
    ([4.0, 4.0], 0.5)
    """
    left, columns = cross.copy(), cross.shape[-1]
    slope, partial = np.zeros_like(left), np.zeros_like(left)
    for k in range(columns):
        for j in range(k + 1, columns):
            partial[..., j, k] = left[..., j, k] / np.sqrt(left[..., k, k] * left[..., j, j])
            slope[..., j, k] = left[..., j, k] / left[..., k, k]
        column, square = left[..., k].copy(), left[..., k, k].copy()
        for j in range(k + 1, columns):
            for i in range(j, columns):
                left[..., i, j] = left[..., j, i] = left[..., i, j] - column[..., i] * column[..., j] / square
    return np.diagonal(left, axis1=-2, axis2=-1).copy(), slope, partial
