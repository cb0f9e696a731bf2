"""Laws that hold for any table: what must change with the data, and how, and what must not.

Random tables, through cells and closed forms; nothing is sampled.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from twobytwo import Cells, Design, compress
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.record import Check

Floats = np.ndarray
# A table is small already; to shrink it would take longer than all else.
FEW = settings(
    max_examples=6, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
# Tables of users take several times as long to compress.
FEWER = settings(FEW, max_examples=3)
ROWS = Design.did(outcome="y", group="g", period="t", control=0, treatment=1, before=0, after=1)
TURNED = Design.did(outcome="y", group="g", period="t", control=1, treatment=0, before=0, after=1)
LEVELS = {"g": (0, 1), "t": (0, 1)}
FACTORIAL = Design.interaction(outcome="y", factors=("g", "t"), levels=LEVELS)
CROSSED = Design.interaction(outcome="y", factors=("t", "g"), levels=LEVELS)
PAIRS = dataclasses.replace(ROWS, unit="u")

_kinds = st.sampled_from(["lognormal", "signed", "whole", "zeros"])


@dataclass(frozen=True)
class Drawn:
    """A random table of users seen in both periods, and a generator for what is done to it."""

    rows: pd.DataFrame
    rng: np.random.Generator


@st.composite
def tables(draw: Any) -> Drawn:
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    users = sum(sizes := (draw(st.integers(15, 40)), draw(st.integers(15, 40))))
    kind, spread = draw(_kinds), draw(st.floats(0.2, 2.0))
    own = rng.normal(0, spread, users)
    frames = []
    for t in (0, 1):
        noise = own + rng.normal(0, 0.5, users) + 0.2 * t
        y = {
            "lognormal": np.exp(noise),
            "signed": 10 * noise,
            "whole": rng.poisson(np.exp(1 + noise / 2)),
            "zeros": np.exp(noise) * (rng.random(users) < 0.7),
        }[kind]
        group = np.repeat([0, 1], sizes)
        frames.append(pd.DataFrame({"y": y.astype(float), "g": group, "t": t, "u": np.arange(users)}))
    return Drawn(pd.concat(frames, ignore_index=True), rng)


def answer(rows: pd.DataFrame, design: Design = ROWS) -> Check:
    return robust_check(compress(rows, design))


def chance(found: Check) -> float:
    """Probability of a negative effect under a flat prior."""
    return float(norm.cdf(-found.estimate / found.se))


def agree(one: Check, other: Check, factor: float = 1.0, rel: float = 1e-9) -> None:
    assert other.estimate == pytest.approx(factor * one.estimate, rel=rel, abs=rel * one.se)
    assert other.se == pytest.approx(abs(factor) * one.se, rel=rel)


@given(tables(), st.floats(1e-6, 1e6))
@FEW
def test_another_unit_is_another_number_and_the_same_answer(drawn: Drawn, factor: float) -> None:
    one, other = (answer(drawn.rows.assign(y=drawn.rows["y"] * by)) for by in (1.0, factor))
    agree(one, other, factor)
    assert chance(one) == pytest.approx(chance(other), abs=1e-9)


@given(tables())
@FEW
def test_swapped_labels_turn_the_sign_and_p_into_1_minus_p(drawn: Drawn) -> None:
    one, other = answer(drawn.rows), answer(drawn.rows, TURNED)
    agree(one, other, -1.0)
    assert chance(other) == pytest.approx(1 - chance(one), abs=1e-9)


@given(tables())
@FEW
def test_swapped_factors_have_the_same_interaction(drawn: Drawn) -> None:
    agree(answer(drawn.rows, FACTORIAL), answer(drawn.rows, CROSSED))


@given(tables())
@FEWER
def test_the_order_of_rows_changes_no_bit(drawn: Drawn) -> None:
    shuffled = drawn.rows.sample(frac=1, random_state=drawn.rng)
    one, other = (compress(rows, PAIRS) for rows in (drawn.rows, shuffled))
    assert one.fingerprint == other.fingerprint
    for name, values in one.moments().items():
        # Sums of cubes are what is left of large terms that cancel.
        scale = float(np.abs(values).max())
        np.testing.assert_allclose(
            other.moments()[name], values, rtol=1e-13, atol=1e-12 * scale if name == "sc" else 0
        )


@given(tables(), st.integers(2, 3))
@FEWER
def test_chunks_add_up_to_the_whole(drawn: Drawn, chunks: int) -> None:
    # Every chunk has users of both groups: by turns.
    chunk = drawn.rows["u"] % chunks
    parts = [compress(drawn.rows[chunk == k], PAIRS) for k in range(chunks)]
    total: Cells = sum(parts[1:], parts[0])
    agree(robust_check(compress(drawn.rows, PAIRS)), robust_check(total))


@given(tables())
@FEWER
def test_a_constant_for_each_user_changes_nothing_of_pairs(drawn: Drawn) -> None:
    added = drawn.rng.normal(0, 5, drawn.rows["u"].max() + 1)
    moved = drawn.rows.assign(y=drawn.rows["y"] + added[drawn.rows["u"]])
    agree(answer(drawn.rows, PAIRS), answer(moved, PAIRS))


@given(tables())
@FEW
def test_doubled_data_keep_the_effect_and_halve_its_variance(drawn: Drawn) -> None:
    twice = pd.concat([drawn.rows, drawn.rows])
    one, other = compress(drawn.rows, ROWS), compress(twice, ROWS)
    assert robust_check(other).estimate == pytest.approx(robust_check(one).estimate, rel=1e-9, abs=1e-9)
    n, ss = (one.moments()[name].to_numpy() for name in ("n", "ss"))
    # Sums of squares double, and their divisors 2n (2n - 1) are a little more than four times as large.
    assert robust_check(other).se ** 2 == pytest.approx(float((ss / (n * (2 * n - 1))).sum()), rel=1e-9)
    assert robust_check(one).se ** 2 == pytest.approx(float((ss / (n * (n - 1))).sum()), rel=1e-9)
