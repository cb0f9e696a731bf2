"""What a table does not have: columns that are absent hide no level of those that are there."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.absent import absent, absent_columns
from twobytwo.data.prepare import prepare
from twobytwo.errors import DesignError

FRAME = pd.DataFrame({"y": [1.0, 2.0] * 4, "g": ["a", "b"] * 4, "t": ["pre"] * 4 + ["post"] * 4})


def test_columns_and_levels_are_told_together() -> None:
    design = Design.did(outcome="x", group="g", period="t", control="c", before="d")
    column, control, before = absent(FRAME, design)
    assert column.startswith("Column 'x' is not in the table")
    assert control == "control='c' is not a level of column 'g', which has 'a' and 'b'."
    assert before == "before='d' is not a level of column 't', which has 'post' and 'pre'."
    with pytest.raises(DesignError, match=r"^3 things are wrong.*'x'.*control='c'.*before='d'"):
        prepare(FRAME, design)
    assert absent(FRAME, Design.did(outcome="y", group="g", period="t", control="a")) == []


def test_levels_that_are_made_of_dates_or_columns_are_not_looked_for() -> None:
    dated = Design.did(outcome="x", group="g", period="t", control="a", launch="2026-09-01")
    assert absent(FRAME, dated) == absent_columns(FRAME, ("x",))
    wide = Design.did_wide(before_column="x", after_column="y", group="g", unit="u", control="a")
    (told,) = absent(FRAME, wide)
    assert told.startswith("Columns 'x', 'u' are not in")


def test_a_stream_and_what_is_no_table_are_told_once() -> None:
    design = Design.compare(outcome="x", group="g", control="c")
    reader = pa.Table.from_pandas(FRAME).to_reader()
    reader.read_all()
    assert absent(reader, design) == absent_columns(FRAME, ("x",))
    (told,) = absent("no_such.csv", design)
    assert told.startswith("No file matches")
    (told,) = absent(pd.DataFrame({"g": [str(k) for k in range(300)], "x": 1.0}), design)
    assert "200 levels or more" in told
