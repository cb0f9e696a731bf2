"""One method's answer, and the interval that its error gives."""

from __future__ import annotations

import pytest

from twobytwo.check.record import answered


def test_an_interval_is_as_wide_as_its_probability_asks() -> None:
    normal = answered("ols", 2.0, 1.0, 0.95, "rows independent")
    assert (normal.lower, normal.upper) == pytest.approx((2 - 1.959964, 2 + 1.959964))
    few = answered("welch_change", 2.0, 1.0, 0.95, "users independent", df=4)
    assert few.upper - few.lower > normal.upper - normal.lower
