"""Every metric of an experiment, decided together: one reading, one table, one launch decision."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

# First; see `analyze`.
import arviz_base  # noqa: F401
import numpy as np
import numpy.typing as npt

from twobytwo.answer.card import Scorecard
from twobytwo.answer.entries import Entry, entries_of, treatments_of
from twobytwo.answer.joint import LaunchDecision, decide_launch
from twobytwo.answer.scoring import Absent, Scoring, Shrink, design_for
from twobytwo.answer.shrinkage import shrunk
from twobytwo.ask.design import Aggregate, Design
from twobytwo.ask.launch import Per
from twobytwo.ask.lines import Line, lines_of
from twobytwo.ask.metric import share_kept
from twobytwo.check.assignment import alike_before, assigned_together, counted_by_factor, expected_sizes
from twobytwo.check.gate import Gate, refused
from twobytwo.data.several import read_several
from twobytwo.data.sums import Read, Several
from twobytwo.infer.estimates import Estimates, estimates
from twobytwo.infer.layout import Layout, pairs_of, reads_of
from twobytwo.infer.priors import Priors
from twobytwo.infer.together import effects_together

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis

__all__ = ["answered_alone", "gates_of", "read_lines", "score", "scorecard"]

Floats = npt.NDArray[np.float64]


def scorecard(  # noqa: PLR0913 - the public face: one keyword per thing that a reader would say
    data: Any,
    *,
    metrics: Sequence[str | Mapping[str, Any]],
    group: str | None = None,
    period: str | None = None,
    factors: Sequence[str] | None = None,
    control: Hashable = None,
    treatment: Hashable | Sequence[Hashable] = None,
    before: Hashable = None,
    after: Hashable = None,
    launch: str | date | None = None,
    per: Per | None = None,
    levels: Mapping[str, tuple[Hashable, Hashable]] | None = None,
    unit: str | None = None,
    missing: Absent | None = None,
    agg: Aggregate | None = None,
    randomised: bool = False,
    expected_share: float | Mapping[Any, float] | None = None,
    labels: Mapping[Any, str] | None = None,
    launch_if: float | str | Mapping[str, float] = 0.9,
    shrink: Shrink | None = None,
    priors: str | Priors = "default",
    ci_prob: float = 0.95,
    max_probability: float = 0.05,
    draws: int = 4_000,
    random_seed: int = 20_240_229,
) -> Scorecard:
    """Read every metric of an experiment at once and decide on all of them together.

    Parameters
    ----------
    data
        A table, as for `did`; every metric is a column.
    metrics
        Names of columns, or tables with ``column``, ``role``, ``before_column`` and what `Metric` takes. The
        role is ``"primary"`` (is to improve), ``"guardrail"`` (must not be harmed beyond its margin; its
        ``harm`` must be said) or ``"information"``, the default. ``before_column`` names a value before the
        experiment, whose gap is taken away (CUPED; of comparisons, with `unit`).
    group, control, treatment
        The groups, compared as by `compare`, each of several treatments with control and judged by the
        rule for itself; with `period` as by `did`.
    period, before, after, launch, per
        The periods of a difference-in-differences, or the dates and the day of the launch.
    factors, levels
        Instead of a group: the experiments of an interaction.
    unit, missing, agg, randomised, labels
        As for `did`; ``missing="available"`` is not known here.
    expected_share
        As for `did`: groups of other sizes withhold every verdict.
    launch_if
        The launch rule, made of the clauses ``"primary improves"`` (every primary metric),
        ``"any primary improves"``, ``"no primary is harmed"`` and ``"no guardrail is harmed"``, joined by
        "and". A table gives each event the probability that it must reach, such as
        ``{"primary improves": 0.95, "no guardrail is harmed": 0.8}``; an event alone needs 0.9; a
        probability alone is for "primary improves and no guardrail is harmed". Launch if every event
        reaches it, do not if one is at most one minus it.
    shrink
        Shrink the effects towards zero, for long lists: ``"normal"``, or ``"fat"`` for a
        distribution of effects with fat tails (t with 4 degrees of freedom).
    priors, ci_prob, max_probability
        As for `did`.
    draws, random_seed
        Of the joint posterior.

    Returns
    -------
    Scorecard
        Rows, joint decision, draws; ``card["minutes"]`` opens one metric in full, and of several treatments
        ``card.of("blue")`` is the scorecard of one.

    Raises
    ------
    DesignError
        For a metric twice, a guardrail without direction, an unknown key, role or clause.
    DataError
        If the table cannot answer, see `twobytwo.data.several.read_several`.

    Examples
    --------
    >>> import pandas as pd, numpy as np
    >>> rng = np.random.default_rng(1)
    >>> users = pd.DataFrame({"arm": np.arange(4_000) % 2, "minutes": rng.gamma(1, 50, 4_000)})
    >>> users["minutes"] *= 1 + 0.1 * users["arm"]
    >>> users["crashed"] = rng.random(4_000) < 0.05
    >>> card = scorecard(
    ...     users,
    ...     group="arm",
    ...     metrics=[
    ...         {"column": "minutes", "role": "primary"},
    ...         {"column": "crashed", "kind": "share", "role": "guardrail", "harm": "increase", "margin": 3},
    ...     ],
    ... )
    >>> card.launch.verdict
    'launch'
    """
    lines = lines_of(metrics)
    design = design_for(
        lines[0].metric,
        group=group,
        period=period,
        factors=factors,
        control=control,
        treatment=treatment,
        before=before,
        after=after,
        launch=launch,
        per=per,
        levels=levels,
        unit=unit,
        missing=missing,
        agg=agg,
        randomised=randomised,
        expected_share=expected_share,
        labels=labels,
    )
    asked = Scoring.stated(
        design,
        lines,
        launch_if,
        shrink=shrink,
        priors=Priors.of(priors),
        ci_prob=ci_prob,
        max_probability=max_probability,
        draws=draws,
        random_seed=random_seed,
    )
    return score(data, asked)


def score(data: Any, asked: Scoring) -> Scorecard:
    """Answer what a scorecard is asked.

    Parameters
    ----------
    data
        A table, as for `did`.
    asked
        Design, lines, rule.

    Raises
    ------
    DataError, DesignError
        As `scorecard`.
    """
    several = read_lines(data, asked)
    asked = replace(asked, design=several.design)
    found = estimates(several, asked.lines)
    gates = gates_of(several, asked, found)
    places = Layout(several, asked.lines).value
    joint = effects_together(
        several, asked.lines, found, asked.priors, draws=asked.draws, seed=asked.random_seed
    )
    how = None
    if asked.shrink is not None:
        effects, how = shrunk(
            joint.effect, found.covariance, found.scale, asked.shrink, seed=asked.random_seed
        )
        scale = np.divide(effects, joint.effect, out=np.ones_like(effects), where=joint.effect != 0)
        joint = replace(joint, effect=effects, relative=joint.relative * scale)
    lines = [
        _with_numbers(line, several.reads[place]) for line, place in zip(asked.lines, places, strict=True)
    ]
    entries = entries_of(lines, asked, found, joint, withheld=bool(refused(gates)))
    return Scorecard(
        asked=asked,
        entries=entries,
        launches=_decided(entries, joint.effect, asked),
        gates=tuple(gates),
        draws=joint.effect,
        users=int(several.n.sum()),
        queries=several.queries,
        shrinkage=how,
        again=partial(answered_alone, data),
    )


def _decided(entries: Sequence[Entry], draws: Floats, asked: Scoring) -> tuple[LaunchDecision, ...]:
    """Hold the rows of every treatment, which stand together, against the rule."""
    count = len(asked.lines)
    parts = [slice(first, first + count) for first in range(0, len(entries), count)]
    return tuple(decide_launch(entries[part], draws[:, part], asked.rule) for part in parts if asked.decides)


def read_lines(data: Any, asked: Scoring) -> Several:
    """Read what the lines need of a table, in one pass.

    Raises
    ------
    DataError, DesignError
        If the table cannot answer.
    """
    metrics = [line.metric for line in asked.lines]
    # Only ratios may be compared over different numbers of days.
    judged = next((metric for metric in metrics if metric.denominator is None), metrics[0])
    design = replace(asked.design, metric=judged)
    return read_several(data, design, reads_of(asked.lines), pairs_of(asked.lines))


def answered_alone(data: Any, design: Design) -> Analysis:
    """Answer for one metric in full."""
    # Loads PyMC, which a scorecard does not need.
    from twobytwo.answer.analyze import analyze

    return analyze(data, design)


def _with_numbers(line: Line, read: Read) -> Line:
    """Give a line with the numbers that were found for its caps."""
    metric = line.metric
    for name, found in (("cap", read.cap), ("daily_cap", read.daily_cap)):
        share = share_kept(getattr(metric, name))
        if share is not None:
            changed: dict[str, Any] = {name: found, f"{name}_share": share}
            metric = replace(metric, **changed)
    return replace(line, metric=metric)


def gates_of(several: Several, asked: Scoring, found: Estimates) -> list[Gate]:
    """Check who is in which group: sizes, independence of experiments, values before; no effect is told.

    Parameters
    ----------
    several
        The data.
    asked
        The lines.
    found
        Their estimates, for the gaps before.
    """
    design = several.design
    n = several.n.reshape(design.shape[:-1] if design.paired else design.shape)
    given = np.flatnonzero(~np.isnan(found.gap))
    names = []
    for row in given:
        treatment = treatments_of(design)[row // len(asked.lines)]
        line = asked.lines[row % len(asked.lines)]
        name = line.before_column or line.metric.name
        names.append(name if treatment is None else f"{name} ({treatment})")
    return [
        *expected_sizes(counted_by_factor(design, n), "users" if design.unit else "rows"),
        *assigned_together(design, n),
        *alike_before(names, found.gap[given], found.gap_se[given]),
    ]
