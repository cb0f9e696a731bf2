"""Conditions on rows: counted where true, and unknown ones taken as not so."""

from __future__ import annotations

import pandas as pd

from twobytwo.data.conditions import how_many, or_false, pattern_bits
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
