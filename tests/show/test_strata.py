"""Who gains: the table, the sentence and the picture of the strata say what the draws say."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import twobytwo as tbt
from twobytwo.show.html.notebook import notebook
from twobytwo.show.strata import strata_finding, strata_in_words, strata_table
from twobytwo.simulate import KindsOfUsers, kinds_of_users

mpl.use("Agg")


@pytest.fixture(scope="module")
def result() -> tbt.Analysis:
    return tbt.did(
        kinds_of_users(KindsOfUsers(n=2_000, seed=11)),
        outcome="minutes",
        measure="minutes",
        group="variant",
        period="period",
        unit="user_id",
        missing="zero",
        randomised=True,
        family="stratified",
    )


def with_effects(result: tbt.Analysis, top: float, others: float) -> tbt.Analysis:
    """The same answer with other relative effects; every other draw a tenth higher or lower."""
    tree = result.fit.tree.copy()
    seen = tree["posterior"]["relative_effect"]
    heaviest = np.arange(seen.sizes["stratum"]) >= seen.sizes["stratum"] - 2
    effect = xr.DataArray(np.where(heaviest, top, others), dims="stratum")
    noise = xr.DataArray(np.where(np.arange(seen.sizes["draw"]) % 2, 0.1, -0.1), dims="draw")
    tree["posterior"] = (
        tree["posterior"].to_dataset().assign(relative_effect=xr.zeros_like(seen) + effect + noise)
    )
    return replace(result, fit=replace(result.fit, tree=tree))


def test_the_table_has_every_stratum_and_all_users(result: tbt.Analysis) -> None:
    table = strata_table(result)
    draws = result.fit.tree["posterior"]["relative_effect"]
    np.testing.assert_allclose(table["median"], 100 * draws.median(("chain", "draw")))
    assert (table["lower"] < table["median"]).all()
    assert table["users"].sum() == pytest.approx(100)
    assert table["total"].sum() == pytest.approx(100)
    assert table["users"].iloc[-1] < table["total"].iloc[-1]
    assert list(table.index) == list(result.cells.strata()["stratum"].to_numpy())


def test_the_finding_names_who_does_worse(result: tbt.Analysis) -> None:
    worse = strata_finding(with_effects(result, -0.3, 0.1))
    assert worse.startswith("The heaviest ")
    assert "do worse than the others: -30 % against +10 %" in worse.replace("\N{MINUS SIGN}", "-")
    better = strata_finding(with_effects(result, 0.3, 0.1))
    assert "do better than the others: +30 % against +10 %" in better
    assert strata_finding(result).startswith("No clear difference: the heaviest ")


def test_where_an_increase_is_harm_more_is_worse(result: tbt.Analysis) -> None:
    found = with_effects(result, 0.3, 0.1)
    harmful = replace(found, design=found.design.measuring(harm="increase"))
    assert harmful.design.metric.harm_sign > 0
    assert "do worse than the others" in strata_finding(harmful)


def test_the_picture_shows_the_table_and_its_title_the_finding(result: tbt.Analysis) -> None:
    ax = result.plot_strata()
    table = strata_table(result)
    (dots,) = (bars.lines[0] for bars in ax.containers)
    np.testing.assert_allclose(dots.get_ydata(), table["median"])
    assert " ".join(ax.get_title(loc="left").split()) == strata_finding(result).removesuffix(".")
    assert "minutes before" in ax.get_xlabel()
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert len(labels) == len(table)
    assert labels[-1].split("\n")[0] == str(table.index[-1]).partition(" to ")[0]
    plt.close("all")


def test_notebook_and_report_show_it(result: tbt.Analysis, tmp_path) -> None:
    assert "Light and heavy users" in notebook(result)
    page = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The effect on light and heavy users, by what they did before." in page
    assert strata_in_words(result).split(".")[0] in page


def test_a_family_without_strata_has_no_such_picture(active_minutes_result: tbt.Analysis) -> None:
    with pytest.raises(tbt.DesignError, match=r"family='normal' has no strata of the value before"):
        active_minutes_result.plot_strata()
    assert "Light and heavy users" not in notebook(active_minutes_result)
