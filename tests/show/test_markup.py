"""HTML: what is text stays text."""

from __future__ import annotations

from twobytwo.show.markup import details, image, table, tag
from twobytwo.show.tables import Table

HOSTILE = '<script>alert("1")</script>'


def test_no_text_becomes_markup() -> None:
    content = Table(title=HOSTILE, header=("", HOSTILE), rows=((HOSTILE, HOSTILE),), note=HOSTILE)
    made = [
        tag("p", text=HOSTILE, title=HOSTILE),
        image(HOSTILE, HOSTILE),
        table(content),
        details(HOSTILE),
    ]
    assert "<script" not in "".join(made)
    assert '"1"' not in "".join(made)
    assert "".join(made).count("&lt;script&gt;") == 2 + 2 + 5 + 1


def test_words_stand_left_and_numbers_right() -> None:
    made = table(Table(title="T", header=("", "n", "why"), rows=(("a", "1", "so"),), words=(0,), prose=2))
    assert '<td style="text-align:right;">1</td><td style="text-align:left;">so</td>' in made
    assert '<th style="text-align:left;" scope="row">a</th>' in made


def test_styles_go_where_they_belong() -> None:
    made = table(Table(title="T", header=("x",), rows=(("a",),), note="n"), styles={"p": "color:red"})
    assert '<p style="color:red">n</p>' in made
    assert made.count("color:red") == 1
