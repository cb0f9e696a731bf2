"""What is measured: the column, its words, which direction is bad, and its limits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Self, TypedDict, Unpack, get_args

from twobytwo.ask.arguments import column_name, one_of, shown, size, text
from twobytwo.ask.units import counted
from twobytwo.errors import Complaints, DesignError

__all__ = ["Harm", "Kind", "Metric", "MetricOptions", "share_kept"]

Harm = Literal["decrease", "increase"]
Kind = Literal["amount", "share", "count", "ratio"]


class MetricOptions(TypedDict, total=False):
    """What may be said of a metric beside its column; see `Metric`.

    Every public function that takes these keywords takes them from here, so that the list stands once.
    """

    label: str
    measure: str
    kind: Kind
    denominator: str | None
    harm: Harm
    margin: float | None
    upper_bound: float | None
    cap: float | str | None
    daily_cap: float | str | None


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
        points), ``"count"`` (0, 1, 2, ...: how often) or ``"ratio"`` (the sum of the column over the sum of
        `denominator`, such as minutes per session).
    denominator
        The column whose sum it is divided by, from 0 on; with it the metric is a ratio.
    harm
        Which direction of the metric is bad: ``"decrease"`` or ``"increase"``.
    margin
        Smallest harm that matters, in units of the metric, at least 0; None if not stated.
    upper_bound
        Largest value that is possible, such as 1,440 minutes times the days; values above are refused, and
        families with tails use it.
    cap
        What larger values of a user (of a row, where users are not known) count as: a number, or the share
        of the values that are to stay as they are, such as ``"99.9%"``. The mean then is that of the capped
        values, and is called so. Of a ratio the numerator is capped.
    daily_cap
        The same for every row, before the rows of a user are added up.
    cap_share, daily_cap_share
        The share from which the number was found in the data; None where it was stated as a number.

    Raises
    ------
    DesignError
        At construction, if an argument is not allowed.

    Examples
    --------
    >>> Metric(column="minutes", cap=600).of("mean")
    'mean of minutes, capped at 600'
    >>> Metric(column="converted", kind="share", margin=2).size(2)
    '2 points'
    """

    column: str
    label: str = ""
    measure: str = ""
    kind: Kind = "amount"
    denominator: str | None = None
    harm: Harm = "decrease"
    margin: float | None = None
    upper_bound: float | None = None
    cap: float | str | None = None
    daily_cap: float | str | None = None
    cap_share: float | None = None
    daily_cap_share: float | None = None

    def __post_init__(self) -> None:
        wrong = Complaints()
        checks: list[tuple[Callable[..., object], tuple[object, ...]]] = [
            (column_name, ("outcome", self.column)),
            (text, ("label", self.label)),
            (text, ("measure", self.measure)),
            (one_of, ("harm", self.harm, get_args(Harm))),
            (one_of, ("kind", self.kind, get_args(Kind))),
        ]
        if self.denominator is not None:
            checks.append((column_name, ("denominator", self.denominator)))
        for check, arguments in checks:
            with wrong.noting(DesignError):
                check(*arguments)
        if self.denominator is not None and isinstance(self.kind, str) and self.kind == "amount":
            object.__setattr__(self, "kind", "ratio")
        wrong.messages += self._wrong()
        wrong.tell(DesignError)
        if self.kind == "share" and not self.measure:
            object.__setattr__(self, "measure", "points")

    def _wrong(self) -> Iterator[str]:
        # Not `< 0`, so that NaN is refused too.
        if self.margin is not None and not 0 <= size(self.margin) < math.inf:
            yield (
                f"margin={shown(self.margin)} must be at least 0 and finite: a size in units of the outcome; "
                "`harm` says the direction."
            )
        bound = ("upper_bound", self.upper_bound)
        for argument, limit in (bound, ("cap", self.cap), ("daily_cap", self.daily_cap)):
            if isinstance(limit, str) and argument != "upper_bound":
                if share_kept(limit) is None:
                    yield (
                        f"{argument}={limit!r} is neither a number nor a share of the values that stay as "
                        'they are, between 50 % and 100 %; write it like 6000 or "99.9%".'
                    )
            elif limit is not None and not 0 < size(limit) < math.inf:
                yield f"{argument}={shown(limit)} must be positive and finite, in units of the outcome."
            sizeless = ("share", "ratio") if argument == "upper_bound" else ("share",)
            if limit is not None and isinstance(self.kind, str) and self.kind in sizeless:
                yield f"{argument}={shown(limit)} is for sizes and not for a {self.kind}; leave it out."
        if (isinstance(self.kind, str) and self.kind == "ratio") != (self.denominator is not None):
            yield (
                f"kind={shown(self.kind)} and denominator={shown(self.denominator)} do not go together: a "
                "ratio, and only a ratio, names the column that it is divided by."
            )

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
        """What sentences call it.

        Examples
        --------
        >>> Metric(column="minutes", denominator="sessions").name
        'ratio of minutes to sessions'
        """
        ratio = f"ratio of {self.column} to {self.denominator}"
        return self.label or (self.column if self.denominator is None else ratio)

    @property
    def said(self) -> str:
        """The same inside a sentence: a ratio without a label has an article.

        Examples
        --------
        >>> Metric(column="minutes", denominator="sessions").said, Metric(column="minutes").said
        ('the ratio of minutes to sessions', 'minutes')
        """
        return self.name if self.denominator is None or self.label else f"the {self.name}"

    @property
    def scale(self) -> float:
        """What the column's values are multiplied by when they are read: a share is one of 100."""
        return 100.0 if self.kind == "share" else 1.0

    @property
    def capped(self) -> bool:
        """Whether large values count as less than they are."""
        return self.cap is not None or self.daily_cap is not None

    @property
    def caps(self) -> str:
        """How it is capped, such as "capped at 6,000" or "capped at 6,320 (the 99.9 % quantile)"."""
        return ", ".join(self._caps(quantiles=True))

    def _caps(self, *, quantiles: bool) -> Iterator[str]:
        ratio = self.denominator is not None
        for what, limit, share in (
            (
                f"days' {self.column} capped at" if ratio else "days capped at",
                self.daily_cap,
                self.daily_cap_share,
            ),
            (f"{self.column} capped at" if ratio else "capped at", self.cap, self.cap_share),
        ):
            if isinstance(limit, str):
                yield f"{what} the {100 * (share_kept(limit) or 0):g} % quantile"
            elif limit is not None:
                quantile = f" (the {100 * share:g} % quantile)" if quantiles and share is not None else ""
                yield f"{what} {limit:,g}{quantile}"

    @property
    def variable(self) -> str:
        """The variable whose mean is taken: ``minutes``, or ``minutes, capped at 600``."""
        return ", ".join((self.name, *self._caps(quantiles=False)))

    def uncapped(self) -> Self:
        """Give the same metric without its caps."""
        return replace(self, cap=None, daily_cap=None, cap_share=None, daily_cap_share=None)

    def asked_again(self, stated: Metric) -> Metric:
        """Give what is stated with the numbers that were found for its caps, where they are the same caps."""
        found = {
            name: getattr(self, name)
            for name, share in (("cap", self.cap_share), ("daily_cap", self.daily_cap_share))
            if share is not None and share_kept(getattr(stated, name)) == share
        }
        shares = {f"{name}_share": getattr(self, f"{name}_share") for name in found}
        return replace(stated, **found, **shares)

    def named(self, estimand: str) -> str:
        """Name an estimand for itself; with a cap it says of what.

        Examples
        --------
        >>> Metric(column="minutes").named("geometric_mean"), Metric(column="y", cap=2).named("mean")
        ('geometric mean', 'mean of y, capped at 2')
        """
        words = estimand.replace("_", " ")
        if self.kind == "share":
            words = words.replace("mean", "share")
        if self.kind == "ratio":
            words = words.replace("mean", "ratio")
        if not self.capped:
            return words
        # "Ratio of minutes to sessions" has its word already.
        of = self.variable if self.label else self.variable.removeprefix("ratio of ")
        return f"{words} of {of if self.kind == 'ratio' else self.variable}"

    def of(self, estimand: str) -> str:
        """Name what an effect is on.

        Examples
        --------
        >>> Metric(column="minutes").of("mean")
        'mean minutes'
        """
        if self.kind == "ratio" and estimand == "mean":
            return ", ".join((self.said, *self._caps(quantiles=False)))
        return self.named(estimand) if self.capped else f"{self.named(estimand)} {self.name}"

    def size(self, value: float) -> str:
        """Write a size with its unit, such as ``5 minutes``.

        Examples
        --------
        >>> Metric(column="minutes", measure="minutes").size(5.0)
        '5 minutes'
        """
        return counted(f"{value:g}", self.measure)

    def a_day(self) -> Self:
        """Give the same metric per day; a ratio of sums is the same over any number of days.

        Raises
        ------
        DesignError
            Of a share or a count, which would be none any more.

        Examples
        --------
        >>> Metric(column="minutes", measure="minutes").a_day().measure
        'minutes a day'
        """
        if self.kind == "ratio":
            return self
        if self.kind != "amount":
            msg = (
                f"per='day' divides sums by days, and kind={self.kind!r} of {self.column!r} is then none; "
                'leave one out (kind="amount" has the mean a day).'
            )
            raise DesignError(msg)
        name = f"{self.name} a day" if not self.measure else self.label
        return replace(self, measure=f"{self.measure} a day" if self.measure else "", label=name)

    def scaled(self, factor: float) -> Self:
        """Give the same metric in another unit; margin and cap, which no model looks at, stay."""
        bound = self.upper_bound
        return self if bound is None else replace(self, upper_bound=bound * factor)


def share_kept(limit: float | str | None) -> float | None:
    """Read a cap that is stated as the share of the values that stay as they are; None if it is none.

    Examples
    --------
    >>> share_kept("99.9%"), share_kept("999%"), share_kept(600)
    (0.999, None, None)
    """
    matched = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", limit) if isinstance(limit, str) else None
    share = round(float(matched[1]) / 100, 12) if matched else 0.0
    return share if 0.5 <= share < 1 else None
