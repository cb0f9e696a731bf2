"""The answer under every combination of choices, and which of them alone changes the decision."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from skewed import DID, with_zeros

import twobytwo as tbt
from twobytwo.check import sensitivity
from twobytwo.check.sensitivity import Sensitivity
from twobytwo.data.cells import compress


@pytest.fixture(scope="module")
def analysed() -> tbt.Analysis:
    return tbt.analyze(with_zeros(8_000), DID)


@pytest.fixture(scope="module")
def tried(analysed: tbt.Analysis) -> Sensitivity:
    return analysed.sensitivity(["hurdle_lognormal", "lognormal", "student_t"])


def test_the_panel_has_a_row_for_every_combination(tried: Sensitivity, analysed: tbt.Analysis) -> None:
    rows = tried.table
    assert rows.columns.tolist() == [
        "family",
        "prior",
        "values",
        "trend",
        "mean",
        "lower",
        "upper",
        "p_harm",
        "p_material_harm",
        "median",
        "verdict",
        "fidelity",
        "method",
    ]
    choices = rows[["family", "prior", "values", "trend"]]
    assert not choices.duplicated().any()
    assert {name: set(column) for name, column in choices.items()} == {
        "family": {"normal", "hurdle_lognormal"},
        "prior": {"default", "flat", "sceptical"},
        "values": {"all", "capped", "without the top 0.1 %"},
        "trend": {"additive", "multiplicative"},
    }
    assert len(rows) == 2 * 3 * 3 * 2
    # The analysis itself comes first.
    first = rows.iloc[0]
    assert first[["family", "prior", "values", "trend", "method"]].tolist() == [
        "normal",
        "default",
        "all",
        "additive",
        "fitted",
    ]
    assert first["median"] == pytest.approx(analysed.headline.median, abs=0.01 * analysed.headline.sd)
    assert first["p_material_harm"] == pytest.approx(analysed.headline.p_material_harm)


def test_what_was_not_tried_is_said_with_the_reason(tried: Sensitivity) -> None:
    left_out = " ".join(tried.left_out)
    assert re.search(r"lognormal was not tried.*zeros", left_out)
    assert "student_t was not tried: its effect is on a location." in tried.left_out


def test_each_row_is_the_analysis_of_that_choice(tried: Sensitivity) -> None:
    """Capped at the 99 % quantile of the largest cell; the panel's fit has 2,000 draws."""
    frame = with_zeros(8_000)
    row = tried.table.set_index(["family", "prior", "values", "trend"]).loc[
        ("normal", "default", "without the top 0.1 %", "additive")
    ]
    kept = frame[frame["minutes"] <= frame["minutes"].quantile(0.999)]
    means = kept.groupby(["g", "t"])["minutes"].mean()
    raw = means[1, 1] - means[1, 0] - means[0, 1] + means[0, 0]
    sd = (row["upper"] - row["lower"]) / (2 * 1.96)
    assert row["median"] == pytest.approx(raw, abs=0.15 * sd)
    multiplied = tried.table.set_index(["family", "prior", "values", "trend"]).loc[
        ("normal", "default", "all", "multiplicative")
    ]
    means = frame.groupby(["g", "t"])["minutes"].mean()
    expected = means[1, 1] - means[1, 0] * means[0, 1] / means[0, 0]
    assert multiplied["median"] == pytest.approx(expected, abs=0.15 * sd)


def test_the_choice_that_alone_flips_the_decision_is_named(tried: Sensitivity) -> None:
    """The treated are a third of the control users: +22 % on both sides is harm if trends add."""
    rows = tried.table.set_index(["family", "prior", "values", "trend"])["verdict"]
    assert rows["normal", "default", "all", "additive"] == "harm"
    assert rows["normal", "default", "all", "multiplicative"] != "harm"
    flipped = rows["normal", "default", "all", "multiplicative"]
    assert f"trend: multiplicative ({flipped})" in tried.flips
    assert "trend: multiplicative" in tried.text
    assert not [flip for flip in tried.flips if flip.startswith("prior")]
    assert 0 < tried.prior_weight < 0.05
    assert str(tried).endswith("\n".join(tried.left_out))


def test_cells_alone_have_no_rows_to_cap() -> None:
    result = tbt.analyze(compress(with_zeros(8_000), DID), DID)
    panel = result.sensitivity([])
    assert set(panel.table["values"]) == {"all"}
    assert all("the rows are not at hand" in said for said in panel.left_out)
    assert len(panel.left_out) == 2


def test_a_family_refused_by_its_gates_does_not_flip_a_decision() -> None:
    """Shown with what spoke against it, but not trusted."""
    rows = pd.DataFrame(
        {
            "family": ["normal", "lognormal", "tail"],
            "prior": "default",
            "values": "all",
            "trend": "additive",
            "verdict": ["open", "harm", "harm"],
            "fidelity": ["ok", "mean_fidelity", "ok"],
        }
    )
    assert sensitivity._flips(rows) == ("family: tail (harm)",)
