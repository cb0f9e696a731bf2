"""Shared words: a line never ends between a number and its unit."""

from __future__ import annotations

import pytest

from twobytwo.ask.design import Design
from twobytwo.show.words import STATUS, glued, harm_of, visible


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        (
            "lowers by more than 5 minutes is < 0.1 %",
            ["lowers", "by", "more", "than", "5~minutes", "is", "<~0.1~%"],
        ),
        ("+176.8 to +269.1", ["+176.8~to", "+269.1"]),
        ("96,330 rows from x", ["96,330~rows", "from", "x"]),
    ],
)
def test_numbers_keep_their_units(said: str, lines: list[str]) -> None:
    assert glued(said).replace("\N{NO-BREAK SPACE}", "~").split(" ") == lines


def test_a_status_is_a_plain_word() -> None:
    assert STATUS == {"pass": "passed", "warn": "warning", "refuse": "refused", "skip": "skipped"}


def test_every_treatment_that_may_harm_is_named() -> None:
    levels = {"control": "a", "treatment": ["b", "c"]}
    design = Design.compare(outcome="spend", group="arm", margin=2, **levels)
    assert harm_of(design) == "Harm: arm b or arm c makes spend decrease by more than 2"


def test_what_a_terminal_would_obey_is_shown() -> None:
    assert visible("a\x1b[2Jb\u202ec\r\nd") == "a\\x1b[2Jb\\u202ec\\r\nd"
    assert visible("5\N{NO-BREAK SPACE}minutes − é") == "5\N{NO-BREAK SPACE}minutes − é"
    assert visible("\udcff") == "\\udcff"
