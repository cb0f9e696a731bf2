"""Columns as expressions: types that are refused, and one row per user made long."""

from __future__ import annotations

import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.columns import lengthen, outcome_column, unit_column
from twobytwo.data.sources import open_source
from twobytwo.errors import DataError


def test_an_outcome_of_text_is_refused_by_name() -> None:
    source = open_source(pd.DataFrame({"y": ["1", "N/A"]}), ["y"])
    with pytest.raises(
        DataError, match=r"'y' has type string, not a number; .* 1 of its 2 texts .* such as 'N/A'\."
    ):
        outcome_column(source, "y")
    source = open_source(pd.DataFrame({"y": ["1", "20.5-", None, "inf", " -2e3 ", ".5"]}), ["y"])
    with pytest.raises(DataError, match=r"2 of its 5 texts are no numbers, such as '20\.5-' or 'inf'\."):
        outcome_column(source, "y")
    source = open_source(pd.DataFrame({"y": ["1", "-2.5"]}), ["y"])
    with pytest.raises(
        DataError, match=r"convert it first\. All of its texts look like numbers: .*write 1234"
    ):
        outcome_column(source, "y")


def test_ids_that_are_floats_are_refused() -> None:
    design = Design.did(outcome="y", group="g", period="t", unit="id")
    source = open_source(pd.DataFrame({"id": [1.5, 2.5]}), ["id"])
    with pytest.raises(DataError, match="Column 'id' has type float64"):
        unit_column(source, design)


def test_missing_groups_of_one_row_per_user_are_counted_in_the_users_own_table() -> None:
    """The long form has three rows without a group, of five."""
    design = Design.did_wide(before_column="pre", after_column="post", group="arm", unit="user")
    frame = pd.DataFrame({"user": [1, 2, 3], "pre": [1.0, None, 4.0], "post": [2.0, 3.0, 5.0]})
    source = open_source(frame.assign(arm=[None, None, "a"]), design.columns)
    with pytest.raises(DataError, match=r"'arm' is missing in 2 of 3 rows\. Drop these rows"):
        lengthen(source, design)


def test_a_missing_group_does_not_matter_where_there_is_no_value() -> None:
    design = Design.did_wide(before_column="pre", after_column="post", group="arm", unit="user")
    frame = pd.DataFrame({"user": [1, 2], "pre": [None, 4.0], "post": [None, 5.0], "arm": [None, "a"]})
    long = lengthen(open_source(frame, design.columns), design)
    assert long.execute(long.table.count().as_table())[0][0].as_py() == 2
