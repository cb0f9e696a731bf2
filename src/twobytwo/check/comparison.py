"""How well families describe the outcomes: leave-one-out densities and posterior predictive checks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats
from arviz_stats.utils import ELPDData
from scipy.special import logsumexp

from twobytwo.check.arrays import changes, joint
from twobytwo.errors import DesignError, TwoByTwoError
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import Family, families_for
from twobytwo.infer.fit import Fit, fit
from twobytwo.progress import track

__all__ = ["Comparison", "compare_families", "compare_fits", "loo", "predictive_checks"]

Floats = npt.NDArray[np.float64]

# Draws that leave-one-out densities are computed from, and data sets that are simulated.
_LOO_DRAWS, _REPLICATES = 1_000, 200
# A simulated cell has as many rows as the data's, but no more than this.
_MOST_ROWS = 20_000
_STATISTICS = ("zeros", "mean", "sd", "p99", "top 1 % share")
_INSIDE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Families side by side.

    Parameters
    ----------
    table
        As ``arviz.compare``: index the family, columns ``rank``, ``elpd``, ``p``, ``elpd_diff``, ``se``,
        ``dse``, ``warning``, and ``support``. Ranks and differences are among families of one support:
        a density and a probability of zero are not of one kind.
    elpd
        As ``arviz.loo``, by family.
    predictive
        Index family, cell and statistic (share of zeros, mean, sd, 99 % quantile, share of the total that
        the top 1 % have); columns ``observed``, ``lower``, ``upper`` (of 99 % of the replicated data),
        ``inside``.
    notes
        What was not compared, and why.
    """

    table: pd.DataFrame
    elpd: Mapping[str, ELPDData]
    predictive: pd.DataFrame
    notes: tuple[str, ...]

    def __str__(self) -> str:
        outside = self.predictive[~self.predictive["inside"]]
        checks = (
            "Every statistic is within 99 % of its replicates."
            if outside.empty
            else "Outside 99 % of the replicates:\n" + outside.to_string(float_format="{:.4g}".format)
        )
        shown = self.table.to_string(float_format="{:.4g}".format) if len(self.table) else ""
        return "\n".join(part for part in (shown, checks, *self.notes) if part)


def compare_families(base: Fit, families: Sequence[Family] | None, options: SamplerOptions) -> Comparison:
    """Fit other families to the cells of a fit, and compare them with it.

    Parameters
    ----------
    base
        The analysis' own fit, which is compared too.
    families
        Which to fit beside it; None takes all of the package that suit, without a word on those that do not.
    options
        Of the sampler.

    Returns
    -------
    Comparison
        As `compare_fits` gives it.

    Raises
    ------
    DataError, DesignError
        If a family that was asked for does not take the data.
    """
    asked = families_for(base.cells.design.metric.kind) if families is None else families
    fits = {base.family.name: base}
    for family in track(list(asked), "comparing families"):
        if family.name in fits:
            continue
        try:
            with warnings.catch_warnings(action="ignore"):
                fits[family.name] = fit(base.cells, family, base.priors, options)
        except TwoByTwoError:
            # A family asked for by name is not left out without a message.
            if families is not None:
                raise
    return compare_fits(fits, random_seed=options.random_seed)


def compare_fits(fits: Mapping[str, Fit], *, random_seed: int = 0) -> Comparison:
    """Compare families fitted to the same cells.

    Parameters
    ----------
    fits
        By name.
    random_seed
        Of the simulated data.

    Returns
    -------
    Comparison
        Leave-one-out densities where outcomes are independent rows, and predictive checks.
    """
    notes, elpd = [], {}
    for name, fitted in fits.items():
        try:
            elpd[name] = loo(fitted)
        except DesignError as error:
            notes.append(f"Not compared by its density: {error}")
    checks = {name: predictive_checks(fitted, random_seed=random_seed) for name, fitted in fits.items()}
    predictive = pd.concat(checks, names=["family"])
    return Comparison(table=_ranked(elpd, fits), elpd=elpd, predictive=predictive, notes=tuple(notes))


def loo(fitted: Fit) -> ELPDData:
    """Estimate the expected log predictive density by PSIS leave-one-out, from the weighted points.

    Parameters
    ----------
    fitted
        A family fitted to independent rows.

    Returns
    -------
    arviz_stats.ELPDData
        ``elpd_i`` has dims the factors and ``point``, and counts a point as one row; sums and standard
        errors count it by its weight.

    Raises
    ------
    DesignError
        For pairs, whose values do not stand alone, and for a family without a density.

    Notes
    -----
    Rows of one bin have nearly one leave-one-out density, so the sum over weighted points is that over
    all rows to the accuracy of the points (Vehtari, Gelman & Gabry 2017 for PSIS-LOO).
    """
    cells = fitted.cells
    if joint(cells) is not None:
        msg = f"the {fitted.family.name} family describes pairs of values, which are not left out one by one."
        raise DesignError(msg)
    points = cells.points()
    value, weight = points["value"].to_numpy(), points["weight"].to_numpy()
    elpd, lpd, shape = (np.zeros_like(value) for _ in range(3))
    for place in np.ndindex(*cells.bins.shape):
        log_density = _log_density(fitted, place, value[place])
        smoothed, shape[place] = array_stats.psislw(log_density)
        elpd[place] = logsumexp(smoothed + log_density, axis=-1)
        lpd[place] = logsumexp(log_density, axis=-1) - math.log(log_density.shape[-1])
    n = float(weight.sum())
    total = float((weight * elpd).sum())
    variance = float((weight * (elpd - total / n) ** 2).sum()) / n
    worst = float(shape[weight > 0].max())
    good = min(1 - 1 / math.log10(_LOO_DRAWS), 0.7)
    labelled = [xr.DataArray(array, points["value"].coords, points["value"].dims) for array in (elpd, shape)]
    return ELPDData(
        elpd=total,
        se=math.sqrt(n * variance),
        p=float((weight * (lpd - elpd)).sum()),
        n_samples=_LOO_DRAWS,
        n_data_points=round(n),
        scale="log",
        warning=worst > good,
        good_k=good,
        elpd_i=labelled[0],
        pareto_k=labelled[1],
    )


def _log_density(fitted: Fit, place: tuple[int, ...], value: Floats) -> Floats:
    """Log-density of a cell's points; shape (points, draws)."""
    at = dict(zip(fitted.cells.dims, place, strict=True))
    parameters = fitted.parameters(at)
    draws = fitted.tree["posterior"].sizes["chain"] * fitted.tree["posterior"].sizes["draw"]
    kept = np.linspace(0, draws - 1, min(draws, _LOO_DRAWS)).astype(int)
    drawn = fitted.tree["posterior"].to_dataset().data_vars
    columns = {name: array[kept] for name, array in parameters.items() if name in drawn}
    found = fitted.family.log_density(parameters | columns, value[:, None])
    return np.asarray(np.broadcast_to(found, (len(value), len(kept))), dtype=float)


def _ranked(elpd: Mapping[str, ELPDData], fits: Mapping[str, Fit]) -> pd.DataFrame:
    rows = []
    for name, found in elpd.items():
        zeros = "activity" in fits[name].tree["posterior"]
        rows.append({"family": name, "support": "zeros and positive" if zeros else "density", "found": found})
    made = []
    for support in dict.fromkeys(row["support"] for row in rows):
        alike = sorted((row for row in rows if row["support"] == support), key=lambda row: -row["found"].elpd)
        best = alike[0]["found"]
        for rank, row in enumerate(alike):
            found = row["found"]
            weight = fits[row["family"]].cells.points()["weight"].to_numpy()
            gap, n = (best.elpd_i - found.elpd_i).to_numpy(), weight.sum()
            spread = (weight * (gap - (weight * gap).sum() / n) ** 2).sum() / n
            made.append(
                {
                    "family": row["family"],
                    "rank": rank,
                    "elpd": found.elpd,
                    "p": found.p,
                    "elpd_diff": best.elpd - found.elpd,
                    "se": found.se,
                    "dse": math.sqrt(n * spread),
                    "warning": found.warning,
                    "support": support,
                }
            )
    columns = ["family", "rank", "elpd", "p", "elpd_diff", "se", "dse", "warning", "support"]
    return pd.DataFrame(made, columns=columns).set_index("family")


def predictive_checks(fitted: Fit, *, random_seed: int = 0) -> pd.DataFrame:
    """Compare statistics of the data with those of data simulated from the posterior.

    Parameters
    ----------
    fitted
        The fit.
    random_seed
        Of the simulation.

    Returns
    -------
    pandas.DataFrame
        Index cell and statistic; columns ``observed``, ``lower``, ``upper``, ``inside``.

    Notes
    -----
    A replicate of a cell has as many rows as the data, at most 20,000: in larger data the replicates
    spread more than data of that size would, and the check is milder than it says.
    """
    rng = np.random.default_rng(random_seed)
    bins = (changes(fitted.cells) if fitted.of_changes else None) or fitted.cells.bins
    points, n = bins.points(), bins.moments()["n"].to_numpy()
    rows = []
    for place in np.ndindex(*bins.shape):
        at = dict(zip(bins.dims, place, strict=True))
        label = ", ".join(labels[k] for labels, k in zip(bins.coords.values(), place, strict=True))
        observed = _statistics(points["value"].to_numpy()[place], points["weight"].to_numpy()[place])
        replicates = _replicates(fitted, at, min(int(n[place]), _MOST_ROWS), rng)
        lower, upper = np.quantile(replicates, [(1 - _INSIDE) / 2, (1 + _INSIDE) / 2], axis=0)
        rows += [
            {
                "cell": label,
                "statistic": statistic,
                "observed": observed[k],
                "lower": lower[k],
                "upper": upper[k],
                "inside": bool(lower[k] - 1e-9 <= observed[k] <= upper[k] + 1e-9),
            }
            for k, statistic in enumerate(_STATISTICS)
        ]
    return pd.DataFrame(rows).set_index(["cell", "statistic"])


def _replicates(fitted: Fit, at: Mapping[str, int], size: int, rng: np.random.Generator) -> Floats:
    parameters = fitted.parameters(at)
    draws = fitted.tree["posterior"].sizes["chain"] * fitted.tree["posterior"].sizes["draw"]
    names = {str(name) for name in fitted.tree["posterior"].data_vars}
    found = []
    for k in np.linspace(0, draws - 1, min(draws, _REPLICATES)).astype(int):
        one = {name: array[k] if name in names else array for name, array in parameters.items()}
        value = fitted.family.simulate(one, size, rng)
        found.append(_statistics(value, np.ones(len(value))))
    return np.array(found)


def _statistics(value: Floats, weight: Floats) -> Floats:
    kept = weight > 0
    order = np.argsort(value[kept])
    value, weight = value[kept][order], weight[kept][order]
    share = np.cumsum(weight) / weight.sum()
    mean = float((weight * value).sum() / weight.sum())
    sd = math.sqrt(float((weight * (value - mean) ** 2).sum() / weight.sum()))
    p99 = value[np.searchsorted(share, 0.99)]
    # How much of each value's weight is among the top 1 %.
    inside = np.clip(share - 0.99, 0.0, weight / weight.sum())
    top = float((inside * value).sum() / mean) if mean else 0.0
    return np.array([weight[value == 0].sum() / weight.sum(), mean, sd, p99, top])
