"""HTML: what is text stays text."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np
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


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "link", "warn"])
@pytest.mark.parametrize("paper", ["paper", "tint"])
def test_text_stands_out_from_its_ground(mode: int, ink: str, paper: str) -> None:
    style = files("twobytwo.show.html").joinpath("templates/page.css").read_text(encoding="utf-8")
    modes = [dict(re.findall(r"--(\w+): (#\w+);", block)) for block in re.findall(r":root \{(.*?)\}", style)]
    assert len(modes) == 2
    light, dark = sorted(luminance(modes[mode][name]) for name in (ink, paper))[::-1]
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


# White, and the backgrounds of JupyterLab's and VS Code's dark themes.
@pytest.mark.parametrize("background", ["#FFFFFF", "#111111", "#1E1E1E"])
@pytest.mark.parametrize("verdict", ["harm", "no harm", "open"])
def test_colours_of_verdicts_are_seen_in_light_and_dark(verdict: str, background: str) -> None:
    shades = sorted(_luminance(colour) for colour in (environment().globals["colour"](verdict), background))
    assert (shades[1] + 0.05) / (shades[0] + 0.05) >= 3


@pytest.mark.parametrize("name", ["notebook.html", "scorecard.html"])
def test_text_in_notebooks_takes_the_colour_of_the_theme(name: str) -> None:
    source = (files("twobytwo.show.html") / "templates" / name).read_text(encoding="utf-8")
    assert not re.search(r"[\"'; ]color:", source)
