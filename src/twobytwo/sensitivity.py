"""What would change the answer: the same data under other priors."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from scipy import stats

from twobytwo.families.predictors import prior_sd
from twobytwo.fit import Fit, fit
from twobytwo.priors import PRESETS, Priors
from twobytwo.sampling import SamplerOptions

__all__ = ["PriorAnswer", "across_priors", "table"]

# Above this shape the weights' variance is too heavy-tailed to trust (Vehtari et al. 2024).
_PARETO_LIMIT = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorAnswer:
    """The headline under one prior.

    Parameters
    ----------
    prior
        Name of the priors.
    mean, lower, upper
        Of the headline, in units of the outcome.
    p_harm, p_material_harm
        Probability of harm, and of harm beyond the design's margin.
    method
        ``"fitted"`` for the analysis itself, ``"reweighted"`` for its draws with importance weights,
        ``"refitted"`` where the weights were not to be trusted.
    """

    prior: str
    mean: float
    lower: float
    upper: float
    p_harm: float
    p_material_harm: float
    method: str


def across_priors(
    base: Fit, *, ci_prob: float = 0.95, options: SamplerOptions | None = None, only_own: bool = False
) -> tuple[PriorAnswer, ...]:
    """Answer again under every preset, without sampling again where weights suffice.

    Parameters
    ----------
    base
        The analysis' own fit; its priors come first in the result.
    ci_prob
        Probability of the credible intervals.
    options
        Of the sampler, for refits.
    only_own
        Whether to leave out the other priors, for draws that are not to be trusted anyway.

    Returns
    -------
    tuple of PriorAnswer
        The fit's own priors, then the other presets.

    Notes
    -----
    Only the priors of the effects differ, so a draw's importance weight is the ratio of their prior
    densities, smoothed by PSIS (Vehtari et al. 2024); a Pareto shape above 0.7 means a refit.
    """
    answers = [_answer(base, base.priors.name, "fitted", None, ci_prob)]
    for priors in PRESETS.values():
        # Priors of one's own may be a preset in all but name.
        if only_own or replace(priors, name=base.priors.name) == base.priors:
            continue
        # The weights know the effects' priors only.
        weights = _weights(base, priors) if priors.spread == base.priors.spread else None
        if weights is None:
            refit = fit(base.cells, base.family, priors, options)
            answers.append(_answer(refit, priors.name, "refitted", None, ci_prob))
        else:
            answers.append(_answer(base, priors.name, "reweighted", weights, ci_prob))
    return tuple(answers)


def _weights(base: Fit, priors: Priors) -> np.ndarray | None:
    draws = base.tree["posterior"]["effects"].to_numpy().reshape(-1, base.tree.posterior.sizes["effect"])
    labels = [str(label) for label in base.tree["posterior"]["effect"].to_numpy()]
    centre = base.tree["constant_data"]["effects_prior_mean"].to_numpy()
    randomised = base.cells.design.randomised
    new, old = (
        stats.norm(centre, prior_sd(chosen, labels, randomised=randomised))
        for chosen in (priors, base.priors)
    )
    ratio = (new.logpdf(draws) - old.logpdf(draws)).sum(axis=1)
    if np.ptp(ratio) < 1e-6:
        return np.ones_like(ratio)
    try:
        # PSIS in ArviZ takes log-likelihoods, whose weights are their inverse.
        log_weights, shape = array_stats.psislw(-ratio)
    except ValueError:
        # Draws that hardly ever moved leave no tail to fit a shape to.
        return None
    if not shape <= _PARETO_LIMIT:
        return None
    return np.exp(log_weights - log_weights.max())


def _answer(base: Fit, prior: str, method: str, weights: np.ndarray | None, ci_prob: float) -> PriorAnswer:
    draws = base.effects[base.effects.headline].to_numpy().ravel()
    design = base.cells.design
    harm = design.harm_sign * draws
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    # Weighted quantiles need NumPy's inverted CDF.
    lower, upper = np.quantile(draws, tails, weights=weights, method="inverted_cdf")
    return PriorAnswer(
        prior=prior,
        mean=float(np.average(draws, weights=weights)),
        lower=float(lower),
        upper=float(upper),
        p_harm=float(np.average(harm > 0, weights=weights)),
        p_material_harm=float(np.average(harm > (design.margin or 0.0), weights=weights)),
        method=method,
    )


def table(answers: tuple[PriorAnswer, ...]) -> pd.DataFrame:
    """Show the answers as a data frame, one row a prior.

    Examples
    --------
    >>> answer = PriorAnswer(
    ...     prior="default", mean=1.0, lower=0.0, upper=2.0, p_harm=0.1, p_material_harm=0.0, method="fitted"
    ... )
    >>> table((answer,)).loc["default", "p_harm"].item()
    0.1
    """
    return pd.DataFrame([asdict(answer) for answer in answers]).set_index("prior")
