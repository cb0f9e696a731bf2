"""CSV files: what each column is, by all of its rows and not only by those that DuckDB looks at first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import ibis

from twobytwo.data.conditions import how_many, or_false
from twobytwo.data.dates import clear

__all__ = ["read_csv"]

# DuckDB chooses types by so many rows. In a column of whole numbers it rounds a later 0.3 without an error.
_LOOKED_AT = 20_480
_EVERY_ROW = {"sample_size": -1, "files_to_sniff": -1}
# A decimal comma that is no comma between thousands.
_DECIMALS = r",(\d{1,2}|\d{4,})$"
# Points between thousands, as in 1.234, and whole numbers too small to have one.
_THOUSANDS, _UNITS = r"^\s*[-+]?[1-9]\d{0,2}\.\d{3}\s*$", r"^\s*[-+]?\d{1,3}\s*$"
_NUMBERED = re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{4}(?!\d)")
_TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")

Options = dict[str, Any]


def read_csv(
    connection: Any, path: str, files: Sequence[str], columns: Sequence[str], as_text: Sequence[str]
) -> Any:
    """See CSV files as one table whose types suit every row.

    Parameters
    ----------
    connection
        DuckDB by Ibis.
    path
        A path or a glob.
    files
        The files that it matches.
    columns
        Names of the columns that will be read; all are in the files.
    as_text
        Those of them that are given as they are written, such as ids, whose zeros count.

    Returns
    -------
    ibis.Table
        The rows. Dates that can be read in two ways are text.

    Raises
    ------
    duckdb.Error
        If DuckDB cannot read the files.
    """
    csv = _Files(connection, path, files[0], columns, as_text)
    try:
        options, table = csv.chosen({})
        changes = csv.changes_later(table, options)
    except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.BinderException):
        # A value that is not of its column's type, or files of other types or columns.
        changes = True
    if changes:
        _, table = csv.chosen(_EVERY_ROW)
    return csv.dated(table)


@dataclass(frozen=True, slots=True)
class _Files:
    """CSV files and the columns that are needed; parameters as for `read_csv`."""

    connection: Any
    path: str
    first: str
    columns: Sequence[str]
    as_text: Sequence[str]

    def read(self, options: Options) -> Any:
        return self.connection.read_csv(self.path, **options)

    def one_row(self, table: Any, aggregates: Sequence[Any]) -> list[Any]:
        asked = table.aggregate(**{f"c{k}": aggregate for k, aggregate in enumerate(aggregates)})
        return list(self.connection.to_pyarrow(asked).to_pylist()[0].values()) if aggregates else []

    def chosen(self, given: Options) -> tuple[Options, Any]:
        """Choose how files are read: which columns as text, and what stands before decimals."""
        table = self.read(given)
        options = dict(given)
        unclear = [*self.unclear_dates(table, given), *self.unclear_points(table, given)]
        if texts := [*self.as_text, *unclear]:
            options["types"] = dict.fromkeys(texts, "string")
        if self.decimal_commas(table, given):
            options["decimal_separator"] = ","
        return options, table if options == given else self.read(options)

    def unclear_dates(self, table: Any, given: Options) -> list[str]:
        """List dates that DuckDB reads day first though month first is as possible in every row.

        They stay text, which is refused where dates are needed.
        """
        dated = [name for name in self.columns if table[name].type().is_temporal()]
        if not dated:
            return []
        written = self.read(given | {"types": dict.fromkeys(dated, "string")})
        # Mostly the first row is clear, and no other is read.
        first = {name: written.filter(clear(written[name])).limit(1) for name in dated}
        return [name for name, rows in first.items() if not self.connection.to_pyarrow(rows).num_rows]

    def unclear_points(self, table: Any, given: Options) -> list[str]:
        """List numbers such as 1.234 and 999, whose points may stand between thousands.

        Rounded to three decimals some numbers would end in a zero, which is not written. They stay text,
        which is refused where numbers are needed.
        """
        floats = [name for name in self.columns if table[name].type().is_floating()]
        if not floats:
            return []
        first = self.read(given | {"types": dict.fromkeys(floats, "string")}).limit(_LOOKED_AT)
        unclear = []
        for name in floats:
            pointed, small = (first[name].re_search(pattern) for pattern in (_THOUSANDS, _UNITS))
            has = self.one_row(first, [pointed.any(), small.any(), (~(pointed | small)).any()])
            unclear += [name] if has == [True, True, False] else []
        return unclear

    def decimal_commas(self, table: Any, given: Options) -> bool:
        """Whether decimals have commas, as spreadsheets in much of Europe write them."""
        texts = [name for name, kind in table.schema().items() if kind.is_string()]
        if not texts:
            return False
        sniffed = self.connection.con.execute("SELECT Delimiter FROM sniff_csv(?)", [self.first]).fetchall()
        if sniffed[0][0] == ",":
            return False
        read = self.read(given | {"decimal_separator": ","}).schema()
        became = [name for name in texts if read[name].is_numeric()]
        if not became or any(
            read[name] != kind for name, kind in table.schema().items() if name not in texts
        ):
            return False
        # With a comma only before three digits 1,234 may be a thousand too: it stays text, which is refused.
        rows = table if given else table.limit(_LOOKED_AT)
        return all(self.one_row(rows, [rows[name].re_search(_DECIMALS).any() for name in became]))

    def changes_later(self, table: Any, options: Options) -> bool:
        """Whether a column has values that do not suit the type of its first rows; some are errors."""
        kinds = {name: table[name].type() for name in self.columns if name not in self.as_text}
        whole = [name for name, kind in kinds.items() if kind.is_integer() or kind.is_decimal()]
        texts = [name for name, kind in kinds.items() if kind.is_string()]
        # Counted so that they are read, or DuckDB would not notice what it cannot read. In a column of floats
        # it notices that with the query itself, and what it says names the row.
        others = [name for name, kind in kinds.items() if kind.is_temporal() or kind.is_boolean()]
        # Without a value in the first rows a column is text, whatever comes later.
        first = table.limit(_LOOKED_AT)
        counts = zip(texts, self.one_row(first, [first[name].count() for name in texts]), strict=True)
        empty = [table[name].count() for name, count in counts if not count]
        if any(self.one_row(table, [*empty, *(table[name].count() for name in others)])[: len(empty)]):
            return True
        if not whole:
            return False
        rows = self.read(options | {"types": options.get("types", {}) | dict.fromkeys(whole, "string")})
        return any(self.one_row(rows, [_not_whole(rows[name], kinds[name]) for name in whole]))

    def dated(self, table: Any) -> Any:
        """Read texts such as 01/31/2026 as times where all of them are that in one order only.

        DuckDB settles the order of a column by its first 2,048 rows, which may have both.
        """
        for name in self.columns:
            if name not in self.as_text and table[name].type().is_string():
                formats = self.only_order(table, name)
                table = table.mutate(**{name: try_strptime(table[name], formats)}) if formats else table
        return table

    def only_order(self, table: Any, name: str) -> list[str]:
        """List the formats of the one order, month or day first, by which every text is a day; or none."""
        first = table.filter(table[name].notnull()).select(name).limit(1)
        texts = self.connection.to_pyarrow(first)[name].to_pylist()
        if not texts or not (numbers := _NUMBERED.match(texts[0])):
            return []
        # With dots a day is first.
        starts = ("%d.%m.%Y",) if numbers[1] == "." else ("%m-%d-%Y", "%d-%m-%Y")
        orders = [[start.replace("-", numbers[1]) + time for time in _TIMES] for start in starts]
        unread = [
            how_many(table[name].notnull() & try_strptime(table[name], each).isnull()) for each in orders
        ]
        counts = self.one_row(table, unread)
        fitting = [order for order, count in zip(orders, counts, strict=True) if not count]
        return fitting[0] if len(fitting) == 1 else []


def _not_whole(text: Any, kind: Any) -> Any:
    """Count texts that are not the whole number that DuckDB would read."""
    number = text.try_cast(kind)
    return how_many((text.notnull() & number.isnull()) | or_false(text.try_cast("float64") != number))


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def try_strptime(text: str, formats: list[str]) -> datetime:  # type: ignore[empty-body]
    """Read a text by the first of the formats that suits, or give null: DuckDB's function."""
