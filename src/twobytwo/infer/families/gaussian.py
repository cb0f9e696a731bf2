"""The normal likelihood by its sufficient statistics, for users with any number of values.

One value: ``ȳ ~ N(μ, σ/√n)`` and ``SS ~ Gamma((n − 1)/2, rate 1/(2σ²))``. Several: the Bartlett
factorisation of the multivariate normal's statistics, a sequence of regressions of every column on those
before it, with coefficients of each group's own or common to all. All equal the row-level likelihood up to a
constant, and all are observed variables, so that prior predictive draws mean something.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from twobytwo.data.cells import Cells
from twobytwo.data.patterns import patterns
from twobytwo.data.regressions import regressions
from twobytwo.infer.priors import Priors

__all__ = ["observe_alike", "observe_gaussian", "observe_once", "observe_users"]

# Prior sd of Fisher's z of a (partial) correlation: between −.96 and .96.
_FISHER_Z_SD = 1.0
# Correlations that are nearer to 1 are a start from which no sampler gets away.
_START = 0.999
# Prior sd of a group's log residual spread around the pooled one, where groups drawn at random share slopes:
# a treatment that makes all values 1.1 times as large changes it by 0.095.
_ALIKE_SD = 0.1
# Share of the sum of squares of the users seen everywhere that stands for zero.
_NOTHING = 1e-15


def observe_gaussian(cells: Cells, kind: Literal["raw", "log"], location: Any, sd: Any) -> None:
    """Observe the sufficient statistics of normal users in the current model.

    Parameters
    ----------
    cells
        The data.
    kind
        Whether the outcome or its logarithm is normal.
    location, sd
        Parameters of every cell, dims the factors.

    Notes
    -----
    With several values it adds ``fisher_z``; see `observe_users`. Users seen in one period only inform that
    period's cell, as if who is absent did not depend on what was missed.
    """
    moments = cells.joint.moments(kind)
    observe_users(moments.isel(pattern=0), location, sd)
    observe_once(moments, location, sd)


def observe_users(moments: xr.Dataset, location: Any, sd: Any) -> None:
    """Observe the joint moments of users whose values are all known.

    Parameters
    ----------
    moments
        ``n`` (dims the groups'), ``mean`` (also by column) and ``cross`` (also by column and column); as of
        one pattern of `Joint.moments`.
    location, sd
        Of every group and column, dims the groups' and the column's; without the latter for one column.

    Notes
    -----
    With ``S = Q diag(r) Qᵀ`` the sums of squares and products (Q unit lower triangular) and B, τ the
    coefficients and residual standard deviations of the regression of column j on those before it:
    ``q_jk ~ N(B_jk + Σ_{k<m<j} B_jm q_mk, τ_j/√r_k)``, ``ȳ_j ~ N(μ_j + Σ_{k<j} B_jk (ȳ_k − μ_k), τ_j/√n)``
    and ``r_j ~ Gamma((n − 1 − j)/2, rate 1/(2τ_j²))``, each given those before it.

    ``fisher_z`` holds Fisher's z of the canonical partial correlations, of the columns j and k given all
    before k: any values make a correlation matrix (Lewandowski, Kurowicka & Joe 2009). For two columns it has
    the groups' dims, for more also ``link``; for one column there is none.
    """
    columns = moments.sizes["column"]
    z = _fisher_z(regressions(moments["cross"].to_numpy())[2], moments)
    spread = [_of_column(sd, j, columns) for j in range(columns)]
    cholesky: dict[tuple[int, int], Any] = {}
    for j in range(columns):
        # Row j of the Cholesky factor. √(1 − tanh²) without the cancellation that makes it 0 for strong
        # correlations.
        left = spread[j]
        for k in range(j):
            cholesky[j, k] = pm.math.tanh(z[j, k]) * left
            left = left / pm.math.cosh(z[j, k])
        cholesky[j, j] = left
    slopes = {(j, k): b for j in range(columns) for k, b in _coefficients(cholesky, j).items()}
    _observe_regressions(moments, location, [cholesky[j, j] for j in range(columns)], slopes)


def observe_alike(cells: Cells, location: Any, priors: Priors) -> Any:
    """Observe users of groups drawn at random that share slopes; see `twobytwo.data.slopes`.

    Parameters
    ----------
    cells
        The data, users with several values.
    location
        Mean of every cell, dims the factors.
    priors
        Their ``spread`` scales how much the groups' spreads may differ.

    Returns
    -------
    pytensor.tensor.TensorVariable
        Standard deviation of every cell, dims the factors.

    Notes
    -----
    Adds ``slope_z``, by pair of columns: the regression coefficient of column j on column k, given the others
    before j, is ``sinh(slope_z)`` times the ratio of the pooled residual standard deviation of j to the
    pooled standard deviation of k. For two columns that is Fisher's z of the correlation, where the residual
    spreads are the pooled ones. ``log_residual_sd``, of every cell, is the log standard deviation given the
    columns before it: ``N(pooled, 0.1 · spread)``, because groups drawn at random spread alike unless the
    treatment changes it, and because a small group of a skewed metric is small in mean and in spread
    together.
    """
    moments = cells.joint.moments("raw").isel(pattern=0)
    columns = moments.sizes["column"]
    n, cross = moments["n"].to_numpy(), moments["cross"].to_numpy()
    pooled = cross.reshape(-1, columns, columns).sum(axis=0)
    total, coefficients = float(n.sum()), [np.zeros(0)]
    coefficients += [np.linalg.solve(pooled[:j, :j], pooled[:j, j]) for j in range(1, columns)]
    residual = np.array([pooled[j, j] - b @ pooled[:j, j] for j, b in enumerate(coefficients)])
    residual = np.maximum(residual, _NOTHING * np.diagonal(pooled))
    unit = np.sqrt(residual[:, None] / np.diagonal(pooled)[None, :])
    links = [(j, k) for j in range(columns) for k in range(j)]
    labels = [str(label) for label in moments["column"].to_numpy()]
    pm.modelcontext(None).add_coord("link", [f"{labels[k]}, {labels[j]}" for j, k in links])
    start = np.array([np.arcsinh(coefficients[j][k] / unit[j, k]) for j, k in links])
    z = pm.Normal("slope_z", 0.0, _FISHER_Z_SD, initval=start, dims="link")
    units = pm.Data("slope_unit", np.array([unit[link] for link in links]), dims="link")
    slopes = {link: pm.math.sinh(z[place]) * units[place] for place, link in enumerate(links)}
    log_pooled = np.broadcast_to(np.log(residual / total) / 2, cross.shape[:-1])
    tau = pm.math.exp(
        pm.Normal(
            "log_residual_sd",
            mu=pm.Data("log_residual_sd_prior_mean", log_pooled, dims=cells.dims),
            sigma=pm.Data("log_residual_sd_prior_sd", _ALIKE_SD * priors.spread),
            initval=log_pooled,
            dims=cells.dims,
        )
    )
    residuals = [tau[..., j] for j in range(columns)]
    _observe_regressions(moments, location, residuals, slopes)
    sd = pt.stack(_spreads(residuals, slopes), axis=-1)
    observe_once(cells.joint.moments("raw"), location, sd)
    return sd


def _spreads(residuals: list[Any], slopes: dict[tuple[int, int], Any]) -> list[Any]:
    """Give every column's standard deviation from the regressions, a row of the Cholesky factor at a time."""
    rows: list[list[Any]] = []
    for j, tau in enumerate(residuals):
        row = [sum(slopes[j, m] * rows[m][k] for m in range(k, j)) for k in range(j)]
        rows.append([*row, tau])
    return [sum(entry**2 for entry in row) ** 0.5 for row in rows]


def _of_column(parameter: Any, j: int, columns: int) -> Any:
    return parameter if columns == 1 else parameter[..., j]


def _observe_regressions(
    moments: xr.Dataset, location: Any, residuals: list[Any], slopes: dict[tuple[int, int], Any]
) -> None:
    """Observe a sequence of regressions, given residual spreads and coefficients by column."""
    dims = tuple(map(str, moments["n"].dims))
    columns = moments.sizes["column"]
    means, cross = moments["mean"].to_numpy(), moments["cross"].to_numpy()
    residual_seen, slopes_seen, _ = regressions(cross)
    n = pm.Data("n", moments["n"].to_numpy(), dims=dims)

    def name(statistic: str, *of: int) -> str:
        return "_".join([f"sample_{statistic}", *(str(k) for k in of if columns > 1)])

    mu = [_of_column(location, j, columns) for j in range(columns)]
    mean_draw: list[Any] = []
    residual_draw: list[Any] = []
    slope_draw: dict[tuple[int, int], Any] = {}
    for j, tau in enumerate(residuals):
        for k in range(j):
            expected = slopes[j, k]
            for m in range(k + 1, j):
                expected = expected + slopes[j, m] * slope_draw[m, k]
            slope_draw[j, k] = pm.Normal(
                name("slope", j, k),
                mu=expected,
                sigma=tau / residual_draw[k] ** 0.5,
                observed=pm.Data(f"{name('slope', j, k)}_data", slopes_seen[..., j, k], dims=dims),
                dims=dims,
            )
        centre = mu[j]
        for k in range(j):
            centre = centre + slopes[j, k] * (mean_draw[k] - mu[k])
        mean_draw.append(
            pm.Normal(
                name("mean", j),
                mu=centre,
                sigma=tau / n**0.5,
                observed=pm.Data(f"{name('mean', j)}_data", means[..., j], dims=dims),
                dims=dims,
            )
        )
        residual_draw.append(
            pm.Gamma(
                name("ss", j),
                alpha=(n - (1 + j)) / 2,
                beta=0.5 / tau**2,
                observed=pm.Data(f"{name('ss', j)}_data", residual_seen[..., j], dims=dims),
                dims=dims,
            )
        )


def _fisher_z(partial: Any, moments: xr.Dataset) -> dict[tuple[int, int], Any]:
    """Add ``fisher_z`` and give it by pair of columns; nothing for one column."""
    dims = tuple(map(str, moments["n"].dims))
    links = [(j, k) for j in range(moments.sizes["column"]) for k in range(j)]
    if not links:
        return {}
    start = np.stack([np.arctanh(np.clip(partial[..., j, k], -_START, _START)) for j, k in links], axis=-1)
    if len(links) == 1:
        return {links[0]: pm.Normal("fisher_z", 0.0, _FISHER_Z_SD, initval=start[..., 0], dims=dims)}
    labels = [str(label) for label in moments["column"].to_numpy()]
    pm.modelcontext(None).add_coord("link", [f"{labels[k]}, {labels[j]}" for j, k in links])
    made = pm.Normal("fisher_z", 0.0, _FISHER_Z_SD, initval=start, dims=(*dims, "link"))
    return {link: made[..., place] for place, link in enumerate(links)}


def _coefficients(cholesky: dict[tuple[int, int], Any], j: int) -> dict[int, Any]:
    """Regression coefficients of column j on those before it, by back substitution without a matrix."""
    made: dict[int, Any] = {}
    for k in range(j - 1, -1, -1):
        rest = cholesky[j, k]
        for m in range(k + 1, j):
            rest = rest - made[m] * cholesky[m, k]
        made[k] = rest / cholesky[k, k]
    return made


def observe_once(moments: xr.Dataset, location: Any, sd: Any) -> None:
    """Observe users with one value of several: rows of one cell, independent of all others.

    Parameters
    ----------
    moments
        As of `Joint.moments` or `Joint.activity`; patterns with one column only are looked at.
    location, sd
        Of every group and column, dims the groups' and the column's.
    """
    columns = moments.sizes["column"]
    if columns == 1:
        return
    # By pattern: the one column that it has.
    single = {place: kind.index(True) for place, kind in enumerate(patterns(columns)) if sum(kind) == 1}
    counts = moments["n"].to_numpy()
    groups = [*np.ndindex(*counts.shape[:-1])]
    labels = [moments[dim].to_numpy() for dim in moments["n"].dims]
    for name, least in (("mean", 1), ("ss", 2)):
        kept = [(g, p) for g in groups for p in single if counts[*g, p] >= least]
        if not kept:
            continue
        dim = f"once_{name}"
        named = [", ".join(str(labels[k][i]) for k, i in enumerate((*g, p))) for g, p in kept]
        pm.modelcontext(None).add_coord(dim, named)
        n = pm.Data(f"n_{dim}", np.array([counts[*g, p] for g, p in kept]), dims=dim)
        found = moments[name].to_numpy()
        values = np.array([found[*g, p, single[p]] for g, p in kept])
        if name == "ss":
            # The few users seen once may all have one value, but a gamma density at 0 is zero or infinite. A
            # sum of squares of next to nothing has the same likelihood as 0, up to a constant.
            values = np.maximum(values, [_NOTHING * found[*g, 0, single[p]] for g, p in kept])
        observed = pm.Data(f"{dim}_data", values, dims=dim)
        mu, sigma = (pt.stack([parameter[*g, single[p]] for g, p in kept]) for parameter in (location, sd))
        if name == "mean":
            pm.Normal(f"sample_{dim}", mu=mu, sigma=sigma / n**0.5, observed=observed, dims=dim)
        else:
            pm.Gamma(f"sample_{dim}", alpha=(n - 1) / 2, beta=0.5 / sigma**2, observed=observed, dims=dim)
