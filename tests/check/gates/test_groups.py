"""How large the groups are, and where they stood before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from anytable import cells_of_rows, cells_of_users

from twobytwo.ask.design import Design
from twobytwo.check.gate import Gate
from twobytwo.check.gates.data import data_gates
from twobytwo.check.gates.groups import balance, baseline_gap, sample_ratio, sizes
from twobytwo.data.cells import Cells, compress


def users(control: int, treated: int, *, gap: float = 0.0, absent: int = 0, **stated: Any) -> Cells:
    """Users with a value before and after; the first `absent` treated ones have none after."""
    rng = np.random.default_rng(2)
    arm = np.repeat(["control", "variant_b"], [control, treated])
    pre = rng.normal(100, 5, control + treated) + gap * (arm == "variant_b")
    wide = pd.DataFrame(
        {"user": range(len(arm)), "arm": arm, "pre": pre, "post": 1.2 * pre + rng.normal(size=len(arm))}
    )
    wide.loc[control : control + absent - 1, "post"] = np.nan
    columns = {"before_column": "pre", "after_column": "post", "group": "arm", "unit": "user"}
    return compress(wide, Design.did_wide(**columns, missing="drop", **stated))  # type: ignore[arg-type]


def one(gates: list[Gate], name: str) -> Gate:
    (gate,) = (gate for gate in gates if gate.name == name)
    return gate


@pytest.mark.parametrize(
    ("treated", "status"),
    [
        (2_000, "pass"),
        (1_900, "pass"),  # p = 0.07
        (1_870, "warn"),  # p = 0.002 for 8,000 : 1,870
        (1_400, "refuse"),  # 30 % of one arm deleted
    ],
)
def test_groups_are_held_against_the_share_that_was_meant(treated: int, status: str) -> None:
    gate = one(data_gates(users(8_000, treated, expected_share=0.2)), "sample_ratio")
    assert (gate.subject, gate.status) == ("data", status)
    assert f"'variant_b' has {treated:,} of {8_000 + treated:,} users" in gate.message
    assert "20 % expected" in gate.message


def test_nobody_said_so_nobody_tests() -> None:
    assert sample_ratio(users(800, 140)) == []


def test_a_user_counts_once_whether_seen_once_or_twice() -> None:
    """By rows kept, 200 absent users would look like a mismatch; attrition has a gate of its own."""
    cells = users(1_000, 1_000, absent=200, expected_share=0.5)
    assert sizes(cells, cells.design.factors[0]) == {"": pytest.approx([1_000, 1_000])}
    assert one(sample_ratio(cells), "sample_ratio").value == 1.0


def test_a_deviation_too_small_to_matter_only_warns() -> None:
    """Four million rows, off by 0.4 % of the share: p is 3e-8, and no effect would notice."""
    rows = pd.DataFrame({"arm": [0, 0, 1, 1], "y": [1.0, 2.0, 1.0, 2.0]})
    cells = cells_of_rows(rows, Design.compare(outcome="y", group="arm", expected_share=0.5))
    frame = cells.bins.frame.assign(n=[1_000_000, 1_000_000, 996_000, 996_000])
    big = Cells(design=cells.design, bins=type(cells.bins)(coords=cells.bins.coords, frame=frame))
    gate = one(sample_ratio(big), "sample_ratio")
    assert gate.status == "warn"
    assert gate.value < 1e-3
    assert "No share is off by more than 0.20% of itself" in gate.message


def test_rows_of_both_periods_are_tested_apart_and_together_judged() -> None:
    """Users are not known and may be in both periods, so their rows are not counted together."""
    rows = [
        (a, t, k % 7.0)
        for (a, t), n in {(0, 0): 500, (1, 0): 500, (0, 1): 500, (1, 1): 440}.items()
        for k in range(n)
    ]
    frame = pd.DataFrame(rows, columns=["a", "t", "y"])
    gate = one(
        sample_ratio(
            cells_of_rows(frame, Design.did(outcome="y", group="a", period="t", expected_share=0.5))
        ),
        "sample_ratio",
    )
    # Alone the second period has chi-squared 60^2/940 = 3.83 on one degree of freedom: p = 0.0503.
    assert gate.value == pytest.approx(2 * 0.05035, rel=1e-3)
    assert "in '1'" in gate.message


def test_every_experiment_and_every_arm_is_tested() -> None:
    rows = pd.DataFrame({"y": np.arange(4_000.0), "a": np.arange(4_000) % 2, "b": np.arange(4_000) // 2 % 2})
    rows = rows[(rows["b"] == 0) | (rows["y"] % 3 > 0)]
    gate = one(
        sample_ratio(
            cells_of_rows(rows, Design.interaction(outcome="y", factors=("a", "b"), expected_share=0.5))
        ),
        "sample_ratio",
    )
    assert gate.status == "refuse"
    assert "of 'b', 1 has" in gate.message
    arms = pd.DataFrame({"y": np.arange(900.0), "arm": np.arange(900) % 3})
    design = Design.compare(outcome="y", group="arm", expected_share={0: 0.5, 1: 0.25, 2: 0.25})
    told = one(sample_ratio(cells_of_rows(arms, design)), "sample_ratio")
    assert told.status == "refuse"
    assert told.message.count(" expected)") == 3


@pytest.mark.parametrize(("gap", "status"), [(0.0, "pass"), (-15.0, "pass"), (-25.0, "warn"), (25.0, "warn")])
def test_a_large_gap_before_is_told(gap: float, status: str) -> None:
    gate = one(data_gates(users(500, 500, gap=gap)), "baseline_gap")
    assert gate.status == status
    assert gate.value == pytest.approx(abs(gap) / 100, abs=0.01)
    if status == "warn":
        assert (
            "Over such a gap trends that add and trends that multiply can give different effects"
            in gate.message
        )


def test_both_counterfactuals_are_those_of_the_cell_means() -> None:
    wide = pd.DataFrame(
        {
            "user": range(8),
            "arm": [0] * 4 + [1] * 4,
            "pre": [99.0, 101, 98, 102, 49, 51, 48, 52],
            "post": [119.0, 121, 117, 123, 79, 81, 77, 83],
        }
    )
    design = Design.did_wide(before_column="pre", after_column="post", group="arm", unit="user")
    (gate,) = baseline_gap(cells_of_users(wide, design, "pre", "post"))
    assert gate.value == pytest.approx(0.5)
    assert "at 70 after if trends add, and at 60 if they multiply" in gate.message


def test_a_gap_that_may_be_chance_passes() -> None:
    frame = pd.DataFrame(
        {"y": [0.0, 0, 200, 200, 300] * 8, "g": ([0] * 5 + [1] * 5) * 4, "t": [0] * 20 + [1] * 20}
    )
    frame.loc[frame["g"] == 1, "y"] += 50
    (gate,) = baseline_gap(cells_of_rows(frame, Design.did(outcome="y", group="g", period="t")))
    assert gate.value > 0.2
    assert gate.status == "pass"
    assert "no more than 2 standard errors" in gate.message


def test_a_mean_that_may_be_zero_is_no_yardstick() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"y": rng.normal(0, 10, 400), "g": [0, 1] * 200, "t": [0, 0, 1, 1] * 100})
    frame.loc[frame["g"] == 1, "y"] += 8
    (gate,) = baseline_gap(cells_of_rows(frame, Design.did(outcome="y", group="g", period="t")))
    assert gate.value == pytest.approx(0.8, abs=0.2)
    assert "of what is usual" in gate.message
    assert "would be at" not in gate.message


def test_only_a_difference_in_differences_has_a_gap_before() -> None:
    frame = pd.DataFrame({"y": np.arange(40.0), "a": [0, 1] * 20, "b": [0, 0, 1, 1] * 10})
    assert baseline_gap(cells_of_rows(frame, Design.interaction(outcome="y", factors=("a", "b")))) == []


def test_groups_drawn_at_random_are_alike_before() -> None:
    assert balance(users(500, 500, randomised=True)).status == "pass"
    assert balance(users(500, 500, gap=5.0, randomised=True)).status == "refuse"
