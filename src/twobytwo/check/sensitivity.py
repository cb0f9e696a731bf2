"""What would change the answer: other priors, families, caps, users and trends, on the same data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from scipy import stats

from twobytwo.ask.contrast import Contrast
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gate import refused
from twobytwo.check.gates import family_gates, sampler_gates
from twobytwo.data.cells import Cells
from twobytwo.errors import TwoByTwoError
from twobytwo.infer.decisions import format_probability, verdict
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES, Family
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.predictors import PREDICTORS, effects_name, prior_sd, terms
from twobytwo.infer.priors import PRESETS, Priors
from twobytwo.progress import track

__all__ = ["PriorAnswer", "Sensitivity", "across_priors", "panel", "power_scaling", "table"]

# Above this shape the weights have no variance; from a narrow prior to a wide one the mean is then off
# without a warning below the usual 0.7 (Vehtari et al. 2024).
_PARETO_LIMIT = 0.5
# A panel compares answers, whose Monte-Carlo error may be larger than the headline's.
_PANEL_DRAWS = 500
# How trends may add up, and what that is called after the headline's name.
_TRENDS = {"additive": "", "multiplicative": "_multiplicative"}
# Powers of the prior between which its influence is measured (Kallioinen et al. 2024; ArviZ's defaults).
_POWERS = (0.99, 1.01)


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sensitivity:
    """The answer under every combination of reasonable choices.

    Parameters
    ----------
    table
        One row per specification: the choices ``family``, ``prior``, ``values`` (all, capped, without the
        largest) and ``trend``; ``mean``, ``lower``, ``upper`` (units of the outcome), ``p_harm``,
        ``p_material_harm``, ``verdict`` (see `twobytwo.infer.decisions.verdict`), ``fidelity`` (whether the
        gates would let the family answer), ``method``. The analysis itself is the first row.
    flips
        Choices that alone change the verdict of the analysis, such as ``"family: tail"``.
    left_out
        What was not tried, and why.
    prior_weight, power_scaling
        Share of the answer that is the prior's (κ), and how much the answer moves when the prior is raised
        to a power (above 0.05 the prior is informative).
    """

    table: pd.DataFrame
    flips: tuple[str, ...]
    left_out: tuple[str, ...]
    prior_weight: float
    power_scaling: float

    @property
    def text(self) -> str:
        """Say in words which choices change the decision."""
        trusted = self.table[self.table["fidelity"] == "ok"]
        if trusted.empty:
            return f"{len(self.table)} specifications, and none of them passes its checks."
        low, high = trusted["p_material_harm"].min(), trusted["p_material_harm"].max()
        shares = dict.fromkeys((format_probability(low), format_probability(high)))
        stays = " to ".join(shares)
        first = (
            f"{len(self.table)} specifications; where the family passes its checks the probability of harm "
            f"is {stays}. The prior has {self.prior_weight:.1%} of the weight (power-scaling sensitivity "
            f"{self.power_scaling:.2g})."
        )
        if not self.flips:
            return f"{first} No single choice changes the decision ({self.table['verdict'].iloc[0]})."
        return f"{first} The decision ({self.table['verdict'].iloc[0]}) changes with {'; '.join(self.flips)}."

    def __str__(self) -> str:
        shown = self.table.to_string(index=False, float_format="{:.4g}".format)
        return "\n".join([shown, self.text, *self.left_out])


def across_priors(
    base: Fit,
    contrast: Contrast | None = None,
    *,
    ci_prob: float = 0.95,
    options: SamplerOptions | None = None,
    only_own: bool = False,
) -> tuple[PriorAnswer, ...]:
    """Answer again under every preset, without sampling again where weights suffice.

    Parameters
    ----------
    base
        The analysis' own fit; its priors come first in the result.
    contrast
        Which effect; None takes the headline's.
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
    densities, smoothed by PSIS (Vehtari et al. 2024); a Pareto shape above 0.5 means a refit.
    """
    found = _under_priors(base, options, only_own=only_own)
    return tuple(_answer(under, _name(base, contrast), ci_prob) for under in found)


def _name(base: Fit, contrast: Contrast | None) -> str:
    return contrast.name if contrast else base.effects.headline


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderPrior:
    """Draws under one prior: of a fit, with weights or as they are."""

    prior: str
    fitted: Fit
    method: str
    weights: np.ndarray | None = None


def _under_priors(base: Fit, options: SamplerOptions | None, *, only_own: bool = False) -> list[_UnderPrior]:
    """Give draws under the fit's own priors and under the other presets."""
    found = [_UnderPrior(prior=base.priors.name, fitted=base, method="fitted")]
    for priors in PRESETS.values():
        # Priors of one's own may be a preset in all but name.
        if only_own or replace(priors, name=base.priors.name) == base.priors:
            continue
        # The weights know the effects' priors only.
        weights = _weights(base, priors) if priors.spread == base.priors.spread else None
        if weights is None:
            refit = fit(base.cells, base.family, priors, options)
            found.append(_UnderPrior(prior=priors.name, fitted=refit, method="refitted"))
        else:
            found.append(_UnderPrior(prior=priors.name, fitted=base, method="reweighted", weights=weights))
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
    draws = base.effects[_name(base, contrast)].transpose("chain", "draw").to_numpy()
    log_prior = _log_prior(base, base.priors).reshape(draws.shape)
    try:
        weights = [np.exp(array_stats.power_scale_lw(log_prior.ravel(), alpha)) for alpha in _POWERS]
    except ValueError:
        return float("nan")
    lower, upper = ((w / w.sum()).reshape(draws.shape) for w in weights)
    return float(array_stats.power_scale_sense(draws, lower, upper, *_POWERS))


def panel(  # noqa: PLR0913 - one keyword per choice
    base: Fit,
    variants: Mapping[str, Callable[[], Cells]],
    contrast: Contrast | None = None,
    *,
    values: str = "all",
    ci_prob: float = 0.95,
    options: SamplerOptions | None = None,
    families: Sequence[Family] | None = None,
) -> Sensitivity:
    """Answer under every combination of family, prior, values and trend.

    Parameters
    ----------
    base
        The analysis' own fit.
    variants
        Other tables of cells of the same rows, by what was done to the values; made when needed.
    contrast
        Which effect; None takes the headline's.
    values
        What was done to the values of the fit itself.
    ci_prob
        Probability of the credible intervals.
    options
        Of the sampler.
    families
        Which to try beside the fit's own; None takes every family of the package for means whose support
        the data are in.

    Returns
    -------
    Sensitivity
        One row per specification.

    Notes
    -----
    Each family is fitted once per table of cells. Priors are reweighted, not refitted, where their weights
    can be trusted, and both trends come from the same draws.
    """
    options = options or SamplerOptions()
    options = replace(options, draws=min(options.draws, _PANEL_DRAWS))
    candidates = [base.family, *(families if families is not None else FAMILIES.values())]
    unique = {family.name: family for family in reversed(candidates)}
    unique = {base.family.name: base.family} | unique
    rows, left_out, unsuitable = [], [], set()
    tables: dict[str, Cells] = {}
    for name, make in {values: lambda: base.cells, **variants}.items():
        try:
            tables[name] = make()
        except TwoByTwoError as error:
            left_out.append(f"Values {name} were not tried: {error}")
    steps = [(name, family) for name in tables for family in unique.values()]
    for name, family in track(steps, "sensitivity"):
        if family.estimand != base.family.estimand:
            left_out.append(f"{family.name} was not tried: its effect is on a {family.estimand}.")
            continue
        try:
            own = name == values and family is base.family
            with warnings.catch_warnings(action="ignore"):
                fitted = base if own else fit(tables[name], family, base.priors, options)
        except TwoByTwoError as error:
            if name == values or family.name not in unsuitable:
                on = "" if name == values else f" on values {name}"
                left_out.append(f"{family.name} was not tried{on}: {error}")
            unsuitable.add(family.name)
            continue
        made = _rows(fitted, contrast, name, ci_prob, options)
        rows += made
        tried = {trend: [row["prior"] for row in made if row["trend"] == trend] for trend in _TRENDS}
        absent = [str(prior) for prior in tried["additive"] if prior not in tried["multiplicative"]]
        if name == values and absent:
            under = f" ({', '.join(absent)} prior)" if tried["multiplicative"] else ""
            left_out.append(
                f"Multiplicative trends were not tried for {family.name}{under}: it has no positive levels."
            )
    table = pd.DataFrame(rows)
    return Sensitivity(
        table=table,
        flips=_flips(table),
        left_out=tuple(dict.fromkeys(left_out)),
        prior_weight=base.prior_weight(robust_check(base.cells, ci_prob, contrast).se, contrast),
        power_scaling=power_scaling(base, contrast),
    )


def _rows(
    fitted: Fit, contrast: Contrast | None, values: str, ci_prob: float, options: SamplerOptions
) -> list[dict[str, object]]:
    checks = [
        *family_gates(fitted, robust_check(fitted.cells, ci_prob, contrast), contrast),
        *sampler_gates(fitted.tree, fitted.effects, contrast),
    ]
    # The panel has fewer draws than the headline needs; that alone is no reason against a family.
    against = [gate for gate in refused(checks) if gate.name not in ("ess_bulk", "ess_tail")]
    found = _under_priors(fitted, options)
    rows = []
    for trend, suffix in _TRENDS.items():
        effect = _name(fitted, contrast) + suffix
        for answer in (_answer(under, effect, ci_prob) for under in found if effect in under.fitted.effects):
            about = {"family": fitted.family.name, "prior": answer.prior, "values": values, "trend": trend}
            numbers = {key: value for key, value in asdict(answer).items() if key not in ("prior", "method")}
            rows.append(
                about
                | numbers
                | {
                    "verdict": verdict(answer.p_material_harm),
                    "fidelity": ", ".join(gate.name for gate in against) or "ok",
                    "method": answer.method,
                }
            )
    return rows


def _flips(table: pd.DataFrame) -> tuple[str, ...]:
    choices = ["family", "prior", "values", "trend"]
    first = table.iloc[0]
    found = []
    for choice in choices:
        others = [name for name in choices if name != choice]
        alone = table[(table[others] == first[others]).all(axis=1) & (table["fidelity"] == "ok")]
        found += [
            f"{choice}: {row[choice]} ({row['verdict']})"
            for _, row in alone.iterrows()
            if row["verdict"] != first["verdict"]
        ]
    return tuple(found)


def _log_prior(base: Fit, priors: Priors) -> np.ndarray:
    """Log prior density of the effects of every draw, flat over chains and draws."""
    posterior, constants = base.tree["posterior"], base.tree["constant_data"]
    dims = tuple(str(dim) for dim in posterior.to_dataset()["location"].dims[2:])
    made = terms(base.cells.design, dims)
    total = np.zeros(posterior.sizes["chain"] * posterior.sizes["draw"])
    for predictor in PREDICTORS:
        name = effects_name(predictor)
        if name not in posterior:
            continue
        draws = posterior[name].transpose("chain", "draw", "effect").to_numpy()
        randomised = base.cells.design.randomised
        widths = prior_sd(priors, made, predictor=predictor, randomised=randomised)
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


def _answer(under: _UnderPrior, effect: str, ci_prob: float) -> PriorAnswer:
    draws = under.fitted.effects[effect].transpose("chain", "draw").to_numpy().ravel()
    design, weights = under.fitted.cells.design, under.weights
    harm = design.metric.harm_sign * draws
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    # Weighted quantiles need NumPy's inverted CDF.
    lower, upper = np.quantile(draws, tails, weights=weights, method="inverted_cdf")
    return PriorAnswer(
        prior=under.prior,
        mean=float(np.average(draws, weights=weights)),
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
    ...     prior="default", mean=1.0, lower=0.0, upper=2.0, p_harm=0.1, p_material_harm=0.0, method="fitted"
    ... )
    >>> table((answer,)).loc["default", "p_harm"].item()
    0.1
    """
    return pd.DataFrame([asdict(answer) for answer in answers]).set_index("prior")
