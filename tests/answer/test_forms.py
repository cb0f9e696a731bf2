"""Questions and their forms: a form is told by keys that no other form has."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from twobytwo.answer.forms import QUESTIONS, form_of
from twobytwo.ask.contrast import Question
from twobytwo.ask.design import Design


def test_every_question_has_forms_and_keys_that_tell_them_apart() -> None:
    assert set(QUESTIONS) == set(get_args(Question))
    for first, *others in QUESTIONS.values():
        assert not first.told_by
        for form in others:
            assert form.told_by
            assert set(form.told_by) <= set(form.keys) - set(first.keys)


@pytest.mark.parametrize(
    ("question", "design", "ask"),
    [
        ("did", {"group": "g", "period": "t"}, Design.did),
        ("did", {"group": "g", "after_column": "b"}, Design.did_wide),
        ("comparison", {"group": "g", "before_column": "a"}, Design.compare),
        ("did", "no table", Design.did),
        ("did", None, Design.did),
    ],
)
def test_the_form_is_told_by_its_keys(question: str, design: Any, ask: Any) -> None:
    assert form_of(question, design).ask == ask
