"""Users with one, two or three values: joint moments against those of the rows, by pandas and NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.ask.factor import Factor
from twobytwo.ask.metric import Metric
from twobytwo.data.cells import Cells, compress
from twobytwo.data.joint import Joint
from twobytwo.data.patterns import patterns
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families import FAMILIES

Floats = npt.NDArray[np.float64]
COLUMNS = ["a", "b", "c"]


def three(**changes: Any) -> Design:
    factors = (
        Factor(column="arm", role="group", levels=("x", "y", "z"), many=True),
        Factor(column="when", role="period", levels=tuple(COLUMNS), many=True),
    )
    given = {"question": "did", "metric": Metric(column="v"), "factors": factors, "unit": "user"}
    return Design(**(given | changes))


def users(n: int = 120, seed: int = 1, absent: float = 0.0) -> pd.DataFrame:
    """Three correlated values of every user, a third of them not positive; NaN where absent."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n, 1))
    values = 3 + 5 * common + 6 * rng.standard_normal((n, 3))
    values[rng.random((n, 3)) < absent] = np.nan
    frame = pd.DataFrame(values, columns=COLUMNS).assign(arm=np.array(["x", "y", "z"])[np.arange(n) % 3])
    return frame.assign(user=np.arange(n))


def rows(table: pd.DataFrame) -> pd.DataFrame:
    return table.melt(["arm", "user"], COLUMNS, var_name="when", value_name="v").dropna()


def scatter(values: Floats) -> Floats:
    centred = values - values.mean(axis=0)
    return centred.T @ centred


def test_moments_of_three_values_are_those_of_the_users() -> None:
    table = users()
    moments = compress(rows(table), three()).joint.moments()
    assert moments["cross"].dims == ("arm", "pattern", "column", "by_column")
    for arm, group in table.groupby("arm"):
        found = moments.sel(arm=arm, pattern="all")
        values = group[COLUMNS].to_numpy()
        assert found["n"] == len(group)
        np.testing.assert_allclose(found["mean"], values.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(found["cross"], scatter(values), rtol=1e-11)
        np.testing.assert_allclose(found["ss"], np.diag(scatter(values)), rtol=1e-11)


def test_activity_of_three_values_splits_users_by_where_they_are_positive() -> None:
    table = users()
    joint = compress(rows(table), three()).joint
    raw, logs = joint.activity(), joint.activity("log")
    for arm, group in table.groupby("arm"):
        for place, pattern in enumerate(patterns(3)):
            chosen = group[((group[COLUMNS] > 0) == list(pattern)).all(axis=1)][COLUMNS].to_numpy()
            found = raw.sel(arm=arm).isel(pattern=place)
            assert found["n"] == len(chosen)
            if len(chosen):
                np.testing.assert_allclose(found["cross"], scatter(chosen), rtol=1e-10, atol=1e-9)
            if len(chosen) and all(pattern):
                found = logs.sel(arm=arm).isel(pattern=place)
                np.testing.assert_allclose(found["mean"], np.log(chosen).mean(axis=0), rtol=1e-12)
                np.testing.assert_allclose(found["cross"], scatter(np.log(chosen)), rtol=1e-10, atol=1e-10)


def test_changes_of_three_values_are_from_the_first_to_the_last() -> None:
    table = users()
    changes = compress(rows(table), three()).changes.moments()
    for arm, group in table.groupby("arm"):
        np.testing.assert_allclose(changes["mean"].sel(arm=arm), (group["c"] - group["a"]).mean(), rtol=1e-12)


def test_halves_add_up_and_units_do_not_matter() -> None:
    table = users()
    whole = compress(rows(table), three()).joint
    halves = [compress(rows(part), three()).joint for part in (table[:50], table[50:])]
    for other in (halves[0] + halves[1], whole.scaled(8.0).scaled(1 / 8)):
        for kind in ("raw", "log"):
            for made in ("moments", "activity"):
                expected, found = getattr(whole, made)(kind), getattr(other, made)(kind)
                for name in expected:
                    np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(other.attendance, whole.attendance)


def test_rows_are_users_with_one_value() -> None:
    table = rows(users())
    design = Design.compare(outcome="v", group="arm", control="x", treatment=["y", "z"])
    cells = compress(table, design)
    joint, moments = cells.joint, cells.moments()
    assert (joint.size, joint.dims, joint.incomplete) == (1, ("arm",), False)
    assert cells.changes is cells.bins
    # Not nearly: the same numbers.
    for name in ("mean", "ss"):
        np.testing.assert_array_equal(joint.moments()[name].to_numpy()[:, 0, 0], moments[name])
    positive, logs = joint.activity("log").isel(pattern=0), cells.moments("log")
    for name in ("mean", "ss"):
        np.testing.assert_array_equal(positive[name].to_numpy()[:, 0], logs[name])
    np.testing.assert_array_equal(joint.activity()["n"].isel(pattern=0), cells.count("positive"))
    np.testing.assert_array_equal(joint.attendance[:, 0], moments["n"])
    assert isinstance(Joint.of_rows(cells.bins), Joint)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_cells_of_one_two_and_three_factors_are_where_they_belong(count: int) -> None:
    rng = np.random.default_rng(3)
    names = ["p", "q", "r"][:count]
    table = pd.DataFrame({name: rng.integers(0, 2, 400) for name in names})
    table["v"] = rng.normal(size=400) + table[names] @ np.array([1.0, 10.0, 100.0])[:count]
    design = (
        Design.compare(outcome="v", group="p")
        if count == 1
        else Design.interaction(outcome="v", factors=names)
    )
    means = compress(table, design).moments()["mean"]
    for place, group in table.groupby(names):
        np.testing.assert_allclose(means.to_numpy()[place], group["v"].mean(), rtol=1e-12)


# --- Absences among three ------------------------------------------------------------------------------


def test_three_columns_with_absences_need_zero_or_drop() -> None:
    table = rows(users(absent=0.1))
    with pytest.raises(DataError, match=r"not seen in every period.*in every period") as refusal:
        compress(table, three())
    assert "available" not in str(refusal.value)
    with pytest.raises(DesignError, match=r'"available" is for two periods; with 3 say "zero" or "drop"'):
        compress(table, three(missing="available"))


@pytest.mark.parametrize("policy", ["zero", "drop"])
def test_each_policy_for_three_columns_does_what_it_says(policy: Any) -> None:
    table = users(absent=0.1)
    cells = compress(rows(table), three(missing=policy))
    kept = table.fillna(0.0) if policy == "zero" else table.dropna()
    for arm, group in kept.groupby("arm"):
        np.testing.assert_allclose(
            cells.joint.moments()["cross"].sel(arm=arm, pattern="all"),
            scatter(group[COLUMNS].to_numpy()),
            rtol=1e-10,
        )
    seen = table.assign(all=table[COLUMNS].notna().all(axis=1)).groupby("arm")["all"].sum()
    np.testing.assert_array_equal(cells.joint.attendance[:, 0], seen)


# --- A covariate on a scale of its own -----------------------------------------------------------------


def with_age(seed: int = 5, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n)
    spent = np.maximum(0.0, 2.0 * age + 40 * rng.standard_normal(n))
    arm = np.array(["a", "b", "c"])[np.arange(n) % 3]
    return pd.DataFrame({"user": np.arange(n), "arm": arm, "age": age, "spent": spent})


def by_age(**changes: Any) -> Design:
    given = {"outcome": "spent", "group": "arm", "control": "a", "treatment": ["b", "c"]}
    return Design.compare(**(given | {"unit": "user", "covariate": "age"} | changes))


def age_cells(**changes: Any) -> Cells:
    return compress(with_age(), by_age(**changes))


def test_a_covariate_gets_the_outcomes_mean_and_spread_and_keeps_its_correlation() -> None:
    table = with_age()
    moments = age_cells().joint.moments().isel(pattern=0)
    z = (table["age"] - table["age"].mean()) / table["age"].std(ddof=0)
    rescaled = table["spent"].mean() + z * table["spent"].std(ddof=0)
    for arm, group in table.assign(age=rescaled).groupby("arm"):
        values = group[["age", "spent"]].to_numpy()
        np.testing.assert_allclose(moments["mean"].sel(arm=arm), values.mean(axis=0), rtol=1e-11)
        np.testing.assert_allclose(moments["cross"].sel(arm=arm), scatter(values), rtol=1e-10)


def test_limits_are_those_of_the_outcome_alone() -> None:
    table = with_age()
    capped = age_cells(cap=100.0).joint.moments().isel(pattern=0)
    expected = table["spent"].clip(upper=100.0).groupby(table["arm"]).mean()
    np.testing.assert_allclose(capped["mean"].isel(column=1), expected, rtol=1e-12)
    huge = table.assign(age=table["age"] * 1e6)
    assert compress(huge, by_age(upper_bound=table["spent"].max() + 1)).units == len(table)


def test_a_constant_covariate_is_refused() -> None:
    with pytest.raises(DataError, match=r"covariate 'age' is constant"):
        compress(with_age().assign(age=30), by_age())


def test_families_other_than_the_normal_refuse_a_covariate() -> None:
    cells = age_cells()
    of_amounts = {name for name, family in FAMILIES.items() if "amount" in family.kinds}
    for name in of_amounts - {"normal"}:
        refusal = r"covariate 'age' is another quantity|the same metric before|describes 1 value"
        with pytest.raises(DesignError, match=refusal):
            FAMILIES[name].check(cells)
    FAMILIES["normal"].check(cells)


def test_cells_with_a_covariate_do_not_add_up() -> None:
    with pytest.raises(DesignError, match="covariate do not add up"):
        age_cells() + age_cells()
