"""The pictures say what the numbers say: asserted on their data, not on their pixels."""

import matplotlib as mpl
import numpy as np
import pytest

from twobytwo import plots
from twobytwo.errors import DesignError

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plots.plt.close("all")


def test_effect_picture_covers_the_posterior_and_marks_interval_and_margin(active_minutes_result):
    ax = plots.plot_effect(active_minutes_result)
    heights = [patch.get_height() * patch.get_width() for patch in ax.patches]
    assert sum(heights) == pytest.approx(1.0)
    labels = ax.get_legend_handles_labels()[1]
    # All draws gain: a swapped sign would paint them as harm.
    assert "no harm beyond the margin" in labels
    assert "harm beyond the margin" not in labels
    interval = next(line for line in ax.lines if "interval" in str(line.get_label()))
    assert tuple(interval.get_xdata()) == active_minutes_result.headline.ci
    margin = next(line for line in ax.lines if line.get_label() == "margin")
    assert set(margin.get_xdata()) == {-5.0}
    assert ax.get_xlabel() == "difference-in-differences of mean minutes (minutes)"


def test_cells_picture_has_the_cells_and_the_counterfactual(active_minutes_result):
    ax = plots.plot_cells(active_minutes_result)
    median = active_minutes_result.summary()["median"]
    drawn = {container.get_label(): container.lines[0].get_ydata() for container in ax.containers}
    assert set(drawn) == {"variant 0", "variant 1"}
    for label in "01":
        expected = [median[f"mean[{label}, {period}]"] for period in ("pre", "post")]
        np.testing.assert_allclose(drawn[f"variant {label}"], expected)
    line = next(line for line in ax.lines if "parallel trends" in str(line.get_label()))
    trend = median["mean[0, post]"] - median["mean[0, pre]"]
    np.testing.assert_allclose(line.get_ydata(), median["mean[1, pre]"] + np.array([0.0, trend]))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["period pre", "period post"]
    assert ax.get_ylabel() == "mean minutes (minutes)"


def test_interaction_is_painted_as_harm(cannibalisation_result):
    labels = plots.plot_effect(cannibalisation_result).get_legend_handles_labels()[1]
    assert "harm beyond the margin" in labels
    assert "no harm beyond the margin" not in labels


def test_a_refused_headline_is_not_drawn(active_minutes_result):
    from dataclasses import replace

    stated = replace(active_minutes_result.headline, status="refused", ci=None, statement="No statement.")
    with pytest.raises(DesignError, match="refused"):
        plots.plot_effect(replace(active_minutes_result, headline=stated))
