"""What checks read from cells as plain arrays."""

from __future__ import annotations

import numpy as np
from small import cells

from twobytwo.check.arrays import weigh


def test_the_estimate_is_the_weighted_sum_of_means() -> None:
    made = cells(seed=3)
    mean = made.moments()["mean"].to_numpy()
    weighed = weigh(made)
    np.testing.assert_allclose(weighed.estimate, mean[1, 1] - mean[1, 0] - mean[0, 1] + mean[0, 0])
    assert weighed.weights.sum() == 0
