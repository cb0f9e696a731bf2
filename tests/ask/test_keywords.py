"""Shared keywords: stated once, shown by every function that takes them."""

from __future__ import annotations

import inspect

import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.metric import MetricOptions


@pytest.mark.parametrize("ask", [Design.did, Design.did_wide, Design.compare, Design.interaction])
def test_every_question_shows_every_option_of_the_metric(ask: object) -> None:
    shown = inspect.signature(ask).parameters  # type: ignore[arg-type]
    assert set(MetricOptions.__annotations__) <= set(shown)
    assert shown["harm"].default == "decrease"
    assert shown["margin"].default is None


def test_an_unknown_keyword_is_still_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'margn'"):
        Design.did(outcome="y", group="g", period="t", margn=5)  # type: ignore[call-arg]
