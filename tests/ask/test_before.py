"""The value before of a comparison: one column, of users with one row each."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.ask.before import value_before
from twobytwo.ask.design import Design
from twobytwo.ask.metric import Metric
from twobytwo.errors import DesignError

MINUTES, RATE = Metric(column="minutes"), Metric(column="orders", denominator="visits", kind="ratio")


def found(metric: Metric = MINUTES, **stated: Any) -> tuple[str, str] | None:
    keywords = {"before_column": None, "covariate": None, "unit": "user", "agg": None, "missing": None}
    return value_before(metric, **keywords | stated)


@pytest.mark.parametrize(
    ("stated", "columns"),
    [
        ({}, None),
        ({"unit": None, "agg": "sum"}, None),
        ({"before_column": "earlier"}, ("earlier", "user")),
        ({"covariate": "age", "missing": "drop"}, ("age", "user")),
    ],
)
def test_the_columns_are_named_or_there_are_none(
    stated: dict[str, Any], columns: tuple[str, str] | None
) -> None:
    assert found(**stated) == columns


def test_a_ratio_may_have_one_number_before() -> None:
    assert found(RATE, covariate="age") == ("age", "user")


@pytest.mark.parametrize(
    ("metric", "stated", "match"),
    [
        (MINUTES, {"before_column": "a", "covariate": "b"}, "both name a value before; give one of them"),
        (RATE, {"before_column": "a"}, "before_column='a' would be the ratio before, which has two columns"),
        (
            MINUTES,
            {"missing": "zero"},
            "missing='zero' says what an absent value before means",
        ),
        (MINUTES, {"before_column": "a", "unit": None}, "name the users with unit=, one row each"),
        (MINUTES, {"covariate": "a", "agg": "sum"}, "without agg="),
        (MINUTES, {"before_column": 3}, "before_column=3 must be"),
        (MINUTES, {"covariate": ""}, "covariate=''"),
        (MINUTES, {"covariate": "a", "unit": 3}, "unit=3 must be"),
    ],
)
def test_what_is_no_value_before_is_refused(metric: Metric, stated: dict[str, Any], match: str) -> None:
    with pytest.raises(DesignError, match=match):
        found(metric, **stated)


def test_a_comparison_reads_it_before_the_metric() -> None:
    design = Design.compare(outcome="minutes", group="g", unit="user", covariate="age")
    assert (design.wide, design.covariate, design.randomised) == (("age", "minutes"), True, True)
