"""The queries that a question puts to an engine, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.data.engines import Query, listening

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The queries of one question, in the order in which they ran.

    Parameters
    ----------
    always
        What every analysis asks.
    on_request
        What is asked only for families and checks that look at more than counts, means and spreads, when they
        do, by what it is for.
    """

    always: tuple[Query, ...]
    on_request: tuple[Query, ...]

    @property
    def sql(self) -> str:
        """All queries as one text, each under a comment that says what it is for."""
        every = (*self.always, *self.on_request)
        return "\n\n".join(f"-- {query.purpose} ({query.engine})\n{query.sql};" for query in every)

    def __str__(self) -> str:
        """One line a query."""

        def lines(title: str, queries: tuple[Query, ...]) -> list[str]:
            return [title, *(f"  {_line(query)}" for query in queries)]

        return "\n".join(
            [
                *lines("Every analysis asks:", self.always),
                *lines("Only families and checks that need it ask:", self.on_request),
            ]
        )

    __repr__ = __str__


def _line(query: Query) -> str:
    brought = "stays in the engine" if query.rows is None else f"{query.rows:,} row(s) back"
    return f"{query.purpose}: {query.engine}, {brought}, {query.seconds:.2f} s"


def explain(data: Any, design: Design) -> Explanation:
    """Show the queries that read a table for a question, and what each is for.

    Parameters
    ----------
    data
        Any table that `twobytwo.did` takes.
    design
        The question.

    Returns
    -------
    Explanation
        Print it for one line a query; `Explanation.sql` has their text.

    Raises
    ------
    DataError, DesignError
        If the table cannot answer the question.

    Notes
    -----
    The queries are run, all of them, because later ones are made of what earlier ones find: levels, sizes of
    bins. To see them before a large table is read, give a small part of it, such as ``table.limit(10_000)``
    of an Ibis table; the queries on the whole differ in numbers only.

    Examples
    --------
    >>> from twobytwo import simulate
    >>> design = Design.did(outcome="minutes", group="variant", period="period")
    >>> explained = explain(simulate.active_minutes(), design)
    >>> [query.purpose for query in explained.always]
    ['levels, counts and what is missing']
    >>> print(explained.sql[:17])
    -- levels, counts
    """
    always: list[Query] = []
    on_request: list[Query] = []
    with listening(always.append):
        cells = compress(data, design)
    with listening(on_request.append):
        _read_all(cells)
    return Explanation(always=tuple(always), on_request=tuple(on_request))


def _read_all(cells: Cells) -> None:
    """Have everything read that could be asked for."""
    made: list[object] = [cells.bins.logs, cells.bins.frame]
    if cells.joint.size > 1:
        made += [cells.joint.frame, cells.joint.given.frame]
    if cells.by_before is not None:
        made.append(cells.by_before.frame)
    if cells.uncapped is not None:
        _read_all(cells.uncapped)
