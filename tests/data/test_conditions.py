"""Conditions on rows: counted where true, and unknown ones taken as not so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from twobytwo.data.conditions import how_many, is_nan, or_false, pattern_bits
from twobytwo.data.patterns import bits, patterns
from twobytwo.data.sources import open_source

SOURCE = open_source(pd.DataFrame({"a": [1.0, -1.0, None, 2.0], "b": [1.0, 1.0, 1.0, -1.0]}), ["a", "b"])
ROWS = SOURCE.table


def test_true_conditions_are_counted_and_unknown_ones_are_not() -> None:
    asked = ROWS.aggregate(n=how_many(ROWS.a > 0))
    assert SOURCE.execute(asked, "a count").to_pylist() == [{"n": 2}]


def test_conditions_become_the_number_that_patterns_are_kept_by() -> None:
    table = ROWS.mutate(seen=pattern_bits([or_false(ROWS.a > 0), ROWS.b > 0]))
    asked = table.group_by("seen").agg(n=table.count())
    found = {row["seen"]: row["n"] for row in SOURCE.execute(asked, "patterns").to_pylist()}
    both, first, second, _ = map(bits, patterns(2))
    assert found == {both: 1, second: 2, first: 1}


def test_a_number_that_is_none_is_found_in_parquet_too(tmp_path: Path) -> None:
    """Arrow's smallest and largest value of a column leave it out, and DuckDB believes them."""
    values = pa.array(np.array([1.0, np.nan, 3.0]), from_pandas=False)
    pq.write_table(pa.table({"a": values}), tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet", ["a"])
    found = source.table.aggregate(n=how_many(is_nan(source.table.a)))
    assert source.execute(found, "a count").to_pylist() == [{"n": 1}]
    kept = source.table.filter(~is_nan(source.table.a)).aggregate(n=source.table.a.count())
    assert source.execute(kept, "a count").to_pylist() == [{"n": 2}]
