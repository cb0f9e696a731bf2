"""What plans share: each part is taken as stated, or refused by name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from twobytwo.answer.keys import MisstatedError, in_file
from twobytwo.answer.plan_parts import open_lines, priors_of, probability, question_of, table_of
from twobytwo.errors import PlanError
from twobytwo.infer.priors import Priors


def test_a_question_is_one_of_those_known() -> None:
    assert question_of({"question": "did"}, ("did", "comparison")) == "did"
    with pytest.raises(MisstatedError, match=r"question = 'dod' is not allowed.*mean 'did'\?"):
        question_of({"question": "dod"}, ("did", "comparison"))
    with pytest.raises(MisstatedError, match="question is missing"):
        question_of({}, ("did",))


def test_tables_are_beside_the_plan_or_simulated() -> None:
    assert table_of(SimpleNamespace(path=Path("a/plan.toml"), source="b.csv")) == str(Path("a/b.csv"))
    assert len(table_of(SimpleNamespace(path=Path("p"), source="simulate:cannibalisation"))) == 2_000
    with pytest.raises(PlanError, match=r"p: \[data\] source = 'simulate:lunch': .*mean 'launch'\?"):
        table_of(SimpleNamespace(path=Path("p"), source="simulate:lunch"))


def test_probabilities_have_defaults_and_ends() -> None:
    assert probability("ci_prob", {}, in_file) == 0.95
    with pytest.raises(MisstatedError, match=r"\[decision\] max_probability = 0.5 must be between 0 and 0.5"):
        probability("max_probability", {"max_probability": 0.5}, in_file)


def test_priors_are_a_preset_or_ones_own() -> None:
    assert priors_of("flat", in_file) == Priors.of("flat")
    assert priors_of({"effect": 0.1}, in_file) == Priors(name="planned", effect=0.1)
    with pytest.raises(MisstatedError, match=r"\[model.priors\] efect is unknown.*'effect'\?"):
        priors_of({"efect": 0.1}, in_file)
    with pytest.raises(MisstatedError, match="'flat' is a preset's"):
        priors_of({"name": "flat"}, in_file)


def test_a_line_is_open_until_its_key_is_stated_anywhere() -> None:
    control, margin = '# control = "A"  # FILL IN: which', "# margin = ...  # FILL IN: how"
    text = f'{control}\n# missing = "zero"  # if it is so: what\n{margin}\n'
    assert open_lines(text, {}) == ["control", "margin"]
    assert open_lines(text, {"design": {"control": "B"}}) == ["margin"]
    assert open_lines('control = "A"  # FILL IN: which', {}) == []


def test_open_lines_of_another_question_are_not_named() -> None:
    text = (
        '# question = "did"  # FILL IN: what\n# harm = "decrease"  # FILL IN: which\n'
        '# group = "a"  # FILL IN if question = "did" or "comparison": which\n'
        '# factors = ["a", "b"]  # FILL IN if question = "interaction": which\n'
    )
    assert open_lines(text, {}) == ["question", "harm"]
    assert open_lines(text, {"question": "comparison"}) == ["harm", "group"]
    assert open_lines(text, {"question": "did"}) == ["harm", "group"]
    assert open_lines(text, {"question": "interaction"}) == ["harm", "factors"]
    assert open_lines(text, {"question": "interaction", "design": {"factors": ["a", "b"]}}) == ["harm"]
