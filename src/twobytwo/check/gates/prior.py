"""How much of an answer is assumed: priors, and whether trends add or multiply."""

from __future__ import annotations

from collections.abc import Sequence

from twobytwo.ask.contrast import Contrast
from twobytwo.ask.design import Design
from twobytwo.check.gate import Gate, judge
from twobytwo.infer.decisions import decide, format_probability, verdict
from twobytwo.infer.effects import Effects

__all__ = ["prior_gates", "trend_gates"]


def prior_gates(prior_weight: float, p_harm: Sequence[float], power_scaling: float) -> list[Gate]:
    """Check how much the answer is the prior's.

    Parameters
    ----------
    prior_weight
        κ, the prior's share of the headline's posterior.
    p_harm
        P(harm) under each of the priors tried.
    power_scaling
        How much the headline's posterior moves when the prior is raised to a power; see
        `twobytwo.check.prior_sensitivity.power_scaling`.

    Returns
    -------
    list of Gate
        Prior weight, the range of P(harm) across priors, and power-scaling sensitivity.
    """
    low, high = format_probability(min(p_harm)), format_probability(max(p_harm))
    stays = f"at {low}" if low == high else f"within {low} to {high}"
    return [
        judge(
            "prior_weight",
            "prior",
            prior_weight,
            {
                "pass": f"The prior has {prior_weight:.1%} of the weight.",
                "fail": f"The prior has {prior_weight:.0%} of the weight: collect more data or defend it.",
            },
        ),
        judge(
            "prior_range",
            "prior",
            max(p_harm) - min(p_harm),
            {
                "pass": f"Across priors P(harm) stays {stays}.",
                "fail": f"P(harm) depends on the prior: {low} to {high}.",
            },
        ),
        judge(
            "power_scaling",
            "prior",
            power_scaling,
            {
                "pass": "A somewhat stronger or weaker prior gives the same posterior.",
                "fail": "A somewhat stronger or weaker prior moves the posterior: the prior is informative.",
            },
        ),
    ]


def trend_gates(
    effects: Effects, design: Design, contrast: Contrast | None = None, *, max_probability: float = 0.05
) -> list[Gate]:
    """Check whether additive and multiplicative trends lead to one decision.

    Parameters
    ----------
    effects
        Labelled draws.
    design
        Says what harm is.
    contrast
        Which effect; None takes the headline's.
    max_probability
        Of the verdict; see `twobytwo.infer.decisions.verdict`.

    Returns
    -------
    list of Gate
        One gate; none where a cell value may be zero or negative, so that nothing multiplies.
    """
    asked = contrast.name if contrast else effects.headline
    name = f"{asked}_multiplicative"
    if name not in effects:
        return []
    shares = [decide(effects, design, effect=effect).p_material_harm for effect in (asked, name)]
    additive, multiplicative = (verdict(share.value, max_probability) for share in shares)
    said = f"adding: {shares[0]}, {additive}; multiplying: {shares[1]}, {multiplicative}"
    what = "effects" if design.period is None else "trends"
    messages = {
        "pass": f"Whether {what} add or multiply does not change the decision ({said}).",
        "fail": (
            f"The decision depends on whether {what} add or multiply (probability of harm {said}): the "
            "assumption decides, not the data. Say which you believe, and why."
        ),
    }
    gap = abs(shares[0].value - shares[1].value) if additive != multiplicative else 0.0
    return [judge("trends", "prior", gap, messages)]
