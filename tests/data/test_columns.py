"""Columns as expressions: types that are refused, and one row per user made long."""

from __future__ import annotations

import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.columns import outcome_column, unit_column
from twobytwo.data.sources import open_source
from twobytwo.errors import DataError


def test_an_outcome_of_text_is_refused_by_name() -> None:
    source = open_source(pd.DataFrame({"y": ["1", "N/A"]}), ["y"])
    with pytest.raises(DataError, match="Column 'y' has type string, not a number"):
        outcome_column(source, "y")


def test_ids_that_are_floats_are_refused() -> None:
    design = Design.did(outcome="y", group="g", period="t", unit="id")
    source = open_source(pd.DataFrame({"id": [1.5, 2.5]}), ["id"])
    with pytest.raises(DataError, match="Column 'id' has type float64"):
        unit_column(source, design)
