"""Tables of words: the numbers themselves are tested where they are written, in the reports."""

from __future__ import annotations

import pandas as pd

import twobytwo as tbt
from twobytwo import tables


def test_every_row_has_a_text_for_every_column(active_minutes_result: tbt.Analysis) -> None:
    made = [
        tables.effects_table(active_minutes_result),
        tables.crosscheck_table(active_minutes_result),
        tables.sensitivity_table(active_minutes_result),
        tables.cells_table(active_minutes_result.cells, analysis=active_minutes_result),
    ]
    for table in made:
        assert {len(row) for row in table.rows} == {len(table.header)}
        assert all(isinstance(text, str) for row in table.rows for text in row)


def test_a_choice_without_an_answer_says_so(active_minutes_result: tbt.Analysis, monkeypatch) -> None:
    panel = active_minutes_result.sensitivity().reset_index()
    panel["family"] = ["normal", "normal", "gamma"]
    panel.loc[2, ["mean", "lower", "upper", "p_harm", "p_material_harm"]] = float("nan")
    monkeypatch.setattr(tbt.Analysis, "sensitivity", lambda _: panel)
    rows = tables.sensitivity_table(active_minutes_result).rows
    assert rows[2] == ("prior sceptical, family gamma", *["no answer"] * 4)
    assert rows[0][0] == "prior default, family normal"


def test_choices_of_a_numeric_kind_are_named() -> None:
    panel = pd.DataFrame({"prior": ["default"] * 2, "cap": [None, 0.99], "mean": [1.0, 2.0]})
    assert tables.choices(panel.set_index("prior")) == ["nan", "0.99"]


def test_the_picture_is_described(active_minutes_result: tbt.Analysis) -> None:
    assert tables.picture_in_words(active_minutes_result).startswith(
        "Posterior of the difference-in-differences of mean minutes: median +22"
    )
    assert tables.picture_in_words(active_minutes_result).endswith("The margin of harm is at -5.")
