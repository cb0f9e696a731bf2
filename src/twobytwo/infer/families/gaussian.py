"""The normal likelihood by its sufficient statistics, for independent rows and for pairs.

Independent rows of a cell: ``ȳ ~ N(μ, σ/√n)`` and ``SS ~ Gamma((n − 1)/2, rate 1/(2σ²))``. Pairs: the
Bartlett factorisation of the bivariate normal's statistics, with ``b = ρ σ₁/σ₀`` and
``τ = σ₁ √(1 − ρ²)``. Both equal the row-level likelihood up to a constant, and both are observed variables,
so that prior predictive draws mean something.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from twobytwo.data.cells import Cells

__all__ = ["observe_gaussian", "observe_once", "observe_pairs", "observe_rows"]

# Prior sd of Fisher's z of the correlation before/after: ρ between −.96 and .96.
_FISHER_Z_SD = 1.0
# Share of the sum of squares of the users seen twice that stands for zero.
_NOTHING = 1e-15


def observe_gaussian(cells: Cells, kind: Literal["raw", "log"], location: Any, sd: Any) -> None:
    """Observe the sufficient statistics of normal cells in the current model.

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
    With pairs it adds ``fisher_z``, the correlation of a user's two values, one per group. Users seen in
    one period only inform that period's cell, as if who is absent did not depend on what was missed.
    """
    if cells.pairs is None:
        observe_rows(cells.moments(kind), location, sd)
    else:
        moments = cells.pairs.moments(kind)
        observe_pairs(moments.isel(seen=0), location, sd)
        observe_once(moments, location, sd)


def observe_rows(moments: xr.Dataset, location: Any, sd: Any) -> None:
    """Observe independent rows of cells, given their ``n``, ``mean`` and ``ss``."""
    dims = tuple(map(str, moments["n"].dims))
    n = pm.Data("n", moments["n"].to_numpy(), dims=dims)
    mean = pm.Data("mean_data", moments["mean"].to_numpy(), dims=dims)
    ss = pm.Data("ss_data", moments["ss"].to_numpy(), dims=dims)
    pm.Normal("sample_mean", mu=location, sigma=sd / n**0.5, observed=mean, dims=dims)
    pm.Gamma("sample_ss", alpha=(n - 1) / 2, beta=0.5 / sd**2, observed=ss, dims=dims)


def observe_pairs(both: xr.Dataset, location: Any, sd: Any) -> None:
    """Observe pairs of every group, given the joint moments of users with both values."""
    group = str(both["n"].dims[0])
    ss0, ss1, sp = both["ss"].to_numpy()[:, 0], both["ss"].to_numpy()[:, 1], both["sp"].to_numpy()

    def data(name: str, values: Any) -> Any:
        return pm.Data(name, values, dims=group)

    correlation = np.clip(sp / np.sqrt(ss0 * ss1), -0.999, 0.999)
    fisher_z = pm.Normal("fisher_z", 0.0, _FISHER_Z_SD, initval=np.arctanh(correlation), dims=group)
    rho = pm.math.tanh(fisher_z)
    slope = rho * sd[:, 1] / sd[:, 0]
    # √(1 − tanh²) without the cancellation that makes it 0 for strong correlations.
    tau = sd[:, 1] / pm.math.cosh(fisher_z)
    n = data("n", both["n"].to_numpy())
    # Each statistic is conditional on those before it, and a prior draw of it on their prior draws.
    first = pm.Normal(
        "pair_mean_before",
        mu=location[:, 0],
        sigma=sd[:, 0] / n**0.5,
        observed=data("mean_before_data", both["mean"].to_numpy()[:, 0]),
        dims=group,
    )
    spread = pm.Gamma(
        "pair_ss_before",
        alpha=(n - 1) / 2,
        beta=0.5 / sd[:, 0] ** 2,
        observed=data("ss_before_data", ss0),
        dims=group,
    )
    pm.Normal(
        "pair_slope", mu=slope, sigma=tau / spread**0.5, observed=data("slope_data", sp / ss0), dims=group
    )
    pm.Normal(
        "pair_mean_after",
        mu=location[:, 1] + slope * (first - location[:, 0]),
        sigma=tau / n**0.5,
        observed=data("mean_after_data", both["mean"].to_numpy()[:, 1]),
        dims=group,
    )
    pm.Gamma(
        "pair_residual_ss",
        alpha=(n - 2) / 2,
        beta=0.5 / tau**2,
        observed=data("residual_ss_data", ss1 - sp**2 / ss0),
        dims=group,
    )


def observe_once(moments: xr.Dataset, location: Any, sd: Any) -> None:
    """Observe users with one value only: rows of one cell, independent of all others.

    The second dim of ``moments`` is both, before only, after only (and more, which is not looked at).
    """
    group, seen = (moments[dim].to_numpy() for dim in moments["n"].dims)
    places = [(g, t) for g in range(len(group)) for t in (0, 1)]
    for name, least in (("mean", 1), ("ss", 2)):
        kept = [(g, t) for g, t in places if moments["n"].to_numpy()[g, t + 1] >= least]
        if not kept:
            continue
        dim = f"once_{name}"
        pm.modelcontext(None).add_coord(dim, [f"{group[g]}, {seen[t + 1]}" for g, t in kept])
        index = tuple(np.array(kept).T)
        n = pm.Data(f"n_{dim}", moments["n"].to_numpy()[index[0], index[1] + 1], dims=dim)
        values = moments[name].to_numpy()[index[0], index[1] + 1, index[1]]
        if name == "ss":
            # The few users seen once may all have one value, but a gamma density at 0 is zero or infinite. A
            # sum of squares of next to nothing has the same likelihood as 0, up to a constant.
            values = np.maximum(values, _NOTHING * moments["ss"].to_numpy()[index[0], 0, index[1]])
        observed = pm.Data(f"{dim}_data", values, dims=dim)
        mu, sigma = (pt.stack([parameter[g, t] for g, t in kept]) for parameter in (location, sd))
        if name == "mean":
            pm.Normal(f"sample_{dim}", mu=mu, sigma=sigma / n**0.5, observed=observed, dims=dim)
        else:
            pm.Gamma(f"sample_{dim}", alpha=(n - 1) / 2, beta=0.5 / sigma**2, observed=observed, dims=dim)
