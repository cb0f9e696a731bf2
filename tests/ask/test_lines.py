"""What is said of metrics is checked, all of it at once."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.ask.lines import Line, lines_of
from twobytwo.ask.metric import Metric
from twobytwo.errors import DesignError


@pytest.mark.parametrize(
    ("metrics", "match"),
    [
        (["minutes", "minutes"], "'minutes' stands twice"),
        (["minutes", {"column": "minutes", "label": "other"}], "'minutes' stands twice"),
        ([{"column": "bought", "role": "guardrail"}], r"guardrail 'bought' has no direction: say harm="),
        ([{"column": "bought", "role": "goal"}], "Metric 'bought': role='goal' is not allowed"),
        ([{"column": "bought", "margn": 1}], r"metric key 'margn' is unknown.*mean 'margin'\?"),
        ([{"role": "primary"}], "A metric has no column"),
        ([{"column": "minutes", "kind": "ratio"}], "denominator=None do not go together"),
        ([], r"metrics=\[\] must be a list"),
        ("minutes", "metrics='minutes' must be a list"),
        ([3], "metrics= holds 3"),
        ([{"column": "y", "before_column": "y"}], "before_column='y' is the metric itself"),
        ([{"column": "y", "daily_cap": 0}], "daily_cap=0 must be positive and finite"),
    ],
)
def test_what_is_said_of_metrics_is_checked(metrics: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        lines_of(metrics)


def test_a_capped_twin_is_no_metric_given_twice() -> None:
    """Neither is one that is capped by row; a line a day keeps what makes it one."""
    twins = [{"column": "y", "daily_cap": 3, "label": "days"}, {"column": "y", "cap": 3, "label": "all"}]
    lines = lines_of(["y", *twins])
    assert len({line.reads for line in lines}) == 3
    assert [line.a_day().reads for line in lines] == [line.reads for line in lines]


def test_keys_are_those_of_the_metric_and_two_more() -> None:
    line = lines_of([{"column": "y", "role": "primary", "margin": 2, "before_column": "x", "cap": "99%"}])[0]
    assert (line.role, line.before_column, line.metric) == (
        "primary",
        "x",
        Metric(column="y", margin=2, cap="99%"),
    )
    assert lines_of(["y"]) == (Line(metric=Metric(column="y")),)


def test_every_mistake_is_told() -> None:
    with pytest.raises(DesignError, match=r"2 things are wrong.*'a' has no direction.*'b': .*kind='part'"):
        lines_of([{"column": "a", "role": "guardrail"}, {"column": "b", "kind": "part"}])


def test_a_capped_twin_is_another_metric_if_it_has_a_name() -> None:
    with pytest.raises(DesignError, match="'y' stands twice"):
        lines_of(["y", {"column": "y", "cap": 9}])
    assert len(lines_of(["y", {"column": "y", "cap": 9, "label": "capped"}])) == 2
