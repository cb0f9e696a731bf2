"""Values after by the value before, against sums over the users themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from twobytwo.ask.design import Design
from twobytwo.data.cells import compress
from twobytwo.data.given import Given


def users(n: int = 4_000, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    before = rng.lognormal(3, 1, n)
    after = rng.gamma(2, (5 + before) / 4)
    # Users who are not active in both periods have no place here.
    after[: n // 10] = 0
    return pd.DataFrame({"user": np.arange(n), "arm": np.arange(n) % 2, "before": before, "after": after})


def given(table: pd.DataFrame) -> Given:
    design = Design.did_wide(before_column="before", after_column="after", group="arm", unit="user")
    return compress(table, design).joint.given


def test_nodes_stand_for_the_users() -> None:
    """Sums of a smooth function of the value before, of users and of their values after."""
    table, nodes = users(), given(users()).nodes()
    for arm, part in table[table["after"] > 0].groupby("arm"):
        at = nodes.isel(arm=arm)
        curve, on_nodes = np.log1p(part["before"] / 7), np.log1p(at["before"] / 7)
        np.testing.assert_allclose((at["counts"] * on_nodes).sum(), curve.sum(), rtol=1e-6)
        np.testing.assert_allclose((at["total"] * on_nodes).sum(), (part["after"] * curve).sum(), rtol=1e-6)
        np.testing.assert_allclose(at["counts"].sum(), len(part), rtol=1e-12)
        np.testing.assert_allclose(at["users"].sum(), len(part), rtol=1e-12)
        np.testing.assert_allclose(at["total"].sum(), part["after"].sum(), rtol=1e-12)


def test_halves_add_up_and_units_do_not_matter() -> None:
    table = users()
    whole = given(table)
    halves = given(table[:1_500]) + given(table[1_500:])
    for name in ("n", "t0"):
        np.testing.assert_allclose(halves.frame[name].sum(), whole.frame[name].sum(), rtol=1e-12)
    there_and_back = whole.scaled(8.0).scaled(1 / 8).frame
    pd.testing.assert_frame_equal(there_and_back, whole.frame, check_exact=True, check_dtype=False)
    moved = whole.scaled(8.0).nodes()
    np.testing.assert_allclose(moved["total"].sum(), 8 * whole.nodes()["total"].sum(), rtol=1e-12)


def test_nobody_has_no_sums() -> None:
    nobody = Given.nobody({"arm": ("0", "1")})
    assert nobody.frame.empty
    assert (nobody + given(users())).frame["n"].sum() == given(users()).frame["n"].sum()
