"""Where the values of many metrics stand among the columns that are read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twobytwo.ask.design import Design
from twobytwo.ask.lines import Line
from twobytwo.ask.metric import Metric
from twobytwo.data.several import read_several
from twobytwo.infer.layout import Layout, pairs_of, reads_of

LINES = (
    Line(metric=Metric(column="a"), before_column="a0"),
    Line(metric=Metric(column="a", kind="ratio", denominator="b")),
    Line(metric=Metric(column="b")),
)


def test_a_column_is_read_once_whatever_it_serves() -> None:
    assert [read.column for read in reads_of(LINES)] == ["a", "a0", "b"]
    # A column that is capped is another one.
    capped = Line(metric=Metric(column="a", cap=9.0))
    assert [(read.column, read.cap) for read in reads_of([*LINES, capped])][-1] == ("a", 9.0)


def test_cubes_are_asked_of_values_and_their_values_before() -> None:
    assert pairs_of(LINES) == [(0, 1)]
    assert pairs_of(LINES[1:]) == []


def test_rows_are_metrics_under_each_treatment() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.gamma(2, size=(300, 3)), columns=["a", "a0", "b"])
    frame = frame.assign(arm=np.resize(["off", "low", "high"], 300))
    design = Design.compare(outcome="a", group="arm", control="off")
    layout = Layout(read_several(frame, design, reads_of(LINES), pairs_of(LINES)), LINES)
    assert layout.value.tolist() == [0, 0, 2]
    assert layout.under.tolist() == [0, 2, 2]
    assert layout.given.tolist() == [0]
    assert layout.before.tolist() == [1]
    assert layout.weights.sum(axis=(1, 2)).tolist() == [0, 0]
    # Three metrics under two treatments: the first metric's rows are 0 and 3.
    assert layout.rows_of(layout.given).tolist() == [0, 3]
