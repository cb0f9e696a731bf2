"""Strata of the value before: sums that add up, edges common to both groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twobytwo import Design, compress
from twobytwo.errors import DesignError

ASK = Design.compare(outcome="post", group="g", unit="id", before_column="pre")


def users(n: int = 3_000, seed: int = 1, share: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    pre = np.where(rng.random(n) < 0.2, 0.0, rng.lognormal(4, 1.5, n).round())
    post = (pre * rng.lognormal(-0.1, 0.5, n)).round() + rng.poisson(5, n)
    return pd.DataFrame(
        {"id": np.arange(n), "g": (rng.random(n) < share).astype(int), "pre": pre, "post": post}
    )


def test_sums_of_strata_are_those_of_their_users() -> None:
    frame = users()
    strata = compress(frame, ASK).strata()
    assert float(strata["n"].sum()) == len(frame)
    for name, column in (("x", "pre"), ("y", "post")):
        total = (strata["n"] * strata[name]).sum("stratum").to_numpy()
        np.testing.assert_allclose(total, frame.groupby("g")[column].sum(), rtol=1e-12)
    # Within and between strata together are the whole sum of squares.
    n, y = strata["n"].to_numpy(), strata["y"].to_numpy()
    centre = (n * y).sum(axis=0) / n.sum(axis=0)
    squares = strata["yy"].sum("stratum").to_numpy() + (n * (y - centre) ** 2).sum(axis=0)
    expected = frame.groupby("g")["post"].var(ddof=0) * frame.groupby("g").size()
    np.testing.assert_allclose(squares, expected, rtol=1e-9)


def test_every_group_has_enough_users_in_every_stratum() -> None:
    for share in (0.5, 0.05):
        strata = compress(users(share=share), ASK).strata()
        assert int(strata["n"].min()) >= 12
        assert strata.sizes["stratum"] >= 2


def test_halves_add_up_to_the_whole() -> None:
    """All sums are exact; an edge may fall on another bin, as half of the rows may choose finer ones."""
    frame = users()
    whole = compress(frame, ASK).strata()
    halves = (compress(frame[: len(frame) // 2], ASK) + compress(frame[len(frame) // 2 :], ASK)).strata()
    for name in ("x", "y"):
        totals = [(strata["n"] * strata[name]).sum("stratum") for strata in (whole, halves)]
        np.testing.assert_allclose(*totals, rtol=1e-12)
    np.testing.assert_allclose(halves["n"].sum("group"), whole["n"].sum("group"), rtol=0.1)


def test_another_unit_moves_no_user_to_another_stratum() -> None:
    cells = compress(users(), ASK)
    np.testing.assert_array_equal(cells.scaled(60.0).strata()["n"], cells.strata()["n"])
    np.testing.assert_allclose(cells.scaled(60.0).strata()["yy"], 3_600 * cells.strata()["yy"])


def test_groups_that_were_not_drawn_at_random_have_none() -> None:
    ask = Design.did_wide(before_column="pre", after_column="post", group="g", unit="id")
    with pytest.raises(DesignError, match="There are no strata of the value before"):
        compress(users(), ask).strata()
