"""Anything tabular becomes one Ibis table; nothing is copied into Python and nothing is modified."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import duckdb
import ibis
import pyarrow as pa

from twobytwo.ask.arguments import shown
from twobytwo.data.csv_files import read_csv
from twobytwo.data.dialects import connect
from twobytwo.data.engines import Engine, Foreign, OwnDuckDB, OwnersDuckDB, reading
from twobytwo.errors import DataError, DesignError, nearest
from twobytwo.files import at_home, looked_from

__all__ = ["Source", "columns_of", "open_source"]

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_EXCEL = (".xlsx", ".xls", ".xlsm", ".ods")
_SHEET = " Save the sheet as CSV and give that."
# How an archive begins, and so every .xlsx.
_ZIP = b"PK\x03\x04"
# So many rows of a pandas column of objects DuckDB looks at to choose its type.
_EVERY_ROW = 2**31 - 1
# What DuckDB calls the second of two columns of one name: y and y_1.
_RENAMED = re.compile(r"(.*)_\d+", re.DOTALL)
# Engines of this process whose Ibis dialect lacks what is needed (quantiles, covariances): the columns that a
# question needs are handed to DuckDB.
_HANDED_OVER = ("polars", "sqlite")


@dataclass(frozen=True, slots=True)
class Source:
    """A table that can be asked for aggregates.

    Parameters
    ----------
    table
        The rows as an Ibis table expression.
    engine
        What computes.
    """

    table: Any
    engine: Engine

    def execute(self, expression: Any, purpose: str = "") -> pa.Table:
        """Run an Ibis expression on the table and bring its (small) result back."""
        return self.engine.execute(expression, purpose)

    def keep(self, expression: Any, purpose: str = "") -> Any:
        """Hold an intermediate table in the engine where the engine can, so that it is computed once."""
        return self.engine.keep(expression, purpose)

    def stream(self, expression: Any, rows: int, purpose: str = "") -> Iterator[pa.RecordBatch]:
        """Run an Ibis expression and give its rows in batches of at most so many: one is held."""
        return self.engine.stream(expression, rows, purpose)

    def total(self, value: Any) -> Any:
        """Sum 64-bit floats, with the engine's most exact sum."""
        return self.engine.total(value)

    def of(self, table: Any) -> Source:
        """Give another table of the same engine."""
        return replace(self, table=table)


@runtime_checkable
class _ArrowStream(Protocol):
    """Whatever can be read as a stream of Arrow batches."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


def open_source(data: Any, columns: Sequence[str], *, as_text: Sequence[str] = ()) -> Source:
    """See any table through Ibis, restricted to the columns that are needed.

    Parameters
    ----------
    data
        pandas or polars DataFrame, polars LazyFrame, pyarrow Table or Dataset, any object with an
        Arrow stream, a DuckDB relation, an Ibis table, or a path or glob to Parquet or CSV files.
    columns
        Names of the columns that will be read.
    as_text
        Those of them that a CSV file gives as they are written, such as ids, whose zeros count.

    Returns
    -------
    Source
        The rows of those columns, in place.

    Raises
    ------
    DesignError
        If a column does not exist or `data` is not tabular.
    DataError
        If a path matches no file, if the table's own engine fails, or if a column name stands twice in the
        table or differs from another by case only.

    Examples
    --------
    >>> import pandas as pd
    >>> source = open_source(pd.DataFrame({"y": [1.0, 2.0], "x": [0, 1]}), ["y"])
    >>> source.execute(source.table.y.sum().as_table())[0][0].as_py()
    3.0
    """
    with reading():
        if isinstance(data, ibis.Table):
            _require(columns, data.columns)
            backend = data.get_backend()
            if backend.name not in _HANDED_OVER:
                return Source(data.select(*columns), Foreign(backend))
            data = backend.to_pyarrow(data.select(*columns))
        if isinstance(data, duckdb.DuckDBPyRelation):
            return _from_relation(data, columns)
        engine = OwnDuckDB()
        connection = engine.connection
        if isinstance(data, str | Path):
            table = _from_path(connection, at_home(str(data)), columns, as_text)
        else:
            # Of text and decimals the longest decides, wherever it stands.
            connection.con.execute(f"SET GLOBAL pandas_analyze_sample = {_EVERY_ROW}")
            connection.con.register("rows", _registrable(data, columns))
            table = connection.table("rows")
        return Source(table.select(*columns), engine)


def columns_of(path: str | Path) -> tuple[str, ...]:
    """Name the columns of a path or glob to Parquet or CSV files; errors as for `open_source`."""
    with reading():
        return tuple(_from_path(connect(), at_home(str(path)), (), ()).columns)


def _require(wanted: Sequence[str], present: Sequence[Any]) -> None:
    folded = {str(column).casefold(): column for column in wanted}
    for column in wanted:
        twin = folded[str(column).casefold()]
        if twin != column:
            msg = f"Columns {twin!r} and {column!r} differ by case only, which SQL ignores; rename one."
            raise DataError(msg)
    absent = [column for column in wanted if column not in present]
    if absent:
        listed = ", ".join(repr(name) for name in list(present)[:12])
        has = f"the table, which has {listed}"
        if len(absent) == 1:
            msg = f"Column {absent[0]!r} is not in {has}.{nearest(absent[0], present)}"
        else:
            named = ", ".join(repr(column) for column in absent)
            msg = f"Columns {named} are not in {has}.{''.join(nearest(name, present) for name in absent)}"
        raise DesignError(msg)
    for column in wanted:
        count = sum(name == column for name in present)
        if count > 1:
            msg = f"Column name {column!r} stands {count} times in the table; rename all but one."
            raise DataError(msg)
        for name in present:
            if name != column and str(name).casefold() == column.casefold():
                msg = f"Columns {column!r} and {name!r} differ by case only, which SQL ignores; rename one."
                raise DataError(msg)


def _registrable(data: Any, columns: Sequence[str]) -> Any:
    """Narrow an in-memory table to its needed columns without copying them."""
    kind = f"{type(data).__module__}.{type(data).__name__}"
    if kind.startswith("pandas."):
        if getattr(data, "ndim", 0) != 2:
            msg = f"data is a {kind}; a DataFrame is needed."
            raise DesignError(msg)
        if data.columns.nlevels > 1:
            msg = f"data has {data.columns.nlevels} levels of column names; flatten them first."
            raise DataError(msg)
        _require(columns, list(data.columns))
        _refuse_mixed_types(data, columns)
        return data[list(columns)]
    if kind.startswith("polars.") and hasattr(data, "collect_schema"):
        from polars import nth

        names = data.collect_schema().names()
        _require(columns, names)
        # By position: polars reads a name such as "^a$" as a pattern.
        frame = data.select(nth([names.index(column) for column in columns]))
        return frame.collect() if hasattr(frame, "collect") else frame
    if isinstance(data, pa.RecordBatchReader):
        # A reader can be read only once, but a table is asked several questions.
        data = data.read_all()
    if isinstance(data, _ArrowStream) and not hasattr(data, "schema") and not kind.startswith("polars."):
        data = pa.table(data)
    if hasattr(data, "schema") and hasattr(data.schema, "names"):
        _require(columns, data.schema.names)
        return data
    msg = (
        f"data is a {kind}; give a pandas or polars DataFrame, an Arrow table, a DuckDB relation, an "
        "Ibis table, or a path to Parquet or CSV files."
    )
    raise DesignError(msg)


def _refuse_mixed_types(frame: Any, columns: Sequence[str]) -> None:
    for column in columns:
        if frame[column].dtype != object:
            continue
        kinds = frame[column].dropna().map(type).value_counts()
        if len(kinds) > 1:
            listed = ", ".join(f"{count:,} {kind.__name__}" for kind, count in kinds.items())
            msg = f"Column {column!r} mixes types ({listed}); give the column one type."
            raise DataError(msg)


def _from_path(connection: Any, path: str, columns: Sequence[str], as_text: Sequence[str]) -> Any:
    lowered = path.lower()
    if not lowered.endswith(_PARQUET + _CSV):
        msg = (
            f"data={shown(path)} is not a Parquet or CSV path; it should end in {', '.join(_PARQUET + _CSV)}."
            + (_SHEET if lowered.endswith(_EXCEL) else "")
        )
        raise DesignError(msg)
    try:
        # A file's own brackets are no pattern.
        path = glob.escape(path) if Path(path).is_file() else path
        files = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - the pattern may be absolute
    except (OSError, ValueError):
        files = []
    if not files:
        # Whole: the mistake is often in the last part.
        msg = f"No file matches {path!r} ({looked_from()})."
        raise DataError(msg)
    parquet = lowered.endswith(_PARQUET)
    for file in files:
        if not Path(file).is_file():
            msg = (
                f"{file!r} is no file that can be read: it is a folder, a pipe, or a link that leads nowhere."
            )
            raise DataError(msg)
    _refuse_archive(files[0])
    try:
        if parquet:
            table = connection.read_parquet(path)
            _require(columns, _as_written(connection, files[0], table.columns, parquet=True))
            return table
        names = connection.read_csv(path).columns
        _require(columns, _as_written(connection, files[0], names, parquet=False))
        return read_csv(connection, path, files, columns, as_text)
    except duckdb.Error as error:
        msg = f"{path!r} cannot be read: {_because(error)}"
        raise DataError(msg) from error


def _because(error: duckdb.Error) -> str:
    """Say why DuckDB cannot read files, without its settings and what it proposes to do with them."""
    said = str(error)
    if "not utf-8 encoded" in said:
        return "it is not UTF-8 text. Save it as UTF-8 (in Excel: CSV UTF-8) and give that."
    return " ".join(said.split("\n\n")[0].split("\nPotential")[0].split())


def _refuse_archive(file: str) -> None:
    """Refuse an Excel file under the name of another: it would be read as text without an error."""
    with Path(file).open("rb") as opened:
        if opened.read(len(_ZIP)) == _ZIP:
            msg = f"{file!r} is an Excel file or another zip archive, whatever its name says.{_SHEET}"
            raise DataError(msg)


def _as_written(connection: Any, file: str, found: Sequence[str], *, parquet: bool) -> Sequence[str]:
    """Give a file's own names of its columns where DuckDB may have renamed the second of two."""
    folded = [name.casefold() for name in found]
    if not any((base := _RENAMED.fullmatch(name)) and base[1] in folded for name in folded):
        return found
    if parquet:
        rows = connection.con.execute("SELECT name FROM parquet_schema(?) OFFSET 1", [file]).fetchall()
        names = [row[0] for row in rows]
    else:
        asked = "SELECT * FROM read_csv(?, header = false, all_varchar = true) LIMIT 1"
        names = list(connection.con.execute(asked, [file]).fetchall()[0])
    # Nested columns and odd headers have other numbers of names; then there is nothing to compare.
    return names if len(names) == len(found) else found


def _from_relation(relation: duckdb.DuckDBPyRelation, columns: Sequence[str]) -> Source:
    """Query a relation on its own connection, which only the relation itself can reach."""
    _require(columns, relation.columns)
    schema = ibis.Schema.from_pyarrow(relation.limit(0).to_arrow_table().schema)
    # A name that no table of the relation's own database has.
    name = ibis.util.gen_name("rows")
    return Source(ibis.table(schema, name=name).select(*columns), OwnersDuckDB(relation, name))
