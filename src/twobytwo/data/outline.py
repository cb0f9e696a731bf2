"""What stands in a file of unknown columns: their types, how many values they have, and which."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twobytwo.data.columns import level
from twobytwo.data.conditions import how_many, no_number
from twobytwo.data.dates import clear, unclear
from twobytwo.data.sources import Source, columns_of, open_source
from twobytwo.errors import DataError

__all__ = ["Column", "Kind", "Outline", "outline"]

Kind = Literal["number", "boolean", "text", "date", "zoned", "unclear", "other"]
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
# Above this many values a column is no column of levels.
_MOST_LEVELS = 20
# From this share of rows on, different values may be ids of which some stand twice.
_NEARLY_ALL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column as it was found.

    Parameters
    ----------
    name
        Of the column.
    kind
        What its values are; ``"zoned"`` are times with a zone, ``"unclear"`` texts that are dates in more
        than one way.
    values
        How many different ones there are.
    levels
        These values in order, if there are at most 20; empty otherwise, and of unclear dates.
    low, high
        The smallest and the largest value of a number, date or text; a date as ISO text. Of unclear dates
        both are one that shows it.
    missing
        In how many rows there is no value.
    odd, odd_rows
        Of texts one that is no number, and in how many rows there is such a one.
    like_id
        Whether its values may identify something, whatever it is called: whole numbers or texts that are
        different in nearly every row, or each of which stands in as many rows.
    sizes
        In how many rows each of the levels stands; empty where nobody counted.
    """

    name: str
    kind: Kind
    values: int
    levels: tuple[Hashable, ...] = ()
    low: float | str | None = None
    high: float | str | None = None
    missing: int = 0
    odd: str | None = None
    odd_rows: int = 0
    like_id: bool = False
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A table seen from above.

    Parameters
    ----------
    rows
        How many rows there are.
    columns
        In the order of the table.
    """

    rows: int
    columns: tuple[Column, ...]

    def named(self, name: str | None) -> Column | None:
        """Give a column by its name; None if there is none of that name."""
        return next((column for column in self.columns if column.name == name), None)


def outline(path: str | Path) -> Outline:
    """Look at every column of a file.

    Parameters
    ----------
    path
        A path or glob to Parquet or CSV files.

    Returns
    -------
    Outline
        The columns, with their levels where there are few.

    Raises
    ------
    DataError
        If there is no such file, or it has no row.
    DesignError
        If the path is no table.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "rows.csv")
    ...     written = file.write_text("arm,y,day" + chr(10) + "a,1.5,2026-09-01" + chr(10) + "b,2,2026-09-02")
    ...     [(column.name, column.kind, column.levels) for column in outline(file).columns][:2]
    [('arm', 'text', ('a', 'b')), ('y', 'number', (1.5, 2.0))]
    """
    names = columns_of(path)
    if sum(_NUMBER.fullmatch(name) is not None for name in names) > len(names) / 2:
        listed = ", ".join(map(repr, names[:6]))
        msg = (
            f"{str(path)!r} seems to have no header: its columns would be called {listed}. Write the names "
            "of the columns into the first line."
        )
        raise DataError(msg)
    source = open_source(path, names)
    table = source.table
    asked: dict[str, Any] = {"rows": table.count()}
    for k, name in enumerate(table.columns):
        asked |= {f"values{k}": table[name].nunique(), f"missing{k}": how_many(table[name].isnull())}
        if _kind(table[name].type()) in ("number", "date", "text"):
            asked |= {f"low{k}": table[name].min(), f"high{k}": table[name].max()}
        if table[name].type().is_string():
            asked |= {
                f"odd{k}": table[name].min(where=no_number(table[name])),
                f"odd_rows{k}": how_many(no_number(table[name])),
                f"clear{k}": how_many(clear(table[name])),
                f"unclear{k}": table[name].min(where=unclear(table[name])),
            }
    found = source.execute(table.aggregate(**asked)).to_pylist()[0]
    if not found["rows"]:
        msg = f"{str(path)!r} has a header and no rows."
        raise DataError(msg)
    columns = []
    for k, name in enumerate(table.columns):
        kind = _kind(table[name].type())
        if found.get(f"unclear{k}") is not None and not found[f"clear{k}"]:
            kind = "unclear"
            found |= {f"low{k}": found[f"unclear{k}"], f"high{k}": found[f"unclear{k}"]}
        sizes: dict[Hashable, int] = {}
        few = 0 < found[f"values{k}"] <= _MOST_LEVELS
        if few and kind != "unclear" and not table[name].type().is_nested():
            counted = table.group_by(level=table[name]).agg(rows=table.count()).order_by("level")
            rows = source.execute(counted).to_pylist()
            sizes = {level(row["level"]): row["rows"] for row in rows if level(row["level"]) is not None}
        columns.append(
            Column(
                name=name,
                kind=kind,
                values=found[f"values{k}"],
                levels=tuple(sizes),
                low=_plain(found.get(f"low{k}")),
                high=_plain(found.get(f"high{k}")),
                missing=found[f"missing{k}"],
                odd=found.get(f"odd{k}"),
                odd_rows=int(found.get(f"odd_rows{k}") or 0),
                like_id=not few and _like_id(source, name),
                sizes=tuple(sizes.values()),
            )
        )
    return Outline(rows=found["rows"], columns=tuple(columns))


def _like_id(source: Source, name: str) -> bool:
    """Whether a column of many values may identify something."""
    column = source.table[name]
    if not (column.type().is_integer() or column.type().is_string()):
        return False
    each = source.table.group_by(value=column).agg(rows=column.count()).filter(lambda kept: kept["rows"] > 0)
    counted = each.aggregate(
        values=each.count(), mean=each["rows"].mean(), least=each["rows"].min(), most=each["rows"].max()
    )
    found = source.execute(counted).to_pylist()[0]
    # An empty column has no value at all.
    return bool(found["values"] and (found["least"] == found["most"] or found["mean"] <= 1 / _NEARLY_ALL))


def _kind(kind: Any) -> Kind:
    if kind.is_boolean():
        return "boolean"
    if kind.is_numeric():
        return "number"
    if kind.is_timestamp() and kind.timezone is not None:
        return "zoned"
    if kind.is_date() or kind.is_timestamp():
        return "date"
    return "text" if kind.is_string() else "other"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str):
        return value
    # A date, or a time without a zone: its day is enough.
    return value.isoformat()[:10] if hasattr(value, "isoformat") else float(value)
