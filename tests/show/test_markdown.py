"""Markdown says what the text says, and names from the data stay literal."""

from __future__ import annotations

import re

import twobytwo as tbt
from twobytwo.show import markdown


def test_markdown_says_what_the_text_says(active_minutes_result: tbt.Analysis) -> None:
    made = markdown.markdown(active_minutes_result)
    unescaped = re.sub(r"\\(.)", r"\1", made)
    assert f"> {active_minutes_result.statement}" in unescaped.replace("**", "")
    assert re.search(
        r"\| difference-in-differences of mean minutes \| \+22\d minutes \| \+17\d to", unescaped
    )
    assert made.count("<details>") == made.count("</details>") == 3
    lines = made.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("| :--"):
            assert lines[number - 2] == ""
            assert lines[number - 1].count("|") == line.count("|") == lines[number + 1].count("|")
    total = len(active_minutes_result.gates)
    # Its groups differed by 44 % before.
    assert f"**Checks**: {total - 1} of {total} passed" in made
    assert r"**warning** baseline\_gap = 0.436" in made


def test_markdown_of_a_refused_headline_has_no_estimate(refused_result: tbt.Analysis) -> None:
    made = markdown.markdown(refused_result)
    assert "- **refused** ess\\_bulk" in made
    assert re.search(r"[-+]\d|interval", made) is None


def test_markdown_keeps_names_literal() -> None:
    words = "a|b_c <i> 1*2 `x` [y](z) #1 ~~"
    assert markdown.marked(words) == (r"a\|b\_c \<i\> 1\*2 \`x\` \[y\](z) \#1 \~\~")
