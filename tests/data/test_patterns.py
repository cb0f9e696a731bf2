"""Patterns of presence, and moments by pattern that merge as if the users had been counted together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twobytwo.data.patterns import KEYS, PATTERN, bits, merged, moment_names, patterns


def test_patterns_begin_everywhere_and_end_nowhere() -> None:
    assert patterns(1) == ((True,), (False,))
    found = patterns(3)
    assert (found[0], found[-1], len(found)) == ((True,) * 3, (False,) * 3, 8)


def test_the_first_column_has_the_highest_bit() -> None:
    assert [bits(pattern) for pattern in patterns(2)] == [3, 2, 1, 0]
    assert bits((True, False, False)) == 4


def moments_of(values: np.ndarray) -> dict[str, float]:
    """Moments of one part of the users, by NumPy alone."""
    products = np.atleast_2d(np.cov(values, rowvar=False, ddof=0)) * len(values)
    return {f"m{j}": values[:, j].mean() for j in range(2)} | {
        f"m{j}_{k}": products[j, k] for j in range(2) for k in range(j, 2)
    }


def test_parts_merge_into_the_moments_of_all() -> None:
    values = np.random.default_rng(1).normal(100, 3, (60, 2)) @ np.array([[1, 0.5], [0, 1]])
    parts = np.split(values, [7, 20])
    rows = [{"cell": 0, "present": 3, "active": 3, "n": len(part), **moments_of(part)} for part in parts]
    stranger = {**rows[0], "cell": 1}
    found = merged(pd.DataFrame([*rows, stranger]), 2, PATTERN)
    assert found[["cell", "n"]].to_numpy().tolist() == [[0, 60], [1, 7]]
    for name, expected in moments_of(values).items():
        np.testing.assert_allclose(found.loc[0, name], expected, rtol=1e-12)


def test_by_bins_of_the_change_sums_and_logarithms_are_merged_too() -> None:
    row = dict.fromkeys(moment_names(1), 1.0) | {"s1": 1.0, "s2": 2.0, "s3": 3.0}
    keys = {"cell": 0, "present": 1, "active": 1, "n": 2}
    frame = pd.DataFrame([{**keys, "reference": at, **row} for at in (0.5, 0.5, 1.5)])
    found = merged(frame, 1, KEYS)
    assert found["reference"].tolist() == [0.5, 1.5]
    assert found[["n", "s1", "s3", "l0", "l0_0"]].iloc[0].tolist() == [4, 2.0, 6.0, 1.0, 2.0]
