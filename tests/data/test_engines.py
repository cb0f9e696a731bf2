"""The same call takes tables of DuckDB, PostgreSQL, SQLite, Polars and Spark, and gives the same cells."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.data.engines import OwnDuckDB, Query, listening
from twobytwo.data.sources import open_source
from twobytwo.errors import DataError

pytestmark = [
    # Ibis 12 asks pandas 3 for an option that it has deprecated.
    pytest.mark.filterwarnings("ignore:The 'future.infer_string' option"),
    # PySpark 4.3 is not sure of pandas 3, and asks it for what pandas 4 will not have.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

ROWS = Design.did(outcome="minutes", group="variant", period="period")
PAIRS = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing="available")
CUPED = Design.did(
    outcome="minutes", group="variant", period="period", unit="user_id", missing="zero", randomised=True
)


@pytest.fixture(scope="module")
def users() -> pd.DataFrame:
    """Users who are absent now and then, some with zeros."""
    frame = simulate.user_minutes(
        simulate.UserMinutes(n=600, before_only=(0.05, 0.1), after_only=(0.05, 0.05))
    )
    zero = np.random.default_rng(1).random(len(frame)) < 0.1
    return frame.assign(minutes=frame["minutes"].where(~zero, 0.0).astype(float))


@contextlib.contextmanager
def in_duckdb(frame: pd.DataFrame) -> Iterator[Any]:
    backend = ibis.duckdb.connect()
    backend.con.register("frame", frame)
    backend.raw_sql("create table users as select * from frame")
    yield backend.table("users")


@contextlib.contextmanager
def in_polars(frame: pd.DataFrame) -> Iterator[Any]:
    import polars

    backend = ibis.polars.connect()
    backend.create_table("users", polars.from_pandas(frame))
    yield backend.table("users")


@contextlib.contextmanager
def in_sqlite(frame: pd.DataFrame) -> Iterator[Any]:
    pytest.importorskip("regex", reason="Ibis needs the package regex for SQLite")
    backend = ibis.sqlite.connect()
    frame.to_sql("users", backend.con, index=False)
    yield backend.table("users")
    backend.disconnect()


@contextlib.contextmanager
def in_spark(frame: pd.DataFrame) -> Iterator[Any]:
    pyspark = pytest.importorskip(
        "pyspark", reason="run with: uv run --with 'pyspark[connect]' pytest -m spark"
    )
    session = (
        pyspark.sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    session.createDataFrame(frame).createOrReplaceTempView("users")
    backend = ibis.pyspark.connect(session)
    yield backend.table("users")
    session.stop()


@contextlib.contextmanager
def in_postgres(frame: pd.DataFrame) -> Iterator[Any]:
    psycopg = pytest.importorskip("psycopg", reason="Ibis needs the package psycopg for PostgreSQL")
    with _postgres() as port:
        where = {"host": "127.0.0.1", "port": port, "user": "tester", "dbname": "postgres"}
        with psycopg.connect(**where, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(
                "create table users (minutes double precision, variant bigint, period text, user_id bigint)"
            )
            with cursor.copy("copy users (minutes, variant, period, user_id) from stdin") as copy:
                for row in frame[["minutes", "variant", "period", "user_id"]].itertuples(index=False):
                    copy.write_row(row)
        backend = ibis.postgres.connect(
            host="127.0.0.1", port=port, user="tester", password="", database="postgres"
        )
        yield backend.table("users")
        backend.disconnect()


@contextlib.contextmanager
def _postgres() -> Iterator[int]:
    """Start a server on loopback, as a user who is not root, in a folder that goes with it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="twobytwo-postgres-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The server refuses to run as root.
    by = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    folder.chmod(0o777)
    data = folder / "data"
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"

    def run(*command: str | Path) -> None:
        subprocess.run(
            [*by, *map(str, command)], check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=120
        )

    run(programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8")
    run(programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start")
    try:
        yield port
    finally:
        run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


ENGINES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "duckdb": in_duckdb,
    "polars": in_polars,
    "sqlite": in_sqlite,
    "postgres": in_postgres,
}


@pytest.fixture(scope="module", params=[*ENGINES, pytest.param("pyspark", marks=pytest.mark.spark)])
def table(request: pytest.FixtureRequest, users: pd.DataFrame) -> Iterator[Any]:
    with {**ENGINES, "pyspark": in_spark}[request.param](users) as found:
        yield found


def same(found: Cells, expected: Cells) -> None:
    def near(one: pd.DataFrame, other: pd.DataFrame) -> None:
        keys = [name for name in ("cell", "group", "present", "active", "reference") if name in one]
        pd.testing.assert_frame_equal(
            one.sort_values(keys, ignore_index=True) if keys else one,
            other.sort_values(keys, ignore_index=True) if keys else other,
            rtol=1e-9,
            # Sums of deviations in a bin cancel: the error is that of its rows' digits.
            atol=1e-6,
            check_dtype=False,
        )

    near(found.bins.by_cell.frame, expected.bins.by_cell.frame)
    near(found.bins.frame, expected.bins.frame)
    near(found.bins.logs.frame, expected.bins.logs.frame)
    near(found.joint.frame, expected.joint.frame)
    near(found.joint.given.frame, expected.joint.given.frame)
    np.testing.assert_array_equal(found.joint.attendance, expected.joint.attendance)
    if expected.by_before is not None and found.by_before is not None:
        near(found.by_before.frame, expected.by_before.frame)


@pytest.mark.parametrize("design", [ROWS, PAIRS, CUPED], ids=["rows", "pairs", "randomised"])
def test_every_engine_gives_the_same_cells_and_brings_only_sums_back(
    table: Any, users: pd.DataFrame, design: Design
) -> None:
    queries: list[Query] = []
    with listening(queries.append):
        found = compress(table, design)
        same(found, compress(users, design))
    name = table.get_backend().name
    theirs = [query for query in queries if query.engine == name]
    # Polars and SQLite, in the same process, hand their columns over to DuckDB.
    assert bool(theirs) == (name not in ("polars", "sqlite"))
    assert max(query.rows or 0 for query in queries) < 1_500


@pytest.mark.parametrize(
    "design",
    [
        pytest.param(ROWS.measuring(cap=900.0, upper_bound=1e6), id="numbers"),
        pytest.param(PAIRS.measuring(cap="99%"), id="a cap as a share"),
        pytest.param(
            dataclasses.replace(PAIRS, agg="sum").measuring(daily_cap="95%"), id="a daily cap as a share"
        ),
        pytest.param(dataclasses.replace(PAIRS, without_top=0.02), id="without the largest"),
    ],
)
def test_limits_are_asked_of_every_engine(table: Any, users: pd.DataFrame, design: Design) -> None:
    found, expected = compress(table, design), compress(users, design)
    assert found.design == expected.design
    for name in ("n", "mean", "ss"):
        np.testing.assert_allclose(found.moments()[name], expected.moments()[name], rtol=1e-9)


def test_what_an_engine_cannot_do_is_said_in_words(users: pd.DataFrame) -> None:
    with in_duckdb(users) as table:
        source = open_source(table, ["minutes"])
        broken = source.table.mutate(minutes=ibis.literal("x").cast("float64"))
        with pytest.raises(
            DataError, match=r"engine 'duckdb' cannot answer for a try .*to_pyarrow\(\), or write"
        ):
            source.execute(broken, "a try")


@pytest.mark.parametrize(
    "error",
    [
        duckdb.InterruptException("INTERRUPT Error: Interrupted!"),
        duckdb.Error("Traceback (most recent call last):\n  in scan\nKeyboardInterrupt: \n"),
        RuntimeError("Query interrupted"),
    ],
    ids=["in a query", "in Python that DuckDB calls", "between batches"],
)
def test_ctrl_c_is_no_error_of_the_data(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(pd.DataFrame({"a": [1.0]}), ["a"])

    def interrupted(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(OwnDuckDB, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        source.execute(source.table.count(), "counting")
    monkeypatch.setattr(OwnDuckDB, "_batches", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(source.engine.stream(source.table, 10, "reading"))


def test_spilling_has_a_folder_of_its_own_that_goes() -> None:
    engine = OwnDuckDB()
    con, folder = engine.connection.con, engine.folder
    con.execute("set memory_limit='60MB'; set threads=1")
    con.execute(
        "create temp table big as select range r, hash(range)::varchar || 'padding' s from range(3000000)"
    )
    assert folder.exists()
    del engine, con
    assert not folder.exists()


def test_a_full_disk_is_one_error_in_words() -> None:
    engine = OwnDuckDB()
    con = engine.connection.con
    con.execute("set memory_limit='60MB'; set threads=1; set max_temp_directory_size='1MB'")
    con.execute("create view made as select range r, hash(range)::varchar || 'padding' s from range(3000000)")
    with pytest.raises(DataError, match=r"no room for one row per user.*TMPDIR"):
        engine.keep(engine.connection.table("made"), "one row per user")
