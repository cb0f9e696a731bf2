"""What strata of the value before say of two groups, before any model: effects, their errors, spreads."""

from __future__ import annotations

import numpy as np
import xarray as xr

__all__ = ["COUNTED", "adjusted", "error_beside_covariance", "spread_of_groups"]

# The share of its users that an estimated coefficient of variation counts: skewed outcomes have a kurtosis
# far above a normal's, and where few heavy users came, the estimate is too small by itself.
COUNTED = 0.2
# A group's own variance is drawn to the common one as by so many counted users. That is a prior sd of about a
# third of the log of its spread: 2 / 4 is the variance of the log of a variance that 4 users tell.
_DRAWN = 4.0


def adjusted(strata: xr.Dataset) -> xr.Dataset:
    """Adjust the difference of the groups in every stratum for the value before.

    Parameters
    ----------
    strata
        As `twobytwo.data.strata.ByBefore.strata` gives them, for two groups.

    Returns
    -------
    xarray.Dataset
        Dim ``stratum``: ``n`` users, share ``treated``, ``mean`` after, ``relative`` effect, ``hat`` (its
        variance in squared coefficients of variation), ``cv`` (common to the groups), its degrees of freedom
        ``df``, and ``spread`` (standard deviation of the value after).

    Notes
    -----
    One slope for both groups, ``b = Σ Sxy / Σ Sxx``: the relative effect is
    ``((ȳ₁ − ȳ₀) − b (x̄₁ − x̄₀)) / ȳ``, its variance ``c² (1/n₀ + 1/n₁ + (x̄₁ − x̄₀)² / Sxx)``. By one spread
    for both groups, a small one that spreads more has too small an error. So all variances are larger by
    one factor where each group's own spread, drawn to the common one, makes the error of the whole effect
    larger. With a factor for each stratum estimates would lean down, because small means come with small
    spreads; and a factor below 1 would believe few users who happen to be alike.
    """
    n, x, y = (strata[name].to_numpy() for name in ("n", "x", "y"))
    sxx, sxy = (strata[name].sum("group").to_numpy() for name in ("xx", "xy"))
    total = n.sum(axis=1)
    gap = x[:, 1] - x[:, 0]
    flat = sxx <= 1e-9 * (n * x**2).sum(axis=1)
    safe = np.where(flat, 1.0, sxx)
    slope = np.where(flat, 0.0, sxy / safe)
    mean = (n * y).sum(axis=1) / total
    difference = y[:, 1] - y[:, 0] - slope * gap
    df = total - np.where(flat, 2, 3)
    syy = strata["yy"].sum("group").to_numpy()
    residual = np.maximum(syy - 2 * slope * sxy + slope**2 * sxx, 1e-12 * np.maximum(syy, mean**2))
    hat = (1 / n).sum(axis=1) + np.where(flat, 0.0, gap**2 / safe)
    each = strata["yy"] - 2 * slope[:, None] * strata["xy"] + slope[:, None] ** 2 * strata["xx"]
    counted, common = COUNTED * (n - 1), (residual / df)[:, None]
    own = ((_DRAWN * common + COUNTED * each.to_numpy()) / (_DRAWN + counted) / n).sum(axis=1)
    factor = max(1.0, (total**2 * own).sum() / (total**2 * residual / df * hat).sum())
    columns = {
        "n": total,
        "treated": n[:, 1] / total,
        "mean": mean,
        "relative": difference / mean,
        "hat": hat * factor,
        "cv": np.sqrt(residual / df) / mean,
        "df": df,
        "spread": np.sqrt(np.maximum(syy, residual) / (total - 2)),
    }
    return xr.Dataset(
        {name: ("stratum", values) for name, values in columns.items()}, {"stratum": strata["stratum"]}
    )


def error_beside_covariance(strata: xr.Dataset) -> float:
    """Compare the standard error of the effect with that of one analysis of covariance over all users.

    Parameters
    ----------
    strata
        As for `adjusted`.

    Returns
    -------
    float
        The ratio, of strata over covariance analysis with one slope; neither knows a prior. From 1 on strata
        have nothing to give: their relative effects and spreads have to be learnt beside the effect.
    """
    found = adjusted(strata)
    own = ((found["n"] * found["mean"] * found["cv"]) ** 2 * found["hat"]).sum() / found["n"].sum() ** 2
    n = strata["n"]
    total = n.sum("stratum")
    off = {name: strata[name] - (n * strata[name]).sum("stratum") / total for name in ("x", "y")}
    xx, xy, yy = (
        (strata[a + b] + n * off[a] * off[b]).sum("stratum") for a, b in (("x", "x"), ("x", "y"), ("y", "y"))
    )
    slope = float(xy.sum() / max(float(xx.sum()), np.finfo(float).tiny))
    one = ((yy - 2 * slope * xy + slope**2 * xx) / (total - 1) / total).sum()
    return float(np.sqrt(own / one)) if one > 0 else np.inf


def spread_of_groups(strata: xr.Dataset) -> tuple[float, float]:
    """Compare the groups' coefficients of variation, of which the family knows one.

    Parameters
    ----------
    strata
        As for `adjusted`.

    Returns
    -------
    tuple of float
        The log of the ratio, second group over first, and its standard error. Strata count by their part in
        the error of the effect; those where a group has nothing after are left out.
    """
    found = adjusted(strata)
    n, y, xx, xy, yy = (strata[name].to_numpy() for name in ("n", "y", "xx", "xy", "yy"))
    sxx = xx.sum(axis=1)
    slope = (xy.sum(axis=1) / np.where(sxx > 0, sxx, 1.0))[:, None]
    residual = yy - 2 * slope * xy + slope**2 * xx
    seen = (y > 0).all(axis=1) & (residual > 1e-9 * n * y**2).all(axis=1)
    if not seen.any():
        return 0.0, np.inf
    log_cv = np.log(residual[seen] / (n - 1)[seen]) / 2 - np.log(y[seen])
    weight = (found["n"] * found["mean"] * found["cv"]).to_numpy()[seen] ** 2 * found["hat"].to_numpy()[seen]
    weight = weight / weight.sum()
    variance = (1 / (2 * COUNTED * (n - 1)[seen])).sum(axis=1)
    return float(weight @ (log_cv[:, 1] - log_cv[:, 0])), float(np.sqrt(weight**2 @ variance))
