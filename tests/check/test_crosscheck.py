"""Which companions a table has, and whether the posterior agrees with them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.check.crosscheck import companions, compare, robust_check
from twobytwo.check.record import Check
from twobytwo.data.cells import Cells, compress

MINUTES = Design.did(outcome="minutes", group="variant", period="period")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulate.active_minutes()


@pytest.fixture(scope="module")
def cells(rows: pd.DataFrame) -> Cells:
    return compress(rows, MINUTES)


@pytest.fixture(scope="module")
def users() -> pd.DataFrame:
    return simulate.user_minutes(simulate.UserMinutes(n=3_000, seed=6))


def paired(rows: pd.DataFrame, missing: Any) -> Cells:
    design = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing=missing)
    return compress(rows, design)


def test_companions_are_named_for_the_table(cells: Cells, users: pd.DataFrame) -> None:
    assert [check.method for check in companions(cells)] == ["ols", "ols_hc2", "bootstrap"]
    names = [check.method for check in companions(paired(users, "drop"))]
    assert names[:3] == ["ols", "ols_hc2", "ols_cluster"]
    assert names[-1] == "bootstrap"
    assert robust_check(cells).method == "ols_hc2"


# The verdict


def check(method: str, estimate: float, se: float = 1.0) -> Check:
    return Check(
        method=method, estimate=estimate, se=se, lower=estimate - 2 * se, upper=estimate + 2 * se, assumes=""
    )


@pytest.mark.parametrize(
    ("estimate", "se", "agrees", "reasoned"),
    [
        (0.0, 1.0, True, False),
        (0.5, 1.0, True, False),
        (0.51, 1.0, False, True),
        (-0.51, 1.0, False, True),
        (0.0, 1.2, True, True),  # agrees, but the interval is a fifth wider
        (0.0, 0.8, True, True),
    ],
)
def test_the_verdict_is_in_standard_errors_with_a_reason(
    estimate: float, se: float, agrees: bool, reasoned: bool
) -> None:
    robust = check("ols_hc2", 0.0)
    found = compare(check("posterior", estimate, se), [robust], robust=robust, reasons=["Because of it."])
    assert found.agrees is agrees
    assert found.distance == pytest.approx(estimate)
    assert ("Because of it." in found.verdict) is reasoned
    assert ("disagree" in found.verdict) is not agrees
    assert f"{abs(estimate):.2f} standard errors" in found.verdict


def test_the_table_has_the_posterior_first() -> None:
    robust = check("ols_hc2", 0.0)
    found = compare(check("posterior", 0.1), [check("ols", 0.0), robust], robust=robust, reasons=[])
    assert found.table.index.tolist() == ["posterior", "ols", "ols_hc2"]
    assert found.table.loc["posterior", "estimate"] == 0.1
    assert "posterior" in str(found)
    assert found.verdict in str(found)
