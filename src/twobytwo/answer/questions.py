"""The questions, as a user asks them: did the groups change, do experiments interact, do groups differ."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from typing import Any, Unpack, cast

# First; see `analyze`.
import arviz_base  # noqa: F401

from twobytwo.answer.analysis import Analysis
from twobytwo.answer.analyze import analyze
from twobytwo.answer.keys import required
from twobytwo.answer.misfits import misfits
from twobytwo.answer.options import Keywords, Options, split_keywords
from twobytwo.ask.design import Aggregate, Design, Missing
from twobytwo.ask.formula import parse_formula
from twobytwo.ask.keywords import spelled_out
from twobytwo.ask.launch import Per
from twobytwo.ask.metric import Metric
from twobytwo.errors import Complaints, DesignError
from twobytwo.infer.engine.sampling import SamplerOptions

__all__ = ["compare", "did", "interaction"]


@spelled_out(Metric, Options, SamplerOptions)
def did(  # noqa: PLR0913 - the public face: one keyword per thing that a reader would say
    data: Any,
    *,
    outcome: str | None = None,
    group: str | None = None,
    period: str | None = None,
    formula: str | None = None,
    control: Hashable = None,
    treatment: Hashable = None,
    before: Hashable = None,
    after: Hashable = None,
    launch: str | date | None = None,
    per: Per | None = None,
    unit: str | None = None,
    missing: Missing | None = None,
    agg: Aggregate | None = None,
    before_column: str | None = None,
    after_column: str | None = None,
    randomised: bool = False,
    expected_share: float | Mapping[Any, float] | None = None,
    labels: Mapping[Any, str] | None = None,
    **keywords: Unpack[Keywords],
) -> Analysis:
    """Ask whether the treated group changed more than the control group.

    Parameters
    ----------
    data
        pandas or polars DataFrame, Arrow table, DuckDB relation, Ibis table, or a path or glob to
        Parquet or CSV files; one row per user and period.
    outcome, group, period
        Names of the columns.
    formula
        Instead of these three: ``"outcome ~ group * period"``, group first.
    control, treatment, before, after
        Levels of the group and the period, where their names leave any doubt.
    launch
        The day of the launch, such as ``"2026-09-01"``, where `period` is a column of dates (or of times
        without a zone): rows from that day on are after, earlier ones before.
    per
        ``"day"`` divides a user's sum by the number of days of the period, where the two differ; margin, cap
        and bound are then per day.
    unit
        Column that identifies the user: the same users before and after are then compared as pairs.
        None takes the rows as independent (repeated cross-sections).
    missing
        What a user seen in one period only means; required as soon as there is one. ``"zero"``: the
        outcome was 0; ``"drop"``: leave such users out; ``"available"``: use every row, assuming that
        who is absent does not depend on what was missed.
    agg
        ``"sum"`` adds several rows of a user and period, such as days.
    before_column, after_column
        Instead of `period` and, if you like, `outcome`: the outcome's columns where a row is a user.
    randomised
        Whether the groups were drawn at random. Their gap before is then taken as practically zero
        (analysis of covariance, CUPED), which is narrower; see `twobytwo.Priors`.
    expected_share
        What share of the users the treatment was meant to get, such as 0.2, or a share for every level of the
        group. The groups found are tested against it (sample ratio): a mismatch says that users were lost or
        counted twice on one side.
    labels
        What results call a level or the column of a group, period or experiment, such as
        ``{"variant_b": "the new feed"}``; by default its own text.
    **keywords
        Of the metric: ``label``, ``measure`` (unit of measure, such as ``"minutes"``), ``harm`` (the
        direction that is bad, ``"decrease"`` or ``"increase"``), ``margin`` (smallest harm that matters),
        ``upper_bound`` (largest possible value; values above are refused) and ``cap`` (what larger values
        of a user count as, a number or the share of the values that stay as they are, such as ``"99.9%"``;
        the effect is then one on the mean of the capped values, and the answer without the cap is shown
        beside it) and ``daily_cap`` (the same for every row, before a user's rows are added up).

        Of the model: ``family`` (``"normal"``, safe for the mean; ``"auto"``; another name of the guide to
        families; or a family), ``priors`` (``"default"``, ``"flat"``, ``"sceptical"``, or priors) and
        ``ci_prob`` (probability of every interval).

        Of the sampler: ``draws``, ``tune``, ``chains``, ``random_seed``, ``progressbar``; see
        `twobytwo.SamplerOptions`.

    Returns
    -------
    Analysis
        Posterior, effects, decision, checks.

    Raises
    ------
    DesignError
        If the question cannot be asked this way.
    DataError
        If these rows cannot answer it.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> result = tbt.did(
    ...     tbt.simulate.active_minutes(), outcome="minutes", group="variant", period="period", margin=5
    ... )
    >>> str(result.harm().p_harm)
    '< 0.1 %'
    """
    if formula is not None:
        outcome, group, period = _from_formula(formula, outcome, group, period)
    shared: dict[str, Any] = {
        "outcome": outcome,
        "group": group,
        "control": control,
        "treatment": treatment,
        "unit": unit,
        "missing": missing,
        "randomised": randomised,
        "expected_share": expected_share,
        "labels": labels,
    }
    dated: dict[str, Any] = {
        "period": period,
        "before": before,
        "after": after,
        "launch": launch,
        "per": per,
        "agg": agg,
    }
    if before_column is None and after_column is None:
        return _answered(did, data, Design.did, shared | dated, keywords)
    strange = [
        f"{name}={value!r} is for tables with one row per user and period; with before_column= and "
        "after_column= a row is a user."
        for name, value in dated.items()
        if value is not None
    ]
    wide = {**shared, "before_column": before_column, "after_column": after_column}
    return _answered(did, data, Design.did_wide, wide, keywords, strange)


@spelled_out(Metric, Options, SamplerOptions)
def interaction(  # noqa: PLR0913 - the public face: one keyword per thing that a reader would say
    data: Any,
    *,
    outcome: str | None = None,
    factors: Sequence[str] | None = None,
    formula: str | None = None,
    levels: Mapping[str, tuple[Hashable, Hashable]] | None = None,
    unit: str | None = None,
    agg: Aggregate | None = None,
    expected_share: float | Mapping[Any, float] | None = None,
    labels: Mapping[Any, str] | None = None,
    **keywords: Unpack[Keywords],
) -> Analysis:
    """Ask whether two or three concurrent experiments help or cannibalise each other.

    Parameters
    ----------
    data
        A table, as for `did`; one row per user.
    outcome, factors
        Names of the metric's column and of the two or three experiments' columns. Of three the headline is
        what all together do beyond the sum of what each does alone; every interaction of two and the one of
        three are among the effects.
    formula
        Instead of these: ``"outcome ~ a * b"``.
    levels
        For each experiment whose level names leave any doubt: (without it, with it).
    unit, agg
        As for `did`.
    expected_share
        What share of the users each experiment was meant to get: one number for all, or a number by column.
    labels
        As for `did`.
    **keywords
        As for `did`.

    Returns
    -------
    Analysis
        Posterior, effects, decision, checks.

    Raises
    ------
    DesignError
        If the question cannot be asked this way.
    DataError
        If these rows cannot answer it.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> result = tbt.interaction(
    ...     tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    ... )
    >>> result.summary().loc["interaction", "upper"] < -2.5
    np.True_
    """
    if formula is not None:
        outcome, *factors = _from_formula(formula, outcome, *(factors or ()))
    stated = {
        "outcome": outcome,
        "factors": factors,
        "levels": levels,
        "unit": unit,
        "agg": agg,
        "expected_share": expected_share,
        "labels": labels,
    }
    return _answered(interaction, data, Design.interaction, stated, keywords)


@spelled_out(Metric, Options, SamplerOptions)
def compare(  # noqa: PLR0913 - the public face: one keyword per thing that a reader would say
    data: Any,
    *,
    outcome: str | None = None,
    group: str | None = None,
    control: Hashable = None,
    treatment: Hashable | Sequence[Hashable] = None,
    unit: str | None = None,
    agg: Aggregate | None = None,
    before_column: str | None = None,
    covariate: str | None = None,
    missing: Missing | None = None,
    expected_share: float | Mapping[Any, float] | None = None,
    labels: Mapping[Any, str] | None = None,
    **keywords: Unpack[Keywords],
) -> Analysis:
    """Ask whether one or more groups differ from the control group; groups are taken as drawn at random.

    Parameters
    ----------
    data
        A table, as for `did`; one row per user.
    outcome, group
        Names of the columns.
    control, treatment
        Levels of the group where their names leave any doubt; several treatments as a list. Each is compared
        with the control group, from joint draws, and the probability of being the best is given for each.
    unit, agg
        As for `did`.
    before_column
        Column of the same metric before the experiment: the value after is then compared given the value
        before (analysis of covariance, CUPED), which is narrower.
    covariate
        Instead of it: any number known before the experiment, on a scale of its own.
    missing
        What a user without a value before means; see `did`.
    expected_share, labels
        As for `did`.
    **keywords
        As for `did`.

    Returns
    -------
    Analysis
        Posterior, effects (additive, relative and as a ratio), decision, checks.

    Raises
    ------
    DesignError
        If the question cannot be asked this way.
    DataError
        If these rows cannot answer it.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> rows = tbt.simulate.cannibalisation()
    >>> result = tbt.compare(rows, outcome="out", group="exp2_is_treatment", measure="points")
    >>> bool(3.0 < result.headline.mean < 4.0)
    True
    """
    stated = {
        "outcome": outcome,
        "group": group,
        "control": control,
        "treatment": treatment,
        "unit": unit,
        "agg": agg,
        "before_column": before_column,
        "covariate": covariate,
        "missing": missing,
        "expected_share": expected_share,
        "labels": labels,
    }
    return _answered(compare, data, Design.compare, stated, keywords)


def _answered(
    question: Callable[..., Analysis],
    data: Any,
    ask: Callable[..., Design],
    stated: Mapping[str, Any],
    keywords: Keywords,
    strange: Sequence[str] = (),
) -> Analysis:
    """Make the question and answer it, or tell everything that is wrong with the call and its table."""
    needed = {name: stated[name] for name in required(ask)}
    wrong = Complaints()
    wrong.messages += strange
    metric: Mapping[str, Any] = {}
    options = design = None
    with wrong.noting(DesignError):
        metric, options = split_keywords(keywords, _own(question), needed)
    if None not in needed.values():
        with wrong.noting(DesignError):
            design = ask(**stated, **metric)
    if wrong.messages:
        wrong.messages += misfits(data, ask, {**keywords, **stated})
    wrong.tell(DesignError)
    return analyze(data, cast("Design", design), options)


def _own(question: Callable[..., Analysis]) -> tuple[str, ...]:
    """Names of the arguments that a question has for itself."""
    shown = inspect.signature(question).parameters
    return tuple(name for name in shown if name not in Keywords.__annotations__)


def _from_formula(formula: str, *given: str | None) -> tuple[str, str, str]:
    if any(name is not None for name in given):
        msg = f"formula={formula!r} already names the columns; leave out the separate arguments."
        raise DesignError(msg)
    parsed = parse_formula(formula)
    return (parsed.outcome, *parsed.factors)
