"""The normal likelihood by its sufficient statistics, for users with any number of values.

One value: ``ȳ ~ N(μ, σ/√n)`` and ``SS ~ Gamma((n − 1)/2, rate 1/(2σ²))``. Several: the Bartlett
factorisation of the multivariate normal's statistics, a sequence of regressions of every column on those
before it. All equal the row-level likelihood up to a constant, and all are observed variables, so that
prior predictive draws mean something.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from twobytwo.data.cells import Cells
from twobytwo.data.joint import patterns, regressions

__all__ = ["observe_gaussian", "observe_once", "observe_users"]

# Prior sd of Fisher's z of a (partial) correlation: between −.96 and .96.
_FISHER_Z_SD = 1.0
# Correlations that are nearer to 1 are a start from which no sampler gets away.
_START = 0.999
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
    dims = tuple(map(str, moments["n"].dims))
    columns = moments.sizes["column"]
    means, cross = moments["mean"].to_numpy(), moments["cross"].to_numpy()
    residual, slopes, partial = regressions(cross)
    n = pm.Data("n", moments["n"].to_numpy(), dims=dims)

    def name(statistic: str, *of: int) -> str:
        return "_".join([f"sample_{statistic}", *(str(k) for k in of if columns > 1)])

    def of_column(parameter: Any, j: int) -> Any:
        return parameter if columns == 1 else parameter[..., j]

    mu = [of_column(location, j) for j in range(columns)]
    spread = [of_column(sd, j) for j in range(columns)]
    z = _fisher_z(partial, moments)
    mean_draw: list[Any] = []
    residual_draw: list[Any] = []
    slope_draw: dict[tuple[int, int], Any] = {}
    cholesky: dict[tuple[int, int], Any] = {}
    for j in range(columns):
        # Row j of the Cholesky factor. √(1 − tanh²) without the cancellation that makes it 0 for strong
        # correlations.
        left = spread[j]
        for k in range(j):
            cholesky[j, k] = pm.math.tanh(z[j, k]) * left
            left = left / pm.math.cosh(z[j, k])
        cholesky[j, j] = tau = left
        b = _coefficients(cholesky, j)
        for k in range(j):
            expected = b[k]
            for m in range(k + 1, j):
                expected = expected + b[m] * slope_draw[m, k]
            slope_draw[j, k] = pm.Normal(
                name("slope", j, k),
                mu=expected,
                sigma=tau / residual_draw[k] ** 0.5,
                observed=pm.Data(f"{name('slope', j, k)}_data", slopes[..., j, k], dims=dims),
                dims=dims,
            )
        centre = mu[j]
        for k in range(j):
            centre = centre + b[k] * (mean_draw[k] - mu[k])
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
                observed=pm.Data(f"{name('ss', j)}_data", residual[..., j], dims=dims),
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
