"""Orchestration: cells made earlier, and what they may be asked again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statements import gate

import twobytwo as tbt
from twobytwo.answer.analyze import _first_that_passes
from twobytwo.answer.options import Options
from twobytwo.ask import contrast as contrasts
from twobytwo.ask.contrast import Contrast
from twobytwo.infer.automatic import candidates
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
    with pytest.raises(tbt.DesignError, match=r"cap differ\. .*compress again"):
        tbt.analyze(cells, DESIGN.measuring(cap=15.0))


@pytest.mark.parametrize("stated", [{"control": "old"}, {"control": "old", "treatment": "new"}])
def test_cells_answer_the_design_that_they_completed(stated: dict[str, str]) -> None:
    """A design that names one level only was said to be another one, compressed again or not."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"arm": ["old", "new"] * 100, "y": rng.normal(10, 2, 200)})
    design = tbt.Design.compare(outcome="y", group="arm", **stated)
    cells = tbt.compress(frame, design)
    result = tbt.analyze(cells, design, Options(family="normal"))
    assert result.design.factors[0].levels == ("old", "new")
    turned = tbt.Design.compare(outcome="y", group="arm", control="new")
    with pytest.raises(tbt.DesignError, match=r"another design: the levels of 'arm' differ.*cells\.design"):
        tbt.analyze(cells, turned)


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


# --- Which family answers ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def uneven() -> tbt.Cells:
    """Rows whose difference of means is skewed: few, heavy-tailed, and one group much smaller."""
    rng = np.random.default_rng(8)
    arm = (np.arange(12_000) < 600).astype(int)
    y = 20 * stats.genpareto.rvs(0.4, size=12_000, random_state=rng)
    frame = pd.DataFrame({"y": y, "arm": arm, "when": np.arange(12_000) % 2})
    design = tbt.Design.did(
        outcome="y", group="arm", period="when", control=0, treatment=1, before=0, after=1
    )
    return tbt.compress(frame, design)


def tried_with(passing: str, fitted: list[str]) -> Any:
    """Fit nothing: remember who would have been, and let one pass."""

    def tried(family: Any) -> tuple[Any, list[Any]]:
        fitted.append(family.name)
        return family.name, [gate("spread_fidelity", "family", 1.0 if family.name == passing else 9.0)]

    return tried


def test_what_the_cells_refuse_is_not_fitted(uneven: tbt.Cells) -> None:
    fitted: list[str] = []
    listed = candidates(uneven)
    assert [one.family.name for one in listed] == ["normal", "lognormal", "tail"]
    answers, _, note, passes = _first_that_passes(listed, tried_with("tail", fitted), uneven)
    assert (answers, passes, fitted) == ("tail", True, ["tail"])
    assert note.startswith("The tail family answers (normal and lognormal did not pass their checks):")


def test_what_is_tried_only_if_clean_is_passed_over_in_silence(uneven: tbt.Cells) -> None:
    fitted: list[str] = []
    listed = candidates(uneven)
    strict = replace(listed[0], reason="strata are no narrower", only_if_clean=True)
    _, _, note, _ = _first_that_passes((strict, *listed[1:]), tried_with("tail", fitted), uneven)
    assert note.startswith("The tail family answers (lognormal did not pass its checks):")
    even = tbt.compress(tbt.simulate.cannibalisation(), DESIGN)
    _, _, note, _ = _first_that_passes((strict, *candidates(even)), tried_with("normal", fitted), even)
    assert note == "The normal family answers: strata are no narrower."


def test_if_none_passes_the_normal_says_why(uneven: tbt.Cells) -> None:
    fitted: list[str] = []
    answers, _, note, passes = _first_that_passes(candidates(uneven), tried_with("none", fitted), uneven)
    assert (answers, passes, fitted) == ("normal", False, ["tail", "normal"])
    assert note == "No other family passed its checks (lognormal and tail)."


def test_where_the_normal_is_withheld_a_family_that_passes_answers(uneven: tbt.Cells) -> None:
    """Asked for by name: the normal's skewness is refused, and the tail, whose checks pass, answers."""
    result = tbt.analyze(uneven, uneven.design, Options(family="normal"))
    assert (result.headline.status, result.headline.family) == ("fallback", "tail")
    assert result.refused_fit is not None
    assert result.refused_fit.family.name == "normal"
    assert "The normal family was refused; the tail answers instead." in " ".join(result.headline.how)
