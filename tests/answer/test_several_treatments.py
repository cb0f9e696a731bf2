"""Several treatments: each has a verdict, so each is checked, whichever is named first."""

from __future__ import annotations

import warnings
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from twobytwo.answer.analysis import Analysis
from twobytwo.answer.questions import compare
from twobytwo.infer.priors import Priors
from twobytwo.show.html import page
from twobytwo.show.plots import plot_sensitivity


def rows(**last: float) -> pd.DataFrame:
    """Three arms and a control group of 400 users each; an arm's last value may be stated."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"arm": np.repeat(["a", "b", "c", "d"], 400), "y": rng.gamma(4.0, 5.0, 1_600)})
    for arm, value in last.items():
        frame.loc[frame.index[frame["arm"] == arm][-1], "y"] = value
    return frame


def answer(frame: pd.DataFrame, treatment: list[str], **options: object) -> Analysis:
    with warnings.catch_warnings(action="ignore"):
        return compare(
            frame,
            outcome="y",
            group="arm",
            control="a",
            treatment=treatment,
            harm="decrease",
            draws=1_000,
            chains=2,
            **options,
        )


@pytest.mark.parametrize("treatment", list(permutations("bcd", 3)))
def test_the_order_of_treatments_decides_nothing(treatment: tuple[str, ...]) -> None:
    found = answer(rows(c=60_000.0), list(treatment), family="normal")
    assert found.headline.status == "refused"
    gate = next(gate for gate in found.gates if gate.name == "skewness")
    assert gate.status == "refuse"
    assert gate.message.startswith("Arm c: ")
    assert "arm c" in next(gate for gate in found.gates if gate.name == "largest_share").message


def test_what_least_squares_and_priors_say_is_said_of_each() -> None:
    frame = rows()
    frame.loc[frame["arm"] == "c", "y"] -= 1.2
    found = answer(frame, ["b", "c", "d"])
    intervals, across = found.headline.how[-2:]
    assert intervals.startswith("The robust (HC2) least-squares intervals are ")
    for sentence in (intervals, across):
        assert [arm for arm in "bcd" if f"for arm {arm}" in sentence] == ["b", "c", "d"]


def test_a_prior_that_decides_about_a_later_treatment_is_told() -> None:
    frame = rows()
    frame = frame[(frame["arm"] != "c") | (frame.groupby("arm").cumcount() < 12)]
    found = answer(frame, ["b", "c", "d"], family="normal", priors=Priors(name="own", effect=0.2))
    gate = next(gate for gate in found.gates if gate.name == "prior_weight")
    assert gate.status == "warn"
    assert gate.message.startswith("Arm c: The prior has ")


def test_largest_users_are_looked_for_in_every_group() -> None:
    frame = rows(d=9_000.0).reset_index(names="user")
    found = answer(frame, ["b", "c", "d"], unit="user")
    assert set(found.largest_users()["arm"]) == {"a", "b", "c", "d"}


def test_a_panel_says_whose_it_is_and_judges_as_the_answer_does() -> None:
    frame = rows()
    frame.loc[frame["arm"] == "b", "y"] -= 0.5
    found = answer(frame, ["b", "c", "d"], family="normal", max_probability=0.3)
    tried = found.sensitivity([])
    assert tried.text.startswith("Of arm b: ")
    assert tried.table["verdict"].iloc[0] == found.headline.arms[1].verdict
    strict = answer(frame, ["b", "c", "d"], family="normal", max_probability=0.01)
    assert strict.sensitivity([]).table["verdict"].iloc[0] == strict.headline.arms[1].verdict
    assert found.headline.arms[1].verdict != strict.headline.arms[1].verdict


def test_a_report_says_whose_effect_its_pictures_show() -> None:
    found = answer(rows(), ["b", "c", "d"], family="normal")
    assert "It is the effect of arm b, as are the margin" in page.html(found)
    assert plot_sensitivity(found).get_title(loc="left").startswith("The verdict on arm b is ")


def test_what_a_cap_hides_is_told_of_each() -> None:
    found = answer(rows(c=400.0), ["b", "c", "d"], family="normal", cap=100.0)
    said = next(sentence for sentence in found.headline.how if sentence.startswith("Without the cap"))
    assert said.startswith("Without the cap the best estimates are ")
    assert [arm for arm in "bcd" if f"for arm {arm}" in said] == ["b", "c", "d"]


def test_no_one_of_a_share_weighs_more_than_another() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"arm": np.repeat(["a", "b"], 300), "y": (rng.random(600) < 0.02).astype(int)})
    found = answer(frame, ["b"], kind="share")
    assert "largest_share" not in {gate.name for gate in found.gates}
