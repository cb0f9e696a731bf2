"""Any table gives the same numbers, and a bad one is refused by name, count and fix."""

from __future__ import annotations

import datetime as dt
import gc
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.data.sources import open_source
from twobytwo.errors import DataError, DesignError, TwoByTwoError

# Ibis 12 asks pandas 3 for an option that it has deprecated, when a DataFrame becomes a memtable.
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")

DESIGN = Design.did(outcome="minutes", group="variant", period="period")
TWO = Design.interaction(outcome="y", factors=("a", "b"))


def rows() -> pd.DataFrame:
    """Whole and half minutes: sums are exact in any order, so that engines can be compared bit by bit."""
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "minutes": np.round(2 * rng.lognormal(3, 1, 400)) / 2,
            "variant": np.tile([0, 1], 200),
            "period": np.repeat(["pre", "post"], 200),
            "noise": "never read",
        }
    )


def two(**columns: Any) -> pd.DataFrame:
    """Twenty rows of two 0/1 factors, with some columns replaced."""
    frame = pd.DataFrame({"y": np.arange(20.0), "a": np.tile([0, 0, 1, 1], 5), "b": np.tile([0, 1], 10)})
    return frame.assign(**columns)


def same(found: Cells, expected: Cells) -> None:
    pd.testing.assert_frame_equal(found.bins.frame, expected.bins.frame, check_dtype=False, rtol=1e-13)
    exact = ["cell", "reference", "n", "s1", "s2"]
    assert (found.bins.frame[exact] == expected.bins.frame[exact]).all(axis=None)
    assert found.coords == expected.coords


def as_relation(frame: pd.DataFrame, _: Path) -> Any:
    connection = duckdb.connect()
    connection.register("frame", frame)
    return connection.sql("select * from frame")


def as_relation_of_a_table_called_rows(frame: pd.DataFrame, _: Path) -> Any:
    connection = duckdb.connect()
    connection.register("frame", frame)
    connection.execute("create table rows as select * from frame")
    return connection.table("rows")


def as_ibis(frame: pd.DataFrame, _: Path) -> Any:
    backend = ibis.duckdb.connect()
    # Not `backend.create_table(name, frame)`: what Ibis 12 writes there, DuckDB 2 cannot parse.
    backend.con.register("frame", frame)
    backend.raw_sql("create table anything as select * from frame")
    return backend.table("anything")


def as_files(kind: str, parts: int = 1) -> Callable[[pd.DataFrame, Path], str]:
    def write(frame: pd.DataFrame, folder: Path) -> str:
        for part, positions in enumerate(np.array_split(np.arange(len(frame)), parts)):
            piece = frame.iloc[positions]
            if kind == "parquet":
                piece.to_parquet(folder / f"it's part {part}.parquet")
            else:
                piece.to_csv(folder / f"part {part}.{kind}", index=False, sep="\t" if "tsv" in kind else ",")
        return str(folder / f"*.{kind}") if parts > 1 else str(next(folder.glob(f"*.{kind}")))

    return write


KINDS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "pandas, object strings": lambda f, _: f.astype({"period": object}),
    "pandas, category": lambda f, _: f.astype({"period": "category"}),
    "pandas, ordered category": lambda f, _: f.assign(
        period=pd.Categorical(f["period"], categories=["post", "pre", "never"], ordered=True)
    ),
    "pandas, category of integers": lambda f, _: f.astype({"variant": "category"}),
    "pandas, nullable": lambda f, _: f.astype(
        {"minutes": "Float64", "variant": "Int64", "period": "string[python]"}
    ),
    "pandas, arrow": lambda f, _: f.convert_dtypes(dtype_backend="pyarrow"),
    "pandas, float32": lambda f, _: f.astype({"minutes": "float32"}),
    "pandas, small integers": lambda f, _: f.astype({"variant": "uint8"}),
    "pandas, object numbers": lambda f, _: f.astype({"minutes": object}),
    "pandas, duplicate index": lambda f, _: f.set_index(np.zeros(len(f), dtype=int)),
    "pandas, shuffled": lambda f, _: f.sample(frac=1, random_state=3),
    "polars": lambda f, _: pl.from_pandas(f),
    "polars, categorical": lambda f, _: pl.from_pandas(f).cast({"period": pl.Categorical}),
    "polars, enum": lambda f, _: pl.from_pandas(f).cast({"period": pl.Enum(["post", "pre"])}),
    "polars, lazy": lambda f, _: pl.from_pandas(f).lazy(),
    "pyarrow": lambda f, _: pa.Table.from_pandas(f),
    "pyarrow, dictionary": lambda f, _: pa.table(
        {**{name: pa.array(f[name]) for name in f}, "period": pa.array(f["period"]).dictionary_encode()}
    ),
    "pyarrow, chunks": lambda f, _: pa.concat_tables(
        [pa.Table.from_pandas(f[:7]), pa.Table.from_pandas(f[7:])]
    ),
    "pyarrow, reader": lambda f, _: pa.Table.from_pandas(f).to_reader(),
    "pyarrow, batch": lambda f, _: pa.RecordBatch.from_pandas(f),
    "pyarrow, dataset": lambda f, _: pyarrow.dataset.dataset(pa.Table.from_pandas(f)),
    "duckdb": as_relation,
    "duckdb, a table called rows": as_relation_of_a_table_called_rows,
    "ibis": as_ibis,
    "ibis, memtable": lambda f, _: ibis.memtable(f),
    "parquet": as_files("parquet"),
    "parquet, Path": lambda f, folder: Path(as_files("parquet")(f, folder)),
    "parquet, glob": as_files("parquet", parts=3),
    "csv": as_files("csv"),
    "csv, glob": as_files("csv", parts=3),
    "csv, compressed": as_files("csv.gz"),
    "tsv": as_files("tsv"),
}


@pytest.fixture(scope="module")
def expected() -> Cells:
    return compress(rows(), DESIGN)


def test_the_reference_is_right(expected: Cells) -> None:
    by_cell = rows().groupby(["variant", "period"])["minutes"]
    for name, values in (("n", by_cell.size()), ("mean", by_cell.mean()), ("ss", by_cell.var() * 99)):
        found = expected.moments()[name].sel(period=["post", "pre"]).to_numpy().ravel()
        np.testing.assert_allclose(found, values, rtol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_gives_the_same_cells(kind: str, tmp_path: Path, expected: Cells) -> None:
    same(compress(KINDS[kind](rows(), tmp_path), DESIGN), expected)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "duckdb"])
def test_the_callers_table_is_never_modified(kind: str) -> None:
    frame = rows()
    data = {"pandas": frame, "polars": pl.from_pandas(frame), "pyarrow": pa.Table.from_pandas(frame)}
    if kind == "duckdb":
        connection = duckdb.connect()
        connection.execute("create table kept as select * from frame")
        before = connection.sql("select * from kept").df()
        compress(connection.table("kept"), DESIGN)
        pd.testing.assert_frame_equal(connection.sql("select * from kept").df(), before)
        assert connection.sql("show tables").fetchall() == [("kept",)]
        return
    compress(data[kind], DESIGN)
    pd.testing.assert_frame_equal(frame, rows())
    assert pl.from_pandas(frame).equals(data["polars"])
    assert pa.Table.from_pandas(frame).equals(data["pyarrow"])


def test_a_relation_is_read_although_its_database_has_a_table_called_rows() -> None:
    connection = duckdb.connect()
    frame = rows()
    connection.register("frame", frame)
    connection.execute("create table rows (other int)")
    assert compress(connection.sql("select * from frame"), DESIGN).rows == len(frame)
    assert connection.sql("describe rows").fetchall()[0][0] == "other"


@pytest.mark.parametrize("kind", ["pandas", "duckdb", "ibis"])
def test_pairing_users_leaves_no_table_behind(kind: str) -> None:
    """Intermediate tables go, quietly; pytest turns an exception in a finalizer into a failure."""
    users = simulate.user_minutes(simulate.UserMinutes(n=500))
    backend = ibis.duckdb.connect()
    backend.con.register("users", users)
    backend.raw_sql("create table kept as select * from users")
    data = {"pandas": users, "duckdb": backend.con.table("kept"), "ibis": backend.table("kept")}[kind]
    design = Design.did(
        outcome="minutes", group="variant", period="period", unit="user_id", missing="available"
    )
    cells = compress(data, design)
    assert cells.rows == len(users)
    del cells
    gc.collect()
    assert backend.con.sql("show all tables").select("name").fetchall() == [("kept",), ("users",)]


def test_only_the_needed_columns_are_looked_at() -> None:
    frame = rows().assign(noise=[object() for _ in range(400)])
    assert compress(frame, DESIGN).rows == len(frame)


# Names of columns

NAMES = [
    ("Intercept", "np", "C"),
    ("my col 'x'", 'qu"ote', "sp ace"),
    ("location", "n", "draw"),
    ("rows", "missing", "low"),
    ("cell", "reference", "s1"),
    ("y", "level0", "level1"),
    ("select", "count", "from"),
    ("%s", "{x}", "a; drop table rows --"),
    ("größe", "ünïcödé", "\N{GRINNING FACE}"),
    ("y", " lead", "trail "),
    ("y", "a`b", "c.d"),
    ("y", "a:b", "a*b"),
    ("y", "chain", "effect"),
    ("mean", "ss", "sc"),
    ("value", "weight", "point"),
    ("y", "a/b", "a_b"),
    ("y", "mean", "n"),
]


def named(names: tuple[str, str, str], wrap: Callable[[pd.DataFrame], Any]) -> Cells:
    frame = two().set_axis(names, axis=1)
    return compress(wrap(frame), Design.interaction(outcome=names[0], factors=names[1:]))


@pytest.mark.parametrize("names", NAMES, ids=[" ".join(names) for names in NAMES])
def test_columns_may_have_any_name(names: tuple[str, str, str]) -> None:
    cells = named(names, lambda frame: frame)
    np.testing.assert_allclose(cells.moments()["mean"].to_numpy(), [[8, 9], [10, 11]])
    assert [factor.column for factor in cells.design.factors] == list(names[1:])


def test_names_that_differ_by_case_only_are_refused() -> None:
    with pytest.raises(DataError, match="differ by case only"):
        named(("y", "Y", "b"), lambda frame: frame)


@pytest.mark.parametrize("names", [NAMES[1], NAMES[7], ("*", "^a$", "b")], ids=" ".join)
@pytest.mark.parametrize("kind", ["polars", "pyarrow", "duckdb", "ibis"])
def test_columns_may_have_any_name_in_any_kind_of_table(
    names: tuple[str, str, str], kind: str, tmp_path: Path
) -> None:
    cells = named(names, lambda frame: KINDS[kind](frame, tmp_path))
    np.testing.assert_allclose(cells.moments()["mean"].to_numpy(), [[8, 9], [10, 11]])


def test_columns_that_differ_by_case_alone_are_refused() -> None:
    """DuckDB compares names without case and renames the second of two."""
    frame = two(Y=np.arange(20.0)[::-1] * 100)
    for outcome in ("y", "Y"):
        with pytest.raises(DataError, match="differ by case only, which SQL ignores; rename one"):
            compress(frame, Design.interaction(outcome=outcome, factors=("a", "b")))


@pytest.mark.parametrize("kind", ["pandas, nullable", "polars, lazy", "pyarrow", "duckdb", "ibis"])
def test_a_missing_column_suggests_the_nearest(kind: str, tmp_path: Path) -> None:
    table = KINDS[kind](rows(), tmp_path)
    design = Design.did(outcome="minuts", group="variant", period="period")
    with pytest.raises(
        DesignError, match=r"'minuts' is not in the table, which has.*Did you mean 'minutes'\?"
    ):
        compress(table, design)


@pytest.mark.parametrize("outcome", [5, None, 0.5])
def test_a_column_that_is_no_text_is_refused(outcome: Any) -> None:
    with pytest.raises(DesignError, match="must be the name of a column"):
        compress(two(), Design.interaction(outcome=outcome, factors=("a", "b")))


def test_duplicate_column_names_are_refused() -> None:
    frame = two().assign(c=1).set_axis(["y", "a", "b", "a"], axis=1)
    with pytest.raises(DataError, match=r"'a' stands 2 times in the table; rename"):
        compress(frame, TWO)


def test_duplicate_names_of_columns_that_are_not_read_do_no_harm() -> None:
    frame = two().assign(c=1, d=2).set_axis(["y", "a", "b", "c", "c"], axis=1)
    assert compress(frame, TWO).rows == 20


def test_several_levels_of_column_names_are_refused() -> None:
    frame = two()
    frame.columns = pd.MultiIndex.from_tuples([("y", ""), ("a", ""), ("b", "")])
    with pytest.raises(DataError, match=r"2 levels of column names; flatten"):
        compress(frame, TWO)


# Types of columns


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"y": [1, "2"] * 10}, r"'y' mixes types \(10 int, 10 str\)"),
        ({"a": [0, "1"] * 10}, r"'a' mixes types \(10 int, 10 str\)"),
        ({"y": np.arange(20).astype(str)}, r"'y' has type string, not a number; convert it first"),
        ({"y": np.arange(20).astype(str).astype(object)}, r"'y' has type string, not a number"),
        ({"y": pd.to_timedelta(np.arange(20), unit="s")}, r"'y' has type interval.*, not a number"),
        ({"y": pd.date_range("2024-01-01", periods=20)}, r"'y' has type timestamp.*, not a number"),
        (
            {"a": pd.to_datetime(["2024-01-01", "2024-02-01"] * 10)},
            r"'a' holds times.*say the day of the launch",
        ),
        ({"a": [dt.date(2024, 1, 1), dt.date(2024, 2, 1)] * 10}, r"'a' holds times"),
        ({"a": pd.date_range("2024", periods=20, tz="Europe/Berlin")}, r"'a' holds times"),
        ({"y": np.arange(20) + 2**53}, r"'y' has \d+ integers above 2\^53.*larger unit"),
        ({"y": pd.Series([2**63 + 1, *range(19)], dtype="uint64")}, r"'y' has 1 integers above 2\^53"),
        ({"y": [-(2**60), *range(19)]}, r"'y' has 1 integers above 2\^53"),
        ({"y": [2**53 + 1, *range(19)]}, r"'y' has 1 integers above 2\^53"),
        ({"y": [*range(19), np.nan]}, r"'y' is missing \(NaN or null\) in 1 of 20 rows"),
        ({"y": [*range(19), np.inf]}, r"'y' is infinite in 1 of 20 rows"),
        ({"y": [*range(18), -np.inf, np.inf]}, r"'y' is infinite in 2 of 20 rows"),
        ({"y": pd.array([*range(19), None], dtype="Float64")}, r"'y' is missing.*in 1 of 20"),
        ({"a": [0.0, 1.0, np.nan, 1.0] * 5}, r"'a' is missing in 5 of 20 rows"),
        ({"a": [None, "control", "treatment", "control"] * 5}, r"'a' is missing in 5 of 20 rows"),
        ({"a": pd.array([True, None] * 10, dtype="boolean")}, r"'a' is missing in 10 of 20 rows"),
        ({"a": list(range(20))}, r"'a' has 20 level\(s\)"),
        ({"a": 0}, r"'a' has 1 level\(s\) \(0\)"),
        ({"y": 3.0}, r"'y' is constant \(3.0 in all 20 rows\)"),
        ({"y": [1.0, *range(19)], "a": [0, 0, 1, 1] * 5, "b": [0, 1, *[1] * 18]}, r"'b' = 0 has [01] row"),
    ],
)
def test_unfit_columns_are_refused_by_name_and_count(columns: dict[str, Any], match: str) -> None:
    with pytest.raises(TwoByTwoError, match=match):
        compress(two(**columns), TWO)


def test_missing_is_named_before_infinite() -> None:
    with pytest.raises(DataError, match=r"missing \(NaN or null\) in 1 of 20"):
        compress(two(y=[*range(17), -np.inf, np.inf, np.nan]), TWO)


@pytest.mark.parametrize(
    "columns",
    [
        {"y": np.arange(20) + 1j},
        {"b": pd.PeriodIndex(["2024-01", "2024-02"] * 10, freq="M")},
        {"b": pd.arrays.IntervalArray.from_tuples([(0, 1), (1, 2)] * 10)},
        {"a": pd.arrays.SparseArray(np.tile([0, 0, 1, 1], 5))},
        {"a": [[1], [2]] * 10},
        {"a": [{"k": 1}, {"k": 2}] * 10},
    ],
    ids=["complex", "period", "interval", "sparse", "lists", "dicts"],
)
def test_a_type_that_no_engine_reads_is_an_error_of_the_family(columns: dict[str, Any]) -> None:
    name = next(iter(columns))
    with pytest.raises(TwoByTwoError, match=name):
        compress(two(**columns), TWO)


def test_a_factor_of_thousands_of_levels_is_counted_right() -> None:
    """The first mistake of a new user: the user's id given as the group."""
    frame = pd.DataFrame({"y": np.arange(4_000.0), "a": np.arange(4_000) // 2, "b": np.tile([0, 1], 2_000)})
    with pytest.raises(DataError, match="'a' has") as caught:
        compress(frame, TWO)
    assert " 200 level" not in str(caught.value), "the listing was cut off, and the count with it"


def test_a_boolean_outcome_is_a_share_with_a_warning() -> None:
    frame = two(y=np.arange(20) % 3 == 0)
    with pytest.warns(UserWarning, match=r"'y' is boolean: its mean is read as a share"):
        cells = compress(frame, TWO)
    assert float(cells.moments()["mean"].sel(a="0", b="0")) == frame[(frame.a == 0) & (frame.b == 0)].y.mean()


def test_decimals_are_read_as_floats_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"'y' is decimal and is read as 64-bit floats"):
        cells = compress(two(y=[Decimal(k) / 4 for k in range(20)]), TWO)
    np.testing.assert_allclose(cells.moments()["mean"].to_numpy().ravel(), [2, 2.25, 2.5, 2.75])


def test_codes_one_and_two_warn_and_print_the_mapping() -> None:
    with pytest.warns(UserWarning, match=r"'a' is coded 1/2: read as 1 = reference, 2"):
        cells = compress(two(a=np.tile([2, 2, 1, 1], 5)), TWO)
    assert cells.coords["a"] == ("1", "2")
    np.testing.assert_allclose(cells.moments()["mean"].sel(a="1"), [10, 11])


def test_twins_among_levels_are_refused_with_their_code_points() -> None:
    frame = two(a=["control", "control ", "treatment", "treatment"] * 5)
    with pytest.raises(DataError, match=r"'a' has 2 levels that look alike.*U\+0020"):
        compress(frame, TWO)


@pytest.mark.parametrize(
    ("levels", "labels"),
    [
        ([False, False, True, True], ("False", "True")),
        (["0", "0", "1", "1"], ("0", "1")),
        (["CONTROL", "CONTROL", "treatment", "treatment"], ("CONTROL", "treatment")),
        ([0.0, 0.0, 1.0, 1.0], ("0.0", "1.0")),
    ],
)
def test_levels_of_any_type_keep_their_text(levels: list[Any], labels: tuple[str, str]) -> None:
    cells = compress(two(a=levels * 5), TWO)
    assert cells.coords["a"] == labels
    np.testing.assert_allclose(cells.moments()["mean"].to_numpy(), [[8, 9], [10, 11]])


@pytest.mark.parametrize("zero", [Decimal(0), b"x"], ids=["decimal", "bytes"])
def test_levels_of_odd_types_work_where_they_are_given(zero: Any) -> None:
    one = Decimal(1) if isinstance(zero, Decimal) else b"y"
    design = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (zero, one)})
    cells = compress(two(a=[zero, zero, one, one] * 5), design)
    np.testing.assert_allclose(cells.moments()["mean"].to_numpy(), [[8, 9], [10, 11]])


@pytest.mark.parametrize("empty", [two().iloc[:0], pd.DataFrame({"y": [], "a": [], "b": []})])
def test_an_empty_table_is_refused(empty: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"The table has 0 row\(s\)"):
        compress(empty, TWO)


def test_one_row_is_refused() -> None:
    with pytest.raises(DataError, match=r"The table has 1 row\(s\); each cell needs at least 2"):
        compress(two().iloc[:1], TWO)


# What is no table


@pytest.mark.parametrize(
    "data",
    [None, 3, [1, 2], {"y": [1.0]}, np.ones((3, 3)), two()["y"], pl.Series([1]), object()],
    ids=["None", "int", "list", "dict", "ndarray", "pandas.Series", "polars.Series", "object"],
)
def test_what_is_no_table_is_refused(data: Any) -> None:
    with pytest.raises(DesignError, match=r"data is a .*DataFrame"):
        compress(data, TWO)


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("rows.txt", r"data='rows.txt' is not a Parquet or CSV path; it should end in .parquet"),
        ("rows.xlsx", r"is not a Parquet or CSV path.* Save the sheet as CSV and give that\.$"),
        ("nowhere.parquet", r"No file matches 'nowhere.parquet' \(looked from /"),
        ("nowhere/*.csv", r"No file matches 'nowhere/\*.csv'"),
        ("", r"data='' is not a Parquet or CSV path"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path: str, match: str) -> None:
    with pytest.raises(TwoByTwoError, match=match):
        compress(path, TWO)


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """Reading a pipe would wait for ever."""
    path = tmp_path / "rows.csv"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match=r"rows\.csv' is no file that can be read|No file matches"):
        compress(path, TWO)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_refused_with_what_to_do(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("y,a,b\n1,é,0\n2,é,1\n", encoding=encoding)
    with pytest.raises(DataError, match=r"it is not UTF-8 text\. Save it as UTF-8"):
        compress(path, TWO)


def test_files_with_other_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("y,a,b\n1,0,0\n")
    (tmp_path / "2.csv").write_text("Y2,a,b\n1,0,1\n")
    with pytest.raises(DataError, match=r"2\.csv.*\"y\" is missing"):
        compress(str(tmp_path / "*.csv"), TWO)


def test_a_file_whose_name_has_brackets_is_found(tmp_path: Path) -> None:
    two().to_parquet(tmp_path / "part[1].parquet")
    assert compress(tmp_path / "part[1].parquet", TWO).rows == 20


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.parquet", "no Parquet"),
        ("empty.csv", ""),
        ("header.csv", "y,a,b\n"),
        ("late.csv", "y,a,b\n" + "".join(f"{k},{k % 2},{k // 2 % 2}\n" for k in range(30_000)) + "abc,0,1\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_readable_error(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TwoByTwoError, match=r"'y'|0 row|broken|read"):
        compress(tmp_path / name, TWO)


def test_a_csv_of_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "header.csv").write_text("y,a,b\n")
    with pytest.raises(DataError, match=r"0 row\(s\)"):
        compress(tmp_path / "header.csv", TWO)


def test_messages_do_not_change_from_run_to_run() -> None:
    frame = two(a=[f"arm {k}" for k in range(20)])
    messages = set()
    for _ in range(4):
        with pytest.raises(DataError, match="20 level") as caught:
            compress(frame, TWO)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_users_with_neither_value_are_refused_where_absence_is_a_zero() -> None:
    frame = pd.DataFrame(
        {
            "user": range(12),
            "arm": ["control", "treatment"] * 6,
            "pre": [None, 1.0, 2, 5, None, 3, 2, 9, 4, 1, 2, 6],
            "post": [None, 2.0, None, 4, None, 1, 3, 7, 8, 2, 2, 5],
        }
    )
    wide = {"before_column": "pre", "after_column": "post", "group": "arm", "unit": "user"}
    with pytest.raises(DataError, match=r"2 user\(s\) have a value neither in 'pre' nor in 'post'.*fill"):
        compress(frame, Design.did_wide(**wide, missing="zero"))
    assert compress(frame, Design.did_wide(**wide, missing="drop")).units == 9


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("minutes;arm\n5,28;a\n12;b\n-0,5;b\n", "float64"),
        ("minutes\tarm\n5,28\ta\n12\tb\n", "float64"),
        # A comma between thousands, or a decimal comma: nobody can know.
        ("minutes;arm\n1,234;a\n2,500;b\n", "string"),
        # Two ways to write decimals in one file.
        ("minutes;arm;cost\n5,28;a;1.5\n12,1;b;2.5\n", "string"),
        ('minutes,arm\n"5,28",a\n"12,1",b\n', "string"),
        ("minutes;arm\n5,28;a\nnone, really;b\n", "string"),
    ],
)
def test_decimal_commas_are_read_where_they_can_mean_nothing_else(
    tmp_path: Path, text: str, kind: str
) -> None:
    path = tmp_path / "export.csv"
    # As Excel writes it, with a byte-order mark.
    path.write_text(text, encoding="utf-8-sig")
    source = open_source(path, ["minutes", "arm"], as_text=["arm"])
    assert str(source.table.schema()["minutes"]) == kind
    if kind == "float64":
        assert source.execute(source.table)["minutes"].to_pylist()[:2] == [5.28, 12.0]
        assert source.execute(source.table)["arm"].to_pylist()[:2] == ["a", "b"]


def test_ids_with_zeros_stay_text_beside_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("minutes;user\n5,28;007\n1,5;008\n", encoding="utf-8")
    source = open_source(path, ["minutes", "user"], as_text=["user"])
    assert source.execute(source.table).to_pylist()[0] == {"minutes": 5.28, "user": "007"}


def test_a_workbook_under_the_name_of_a_csv_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(
        DataError, match=r"rows.csv' is an Excel file or another zip archive.*Save the sheet as CSV"
    ):
        open_source(path, ["y"])
