"""When groups share a slope: drawn at random, seen before, and one of them small."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twobytwo import Design, compress
from twobytwo.data.slopes import common_slope


def users(*sizes: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    arm = np.repeat(np.arange(len(sizes)), sizes)
    pre = rng.normal(50, 10, len(arm))
    return pd.DataFrame(
        {"user": range(len(arm)), "arm": arm, "pre": pre, "post": pre + rng.normal(0, 5, len(arm))}
    )


def wide(*sizes: int, randomised: bool = True) -> bool:
    design = Design.did_wide(
        before_column="pre", after_column="post", group="arm", unit="user", randomised=randomised
    )
    return common_slope(compress(users(*sizes), design))


@pytest.mark.parametrize(("control", "treated", "shared"), [(81, 19, True), (80, 20, False), (19, 81, True)])
def test_under_a_fifth_of_two_groups_is_small(control: int, treated: int, shared: bool) -> None:
    assert wide(control, treated) is shared


def test_groups_that_were_not_drawn_at_random_have_their_own_slopes() -> None:
    assert not wide(90, 10, randomised=False)


def test_many_groups_of_one_size_are_not_small() -> None:
    for sizes, shared in (((50, 50, 50, 50, 50, 50), False), ((200, 60, 40), True)):
        design = Design.compare(
            outcome="post",
            group="arm",
            control=0,
            treatment=list(range(1, len(sizes))),
            unit="user",
            before_column="pre",
        )
        assert common_slope(compress(users(*sizes), design)) is shared


def test_rows_without_users_have_no_slope() -> None:
    rows = users(90, 10).melt(["user", "arm"], ["pre", "post"], var_name="when", value_name="y")
    design = Design.did(outcome="y", group="arm", period="when", randomised=True)
    assert not common_slope(compress(rows, design))
