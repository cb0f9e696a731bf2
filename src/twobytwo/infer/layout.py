"""Which columns a list of metrics is made of, and where each stands among them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from twobytwo.ask.lines import Line
from twobytwo.data.sums import Read, Several

__all__ = ["Layout", "pairs_of", "reads_of"]

Integers = npt.NDArray[np.intp]


def reads_of(lines: Sequence[Line]) -> list[Read]:
    """List the columns that metrics and their values before are made of, each once.

    Examples
    --------
    >>> from twobytwo.ask.metric import Metric
    >>> lines = [Line(metric=Metric(column="a")), Line(metric=Metric(column="b"), before_column="a")]
    >>> [read.column for read in reads_of(lines)]
    ['a', 'b']
    """
    return [*dict.fromkeys(read for line in lines for read in _reads(line) if read is not None)]


def _reads(line: Line) -> tuple[Read, Read | None, Read | None]:
    """Give a line's values, what they are divided by, and their values before."""
    metric = line.metric
    under, before = metric.denominator, line.before_column
    return (
        Read(
            column=metric.column,
            cap=metric.cap,
            daily_cap=metric.daily_cap,
            upper_bound=metric.upper_bound,
        ),
        None if under is None else Read(column=under),
        None if before is None else Read(column=before),
    )


def pairs_of(lines: Sequence[Line]) -> list[tuple[int, int]]:
    """List the places of values and their values before, whose mixed cubes a skewness needs."""
    place = {read: j for j, read in enumerate(reads_of(lines))}
    return [
        (place[value], place[before])
        for value, under, before in map(_reads, lines)
        if before is not None and under is None
    ]


class Layout:
    """Where the values of a metric stand among the columns, and what the contrast weighs."""

    def __init__(self, several: Several, lines: Sequence[Line]) -> None:
        place = {read: j for j, read in enumerate(reads_of(lines))}
        reads = [_reads(line) for line in lines]
        metrics = [line.metric for line in lines]
        self.metrics, self.width = metrics, len(place)
        self.value = np.array([place[value] for value, _, _ in reads])
        self.under = np.array([place[under or value] for value, under, _ in reads])
        design = several.design
        self.adjusts = design.randomised and design.paired
        # Metrics with a value before, and where it stands; or all, whose own value before it is.
        given = [j for j, (_, _, before) in enumerate(reads) if self.adjusts or before is not None]
        self.given = np.array(given, dtype=int)
        self.before = np.array([place[before] for *_, before in reads if before is not None], dtype=int)
        self.kind = np.array([metric.kind for metric in metrics])
        self.scale = np.array([metric.scale for metric in metrics])
        self.periods = several.periods
        shape = design.shape
        groups = shape[:-1] if design.paired else shape
        # Of every contrast, one for each treatment; shape (contrasts, groups, periods).
        self.weights = np.stack([each.array(shape).reshape(prod(groups), -1) for each in design.primary])
        # The cell whose value is expected to be another without the effect.
        self.last = [
            divmod(int(np.ravel_multi_index(each.corners[-1], shape)), self.periods) if each.corners else None
            for each in design.primary
        ]

    def rows_of(self, metrics: Integers) -> Integers:
        """Give the rows of some metrics, those of the first contrast first."""
        first = len(self.metrics) * np.arange(len(self.weights))
        return (first[:, None] + metrics).ravel()
