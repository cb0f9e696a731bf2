"""Keywords of every question: told apart, and matched when misspelt."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.answer.options import Keywords, Options, split_keywords
from twobytwo.errors import DesignError


def test_keywords_go_to_the_metric_the_model_and_the_sampler() -> None:
    metric, options = split_keywords({"margin": 5, "family": "lognormal", "draws": 300, "ci_prob": 0.9}, ())
    assert metric == {"margin": 5}
    assert (options.family, options.sampler.draws, options.ci_prob) == ("lognormal", 300, 0.9)


@pytest.mark.parametrize(
    ("name", "meant"), [("margn", "margin"), ("drws", "draws"), ("controll", "control"), ("famly", "family")]
)
def test_a_misspelt_argument_is_matched_with_all_arguments(name: str, meant: str) -> None:
    with pytest.raises(DesignError, match=f"Unknown argument {name}=. Did you mean '{meant}'"):
        split_keywords({name: 1}, ("control", "treatment"))  # type: ignore[misc]


def test_a_strange_argument_gets_the_whole_list() -> None:
    with pytest.raises(DesignError, match=r"Unknown argument xyzzy=\. There are group, label"):
        split_keywords({"xyzzy": 1}, ("group",))  # type: ignore[typeddict-unknown-key]


def test_every_keyword_has_a_home() -> None:
    values: dict[str, Any] = {
        "label": "m",
        "measure": "minutes",
        "kind": "count",
        "denominator": None,
        "harm": "increase",
        "margin": 1.0,
        "upper_bound": 9.0,
        "cap": 8.0,
        "daily_cap": 9.0,
        "family": "normal",
        "priors": "flat",
        "ci_prob": 0.9,
        "max_probability": 0.1,
        "draws": 200,
        "tune": 200,
        "chains": 2,
        "random_seed": 1,
        "progressbar": False,
    }
    assert set(values) == set(Keywords.__annotations__)
    metric, options = split_keywords(values, ())  # type: ignore[arg-type]
    assert metric["cap"] == 8.0
    assert options.sampler.progressbar is False


def test_options_are_checked_at_birth() -> None:
    with pytest.raises(DesignError, match="ci_prob=2 must be between 0 and 1"):
        Options(ci_prob=2)
