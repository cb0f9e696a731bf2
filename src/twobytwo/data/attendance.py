"""How many users of a file are seen in one of two periods only, and how many rows stand in it twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import ibis

from twobytwo.data.conditions import how_many, is_missing
from twobytwo.data.outline import Column
from twobytwo.data.sources import columns_of, open_source

__all__ = ["Attendance"]


@dataclass(frozen=True, slots=True)
class Attendance:
    """Counts users who are seen once, and rows seen twice; each count is one query, which is made once.

    Parameters
    ----------
    path
        A path or glob to Parquet or CSV files.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "rows.csv")
    ...     written = file.write_text("pre,post" + chr(10) + "1,2" + chr(10) + "3," + chr(10))
    ...     Attendance(file).by_column("pre", "post")
    1
    """

    path: str | Path
    _known: dict[tuple[Any, ...], int] = field(default_factory=dict, repr=False, compare=False)

    def by_row(self, unit: str, period: Column, launch: date | None = None) -> int:
        """Count the users whose rows are all of one period.

        Parameters
        ----------
        unit
            The column of the users.
        period
            The column of two periods, or of the dates that a launch parts.
        launch
            The first day of the period after; None where the column has two levels.
        """
        key = (unit, period.name, launch)
        if key not in self._known:
            source = open_source(self.path, [unit, period.name], as_text=(unit,))
            table = source.table
            when = table[period.name]
            if launch is not None:
                when = ibis.ifelse(when.cast("date") < ibis.literal(launch), 0, 1)
            rows = table.select(user=table[unit], when=ibis.ifelse(table[period.name].isnull(), None, when))
            users = rows.filter(rows.user.notnull()).group_by("user").agg(periods=rows.when.nunique())
            self._known[key] = _counted(source, users.aggregate(count=how_many(users.periods == 1)))
        return self._known[key]

    def at_each_level(self, unit: str, column: Column) -> bool:
        """Whether more than half of the users have rows at each level of a column.

        Parameters
        ----------
        unit
            The column of the users.
        column
            One of few levels.
        """
        key = ("levels", unit, column.name)
        if key not in self._known:
            source = open_source(self.path, [unit, column.name], as_text=(unit,))
            rows = source.table.select(user=source.table[unit], at=source.table[column.name])
            users = rows.filter(rows.user.notnull()).group_by("user").agg(levels=rows["at"].nunique())
            most = how_many(users.levels == len(column.levels)) * 2 > users.count()
            self._known[key] = _counted(source, users.aggregate(count=ibis.ifelse(most, 1, 0)))
        return bool(self._known[key])

    def by_column(self, before: str, after: str) -> int:
        """Count the rows with a value in one of two columns only, where a row is a user."""
        key = (before, after)
        if key not in self._known:
            source = open_source(self.path, [before, after])
            first, second = (is_missing(source.table[name]) for name in (before, after))
            self._known[key] = _counted(source, source.table.aggregate(count=how_many(first != second)))
        return self._known[key]

    def copies(self, unit: str) -> int:
        """Count the rows of users that repeat an earlier one in every column of the file."""
        key = ("copies", unit)
        if key not in self._known:
            columns = columns_of(self.path)
            source = open_source(self.path, columns, as_text=(unit,))
            rows = source.table.filter(source.table[unit].notnull())
            again = rows.group_by(list(columns)).agg(rows=rows.count())
            self._known[key] = _counted(source, again.aggregate(count=(again["rows"] - 1).sum()))
        return self._known[key]


def _counted(source: Any, expression: Any) -> int:
    return int(
        source.execute(expression, "users who are seen once, rows seen twice").to_pylist()[0]["count"] or 0
    )
