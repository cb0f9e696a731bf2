"""A row of a scorecard, the effect on one metric: what the joint draws and the companion say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from twobytwo.answer.headline import CAUTIONS
from twobytwo.answer.scoring import Scoring
from twobytwo.ask.design import Design
from twobytwo.ask.lines import Line, Role
from twobytwo.ask.metric import Kind, Metric
from twobytwo.check.gate import THRESHOLDS
from twobytwo.infer.decisions import verdict
from twobytwo.infer.estimates import Estimates
from twobytwo.infer.together import Together

__all__ = ["Entry", "Verdict", "entries_of", "treatments_of"]

Verdict = Literal["harm", "no harm", "open", "not stated"]
# Of discoveries, the share that may be false.
_FALSE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row: a metric, and the treatment whose effect it is where there are several.

    Parameters
    ----------
    line
        What was asked: the metric, its part in the decision, its value before.
    median, ci
        Of the effect, in units of the metric.
    relative, relative_ci
        The same as a share of what is expected without the effect; None where that is not positive.
    p_improved, p_harm, p_material_harm
        Probability that the effect is in the good direction, in the bad one, and beyond the margin there.
    verdict
        ``"harm"``, ``"no harm"``, ``"open"``, or ``"not stated"`` where a few large values carry the effect,
        where the smaller group happens to lack them, or where the groups are not what they were meant to be.
    cautions
        What a reader must bear in mind, in clauses.
    estimate, se, p_value
        The companion: the contrast of means without a prior, and its two-sided p-value.
    discovery
        Whether Benjamini and Hochberg's procedure at 5 %, over all rows, calls the effect one.
    treatment
        Which of several treatments, each compared with the control group; None where there is one.
    """

    line: Line
    median: float
    ci: tuple[float, float]
    relative: float | None
    relative_ci: tuple[float, float] | None
    p_improved: float
    p_harm: float
    p_material_harm: float
    verdict: Verdict
    cautions: tuple[str, ...]
    estimate: float
    se: float
    p_value: float
    discovery: bool
    treatment: str | None = None

    @property
    def name(self) -> str:
        """What sentences call the row."""
        return self.metric.name if self.treatment is None else f"{self.metric.name} ({self.treatment})"

    @property
    def metric(self) -> Metric:
        """What is measured."""
        return self.line.metric

    @property
    def role(self) -> Role:
        """Its part in the decision."""
        return self.line.role

    @property
    def p_false(self) -> float:
        """Probability that the verdict is false; 0 where none is stated."""
        return {"harm": 1 - self.p_material_harm, "no harm": self.p_material_harm}.get(self.verdict, 0.0)


def treatments_of(design: Design) -> tuple[str | None, ...]:
    """Give the labels of several treatments, in the order of their rows; None alone where there is one.

    Examples
    --------
    >>> arms = Design.compare(outcome="y", group="arm", control="a", treatment=["b", "c"])
    >>> treatments_of(arms), treatments_of(arms.resolve({"arm": ["a", "b", "c"]}))[0]
    (('b', 'c'), 'b')
    """
    return design.factors[0].labels[1:] if len(design.primary) > 1 else (None,)


def entries_of(
    lines: Sequence[Line], asked: Scoring, found: Estimates, joint: Together, *, withheld: bool
) -> tuple[Entry, ...]:
    """Make the rows.

    Parameters
    ----------
    lines
        Those asked for, with the numbers of their caps.
    asked
        How they are answered, with levels resolved.
    found, joint
        The companion and the joint draws.
    withheld
        Whether no verdict is stated at all.

    Returns
    -------
    tuple of Entry
        In the order of the lines, those of the first treatment first.
    """
    named = [(line, treatment) for treatment in treatments_of(asked.design) for line in lines]
    lines = [line for line, _ in named]
    sign = np.array([line.metric.harm_sign for line in lines])
    margin = np.array([line.metric.margin or 0.0 for line in lines])
    harm = sign * joint.effect
    p_harm, p_material = (harm > 0).mean(axis=0), (harm > margin).mean(axis=0)
    tails = [(1 - asked.ci_prob) / 2, 0.5, (1 + asked.ci_prob) / 2]
    effect, relative = (np.quantile(values, tails, axis=0) for values in (joint.effect, joint.relative))
    p_values = 2 * scipy.stats.norm.sf(np.abs(found.effect / found.se))
    discovered = scipy.stats.false_discovery_control(p_values) <= _FALSE
    entries = []
    for j, (line, treatment) in enumerate(named):
        carried = {"skewness": found.skewness[j], _spread_of(line, asked.design): found.spread[j]}
        silent = withheld or any(
            THRESHOLDS[name].status(_known(value)) == "refuse" for name, value in carried.items()
        )
        known = not np.isnan(relative[1, j])
        entries.append(
            Entry(
                line=line,
                median=float(effect[1, j]),
                ci=(float(effect[0, j]), float(effect[2, j])),
                relative=float(relative[1, j]) if known else None,
                relative_ci=(float(relative[0, j]), float(relative[2, j])) if known else None,
                p_improved=float(1 - p_harm[j]),
                p_harm=float(p_harm[j]),
                p_material_harm=float(p_material[j]),
                verdict="not stated" if silent else verdict(float(p_material[j]), asked.max_probability),
                cautions=_cautions(found, joint, j, line.metric.kind, carried),
                estimate=float(found.effect[j]),
                se=float(found.se[j]),
                p_value=float(p_values[j]),
                discovery=bool(discovered[j]),
                treatment=treatment,
            )
        )
    return tuple(entries)


def _spread_of(line: Line, design: Design) -> str:
    """Name the check of the groups' spreads: of values before where users have them, else of the values."""
    return "spread_before" if design.paired or line.before_column is not None else "spread_alike"


def _cautions(
    found: Estimates, joint: Together, j: int, kind: Kind, carried: Mapping[str, float]
) -> tuple[str, ...]:
    """Say what the gates of the full analysis that closed form can look at warn of."""
    passes = {
        name: THRESHOLDS[name].status(_known(value)) == "pass"
        for name, value in (
            ("rare_events", found.events[j]),
            *carried.items(),
            # A share's largest value is 1 whoever it is; what matters there is how many events there are.
            ("largest_share", np.nan if kind == "share" else found.largest[j]),
            ("prior_weight", joint.prior_weight[j]),
        )
    }
    words = CAUTIONS | {"rare_events": f"a cell has {found.events[j]:.0f} events"}
    return tuple(words[name] for name, passed in passes.items() if not passed)


def _known(value: float) -> float:
    """Give a value to be judged; what is not known here is left to the full analysis."""
    return 0.0 if np.isnan(value) else float(value)
