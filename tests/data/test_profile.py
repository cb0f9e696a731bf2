"""A table seen from above: rows, levels, what is missing and what is infinite, by cell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twobytwo.ask.design import Design
from twobytwo.data.profile import profile
from twobytwo.data.sources import open_source

TWO = Design.interaction(outcome="y", factors=("a", "b"))


def test_a_profile_counts_by_cell() -> None:
    values = [np.nan, np.inf, *range(18)]
    frame = pd.DataFrame({"y": values, "a": np.arange(20) // 2 % 2, "b": np.arange(20) % 2})
    found = profile(open_source(frame, TWO.columns), TWO)
    assert found.rows == 20
    by_levels = {cell.levels: cell for cell in found.cells}
    assert by_levels[0, 0].missing == 1
    assert by_levels[0, 1].infinite == 1
    assert (by_levels[1, 1].low, by_levels[1, 1].high) == (1.0, 17.0)
    assert found.levels(0) == [0, 1]


def test_moments_of_cells_are_those_of_their_rows_where_sums_know_them() -> None:
    frame = pd.DataFrame({"y": np.arange(20.0) ** 2, "a": np.arange(20) // 2 % 2, "b": np.arange(20) % 2})
    design = TWO.resolve({"a": [0, 1], "b": [0, 1]})
    moments = profile(open_source(frame, TWO.columns), design).moments(design)
    assert moments is not None
    np.testing.assert_allclose(moments.frame["mean"], frame.groupby(["a", "b"])["y"].mean())
    # About zero, sums of values that hardly vary would lose digits.
    far = frame.assign(y=1e9 + frame["y"])
    assert profile(open_source(far, TWO.columns), design).moments(design) is None
