"""Orchestration: cells made earlier, and what they may be asked again."""

from __future__ import annotations

import numpy as np
import pytest

import twobytwo as tbt
from twobytwo.ask import contrast as contrasts
from twobytwo.ask.contrast import Contrast
from twobytwo.show.json import to_dict
from twobytwo.show.markdown import markdown

DESIGN = tbt.Design.interaction(outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"))


def test_compressed_cells_may_be_asked_with_another_margin() -> None:
    cells = tbt.compress(tbt.simulate.cannibalisation(), DESIGN)
    result = tbt.analyze(cells, DESIGN.measuring(margin=2.0, measure="points"))
    assert result.headline.margin == 2.0
    assert result.headline.unit == "points"


def test_other_values_need_other_cells() -> None:
    cells = tbt.compress(tbt.simulate.cannibalisation(), DESIGN)
    with pytest.raises(tbt.DesignError, match=r"cap differ\. Compress again"):
        tbt.analyze(cells, DESIGN.measuring(cap=15.0))


def test_a_contrast_is_added_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/design.md says so: effects, checks, tables and reports take it from the design's list."""
    diagonal = Contrast(name="swap", label="first for second{on}", corners=((0, 1), (1, 0)))
    given = contrasts._CONTRASTS["interaction"]
    added = {**contrasts._CONTRASTS, "interaction": lambda design: (*given(design), diagonal)}
    monkeypatch.setattr(contrasts, "_CONTRASTS", added)
    result = tbt.analyze(tbt.simulate.cannibalisation(), DESIGN)
    draws = result.effects["swap"]
    means = result.cells.moments()["mean"].to_numpy()
    assert float(draws.mean()) == pytest.approx(means[1, 0] - means[0, 1], abs=0.05)
    assert np.allclose(draws, result.effects["first_alone"] - result.effects["second_alone"])
    assert result.harm(effect="swap").p_harm.value < 0.01
    assert "first for second" in markdown(result)
    assert "swap" in {effect["effect"] for effect in to_dict(result)["effects"]}
