"""What a question names and a table does not have: columns and levels, each told whatever else is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twobytwo.ask.design import Design
from twobytwo.ask.factor import Factor
from twobytwo.data.columns import level, levels_column
from twobytwo.data.sources import Source, open_source
from twobytwo.errors import Complaints, DesignError, TwoByTwoError

__all__ = ["absent", "absent_columns"]

# A column with more values than this is plainly no factor.
_MOST_LEVELS = 200


def absent(data: Any, design: Design) -> list[str]:
    """Say which columns of a question a table does not have, and which levels the others do not have.

    Parameters
    ----------
    data
        Any table that `twobytwo.data.sources.open_source` takes.
    design
        The question, its levels not resolved.

    Returns
    -------
    list of str
        A message for each; whether the values can answer is not asked.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"y": [1.0, 2.0], "g": ["a", "b"]})
    >>> for message in absent(frame, Design.compare(outcome="x", group="g", control="c")):
    ...     print(message)
    Column 'x' is not in the table, which has 'y', 'g'.
    control='c' is not a level of column 'g', which has 'a' and 'b'.
    """
    wrong = Complaints()
    wrong.messages += absent_columns(data, design.columns)
    for factor in design.factors:
        made = factor.launch is not None or (design.wide is not None and factor.role == "period")
        if not made and not absent_columns(data, (factor.column,)):
            with wrong.noting(TwoByTwoError):
                # What streams is read once, and has none left.
                if found := _levels(open_source(data, (factor.column,)), factor):
                    factor.resolve(found)
    return wrong.messages


def absent_columns(data: Any, columns: Sequence[str]) -> list[str]:
    """Say which columns a table does not have, or that it is no table."""
    wrong = Complaints()
    with wrong.noting(TwoByTwoError):
        open_source(data, columns)
    return wrong.messages


def _levels(source: Source, factor: Factor) -> list[Any]:
    values = source.table.select(level=levels_column(source, factor.column)).distinct().limit(_MOST_LEVELS)
    found = [level(value) for value in source.execute(values, "levels")["level"].to_pylist()]
    if len(found) == _MOST_LEVELS:
        msg = (
            f"Column {factor.column!r} has {_MOST_LEVELS} levels or more; name a column of groups or periods."
        )
        raise DesignError(msg)
    return sorted((value for value in found if value is not None), key=str)
