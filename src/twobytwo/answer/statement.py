"""What is said: the verdict, the answer in numbers and the cautions, in some fifty words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from twobytwo.answer.cautions import cautions, refusals, reversals
from twobytwo.answer.headline import Arm, Headline, InteractionProbabilities, Status, Verdict
from twobytwo.answer.how import how_known, subject
from twobytwo.answer.sentences import answered, p_worse
from twobytwo.ask.contrast import Contrast
from twobytwo.ask.listed import listed
from twobytwo.check.crosscheck import Check
from twobytwo.check.gate import Gate, refused
from twobytwo.check.prior_sensitivity import PriorAnswer
from twobytwo.infer.decisions import (
    Decision,
    decide,
    probability_of_best,
    verdict,
)
from twobytwo.infer.fit import Fit

__all__ = ["headline"]


def headline(  # noqa: PLR0913 - one keyword per part of the answer
    chosen: Fit,
    gates: Sequence[Gate],
    *,
    robust: Mapping[str, Check],
    priors: Mapping[str, Sequence[PriorAnswer]],
    ci_prob: float,
    max_probability: float = 0.05,
    refused_fit: Fit | None = None,
    uncapped: Fit | None = None,
    unsound: Sequence[Gate] = (),
    beside: Fit | None = None,
    beside_against: Sequence[Gate] = (),
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
        The companion named beside each effect that is stated, by the effect's name.
    priors
        The answers under other priors, by the effect's name.
    ci_prob
        Probability of the credible interval.
    max_probability
        Of harm beyond the margin, up to which there is no harm.
    refused_fit
        The family asked for, if `chosen` replaced it.
    uncapped
        The same fit without the design's cap, if it has one.
    unsound
        Gates that would refuse `uncapped`.
    beside, beside_against
        The mean's answer, where `chosen` is about something else, and gates that refuse it.
    note
        Why this family was chosen, or which others were tried, if that needs saying.

    Returns
    -------
    Headline
        With numbers, or with the reasons why not.
    """
    effects, contrast = chosen.effects, chosen.cells.design.headline
    attributes = effects[effects.headline].attrs
    decision = decide(effects, chosen.cells.design)
    about = Headline(
        status="refused",
        family=chosen.family.name,
        estimand=attributes["estimand"],
        effect=effects.headline,
        scale=attributes["scale"],
        unit=attributes["unit"],
        ci_prob=ci_prob,
        margin=decision.margin,
        max_probability=max_probability,
    )
    replaced = [gate for gate in refused(gates, "family") if gate.family != chosen.family.name]
    against = [gate for gate in refused(gates) if gate not in replaced]
    if against:
        tried = [note] if note and refused(against, "family") else []
        return replace(about, sentences=("No statement is made.", *refusals(against), *tried))
    judge = partial(_verdict, contrast, max_probability)
    arms = _arms(chosen, ci_prob, judge)
    verdicts = _verdicts(chosen, judge)
    turned = reversals(chosen, judge, priors=priors, uncapped=uncapped)
    row = effects.summary(ci_prob).loc[effects.headline].to_dict()
    return replace(
        about,
        status=_status(chosen, refused_fit),
        verdict=min(verdicts.values(), key=_MOST_CAUTIOUS_FIRST.index),
        sentences=(
            _about(chosen, _first_words(verdicts, decision, contrast)),
            *answered(chosen, decision, ci_prob),
            *([f"The verdict would be {', '.join(turned)}."] if turned else []),
            *_of_the_mean(beside, beside_against, ci_prob, max_probability),
            *cautions(chosen, gates),
        ),
        reversals=turned,
        how=how_known(
            chosen,
            robust=robust,
            priors=priors,
            ci_prob=ci_prob,
            refused_fit=refused_fit,
            reasons=[gate.message for gate in replaced],
            uncapped=uncapped,
            unsound=unsound,
            note=note,
        ),
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
        arms=arms,
    )


_VERDICTS: dict[Verdict, str] = {
    "harm": "harm",
    "no harm": "no harm",
    "cannibalise": "they cannibalise each other",
    "no cannibalisation": "no cannibalisation",
    "open": "open",
}
_MOST_CAUTIOUS_FIRST: tuple[Verdict, ...] = ("harm", "cannibalise", "open", "no harm", "no cannibalisation")


def _status(chosen: Fit, refused_fit: Fit | None) -> Status:
    if refused_fit is not None:
        return "fallback"
    return "ok" if chosen.family.estimand == "mean" else "other_estimand"


def _about(chosen: Fit, words: str) -> str:
    """Put before a verdict what it is about, where that is not the mean."""
    if chosen.family.estimand == "mean":
        return words
    return f"About {subject(chosen)}, not the mean: {words[0].lower()}{words[1:]}"


def _of_the_mean(
    beside: Fit | None, against: Sequence[Gate], ci_prob: float, max_probability: float
) -> list[str]:
    """Say what is known of the mean beside an answer about something else."""
    if beside is None:
        return []
    if against:
        return [f"About the mean no statement is made. {' '.join(refusals(against))}"]
    decision, contrast = decide(beside.effects, beside.cells.design), beside.cells.design.headline
    judge = partial(_verdict, contrast, max_probability)
    words = _first_words(_verdicts(beside, judge), decision, contrast)
    first, *others = answered(beside, decision, ci_prob)
    return [f"About the mean: {words[0].lower()}{words[1:]}", first, *others]


def _verdict(contrast: Contrast, max_probability: float, p_material_harm: float) -> Verdict:
    found = verdict(p_material_harm, max_probability)
    if contrast.kind == "effect" or found == "open":
        return found
    return "cannibalise" if found == "harm" else "no cannibalisation"


def _verdicts(chosen: Fit, judge: Callable[[float], Verdict]) -> dict[str, Verdict]:
    """Judge every contrast that was asked for, by who does it."""
    effects, design = chosen.effects, chosen.cells.design
    return {
        contrast.agent: judge(decide(effects, design, effect=contrast.name).p_material_harm.value)
        for contrast in design.primary
    }


def _first_words(verdicts: Mapping[str, Verdict], decision: Decision, contrast: Contrast) -> str:
    """Say the verdict; of several treatments with several verdicts, whose is which."""
    every = [name for name in _MOST_CAUTIOUS_FIRST if name in verdicts.values()]
    said = {
        name: _VERDICTS[name] + (" that matters" if decision.margin and name.startswith("no ") else "")
        for name in every
    }
    if len(every) == 1:
        found = said[every[0]]
        words = f"{found}: {contrast.harm} is neither shown nor ruled out" if every == ["open"] else found
    else:
        whose = {name: listed(who for who in verdicts if verdicts[who] == name) for name in every}
        words = "; ".join(
            f"{said[name]} {'for' if name == 'open' else 'from'} {whose[name]}" for name in every
        )
    return f"{words[0].upper()}{words[1:]}."


def _arms(chosen: Fit, ci_prob: float, judge: Callable[[float], Verdict]) -> tuple[Arm, ...]:
    """Set several treatments beside each other; nothing for one, or where the cells are no means."""
    design, means = chosen.cells.design, chosen.means
    primary = design.primary
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
                verdict=judge(decision.p_material_harm.value),
            )
        )
    return tuple(arms)


def _together(chosen: Fit, decision: Decision) -> InteractionProbabilities:
    draws = chosen.effects[chosen.effects.headline]
    together, single = ("both", "better") if len(chosen.cells.design.factors) == 2 else ("all", "best")
    return InteractionProbabilities(
        p_cannibalisation=decision.p_harm.value,
        p_synergy=float((chosen.cells.design.metric.harm_sign * draws < 0).mean()),
        p_both_worse_than_neither=p_worse(chosen, together).value,
        p_both_worse_than_better=p_worse(chosen, f"{together}_over_{single}").value,
    )
