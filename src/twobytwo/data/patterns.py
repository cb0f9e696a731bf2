"""Who is seen where: patterns of presence, and tables of moments by pattern that merge exactly."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["CHANGE", "KEYS", "PATTERN", "bits", "merged", "moment_names", "patterns"]

PATTERN = ["cell", "present", "active"]
KEYS = [*PATTERN, "reference"]
CHANGE = ["s1", "s2", "s3"]


def patterns(columns: int) -> tuple[tuple[bool, ...], ...]:
    """Ways to be present (or active) in some of the columns: everywhere first, nowhere last.

    Examples
    --------
    >>> patterns(2)
    ((True, True), (True, False), (False, True), (False, False))
    """
    return tuple(sorted(product((True, False), repeat=columns), key=lambda pattern: -sum(pattern)))


def bits(pattern: tuple[bool, ...]) -> int:
    """Give a pattern as the number that tables keep, the first column's bit the highest.

    Examples
    --------
    >>> [bits(pattern) for pattern in patterns(2)]
    [3, 2, 1, 0]
    """
    return sum(present << place for place, present in enumerate(reversed(pattern)))


def moment_names(columns: int, letters: str = "ml") -> list[str]:
    """Name means and central sums of values (m) and of logarithms (l); ``m0_1`` is a sum of products.

    Examples
    --------
    >>> moment_names(2, "m")
    ['m0', 'm1', 'm0_0', 'm0_1', 'm1_1']
    """
    pairs = [(j, k) for j in range(columns) for k in range(j, columns)]
    return [
        name
        for letter in letters
        for name in (*(f"{letter}{j}" for j in range(columns)), *(f"{letter}{j}_{k}" for j, k in pairs))
    ]


def merged(frame: pd.DataFrame, columns: int, keys: list[str]) -> pd.DataFrame:
    """Merge rows that describe the same key.

    Parameters
    ----------
    frame
        Counts ``n`` and the moments of `moment_names` by `keys`: of values only by ``PATTERN``; of logarithms
        too, with the sums ``CHANGE``, by ``KEYS``.
    columns
        How many values a user has.
    keys
        ``PATTERN`` or ``KEYS``.

    Returns
    -------
    pandas.DataFrame
        One row per key, sorted.

    Notes
    -----
    Means and central sums are merged by their exact update formulas (Chan, Golub & LeVeque 1983).
    """
    letters, change = ("ml", CHANGE) if "reference" in keys else ("m", [])
    key = frame.groupby(keys, sort=True).ngroup().to_numpy()
    size = max(key, default=-1) + 1
    n = frame["n"].to_numpy(float)
    total = np.bincount(key, n, size)
    merged = frame[keys].drop_duplicates().sort_values(keys)
    made: dict[str, Any] = {"n": total.round().astype(np.int64)}
    for name in change:
        made[name] = np.bincount(key, frame[name], size)
    for letter in letters:
        shift = {}
        for j in range(columns):
            value = frame[f"{letter}{j}"].to_numpy(float)
            made[f"{letter}{j}"] = centre = np.bincount(key, n * value, size) / total
            shift[j] = value - centre[key]
        for j in range(columns):
            for k in range(j, columns):
                within = frame[f"{letter}{j}_{k}"].to_numpy(float)
                made[f"{letter}{j}_{k}"] = np.bincount(key, within + n * shift[j] * shift[k], size)
    return merged.reset_index(drop=True).assign(**made)
