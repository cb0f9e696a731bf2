"""The question: the table of cells, the metric, the users, and what was assumed of them.

Nothing here reads data: levels are fixed by `Design.resolve` once those in the rows are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, Self, Unpack, get_args

from twobytwo.ask.arguments import column_name, flag, one_of, shown, size
from twobytwo.ask.before import value_before
from twobytwo.ask.contrast import Question
from twobytwo.ask.factors import arms, called, experiments, groups, periods, two_columns
from twobytwo.ask.keywords import judged_apart, spelled_out
from twobytwo.ask.launch import Launch, Per
from twobytwo.ask.metric import Metric, MetricOptions
from twobytwo.ask.table import CellTable
from twobytwo.errors import Complaints, DesignError

__all__ = ["Aggregate", "Design", "Missing", "as_design"]

Missing = Literal["zero", "drop", "available"]
Aggregate = Literal["sum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Design(CellTable):
    """What is asked of rows, before any are seen: a table of cells, the metric in them, and the users.

    Parameters
    ----------
    question
        ``"did"`` (did the treated group change more?), ``"interaction"`` (do experiments that run together
        help or cannibalise each other?) or ``"comparison"`` (does a group differ from the control group?).
    metric
        What is measured; see `twobytwo.ask.metric.Metric`.
    factors
        Group and period, or the experiments, or the group alone.
    unit
        Column that identifies the user; None for repeated cross-sections.
    missing
        What a user seen in one period only means: ``"zero"``, ``"drop"`` or ``"available"``.
    agg
        ``"sum"`` adds several rows of a user (and period), such as days.
    wide
        Columns of the outcome before and after, where a row is a user.
    covariate
        Whether the first of the `wide` columns is another quantity than the outcome, on a scale of its own.
    randomised
        Whether the groups were drawn at random, so that they are alike before; see `Priors`.
    without_top
        Share of users (of rows, without `unit`) with the largest values to leave out, to see how much the
        answer is theirs.

    Raises
    ------
    DesignError
        At construction, if an argument is not allowed.

    Examples
    --------
    >>> design = Design.did(outcome="minutes", group="variant", period="period", margin=5)
    >>> design.resolve({"variant": [1, 0], "period": ["post", "pre"]}).factors[1].levels
    ('pre', 'post')
    """

    metric: Metric
    unit: str | None = None
    missing: Missing | None = None
    agg: Aggregate | None = None
    wide: tuple[str, str] | None = None
    covariate: bool = False
    randomised: bool = False
    without_top: float = 0.0

    def __post_init__(self) -> None:
        wrong = Complaints()
        checks: list[tuple[Callable[..., object], tuple[object, ...]]] = [
            (one_of, ("question", self.question, get_args(Question))),
            (one_of, ("missing", self.missing, (None, *get_args(Missing)))),
            (one_of, ("agg", self.agg, (None, *get_args(Aggregate)))),
            (flag, ("randomised", self.randomised)),
            (flag, ("covariate", self.covariate)),
        ]
        named = zip(("unit", "before_column", "after_column"), (self.unit, *(self.wide or ())), strict=False)
        checks += [(column_name, pair) for pair in named if pair[1] is not None]
        for check, arguments in checks:
            with wrong.noting(DesignError):
                check(*arguments)
        # Of names that are none nothing more can be said.
        wrong.messages += [] if wrong.messages else self._wrong()
        wrong.tell(DesignError)

    def _wrong(self) -> Iterator[str]:
        if not 0 <= size(self.without_top) <= 0.1:
            yield f"without_top={shown(self.without_top)} must be a share between 0 and 0.1, such as 0.001."
        if self.without_top and self.metric.denominator is not None:
            yield "without_top= is for sizes and not for a ratio; leave it out."
        if self.unit is None and (self.missing or self.agg or self.wide):
            yield "missing=, agg= and the wide form are about users; name their column with unit=."
        if self.metric.daily_cap is not None and self.agg is None:
            yield 'daily_cap= is for rows that are added up by user, such as days; say agg="sum", or cap=.'
        for column, count in Counter(self.columns).items():
            if count > 1:
                yield f"Column {column!r} is used in two roles; outcome, factors and unit must differ."

    @classmethod
    @spelled_out(Metric)
    @judged_apart(MetricOptions, outcome="<outcome>")
    def did(  # noqa: PLR0913 - one keyword per column and level, as a reader would say it
        cls,
        *,
        outcome: str | Metric,
        group: str,
        period: str,
        control: Hashable = None,
        treatment: Hashable = None,
        before: Hashable = None,
        after: Hashable = None,
        launch: str | date | None = None,
        per: Per | None = None,
        unit: str | None = None,
        missing: Missing | None = None,
        agg: Aggregate | None = None,
        randomised: bool = False,
        expected_share: float | Mapping[Any, float] | None = None,
        labels: Mapping[Any, str] | None = None,
        **metric: Unpack[MetricOptions],
    ) -> Self:
        """State a difference-in-differences question; see `twobytwo.did` for the arguments.

        Examples
        --------
        >>> Design.did(outcome="y", group="g", period="t").question
        'did'
        """
        measured, day = Metric.given(outcome, **metric), Launch.stated(launch, per)
        if day is not None and day.per is not None:
            if agg is None:
                msg = f'per={per!r} divides sums of users by days; say agg="sum", and unit= for the users.'
                raise DesignError(msg)
            measured = measured.a_day()
        return cls(
            question="did",
            metric=measured,
            factors=called(
                labels,
                groups(group, control, treatment, expected_share),
                periods(period, before, after, day),
            ),
            unit=unit,
            missing=missing,
            agg=agg,
            randomised=randomised,
        )

    @classmethod
    @spelled_out(Metric)
    @judged_apart(MetricOptions, outcome="<outcome>")
    def did_wide(  # noqa: PLR0913 - one keyword per column and level, as a reader would say it
        cls,
        *,
        before_column: str,
        after_column: str,
        group: str,
        unit: str,
        outcome: str | Metric | None = None,
        control: Hashable = None,
        treatment: Hashable = None,
        missing: Missing | None = None,
        randomised: bool = False,
        expected_share: float | Mapping[Any, float] | None = None,
        labels: Mapping[Any, str] | None = None,
        **metric: Unpack[MetricOptions],
    ) -> Self:
        """State a difference-in-differences question of a table with one row per user.

        A missing value in one of the two columns is a user not seen in that period. `outcome` is what
        results call the metric; see `twobytwo.did` for the other arguments.

        Examples
        --------
        >>> Design.did_wide(before_column="pre", after_column="post", group="g", unit="id").wide
        ('pre', 'post')
        """
        named = {"before_column": before_column, "after_column": after_column, "group": group, "unit": unit}
        for argument, column in named.items():
            column_name(argument, column)
        measured = Metric.given(after_column if outcome is None else outcome, **metric)
        if measured.denominator is not None:
            msg = (
                "A ratio before and after has four columns; give a table with one row per user and period, "
                "with outcome=, denominator= and period=."
            )
            raise DesignError(msg)
        return cls(
            question="did",
            metric=measured,
            factors=called(
                labels,
                groups(group, control, treatment, expected_share),
                two_columns(group, unit, measured.column),
            ),
            unit=unit,
            missing=missing,
            wide=(before_column, after_column),
            randomised=randomised,
        )

    @classmethod
    @spelled_out(Metric)
    @judged_apart(MetricOptions, outcome="<outcome>")
    def compare(  # noqa: PLR0913 - one keyword per column and level, as a reader would say it
        cls,
        *,
        outcome: str | Metric,
        group: str,
        control: Hashable = None,
        treatment: Hashable | Sequence[Hashable] = None,
        unit: str | None = None,
        agg: Aggregate | None = None,
        before_column: str | None = None,
        covariate: str | None = None,
        missing: Missing | None = None,
        expected_share: float | Mapping[Any, float] | None = None,
        labels: Mapping[Any, str] | None = None,
        **metric: Unpack[MetricOptions],
    ) -> Self:
        """State a comparison of one or more groups with a control group; see `twobytwo.compare`.

        Examples
        --------
        >>> Design.compare(outcome="y", group="arm", control="a", treatment=["b", "c"]).factors[0].levels
        ('a', 'b', 'c')
        """
        compared = arms(group, control, treatment, expected_share)
        measured = Metric.given(outcome, **metric)
        found = value_before(measured, before_column, covariate, unit=unit, agg=agg, missing=missing)
        if found is None:
            return cls(
                question="comparison", metric=measured, factors=called(labels, compared), unit=unit, agg=agg
            )
        first, users = found
        return cls(
            question="comparison",
            metric=measured,
            factors=called(labels, compared, two_columns(group, users, measured.column)),
            unit=users,
            missing=missing,
            wide=(first, measured.column),
            covariate=covariate is not None,
            randomised=True,
        )

    @classmethod
    @spelled_out(Metric)
    @judged_apart(MetricOptions, outcome="<outcome>")
    def interaction(  # noqa: PLR0913 - one keyword per column and level, as a reader would say it
        cls,
        *,
        outcome: str | Metric,
        factors: Sequence[str],
        levels: Mapping[str, tuple[Hashable, Hashable]] | None = None,
        unit: str | None = None,
        agg: Aggregate | None = None,
        expected_share: float | Mapping[Any, float] | None = None,
        labels: Mapping[Any, str] | None = None,
        **metric: Unpack[MetricOptions],
    ) -> Self:
        """State a question about experiments that run together; see `twobytwo.interaction`.

        Examples
        --------
        >>> Design.interaction(outcome="y", factors=("a", "b")).factors[1].column
        'b'
        """
        stated = experiments(factors, levels, expected_share)
        return cls(
            question="interaction",
            metric=Metric.given(outcome, **metric),
            factors=called(labels, *stated),
            unit=unit,
            agg=agg,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read: outcome (of a ratio both), factors, unit."""
        below = () if self.metric.denominator is None else (self.metric.denominator,)
        if self.wide is not None:
            return (*self.wide, *below, self.factors[0].column, str(self.unit))
        factors = tuple(factor.column for factor in self.factors)
        return (self.metric.column, *below, *factors, *([self.unit] if self.unit is not None else []))

    @property
    def paired(self) -> bool:
        """Whether the same users are seen in several periods."""
        return self.unit is not None and self.period is not None

    @property
    def days_are_rows(self) -> bool:
        """Whether rows of several days count one by one, although users may have many of them."""
        launch = self.factors[-1].launch
        return self.unit is None and launch is not None and any(span.days > 1 for span in launch.spans)

    def column_at(self, period: Hashable) -> str:
        """Name the column where a period's values stand: the metric's, or one of the two of a wide table.

        Examples
        --------
        >>> design = Design.did_wide(before_column="pre", after_column="post", group="g", unit="id")
        >>> design.column_at("before")
        'pre'
        """
        if self.wide is None:
            return self.metric.column
        levels = self.factors[-1].levels or ()
        return dict(zip(levels, self.wide, strict=True)).get(period, self.metric.column)

    def measuring(self, **changes: Unpack[MetricOptions]) -> Self:
        """Ask the same of a changed metric, such as a capped one.

        Examples
        --------
        >>> Design.did(outcome="y", group="g", period="t").measuring(cap=10).metric.variable
        'y, capped at 10'
        """
        # A number that is stated now was not found in the data.
        shares: Any = {f"{name}_share": None for name in ("cap", "daily_cap") if name in changes}
        return replace(self, metric=replace(self.metric, **changes, **shares))


def as_design(design: object) -> Design:
    """Give the question, or refuse what is none (`DesignError`).

    Examples
    --------
    >>> as_design(Design.compare(outcome="y", group="g")).question
    'comparison'
    """
    if not isinstance(design, Design):
        example = 'Design.did(outcome="minutes", group="variant", period="period")'
        msg = f"design={shown(design)} states no question; give one, such as {example}."
        raise DesignError(msg)
    return design
