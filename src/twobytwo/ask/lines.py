"""The lines of a scorecard as they are asked: each a metric, its part in the decision, a value before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from twobytwo.ask.arguments import column_name, one_of, shown
from twobytwo.ask.metric import Metric
from twobytwo.errors import Complaints, DesignError, nearest

__all__ = ["LINE_KEYS", "Line", "Role", "lines_of"]

Role = Literal["primary", "guardrail", "information"]
# What may be said of a line: what may be said of a metric, but for the numbers that are found in the data.
LINE_KEYS = (
    "column",
    "role",
    *(entry.name for entry in fields(Metric) if entry.name not in ("column", "cap_share", "daily_cap_share")),
    "before_column",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One metric of a scorecard.

    Parameters
    ----------
    metric
        What is measured.
    role
        ``"primary"`` (is to improve), ``"guardrail"`` (is not to be harmed) or ``"information"``.
    before_column
        A column of a value before the experiment, which takes away what users differed by already (CUPED).

    Raises
    ------
    DesignError
        If the role is none of these, or the value before is the metric itself.
    """

    metric: Metric
    role: Role = "information"
    before_column: str | None = None

    def __post_init__(self) -> None:
        one_of("role", self.role, get_args(Role))
        if self.before_column is not None:
            column_name("before_column", self.before_column)
            if self.before_column in (self.metric.column, self.metric.denominator):
                msg = (
                    f"before_column={self.before_column!r} is the metric itself; name the column of the "
                    "value before the experiment."
                )
                raise DesignError(msg)

    @property
    def reads(self) -> tuple[object, ...]:
        """What makes two lines the same: columns, caps and value before."""
        metric = self.metric
        return metric.column, metric.denominator, metric.cap, metric.daily_cap, self.before_column

    def a_day(self) -> Self:
        """Give the same line per day; see `twobytwo.ask.metric.Metric.a_day`."""
        return replace(self, metric=self.metric.a_day())


def lines_of(metrics: Sequence[str | Mapping[str, Any]]) -> tuple[Line, ...]:
    """Read what was said of the metrics.

    Parameters
    ----------
    metrics
        Names of columns, or tables of `LINE_KEYS`.

    Returns
    -------
    tuple of Line
        In the order given.

    Raises
    ------
    DesignError
        For everything that is wrong with them, at once: an unknown key, a metric twice, a guardrail without
        direction.

    Examples
    --------
    >>> lines_of(["minutes", {"column": "crashes", "role": "guardrail", "harm": "increase"}])[1].role
    'guardrail'
    """
    if isinstance(metrics, str | Mapping) or not isinstance(metrics, Sequence) or not metrics:
        msg = f"metrics={shown(metrics)} must be a list with one name, or one table of keys, for each metric."
        raise DesignError(msg)
    lines, wrong = [], Complaints()
    for stated in metrics:
        with wrong.noting(DesignError):
            lines.append(_line(stated))
    for what, values in (
        ("", [line.metric.name for line in lines]),
        (" under two names", [line.reads for line in lines]),
    ):
        for value, count in Counter(values).items():
            name = value if isinstance(value, str) else str(value[0])
            if count > 1 and not any(f"{name!r} stands twice" in told for told in wrong.messages):
                wrong.messages.append(f"The metric {name!r} stands twice{what} in metrics=; give each once.")
    wrong.tell(DesignError)
    return tuple(lines)


def _line(stated: str | Mapping[str, Any]) -> Line:
    if not isinstance(stated, str | Mapping):
        msg = f"metrics= holds {shown(stated)}; give the name of a column, or a table of keys."
        raise DesignError(msg)
    options = {"column": stated} if isinstance(stated, str) else dict(stated)
    for key in options:
        if key not in LINE_KEYS:
            msg = (
                f"metric key {key!r} is unknown; allowed are {', '.join(LINE_KEYS)}.{nearest(key, LINE_KEYS)}"
            )
            raise DesignError(msg)
    if "column" not in options:
        msg = f"A metric has no column: {shown(options)}."
        raise DesignError(msg)
    column: Any = options["column"]
    role: Any = options.pop("role", "information")
    before_column = options.pop("before_column", None)
    if role == "guardrail" and "harm" not in options:
        msg = (
            f'The guardrail {column!r} has no direction: say harm="decrease" or harm="increase", whichever '
            "is bad."
        )
        raise DesignError(msg)
    try:
        return Line(metric=Metric(**options), role=role, before_column=before_column)
    except DesignError as error:
        msg = f"Metric {shown(column)}: {error}"
        raise DesignError(msg) from error
