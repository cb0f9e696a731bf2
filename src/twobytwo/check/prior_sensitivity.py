"""The answer under other priors, from the same draws where their weights suffice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from scipy import stats

from twobytwo.ask.contrast import Contrast
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families.hurdle import reference_of_odds
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.predictors import PREDICTORS, Reference, effects_name, model_sd
from twobytwo.infer.priors import PRESETS, Priors

__all__ = [
    "PriorAnswer",
    "UnderPrior",
    "across_priors",
    "answer_under",
    "named_effect",
    "power_scaling",
    "table",
    "under_priors",
]

# Above this shape the weights have no variance; from a narrow prior to a wide one the mean is then off
# without a warning below the usual 0.7 (Vehtari et al. 2024).
_PARETO_LIMIT = 0.5
# Powers of the prior between which its influence is measured (Kallioinen et al. 2024; ArviZ's defaults).
_POWERS = (0.99, 1.01)
# What the model scales the priors of a predictor's effects by.
_REFERENCES: dict[str, Callable[[Fit], Reference]] = {
    "location": lambda base: base.family.reference(base.cells),
    "activity": lambda base: reference_of_odds(base.cells),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorAnswer:
    """A stated effect under one prior.

    Parameters
    ----------
    prior
        Name of the priors.
    mean, median, lower, upper
        Of the effect, in units of the outcome.
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
    median: float = math.nan

    def __post_init__(self) -> None:
        # Stores of before there were medians; the draws are nearly symmetric.
        if math.isnan(self.median):
            object.__setattr__(self, "median", self.mean)


def across_priors(
    base: Fit,
    *,
    ci_prob: float = 0.95,
    options: SamplerOptions | None = None,
    only_own: bool = False,
) -> dict[str, tuple[PriorAnswer, ...]]:
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
    dict of str to tuple of PriorAnswer
        For each effect that is stated, by its name: the fit's own priors, then the other presets.

    Notes
    -----
    Only the priors of the effects differ, so a draw's importance weight is the ratio of their prior
    densities, smoothed by PSIS (Vehtari et al. 2024); a Pareto shape above 0.5 means a refit.
    """
    found = under_priors(base, options, only_own=only_own)
    return {
        contrast.name: tuple(answer_under(under, contrast.name, ci_prob) for under in found)
        for contrast in base.cells.design.primary
    }


def named_effect(base: Fit, contrast: Contrast | None) -> str:
    """Name the effect of a contrast; None is the headline's."""
    return contrast.name if contrast else base.effects.headline


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderPrior:
    """Draws under one prior: of a fit, with weights or as they are."""

    prior: str
    fitted: Fit
    method: str
    weights: np.ndarray | None = None


def under_priors(base: Fit, options: SamplerOptions | None, *, only_own: bool = False) -> list[UnderPrior]:
    """Give draws under the fit's own priors and under the other presets."""
    found = [UnderPrior(prior=base.priors.name, fitted=base, method="fitted")]
    for priors in PRESETS.values():
        # Priors of one's own may be a preset in all but name.
        if only_own or replace(priors, name="own") == replace(base.priors, name="own"):
            continue
        # The weights know the effects' priors only.
        weights = _weights(base, priors) if priors.spread == base.priors.spread else None
        if weights is None:
            refit = fit(base.cells, base.family, priors, options)
            found.append(UnderPrior(prior=priors.name, fitted=refit, method="refitted"))
        else:
            found.append(UnderPrior(prior=priors.name, fitted=base, method="reweighted", weights=weights))
    return found


def power_scaling(base: Fit, contrast: Contrast | None = None) -> float:
    """Power-scaling sensitivity of an effect to the priors of the effects.

    Parameters
    ----------
    base
        The fit.
    contrast
        Which effect; None takes the headline's.

    Returns
    -------
    float
        Above 0.05 the prior is informative; NaN where the draws hardly moved.

    Notes
    -----
    Kallioinen et al. (2024), as ``arviz.psense``: the gradient of the distance between the posterior and
    the one whose prior is raised to a power, by importance weights.
    """
    draws = base.effects[named_effect(base, contrast)].transpose("chain", "draw").to_numpy()
    log_prior = _log_prior(base, base.priors).reshape(draws.shape)
    try:
        weights = [np.exp(array_stats.power_scale_lw(log_prior.ravel(), alpha)) for alpha in _POWERS]
    except ValueError:
        return float("nan")
    lower, upper = ((w / w.sum()).reshape(draws.shape) for w in weights)
    return float(array_stats.power_scale_sense(draws, lower, upper, *_POWERS))


def _log_prior(base: Fit, priors: Priors) -> np.ndarray:
    """Log prior density of the effects of every draw, flat over chains and draws."""
    posterior, constants = base.tree["posterior"], base.tree["constant_data"]
    total = np.zeros(posterior.sizes["chain"] * posterior.sizes["draw"])
    for predictor in PREDICTORS:
        name = effects_name(predictor)
        if name not in posterior:
            continue
        draws = posterior[name].transpose("chain", "draw", "effect").to_numpy()
        reference = _REFERENCES[predictor](base)
        widths = model_sd(priors, predictor, base.cells.design, reference)
        centre = constants[f"{name}_prior_mean"].to_numpy()
        total += stats.norm(centre, widths).logpdf(draws.reshape(len(total), -1)).sum(axis=1)
    return total


def _weights(base: Fit, priors: Priors) -> np.ndarray | None:
    ratio = _log_prior(base, priors) - _log_prior(base, base.priors)
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


def answer_under(under: UnderPrior, effect: str, ci_prob: float) -> PriorAnswer:
    """Summarise an effect under one prior, by its weights where it has some.

    Parameters
    ----------
    under
        The draws.
    effect
        Its name.
    ci_prob
        Probability of the credible interval.
    """
    draws = under.fitted.effects[effect].transpose("chain", "draw").to_numpy().ravel()
    design, weights = under.fitted.cells.design, under.weights
    harm = design.metric.harm_sign * draws
    at = [(1 - ci_prob) / 2, 0.5, (1 + ci_prob) / 2]
    # Weighted quantiles need NumPy's inverted CDF.
    lower, median, upper = np.quantile(draws, at, weights=weights, method="inverted_cdf")
    return PriorAnswer(
        prior=under.prior,
        mean=float(np.average(draws, weights=weights)),
        median=float(median),
        lower=float(lower),
        upper=float(upper),
        p_harm=float(np.average(harm > 0, weights=weights)),
        p_material_harm=float(np.average(harm > (design.metric.margin or 0.0), weights=weights)),
        method=under.method,
    )


def table(answers: tuple[PriorAnswer, ...]) -> pd.DataFrame:
    """Show the answers as a data frame, one row per prior.

    Examples
    --------
    >>> answer = PriorAnswer(
    ...     prior="own", mean=1.0, lower=0.0, upper=2.0, p_harm=0.1, p_material_harm=0.0, method="fitted"
    ... )
    >>> table((answer,)).loc["own", "p_harm"].item()
    0.1
    """
    return pd.DataFrame([asdict(answer) for answer in answers]).set_index("prior")
