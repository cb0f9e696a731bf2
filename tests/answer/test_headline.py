"""The headline as a record."""

from __future__ import annotations

from twobytwo.answer.headline import Headline


def test_a_statement_is_its_sentences() -> None:
    stated = Headline(
        status="ok",
        family="normal",
        estimand="mean",
        effect="did",
        scale="additive",
        unit="",
        ci_prob=0.95,
        margin=0.0,
        max_probability=0.05,
        sentences=("No harm.", "Treated users gained 3."),
    )
    assert stated.statement == "No harm. Treated users gained 3."
    assert stated.arms == ()
