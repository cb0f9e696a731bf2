"""What absent users might have done, against tables in which they did it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from twobytwo.ask.design import Design
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.readings import Absences, TippingPoint, _remoteness, absences
from twobytwo.data.cells import Cells, compress


@pytest.fixture(scope="module")
def wide() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    arm = np.repeat(["control", "treatment"], 1_000)
    pre = rng.gamma(4, 25, 2_000)
    post = 10 + 0.8 * pre + rng.gamma(1, 10, 2_000) + 4 * (arm == "treatment")
    frame = pd.DataFrame({"user": range(2_000), "arm": arm, "pre": pre, "post": post})
    frame.loc[:49, "post"] = np.nan
    frame.loc[1_000:1_099, "post"] = np.nan
    frame.loc[1_100:1_119, "pre"] = np.nan
    return frame


def cells_of(wide: pd.DataFrame, missing: Any = "available", **changes: Any) -> Cells:
    columns = {"before_column": "pre", "after_column": "post", "group": "arm", "unit": "user"}
    return compress(wide, Design.did_wide(**(columns | {"missing": missing, "margin": 1.0} | changes)))


def found_in(cells: Cells) -> Absences:
    found = absences(cells, robust_check(cells))
    assert found is not None
    return found


def test_readings_are_those_of_the_policies(wide: pd.DataFrame) -> None:
    readings = {reading.name: reading for reading in found_in(cells_of(wide)).readings}
    assert list(readings) == ["drop", "zero", "available"]
    for name, reading in readings.items():
        own = robust_check(cells_of(wide, name))
        assert (reading.estimate, reading.se) == pytest.approx((own.estimate, own.se), rel=1e-9)


def test_of_users_left_out_only_their_number_is_known(wide: pd.DataFrame) -> None:
    assert [reading.name for reading in found_in(cells_of(wide, "drop")).readings] == ["drop"]
    zero = cells_of(wide, "zero")
    assert absences(zero, robust_check(zero)) is None
    complete = cells_of(wide.dropna())
    assert absences(complete, robust_check(complete)) is None


@pytest.mark.parametrize("randomised", [False, True])
def test_at_its_tipping_point_the_effect_is_on_the_limit_of_a_verdict(
    wide: pd.DataFrame, randomised: bool
) -> None:
    """Absent treated users get values of that average; the others those that were assumed of them."""
    cells = cells_of(wide, randomised=randomised)
    robust, found = robust_check(cells), found_in(cells)
    points = {(point.group, point.period): point for point in found.tipping_points}
    assert points["treatment", "after"].absent == 100
    assert (("treatment", "before") in points) is not randomised
    point = points["treatment", "after"]
    moved = robust.estimate + 0.1 * (1_000 / 1_000) * (point.average - point.assumed)
    p = stats.norm.sf((1.0 + moved) / robust.se)
    assert min(p, 1 - p) == pytest.approx(0.05, abs=1e-9)


def test_filling_in_what_is_assumed_gives_the_effect_that_is_found(wide: pd.DataFrame) -> None:
    points = found_in(cells_of(wide)).tipping_points
    filled = wide.copy()
    for point in points:
        column = "pre" if point.period == "before" else "post"
        own = (wide["arm"] == point.group) & wide[column].isna()
        assert own.sum() == point.absent
        filled.loc[own, column] = point.assumed
        low, high = 0.0, wide[column][wide["arm"] == point.group].quantile(0.9)
        assert (point.low, point.high) == pytest.approx((low, high), rel=0.02)
    means = filled.groupby("arm")[["pre", "post"]].mean().to_numpy()
    effect = (means[1, 1] - means[1, 0]) - (means[0, 1] - means[0, 0])
    assert effect == pytest.approx(robust_check(cells_of(wide)).estimate, abs=1e-6)


@pytest.mark.parametrize(("harm", "margin"), [("decrease", 1.0), ("increase", 1.0), ("increase", 0.0)])
def test_a_verdict_flips_only_if_something_plausible_flips_it(
    wide: pd.DataFrame, harm: Any, margin: float
) -> None:
    cells = cells_of(wide, harm=harm, margin=margin)
    found, robust = found_in(cells), robust_check(cells)
    assert found.low < robust.estimate < found.high
    verdicts = {reading.verdict for reading in found.readings} | {found.verdict}
    assert found.flips is (len(verdicts) > 1 or any(point.plausible for point in found.tipping_points))
    far = cells_of(wide.assign(post=wide["post"] + 90 * (wide["arm"] == "treatment")), harm=harm)
    assert not found_in(far).flips


def test_who_wants_to_be_surer_has_other_verdicts(wide: pd.DataFrame) -> None:
    cells = cells_of(wide)
    robust = robust_check(cells)
    p = float(stats.norm.sf((1.0 + robust.estimate) / robust.se))
    verdicts = [absences(cells, robust, max_probability=limit) for limit in (0.99 * p, 1.01 * p)]
    assert [found.verdict for found in verdicts if found] == ["open", "no harm"]


def test_of_plausible_tipping_points_the_one_nearest_to_what_is_assumed_is_first() -> None:
    def point(average: float, assumed: float) -> TippingPoint:
        return TippingPoint(
            group="0", period="0", absent=9, average=average, assumed=assumed, low=0.0, high=40.0
        )

    far, near, outside = point(14.0, 24.0), point(20.0, 24.0), point(41.0, 24.0)
    assert sorted([far, outside, near], key=_remoteness) == [near, far, outside]
