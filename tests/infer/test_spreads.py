"""The standard error by one spread for all groups, over that by each group's own."""

from __future__ import annotations

import numpy as np
import pytest

from twobytwo.infer.spreads import alike_over_own


def test_groups_of_one_size_have_the_same_error_either_way() -> None:
    n, ss = np.full((2, 1), 100.0), np.array([[400.0], [25.0]])
    assert alike_over_own(n, ss, np.ones((2, 1))) == pytest.approx(1.0)


def test_one_spread_is_that_of_the_groups_that_are_compared() -> None:
    n, ss = np.array([[900.0], [100.0], [500.0]]), np.array([[900.0], [25.0], [1e9]])
    variance = (900 + 25) / 1_000 * (1 / 900 + 1 / 100)
    own = 900 / 900**2 + 25 / 100**2
    found = alike_over_own(n, ss, np.array([[1.0], [1.0], [0.0]]))
    assert found == pytest.approx(np.sqrt(variance / own))


def test_what_does_not_vary_has_no_ratio() -> None:
    assert np.isnan(alike_over_own(np.full((2, 1), 9.0), np.zeros((2, 1)), np.ones((2, 1))))
