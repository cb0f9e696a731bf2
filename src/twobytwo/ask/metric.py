"""What is measured: the column, its words, which direction is bad, and its limits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Real
from typing import Literal, Self, TypedDict, Unpack, get_args

from twobytwo.errors import DesignError, together

__all__ = ["Harm", "Kind", "Metric", "MetricOptions"]

Harm = Literal["decrease", "increase"]
Kind = Literal["amount", "share", "count"]


class MetricOptions(TypedDict, total=False):
    """What may be said of a metric beside its column; see `Metric`.

    Every public function that takes these keywords takes them from here, so that the list stands once.
    """

    label: str
    measure: str
    kind: Kind
    harm: Harm
    margin: float | None
    upper_bound: float | None
    cap: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Parameters
    ----------
    column
        Name of the column; any text.
    label
        What sentences and axes call it; empty takes the column's name.
    measure
        Unit of measure for sentences and axes, such as ``"minutes"``; of a share, ``"points"``.
    kind
        What the column holds: ``"amount"`` (any numbers, such as minutes or revenue), ``"share"`` (0 or 1,
        true or false: who did something; its mean is given in per cent, effects and margin in percentage
        points) or ``"count"`` (0, 1, 2, ...: how often).
    harm
        Which direction of the metric is bad: ``"decrease"`` or ``"increase"``.
    margin
        Smallest harm that matters, in units of the metric, at least 0; None if not stated.
    upper_bound
        Largest value that is possible, such as 1,440 minutes times the days; values above are refused, and
        families with tails use it.
    cap
        What larger values count as; the mean then is the mean of ``min(Y, cap)``, and is called so.

    Raises
    ------
    DesignError
        At construction, if an argument is not allowed.

    Examples
    --------
    >>> Metric(column="minutes", cap=600).of("mean")
    'mean of min(minutes, 600)'
    >>> Metric(column="converted", kind="share", margin=2).size(2)
    '2 points'
    """

    column: str
    label: str = ""
    measure: str = ""
    kind: Kind = "amount"
    harm: Harm = "decrease"
    margin: float | None = None
    upper_bound: float | None = None
    cap: float | None = None

    def __post_init__(self) -> None:
        wrong = list(self._wrong())
        if wrong:
            raise DesignError(together(wrong))
        if self.kind == "share" and not self.measure:
            object.__setattr__(self, "measure", "points")

    def _wrong(self) -> Iterator[str]:
        for argument, said, every in (("harm", self.harm, Harm), ("kind", self.kind, Kind)):
            if said not in get_args(every):
                allowed = ", ".join(map(repr, get_args(every)))
                yield f"{argument}={said!r} is not allowed; use one of {allowed}."
        # Not `< 0`, so that NaN is refused too.
        if self.margin is not None and not (isinstance(self.margin, Real) and 0 <= self.margin < math.inf):
            yield (
                f"margin={self.margin!r} must be at least 0 and finite: a size in units of the outcome; "
                "`harm` says the direction."
            )
        for argument, limit in (("upper_bound", self.upper_bound), ("cap", self.cap)):
            if limit is not None and not (isinstance(limit, Real) and 0 < limit < math.inf):
                yield f"{argument}={limit!r} must be positive and finite, in units of the outcome."
            if limit is not None and self.kind == "share":
                yield f"{argument}={limit!r} is for sizes; a share is 0 or 1. Leave it out."

    @classmethod
    def given(cls, outcome: str | Metric, **options: Unpack[MetricOptions]) -> Metric:
        """Take a metric as it is, or make one from its column and keywords.

        Raises
        ------
        DesignError
            If a metric comes with keywords that it already answers.

        Examples
        --------
        >>> Metric.given("minutes", margin=5).margin
        5
        """
        if not isinstance(outcome, Metric):
            return cls(column=outcome, **options)
        if options:
            msg = f"outcome= is a Metric and already says {', '.join(options)}; say it in one place."
            raise DesignError(msg)
        return outcome

    @property
    def harm_sign(self) -> int:
        """Sign of a harmful change: -1 for a decrease, +1 for an increase."""
        return -1 if self.harm == "decrease" else 1

    @property
    def name(self) -> str:
        """What sentences call it."""
        return self.label or self.column

    @property
    def scale(self) -> float:
        """What the column's values are multiplied by when they are read: a share is one of 100."""
        return 100.0 if self.kind == "share" else 1.0

    @property
    def variable(self) -> str:
        """The variable whose mean is taken: ``minutes``, or ``min(minutes, 600)`` with a cap of 600."""
        return self.name if self.cap is None else f"min({self.name}, {self.cap:g})"

    @property
    def unit(self) -> str:
        """The unit of measure after a number, with a space before it; empty if there is none."""
        return f" {self.measure}" if self.measure else ""

    def named(self, estimand: str) -> str:
        """Name an estimand for itself; with a cap it says of what.

        Examples
        --------
        >>> Metric(column="minutes").named("geometric_mean"), Metric(column="y", cap=2).named("mean")
        ('geometric mean', 'mean of min(y, 2)')
        """
        words = estimand.replace("_", " ")
        if self.kind == "share":
            words = words.replace("mean", "share")
        return words if self.cap is None else f"{words} of {self.variable}"

    def of(self, estimand: str) -> str:
        """Name what an effect is on.

        Examples
        --------
        >>> Metric(column="minutes").of("mean")
        'mean minutes'
        """
        return self.named(estimand) if self.cap is not None else f"{self.named(estimand)} {self.name}"

    def size(self, value: float) -> str:
        """Write a size with its unit, such as ``5 minutes``.

        Examples
        --------
        >>> Metric(column="minutes", measure="minutes").size(5.0)
        '5 minutes'
        """
        return f"{value:g}{self.unit}"

    def a_day(self) -> Self:
        """Give the same metric per day.

        Examples
        --------
        >>> Metric(column="minutes", measure="minutes").a_day().measure
        'minutes a day'
        """
        name = f"{self.name} a day" if not self.measure else self.label
        return replace(self, measure=f"{self.measure} a day" if self.measure else "", label=name)

    def scaled(self, factor: float) -> Self:
        """Give the same metric in another unit; margin and cap, which no model looks at, stay."""
        bound = self.upper_bound
        return self if bound is None else replace(self, upper_bound=bound * factor)
