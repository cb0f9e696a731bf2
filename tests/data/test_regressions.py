"""Regressions from sums of products, against least squares on the rows."""

from __future__ import annotations

import numpy as np

from twobytwo.data.regressions import regressions


def test_regressions_are_those_of_least_squares() -> None:
    values = np.random.default_rng(4).standard_normal((50, 3)) @ np.array(
        [[1, 0.5, 2], [0, 1, -1], [0, 0, 1]]
    )
    centred = values - values.mean(axis=0)
    residual, slope, partial = regressions(centred.T @ centred)
    left = [centred[:, 0]]
    for j in (1, 2):
        fitted = np.linalg.lstsq(centred[:, :j], centred[:, j], rcond=None)[0]
        left.append(centred[:, j] - centred[:, :j] @ fitted)
    np.testing.assert_allclose(residual, [own @ own for own in left], rtol=1e-10)
    for j, k in ((1, 0), (2, 0), (2, 1)):
        np.testing.assert_allclose(slope[j, k], left[k] @ centred[:, j] / (left[k] @ left[k]), rtol=1e-10)
    third = centred[:, 2] - centred[:, 0] * slope[2, 0]
    np.testing.assert_allclose(partial[2, 1], np.corrcoef(left[1], third)[0, 1], rtol=1e-10)
