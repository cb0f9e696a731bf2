"""What computes: DuckDB opened here, the connection of a DuckDB relation, or the engine of an Ibis table.

Only aggregates come back. Errors of engines are told in the package's own words.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import time
import uuid
import warnings
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import ibis
import pyarrow as pa

from twobytwo.data.dialects import connect
from twobytwo.errors import DataError, TwoByTwoError
from twobytwo.progress import watch

__all__ = ["Engine", "Foreign", "OwnDuckDB", "OwnersDuckDB", "Query", "listening", "reading"]

# What DuckDB may take where this package opened it; what is more goes to files.
_MEMORY = "3GB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question that was put to an engine.

    Parameters
    ----------
    purpose
        What it is for.
    engine
        Where it ran.
    sql
        What was asked.
    rows
        How many rows came back; None if the result stayed in the engine.
    seconds
        How long it took.
    """

    purpose: str
    engine: str
    sql: str
    rows: int | None
    seconds: float


_LISTENER: ContextVar[Callable[[Query], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[Query], None]) -> Iterator[None]:
    """Tell somebody of every query that the body puts to an engine; whoever listens already hears on.

    Parameters
    ----------
    listener
        Called after each query.

    Examples
    --------
    >>> with listening(print):
    ...     answer = 6 * 7
    """
    outer = _LISTENER.get()

    def tell(query: Query) -> None:
        listener(query)
        if outer is not None:
            outer(query)

    token = _LISTENER.set(tell)
    try:
        yield
    finally:
        _LISTENER.reset(token)


# How DuckDB says that it cannot read a value of a CSV file.
_ODD_VALUE = re.compile(
    r"CSV Error on Line: (\d+).*Error when converting column \"(.*?)\"\. "
    r"Could not convert string \"(.*?)\" to '(.*?)'",
    re.DOTALL,
)


@contextmanager
def reading() -> Iterator[None]:
    """Say in the package's words that a table's own engine failed; engines have errors of their own."""
    # Ibis calls what DuckDB renamed, which no reader can change. By its message, in place of a context that
    # threads would take from each other.
    warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
    try:
        yield
    except (TwoByTwoError, MemoryError):
        raise
    except Exception as error:
        _pass_on_ctrl_c(error)
        raise DataError(_unreadable(error)) from error


def _pass_on_ctrl_c(error: Exception) -> None:
    """Raise `KeyboardInterrupt` where DuckDB made an error of its own of it."""
    said = str(error)
    wrapped = said == "Query interrupted" or (said.startswith("Traceback") and "KeyboardInterrupt" in said)
    if wrapped or isinstance(error, duckdb.InterruptException):
        raise KeyboardInterrupt from error


def _unreadable(error: Exception) -> str:
    if odd := _ODD_VALUE.search(str(error)):
        line, column, value, kind = odd.groups()
        return (
            f"Line {int(line):,} of a CSV file has {value!r} in column {column!r}, whose values before it "
            f"are of type {kind}. Correct that value, or leave it empty where it is missing."
        )
    why = " ".join(str(error).split("\n\n")[0].split()) or type(error).__name__
    return (
        f"The table cannot be read: {why}. Its connection must be open, its query must run, and each of "
        "its columns must have one type."
    )


def _sql(expression: Any, dialect: str = "duckdb") -> str:
    return str(ibis.to_sql(expression, dialect=dialect))


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]
def fsum(value: float) -> float:  # type: ignore[empty-body]
    """DuckDB's sum that carries its rounding along, so that the order of the rows does not show."""


class Engine(ABC):
    """What runs Ibis expressions on the tables of one connection.

    Attributes
    ----------
    dialect
        Of its SQL.
    """

    dialect: str = "duckdb"
    name: ClassVar[str] = "DuckDB"

    @abstractmethod
    def _run(self, expression: Any, purpose: str) -> pa.Table:
        """Run an expression; errors are the engine's own."""

    def execute(self, expression: Any, purpose: str) -> pa.Table:
        """Run an expression and bring its result back (`DataError` in words where that fails)."""
        began = time.perf_counter()
        try:
            found = self._run(expression, purpose)
        except (TwoByTwoError, MemoryError):
            raise
        except Exception as error:
            _pass_on_ctrl_c(error)
            raise DataError(self.words(error, purpose)) from error
        self._tell(expression, purpose, began, found.num_rows)
        return found

    def stream(self, expression: Any, rows: int, purpose: str) -> Iterator[pa.RecordBatch]:
        """Run an expression and give its rows in batches of at most so many."""
        began, brought = time.perf_counter(), 0
        with reading():
            for batch in self._batches(expression, rows):
                brought += batch.num_rows
                yield batch
        self._tell(expression, purpose, began, brought)

    @abstractmethod
    def _batches(self, expression: Any, rows: int) -> Iterator[pa.RecordBatch]:
        """Give rows in batches; errors are the engine's own."""

    def keep(self, expression: Any, purpose: str) -> Any:  # noqa: ARG002 - for engines that can
        """Hold an intermediate table where the engine can; otherwise it is computed again when asked."""
        return expression

    def total(self, value: Any) -> Any:
        """Sum 64-bit floats, by the engine's most exact sum."""
        return fsum(value) if self.dialect == "duckdb" else value.sum()

    @abstractmethod
    def words(self, error: Exception, purpose: str) -> str:
        """Say what went wrong, and what to do."""

    def _tell(self, expression: Any, purpose: str, began: float, rows: int | None) -> None:
        listener = _LISTENER.get()
        if listener is not None:
            sql = _sql(expression, self.dialect)
            listener(
                Query(
                    purpose=purpose,
                    engine=self.name,
                    sql=sql,
                    rows=rows,
                    seconds=time.perf_counter() - began,
                )
            )


class OwnDuckDB(Engine):
    """DuckDB opened for one table, in this process.

    What does not fit into its memory goes to a folder of its own among the machine's temporary files, which
    is removed with the connection.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.gettempdir()) / f"twobytwo-{uuid.uuid4().hex}"
        self.connection = connect(
            memory_limit=_MEMORY, temp_directory=str(self.folder), preserve_insertion_order=False
        )
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        # A connection answers one question at a time.
        self._turn = threading.RLock()

    def _run(self, expression: Any, purpose: str) -> pa.Table:
        with self._turn, watch(purpose or "reading rows", self._progress):
            return self.connection.con.query(_sql(expression)).to_arrow_table()

    def _batches(self, expression: Any, rows: int) -> Iterator[pa.RecordBatch]:
        yield from self.connection.con.query(_sql(expression)).to_arrow_reader(rows)

    def keep(self, expression: Any, purpose: str) -> Any:
        """Make a temporary table, which goes with its connection (Ibis' own cache is dropped too late)."""
        began = time.perf_counter()
        try:
            with self._turn, watch(purpose, self._progress):
                name = ibis.util.gen_name("kept")
                made = self.connection.create_table(name, expression, temp=True)
        except duckdb.Error as error:
            _pass_on_ctrl_c(error)
            raise DataError(self.words(error, purpose)) from error
        self._tell(expression, purpose, began, None)
        return made

    def _progress(self) -> float:
        return float(self.connection.con.query_progress()) / 100

    def words(self, error: Exception, purpose: str) -> str:
        """Say whether the memory, the disk, the files or the types are the trouble."""
        said = str(error).splitlines()[0]
        if isinstance(error, duckdb.OutOfMemoryException) or "No space left" in said or "temp_dir" in said:
            return (
                f"There is no room for {purpose or 'this table'}: DuckDB works in {_MEMORY} of memory and "
                f"puts the rest into {str(self.folder.parent)!r} ({said}). Name a folder with room in the "
                "environment variable TMPDIR, or give a relation of a DuckDB connection with more memory."
            )
        if isinstance(error, duckdb.IOException):
            return (
                f"The table cannot be read: {said}. If the file has gone or changed since it was compressed, "
                "compress it again."
            )
        return _unreadable(error)


class OwnersDuckDB(Engine):
    """The connection of a DuckDB relation, which only the relation itself can reach.

    Nothing but queries reaches it, so intermediate tables are computed again.
    """

    def __init__(self, relation: duckdb.DuckDBPyRelation, view: str) -> None:
        self._relation, self._view = relation, view

    def _run(self, expression: Any, purpose: str) -> pa.Table:  # noqa: ARG002
        return self._relation.query(self._view, _sql(expression)).to_arrow_table()

    def _batches(self, expression: Any, rows: int) -> Iterator[pa.RecordBatch]:
        yield from self._relation.query(self._view, _sql(expression)).to_arrow_reader(rows)

    def words(self, error: Exception, purpose: str) -> str:
        """Pass on what DuckDB says."""
        return f"{_unreadable(error)} It was asked for {purpose or 'some rows'}."


class Foreign(Engine):
    """The engine of an Ibis table. Nothing is stored in somebody else's connection."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.dialect = backend.name

    @property
    def name(self) -> str:  # type: ignore[override]
        """Of the engine, as Ibis calls it."""
        return str(self._backend.name)

    def _run(self, expression: Any, purpose: str) -> pa.Table:
        with watch(purpose or "reading rows"):
            try:
                return self._backend.to_pyarrow(expression)
            except pa.ArrowInvalid:
                # PostgreSQL computes powers and logarithms as decimals, which Arrow does not take for floats.
                return pa.Table.from_pandas(self._backend.execute(expression), preserve_index=False)

    def _batches(self, expression: Any, rows: int) -> Iterator[pa.RecordBatch]:
        if self.name != "duckdb":
            yield from self._backend.to_pyarrow_batches(expression, chunk_size=rows)
            return
        # Ibis 12 calls what DuckDB 2 has no more. No row is enough for Ibis to make known its own tables.
        self._backend.to_pyarrow(expression.limit(0))
        yield from self._backend.con.query(self._backend.compile(expression)).to_arrow_reader(rows)

    def words(self, error: Exception, purpose: str) -> str:
        """Name the engine, and the way round it."""
        said = " ".join(str(error).split())[:300]
        return (
            f"The engine {self.name!r} cannot answer for {purpose or 'this table'} ({type(error).__name__}: "
            f"{said}). If the table has not gone, hand the needed columns over to DuckDB: give "
            "table.select(...).to_pyarrow(), or write them to Parquet and give the path."
        )
