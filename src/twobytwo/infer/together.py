"""Effects on many metrics of the same users, jointly and in closed form: nothing is compiled.

In large samples the posterior of a cell's means is normal around the sample means with the covariance that
users show, exactly so for normal outcomes but for the t distribution's tails. Shares are taken to log-odds,
counts to logarithms, ratios are quotients of two means: a Gaussian copula with the empirical correlation of
the users' values, on each metric's own posterior. Effects are arithmetic on the draws, as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from twobytwo.ask.lines import Line
from twobytwo.data.sums import Several
from twobytwo.infer.estimates import Estimates
from twobytwo.infer.layout import Layout
from twobytwo.infer.predictors import coding, prior_sd, terms
from twobytwo.infer.priors import Priors

__all__ = ["Together", "effects_together"]

Floats = npt.NDArray[np.float64]

# Perfectly dependent columns (a metric and its double) still have a Cholesky factor.
_JITTER = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Together:
    """Joint draws of the effects on several metrics.

    Parameters
    ----------
    effect
        In units of the metric; shape (draws, rows), the rows those of `Estimates`.
    relative
        As a share of what is expected without the effect; NaN where that may not be positive.
    prior_weight
        The prior's share of each effect's posterior; shape (rows,).
    """

    effect: Floats
    relative: Floats
    prior_weight: Floats


def effects_together(
    several: Several,
    lines: Sequence[Line],
    found: Estimates,
    priors: Priors,
    *,
    draws: int = 4_000,
    seed: int = 0,
) -> Together:
    """Draw the effects on all metrics from their joint posterior.

    Parameters
    ----------
    several, lines
        As for `estimates`.
    found
        Their estimates.
    priors
        Of the effects, one independent of the other; combined with the joint likelihood in closed
        form.
    draws
        How many joint draws.
    seed
        Of the draws.
    """
    layout, rng = Layout(several, lines), np.random.default_rng(seed)
    weights = layout.weights
    slope = found.slope.reshape(len(weights), len(lines))
    by_contrast, with_effect = np.zeros((draws, *slope.shape)), np.full((draws, *slope.shape), np.nan)
    for g, n in enumerate(several.n):
        sd = np.sqrt(np.diagonal(several.cross[g]) / n / (n - 1))
        correlation = several.cross[g] / np.sqrt(np.outer(*[np.diagonal(several.cross[g])] * 2))
        correlation[np.diag_indices_from(correlation)] = 1 + _JITTER
        z = rng.standard_normal((draws, len(sd))) @ _root(correlation).T
        # To the tails of a t distribution with n - 1 degrees of freedom (Cornish & Fisher).
        z += (z**3 + z) / (4 * (n - 1))
        for t in range(layout.periods):
            cell = _cell_values(several, layout, g, t, z, sd)
            for row in [row for row, place in enumerate(layout.last) if place == (g, t)]:
                with_effect[:, row] = cell
            for k in np.flatnonzero(weights[:, g, t]):
                by_contrast[:, k] += weights[k, g, t] * cell
                if layout.adjusts and t == 0:
                    # Groups drawn at random have no gap before: the effect given that it is zero.
                    by_contrast[:, k] += slope[k] * weights[k, g, t] * cell
        if not layout.adjusts:
            drawn = several.mean[g, layout.before] + sd[layout.before] * z[:, layout.before]
            for k in np.flatnonzero(weights[:, g, 0]):
                by_contrast[:, k, layout.given] -= slope[k, layout.given] * weights[k, g, 0] * drawn
    effect = by_contrast.reshape(draws, -1)
    # What is expected without the effect.
    base = with_effect.reshape(draws, -1) - effect
    tau = found.scale * _prior_widths(several, layout, priors)
    covariance = found.covariance
    # A draw of the prior, corrected by a draw of the likelihood, is one of the posterior (Matheron's rule).
    gain = np.linalg.solve(covariance + np.diag(tau**2), np.diag(tau**2)).T
    prior = tau * rng.standard_normal(effect.shape)
    effect = prior + (effect - prior) @ gain.T
    variance = np.diagonal(covariance)
    weight = variance / (variance + tau**2)
    relative = np.full_like(effect, np.nan)
    positive = (base > 0).all(axis=0)
    relative[:, positive] = effect[:, positive] / base[:, positive]
    return Together(effect=effect, relative=relative, prior_weight=weight)


def _root(correlation: Floats) -> Floats:
    """Give a square root of a correlation matrix, also where columns depend on each other."""
    try:
        return np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlation)
        return vectors * np.sqrt(np.maximum(values, 0.0))


def _cell_values(several: Several, layout: Layout, g: int, t: int, z: Floats, sd: Floats) -> Floats:
    """Draws of every metric's value in one cell; shape (draws, metrics)."""
    at, under = layout.value + layout.width * t, layout.under + layout.width * t
    mean, n = several.mean[g], several.n[g]
    made = mean[at] + sd[at] * z[:, at]
    share, count, ratio = (layout.kind == kind for kind in ("share", "count", "ratio"))
    if share.any():
        columns = at[share]
        p = (n * mean[columns] + 0.5) / (n + 1)
        made[:, share] = 100 * expit(logit(p) + z[:, columns] / np.sqrt(n * p * (1 - p)))
    if count.any():
        columns = at[count]
        made[:, count] = mean[columns] * np.exp(sd[columns] / mean[columns] * z[:, columns])
    if ratio.any():
        columns = under[ratio]
        made[:, ratio] /= mean[columns] + sd[columns] * z[:, columns]
    return made


def _prior_widths(several: Several, layout: Layout, priors: Priors) -> Floats:
    """Prior standard deviation of every row, in multiples of its metric's scale.

    Several treatments have effects of their own, which are independent (see `coding`).
    """
    design = several.design
    matrix, squares = coding(design).to_numpy(), {}
    for predictor in ("location", "activity"):
        squares[predictor] = np.square(prior_sd(priors, terms(design), predictor=predictor))
    made = []
    for contrast in design.primary:
        weights = contrast.array(design.shape)
        combined = np.tensordot(weights, matrix, axes=weights.ndim)
        width = {predictor: float(np.sqrt((combined**2 * each).sum())) for predictor, each in squares.items()}
        made.append(np.where(layout.kind == "share", width["activity"], width["location"]))
    return np.concatenate(made)
