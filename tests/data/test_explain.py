"""Queries are shown with what they are for."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pytest

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data.engines import OwnDuckDB
from twobytwo.data.explain import explain

# Ibis 12 asks pandas 3 for an option that it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")

ROWS = Design.did(outcome="minutes", group="variant", period="period")
PAIRS = Design.did(
    outcome="minutes", group="variant", period="period", unit="user_id", missing="drop", cap=500
)


def test_rows_take_one_query_and_more_when_they_are_asked_for() -> None:
    found = explain(simulate.active_minutes(), ROWS)
    assert [query.purpose for query in found.always] == ["levels, counts and what is missing"]
    assert {query.purpose for query in found.on_request} == {
        "counts, means, spreads and ranges of the cells",
        "a histogram, to choose bins by",
        "bins of the outcome by cell",
    }
    said = str(found)
    assert said.startswith(
        "Every analysis asks:\n  levels, counts and what is missing: DuckDB, 4 row(s) back"
    )
    assert "Only families and checks that need it ask:" in said


def test_no_row_that_comes_back_names_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    users = simulate.user_minutes(simulate.UserMinutes(n=300)).assign(user_id=lambda f: f["user_id"] + 10**9)
    run, back = OwnDuckDB.execute, []

    def watched(self: OwnDuckDB, expression: Any, purpose: str) -> Any:
        back.append(run(self, expression, purpose))
        return back[-1]

    monkeypatch.setattr(OwnDuckDB, "execute", watched)
    found = explain(users, PAIRS)
    assert found.sql.count("-- ") == len((*found.always, *found.on_request))
    assert [query.purpose for query in found.always if query.rows is None] == ["one row per user"]
    for table in back:
        values = table.to_pandas().to_numpy(dtype=object)
        assert not np.isin(values.astype(str), users["user_id"].astype(str)).any()
        assert "unit" not in table.column_names


def test_the_engine_of_an_ibis_table_is_named() -> None:
    backend = ibis.duckdb.connect()
    backend.con.register("t", simulate.active_minutes())
    assert explain(backend.table("t"), ROWS).always[0].engine == "duckdb"
