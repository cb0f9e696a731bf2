"""A metric: its words in one place, and what is refused at birth."""

from __future__ import annotations

import pytest

from twobytwo.ask.metric import Metric
from twobytwo.errors import DesignError


def test_a_cap_is_named_wherever_the_metric_is() -> None:
    plain, capped = Metric(column="minutes"), Metric(column="minutes", cap=600.0)
    assert (plain.variable, plain.named("mean"), plain.of("mean")) == ("minutes", "mean", "mean minutes")
    assert capped.of("mean") == capped.named("mean") == "mean of minutes, capped at 600"


def test_a_label_speaks_for_the_column() -> None:
    metric = Metric(column="min_28d", label="active minutes", measure="minutes", cap=600)
    assert metric.variable == "active minutes, capped at 600"
    assert metric.size(5) == "5 minutes"
    assert Metric(column="y").size(2.5) == "2.5"


def test_a_ratio_is_named_whatever_its_columns_are_called() -> None:
    metric = Metric(column="n_clicks", denominator="n_views")
    assert (metric.kind, metric.name, metric.named("mean")) == (
        "ratio",
        "ratio of n_clicks to n_views",
        "ratio",
    )
    assert metric.of("mean") == metric.said == "the ratio of n_clicks to n_views"
    assert Metric(column="y", denominator="x", label="session length").of("mean") == "session length"


def test_another_unit_moves_the_bound_only() -> None:
    hours = Metric(column="minutes", upper_bound=1_440, margin=5, cap=600).scaled(1 / 60)
    assert (hours.upper_bound, hours.margin, hours.cap) == (24, 5, 600)


def test_a_metric_and_keywords_for_it_are_one_too_many() -> None:
    with pytest.raises(DesignError, match="is a Metric and already says margin"):
        Metric.given(Metric(column="y"), margin=1.0)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"harm": "down"}, "harm='down' is not allowed"),
        ({"margin": -1}, "margin=-1 must be at least 0"),
        ({"margin": float("nan")}, "margin=nan must be at least 0"),
        ({"cap": 0}, "cap=0 must be positive"),
        ({"upper_bound": float("inf")}, "upper_bound=inf must be positive"),
        ({"kind": "ratio"}, "kind='ratio' and denominator=None do not go together"),
        ({"kind": "share", "denominator": "x"}, "kind='share' and denominator='x' do not go together"),
        ({"denominator": 3}, "denominator"),
        ({"denominator": "x", "upper_bound": 5}, "upper_bound=5 is for sizes and not for a ratio"),
    ],
)
def test_what_is_not_allowed_is_refused_at_birth(said: dict[str, object], match: str) -> None:
    with pytest.raises(DesignError, match=match):
        Metric(column="y", **said)  # type: ignore[arg-type]


def test_the_numerator_of_a_ratio_is_what_is_capped() -> None:
    ratio = Metric(column="minutes", denominator="sessions", cap=60, daily_cap="99%")
    assert ratio.of("mean") == (
        "the ratio of minutes to sessions, days' minutes capped at the 99 % quantile, minutes capped at 60"
    )
    pace = Metric(column="minutes", denominator="sessions", cap=60, label="pace")
    assert (pace.of("mean"), pace.named("means")) == (
        "pace, minutes capped at 60",
        "ratios of pace, minutes capped at 60",
    )
    plain = Metric(column="minutes", denominator="sessions", cap=60)
    assert plain.named("mean") == "ratio of minutes to sessions, minutes capped at 60"
