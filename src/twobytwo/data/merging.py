"""Counts, means and central sums by some keys: how to ask an engine for them, and how they merge exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Products", "combined", "means_of", "merged", "products_of", "sums_of_products", "wanted_of"]

Integers = npt.NDArray[np.integer[Any]]

type Products = Mapping[str, tuple[str, str]]
"""Names of central sums of products, each with the names of the two means."""


def products_of(letter: str, columns: int) -> dict[str, tuple[str, str]]:
    """Name the central sums of squares and products of several columns, as tables of users keep them.

    Examples
    --------
    >>> products_of("m", 2)
    {'m0_0': ('m0', 'm0'), 'm0_1': ('m0', 'm1'), 'm1_1': ('m1', 'm1')}
    """
    return {
        f"{letter}{j}_{k}": (f"{letter}{j}", f"{letter}{k}")
        for j in range(columns)
        for k in range(j, columns)
    }


def means_of(products: Products) -> tuple[str, ...]:
    """Name the means about which the products are taken.

    Examples
    --------
    >>> means_of(products_of("m", 2))
    ('m0', 'm1')
    """
    return tuple(dict.fromkeys(name for pair in products.values() for name in pair))


def wanted_of(values: Mapping[str, Any], products: Products) -> dict[str, Any]:
    """Write the expressions that an engine is asked for; `sums_of_products` makes sums of what it answers.

    Parameters
    ----------
    values
        The expression of each value, by the name of its mean.
    products
        Which variances and covariances to ask for.
    """
    means = {name: values[name].mean() for name in means_of(products)}
    return means | {
        name: values[one].var(how="pop") if one == other else values[one].cov(values[other], how="pop")
        for name, (one, other) in products.items()
    }


def sums_of_products(found: pd.DataFrame, products: Products) -> pd.DataFrame:
    """Make central sums of the variances and covariances of `wanted_of`; undefined ones are 0."""
    return found.assign(**{name: found[name].fillna(0.0) * found["n"] for name in products})


def merged(
    frame: pd.DataFrame, keys: Sequence[str], products: Products, sums: Sequence[str] = ()
) -> pd.DataFrame:
    """Merge rows that describe the same key.

    Parameters
    ----------
    frame
        Columns of `keys`, counts ``n``, means, central sums and plain sums.
    keys
        What a row describes.
    products
        The central sums and their means.
    sums
        What adds up as it is.

    Returns
    -------
    pandas.DataFrame
        One row per key, sorted by `keys`.

    Notes
    -----
    Means and central sums are merged by their exact update formulas (Chan, Golub & LeVeque 1983).
    """
    keys = list(keys)
    key = frame.groupby(keys, sort=True).ngroup().to_numpy()
    made = combined(frame, key, int(key.max(initial=-1)) + 1, products, sums)
    return frame[keys].drop_duplicates().sort_values(keys, ignore_index=True).assign(**made)


def combined(
    frame: pd.DataFrame, key: Integers, size: int, products: Products, sums: Sequence[str] = ()
) -> dict[str, npt.NDArray[Any]]:
    """Merge rows that describe the same key, where the keys are numbered; see `merged`.

    Parameters
    ----------
    frame, products, sums
        As for `merged`.
    key
        Number of what each row describes, from 0; shape (rows,).
    size
        How many numbers there are.

    Returns
    -------
    dict
        By name one array of shape (size,); means of numbers that no row has are NaN.
    """
    n = frame["n"].to_numpy(float)
    total = np.bincount(key, n, size)
    made: dict[str, npt.NDArray[Any]] = {"n": total.round().astype(np.int64)}
    made |= {name: np.bincount(key, frame[name].to_numpy(float), size) for name in sums}
    shift = {}
    for name in means_of(products):
        value = frame[name].to_numpy(float)
        with np.errstate(invalid="ignore"):
            made[name] = centre = np.bincount(key, n * value, size) / total
        shift[name] = value - centre[key]
    for name, (one, other) in products.items():
        within = frame[name].to_numpy(float)
        made[name] = np.bincount(key, within + n * shift[one] * shift[other], size)
    return made
