"""Lines of a plan: what is stated stands above what is guessed, and what is open is noted."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from twobytwo.answer.keys import MEANING
from twobytwo.answer.plan_parts import open_lines
from twobytwo.answer.sketch import Gap, Sketch, toml
from twobytwo.data.outline import Column, Outline

USER, ARM = (Column(name=name, kind="text", values=9) for name in ("user", "arm"))


def sketch(**design: Any) -> Sketch:
    return Sketch(found=Outline(rows=9, columns=(USER, ARM)), stated={"design": design})


def test_what_is_stated_stands_above_what_is_guessed() -> None:
    assert sketch(unit="arm").put("unit", "user", "said") == ['unit = "arm"  # said']
    assert sketch().put("unit", "user") == [f'unit = "user"  # {MEANING["unit"]}']
    nothing = sketch()
    assert nothing.put("unit", None) == []
    assert nothing.written == {"unit"}


def test_a_column_with_a_role_is_not_free() -> None:
    made = sketch(group="arm")
    assert made.free == [USER]
    made.put("unit", "user")
    assert made.free == []
    assert sketch(factors=["user", "arm"]).free == []


def test_an_open_line_is_a_comment_and_a_gap() -> None:
    made = sketch()
    text = "\n".join([*made.ask("harm", ['"decrease"']), *made.ask("missing", optional=True)])
    assert tomllib.loads(text) == {}
    # What the plan may do without is not asked for again.
    assert open_lines(text, {}) == ["harm"]
    assert made.gaps == [
        Gap(table="decision", key="harm", choices=('"decrease"',)),
        Gap(table="design", key="missing", optional=True),
    ]
    # The words name both directions already.
    assert made.gaps[0].words == MEANING["harm"]
    assert Gap(table="design", key="unit", choices=('"id"',), seen="9 of them").words == (
        f'{MEANING["unit"]} ("id"); 9 of them'
    )


@pytest.mark.parametrize(
    "value", ["x", 'a "b" # c', 3, 0.25, True, ["a", 2], {"b c": 0.8, "d": [False]}, "é\\"]
)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    assert tomllib.loads(f"key = {toml(value)}")["key"] == value


def test_a_line_of_some_questions_only_says_which() -> None:
    made = sketch()
    with made.only_for("did", "comparison"):
        (line,) = made.ask("group", ['"arm"'])
    assert line.startswith('# group = "arm"  # FILL IN if question = "did" or "comparison": which column')
    (line,) = made.ask("margin")
    assert line.startswith("# margin = ...  # FILL IN: ")
