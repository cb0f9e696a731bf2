"""What is read when: moments at once, the rest when it is asked for, and never of another table."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.data.engines import Query, listening
from twobytwo.errors import DataError

ROWS = Design.did(outcome="minutes", group="variant", period="period")
PAIRS = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing="drop")


def users() -> pd.DataFrame:
    return simulate.user_minutes(simulate.UserMinutes(n=400))


def asked_by(question: object) -> list[Query]:
    queries: list[Query] = []
    with listening(queries.append):
        question()  # type: ignore[operator]
    return queries


@pytest.mark.parametrize(("design", "queries"), [(ROWS, 1), (PAIRS, 4)])
def test_moments_take_few_queries_and_bring_few_rows_back(design: Design, queries: int) -> None:
    found = asked_by(lambda: compress(users(), design))
    assert len(found) == queries
    assert sum(query.rows or 0 for query in found) < 20
    assert all(query.purpose for query in found)


def test_the_normal_family_reads_nothing_more() -> None:
    cells = compress(users(), PAIRS)

    def look() -> None:
        cells.moments(), cells.yardstick, cells.fingerprint, cells.count("zero"), cells.changes.moments()
        cells.joint.moments(), cells.joint.activity(), cells.scaled(2.0).moments(), (cells + cells).moments()

    assert asked_by(look) == []
    assert len(asked_by(lambda: cells.moments("log"))) == 1
    assert {query.purpose for query in asked_by(lambda: cells.bins.frame)} == {
        "a histogram, to choose bins by",
        "bins of the outcome by cell",
    }
    assert asked_by(lambda: cells.points()) == []


def test_the_order_of_questions_does_not_show() -> None:
    one, other = compress(users(), PAIRS), compress(users(), PAIRS)
    for cells, order in ((one, (0, 1, 2)), (other, (2, 1, 0))):
        steps = (lambda c: c.moments("log"), lambda c: c.bins.frame, lambda c: c.joint.frame)
        for k in order:
            steps[k](cells)
    pd.testing.assert_frame_equal(one.bins.frame, other.bins.frame, rtol=1e-13)
    pd.testing.assert_frame_equal(one.bins.logs.frame, other.bins.logs.frame, rtol=1e-14)
    pd.testing.assert_frame_equal(one.joint.frame, other.joint.frame, rtol=1e-10, atol=1e-9)


def test_saving_reads_everything_and_needs_the_table_no_more(tmp_path: Path) -> None:
    users().to_parquet(tmp_path / "rows.parquet")
    cells = compress(tmp_path / "rows.parquet", PAIRS)
    cells.save(tmp_path / "cells")
    (tmp_path / "rows.parquet").unlink()
    again = Cells.load(tmp_path / "cells")
    pd.testing.assert_frame_equal(again.bins.frame, cells.bins.frame, check_exact=True)
    pd.testing.assert_frame_equal(again.bins.by_cell.frame, cells.bins.by_cell.frame, check_exact=True)
    assert again.fingerprint == cells.fingerprint


def test_a_file_that_has_gone_is_an_error_in_words(tmp_path: Path) -> None:
    users().to_parquet(tmp_path / "rows.parquet")
    cells = compress(tmp_path / "rows.parquet", ROWS)
    (tmp_path / "rows.parquet").unlink()
    assert cells.moments()["n"].sum() > 0
    with pytest.raises(DataError, match=r"cannot be read.*gone or changed since.*compress it again"):
        cells.points()


def test_a_table_that_has_changed_is_refused() -> None:
    connection = duckdb.connect()
    frame = users()
    connection.register("frame", frame)
    connection.execute("create table t as select * from frame")
    cells = compress(connection.table("t"), ROWS)
    connection.execute("update t set minutes = minutes + 1 where user_id = (select min(user_id) from t)")
    for later in (lambda: cells.bins.frame,):
        with pytest.raises(DataError, match="has changed since it was compressed"):
            later()
    connection.execute("delete from t where minutes > 100")
    with pytest.raises(DataError, match="has changed since it was compressed"):
        cells.moments("log")


def test_a_frame_that_its_owner_changes_stays_what_it_was() -> None:
    frame = users()
    cells, expected = compress(frame, ROWS), compress(frame.copy(), ROWS).points()["value"].to_numpy()
    frame["minutes"] *= 60
    np.testing.assert_array_equal(cells.points()["value"], expected)
