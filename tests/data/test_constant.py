"""What does not vary is refused before a sampler meets it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.cells import compress
from twobytwo.errors import DataError


def rows(pre: np.ndarray, post: np.ndarray) -> pd.DataFrame:
    """Users of two groups in turn, a row for each period."""
    users = pd.DataFrame({"user": np.arange(len(pre)), "pre": pre, "post": post})
    users["arm"] = np.where(users["user"] % 2 == 0, "control", "treatment")
    return users.melt(["user", "arm"], ["pre", "post"], var_name="when", value_name="y")


def asked(table: pd.DataFrame, unit: str | None = "user") -> None:
    design = Design.did(outcome="y", group="arm", period="when", unit=unit, agg="sum" if unit else None)
    compress(table, design)


RNG = np.random.default_rng(2)
PRE, POST = RNG.normal(50, 9, 80), RNG.normal(52, 9, 80)
TREATED = np.arange(80) % 2 == 1


@pytest.mark.parametrize("change", [5.0, 0.0, 0.1, -17.3])
def test_a_constant_change_within_a_group_is_refused(change: float) -> None:
    with pytest.raises(DataError, match="Every user of group 'treatment' has the same change of 'y'"):
        asked(rows(PRE, np.where(TREATED, PRE + change, POST)))


def test_a_constant_change_is_seen_through_rounding() -> None:
    # 1.0 is a boundary of bins, so rounding puts equal changes into two of them.
    pre = np.random.default_rng(11).lognormal(3, 1.5, 80)
    with pytest.raises(DataError, match="Every user of group 'control' has the same change"):
        asked(rows(pre, np.where(TREATED, POST, pre + 1.0)))


def test_a_value_that_is_a_multiple_of_the_other_is_refused() -> None:
    with pytest.raises(DataError, match="Every user of group 'treatment'"):
        asked(rows(PRE, np.where(TREATED, 3 * PRE, POST)))


def test_a_cell_of_users_with_one_total_is_refused_and_varying_users_are_not() -> None:
    table = rows(PRE, POST)
    asked(table)
    constant = table["y"].where((table["arm"] == "control") | (table["when"] == "pre"), 7.0)
    with pytest.raises(DataError, match=r"'arm' = 'treatment', 'when' = 'post' the column 'y' is constant"):
        asked(table.assign(y=constant))


def test_a_level_of_one_row_is_told_with_what_to_do_about_it() -> None:
    """Such as the row of a total; what the question does not have is not named."""
    arms = ["control", "new"] * 20 + ["Total"]
    table = pd.DataFrame({"g": arms, "y": [*RNG.normal(9, 2, 40), 360.0], "u": range(41)})
    said = (
        r"^In the cell 'g' = 'Total' the column 'y' has 1 user; each .* spread\. If 'Total' is no treatment, "
        r"take its rows out of the table, and its name out of treatment=\.$"
    )
    with pytest.raises(DataError, match=said):
        compress(table, Design.compare(outcome="y", group="g", unit="u"))
    with pytest.raises(DataError, match=r"'Total' has 1 row\(s\); .* out of treatment=\.$"):
        compress(table, Design.compare(outcome="y", group="g"))
    capped = table[:40].assign(y=lambda rows: rows["y"] + 900 * (rows["g"] == "new"))
    with pytest.raises(DataError, match=r"is constant over 20 rows \(after cap=\); each .* spread\.$"):
        compress(capped, Design.compare(outcome="y", group="g", cap=900))
