"""Anything tabular becomes one Ibis table; nothing is copied into Python and nothing is modified."""

from __future__ import annotations

import glob
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import duckdb
import ibis
import pyarrow as pa

from twobytwo.ask.design import CellProfile, Design, Profile
from twobytwo.errors import DataError, DesignError, nearest
from twobytwo.progress import watch

__all__ = ["Source", "lengthen", "open_source", "outcome_column", "profile", "unit_column"]

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
# Above this many combinations of levels a "factor" is plainly no factor; stop listing them.
_MOST_COMBINATIONS = 200
# Integers above this size are not all representable as 64-bit floats.
_EXACT_INTEGER = 2**53


@dataclass(frozen=True, slots=True)
class Source:
    """A table that can be asked for aggregates.

    Parameters
    ----------
    table
        The rows as an Ibis table expression.
    execute
        Runs an Ibis expression on that table and returns the (small) result.
    keep
        Holds an intermediate table in the engine where the engine can, so that it is computed once.
    """

    table: Any
    execute: Callable[[Any], pa.Table]
    keep: Callable[[Any], Any]


@runtime_checkable
class _ArrowStream(Protocol):
    """Whatever can be read as a stream of Arrow batches."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


def open_source(data: Any, columns: Sequence[str]) -> Source:
    """See any table through Ibis, restricted to the columns that are needed.

    Parameters
    ----------
    data
        pandas or polars DataFrame, polars LazyFrame, pyarrow Table or Dataset, any object with an
        Arrow stream, a DuckDB relation, an Ibis table, or a path or glob to Parquet or CSV files.
    columns
        Names of the columns that will be read.

    Returns
    -------
    Source
        The rows of those columns, in place.

    Raises
    ------
    DesignError
        If a column does not exist or `data` is not tabular.
    DataError
        If a path matches no file, or a column name stands twice in the table.

    Examples
    --------
    >>> import pandas as pd
    >>> source = open_source(pd.DataFrame({"y": [1.0, 2.0], "x": [0, 1]}), ["y"])
    >>> source.execute(source.table.y.sum().as_table())[0][0].as_py()
    3.0
    """
    if isinstance(data, ibis.Table):
        _require(columns, data.columns)
        table = data.select(*columns)
        # Nothing is stored in somebody else's connection, so intermediate tables are computed again.
        return Source(table, lambda expression: expression.to_pyarrow(), lambda asked: asked)
    if isinstance(data, duckdb.DuckDBPyRelation):
        return _from_relation(data, columns)

    connection = ibis.duckdb.connect()
    if isinstance(data, str | Path):
        table = _from_path(connection, str(data))
        _require(columns, table.columns)
    else:
        rows = _registrable(data, columns)
        try:
            connection.con.register("rows", rows)
            table = connection.table("rows")
        except duckdb.Error as error:
            msg = f"The table cannot be read: {error}. Convert columns of unusual types first."
            raise DataError(msg) from error
    table = table.select(*columns)

    # DuckDB decides the type of a pandas object column from its values and fails on a mixture.
    def execute(expression: Any) -> pa.Table:
        try:
            with watch("reading rows", lambda: connection.con.query_progress() / 100):
                return connection.to_pyarrow(expression)
        except duckdb.Error as error:
            msg = f"The table cannot be read: {error}. Give each column one type."
            raise DataError(msg) from error

    # A temporary table goes with its connection; Ibis' own cache would be dropped at exit, too late.
    def keep(asked: Any) -> Any:
        with watch("pairing users", lambda: connection.con.query_progress() / 100):
            return connection.create_table(ibis.util.gen_name("kept"), asked, temp=True)

    return Source(table, execute, keep)


def _require(wanted: Sequence[str], present: Sequence[Any]) -> None:
    folded = {str(column).casefold(): column for column in wanted}
    for column in wanted:
        twin = folded[str(column).casefold()]
        if twin != column:
            msg = f"Columns {twin!r} and {column!r} differ by case only, which SQL ignores; rename one."
            raise DataError(msg)
    for column in wanted:
        count = sum(name == column for name in present)
        if count == 0:
            listed = ", ".join(repr(name) for name in list(present)[:12])
            msg = f"Column {column!r} is not in the table, which has {listed}.{nearest(column, present)}"
            raise DesignError(msg)
        if count > 1:
            msg = f"Column name {column!r} stands {count} times in the table; rename all but one."
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


def _from_path(connection: Any, path: str) -> Any:
    lowered = path.lower()
    readers = {_PARQUET: connection.read_parquet, _CSV: connection.read_csv}
    for endings, read in readers.items():
        if lowered.endswith(endings):
            # A file's own brackets are no pattern.
            path = glob.escape(path) if Path(path).is_file() else path
            if not glob.glob(path, recursive=True):  # noqa: PTH207 - the pattern may be absolute
                msg = f"No file matches {path!r} (looked from {Path.cwd()})."
                raise DataError(msg)
            try:
                return read(path)
            except duckdb.Error as error:
                msg = f"{path!r} cannot be read: {str(error).splitlines()[0]}"
                raise DataError(msg) from error
    msg = f"data={path!r} is not a Parquet or CSV path; it should end in {', '.join(_PARQUET + _CSV)}."
    raise DesignError(msg)


def _from_relation(relation: duckdb.DuckDBPyRelation, columns: Sequence[str]) -> Source:
    """Query a relation on its own connection, which only the relation itself can reach."""
    _require(columns, relation.columns)
    schema = ibis.Schema.from_pyarrow(relation.limit(0).to_arrow_table().schema)
    # A name that no table of the relation's own database has.
    name = ibis.util.gen_name("rows")
    table = ibis.table(schema, name=name).select(*columns)

    def execute(expression: Any) -> pa.Table:
        sql = str(ibis.to_sql(expression, dialect="duckdb"))
        return relation.query(name, sql).to_arrow_table()

    # Nothing but queries reaches a relation's connection, so intermediate tables are computed again.
    return Source(table, execute, lambda asked: asked)


def outcome_column(source: Source, design: Design) -> Any:
    """Give the outcome as a 64-bit float expression, or refuse its type.

    Parameters
    ----------
    source
        The table.
    design
        The question.

    Returns
    -------
    ibis.Value
        The outcome column.

    Raises
    ------
    DataError
        If the column is not numeric.
    """
    column = source.table[design.outcome]
    kind = column.type()
    if kind.is_boolean():
        message = f"Column {design.outcome!r} is boolean: its mean is read as a share between 0 and 1."
        warnings.warn(message, UserWarning, stacklevel=2)
        return column.cast("int8").cast("float64")
    if kind.is_decimal():
        message = f"Column {design.outcome!r} is decimal and is read as 64-bit floats."
        warnings.warn(message, UserWarning, stacklevel=2)
    if not kind.is_numeric():
        msg = (
            f"Column {design.outcome!r} has type {kind}, not a number; convert it first. One text such as "
            "'inf' or 'N/A' makes the whole column of a CSV file text."
        )
        raise DataError(msg)
    return column.cast("float64")


def unit_column(source: Source, design: Design) -> Any:
    """Give the user id, or refuse a type that cannot tell users apart.

    Parameters
    ----------
    source
        The table.
    design
        The question, with a unit.

    Returns
    -------
    ibis.Value
        The unit column.

    Raises
    ------
    DataError
        If the ids are floats: large ones collide.
    """
    column = source.table[design.unit]
    if column.type().is_floating():
        msg = (
            f"Column {design.unit!r} has type {column.type()}; ids above 2^53 would collide. Read it as "
            "integers or text (a missing id turns whole numbers into floats in pandas)."
        )
        raise DataError(msg)
    return column


def lengthen(source: Source, design: Design) -> Source:
    """Turn one row a user with two columns into one row a user and period.

    Parameters
    ----------
    source
        A table in the wide form.
    design
        The question, with `wide` naming the columns before and after.

    Returns
    -------
    Source
        The same values in the long form; missing values are absent rows.

    Raises
    ------
    DataError
        If a column is not numeric or holds integers that a 64-bit float cannot.
    """
    table = source.table
    group, period = design.factors
    if design.missing == "zero":
        _refuse_never_seen(source, design)
    halves = []
    for column, level in zip(design.wide or (), period.levels or (), strict=True):
        wide = Source(table, source.execute, source.keep)
        value = outcome_column(wide, replace(design, wide=None, outcome=column))
        # In the long form, as floats, they could not be told any more.
        found = source.execute(table.aggregate(inexact=_inexact(table[column])))["inexact"][0].as_py()
        _refuse_inexact(column, found or 0)
        present = table.mutate(**{column: value}).filter(value.notnull() & ~value.isnan())
        halves.append(
            present.select(
                **{
                    design.outcome: present[column],
                    group.column: present[group.column],
                    period.column: ibis.literal(str(level)),
                    str(design.unit): present[design.unit],
                }
            )
        )
    return Source(ibis.union(*halves), source.execute, source.keep)


def _refuse_never_seen(source: Source, design: Design) -> None:
    """Refuse users with neither value where an absence is a zero: the long form would not know of them."""
    absent = ibis.literal(value=True)
    for name in design.wide or ():
        column = source.table[name]
        absent = absent & (column.isnull() | (column.isnan() if column.type().is_floating() else False))
    users = source.execute(source.table.aggregate(users=absent.sum()))["users"][0].as_py() or 0
    if users:
        before, after = design.wide or ("", "")
        msg = (
            f"{users:,} user(s) have a value neither in {before!r} nor in {after!r}. If absent means "
            "zero in both periods, fill these with 0; if they are no part of the experiment, drop their rows."
        )
        raise DataError(msg)


def profile(source: Source, design: Design) -> Profile:
    """Look at a table from above: rows, missing and infinite outcomes, and range, for every cell.

    Parameters
    ----------
    source
        The table.
    design
        The question, resolved or not.

    Returns
    -------
    Profile
        One entry per combination of raw factor levels.

    Raises
    ------
    DataError
        If the outcome is not numeric or holds integers that a 64-bit float cannot.
    DesignError
        If a factor holds times rather than levels.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"y": [1.0, 2.0], "a": [0, 1], "b": [0, 0]})
    >>> design = Design.interaction(outcome="y", factors=("a", "b"))
    >>> profile(open_source(frame, design.columns), design).rows
    2
    """
    raw = source.table[design.outcome]
    if raw.type().is_string() and not source.execute(source.table.count().as_table())[0][0].as_py():
        # A CSV file of a header alone has no types either.
        return Profile(cells=())
    y = outcome_column(source, design)
    keys = {f"level{k}": _levels_column(source, factor.column) for k, factor in enumerate(design.factors)}
    absent = y.isnull() | y.isnan()
    inexact = _inexact(raw)
    finite = ibis.ifelse(absent | y.isinf(), None, y)
    rows = source.execute(
        source.table.group_by(**keys)
        .agg(
            rows=source.table.count(),
            missing=absent.sum(),
            infinite=y.isinf().sum(),
            inexact=inexact,
            low=finite.min(),
            high=finite.max(),
        )
        .limit(_MOST_COMBINATIONS)
    ).to_pylist()
    if len(rows) == _MOST_COMBINATIONS:
        _refuse_many_levels(source, design)
    # SQL gives groups in no particular order; messages must not change from run to run.
    rows.sort(key=lambda row: [str(row[key]) for key in keys])
    _refuse_inexact(design.outcome, sum(row["inexact"] or 0 for row in rows))
    return Profile(
        cells=tuple(
            CellProfile(
                levels=tuple(_level(row[key]) for key in keys),
                rows=row["rows"],
                missing=row["missing"] or 0,
                infinite=row["infinite"] or 0,
                low=row["low"],
                high=row["high"],
            )
            for row in rows
        )
    )


def _inexact(column: Any) -> Any:
    """Count integers that a 64-bit float cannot hold; compared as integers, as floats 2^53 + 1 is 2^53."""
    if not column.type().is_integer():
        return (column.isnull() & ibis.literal(value=False)).sum()
    return ((column > _EXACT_INTEGER) | (column < -_EXACT_INTEGER)).sum()


def _refuse_inexact(column: str, count: int) -> None:
    if count:
        msg = (
            f"Column {column!r} has {count:,} integers above 2^53, which 64-bit floats cannot "
            "hold exactly; use a larger unit."
        )
        raise DataError(msg)


def _refuse_many_levels(source: Source, design: Design) -> None:
    for factor in design.factors:
        levels = source.execute(source.table[factor.column].nunique().as_table())[0][0].as_py()
        if levels > 2:
            msg = (
                f"Column {factor.column!r} has {levels:,} level(s); exactly 2 are needed. Keep the rows "
                "of the two levels to compare, or recode the column."
            )
            raise DataError(msg)


def _levels_column(source: Source, column: str) -> Any:
    values = source.table[column]
    if values.type().is_nested():
        msg = f"Column {column!r} has type {values.type()}, whose values are no levels; recode it first."
        raise DataError(msg)
    if values.type().is_temporal():
        msg = (
            f"Column {column!r} holds times ({values.type()}), not levels; make a column of two levels "
            "from it, such as 'before' and 'after' a date."
        )
        raise DesignError(msg)
    # A categorical arrives as an enumeration, whose order must not matter here.
    return values.cast("string") if values.type().is_string() else values


def _level(value: Any) -> Hashable:
    return None if value is None or value != value else value
