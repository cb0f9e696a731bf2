"""A result shows itself: the statement first, and nothing where it is refused."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

import twobytwo as tbt
from twobytwo.check.gate import Gate

VOID = {"img", "br", "hr"}


class Outline(HTMLParser):
    """Tags in order, whether they nest, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_notebooks_show_statement_picture_table_details(active_minutes_result: tbt.Analysis) -> None:
    made = active_minutes_result._repr_html_()
    page = Outline(made)
    assert page.text.strip().startswith(active_minutes_result.statement)
    order = [tag for tag, _ in page.tags]
    assert [tag for tag in order if tag in ("img", "table")][:2] == ["img", "table"]
    picture = next(attributes for tag, attributes in page.tags if tag == "img")
    assert picture["src"].startswith("data:image/png;base64,")
    assert picture["alt"].startswith("Posterior of the difference-in-differences of mean minutes: median +22")
    assert order.count("details") == 5
    # GitHub and VS Code run no script and drop style sheets.
    assert not {"script", "style", "link", "svg"} & set(order)
    assert "http" not in made
    # Both themes: text has the notebook's colour, and only the picture brings its own ground.
    assert [tag for tag, a in page.tags if "background:white" in (a.get("style") or "")] == ["img"]


def test_checks_that_are_not_green_are_in_the_open(active_minutes_result: tbt.Analysis) -> None:
    warning = Gate(
        name="ess_bulk",
        subject="sampler",
        status="warn",
        value=812.3,
        warn=1000.0,
        refuse=400.0,
        message="Draw <more>.",
    )
    warned = dataclasses.replace(active_minutes_result, gates=(warning, *active_minutes_result.gates[:3]))
    made = warned._repr_html_()
    said = "warning ess_bulk = 812 (warns below 1000, refuses below 400): Draw <more>."
    # How it is known is folded away; a warning is not.
    in_the_open = re.sub(r"<details.*?</details>", "", made, flags=re.DOTALL)
    assert said in Outline(in_the_open).text
    assert said in " ".join(str(warned).split())
    assert "Checks: 3 of 4 passed" in Outline(made).text


@pytest.mark.parametrize("show", [str, tbt.Analysis._repr_html_], ids=["terminal", "notebook"])
def test_a_refused_headline_shows_why_and_no_estimate(refused_result: tbt.Analysis, show) -> None:
    made = show(refused_result)
    text = made if show is str else Outline(made).text
    assert " ".join(text.split()).startswith(" ".join(refused_result.statement.split())[:60])
    assert "refused" in text
    assert "<img" not in made
    assert "interval" not in text
    # A p-value such as 2e-05 is none; nor may a check of the prior say what the statement does not.
    assert re.search(r"(?<!e)[-+]\d|99.9 %|P\(harm\)", text) is None
