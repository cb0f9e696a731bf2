"""The pictures say what the numbers say: asserted on their data, not on their pixels."""

from __future__ import annotations

import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import twobytwo as tbt
from twobytwo.answer.headline import Arm
from twobytwo.check.sensitivity import Sensitivity
from twobytwo.errors import DesignError
from twobytwo.show import plots
from twobytwo.show.plots.style import HARM, OWN, SAFE, SEVERAL
from twobytwo.show.tables import sensitivity_frame

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def close_call(cannibalisation_result: tbt.Analysis) -> tbt.Analysis:
    """Cannibalisation with a margin amid the posterior: harm on both sides of it."""
    cells, design = cannibalisation_result.cells, cannibalisation_result.design
    return tbt.analyze(cells, design.measuring(margin=2.9, measure="points"))


def labels_of(ax) -> list[str]:
    return ax.get_legend_handles_labels()[1]


def line(ax, label: str):
    (found,) = (line for line in ax.lines if str(line.get_label()).startswith(label))
    return found


def bars(ax, label: str):
    (found,) = (container for container in ax.containers if container.get_label() == label)
    return list(found)


def painted(ax, label: str):
    (found,) = (shape for shape in ax.collections if shape.get_label() == label)
    return found


def area(shape) -> float:
    x, y = shape.get_paths()[0].vertices.T
    return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2


def test_effect_is_drawn_where_it_is(active_minutes_result):
    ax = plots.plot_effect(active_minutes_result)
    # All draws gain: a swapped sign would paint them as harm.
    assert "harm beyond the margin" not in labels_of(ax)
    assert area(painted(ax, "no harm beyond the margin")) == pytest.approx(1.0)
    assert ax.get_title(loc="left").startswith("No harm that matters. The treated group gained 223")
    interval = line(ax, "95 % interval +17")
    assert tuple(interval.get_xdata()) == active_minutes_result.headline.ci
    assert set(line(ax, "margin of harm").get_xdata()) == {-5.0}
    rope = next(patch for patch in ax.patches if str(patch.get_label()).startswith("within"))
    assert (rope.get_x(), rope.get_width()) == (-5.0, 10.0)
    assert ax.get_xlabel() == "difference-in-differences of mean minutes (minutes)"


def test_area_painted_as_harm_is_its_probability(close_call):
    ax = plots.plot_effect(close_call)
    harm, none = (painted(ax, f"{side} beyond the margin") for side in ("harm", "no harm"))
    assert 0.5 < close_call.headline.p_material_harm < 0.95
    # A smoothed density is not the draws, but nearly.
    assert area(harm) == pytest.approx(close_call.headline.p_material_harm, abs=0.015)
    assert area(harm) + area(none) == pytest.approx(1.0)
    assert harm.get_paths()[0].vertices[:, 0].max() == pytest.approx(-2.9)
    assert mpl.colors.to_hex(harm.get_facecolor()[0]).upper() == HARM


def test_without_a_margin_harm_is_beyond_zero(cannibalisation_result):
    ax = plots.plot_effect(cannibalisation_result)
    assert "harm" in labels_of(ax)
    assert not any("margin" in label or "within" in label for label in labels_of(ax))


def test_harm_curve_goes_through_the_stated_probability(close_call):
    ax = plots.plot_harm(close_call)
    curve, point = line(ax, "probability of more harm"), line(ax, "margin 2.9 points: ")
    at, p = curve.get_data()
    assert np.all(np.diff(p) <= 0)
    assert np.interp(2.9, at, p) == pytest.approx(100 * close_call.headline.p_material_harm, abs=2)
    assert point.get_xydata().tolist() == [[2.9, pytest.approx(100 * close_call.headline.p_material_harm)]]
    # The interaction is near -3: harm, which a swapped sign would put at no harm at all.
    assert np.interp(0, at, p) == 100
    assert ax.get_xlabel() == "cannibalisation x in out, negative for a gain (points)"
    assert ax.get_ylabel() == "P(cannibalisation > x) in %"


def test_cells_of_did_have_the_counterfactual(active_minutes_result):
    ax = plots.plot_cells(active_minutes_result)
    summary = active_minutes_result.summary()
    drawn = {container.get_label(): container for container in ax.containers}
    assert set(drawn) == {"variant 0", "variant 1"}
    for label, colour in (("0", SEVERAL[0]), ("1", SEVERAL[1])):
        rows = summary.loc[[f"mean[{label}, {period}]" for period in ("pre", "post")]]
        marks, _, (intervals,) = drawn[f"variant {label}"].lines
        np.testing.assert_allclose(marks.get_ydata(), rows["median"])
        assert mpl.colors.to_hex(marks.get_color()).upper() == colour
        ends = [segment[:, 1] for segment in intervals.get_segments()]
        np.testing.assert_allclose(ends, rows[["lower", "upper"]])
    median = summary["median"]
    expected = line(ax, "expected of variant 1 had it changed")
    trend = median["mean[0, post]"] - median["mean[0, pre]"]
    np.testing.assert_allclose(expected.get_ydata(), median["mean[1, pre]"] + np.array([0.0, trend]))
    # What lies between the counterfactual and the treated is the effect.
    gap = median["mean[1, post]"] - expected.get_ydata()[1]
    assert gap == pytest.approx(active_minutes_result.headline.median, abs=2)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["period pre", "period post"]
    assert ax.get_ylabel() == "mean minutes (minutes)\n95 % intervals"
    assert ax.get_title(loc="left").startswith("The treated group gained 223 minutes")


def test_cells_of_an_interaction_have_the_expectation_without_it(cannibalisation_result):
    ax = plots.plot_cells(cannibalisation_result)
    median = cannibalisation_result.summary()["median"]
    expected = line(ax, "expected of exp1_is_treatment True without interaction").get_ydata()
    without = median["mean[True, False]"] + median["mean[False, True]"] - median["mean[False, False]"]
    assert expected[1] == pytest.approx(without)
    assert median["mean[True, True]"] - expected[1] == pytest.approx(-3, abs=0.2)
    assert ax.get_ylabel() == "mean out\n95 % intervals"


def forest(ax):
    """Centre and interval by row label."""
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    found = {}
    for container in ax.containers:
        marks, _, (intervals,) = container.lines
        for (x, row), segment in zip(marks.get_xydata(), intervals.get_segments(), strict=True):
            found[names[int(row)]] = (x, *segment[:, 0])
    return names, found


def test_crosscheck_forest_has_every_method(active_minutes_result):
    ax = plots.plot_crosscheck(active_minutes_result)
    names, found = forest(ax)
    table = active_minutes_result.crosscheck().table
    assert names == ["posterior", "ols", "ols_hc2", "bootstrap"]
    for method in names:
        np.testing.assert_allclose(found[method], table.loc[method, ["estimate", "lower", "upper"]].to_list())
    # The first row is on top.
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_sensitivity_curve_is_sorted_and_marks_the_own_choice(active_minutes_result):
    ax = plots.plot_sensitivity(active_minutes_result)
    names, found = forest(ax)
    table = sensitivity_frame(active_minutes_result)
    assert set(names) == {"default", "flat", "sceptical"}
    assert [found[name][0] for name in names] == sorted((found[name][0] for name in names), reverse=True)
    for name in names:
        np.testing.assert_allclose(found[name], table.loc[name, ["median", "lower", "upper"]].to_list())
    own, others = ax.containers
    assert own.get_label() == "this analysis, 95 % interval"
    assert names[int(own.lines[0].get_ydata()[0])] == "default"
    assert len(others.lines[0].get_ydata()) == 2


def test_a_colour_has_one_meaning():
    assert len({SAFE, HARM, OWN, *SEVERAL}) == 3 + len(SEVERAL)


def test_two_methods_can_be_drawn_alone(active_minutes_result):
    ax = plots.plot_crosscheck(active_minutes_result, methods=["posterior", "ols_hc2"])
    assert forest(ax)[0] == ["posterior", "ols_hc2"]
    assert ax.get_title(loc="left") == "The posterior and least squares agree"


def test_dollars_in_names_are_no_formula(active_minutes_result, tmp_path):
    """Between two dollars matplotlib would read one, and end with an error where it is none."""
    result = active_minutes_result
    odd = "$\\frac{$x_{"
    factors = tuple(replace(factor, label=odd) for factor in result.design.factors)
    metric = replace(result.design.metric, label=odd, measure=odd)
    design = replace(result.design, factors=factors, metric=metric)
    result = replace(
        result,
        cells=replace(result.cells, design=design),
        headline=replace(result.headline, sentences=(f"{odd}.",) * 2),
    )
    # On axes of its own and on axes that are given, whose title is there already.
    for ax in (None, plots.blank(4, 3)):
        drawn = plots.plot_cells(result, ax)
        assert odd in drawn.get_title(loc="left")
        assert plots.render(drawn, "svg")
    assert plots.render(plots.plot_effect(result, plots.blank(4, 3)), "svg")
    assert plots.slide(result, tmp_path / "slide.png").is_file()


def test_a_slide_is_16_to_9(active_minutes_result, refused_result, tmp_path):
    written = active_minutes_result.slide(tmp_path / "answer.png")
    assert plt.imread(written).shape[:2] == (1080, 1920)
    with pytest.raises(DesignError, match=r"must end in \.png"):
        active_minutes_result.slide(tmp_path / "answer.jpg")
    with pytest.raises(DesignError, match="refused"):
        refused_result.slide(tmp_path / "refused.png")


def panel_of(analysis: tbt.Analysis) -> Sensitivity:
    """A panel as `Analysis.sensitivity` makes them, without the fits."""
    frame = sensitivity_frame(analysis).reset_index()
    frame = pd.concat([frame.assign(family="normal"), frame.assign(family="tail", median=9.0)])
    frame["fidelity"] = ["ok"] * 4 + ["mean_fidelity", "ok"]
    return Sensitivity(
        table=frame.assign(verdict="no harm"),
        flips=(),
        left_out=("Not tried: gamma.",),
        prior_weight=0.01,
        power_scaling=0.0,
    )


def test_a_panel_is_a_curve_with_its_choices_below(active_minutes_result):
    panel = panel_of(active_minutes_result)
    ax = plots.plot_sensitivity(active_minutes_result, panel)
    drawn = {container.get_label(): container.lines[0].get_xydata().tolist() for container in ax.containers}
    means = sorted(panel.table["median"])
    everything = sorted(point for points in drawn.values() for point in points)
    assert everything == [[k, mean] for k, mean in enumerate(means)]
    assert len(drawn["this analysis, 95 % interval"]) == 1
    (doubted,) = drawn["its checks refuse the family"]
    assert doubted[1] == 9.0
    (below,) = ax.child_axes
    rows = [tick.get_text() for tick in below.get_yticklabels()]
    assert rows == ["prior: default", "prior: flat", "prior: sceptical", "family: normal", "family: tail"]
    marked = {rows[int(line.get_ydata()[0])]: set(line.get_xdata()) for line in below.lines}
    # The three lowest are the tails'; the refused one is flat.
    assert marked["family: tail"] == {0, 1, 2}
    assert doubted[0] in marked["prior: flat"] & marked["family: tail"]
    assert set().union(*(marked[row] for row in rows[:3])) == set(range(6))
    # Nothing is cut off.
    drawn_in, (width, height) = ax.figure.get_tightbbox(), ax.figure.get_size_inches()
    assert min(drawn_in.x0, drawn_in.y0) >= 0
    assert (drawn_in.x1, drawn_in.y1) <= (width, height)
    assert drawn_in.y1 <= height


def test_prior_is_far_wider_than_the_posterior(active_minutes_result):
    ax = plots.plot_prior_posterior(active_minutes_result)
    prior, posterior = (patch.get_data() for patch in ax.patches)
    drawn = [edges[:-1][values > 0] for values, edges, _ in (prior, posterior)]
    scale = float(active_minutes_result.posterior["constant_data"]["scale"])
    assert np.ptp(drawn[0]) == pytest.approx(2 * 1.96 * scale, rel=0.15)
    assert drawn[1].mean() == pytest.approx(active_minutes_result.headline.mean, abs=25)
    assert labels_of(ax) == ["prior (default)", "posterior"]
    assert re.fullmatch(r"The prior has 0\.\d+ % of the weight in the answer", ax.get_title("left"))


def test_predictive_shares_are_those_of_the_rows(active_minutes_result):
    panels = plots.plot_predictive(active_minutes_result)
    assert panels.shape == (2, 2)
    titles = [[ax.get_title() for ax in row] for row in panels]
    assert titles == [[f"variant {v}, period {p}" for p in ("pre", "post")] for v in (0, 1)]
    rows = tbt.simulate.active_minutes()
    for (v, p), ax in zip(((v, p) for v in (0, 1) for p in ("pre", "post")), panels.flat, strict=True):
        data = bars(ax, "rows of the data")
        assert sum(bar.get_height() for bar in data) == pytest.approx(100)
        own = rows.loc[(rows["variant"] == v) & (rows["period"] == p), "minutes"]
        middle = np.array([bar.get_x() + bar.get_width() / 2 for bar in data])
        height = np.array([bar.get_height() for bar in data])
        assert height @ middle / 100 == pytest.approx(own.mean(), abs=0.1 * own.std())


def test_zeros_stand_apart_and_a_normal_model_of_skewed_rows_is_seen_to_fail():
    rng = np.random.default_rng(3)
    frame = {"y": [], "a": [], "b": []}
    for a in (0, 1):
        for b in (0, 1):
            positive = rng.lognormal(1.0 + a + b, 1.2, 700)
            frame["y"] += [*np.zeros(300), *positive]
            frame["a"] += [a] * 1000
            frame["b"] += [b] * 1000
    result = tbt.interaction(pd.DataFrame(frame), outcome="y", factors=("a", "b"))
    panels = plots.plot_predictive(result)
    ax = panels[0, 0]
    below, zero, *_ = bars(ax, "rows of the data")
    assert (below.get_height(), zero.get_height()) == (0, pytest.approx(30))
    expected = bars(ax, "rows that the model expects (95 %)")
    # A normal fitted to zeros and a tail expects rows below zero and none at zero.
    assert expected[0].get_y() > 15
    assert expected[1].get_height() == 0
    assert [tick.get_text() for tick in panels[1, 0].get_xticklabels()][:2] == ["< 0", "0"]


def test_diagnostics_have_a_line_a_chain_and_effect(active_minutes_result):
    for picture in (plots.plot_rank(active_minutes_result), plots.plot_ecdf(active_minutes_result)):
        lines = picture.viz["ecdf_lines" if "ecdf_lines" in picture.viz.children else "rank"]["effects"]
        assert dict(lines.sizes) == {"effect": 4, "chain": 4}
        assert lines["effect"].to_numpy().tolist() == ["baseline", "gap", "trend", "did"]


@pytest.mark.parametrize("name", ["effect", "harm", "cells", "crosscheck", "sensitivity", "prior_posterior"])
def test_what_is_refused_in_words_is_not_drawn(refused_result, name):
    with pytest.raises(DesignError, match=r"refused, so there is no estimate to draw. No statement is made"):
        getattr(plots, f"plot_{name}")(refused_result)


def test_a_refused_fit_can_still_be_diagnosed(refused_result):
    assert plots.plot_predictive(refused_result).shape == (2, 2)
    assert plots.plot_ecdf(refused_result) is not None


def test_the_result_draws_itself(active_minutes_result):
    _, (left, right) = plt.subplots(1, 2)
    assert active_minutes_result.plot_effect(left) is left
    assert active_minutes_result.plot_cells(right) is right
    assert left.get_xlabel().startswith("difference-in-differences")


def test_a_picture_for_a_page_leaves_no_figure_open(active_minutes_result):
    first, again = (
        plots.encode(plots.plot_effect(active_minutes_result, plots.blank(7, 3.6)), "svg") for _ in range(2)
    )
    assert first == again
    assert plt.get_fignums() == []


def test_cells_of_several_treatments_say_which_is_best(active_minutes_result: tbt.Analysis) -> None:
    """Their title names none of them as if there were no other."""
    arms = tuple(Arm(label=label, effect="", p_best=share) for label, share in (("a", 0.2), ("b", 0.8)))
    several = replace(active_minutes_result, headline=replace(active_minutes_result.headline, arms=arms))
    title = plots.plot_cells(several).get_title(loc="left")
    assert title == "Most probably best: variant b (80 %)"
