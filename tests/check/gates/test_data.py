"""Who is in which cell, who is absent, and whose values count most."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anytable import cells_of_rows, cells_of_users

from twobytwo.ask.design import Design
from twobytwo.check.gate import Gate
from twobytwo.check.gates.data import data_gates
from twobytwo.data.bins import Bins
from twobytwo.data.cells import Cells, compress

TWO = Design.interaction(outcome="y", factors=("a", "b"))


def statuses(gates: list[Gate]) -> dict[str, str]:
    return {gate.name: gate.status for gate in gates}


def allocated(counts: list[int]) -> Cells:
    """Two values, alike often, in every cell."""
    rows = [(k, float(value), n // 2) for k, n in enumerate(counts) for value in (1, 2)]
    frame = pd.DataFrame(rows, columns=["cell", "reference", "n"])
    frame = frame.assign(**dict.fromkeys(("s1", "s2", "s3", "l1", "l2", "l3"), 0.0))
    design = TWO.resolve({"a": [0, 1], "b": [0, 1]})
    return Cells(design=design, bins=Bins(coords=design.coords, frame=frame))


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ([500, 500, 500, 500], "pass"),
        ([900, 100, 450, 50], "pass"),  # 10 % allocation, but independent
        ([500, 500, 540, 460], "pass"),  # p = 0.07
        ([10_000_000, 10_000_000, 10_000_000, 9_960_000], "pass"),  # p = 1e-5, but off by 0.1 % only
        ([500, 500, 564, 436], "warn"),  # p = 0.004
        ([500, 500, 600, 400], "refuse"),  # p = 7e-6
    ],
)
def test_dependent_assignment_is_caught(counts: list[int], status: str) -> None:
    (gate,) = (gate for gate in data_gates(allocated(counts)) if gate.name == "assignment")
    assert (gate.name, gate.subject, gate.status) == ("assignment", "data", status)
    assert "'a' and 'b'" in gate.message


def test_did_has_no_assignment_to_judge() -> None:
    frame = pd.DataFrame({"y": np.arange(40.0), "g": [0, 1] * 20, "t": [0] * 20 + [1] * 20})
    gates = data_gates(compress(frame, Design.did(outcome="y", group="g", period="t")))
    assert [gate.name for gate in gates] == ["largest_share", "baseline_gap"]


@pytest.mark.parametrize(("largest", "status"), [(4.0, "pass"), (6.0, "warn"), (500.0, "warn")])
def test_one_user_with_much_of_a_cells_total_is_pointed_at(largest: float, status: str) -> None:
    """Ninety-nine values around one, and one larger value: 3.9 and 5.7 % of the total."""
    ones = np.tile([0.9, 1.1], 50)
    frame = pd.concat([pd.DataFrame({"y": ones, "a": k // 2, "b": k % 2}) for k in range(4)])
    frame.iloc[250, 0] = largest
    (gate,) = (gate for gate in data_gates(compress(frame, TWO)) if gate.name == "largest_share")
    assert (gate.subject, gate.status) == ("data", status)
    assert gate.value == pytest.approx(largest / (99.1 + largest))


def test_shares_of_a_total_mean_nothing_where_values_are_negative() -> None:
    frame = pd.DataFrame({"y": np.arange(-20.0, 20.0), "a": [0, 1] * 20, "b": [0, 0, 1, 1] * 10})
    assert "largest_share" not in statuses(data_gates(compress(frame, TWO)))


def test_three_experiments_are_tested_together() -> None:
    """Pairwise independent and not independent: the third follows from the other two."""
    a, b = np.arange(4_000) % 2, np.arange(4_000) // 2 % 2
    frame = pd.DataFrame({"y": np.arange(4_000.0), "a": a, "b": b, "c": (a + b) % 2})
    frame = pd.concat([frame, frame.iloc[:400].assign(c=lambda rows: 1 - rows["c"])])
    design = Design.interaction(outcome="y", factors=("a", "b", "c"))
    assert statuses(data_gates(cells_of_rows(frame, design)))["assignment"] == "refuse"
    even = pd.concat([frame.assign(c=0), frame.assign(c=1)])
    (gate,) = (gate for gate in data_gates(cells_of_rows(even, design)) if gate.name == "assignment")
    assert gate.status == "pass"
    assert gate.message.startswith("'a', 'b' and 'c' were assigned independently")


# Absence


def lost(effect: float, *, margin: float = 1.0, missing: str = "available", sd: float = 20.0) -> Cells:
    """2,000 users in two groups, 5 and 10 % of them absent after; everybody is alike but for the effect."""
    rng = np.random.default_rng(5)
    arm = np.repeat(["control", "treatment"], 1_000)
    pre = rng.normal(100, sd, 2_000)
    post = 100 + 0.9 * (pre - 100) + rng.normal(0, 5, 2_000) + effect * (arm == "treatment")
    post[:50] = post[1_000:1_100] = np.nan
    wide = pd.DataFrame({"user": range(2_000), "arm": arm, "pre": pre, "post": post})
    design = Design.did_wide(
        before_column="pre",
        after_column="post",
        group="arm",
        unit="user",
        margin=margin,
        missing=missing,  # type: ignore[arg-type]
    )
    return compress(wide, design)


@pytest.mark.parametrize("missing", ["drop", "available"])
@pytest.mark.parametrize(
    ("effect", "status", "said"),
    [
        (40.0, "warn", "no plausible value of those who are absent changes the decision (no harm"),
        (-40.0, "warn", "changes the decision (harm)"),
        (2.0, "refuse", "depends on what absent users did"),
    ],
)
def test_absence_that_depends_on_the_group_is_bounded(
    missing: str, effect: float, status: str, said: str
) -> None:
    """At most a tenth of 127 minutes can be lost with the absent, so an effect of 40 stays."""
    (gate,) = (gate for gate in data_gates(lost(effect, missing=missing)) if gate.name == "attrition")
    assert gate.status == status
    assert gate.value == pytest.approx(2.2e-5, rel=0.1)
    assert said in gate.message
    assert "100 absent users of 'treatment' in 'after' would have to average" in gate.message
    (blind,) = (
        gate for gate in data_gates(lost(effect, missing=missing), blind=True) if gate.name == "attrition"
    )
    assert (blind.status, blind.value) == (gate.status, gate.value)
    assert "the decision" in blind.message
    assert "between" not in blind.message


def test_the_same_absence_in_both_groups_is_not_bounded() -> None:
    wide = pd.DataFrame(
        {"user": range(400), "arm": ["control", "treatment"] * 200, "pre": np.arange(400.0) % 37}
    )
    wide["post"] = (wide["pre"] + np.arange(400) % 11).mask(np.arange(400) < 40)
    design = Design.did_wide(
        before_column="pre", after_column="post", group="arm", unit="user", missing="available"
    )
    (gate,) = (gate for gate in data_gates(compress(wide, design)) if gate.name == "attrition")
    assert (gate.status, gate.message[:35]) == ("pass", "Absence does not depend on the grou")


def test_several_groups_drawn_at_random_were_alike_before() -> None:
    rng = np.random.default_rng(2)
    wide = pd.DataFrame({"user": range(900), "arm": ["a", "b", "c"] * 300, "pre": rng.normal(10, 2, 900)})
    wide["y"] = wide["pre"] + rng.normal(0, 1, 900)
    design = Design.compare(
        outcome="y", group="arm", control="a", treatment=["b", "c"], unit="user", before_column="pre"
    )
    assert statuses(data_gates(cells_of_users(wide, design, "pre", "y")))["balance"] == "pass"
    moved = wide.assign(pre=wide["pre"] + (wide["arm"] == "c"))
    (gate,) = (g for g in data_gates(cells_of_users(moved, design, "pre", "y")) if g.name == "balance")
    assert gate.status == "refuse"
    assert "largest gap" in gate.message


def test_only_cells_that_are_asked_about_have_a_largest_value() -> None:
    frame = pd.DataFrame({"y": np.tile([0.9, 1.1], 150), "arm": np.repeat(["a", "b", "c"], 100)})
    frame.iloc[250, 0] = 50.0
    design = Design.compare(outcome="y", group="arm", control="a", treatment=["b", "c"])
    cells = cells_of_rows(frame, design)
    found = {
        contrast.name: statuses(data_gates(cells, contrast))["largest_share"]
        for contrast in cells.design.contrasts
    }
    assert found == {"effect[b]": "pass", "effect[c]": "warn", "effect[c - b]": "warn"}
