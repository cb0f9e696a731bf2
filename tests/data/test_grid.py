"""Where bins are: stable under halving, finer for more rows, few whatever the range."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.cells import compress

Floats = npt.NDArray[np.float64]

DESIGN = Design.interaction(outcome="y", factors=("a", "b"))
N = 100_000


def dealt(y: Floats) -> pd.DataFrame:
    """Rows dealt to the four cells in turn."""
    turn = np.arange(len(y)) % 4
    return pd.DataFrame({"y": y, "a": turn // 2, "b": turn % 2})


def test_the_grid_of_a_half_is_mostly_that_of_the_whole() -> None:
    y = np.random.default_rng(11).lognormal(4.0, 1.9, N)
    whole, half = (compress(dealt(part), DESIGN) for part in (y, y[: N // 2]))
    shared = np.isin(half.bins.frame["reference"], whole.bins.frame["reference"])
    assert shared.mean() > 0.95


def test_more_rows_get_finer_bins() -> None:
    """Width shrinks like the fourth root of the number of rows, in powers of two, from 100,000 rows on."""
    rng = np.random.default_rng(6)
    coarse, fine = (compress(dealt(rng.normal(0, 1, n)), DESIGN) for n in (100_000, 110_000))
    widths = [np.diff(np.unique(cells.bins.frame["reference"])).min() for cells in (coarse, fine)]
    assert widths[1] == widths[0] / 2


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (1e-6, 1e6), (-5.0, 5.0), (1e6, 1e6 + 1), (-1e9, -1e9 + 1e3)]
)
def test_bins_stay_few_whatever_the_range(low: float, high: float) -> None:
    y = np.random.default_rng(8).uniform(low, high, 40_000)
    cells = compress(dealt(y), DESIGN)
    assert len(cells.bins.frame) / 4 < 800
    assert cells.rows == 40_000
