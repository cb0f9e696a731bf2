"""Answers that know which rows are one user's: cluster-robust least squares, changes, covariance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twobytwo.ask.contrast import Contrast
from twobytwo.check.absences import completed_means
from twobytwo.check.arrays import (
    changes,
    changes_weights,
    incomplete,
    joint,
    periods,
    weigh,
    weights_of,
)
from twobytwo.check.record import Check, answered
from twobytwo.data.cells import Cells
from twobytwo.data.slopes import common_slope

__all__ = ["adjusted", "ancova", "by_user", "clustered", "contrast_of_means", "fiml", "sandwich", "welch"]

Floats = npt.NDArray[np.float64]

_NAMES = {"CR1": "ols_cluster", "CR2": "ols_cluster_cr2", "CR3": "ols_cluster_cr3"}


def by_user(cells: Cells, ci_prob: float = 0.95, contrast: Contrast | None = None) -> tuple[Check, ...]:
    """Least squares with the users as clusters, and comparisons of users seen twice.

    Parameters
    ----------
    cells
        The data, with users known.
    ci_prob
        Probability of the confidence intervals.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    tuple of Check
        ``ols_cluster``, ``ols_cluster_cr2``, ``ols_cluster_cr3``; of users' changes also ``welch_change``,
        where the groups were drawn at random ``ancova``, and where every row of users seen once counts
        ``fiml``.
    """
    checks = [clustered(cells, kind, ci_prob, contrast) for kind in _NAMES]
    if joint(cells) is not None:
        if changes_weights(weights_of(cells, contrast)) is not None:
            checks.append(welch(cells, ci_prob, contrast))
        if adjusted(cells, contrast) is not None:
            checks.append(ancova(cells, ci_prob, contrast))
        if incomplete(cells):
            checks.append(fiml(cells, ci_prob, contrast))
    return tuple(checks)


def adjusted(cells: Cells, contrast: Contrast | None = None) -> Floats | None:
    """Give a contrast's weights on the groups after, if groups drawn at random were alike before.

    None where the groups were not drawn at random, or where the contrast does not compare them after.
    """
    weights = weights_of(cells, contrast)
    if not cells.design.randomised or cells.design.period is None or weights.ndim != 2:
        return None
    after = weights[:, -1]
    return after if after.any() and abs(after.sum()) < 1e-12 else None


def clustered(
    cells: Cells, kind: str = "CR2", ci_prob: float = 0.95, contrast: Contrast | None = None
) -> Check:
    """Give the contrast of the means with one of the errors of `sandwich`."""
    error = sandwich(cells, contrast)[kind]
    return answered(_NAMES[kind], weigh(cells, contrast).estimate, error, ci_prob, "users independent")


def sandwich(cells: Cells, contrast: Contrast | None = None) -> dict[str, float]:
    """Cluster-robust standard errors of the contrast by their compact formulas, at any size.

    Parameters
    ----------
    cells
        The data, with users known.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    dict
        ``CR0``, ``CR1``, ``CR2`` and ``CR3``, in units of the outcome.

    Notes
    -----
    In the saturated model ``Var = Σ w² S/d² + 2 Σ_g w₀ w₁ C/(d₀ d₁)`` with S the sums of squares of the
    cells and C the sum over a group's users of products of residuals before and after; d is n, √(n(n−1)) or
    n − 1 for CR0, CR2 and CR3. CR1 is CR0 times ``G/(G−1) · (N−1)/(N−K)`` (MacKinnon, Nielsen & Webb 2023).
    Where a user is in one cell only, C is zero.

    Examples
    --------
    >>> from twobytwo import Design, compress, simulate
    >>> design = Design.did(
    ...     outcome="minutes", group="variant", period="period", unit="user_id", missing="drop"
    ... )
    >>> errors = sandwich(compress(simulate.user_minutes(simulate.UserMinutes(n=500)), design))
    >>> errors["CR0"] < errors["CR2"] < errors["CR3"]
    True
    """
    weights, n, mean, ss = weigh(cells, contrast)
    moments, kept = joint(cells), periods(cells, weights_of(cells, contrast))
    together = moments if kept == slice(None) else None
    rows = n.sum()
    users = rows if kept != slice(None) else cells.units or cells.rows

    def variance(d: Any) -> float:
        squares = np.divide(weights**2 * ss, d**2, out=np.zeros_like(ss), where=weights != 0)
        found = float(squares.sum())
        if together is not None:
            shift = together.mean[:, 0] - mean
            cross = together.sp[:, 0] + together.n[:, 0] * shift[:, 0] * shift[:, 1]
            crossed = np.divide(
                weights.prod(axis=1) * cross,
                d.prod(axis=1),
                out=np.zeros_like(cross),
                where=weights.prod(axis=1) != 0,
            )
            found += 2 * float(crossed.sum())
        return found

    small = users / (users - 1) * (rows - 1) / (rows - n.size)
    variances = {
        "CR0": variance(n),
        "CR1": variance(n) * small,
        "CR2": variance(np.sqrt(n * (n - 1))),
        "CR3": variance(n - 1),
    }
    return {name: value**0.5 for name, value in variances.items()}


def welch(cells: Cells, ci_prob: float = 0.95, contrast: Contrast | None = None) -> Check:
    """Compare the users' changes; Welch–Satterthwaite degrees of freedom.

    Parameters
    ----------
    cells
        The data, with users seen twice.
    ci_prob
        Probability of the confidence interval.
    contrast
        One of users' changes; None takes the headline's.

    Returns
    -------
    Check
        ``welch_change``.
    """
    bins, weights = changes(cells), changes_weights(weights_of(cells, contrast))
    assert bins is not None
    assert weights is not None
    moments = bins.moments()
    n, mean, ss = (moments[name].to_numpy() for name in ("n", "mean", "ss"))
    used = weights != 0
    variance = weights[used] ** 2 * ss[used] / (n[used] - 1) / n[used]
    df = variance.sum() ** 2 / (variance**2 / (n[used] - 1)).sum()
    whole = cells.design.missing == "zero"
    assumes = f"users independent; {'absent ones count as 0' if whole else 'only those seen in both periods'}"
    se = float(variance.sum()) ** 0.5
    return answered("welch_change", float(weights @ mean), se, ci_prob, assumes, df=float(df))


def ancova(cells: Cells, ci_prob: float = 0.95, contrast: Contrast | None = None) -> Check:
    """Compare the groups after, given before, where all have one mean before (Coffman et al. 2016).

    Parameters
    ----------
    cells
        The data; groups drawn at random.
    ci_prob
        Probability of the confidence interval.
    contrast
        One between groups after; None takes the headline's.

    Returns
    -------
    Check
        ``ancova``. Every group has a slope of its own (Lin 2013), or all have one where a group is small
        (`twobytwo.data.slopes`); only the groups that the contrast weighs count. Without users seen twice it
        is the comparison of the cells after.
    """
    weights, moments = adjusted(cells, contrast), joint(cells)
    assert weights is not None
    used = weights != 0
    weights = weights[used]
    if moments is None:
        rows = cells.moments()
        n, ss, after = (rows[name].to_numpy()[used, -1] for name in ("n", "ss", "mean"))
        variance = weights**2 * ss / (n - 1) / n
        assumes = "rows independent; groups alike before"
        return answered("ancova", float(weights @ after), float(variance.sum()) ** 0.5, ci_prob, assumes)
    n, mean, ss, sp = (array[used, 0] for array in moments)
    assumes = "users independent; groups alike before"
    if common_slope(cells):
        one = sp.sum() / ss[:, 0].sum()
        residual = ss[:, 1] - 2 * one * sp + one**2 * ss[:, 0]
        variance = (weights**2 * residual / (n - 1) / n).sum()
        estimate = weights @ (mean[:, 1] - one * mean[:, 0])
        return answered("ancova", float(estimate), float(variance) ** 0.5, ci_prob, f"{assumes}; one slope")
    slope = sp / ss[:, 0]
    precision = n * (n - 1) / ss[:, 0]
    baseline = (precision * mean[:, 0]).sum() / precision.sum()
    after = mean[:, 1] + slope * (baseline - mean[:, 0])
    residual = weights**2 * (ss[:, 1] - sp * slope) / (n - 2) / n
    variance = residual.sum() + (weights @ slope) ** 2 / precision.sum()
    return answered("ancova", float(weights @ after), float(variance) ** 0.5, ci_prob, assumes)


def fiml(cells: Cells, ci_prob: float = 0.95, contrast: Contrast | None = None) -> Check:
    """Compare the groups' means, completed for those who were absent; see `completed_means`.

    Parameters
    ----------
    cells
        The data, with users seen twice and users seen once.
    ci_prob
        Probability of the confidence interval.
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    Check
        ``fiml``.
    """
    estimate, se = contrast_of_means(cells, *completed_means(cells), contrast)
    assumes = "users independent; who is absent depends at most on what was seen, linearly"
    return answered("fiml", estimate, se, ci_prob, assumes)


def contrast_of_means(
    cells: Cells, mean: Floats, covariance: Floats, contrast: Contrast | None = None
) -> tuple[float, float]:
    """Contrast means before and after of independent groups.

    Parameters
    ----------
    cells
        Says which contrast, and whether the groups were alike before.
    mean, covariance
        Of every group's two means; shapes (groups, 2) and (groups, 2, 2).
    contrast
        Of the cells; None takes the headline's.

    Returns
    -------
    estimate, se : float
        In units of the outcome.
    """
    weights, alike, slope = weights_of(cells, contrast), adjusted(cells, contrast), 1.0
    first, second = weights[:, 0], weights[:, 1]
    if alike is not None:
        # Groups drawn at random have no gap before: what of it was found is chance, and its share after too.
        first, second = -alike, alike
        slope = float(alike**2 @ covariance[:, 0, 1]) / float(alike**2 @ covariance[:, 0, 0])
    estimate = second @ mean[:, 1] + slope * (first @ mean[:, 0])
    variance = (
        second**2 @ covariance[:, 1, 1]
        + 2 * slope * ((first * second) @ covariance[:, 0, 1])
        + slope**2 * (first**2 @ covariance[:, 0, 0])
    )
    return float(estimate), float(variance) ** 0.5
