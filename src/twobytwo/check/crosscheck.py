"""The same contrast by other means: least squares and a bootstrap, from the same compressed rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from twobytwo.check.absences import completed_means
from twobytwo.data.bins import gauss, merge
from twobytwo.data.cells import Cells
from twobytwo.data.pairs import Pairs

__all__ = [
    "Check",
    "Crosscheck",
    "bootstrap",
    "by_user",
    "companions",
    "compare",
    "least_squares",
    "robust_check",
    "sandwich",
]

Floats = npt.NDArray[np.float64]

_CONTRAST = np.array([1.0, -1.0, -1.0, 1.0])
# Merging a cell's bins to this many keeps its first three moments exactly; the mean of a resample
# depends on nothing else that 10,000 replicates could show.
_BOOTSTRAP_BINS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One method's answer.

    Parameters
    ----------
    method
        ``"posterior"``; ``"ols"``, ``"ols_hc2"`` (rows independent); ``"ols_cluster"`` (CR1),
        ``"ols_cluster_cr2"``, ``"ols_cluster_cr3"``, ``"welch_change"``, where the groups were drawn
        at random ``"ancova"``, and with ``missing="available"`` ``"fiml"`` (by user); ``"bootstrap"`` (by
        user where users are known).
    estimate, se, lower, upper
        In units of the outcome.
    assumes
        What the method takes for granted, in words.
    """

    method: str
    estimate: float
    se: float
    lower: float
    upper: float
    assumes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosscheck:
    """Several methods' answers to one question, and whether they agree.

    Parameters
    ----------
    checks
        The answers, the posterior's first.
    distance
        Posterior mean minus the robust estimate, in robust standard errors.
    agrees
        Whether the distance is at most 0.5.
    verdict
        The agreement in words, with the reason where there is none.
    """

    checks: tuple[Check, ...]
    distance: float
    agrees: bool
    verdict: str

    @property
    def table(self) -> pd.DataFrame:
        """The answers as a data frame, index ``method``."""
        return pd.DataFrame([asdict(check) for check in self.checks]).set_index("method")

    def __str__(self) -> str:
        return f"{self.table.drop(columns='assumes').to_string(float_format='{:.4g}'.format)}\n{self.verdict}"


def least_squares(cells: Cells, ci_prob: float = 0.95) -> tuple[Check, Check]:
    """Classical and heteroscedasticity-robust (HC2) least squares of the saturated model.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the confidence intervals.

    Returns
    -------
    tuple of Check
        ``ols`` and ``ols_hc2``.

    Notes
    -----
    Fitted by statsmodels as a Gaussian GLM with one coefficient a cell on the weighted points, whose
    weights are frequencies; the points keep each cell's count, mean and variance, so the fit is that of
    all rows. statsmodels has no HC2 for frequency weights. In the saturated model a row's leverage is
    1/n of its cell, so HC2 is HC0 times n/(n − 1), cell by cell. Intervals use the normal quantile, as
    statsmodels' GLM does.

    Examples
    --------
    >>> import pandas as pd
    >>> from twobytwo.data.cells import compress
    >>> from twobytwo.ask.design import Design
    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 5, 8, 13, 21, 34], "a": [0, 1] * 4, "b": [0] * 4 + [1] * 4})
    >>> cells = compress(frame, Design.interaction(outcome="y", factors=("a", "b")))
    >>> round(least_squares(cells)[1].estimate, 6)
    7.5
    """
    points = cells.points(coarsest=_BOOTSTRAP_BINS)
    value, weight = points["value"].to_numpy().ravel(), points["weight"].to_numpy().ravel()
    # One scale for all units: a sum of squares of 1e12 seconds would lose digits in the solver.
    unit = float(np.abs(value).max())
    cell = np.repeat(np.arange(cells.n_cells), points.sizes["point"])
    kept = weight > 0
    dummies = (cell[kept, None] == np.arange(cells.n_cells)).astype(float)
    model = sm.GLM(value[kept] / unit, dummies, family=sm.families.Gaussian(), freq_weights=weight[kept])
    classical, robust = model.fit(), model.fit(cov_type="HC0")
    n = cells.moments()["n"].to_numpy().ravel()
    estimate = unit * float(_CONTRAST @ classical.params)
    variance = _CONTRAST @ classical.cov_params() @ _CONTRAST
    robust_variance = (_CONTRAST**2 * n / (n - 1)) @ np.diag(robust.cov_params())
    return (
        _check("ols", estimate, unit * variance**0.5, ci_prob, "rows independent, one spread for all cells"),
        _check("ols_hc2", estimate, unit * robust_variance**0.5, ci_prob, "rows independent"),
    )


def _check(
    method: str, estimate: float, se: float, ci_prob: float, assumes: str, *, df: float = math.inf
) -> Check:
    half = float(stats.t.ppf((1 + ci_prob) / 2, df)) * float(se)
    return Check(
        method=method,
        estimate=estimate,
        se=float(se),
        lower=estimate - half,
        upper=estimate + half,
        assumes=assumes,
    )


def sandwich(cells: Cells) -> dict[str, float]:
    """Cluster-robust standard errors of the contrast by their compact formulas, at any size.

    Parameters
    ----------
    cells
        The data, with users known.

    Returns
    -------
    dict
        ``CR0``, ``CR1``, ``CR2`` and ``CR3``, in units of the outcome.

    Notes
    -----
    In the saturated model ``Var = Σ_g [S₁/d₁² + S₀/d₀² − 2C/(d₀ d₁)]`` with S the sums of squares of a
    group's cells and C the sum over users of products of residuals; d is n, √(n(n−1)) or n − 1 for CR0, CR2
    and CR3. CR1 is CR0 times ``G/(G−1) · (N−1)/(N−K)`` (MacKinnon, Nielsen & Webb 2023). Where a user is in
    one cell only, C is zero.

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
    moments = cells.moments()
    n, mean, ss = (moments[name].to_numpy() for name in ("n", "mean", "ss"))
    cross = np.zeros(len(n))
    if cells.pairs is not None:
        both = cells.pairs.moments().isel(seen=0)
        shift = both["mean"].to_numpy() - mean
        cross = both["sp"].to_numpy() + both["n"].to_numpy() * shift[:, 0] * shift[:, 1]

    def variance(d: Any) -> float:
        return float((ss / d**2).sum() - 2 * (cross / d.prod(axis=1)).sum())

    users, rows = cells.units or cells.rows, n.sum()
    small = users / (users - 1) * (rows - 1) / (rows - cells.n_cells)
    variances = {
        "CR0": variance(n),
        "CR1": variance(n) * small,
        "CR2": variance(np.sqrt(n * (n - 1))),
        "CR3": variance(n - 1),
    }
    return {name: value**0.5 for name, value in variances.items()}


def by_user(cells: Cells, ci_prob: float = 0.95) -> tuple[Check, ...]:
    """Least squares with the users as clusters, and Welch's comparison of their changes.

    Parameters
    ----------
    cells
        The data, with users known.
    ci_prob
        Probability of the confidence intervals.

    Returns
    -------
    tuple of Check
        ``ols_cluster``, ``ols_cluster_cr2``, ``ols_cluster_cr3``; with periods also ``welch_change``,
        where the groups were drawn at random ``ancova``, and where every row of users seen once counts
        ``fiml``.
    """
    estimate = float(_CONTRAST @ cells.moments()["mean"].to_numpy().ravel())
    errors = sandwich(cells)
    names = {"CR1": "ols_cluster", "CR2": "ols_cluster_cr2", "CR3": "ols_cluster_cr3"}
    checks = [
        _check(name, estimate, errors[kind], ci_prob, "users independent") for kind, name in names.items()
    ]
    if cells.pairs is not None:
        checks.append(_welch(cells.pairs, ci_prob))
        if cells.design.randomised:
            checks.append(_ancova(cells, ci_prob))
        if _is_incomplete(cells):
            checks.append(_fiml(cells, cells.pairs, ci_prob))
    return tuple(checks)


def _is_incomplete(cells: Cells) -> bool:
    """Whether users seen once count where they were seen."""
    return cells.pairs is not None and bool((cells.pairs.moments()["n"].isel(seen=slice(1, None)) > 0).any())


def _fiml(cells: Cells, pairs: Pairs, ci_prob: float) -> Check:
    """Compare the groups' means, completed for those who were absent; see `completed_means`."""
    mean, covariance = completed_means(pairs)
    (before, after), total = mean[1] - mean[0], covariance.sum(axis=0)
    # Groups drawn at random have no gap before: what of it was found is chance, and its share after too.
    slope = total[0, 1] / total[0, 0] if cells.design.randomised else 1.0
    variance = total[1, 1] - 2 * slope * total[0, 1] + slope**2 * total[0, 0]
    assumes = "users independent; who is absent depends at most on what was seen, linearly"
    return _check("fiml", float(after - slope * before), float(variance) ** 0.5, ci_prob, assumes)


def _welch(pairs: Pairs, ci_prob: float) -> Check:
    """Compare the users' changes; Welch–Satterthwaite degrees of freedom."""
    changes = pairs.changes.moments()
    n, mean, ss = (changes[name].to_numpy() for name in ("n", "mean", "ss"))
    variance = ss / (n - 1) / n
    df = variance.sum() ** 2 / (variance**2 / (n - 1)).sum()
    assumes = "users independent; only those seen in both periods"
    se = float(variance.sum()) ** 0.5
    return _check("welch_change", float(mean[1] - mean[0]), se, ci_prob, assumes, df=float(df))


def _ancova(cells: Cells, ci_prob: float) -> Check:
    """Compare the groups after, given before, where both have one mean before (Coffman et al. 2016)."""
    if cells.pairs is None:
        moments = cells.moments()
        n, ss = moments["n"].to_numpy()[:, 1], moments["ss"].to_numpy()[:, 1]
        after = moments["mean"].to_numpy()[:, 1]
        variance = ss / (n - 1) / n
        assumes = "rows independent; groups alike before"
        return _check("ancova", float(after[1] - after[0]), float(variance.sum()) ** 0.5, ci_prob, assumes)
    both = cells.pairs.moments().isel(seen=0)
    n, mean, ss, sp = (both[name].to_numpy() for name in ("n", "mean", "ss", "sp"))
    slope = sp / ss[:, 0]
    weight = n * (n - 1) / ss[:, 0]
    baseline = (weight * mean[:, 0]).sum() / weight.sum()
    after = mean[:, 1] + slope * (baseline - mean[:, 0])
    residual = (ss[:, 1] - sp * slope) / (n - 2) / n
    variance = residual.sum() + (slope[1] - slope[0]) ** 2 / weight.sum()
    assumes = "users independent; groups alike before"
    return _check("ancova", float(after[1] - after[0]), float(variance) ** 0.5, ci_prob, assumes)


def robust_check(cells: Cells, ci_prob: float = 0.95) -> Check:
    """Give the companion that assumes least and asks the same question as the posterior.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the confidence interval.

    Returns
    -------
    Check
        ``ols_hc2`` for independent rows, ``welch_change`` for pairs (equal to CR2 where every user is
        seen in both periods), ``ancova`` where the groups were drawn at random, ``fiml`` where users seen
        once count where they were seen.
    """
    if cells.pairs is not None and _is_incomplete(cells):
        return _fiml(cells, cells.pairs, ci_prob)
    if cells.design.randomised:
        return _ancova(cells, ci_prob)
    if cells.pairs is not None:
        return _welch(cells.pairs, ci_prob)
    return least_squares(cells, ci_prob)[1]


def companions(cells: Cells, ci_prob: float = 0.95, *, seed: int = 0) -> tuple[Check, ...]:
    """Answer by every method that needs no posterior.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    tuple of Check
        Least squares with independent rows, by user where users are known, and the bootstrap.
    """
    users = by_user(cells, ci_prob) if cells.units is not None else ()
    if cells.units is None and cells.design.randomised:
        users = (_ancova(cells, ci_prob),)
    return (*least_squares(cells, ci_prob), *users, bootstrap(cells, ci_prob, seed=seed))


def bootstrap(cells: Cells, ci_prob: float = 0.95, *, replicates: int = 10_000, seed: int = 0) -> Check:
    """Percentile bootstrap of the contrast, from the compressed data; nothing is refitted.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the percentile interval.
    replicates
        Number of resamples; each draws as many rows as a cell has, or as many users as a group has, by
        a multinomial over their weighted points.
    seed
        Of the resampling.

    Returns
    -------
    Check
        ``bootstrap``; the estimate is that of the data, not the mean of the replicates.
    """
    rng = np.random.default_rng(seed)
    if cells.pairs is None:
        means = _resampled_cells(cells, replicates, rng)
    else:
        means = np.concatenate([_resampled_users(cells.pairs, g, replicates, rng) for g in (0, 1)], axis=1)
    contrasts = means @ _CONTRAST
    # Where few users are seen in a period, a resample may hold none of them and has no contrast.
    contrasts = contrasts[np.isfinite(contrasts)]
    lower, upper = np.quantile(contrasts, [(1 - ci_prob) / 2, (1 + ci_prob) / 2])
    return Check(
        method="bootstrap",
        estimate=float(_CONTRAST @ cells.moments()["mean"].to_numpy().ravel()),
        se=float(contrasts.std(ddof=1)),
        lower=float(lower),
        upper=float(upper),
        assumes="rows independent" if cells.pairs is None else "users independent",
    )


def _resampled_cells(cells: Cells, replicates: int, rng: np.random.Generator) -> Floats:
    """Means of resampled cells; shape (replicates, cells)."""
    points = cells.points(coarsest=_BOOTSTRAP_BINS)
    columns = []
    for value, weight in zip(
        points["value"].to_numpy().reshape(cells.n_cells, -1),
        points["weight"].to_numpy().reshape(cells.n_cells, -1),
        strict=True,
    ):
        kept = weight > 0
        n = weight.sum()
        counts = rng.multinomial(round(n), weight[kept] / n, size=replicates)
        columns.append(counts @ value[kept] / n)
    return np.stack(columns, axis=-1)


def _resampled_users(pairs: Pairs, group: int, replicates: int, rng: np.random.Generator) -> Floats:
    """Means before and after of a resampled group of users, NaN of nobody; shape (replicates, 2).

    Changes are resampled by their weighted points. The level before, within a narrow bin of changes,
    enters both means alike; its resampled sum is drawn from its normal limit, and it cancels where every
    user is seen in both periods.
    """
    frame = pairs.frame[pairs.frame["group"] == group]
    both = frame[frame["seen"] == 0].sort_values("reference")
    block = np.arange(len(both)) * _BOOTSTRAP_BINS // max(len(both), _BOOTSTRAP_BINS)
    n = both["n"].to_numpy(float)
    first, second, third = (both[name].to_numpy(float) for name in ("s1", "s2", "s3"))
    mean = first / n
    squares = np.clip(second - n * mean**2, 0.0, None)
    cubes = third - 3 * mean * second + 2 * n * mean**3
    blocks = int(block.max()) + 1
    change = merge(np.stack([n, both["reference"].to_numpy() + mean, squares, cubes]), block, blocks)
    level = merge(
        np.stack([n, both["m0"].to_numpy(), both["m00"].to_numpy(), np.zeros_like(n)]), block, blocks
    )
    value, weight, origin = gauss(change, np.arange(blocks))
    once = pairs.moments().isel({pairs.dims[0]: group})
    sizes = once["n"].to_numpy()[1:]
    total = weight.sum() + sizes.sum()
    counts = rng.multinomial(round(total), np.concatenate([weight, sizes]) / total, size=replicates)
    paired, single = counts[:, : len(value)], counts[:, len(value) :]
    spread = (level[2] / level[0])[origin]
    before = paired @ level[1][origin] + np.sqrt(paired @ spread) * rng.standard_normal(replicates)
    sums = np.stack([before, before + paired @ value], axis=-1)
    for t in (0, 1):
        if sizes[t]:
            centre = once["mean"].to_numpy()[t + 1, t]
            variance = once["ss"].to_numpy()[t + 1, t] / sizes[t]
            noise = np.sqrt(single[:, t] * variance) * rng.standard_normal(replicates)
            sums[:, t] += single[:, t] * centre + noise
    seen = paired.sum(axis=1, keepdims=True) + single
    return np.divide(sums, seen, out=np.full_like(sums, np.nan), where=seen > 0)


def compare(
    posterior: Check, others: Sequence[Check], *, robust: Check, reasons: Sequence[str]
) -> Crosscheck:
    """Set the posterior beside the others and say whether they agree.

    Parameters
    ----------
    posterior
        Mean, sd and credible interval of the headline.
    others
        The other methods' answers.
    robust
        Whose estimate and standard error the posterior is measured with.
    reasons
        Known reasons for a disagreement, most important first.

    Returns
    -------
    Crosscheck
        All answers and the verdict.
    """
    distance = (posterior.estimate - robust.estimate) / robust.se
    agrees = abs(distance) <= 0.5
    ratio = (posterior.upper - posterior.lower) / (robust.upper - robust.lower)
    verdict = (
        f"Posterior and {robust.method} {'agree' if agrees else 'disagree'}: they differ by "
        f"{abs(distance):.2f} standard errors, and the posterior interval is {ratio:.2f} times as wide."
    )
    if reasons and not (agrees and 0.9 < ratio < 1.1):
        verdict += " " + " ".join(reasons)
    return Crosscheck(checks=(posterior, *others), distance=distance, agrees=agrees, verdict=verdict)
