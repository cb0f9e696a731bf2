"""HTML: what is text stays text."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest

from twobytwo.show.html.render import environment, render
from twobytwo.show.tables import Table

HOSTILE = '<script>alert("1")</script>'


def table(content: Table, **options: Any) -> str:
    return environment().get_template("parts.html").module.table(content, **options)


def test_no_text_becomes_markup() -> None:
    made = table(Table(title=HOSTILE, header=("", HOSTILE), rows=((HOSTILE, HOSTILE),), note=HOSTILE))
    assert "<script" not in made
    assert '"1"' not in made
    assert made.count("&lt;script&gt;") == 5


def test_words_stand_left_and_numbers_right() -> None:
    made = table(Table(title="T", header=("", "n", "why"), rows=(("a", "1", "so"),), words=(0,), prose=2))
    assert '<td style="text-align:right;">1</td>' in made
    assert '<td style="text-align:left;">so</td>' in made
    assert '<th scope="row" style="text-align:left;">a</th>' in made


def test_styles_go_where_they_belong() -> None:
    made = table(Table(title="T", header=("x",), rows=(("a",),), note="n"), styles={"p": "color:red"})
    assert '<p style="color:red">n</p>' in made
    assert made.count("color:red") == 1


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="is undefined"):
        render("page.html")
