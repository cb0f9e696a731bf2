"""Least squares from compressed rows, in closed form and by statsmodels, against statsmodels on all rows."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from anytable import cells_of_rows

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.check.least_squares import least_squares, statsmodels_least_squares
from twobytwo.data.cells import Cells, compress

MINUTES = Design.did(outcome="minutes", group="variant", period="period")
TWO = Design.interaction(outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"))


def matrix(first: Any, second: Any) -> np.ndarray:
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    return np.column_stack([np.ones_like(one), one, two, one * two])


def _design(outcome: str, a: str, b: str) -> Design:
    return Design.interaction(outcome=outcome, factors=(a, b))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulate.active_minutes()


@pytest.fixture(scope="module")
def cells(rows: pd.DataFrame) -> Cells:
    return compress(rows, MINUTES)


# Oracle: CASES.md A, published


def test_classical_least_squares_to_the_printed_digits(cells: Cells) -> None:
    ols, _ = least_squares(cells)
    assert ols.method == "ols"
    assert f"{ols.estimate:+.4f} ({ols.se:.3f}) [{ols.lower:.3f}, {ols.upper:.3f}]" == (
        "+223.1779 (27.134) [169.995, 276.360]"
    )


# Oracle: statsmodels on the 96,330 rows


def test_all_rows_in_statsmodels_give_the_same(rows: pd.DataFrame, cells: Cells) -> None:
    exog = matrix(rows["variant"], rows["period"] == "post")
    classical, robust = (
        sm.OLS(rows["minutes"].to_numpy(), exog).fit(cov_type=kind, use_t=False)
        for kind in ("nonrobust", "HC2")
    )
    for found, fitted in zip(least_squares(cells), (classical, robust), strict=True):
        assert found.estimate == pytest.approx(fitted.params[3], rel=1e-9)
        assert found.se == pytest.approx(fitted.bse[3], rel=1e-9)
        assert (found.lower, found.upper) == pytest.approx(tuple(fitted.conf_int()[3]), rel=1e-9)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("n", [12, 40])
def test_small_and_unbalanced_tables_in_any_unit(n: int, unit: float) -> None:
    rng = np.random.default_rng(n)
    a, b = np.arange(n) // 2 % 2, np.arange(n) % 2
    a[-2:], b[-2:] = 0, 0
    y = unit * rng.lognormal(1, 2, n)
    found = least_squares(compress(pd.DataFrame({"y": y, "a": a, "b": b}), _design("y", "a", "b")))
    for check, kind in zip(found, ("nonrobust", "HC2"), strict=True):
        fitted = sm.OLS(y / unit, matrix(a, b)).fit(cov_type=kind, use_t=False)
        assert check.estimate == pytest.approx(unit * fitted.params[3], rel=1e-9)
        assert check.se == pytest.approx(unit * fitted.bse[3], rel=1e-9)


@pytest.mark.parametrize("ci_prob", [0.5, 0.8, 0.99])
def test_intervals_have_the_probability_asked_for(cells: Cells, ci_prob: float) -> None:
    from scipy import stats

    half = stats.norm.ppf((1 + ci_prob) / 2)
    for check in least_squares(cells, ci_prob):
        assert (check.upper - check.lower) / 2 == pytest.approx(half * check.se)
        assert (check.upper + check.lower) / 2 == pytest.approx(check.estimate)


def test_two_experiments_agree_with_statsmodels_too() -> None:
    rows = simulate.cannibalisation(seed=3)
    fitted = sm.OLS(rows["out"], matrix(rows["exp1_is_treatment"], rows["exp2_is_treatment"])).fit()
    ols, _ = least_squares(compress(rows, TWO))
    assert ols.estimate == pytest.approx(fitted.params.iloc[3], rel=1e-9)
    assert ols.se == pytest.approx(fitted.bse.iloc[3], rel=1e-9)


# Any table of cells


def arms() -> tuple[pd.DataFrame, Design]:
    rng = np.random.default_rng(8)
    arm = rng.choice(["a", "b", "c"], 900, p=[0.6, 0.3, 0.1])
    y = rng.gamma(2, 10, 900) * (1 + 0.5 * (arm == "c"))
    design = Design.compare(outcome="y", group="arm", control="a", treatment=["b", "c"])
    return pd.DataFrame({"y": y, "arm": arm}), design


def experiments() -> tuple[pd.DataFrame, Design]:
    rng = np.random.default_rng(9)
    frame = pd.DataFrame(rng.integers(0, 2, (800, 3)), columns=["a", "b", "c"])
    frame["y"] = 10 + frame["a"] - frame["b"] * frame["c"] + rng.normal(0, 1 + frame["c"], 800)
    return frame, Design.interaction(outcome="y", factors=("a", "b", "c"))


def arms_and_periods() -> tuple[pd.DataFrame, Design]:
    rng = np.random.default_rng(10)
    frame = pd.DataFrame({"arm": rng.choice(["a", "b"], 700), "period": rng.choice(["pre", "post"], 700)})
    frame["y"] = rng.normal(5, 2, 700) + (frame["period"] == "post")
    return frame, Design.did(outcome="y", group="arm", period="period", control="a", treatment="b")


@pytest.mark.parametrize("make", [arms, experiments])
def test_every_contrast_of_any_table_is_statsmodels_on_the_rows(make: Any) -> None:
    frame, design = make()
    cells = cells_of_rows(frame, design)
    columns = [factor.column for factor in design.factors]
    code = frame.groupby(columns).ngroup().to_numpy()
    dummies = (code[:, None] == np.arange(cells.n_cells)).astype(float)
    for kind, k in (("nonrobust", 0), ("HC2", 1)):
        fitted = sm.OLS(frame["y"].to_numpy(), dummies).fit(cov_type=kind, use_t=False)
        for contrast in cells.design.contrasts:
            found = least_squares(cells, 0.95, contrast)[k]
            tested = fitted.t_test(contrast.array(cells.bins.shape).ravel())
            assert found.estimate == pytest.approx(tested.effect[0], rel=1e-9)
            assert found.se == pytest.approx(tested.sd.item(), rel=1e-9)
            assert (found.lower, found.upper) == pytest.approx(tuple(tested.conf_int()[0]), rel=1e-9)


@pytest.mark.parametrize("make", [arms, experiments, arms_and_periods])
def test_closed_form_and_statsmodels_are_one(make: Any) -> None:
    frame, design = make()
    cells = cells_of_rows(frame, design)
    for contrast in cells.design.contrasts:
        found = least_squares(cells, 0.9, contrast), statsmodels_least_squares(cells, 0.9, contrast)
        for closed, fitted in zip(*found, strict=True):
            assert (closed.method, closed.assumes) == (fitted.method, fitted.assumes)
            numbers = [(c.estimate, c.se, c.lower, c.upper) for c in (closed, fitted)]
            assert numbers[0] == pytest.approx(numbers[1], rel=1e-10, abs=1e-10 * closed.se)


def test_a_contrast_of_one_period_is_one_of_its_rows() -> None:
    frame, design = arms_and_periods()
    cells = cells_of_rows(frame, design)
    gap = next(contrast for contrast in cells.design.contrasts if contrast.name == "gap[post]")
    after = frame[frame["period"] == "post"]
    fitted = sm.OLS(after["y"], sm.add_constant((after["arm"] == "b").astype(float))).fit()
    ols, _ = least_squares(cells, 0.95, gap)
    assert (ols.estimate, ols.se) == pytest.approx((fitted.params.iloc[1], fitted.bse.iloc[1]), rel=1e-9)


def test_statsmodels_is_imported_for_its_table_only() -> None:
    """In a process of its own: what this one has imported is another matter."""
    code = (
        "import sys\n"
        "import pandas as pd\n"
        "from twobytwo import Design, compress\n"
        "from twobytwo.check.crosscheck import companions, robust_check\n"
        "from twobytwo.check.least_squares import statsmodels_least_squares\n"
        "frame = pd.DataFrame({'y': [1.0, 2, 4, 3, 5, 9, 2, 6], 'a': [0, 1] * 4, 'b': [0] * 4 + [1] * 4})\n"
        "cells = compress(frame, Design.interaction(outcome='y', factors=('a', 'b')))\n"
        "robust_check(cells)\n"
        "assert 'statsmodels' not in sys.modules\n"
        "companions(cells)\n"
        "assert 'statsmodels' not in sys.modules\n"
        "statsmodels_least_squares(cells)\n"
        "assert 'statsmodels.genmod.generalized_linear_model' in sys.modules\n"
        "assert 'statsmodels.tsa' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
