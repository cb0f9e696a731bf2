"""The same contrast by other means: least squares and a bootstrap, from the same compressed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from twobytwo.cells import Cells

__all__ = ["Check", "Crosscheck", "bootstrap", "compare", "least_squares"]

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
        ``"posterior"``, ``"ols"``, ``"ols_hc2"``, ``"ols_cluster"`` or ``"bootstrap"``.
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
    >>> from twobytwo.cells import compress
    >>> from twobytwo.design import Design
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


def _check(method: str, estimate: float, se: float, ci_prob: float, assumes: str) -> Check:
    half = float(stats.norm.ppf((1 + ci_prob) / 2)) * float(se)
    return Check(
        method=method,
        estimate=estimate,
        se=float(se),
        lower=estimate - half,
        upper=estimate + half,
        assumes=assumes,
    )


def bootstrap(cells: Cells, ci_prob: float = 0.95, *, replicates: int = 10_000, seed: int = 0) -> Check:
    """Percentile bootstrap of the contrast, from the weighted points; nothing is refitted.

    Parameters
    ----------
    cells
        The data.
    ci_prob
        Probability of the percentile interval.
    replicates
        Number of resamples; each draws as many rows as a cell has, by a multinomial over its points.
    seed
        Of the resampling.

    Returns
    -------
    Check
        ``bootstrap``; the estimate is that of the data, not the mean of the replicates.
    """
    points = cells.points(coarsest=_BOOTSTRAP_BINS)
    values = points["value"].to_numpy().reshape(cells.n_cells, -1)
    weights = points["weight"].to_numpy().reshape(cells.n_cells, -1)
    rng = np.random.default_rng(seed)
    means = np.stack(
        [_resampled_means(v, w, replicates, rng) for v, w in zip(values, weights, strict=True)], axis=-1
    )
    contrasts = means @ _CONTRAST
    lower, upper = np.quantile(contrasts, [(1 - ci_prob) / 2, (1 + ci_prob) / 2])
    return Check(
        method="bootstrap",
        estimate=float((values * weights).sum(axis=1) / weights.sum(axis=1) @ _CONTRAST),
        se=float(contrasts.std(ddof=1)),
        lower=float(lower),
        upper=float(upper),
        assumes="rows independent",
    )


def _resampled_means(
    value: npt.NDArray[Any], weight: npt.NDArray[Any], replicates: int, rng: np.random.Generator
) -> npt.NDArray[Any]:
    kept = weight > 0
    n = weight.sum()
    counts = rng.multinomial(round(n), weight[kept] / n, size=replicates)
    return counts @ value[kept] / n


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
