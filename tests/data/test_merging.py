"""Moments by key merge as if users had been counted together; engines are asked for the right ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twobytwo.data.merging import means_of, merged, products_of, sums_of_products, wanted_of
from twobytwo.data.patterns import CHANGE, KEYS, PATTERN
from twobytwo.data.sources import open_source

PRODUCTS = products_of("m", 2)


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
    found = merged(pd.DataFrame([*rows, stranger]), PATTERN, PRODUCTS)
    assert found[["cell", "n"]].to_numpy().tolist() == [[0, 60], [1, 7]]
    for name, expected in moments_of(values).items():
        np.testing.assert_allclose(found.loc[0, name], expected, rtol=1e-12)


def test_by_bins_of_the_change_sums_and_logarithms_are_merged_too() -> None:
    products = products_of("m", 1) | products_of("l", 1)
    row = dict.fromkeys((*means_of(products), *products), 1.0) | {"s1": 1.0, "s2": 2.0, "s3": 3.0}
    keys = {"cell": 0, "present": 1, "active": 1, "n": 2}
    frame = pd.DataFrame([{**keys, "reference": at, **row} for at in (0.5, 0.5, 1.5)])
    found = merged(frame, KEYS, products, CHANGE)
    assert found["reference"].tolist() == [0.5, 1.5]
    assert found[["n", "s1", "s3", "l0", "l0_0"]].iloc[0].tolist() == [4, 2.0, 6.0, 1.0, 2.0]


def test_merging_nothing_gives_nothing() -> None:
    nothing = pd.DataFrame(columns=[*PATTERN, "n", *means_of(PRODUCTS), *PRODUCTS], dtype=float)
    assert merged(nothing, PATTERN, PRODUCTS).empty


def test_an_engine_gives_the_sums_of_one_user_and_of_many() -> None:
    values = np.random.default_rng(2).normal(10, 2, (9, 2))
    rows = pd.DataFrame(values, columns=["a", "b"]).assign(cell=[0] * 8 + [1])
    source = open_source(rows, ["a", "b", "cell"])
    table = source.table
    asked = wanted_of({"m0": table.a, "m1": table.b}, PRODUCTS)
    answer = source.execute(table.group_by("cell").agg(n=table.count(), **asked), "moments").to_pandas()
    found = sums_of_products(answer, PRODUCTS).set_index("cell")
    for name, expected in moments_of(values[:8]).items():
        np.testing.assert_allclose(found.loc[0, name], expected, rtol=1e-12)
    assert found.loc[1, list(PRODUCTS)].tolist() == [0.0, 0.0, 0.0]
