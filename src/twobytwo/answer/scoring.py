"""What a scorecard is asked: design, lines, launch rule, and how it is answered; stated before any data."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal, Self, get_args

from twobytwo.ask.arguments import flag, shown, size
from twobytwo.ask.design import Aggregate, Design
from twobytwo.ask.launch import Per
from twobytwo.ask.lines import Line, Role
from twobytwo.ask.metric import Metric
from twobytwo.ask.rule import Rule
from twobytwo.errors import Complaints, DesignError
from twobytwo.infer.priors import PRESETS, Priors

__all__ = ["Absent", "Scoring", "Shrink", "design_for"]

# What an absent user may mean here.
Absent = Literal["zero", "drop"]
Shrink = Literal["normal", "fat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """A scorecard that is asked for, independent of any data.

    Parameters
    ----------
    design
        The question, of the first line's metric.
    lines
        The metrics: primary ones, guardrails, information, each in the order given.
    rule
        When to launch; it decides nothing where no metric is primary and no rule was written down.
    shrink
        How effects are shrunk, if they are.
    priors, ci_prob, max_probability
        As in `twobytwo.Options`.
    draws, random_seed
        Of the joint posterior.

    Raises
    ------
    DesignError
        For a rule about roles that no metric has, values before where they have no place, numbers out of
        range.

    Examples
    --------
    >>> from twobytwo.ask.lines import lines_of
    >>> design = Design.compare(outcome="minutes", group="arm")
    >>> Scoring(design=design, lines=lines_of(["minutes"])).rule.words
    'Launch if P(primary improves and no guardrail is harmed) >= 90 %.'
    """

    design: Design
    lines: tuple[Line, ...]
    rule: Rule = field(default_factory=Rule)
    shrink: Shrink | None = None
    priors: Priors = PRESETS["default"]
    ci_prob: float = 0.95
    max_probability: float = 0.05
    draws: int = 4_000
    random_seed: int = 20_240_229

    def __post_init__(self) -> None:
        wrong = Complaints()
        with wrong.noting(DesignError):
            self.rule.suits([line.role for line in self.lines])
        if self.interacts and self.rule.stated:
            wrong.messages.append(
                "launch_if= is about one change; the effects of factors= are interactions, which do not say "
                "whether to launch. Leave it out, or ask about each experiment with group=."
            )
        for name, most in (("ci_prob", 1), ("max_probability", 0.5)):
            if not 0 < size(getattr(self, name)) < most:
                wrong.messages.append(f"{name}={shown(getattr(self, name))} must be between 0 and {most}.")
        for name, least in (("draws", 100), ("random_seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                wrong.messages.append(f"{name}={shown(value)} must be a whole number from {least} on.")
        if self.shrink is not None and not (isinstance(self.shrink, str) and self.shrink in get_args(Shrink)):
            wrong.messages.append(f'shrink={shown(self.shrink)} is unknown; use "normal", "fat" or None.')
        for line in self.lines:
            # Columns in two roles, and values before where they have no place.
            with wrong.noting(DesignError):
                self.design_of(line)
        wrong.tell(DesignError)
        order = sorted(self.lines, key=lambda line: get_args(Role).index(line.role))
        object.__setattr__(self, "lines", tuple(order))

    @property
    def decides(self) -> bool:
        """Whether there is a launch to decide."""
        return not self.interacts and (self.rule.stated or any(line.role == "primary" for line in self.lines))

    @property
    def interacts(self) -> bool:
        """Whether effects are interactions, which do not say whether to launch."""
        return self.design.question == "interaction"

    def design_of(self, line: Line) -> Design:
        """Give the question of one line alone, as a full analysis takes it."""
        design = replace(self.design, metric=line.metric)
        if line.before_column is None:
            return design
        if not design.at_one_time:
            msg = (
                f"before_column={line.before_column!r} of {line.metric.name!r} is for comparisons of groups; "
                "a difference-in-differences has the period before, and an interaction takes none."
            )
            raise DesignError(msg)
        # Of a ratio it is a number of its own, not the same ratio before.
        ratio = line.metric.denominator is not None
        group = design.factors[0]
        made = Design.compare(
            outcome=line.metric,
            group=group.column,
            unit=design.unit,
            agg=design.agg,
            before_column=None if ratio else line.before_column,
            covariate=line.before_column if ratio else None,
        )
        return replace(made, factors=(group, *made.factors[1:]))

    @classmethod
    def stated(
        cls, design: Design, lines: Sequence[Line], launch_if: float | str | Mapping[str, float], **how: Any
    ) -> Self:
        """Take a rule and metrics as somebody states them; see `twobytwo.ask.rule.Rule`."""
        launch = design.factors[-1].launch
        if launch is not None and launch.per is not None:
            lines = [line.a_day() for line in lines]
        return cls(design=design, lines=tuple(lines), rule=Rule.stated_as(launch_if), **how)


def design_for(  # noqa: PLR0913 - the keywords of three questions
    metric: Metric,
    *,
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
) -> Design:
    """Give the design that the keywords of a scorecard name.

    Raises
    ------
    DesignError
        If no group is named, or keywords of different questions are mixed.

    Examples
    --------
    >>> design_for(Metric(column="minutes"), group="arm").question
    'comparison'
    """
    users: dict[str, Any] = {"unit": unit, "agg": agg, "expected_share": expected_share, "labels": labels}
    of_group: dict[str, Any] = {"group": group, "control": control, "treatment": treatment}
    of_period: dict[str, Any] = {
        "period": period,
        "before": before,
        "after": after,
        "launch": launch,
        "per": per,
        "missing": missing,
    }
    stated = [name for name, value in (of_group | of_period).items() if value is not None]
    stated += ["randomised"] if flag("randomised", randomised) else []
    if factors is not None:
        if stated:
            msg = f"factors= and {stated[0]}= belong to different questions; leave one out."
            raise DesignError(msg)
        return Design.interaction(outcome=metric, factors=factors, levels=levels, **users)
    if levels is not None:
        msg = "levels= is for the experiments that factors= names; say control= and treatment= of a group."
        raise DesignError(msg)
    if group is None:
        msg = "group= is missing; name the column of the groups (or factors= for an interaction)."
        raise DesignError(msg)
    if period is not None:
        return Design.did(outcome=metric, **of_group, **of_period, randomised=randomised, **users)
    without = [
        name for name in ("before", "after", "launch", "per", "missing", "randomised") if name in stated
    ]
    if without:
        msg = f"{without[0]}= is about periods; name their column with period=, or leave it out."
        raise DesignError(msg)
    return Design.compare(outcome=metric, **of_group, **users)
