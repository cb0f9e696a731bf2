"""The headline: one effect's numbers and the paragraph that a stakeholder reads, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from arviz_stats import mcse

from twobytwo.check.crosscheck import Check
from twobytwo.check.gates import Gate, refused
from twobytwo.check.sensitivity import PriorAnswer
from twobytwo.infer.decisions import (
    Decision,
    Probability,
    decide,
    format_number,
    format_probability,
    probability,
    probability_of_best,
)
from twobytwo.infer.effects import Effects
from twobytwo.infer.fit import Fit

__all__ = ["Arm", "Headline", "InteractionProbabilities", "headline", "subject"]

_COMPANION = {
    "ols_hc2": "robust (HC2) least-squares",
    "welch_change": "by-user (Welch, CR2) least-squares",
    "ancova": "analysis-of-covariance",
    "fiml": "maximum-likelihood (FIML)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionProbabilities:
    """What may be true of two experiments together.

    Parameters
    ----------
    p_cannibalisation, p_synergy
        That both together are worse, or better, than their separate effects add up to.
    p_both_worse_than_neither, p_both_worse_than_better
        That both together are worse than neither, and than the better single one.
    """

    p_cannibalisation: float
    p_synergy: float
    p_both_worse_than_neither: float
    p_both_worse_than_better: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One of several groups, beside the control group.

    Parameters
    ----------
    label
        The group's level.
    effect
        Name of its effect against the control group; empty for the control group itself.
    mean, median, ci
        Of the effect, in units of the metric; None for the control group.
    p_harm, p_material_harm
        Probability of harm, and of harm beyond the margin; None for the control group.
    p_best
        Probability that no other group has a better mean.
    """

    label: str
    effect: str
    p_best: float
    mean: float | None = None
    median: float | None = None
    ci: tuple[float, float] | None = None
    p_harm: float | None = None
    p_material_harm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The one answer that is stated.

    Parameters
    ----------
    status
        ``"ok"``; ``"fallback"`` if the family asked for was refused and the normal answers instead; or
        ``"refused"``, and then every number is None and the statement says why.
    family, estimand, effect, scale, unit
        What the numbers are numbers of.
    mean, median, sd, ci
        Of the effect, in `unit`.
    ci_prob
        Probability of the equal-tailed credible interval `ci`.
    margin, p_harm, p_harm_mcse, p_material_harm, p_negligible, expected_loss
        See `twobytwo.infer.decisions.Decision`; `p_negligible` is None without a margin.
    interaction
        Of two experiments: what may be true of them together.
    arms
        Of several treatments: each group, from joint draws; empty for one treatment.
    statement
        What a stakeholder reads.
    """

    status: Literal["ok", "fallback", "refused"]
    family: str
    estimand: str
    effect: str
    scale: str
    unit: str
    ci_prob: float
    margin: float
    statement: str
    mean: float | None = None
    median: float | None = None
    sd: float | None = None
    ci: tuple[float, float] | None = None
    p_harm: float | None = None
    p_harm_mcse: float | None = None
    p_material_harm: float | None = None
    p_negligible: float | None = None
    expected_loss: float | None = None
    interaction: InteractionProbabilities | None = None
    arms: tuple[Arm, ...] = ()


def headline(  # noqa: PLR0913 - one keyword per part of the answer
    chosen: Fit,
    gates: Sequence[Gate],
    *,
    robust: Check,
    priors: Sequence[PriorAnswer],
    ci_prob: float,
    refused_fit: Fit | None = None,
    uncapped: Fit | None = None,
    unsound: Sequence[Gate] = (),
    note: str = "",
) -> Headline:
    """State the answer, or refuse to.

    Parameters
    ----------
    chosen
        The fit that answers.
    gates
        Every gate of that fit, of the data and of the prior; a refused family's too.
    robust
        The companion named in the statement.
    priors
        The answer under other priors.
    ci_prob
        Probability of the credible interval.
    refused_fit
        The family asked for, if `chosen` replaced it.
    uncapped
        The same fit without the design's cap, if it has one.
    unsound
        Gates that would refuse `uncapped`.
    note
        Why this family was chosen, if that needs saying.

    Returns
    -------
    Headline
        With numbers, or with the reasons why not.
    """
    effects, design = chosen.effects, chosen.cells.design
    attributes = effects[effects.headline].attrs
    decision = decide(effects, design)
    about = Headline(
        status="refused",
        family=chosen.family.name,
        estimand=attributes["estimand"],
        effect=effects.headline,
        scale=attributes["scale"],
        unit=attributes["unit"],
        ci_prob=ci_prob,
        margin=decision.margin,
        statement="",
    )
    replaced = [gate for gate in refused(gates, "family") if gate.family != chosen.family.name]
    against = [gate for gate in refused(gates) if gate not in replaced]
    if against:
        reasons = " ".join(gate.message for gate in against)
        return _with(about, statement=f"No statement is made. {reasons}")
    contrast = design.headline
    say = _interaction_sentences if contrast.kind == "interaction" else _effect_sentences
    sentences = [*say(chosen, decision, ci_prob), _data_sentence(chosen), *_company(chosen, robust, priors)]
    if note:
        sentences.append(note)
    if uncapped is not None:
        estimate = _estimate(uncapped.effects, uncapped.effects.headline, ci_prob)
        names = ", ".join(dict.fromkeys(gate.name for gate in unsound))
        but = f", which its checks would refuse ({names})" if unsound else ""
        sentences.append(f"Without the cap the best estimate is {estimate}{but}.")
    if refused_fit is not None:
        reasons = " ".join(gate.message for gate in replaced)
        sentences.insert(
            0,
            f"The {refused_fit.family.name} family was refused; the normal on the cell means, which is safe "
            f"for the mean, answers instead. {reasons}",
        )
    row = effects.summary(ci_prob).loc[effects.headline].to_dict()
    return _with(
        about,
        status="ok" if refused_fit is None else "fallback",
        statement=" ".join(sentences),
        mean=row["mean"],
        median=row["median"],
        sd=row["sd"],
        ci=(row["lower"], row["upper"]),
        p_harm=decision.p_harm.value,
        p_harm_mcse=decision.p_harm.mcse,
        p_material_harm=decision.p_material_harm.value,
        p_negligible=decision.p_negligible.value if decision.margin else None,
        expected_loss=decision.expected_loss,
        interaction=_together(chosen, decision) if contrast.kind == "interaction" else None,
        arms=_arms(chosen, ci_prob),
    )


def _with(about: Headline, **changes: object) -> Headline:
    return replace(about, **changes)  # type: ignore[arg-type]


def _estimate(effects: Effects, name: str, ci_prob: float) -> str:
    """Write median and interval, such as ``+1.4 minutes (95 % credible interval −1.3 to +4.2)``."""
    draws = effects[name]
    row = effects.summary(ci_prob).loc[name].to_dict()
    error = float(mcse(draws))
    best, lower, upper = (format_number(row[key], error, sign=True) for key in ("median", "lower", "upper"))
    measure = f" {draws.attrs['unit']}" if draws.attrs["unit"] else ""
    return f"{best}{measure} ({100 * ci_prob:g} % credible interval {lower} to {upper})"


def subject(chosen: Fit) -> str:
    """Name what is changed: "mean minutes per user", "the mean of min(minutes, 600)".

    Examples
    --------
    >>> from twobytwo import did, simulate
    >>> rows = simulate.active_minutes()
    >>> subject(did(rows, outcome="minutes", group="variant", period="period").fit)
    'mean minutes'
    """
    design, estimand = chosen.cells.design, chosen.family.estimand.replace("_", " ")
    if chosen.of_changes:
        return f"the {estimand} of users' change of {design.metric.variable}"
    # "Mean minutes" is English; "location minutes" is not.
    plain = estimand == "mean" and design.metric.cap is None
    name = design.metric.of("mean") if plain else f"the {estimand} of {design.metric.variable}"
    return f"{name} per user" if design.unit is not None else name


def _split(chosen: Fit, ci_prob: float) -> list[str]:
    """Say how much of the effect is participation and how much intensity, where the family knows."""
    name = f"{chosen.effects.headline}_participation"
    if name not in chosen.effects:
        return []
    participation, intensity = (
        _estimate(chosen.effects, f"{chosen.effects.headline}_{part}", ci_prob)
        for part in ("participation", "intensity")
    )
    return [f"Of this, {participation} is who is active at all and {intensity} how much the active do."]


def _beyond(decision: Decision) -> str:
    unit = f" {decision.unit}" if decision.unit else ""
    return f" by more than {decision.margin:g}{unit}" if decision.margin else ""


def _effect_sentences(chosen: Fit, decision: Decision, ci_prob: float) -> list[str]:
    effects, design = chosen.effects, chosen.cells.design
    verb = "lowers" if design.metric.harm == "decrease" else "raises"
    first, *others = [contrast for contrast in design.contrasts if contrast.role == "primary"]
    sentences = [
        "Given these data, the model and the stated prior, the probability that "
        f"{first.agent} {verb} {subject(chosen)}{_beyond(decision)} is {decision.p_material_harm}.",
        f"Best estimate {_estimate(effects, first.name, ci_prob)}{_relative(effects, first.name)}.",
    ]
    for contrast in others:
        share = decide(effects, design, effect=contrast.name).p_material_harm
        sentences.append(
            f"For {contrast.agent} the probability is {share}, best estimate "
            f"{_estimate(effects, contrast.name, ci_prob)}{_relative(effects, contrast.name)}."
        )
    arms = _arms(chosen, ci_prob)
    if arms:
        # The most probable first.
        ranked = sorted(arms, key=lambda arm: -arm.p_best)
        listed = ", ".join(f"{arm.label} {format_probability(arm.p_best)}" for arm in ranked)
        sentences.append(f"Probability of having the best mean: {listed}.")
    return [*sentences, *_split(chosen, ci_prob), *_opposite_signs(effects)]


def _relative(effects: Effects, name: str) -> str:
    """Write the relative difference after an effect of groups, such as ``, +9.6 % relative to control``."""
    # A difference-in-differences has its own row in the table: of the counterfactual, not of the control.
    if name == "did" or f"{name}_relative" not in effects:
        return ""
    draws = effects[f"{name}_relative"]
    share = format_number(100 * float(draws.median()), 100 * float(mcse(draws)), sign=True)
    return f", {share} % of the control group's mean"


def _arms(chosen: Fit, ci_prob: float) -> tuple[Arm, ...]:
    """Set several treatments beside each other; nothing for one, or where the cells are no means."""
    design, means = chosen.cells.design, chosen.means
    primary = [contrast for contrast in design.contrasts if contrast.role == "primary"]
    if len(primary) < 2 or means is None:
        return ()
    best = probability_of_best(chosen.effects, design)
    summary = chosen.effects.summary(ci_prob)
    control, *treated = design.factors[0].labels
    arms = [Arm(label=control, effect="", p_best=best[control])]
    for label, contrast in zip(treated, primary, strict=True):
        row = summary.loc[contrast.name].to_dict()
        decision = decide(chosen.effects, design, effect=contrast.name)
        arms.append(
            Arm(
                label=label,
                effect=contrast.name,
                p_best=best[label],
                mean=row["mean"],
                median=row["median"],
                ci=(row["lower"], row["upper"]),
                p_harm=decision.p_harm.value,
                p_material_harm=decision.p_material_harm.value,
            )
        )
    return tuple(arms)


def _interaction_sentences(chosen: Fit, decision: Decision, ci_prob: float) -> list[str]:
    effects, contrast = chosen.effects, chosen.cells.design.headline
    side = "lower" if chosen.cells.design.metric.harm_sign < 0 else "higher"
    two = len(chosen.cells.design.factors) == 2
    count, together, none, single = (
        ("two", "both", "neither", "better") if two else ("three", "all", "none", "best")
    )
    worse_than_none, worse_than_single = (
        _worse(chosen, name) for name in (together, f"{together}_over_{single}")
    )
    all_of = together if two else "all three"
    beyond = f",{_beyond(decision)}" if decision.margin else ""
    return [
        f"Given these data, the model and the stated prior, the probability that {contrast.agent} "
        f"cannibalise each other (with {all_of}, {subject(chosen)} is {side} than the {count} separate "
        f"effects add up to{beyond}) is {decision.p_material_harm}.",
        f"Best estimate of the interaction {_estimate(effects, contrast.name, ci_prob)}.",
        *_split(chosen, ci_prob),
        f"Whether they cannibalise and whether to launch {all_of} are separate questions: {all_of} together "
        f"change {subject(chosen)} by {_estimate(effects, together, ci_prob)} over {none}; the probability "
        f"that {all_of} are worse than {none} is {worse_than_none}, and than the {single} single one "
        f"{worse_than_single}.",
        *_opposite_signs(effects),
    ]


def _worse(chosen: Fit, effect: str) -> Probability:
    draws = chosen.effects[effect]
    return probability(chosen.cells.design.metric.harm_sign * draws > 0, draws)


def _together(chosen: Fit, decision: Decision) -> InteractionProbabilities:
    draws = chosen.effects[chosen.effects.headline]
    together, single = ("both", "better") if len(chosen.cells.design.factors) == 2 else ("all", "best")
    return InteractionProbabilities(
        p_cannibalisation=decision.p_harm.value,
        p_synergy=float((chosen.cells.design.metric.harm_sign * draws < 0).mean()),
        p_both_worse_than_neither=_worse(chosen, together).value,
        p_both_worse_than_better=_worse(chosen, f"{together}_over_{single}").value,
    )


def _opposite_signs(effects: Effects) -> list[str]:
    if f"{effects.headline}_ratio" not in effects:
        return []
    additive = float(effects[effects.headline].median())
    ratio = float(effects[f"{effects.headline}_ratio"].median())
    if additive * (ratio - 1) >= 0:
        return []
    return [
        f"On the ratio scale the effect has the opposite sign (ratio of ratios {ratio:.3g}): the answer "
        "depends on whether effects are thought to add or to multiply."
    ]


def _data_sentence(chosen: Fit) -> str:
    """Say which of the two it is: the same users twice, or rows taken as independent."""
    cells = chosen.cells
    design = cells.design
    if not design.paired:
        if design.period is None or cells.units is not None:
            return f"{cells.rows:,} {'users' if cells.units else 'rows'} were compared, each in one cell."
        return (
            "The rows are treated as independent (repeated cross-sections); if the same users were measured "
            "before and after, name their column with unit= for a narrower interval."
        )
    policy = {
        "zero": "; a user absent from a period counts as 0",
        "drop": "; only users seen in both periods are compared",
        "available": "; users seen once have no change and are left out"
        if chosen.of_changes
        else "; users seen once count where they were seen",
        None: "",
    }[design.missing]
    both = 0 if cells.pairs is None else int(cells.pairs.moments()["n"].isel(seen=0).sum())
    sentence = f"The same users were compared before and after ({both:,} users as pairs{policy})."
    if design.question == "comparison":
        value = f"{design.wide[0]}, a value known before" if design.wide else "the value before"
        return f"{both:,} users were compared after, given {value} (analysis of covariance{policy})."
    tightened = design.randomised and "gap" in chosen.tree["posterior"]["effect"].to_numpy()
    gap = (
        " The groups were drawn at random, so their gap before is taken as practically zero (analysis of "
        "covariance)."
    )
    return sentence + (gap if tightened else "")


def _company(chosen: Fit, robust: Check, priors: Sequence[PriorAnswer]) -> list[str]:
    """Say what least squares and the other priors say."""
    sentences = []
    if chosen.means is not None:
        error = float(mcse(chosen.effects[chosen.effects.headline]))
        lower, upper = (format_number(value, error, sign=True) for value in (robust.lower, robust.upper))
        sentences.append(f"The {_COMPANION[robust.method]} interval is {lower} to {upper}.")
    shares = [answer.p_material_harm for answer in priors]
    low, high = format_probability(min(shares)), format_probability(max(shares))
    stays = f"stays at {low}" if low == high else f"stays within {low} to {high}"
    return [*sentences, f"Across priors the probability {stays}."]
