"""Shared keywords: stated once, shown by every function that takes them."""

from __future__ import annotations

import inspect

import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.metric import MetricOptions
from twobytwo.errors import DesignError


@pytest.mark.parametrize("ask", [Design.did, Design.did_wide, Design.compare, Design.interaction])
def test_every_question_shows_every_option_of_the_metric(ask: object) -> None:
    shown = inspect.signature(ask).parameters  # type: ignore[arg-type]
    assert set(MetricOptions.__annotations__) <= set(shown)
    assert shown["harm"].default == "decrease"
    assert shown["margin"].default is None


def test_an_unknown_keyword_is_still_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'margn'"):
        Design.did(outcome="y", group="g", period="t", margn=5)  # type: ignore[call-arg]


def test_mistakes_about_the_metric_and_about_the_rest_are_told_together() -> None:
    with pytest.raises(DesignError) as error:
        Design.did(
            outcome="y", group="g", period="t", harm="down", margin=-3, missing="nil", unit="u", cap="200%"
        )
    said = str(error.value)
    assert said.startswith("4 things are wrong.")
    assert all(each in said for each in ("harm='down'", "margin=-3", "cap='200%'", "missing='nil'"))
    with pytest.raises(DesignError, match=r"^margin=-3 must be at least 0"):
        Design.did(outcome="y", group="g", period="t", margin=-3)
    with pytest.raises(DesignError, match=r"^missing='nil' is not allowed"):
        Design.compare(outcome="y", group="g", unit="u", before_column="x", missing="nil")
