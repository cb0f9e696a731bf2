"""Two experiments with published or textbook answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from twobytwo.simulate.arguments import whole

__all__ = ["active_minutes", "cannibalisation", "labels"]

# The published recipe in the order of its draws: variant, period, mean, sd, n.
_ACTIVE_MINUTES = (
    (0, "pre", 478, 1_821, 39_776),
    (1, "pre", 275, 1_078, 9_921),
    (0, "post", 458, 1_653, 37_425),
    (1, "post", 458, 1_681, 9_208),
)


def active_minutes() -> pd.DataFrame:
    """Replay the published stand-in for active minutes per user: four normal cells, no user ids.

    The true difference-in-differences is 203 minutes; this one draw gives 223.1779 by ordinary
    least squares, with the classical standard error 27.134.

    Returns
    -------
    pandas.DataFrame
        96,330 rows; `variant` (0 control, 1 treatment), `period` ("pre", "post"), `minutes` (float,
        minutes per user; many are negative, because the recipe is normal).

    Examples
    --------
    >>> rows = active_minutes()
    >>> mean = rows.groupby(["variant", "period"])["minutes"].mean()
    >>> did = (mean[1, "post"] - mean[1, "pre"]) - (mean[0, "post"] - mean[0, "pre"])
    >>> print(f"{did:.4f}")
    223.1779
    """
    # The published numbers come from NumPy's legacy stream, which a Generator cannot replay.
    rng = np.random.RandomState(14)
    draws = [rng.normal(mean, sd, n) for _, _, mean, sd, n in _ACTIVE_MINUTES]
    sizes = [values.size for values in draws]
    return pd.DataFrame(
        {
            "variant": np.repeat([cell[0] for cell in _ACTIVE_MINUTES], sizes),
            "period": labels([cell[1] for cell in _ACTIVE_MINUTES], sizes),
            "minutes": np.concatenate(draws),
        }
    )


def cannibalisation(*, seed: int = 2, n_per_cell: int = 500) -> pd.DataFrame:
    """Draw two experiments on one population that take 3 units away from each other.

    The outcome is normal with standard deviation 1 and means 10 (neither), 15 (experiment 2 only),
    20 (experiment 1 only) and 22 (both), so `10 + 10·x1 + 5·x2 − 3·x1·x2`.

    Parameters
    ----------
    seed
        Seed of the generator, at least 0; the same seed gives the same rows.
    n_per_cell
        Users in each of the four cells, at least 1.

    Returns
    -------
    pandas.DataFrame
        `4 * n_per_cell` rows; `exp1_is_treatment`, `exp2_is_treatment` (bool), `out` (float).

    Examples
    --------
    >>> rows = cannibalisation(n_per_cell=50_000)
    >>> mean = rows.groupby(["exp1_is_treatment", "exp2_is_treatment"])["out"].mean()
    >>> print(mean.round(1).to_list())
    [10.0, 15.0, 20.0, 22.0]
    """
    rng = np.random.default_rng(whole("seed", seed, at_least=0))
    n = whole("n_per_cell", n_per_cell, at_least=1)
    first = np.repeat([False, False, True, True], n)
    second = np.repeat([False, True, False, True], n)
    mean = 10.0 + 10.0 * first + 5.0 * second - 3.0 * (first & second)
    out = rng.normal(mean, 1.0)
    return pd.DataFrame({"exp1_is_treatment": first, "exp2_is_treatment": second, "out": out})


def labels(labels: Sequence[str], sizes: Sequence[int]) -> pd.api.extensions.ExtensionArray:
    """Repeat each label as often as its size says."""
    # Repeated as an Arrow array: ten times faster than from twenty million Python references.
    return pd.array(list(labels), dtype="str").repeat(sizes)
