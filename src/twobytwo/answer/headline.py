"""The headline as a record: one effect's numbers, the verdict, and the words that are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["CAUTIONS", "Arm", "Headline", "InteractionProbabilities", "Status", "Verdict"]

Status = Literal["ok", "fallback", "other_estimand", "refused"]

Verdict = Literal["harm", "no harm", "cannibalise", "no cannibalisation", "open"]

# Warnings that a reader of the statement must know of, in a clause each: short, because a statement has some
# fifty words whatever it warns of.
CAUTIONS = {
    "sample_ratio": "group sizes are not as planned",
    "assignment": "the experiments were not assigned independently",
    "balance": "the groups differed before",
    "baseline_gap": "the groups differed much before",
    "attrition": "one group has more absent users",
    "largest_share": "one value has much weight",
    "prior_weight": "the prior has much weight",
    "prior_range": "the answer depends on the prior",
    "rare_events": "a cell has few events",
    "skewness": "a few large values carry the difference",
    "spread_alike": "the smaller group lacks large values",
    "spread_before": "the smaller group lacks large users",
    "gain": "much of the precision is assumed",
    "stratum_signs": "heavy users moved the other way",
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
    verdict
        As of the headline; None for the control group.
    """

    label: str
    effect: str
    p_best: float
    mean: float | None = None
    median: float | None = None
    ci: tuple[float, float] | None = None
    p_harm: float | None = None
    p_material_harm: float | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The one answer that is stated.

    Parameters
    ----------
    status
        ``"ok"``; ``"fallback"`` if the family asked for was refused and the normal answers instead;
        ``"other_estimand"`` if the numbers are about something else than the mean (`estimand`); or
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
    verdict
        What a guardrail says: ``"harm"``, ``"no harm"`` or ``"open"``; of experiments together
        ``"cannibalise"``, ``"no cannibalisation"`` or ``"open"``; None if refused. Of several treatments the
        most cautious of their verdicts: harm of one is harm.
    max_probability
        Up to this probability of harm beyond the margin there is no harm; from one minus it on there is.
    reversals
        Choices under which the verdict would be another, such as "harm if trends multiply rather than add".
    sentences
        What is read aloud: the verdict, the effect, the probability of harm, cautions; or, if refused, what
        is wrong.
    how
        How it is known: data, model, other methods, other priors, what was replaced and why.
    """

    status: Status
    family: str
    estimand: str
    effect: str
    scale: str
    unit: str
    ci_prob: float
    margin: float
    max_probability: float
    verdict: Verdict | None = None
    reversals: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    how: tuple[str, ...] = ()
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

    @property
    def statement(self) -> str:
        """What a stakeholder reads, in one paragraph."""
        return " ".join(self.sentences)
