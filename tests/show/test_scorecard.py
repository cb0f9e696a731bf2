"""A scorecard as text, Markdown, JSON, HTML and picture: the same rows, every text escaped."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib import image as mpimg

import twobytwo as tbt
from twobytwo.answer.card import Scorecard
from twobytwo.errors import DesignError
from twobytwo.show import scorecard as show


@pytest.fixture(scope="module")
def card() -> Scorecard:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"arm": np.arange(2_000) % 2})
    frame["minutes"] = rng.gamma(2, 20, 2_000) * (1 + 0.1 * frame["arm"])
    frame["<b>|x"] = rng.random(2_000) < 0.2
    frame["around nothing"] = rng.normal(0, 1, 2_000)
    return tbt.scorecard(
        frame,
        group="arm",
        metrics=[
            {"column": "minutes", "role": "primary", "measure": "minutes"},
            {"column": "<b>|x", "kind": "share", "role": "guardrail", "harm": "decrease", "margin": 2},
            "around nothing",
        ],
    )


def test_rows_have_the_numbers_of_the_entries(card: Scorecard) -> None:
    first, second, third = show.rows(card)
    assert first["metric"] == "minutes"
    assert first["effect"].endswith(" minutes")
    assert first["relative"] == f"{100 * (card.entries[0].relative or 0):+.1f} %"
    assert second["P(harm)"].endswith("(> 2 points)")
    assert third["role"] == "information"


def test_no_harm_within_a_margin_is_no_harm_that_matters() -> None:
    frame = pd.DataFrame({"arm": [0, 1] * 500, "y": np.random.default_rng(1).normal(10, 1, 1_000)})
    frame["y"] += frame["arm"]
    frame["same"] = frame["y"] + 1
    found = tbt.scorecard(frame, group="arm", metrics=["y", {"column": "same", "margin": 0.5}])
    assert [entry.verdict for entry in found.entries] == ["no harm", "no harm"]
    assert [row["verdict"] for row in show.rows(found)] == ["no harm", "no harm that matters"]
    assert "border-left: 4px solid #767676" not in show.fragment(found)


def test_each_treatment_has_its_part_in_every_form(arms: Scorecard, tmp_path: Path) -> None:
    headings = ["blue against control: launch", "green against control: do not launch"]
    for made in (show.text(arms), show.markdown(arms), show.fragment(arms)):
        places = [made.index(heading) for heading in headings]
        assert made.index(arms.statement[:30]) < places[0] < places[1]
        assert made.count("guardrail") >= 2
    assert show.text(arms.of("blue")).count("against") == 0
    ax = arms.plot()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[::4] == ["blue against control", "green against control"]
    assert [text.get_text() for text in ax.texts][::4] == ["launch", "do not launch"]
    assert ax.get_title(loc="left") == "Harm: crashed (green); open: 2 of 6"
    assert mpimg.imread(arms.slide(tmp_path / "arms.png")).shape[1] == 1920


def test_a_terminal_sees_the_verdict_first_and_no_line_is_too_long(card: Scorecard) -> None:
    lines = repr(card).splitlines()
    assert " ".join(lines).startswith(card.statement.split(".", maxsplit=1)[0])
    assert max(map(len, lines)) <= 88
    (head,) = (line for line in lines if line.strip().startswith("metric "))
    (row,) = (line for line in lines if line.strip().startswith("minutes "))
    assert head.index("role") == row.index("primary")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [60, 80, 120])
def test_from_60_columns_up_no_word_is_broken(
    card: Scorecard, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    made = show.text(card, to=Terminal())
    assert max(map(len, made.splitlines())) <= width
    words = set(made.split())
    for row in show.rows(card):
        for said in (row["metric"], row["role"], row["effect"], row["P(harm)"], row["verdict"]):
            assert set(said.split()) <= words, said
    # What does not fit beside the others stands below them.
    assert ("role" in made) == (width > 60)


def test_on_paper_rows_are_open_and_in_the_dark_the_page_is_dark(card: Scorecard) -> None:
    page = show.page(card)
    style = page[page.index("<style>") : page.index("</style>")]
    assert "details::details-content { content-visibility: visible" in style[style.index("@media print") :]
    assert "prefers-color-scheme: dark" in style


def test_the_forest_says_what_is_capped() -> None:
    frame = pd.DataFrame({"arm": np.arange(200) % 2, "minutes": np.arange(200.0)})
    card = tbt.scorecard(frame, group="arm", metrics=[{"column": "minutes", "cap": 150}])
    labels = [label.get_text() for label in card.plot().get_yticklabels()]
    assert labels == ["minutes, capped at 150 (information)"]


def test_markdown_escapes_names(card: Scorecard) -> None:
    written = show.markdown(card)
    assert "| \\<b\\>\\|x | guardrail |" in written
    assert "<b>" not in written
    assert "| :-- | :-- | :-- | --: | --: | :-- | :-- | :-- |" in written


def test_html_escapes_and_draws_one_interval_a_metric(card: Scorecard) -> None:
    told = card._repr_html_()
    assert "&lt;b&gt;|x" in told
    assert "<b>|x" not in told
    drawn = [entry for entry in card.entries if entry.relative is not None]
    assert told.count("<svg") == len(drawn)
    assert told.count("<details") == 3
    page = show.page(card)
    assert "default-src 'none'" in page
    assert told in page


@pytest.mark.parametrize("suffix", show.FORMATS)
def test_reports_are_files_by_their_suffix(card: Scorecard, tmp_path: Path, suffix: str) -> None:
    path = card.report(tmp_path / f"card{suffix}")
    assert path.read_text(encoding="utf-8") == show.FORMATS[suffix](card, None)


def test_a_plan_stands_at_the_head_and_foot(card: Scorecard) -> None:
    plan = SimpleNamespace(title="Can we <launch>?", path=Path("plan.toml"), sha256="ab12", source="rows.csv")
    assert show.markdown(card, plan).startswith("## Can we \\<launch\\>?\n")
    for made in (show.text(card, plan), show.markdown(card, plan).replace("\\", "")):
        assert "Can we <launch>?" in made.split("\n")[0]
        assert "sha256 ab12" in made
    assert "<title>Can we &lt;launch&gt;?</title>" in show.page(card, plan)


def test_withheld_numbers_are_nowhere() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"arm": (np.arange(2_000) % 3 == 0).astype(int), "y": rng.gamma(2, 20, 2_000)})
    card = tbt.scorecard(frame, group="arm", metrics=[{"column": "y", "role": "primary"}], expected_share=0.5)
    assert card.refused
    number = f"{card.entries[0].median:+.1f}"
    for made in (show.text(card), show.markdown(card), show.page(card)):
        assert "No verdict is stated." in made
        assert "withheld" in made
        assert number not in made
        assert "<svg" not in made
    with pytest.raises(DesignError, match=r"no estimate to draw\. No verdict is stated"):
        card.plot(tbt.plots.blank(7, 3))


def test_a_strange_suffix_is_refused(card: Scorecard, tmp_path: Path) -> None:
    with pytest.raises(DesignError, match=r"has no known suffix; a scorecard ends in .html"):
        card.report(tmp_path / "card.docx")


def test_the_forest_has_a_row_a_metric(card: Scorecard) -> None:
    ax = tbt.plots.plot_scorecard(card, tbt.plots.blank(7, 3))
    drawn = [entry for entry in card.entries if entry.relative is not None]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [f"{entry.metric.name} ({entry.role})" for entry in drawn]
    low, high = ax.lines[0].get_xdata()
    np.testing.assert_allclose([low, high], np.array(drawn[0].relative_ci) * 100)
    verdicts = [entry.verdict for entry in drawn]
    title = ax.get_title("left")
    assert all((entry.metric.name in title) == (entry.verdict == "harm") for entry in drawn)
    assert (f"open: {verdicts.count('open')} of {len(drawn)}" in title) == ("open" in verdicts)


def test_a_slide_is_16_to_9(card: Scorecard, tmp_path: Path) -> None:
    picture = mpimg.imread(card.slide(tmp_path / "launch.png"))
    assert picture.shape[:2] == (1_080, 1_920)
    with pytest.raises(DesignError, match=r"must end in \.png"):
        card.slide(tmp_path / "launch.jpg")


def test_a_slide_holds_twelve_metrics(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"m{k}" for k in range(13)]
    frame = pd.DataFrame(rng.gamma(2, 20, (200, 13)), columns=names).assign(arm=np.arange(200) % 2)
    with pytest.raises(DesignError, match="13 metrics are too many for one slide"):
        tbt.scorecard(frame, group="arm", metrics=names).slide(tmp_path / "many.png")


def test_cautions_are_sentences_below_the_table() -> None:
    frame = pd.DataFrame({"arm": np.arange(400) % 2, "bought": np.arange(400) < 12})
    card = tbt.scorecard(frame, group="arm", metrics=[{"column": "bought", "kind": "share"}])
    text = " ".join(show.text(card).split())
    assert "Caution. bought: a cell has 6 events; the prior has much weight. How we know:" in text
    assert "400 rows and 1 metric were read" in text
    assert "| a cell has 6 events; the prior has much weight |" in show.markdown(card)
