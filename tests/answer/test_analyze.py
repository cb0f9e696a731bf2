"""Orchestration: cells made earlier, and what they may be asked again."""

from __future__ import annotations

import pytest

import twobytwo as tbt

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
