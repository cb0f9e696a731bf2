"""The answer in numbers, as sentences: sizes, intervals and probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twobytwo.answer.how import subject
from twobytwo.ask.contrast import Contrast
from twobytwo.ask.units import counted
from twobytwo.infer.decisions import (
    Decision,
    Probability,
    decide,
    format_number,
    format_probability,
    probability,
    probability_of_best,
    resolution,
)
from twobytwo.infer.effects import Effects
from twobytwo.infer.fit import Fit

__all__ = ["answered", "p_worse"]


def answered(chosen: Fit, decision: Decision, ci_prob: float) -> list[str]:
    """Say the answer in numbers: how much, in which interval, and how likely harm is.

    Parameters
    ----------
    chosen
        The fit that answers.
    decision
        On its headline.
    ci_prob
        Probability of the intervals.
    """
    kind = chosen.cells.design.headline.kind
    return (_interaction_answer if kind == "interaction" else _effect_answer)(chosen, decision, ci_prob)


def p_worse(chosen: Fit, effect: str) -> Probability:
    """Give the probability that an effect is harm, however small."""
    draws = chosen.effects[effect]
    return probability(chosen.cells.design.metric.harm_sign * draws > 0, draws)


def _effect_answer(chosen: Fit, decision: Decision, ci_prob: float) -> list[str]:
    design = chosen.cells.design
    primary = design.primary
    changes = [_change(chosen, contrast.name, ci_prob, who=_who(chosen, contrast)) for contrast in primary]
    sentences = [*changes, _harm_sentence(decision, chosen)]
    if len(primary) > 1 and chosen.means is not None:
        best = probability_of_best(chosen.effects, design)
        label = max(best, key=best.__getitem__)
        sentences.append(f"Most probably best: {label} ({format_probability(best[label])}).")
    return sentences


def _interaction_answer(chosen: Fit, decision: Decision, ci_prob: float) -> list[str]:
    effects, design = chosen.effects, chosen.cells.design
    row = effects.summary(ci_prob).loc[effects.headline].to_dict()
    error = resolution(effects[effects.headline])
    two = len(design.factors) == 2
    count, none = ("two", "neither") if two else ("three", "none")
    together, all_of = ("both", "Both") if two else ("all", "All three")
    than = "less" if row["median"] < 0 else "more"
    measure = design.metric.measure
    size = format_number(abs(row["median"]), error)
    beside = f"by {counted(size, measure)} {than} than" if size.strip("0.") else "by as much as"
    whole = effects.summary(ci_prob).loc[together].to_dict()
    over = format_number(whole["median"], resolution(effects[together]), sign=True)
    beyond = f" of more than {counted(f'{decision.margin:,g}', measure)}" if decision.margin else ""
    return [
        f"{all_of} together change {subject(chosen)} {beside} the {count} separate effects add up to "
        f"({_interval(row, error, ci_prob, measure)}).",
        f"Probability of cannibalisation{beyond}: {decision.p_material_harm}.",
        f"Compared with {none}, {all_of[0].lower()}{all_of[1:]} together change {subject(chosen)} by "
        f"{counted(over, measure)} (probability that this is harm: {p_worse(chosen, together)}).",
    ]


def _change(chosen: Fit, name: str, ci_prob: float, *, who: str) -> str:
    """Say how a mean moved: "Treated users gained 24 minutes (95 % interval 11 to 38 minutes; +9.6 %)"."""
    metric, effects = chosen.cells.design.metric, chosen.effects
    row = effects.summary(ci_prob).loc[name].to_dict()
    error = resolution(effects[name])
    best, size = row["median"], format_number(abs(row["median"]), error)
    nothing = not size.strip("0.")
    # Against what would have been without it, not against the time before.
    through = " through the treatment" if chosen.cells.design.question == "did" else ""

    def inside(measure: str) -> str:
        # The interval is of the effect, so it stands next to it, in its unit; the relative size follows.
        parts = (_interval(row, error, ci_prob, measure), _relative(effects, name))
        return "; ".join(part for part in parts if part)

    # Where more is worse, more is no gain.
    if metric.measure and metric.harm == "decrease" and chosen.means is not None and not chosen.of_changes:
        moved = "changed by" if nothing else "gained" if best >= 0 else "lost"
        by = f"{counted(size, metric.measure)}{through}{_levels(chosen, name)}"
        return f"{who} {moved} {by} ({inside(metric.measure)})."
    # Whose mean it is says that it is one of users.
    of, whose = subject(chosen).removesuffix(" per user"), f"{who[0].lower()}{who[1:]}"
    moved = "changed" if nothing else "rose" if best >= 0 else "fell"
    # Points are not in the name of a share, as minutes are in that of their mean.
    measure = metric.measure if metric.kind == "share" else ""
    by = f"{counted(size, measure)}{through}{_levels(chosen, name)}"
    return f"{of[0].upper()}{of[1:]} of {whose} {moved} by {by} ({inside(measure)})."


def _levels(chosen: Fit, name: str) -> str:
    """Say a share with and without the treatment, such as ": 9.5 % instead of 7.7 %".

    Points alone say little. The share without is no share of a time before: in a comparison it is the
    control group's, in difference-in-differences the counterfactual.
    """
    design, means = chosen.cells.design, chosen.means
    contrast = next(contrast for contrast in design.contrasts if contrast.name == name)
    if design.metric.kind != "share" or means is None or not contrast.corners:
        return ""
    after = means.isel(dict(zip(design.dims, contrast.corners[-1], strict=True)))
    without = after - chosen.effects[name]
    ends = (format_number(float(end.median()), resolution(chosen.effects[name])) for end in (after, without))
    return ": {} % instead of {} %".format(*ends)


def _interval(row: Mapping[Any, Any], error: float, ci_prob: float, measure: str) -> str:
    """Write an interval as sizes in the direction of the estimate; with signs where it holds both."""
    lower, upper = row["lower"], row["upper"]
    if lower * upper > 0:
        ends = [format_number(size, error) for size in sorted((abs(lower), abs(upper)))]
    else:
        ends = [format_number(end, error, sign=True) for end in (lower, upper)]
    return f"{100 * ci_prob:g} % interval {ends[0]} to {counted(ends[1], measure)}"


def _relative(effects: Effects, name: str) -> str:
    """Write the relative size of an effect, such as ``+9.6 %``; nothing where it has none."""
    if f"{name}_relative" not in effects:
        return ""
    draws = 100 * effects[f"{name}_relative"]
    return f"{format_number(float(draws.median()), resolution(draws), sign=True)} %"


def _harm_sentence(decision: Decision, chosen: Fit) -> str:
    """Say how likely harm beyond the margin is."""
    metric = chosen.cells.design.metric
    if not decision.margin:
        what = "any loss" if metric.harm == "decrease" else "any increase"
    else:
        verb = "losing" if metric.harm == "decrease" else "an increase of"
        what = f"{verb} more than {counted(f'{decision.margin:,g}', metric.measure)}"
    effects, design = chosen.effects, chosen.cells.design
    shares = {
        contrast.agent: str(
            decide(effects, design, margin=decision.margin, effect=contrast.name).p_material_harm
        )
        for contrast in design.primary
    }
    if len(set(shares.values())) == 1:
        return f"Probability of {what}: {decision.p_material_harm}{' each' if len(shares) > 1 else ''}."
    return f"Probability of {what}: {', '.join(f'{share} ({who})' for who, share in shares.items())}."


def _who(chosen: Fit, contrast: Contrast) -> str:
    """Name those whom an effect is about."""
    design = chosen.cells.design
    if contrast.agent == "the treatment":
        return "Treated users" if design.unit is not None else "The treated group"
    if contrast.agent in dict(design.factors[0].words).values():
        return f"{'Users' if design.unit is not None else 'The group'} with {contrast.agent}"
    return f"{contrast.agent[0].upper()}{contrast.agent[1:]}"
