"""Bad input, line by line: what is refused, what is converted visibly, and what just works.

Every refusal names the column or argument, counts, and says what to do; nothing here is estimated.
"""

from __future__ import annotations

import copy
import datetime as dt
import warnings
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
import pyarrow.parquet as pq
import pytest

from twobytwo import Cells, DataError, Design, Priors, TwoByTwoError, compress
from twobytwo.ask.formula import parse_formula
from twobytwo.check.gates.data import data_gates
from twobytwo.infer.families import family_of
from twobytwo.infer.model import build_model

N = 200
TWO = Design.did(outcome="y", group="g", period="t")
PAIRED = Design.did(outcome="y", group="g", period="t", unit="u")
WIDE = Design.did_wide(before_column="a", after_column="b", group="g", unit="u")


def rows(**columns: Any) -> pd.DataFrame:
    """Give 200 positive outcomes in 2 × 2 cells: 100 users twice."""
    rng = np.random.default_rng(7)
    made = {
        "y": rng.lognormal(1.0, 0.8, N),
        "g": np.arange(N) % 2,
        "t": np.arange(N) // 100,
        "u": np.arange(N) % 100,
    }
    return pd.DataFrame({**made, **columns})


def wide(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    made = {
        "u": np.arange(100),
        "g": np.arange(100) % 2,
        "a": rng.normal(9, 1, 100),
        "b": rng.normal(9, 1, 100),
    }
    return pd.DataFrame({**made, **columns})


def some(value: Any, count: int = 3) -> list[Any]:
    return [value] * count + list(rows()["y"][count:])


def with_family(name: str, frame: pd.DataFrame, design: Design = TWO) -> Any:
    return build_model(compress(frame, design), family_of(name), Priors())


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "missing outcome": (
        lambda: compress(rows(y=some(np.nan)), TWO),
        r"'y' is missing \(NaN or null\) in 3 of 200",
    ),
    "infinite outcome": (
        lambda: compress(rows(y=some(np.inf)), TWO),
        r"'y' is infinite in 3 of 200 rows. Find",
    ),
    "negative infinity": (lambda: compress(rows(y=some(-np.inf)), TWO), r"'y' is infinite in 3 of 200 rows"),
    "negatives under a log family": (
        lambda: with_family("gamma", rows(y=some(-1.0))),
        r"'y' has 0 zeros and 3 negative values among 200",
    ),
    "zeros under lognormal": (lambda: with_family("lognormal", rows(y=some(0.0))), r"'y' has 3 .*hurdle"),
    "above the upper bound": (
        lambda: compress(rows(y=some(99.0)), TWO.measuring(upper_bound=50)),
        r"'y' has 3 value\(s\) above upper_bound=50 \(the largest is 99\)",
    ),
    "empty cell": (
        lambda: compress(rows()[lambda d: (d.g == 0) | (d.t == 0)], TWO),
        r"'g' = 1, 't' = 1 has 0 row\(s\); each of the 4 cells needs at least 2",
    ),
    "cell of one row": (
        lambda: compress(rows()[lambda d: (d.g == 0) | (d.t == 0) | (d.u == 1)], TWO),
        r"'g' = 1, 't' = 1 has 1 row\(s\)",
    ),
    "all-zero cell in a hurdle": (
        lambda: with_family("hurdle_lognormal", rows(y=np.where(np.arange(N) % 2 == 0, 0.0, rows()["y"]))),
        r"constant \(0.0\) in the cell 'g' = 0",
    ),
    "constant outcome": (lambda: compress(rows(y=4.0), TWO), r"'y' is constant \(4.0 in all 200 rows\)"),
    "constant change": (
        lambda: compress(wide(b=wide()["a"] + 1), WIDE),
        r"group '0' has the same change from 'a' to 'b'",
    ),
    "one group": (
        lambda: compress(rows(g=1), TWO),
        r"'g' has 1 level\(s\) \(1\); exactly 2 are needed. Both",
    ),
    "three levels": (lambda: compress(rows(g=np.arange(N) % 3), TWO), r"'g' has 3 level\(s\).*Keep the rows"),
    "unknown direction": (
        lambda: compress(rows(g=["red", "blue"] * 100), TWO),
        r"direction of column 'g' is unknown.*Say control='",
    ),
    "trailing space": (lambda: compress(rows(g=["a", "a "] * 100), TWO), r"look alike: .*U\+0061 U\+0020"),
    "case twins": (lambda: compress(rows(g=["A", "a"] * 100), TWO), r"look alike: .*U\+0041"),
    "Unicode twins": (
        lambda: compress(rows(g=["caf\u00e9", "cafe\u0301"] * 100), TWO),
        r"look alike: .*U\+0301",
    ),
    "numbers as text": (
        lambda: compress(rows(y=rows()["y"].astype(str)), TWO),
        r"'y' has type string, not a num",
    ),
    "mixed types": (
        lambda: compress(rows(g=[0, "1"] * 100), TWO),
        r"'g' mixes types .*give the column one type",
    ),
    "missing factor": (
        lambda: compress(rows(g=[None, "control", "treatment", "control"] * 50), TWO),
        r"'g' is missing in 50 of 200 rows. Drop",
    ),
    "missing id": (
        lambda: compress(rows(u=["", *map(str, range(199))]), PAIRED),
        r"'u' is missing in some rows \(1,",
    ),
    "blank id": (
        lambda: compress(rows(u=[" ", *map(str, range(199))]), PAIRED),
        r"'u' is missing in some rows \(1,",
    ),
    "mixed time zones": (
        lambda: compress(
            rows(
                t=[pd.Timestamp("2024-01-01", tz=zone) for zone in ("UTC", "Asia/Tokyo") for _ in range(100)]
            ),
            TWO,
        ),
        r"'t'|cannot be read",
    ),
    "dates without a cutoff": (
        lambda: compress(rows(t=pd.date_range("2024-01-01", periods=N)), TWO),
        r"'t' holds times.*say the day of the launch",
    ),
    "three periods": (lambda: compress(rows(t=np.arange(N) % 3), TWO), r"'t' has 3 level\(s\)"),
    "before later than after, numbers": (
        lambda: compress(rows(), Design.did(outcome="y", group="g", period="t", before=1, after=0)),
        r"before=1 is later than after=0 in column 't'.*exchange the two",
    ),
    "before later than after, numbers that are one float": (
        lambda: compress(
            rows(t=[2**53, 2**53 + 1] * 100), Design.did(outcome="y", group="g", period="t", before=2**53 + 1)
        ),
        r"before=9007199254740993 is later",
    ),
    "before later than after, decimals": (
        lambda: compress(
            rows(t=[Decimal("1.0"), Decimal("2.5")] * 100),
            Design.did(outcome="y", group="g", period="t", before=Decimal("2.5")),
        ),
        r"before=Decimal\('2.5'\) is later",
    ),
    "before later than after, one stated": (
        lambda: compress(
            rows(t=["pre", "post"] * 100), Design.did(outcome="y", group="g", period="t", before="post")
        ),
        r"before='post' is later than after='pre'",
    ),
    "before later than after, ISO dates": (
        lambda: compress(
            rows(t=["2024-05-01", "2023-12-31"] * 100),
            Design.did(outcome="y", group="g", period="t", before="2024-05-01"),
        ),
        r"before='2024-05-01' is later than after='2023-12-31'",
    ),
    "before later than after, weeks": (
        lambda: compress(
            rows(t=["2024-W09", "2024-W10"] * 100),
            Design.did(outcome="y", group="g", period="t", before="2024-W10"),
        ),
        r"before='2024-W10' is later",
    ),
    "before later than after, numbers as text": (
        lambda: compress(
            rows(t=["9", "10"] * 100), Design.did(outcome="y", group="g", period="t", before="10")
        ),
        r"before='10' is later than after='9'",
    ),
    "several rows of a user": (
        lambda: compress(rows(u=np.arange(N) % 100 // 4 * 4 + np.arange(N) % 2), PAIRED),
        r'50 user\(s\) have several rows in one .t.*say agg="sum"',
    ),
    "several rows of a user in a wide table": (
        lambda: compress(wide(u=np.arange(100) // 4 * 2 + np.arange(100) % 2), WIDE),
        r"50 user\(s\) have several rows \(such as.*keep one row for each user",
    ),
    "user in both groups": (
        lambda: compress(rows(u=np.arange(N) // 2), PAIRED),
        r"100 user\(s\) are in both groups of 'g' within one period",
    ),
    "user switching group": (
        lambda: compress(rows(g=(np.arange(N) + np.arange(N) // 100) % 2), PAIRED),
        r"100 user\(s\) switch their group of 'g' between the periods",
    ),
    "float ids": (
        lambda: compress(rows(u=np.arange(N) % 100 / 2), PAIRED),
        r"'u' has type float64, and 100 of its values are no whole numbers",
    ),
    "no rows": (lambda: compress(rows()[:0], TWO), r"0 row\(s\)"),
    "one row": (lambda: compress(rows()[:1], TWO), r"1 row\(s\)"),
    "no main effects": (lambda: parse_formula("y ~ g:t"), r"g:t without both main effects"),
    "transformed outcome": (lambda: parse_formula("np.log(y) ~ g * t"), r"transforms the outcome.*family"),
    "duplicate names": (
        lambda: compress(pd.concat([rows(), rows()[["y"]]], axis=1), TWO),
        r"'y' stands 2 times in the table; rename",
    ),
    "two levels of names": (
        lambda: compress(
            rows().set_axis(pd.MultiIndex.from_tuples([("x", name) for name in "ygtu"]), axis=1), TWO
        ),
        r"2 levels of column names; flatten",
    ),
    "one column in two roles": (
        lambda: Design.interaction(outcome="y", factors=("g", "g")),
        r"'g' is used in two roles",
    ),
    "negative margin": (lambda: TWO.measuring(margin=-1), r"margin=-1 must be at least 0"),
    "prior without width": (lambda: Priors(effect=0), r"effect=0 must be positive"),
    "integers beyond floats": (
        lambda: compress(rows(y=[2**53 + 1, *range(199)]), TWO),
        r"'y' has 1 integers above 2\^53",
    ),
    "unknown column": (
        lambda: compress(rows(), Design.did(outcome="yy", group="g", period="t")),
        r"'yy' is not in the table, which has .*Did you mean 'y'\?",
    ),
    "infinite in one column of a wide table": (
        lambda: compress(wide(a=wide()["a"].where(wide()["u"] > 9, np.inf)), WIDE),
        r"Column 'a' is infinite in 10 of 100 rows",
    ),
    "empty bytes as an id": (
        lambda: compress(wide(u=[b"", *(str(k).encode() for k in range(99))]), WIDE),
        r"'u' is missing in some rows \(1,",
    ),
    "missing id of a wide table": (
        lambda: compress(wide(u=["", *map(str, range(99))]), WIDE),
        r"'u' is missing in some rows \(1,",
    ),
    "absences of a wide table": (
        lambda: compress(wide(a=wide()["a"].where(wide()["u"] > 9)), WIDE),
        r"10 user\(s\) have a value in one of the columns 'a' and 'b' only",
    ),
    "constant column of a wide table": (
        lambda: compress(wide(a=3.0), WIDE),
        r"In the cell 'g' = '0' the column 'a' is constant over 50",
    ),
    "a level that is nowhere": (
        lambda: compress(rows(), Design.did(outcome="y", group="g", period="t", control=2**70)),
        r"control=\d+ is not a level of column 'g'",
    ),
    "further groups": (
        lambda: compress(rows(), Design.compare(outcome="y", group="g", control=0, treatment=[1, 2])),
        r"2 is not a level of column 'g'",
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_refused_naming_column_count_and_fix(case: str) -> None:
    ask, match = REFUSED[case]
    with pytest.raises(TwoByTwoError, match=match):
        ask()


def _ibis() -> Any:
    connection = duckdb.connect()
    connection.register("r", rows())
    connection.execute("CREATE TABLE kept AS SELECT * FROM r")
    return ibis.duckdb.from_connection(connection).table("kept")


def _duplicates(kind: str, second: str, folder: Path) -> Any:
    """Give a table with a column ``y`` and one called `second` in any container."""
    table = pa.Table.from_pandas(rows())
    table = table.append_column(second, pa.array(range(N)))
    if kind == "parquet":
        pq.write_table(table, folder / "rows.parquet")
        return folder / "rows.parquet"
    if kind == "csv":
        lines = [",".join(table.column_names), *(",".join(map(str, row.values())) for row in _dicts(table))]
        (folder / "rows.csv").write_text("\n".join(lines) + "\n")
        return folder / "rows.csv"
    if kind == "arrow":
        return table
    if kind == "polars":
        return pl.from_pandas(rows()).with_columns(pl.lit(1).alias(second))
    if kind == "relation":
        connection = duckdb.connect()
        connection.register("r", rows())
        return connection.sql(f'SELECT y, g, t, u, u AS "{second}" FROM r')
    if kind == "ibis":
        return _ibis().mutate(**{second: 1})
    return rows().assign(**{second: 1}) if second != "y" else pd.concat([rows(), rows()[["y"]]], axis=1)


def _dicts(table: pa.Table) -> list[dict[str, Any]]:
    columns = [column.to_pylist() for column in table.columns]
    return [dict(enumerate(values)) for values in zip(*columns, strict=True)]


@pytest.mark.parametrize("kind", ["pandas", "arrow", "relation", "csv", "parquet"])
def test_duplicate_headers_are_refused_in_every_container(kind: str, tmp_path: Path) -> None:
    """DuckDB called the second y of a file y_1, and nothing was said."""
    with pytest.raises(DataError, match=r"'y' stands 2 times in the table; rename"):
        compress(_duplicates(kind, "y", tmp_path), TWO)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "relation", "ibis", "csv", "parquet"])
def test_case_twins_are_refused_in_every_container(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Columns 'y' and 'Y' differ by case only"):
        compress(_duplicates(kind, "Y", tmp_path), TWO)


def test_a_column_that_is_really_called_so_is_no_duplicate(tmp_path: Path) -> None:
    for kind in ("csv", "parquet"):
        assert compress(_duplicates(kind, "y_1", tmp_path), TWO).rows == N


def test_ids_of_a_file_keep_their_zeros(tmp_path: Path) -> None:
    """007 and 7 are two users, although all ids of the file are numbers."""
    ids = [f"{k:03d}" for k in range(100)]
    wide(u=ids).to_csv(tmp_path / "zeros.csv", index=False)
    assert compress(tmp_path / "zeros.csv", WIDE).units == 100
    wide(u=["007", "7", *ids[10:], *ids[:7], "08x"]).to_csv(tmp_path / "mixed.csv", index=False)
    assert compress(tmp_path / "mixed.csv", WIDE).units == 100


def _lazy(column: pl.Expr) -> Any:
    return pl.from_pandas(rows()).lazy().with_columns(y=column)


def _closed(kind: str) -> Any:
    connection = duckdb.connect()
    connection.register("r", rows())
    connection.execute("CREATE TABLE kept AS SELECT * FROM r")
    if kind == "relation":
        table: Any = connection.table("kept")
    else:
        table = ibis.duckdb.from_connection(connection).table("kept")
    connection.close()
    return table


@pytest.mark.parametrize(
    "table",
    [
        lambda: _closed("relation"),
        lambda: _closed("ibis"),
        lambda: _lazy(pl.col("nowhere")),
        lambda: _lazy(pl.col("g").map_elements(lambda _: 1 / 0, return_dtype=pl.Float64)),
        lambda: rows(g=[2**70 + k % 2 for k in range(N)]),
        lambda: rows(y=[object() for _ in range(N)]),
        lambda: rows(y=[1j] * N),
    ],
    ids=[
        "closed relation",
        "closed Ibis table",
        "lazy, no column",
        "lazy, fails",
        "big",
        "objects",
        "complex",
    ],
)
@pytest.mark.filterwarnings("ignore::polars.exceptions.PolarsInefficientMapWarning")
def test_a_table_whose_engine_fails_is_an_error_of_the_package(table: Callable[[], Any]) -> None:
    # An Ibis table's engine is named, with the way round it.
    words = r"cannot be read|engine 'duckdb' cannot answer|'y' has type|'y' mixes|direction of column"
    with pytest.raises(TwoByTwoError, match=words):
        compress(table(), TWO)


@pytest.mark.parametrize("power", [-307, -200, -62, 62, 80, 150, 300])
@pytest.mark.parametrize("paired", [False, True])
def test_sizes_beyond_64_bit_floats_are_called_so(power: int, *, paired: bool) -> None:
    """At 1e80 it was said that every user has the same change; at 1e-300 that a cell is constant."""
    factor = 10.0**power
    table = wide(a=wide()["a"] * factor, b=wide()["b"] * factor) if paired else rows(y=rows()["y"] * factor)
    with pytest.raises(DataError, match=r"of a size that cannot be squared.*multiply it by 1e"):
        compress(table, WIDE if paired else TWO)


@pytest.mark.parametrize("power", [-190, -60, 60, 190])
def test_within_the_limits_the_digits_are_those_at_one(power: int) -> None:
    factor = 2.0**power
    for found, at_one in (
        (compress(rows(y=rows()["y"] * factor), TWO), compress(rows(), TWO)),
        (compress(wide(a=wide()["a"] * factor, b=wide()["b"] * factor), WIDE), compress(wide(), WIDE)),
    ):
        pd.testing.assert_frame_equal(found.scaled(1 / factor).bins.frame, at_one.bins.frame)
        for kind in ("n", "mean", "cross"):
            back = found.scaled(1 / factor).joint.moments()[kind].to_numpy()
            np.testing.assert_allclose(back, at_one.joint.moments()[kind].to_numpy(), rtol=1e-13)


def said(ask: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        ask()
    return [str(entry.message) for entry in found]


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (rows(g=np.arange(N) % 2 + 1), "coded 1/2: read as 1 = reference, 2"),
        (rows(y=[Decimal(str(round(v, 2))) for v in rows()["y"]]), "decimal"),
        (rows(y=rows()["y"] > 3), "boolean: its mean is read as a share"),
    ],
    ids=["codes 1/2", "decimals", "boolean outcome"],
)
def test_converted_with_one_visible_warning(frame: pd.DataFrame, match: str) -> None:
    found = said(lambda: compress(frame, TWO))
    assert [match in message for message in found] == [True], found


def test_unused_and_ordered_categories_just_work() -> None:
    kind = pd.CategoricalDtype(["treatment", "nobody", "control"], ordered=True)
    frame = rows(g=pd.Series(["control", "treatment"] * 100).astype(kind))
    assert compress(frame, TWO).coords["g"] == ("control", "treatment")


def test_a_small_share_and_a_heavy_user_are_warned_of() -> None:
    heavy = rows(y=[1e5, *rows()["y"][1:]])
    assert any(gate.status != "ok" for gate in data_gates(compress(heavy, TWO)))


def _mixed_decimals() -> pd.DataFrame:
    digits = [k % 9 for k in range(N)]
    return rows(y=[Decimal(repr(round(v, d))) for v, d in zip(rows()["y"], digits, strict=True)])


WORKS: dict[str, Callable[[], Any]] = {
    "nullable integers": lambda: rows(g=pd.array(rows()["g"], dtype="Int64")),
    "nullable booleans": lambda: rows(g=pd.array(rows()["g"] == 1, dtype="boolean")),
    "duplicate index": lambda: rows().set_index(pd.Index([0] * N)),
    "float32": lambda: rows(y=rows()["y"].astype("float32")),
    "polars": lambda: pl.from_pandas(rows()),
    "polars, lazy": lambda: pl.from_pandas(rows()).lazy(),
    "polars, chunked": lambda: pl.concat([pl.from_pandas(rows()[:70]), pl.from_pandas(rows()[70:])]),
    "Arrow": lambda: pa.Table.from_pandas(rows()),
    "Arrow, chunked": lambda: pa.concat_tables(
        [pa.Table.from_pandas(rows()[k : k + 50]) for k in (0, 50, 100, 150)]
    ),
    "pandas of chunked Arrow": lambda: rows(
        y=pd.Series(
            pd.arrays.ArrowExtensionArray(
                pa.chunked_array([pa.array(rows()["y"][:70]), pa.array(rows()["y"][70:])])
            )
        )
    ),
    "Ibis": lambda: _ibis(),
    "levels above 2^63": lambda: rows(g=(np.uint64(2**64 - 2) + rows()["g"].astype("uint64"))),
}


@pytest.mark.parametrize("kind", list(WORKS))
def test_just_works_and_gives_the_same_means(kind: str) -> None:
    table = WORKS[kind]()
    before = copy.deepcopy(table) if isinstance(table, pd.DataFrame) else None
    stated = {"control": 2**64 - 2} if "2^63" in kind else {}
    found = compress(table, Design.did(outcome="y", group="g", period="t", **stated))
    expected = rows().groupby(["g", "t"])["y"].mean().to_numpy().reshape(2, 2)
    np.testing.assert_allclose(found.moments()["mean"].to_numpy(), expected, rtol=1e-6)
    if before is not None:
        pd.testing.assert_frame_equal(table, before)


@pytest.mark.filterwarnings("ignore:Column 'y' is decimal")
def test_decimals_of_mixed_scale_are_read_whatever_row_has_the_most_digits() -> None:
    """DuckDB looks at 1,000 rows of a pandas column; the longest decimal may stand later."""
    frame = pd.concat(
        [rows(y=[Decimal(k % 7) for k in range(N)])] * 20 + [_mixed_decimals()], ignore_index=True
    )
    expected = (
        frame.assign(y=frame["y"].astype(float)).groupby(["g", "t"])["y"].mean().to_numpy().reshape(2, 2)
    )
    np.testing.assert_allclose(compress(frame, TWO).moments()["mean"].to_numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["Intercept", "C", "np", "a b", 'q"q', "it's", "größe", "*", "^a$", "C(y)"])
def test_columns_may_have_any_name(name: str) -> None:
    found: Cells = compress(
        rows().rename(columns={"y": name}), Design.did(outcome=name, group="g", period="t")
    )
    assert found.rows == N


def test_dates_that_are_in_order_are_taken() -> None:
    frame = rows(t=["2024-01-01"] * 100 + ["2024-02-01"] * 100)
    design = Design.did(outcome="y", group="g", period="t", before="2024-01-01")
    assert compress(frame, design).coords["t"] == ("2024-01-01", "2024-02-01")
    assert isinstance(dt.date.fromisoformat("2024-01-01"), dt.date)
