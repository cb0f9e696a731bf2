"""Tables of words: the numbers themselves are tested where they are written, in the reports."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import twobytwo as tbt
from twobytwo.check.sensitivity import Sensitivity
from twobytwo.infer.effects import contrasts
from twobytwo.show import tables


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


def test_levels_have_no_sign_and_changes_have() -> None:
    design = tbt.Design.compare(outcome="minutes", group="g", control="a", treatment="b")
    rng = np.random.default_rng(3)
    active, among = ({"a": 0.5, "b": 0.6}, {"a": 10.0, "b": 12.0})

    def drawn(levels: dict[str, float]) -> xr.DataArray:
        values = rng.normal(list(levels.values()), 0.01, (4, 500, 2))
        return xr.DataArray(values, {"g": list(levels)}, dims=("chain", "draw", "g"))

    shares, means = drawn(active), drawn(among)
    effects = contrasts({"mean": shares * means, "P(active)": shares, "mean_among_active": means}, design)
    analysis: Any = SimpleNamespace(effects=effects, summary=lambda: effects.summary(0.95))
    written = {name: tables._estimate(analysis, name)[0] for name in effects}
    assert (written["P(active)[b]"], written["mean_among_active[b]"]) == ("0.600", "12.000")
    assert written["effect"].startswith("+2.")


def test_a_panel_says_which_family_is_refused_and_what_was_left_out(
    active_minutes_result: tbt.Analysis,
) -> None:
    frame = tables.sensitivity_frame(active_minutes_result).reset_index()
    frame = frame.assign(family=["normal", "normal", "gamma"], verdict="no harm")
    panel = Sensitivity(
        table=frame.assign(fidelity=["ok", "ok", "mean_fidelity"]),
        flips=(),
        left_out=("Not tried: tail.",),
        prior_weight=0.01,
        power_scaling=0.001,
    )
    made = tables.sensitivity_table(active_minutes_result, panel)
    assert [row[0] for row in made.rows] == [
        "prior default, family normal",
        "prior flat, family normal",
        "prior sceptical, family gamma (refused: mean_fidelity)",
    ]
    assert made.note.startswith("3 specifications; where the family passes its checks")
    assert made.note.endswith("Not tried: tail.")


def test_choices_of_a_numeric_kind_are_named() -> None:
    panel = pd.DataFrame({"prior": ["default"] * 2, "cap": [None, 0.99], "median": [1.0, 2.0]})
    assert tables.choices(panel.set_index("prior")) == ["nan", "0.99"]


def test_the_picture_is_described(active_minutes_result: tbt.Analysis) -> None:
    assert tables.picture_in_words(active_minutes_result).startswith(
        "Posterior of the difference-in-differences of mean minutes: median +22"
    )
    assert tables.picture_in_words(active_minutes_result).endswith("The margin of harm is at -5.")
