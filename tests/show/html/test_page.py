"""The HTML report: one file that says what the analysis found, moves its margin, and asks no network."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import twobytwo as tbt
from twobytwo.answer.plan import read_plan
from twobytwo.show import plots, tables
from twobytwo.show.html import page

PLAN = Path(__file__).parents[3] / "models" / "active_minutes.toml"
VOID = {"img", "meta", "input"}


class Page(HTMLParser):
    """Elements in order, the visible text, and whether tags nest."""

    def __init__(self, made: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(made)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def curve_of(made: str) -> dict[str, list]:
    (found,) = re.findall(r'<script type="application/json" id="curve">(.*?)</script>', made)
    return json.loads(found)


@pytest.fixture(scope="module")
def made(active_minutes_result: tbt.Analysis) -> str:
    return page.html(active_minutes_result, read_plan(PLAN))


@pytest.fixture(scope="module")
def refused_page(refused_result: tbt.Analysis) -> str:
    return page.html(refused_result)


def test_the_page_reads_from_question_to_provenance(made: str, active_minutes_result: tbt.Analysis) -> None:
    found = Page(made)
    order = [
        "Active minutes: did the treated users gain or lose?",
        "Difference-in-differences of minutes. Harm: the treatment makes minutes decrease by more than 5",
        "The answer",
        "No harm that matters.",
        "How we know",
        "Every probability is given these data",
        "What would change the answer",
        "Checks",
        "Assumptions",
        "parallel trends",
        "Method and provenance",
        read_plan(PLAN).sha256,
        active_minutes_result.cells.fingerprint,
    ]
    body = found.text[found.text.index(order[1]) - 100 :]
    positions = [body.index(words) for words in order[1:]]
    assert positions == sorted(positions)
    # The whole statement is there, its first sentence set apart.
    assert "".join(active_minutes_result.statement.split()) in "".join(found.text.split())
    for fact in ("seed", "pymc 6", "twobytwo ", "UTC", "20240229"):
        assert fact.casefold() in found.text.casefold()


def test_numbers_are_those_of_the_text_report(made: str, active_minutes_result: tbt.Analysis) -> None:
    words = " ".join(Page(made).text.split())
    for table in (tables.effects_table, tables.crosscheck_table, tables.sensitivity_table):
        for row in table(active_minutes_result).rows:
            assert all(" ".join(text.split()) in words for text in row)


def test_headings_are_in_order_and_everything_is_labelled(made: str, refused_page: str) -> None:
    for content in (made, refused_page):
        found = Page(content)
        assert found.all("html") == [{"lang": "en"}]
        levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h\d", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        assert all(len(image["alt"] or "") > 20 for image in found.all("img"))
        labels = {label["for"] for label in found.all("label")}
        assert {field["id"] for field in found.all("input")} == labels
        ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        assert {section["aria-labelledby"] for section in found.all("section")} <= set(ids)
        assert all("scope" in attributes for attributes in found.all("th"))
    assert len(Page(made).all("img")) == 5


def test_nothing_is_fetched_and_the_browser_is_told_so(made: str) -> None:
    found = Page(made)
    policy = next(meta["content"] for meta in found.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'")
    addresses = [
        value
        for _, attributes in found.elements
        for name, value in attributes.items()
        if name in ("src", "href", "action")
    ]
    assert addresses
    assert all(address.startswith("data:image/svg+xml;base64,") for address in addresses)
    assert "@import" not in made
    assert "url(" not in re.sub(r"base64,[^\"]*", "", made)


def test_the_embedded_curve_is_the_draws(made: str, active_minutes_result: tbt.Analysis) -> None:
    curve = curve_of(made)
    assert curve["margins"][0] == 0
    assert curve["margins"] == sorted(set(curve["margins"]))
    assert len({len(values) for values in curve.values()}) == 1
    at = curve["margins"].index(5.0)
    assert curve["texts"][at] == "5 minutes"
    assert curve["probabilities"][at] == str(active_minutes_result.harm().p_material_harm)
    assert Page(made).all("input")[0]["value"] == str(at)


def test_every_margin_of_the_curve_says_what_harm_says(cannibalisation_result: tbt.Analysis) -> None:
    curve = page.harm_curve(cannibalisation_result)
    assert len(curve) > 100
    for margin, written in curve[::9]:
        assert written == str(cannibalisation_result.harm(margin=margin).p_material_harm)
    assert (curve[0][1], curve[-1][1]) == ("> 99.9 %", "< 0.1 %")


def test_a_refused_page_has_no_estimate(refused_page: str, refused_result: tbt.Analysis) -> None:
    found = Page(refused_page)
    assert "No statement is made." in found.text
    assert "refused ess_bulk" in found.text
    assert found.all("img") + found.all("script") + found.all("input") == []
    assert re.search(r"(?<![\d:e])[-+]\d|> 99.9 %", found.text.split("Method and provenance")[0]) is None
    assert "interval" not in found.text
    assert refused_result.cells.fingerprint in found.text


def test_a_failing_picture_fails_the_report(
    active_minutes_result: tbt.Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        msg = "no such colour"
        raise ValueError(msg)

    target = tmp_path / "report.html"
    target.write_text("old")
    monkeypatch.setattr(plots, "plot_harm", broken)
    with pytest.raises(ValueError, match="no such colour"):
        active_minutes_result.report(target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_names_from_the_data_are_text(refused_result: tbt.Analysis) -> None:
    class Hostile:
        title = "<script>alert(1)</script>"
        path = Path("<b>")
        sha256 = '"><i>'
        source = "&amp;"

    made = page.html(refused_result, Hostile())
    assert "alert(1)</script>" not in made
    assert Page(made).all("b") + Page(made).all("i") == []
    assert "&amp;" in Page(made).text
