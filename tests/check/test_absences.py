"""Means completed for absences: against Welch where nobody is absent, by simulation where some are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from twobytwo import Cells, Design, compress
from twobytwo.check.absences import completed_means
from twobytwo.check.by_user import by_user
from twobytwo.check.crosscheck import robust_check

Floats = npt.NDArray[np.float64]
DID = 2.0


def selected(seed: int, n: int = 1_000, shift: float = 0.0, absent: float = 0.7) -> pd.DataFrame:
    """Light users leave, and before predicts after better in the control group: raw means are biased."""
    rng = np.random.default_rng(seed)
    arm, (first, second) = np.repeat(["control", "treatment"], n // 2), rng.standard_normal((2, n))
    rho = np.where(arm == "control", 0.8, 0.2)
    post = 17 + DID * (arm == "treatment") + 10 * (rho * first + np.sqrt(1 - rho**2) * second)
    wide = pd.DataFrame({"user": range(n), "arm": arm, "pre": 15 + 10 * first + shift, "post": post + shift})
    wide["post"] = wide["post"].mask((first < -0.3) & (rng.random(n) < absent))
    return wide


def cells_of(wide: pd.DataFrame, *, randomised: bool = False) -> Cells:
    return compress(
        wide,
        Design.did_wide(
            before_column="pre",
            after_column="post",
            group="arm",
            unit="user",
            missing="available",
            randomised=randomised,
        ),
    )


@pytest.fixture(scope="module")
def tables() -> list[pd.DataFrame]:
    return [selected(seed) for seed in range(24)]


@pytest.mark.parametrize("randomised", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_estimates_are_unbiased_and_errors_are_true(tables: list[pd.DataFrame], randomised: bool) -> None:
    """24 tables: z has mean 0 ± 0.20 and sd 1 ± 0.14; three of each."""
    checks = [robust_check(cells_of(wide, randomised=randomised)) for wide in tables]
    assert {check.method for check in checks} == {"fiml"}
    z = np.array([(check.estimate - DID) / check.se for check in checks])
    assert abs(z.mean()) < 0.6
    assert abs(z.std() - 1) < 0.42


def test_the_negative_control_changes_of_users_seen_twice_are_biased(tables: list[pd.DataFrame]) -> None:
    checks = {check.method: check for check in by_user(cells_of(tables[0]))}
    assert abs(checks["welch_change"].estimate - DID) > 3 * checks["welch_change"].se


def test_knowing_that_groups_were_alike_narrows(tables: list[pd.DataFrame]) -> None:
    free, alike = (robust_check(cells_of(tables[0], randomised=flag)) for flag in (False, True))
    assert alike.se < 0.95 * free.se


def test_with_nobody_absent_it_is_welch() -> None:
    cells = cells_of(selected(0, absent=0.0))
    mean, covariance = completed_means(cells)
    contrast = np.array([-1.0, 1.0])
    welch = robust_check(cells)
    assert welch.method == "welch_change"
    assert contrast @ (mean[1] - mean[0]) == pytest.approx(welch.estimate, abs=1e-8)
    assert np.sqrt(contrast @ covariance.sum(axis=0) @ contrast) == pytest.approx(welch.se, rel=1e-6)


def test_a_constant_added_to_every_value_changes_no_contrast() -> None:
    near, far = (robust_check(cells_of(selected(1, shift=shift))) for shift in (0.0, 1e6))
    assert far.estimate == pytest.approx(near.estimate, abs=1e-4 * near.se)
    assert far.se == pytest.approx(near.se, rel=1e-4)
