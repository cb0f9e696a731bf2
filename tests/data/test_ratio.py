"""A ratio of sums is compared as a mean of one value per user; denominators that cannot be are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import twobytwo as tbt
from twobytwo.ask.design import Design
from twobytwo.ask.lines import Line
from twobytwo.check.crosscheck import robust_check
from twobytwo.data.cells import Cells, compress
from twobytwo.data.several import read_several
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.estimates import estimates
from twobytwo.infer.layout import reads_of

ROWS = Design.compare(outcome="minutes", denominator="sessions", group="arm", unit="user")
TWICE = Design.did(
    outcome="minutes", denominator="sessions", group="arm", period="time", unit="user", missing="zero"
)
BOTH = Design.interaction(outcome="minutes", denominator="sessions", factors=("a", "b"))


def users(n: int = 800, seed: int = 0) -> pd.DataFrame:
    """Users with sessions and minutes, one of them often without any."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"user": range(n), "arm": np.arange(n) % 2, "a": np.arange(n) % 4 // 2})
    frame["b"] = frame["arm"]
    frame["earlier"] = rng.normal(size=n)
    frame["sessions"] = rng.poisson(3 * np.exp(0.3 * frame["earlier"]))
    frame["minutes"] = frame["sessions"] * (4 + frame["earlier"] + frame["arm"] + rng.gamma(2, 1, n))
    return frame


def twice() -> pd.DataFrame:
    """The same users before and after; every tenth is not there after."""
    before, after = users(seed=1).assign(time=0), users(seed=2).assign(time=1)
    after["minutes"] += before["minutes"] / 2
    return pd.concat([before, after[after["user"] % 10 > 0]], ignore_index=True)


def ratio(rows: pd.DataFrame) -> float:
    return float(rows["minutes"].sum() / rows["sessions"].sum())


def jackknife(rows: pd.DataFrame, design: Design) -> tuple[float, float]:
    """Give the contrast of ratios of sums, and its standard error: every user is left out once."""
    cells = [factor.column for factor in design.factors]
    sums = rows.pivot_table(index="user", columns=cells, values=["minutes", "sessions"], aggfunc="sum")
    values = sums.fillna(0.0)
    y, x = values["minutes"].to_numpy(), values["sessions"].to_numpy()
    weights = design.headline.array(design.shape).ravel()
    left = ((y.sum(axis=0) - y) / (x.sum(axis=0) - x)) @ weights
    variance = 0.0
    # Users of one group see each other, those of two do not.
    groups = cells[:-1] if design.paired else cells
    of_users = rows.drop_duplicates("user").set_index("user")[groups].loc[values.index]
    for _, group in of_users.groupby(groups):
        own = left[of_users.index.isin(group.index)]
        variance += (len(own) - 1) / len(own) * ((own - own.mean()) ** 2).sum()
    return float(y.sum(axis=0) / x.sum(axis=0) @ weights), variance**0.5


@pytest.mark.parametrize(
    ("design", "rows"),
    [(ROWS, users()), (TWICE, twice()), (BOTH, users())],
    ids=["groups", "pairs", "interaction"],
)
def test_companion_is_the_ratio_of_sums_and_its_jackknife(design: Design, rows: pd.DataFrame) -> None:
    """The delta method and the jackknife differ by terms of one over the number of users."""
    cells = compress(rows, design)
    check, (estimate, se) = robust_check(cells), jackknife(rows, cells.design)
    assert check.estimate == pytest.approx(estimate, rel=1e-9)
    assert check.se == pytest.approx(se, rel=0.01)


def test_it_is_not_the_mean_of_the_users_ratios() -> None:
    rows = users()
    own = (rows["minutes"] / rows["sessions"]).groupby(rows["arm"]).mean()
    assert abs(own[1] - own[0] - robust_check(compress(rows, ROWS)).estimate) > 0.01


@pytest.mark.parametrize("design", [ROWS, replace(ROWS, unit=None)], ids=["users", "rows"])
def test_a_full_analysis_and_a_scorecard_have_one_companion(design: Design) -> None:
    rows = users()
    lines = [Line(metric=design.metric)]
    several = read_several(rows, design, reads_of(lines))
    found, check = estimates(several, lines), robust_check(compress(rows, design))
    assert found.effect[0] == pytest.approx(check.estimate, rel=1e-9)
    assert found.se[0] == pytest.approx(check.se, rel=1e-9)


def test_rows_of_a_user_are_added_up_first() -> None:
    rows = users()
    halves = pd.concat([rows.assign(**{k: rows[k] / 2 for k in ("minutes", "sessions")})] * 2)
    whole, added = (compress(frame, replace(ROWS, agg=agg)) for frame, agg in ((rows, None), (halves, "sum")))
    pd.testing.assert_frame_equal(whole.bins.by_cell.frame, added.bins.by_cell.frame)


def test_a_covariate_is_no_ratio() -> None:
    rows = users()
    design = Design.compare(
        outcome="minutes", denominator="sessions", group="arm", unit="user", covariate="earlier"
    )
    plain, given = robust_check(compress(rows, ROWS)), robust_check(compress(rows, design))
    # Minutes per session depend on it, as they were generated.
    assert given.se < 0.9 * plain.se
    assert abs(given.estimate - plain.estimate) < 3 * plain.se


def capped_ratio(rows: pd.DataFrame) -> Any:
    """The groups' ratios and their difference by pandas."""
    below = rows.groupby("arm")[["minutes", "sessions"]].sum()
    found = below["minutes"] / below["sessions"]
    return found[1] - found[0]


def assert_same(one: Cells, other: Cells) -> None:
    """Compare by what is found; the engine adds in an order of its own, so last bits differ."""
    checks = [robust_check(cells) for cells in (one, other)]
    assert [checks[0].estimate, checks[0].se] == pytest.approx([checks[1].estimate, checks[1].se], rel=1e-9)


@pytest.mark.parametrize("cap", [12, "90%"])
def test_the_numerator_may_be_capped(cap: Any) -> None:
    """By user, before it is divided; the denominator stays, and a scorecard reads the same."""
    rows = users()
    cells = compress(rows, ROWS.measuring(cap=cap))
    number = cells.design.metric.cap
    taken = rows.assign(minutes=rows["minutes"].clip(upper=number))
    assert robust_check(cells).estimate == pytest.approx(capped_ratio(taken))
    assert cells.uncapped is not None
    assert robust_check(cells.uncapped).estimate == pytest.approx(capped_ratio(rows))
    line = Line(metric=ROWS.measuring(cap=cap).metric)
    several = read_several(rows, ROWS, reads_of([line]))
    found = estimates(several, [line])
    assert several.reads[0].cap == number
    assert (found.effect[0], found.se[0]) == (
        pytest.approx(robust_check(cells).estimate),
        pytest.approx(robust_check(cells).se, rel=1e-3),
    )


def test_the_numerator_may_be_capped_by_day() -> None:
    """As it stands in each row; before and after, and where a value before is given."""
    rows = users()
    days = pd.concat([rows, rows.assign(minutes=rows["minutes"] / 2)])
    cells = compress(days, replace(ROWS, agg="sum").measuring(daily_cap=5))
    assert robust_check(cells).estimate == pytest.approx(
        capped_ratio(days.assign(minutes=days["minutes"].clip(upper=5)))
    )
    before = compress(twice(), TWICE.measuring(cap=9))
    same = compress(twice().assign(minutes=lambda frame: frame["minutes"].clip(upper=9)), TWICE)
    assert_same(before, same)
    given = Design.compare(
        outcome="minutes", denominator="sessions", group="arm", unit="user", covariate="earlier", cap=9
    )
    plain = replace(given, metric=replace(given.metric, cap=None))
    clipped = rows.assign(minutes=rows["minutes"].clip(upper=9))
    assert_same(compress(rows, given), compress(clipped, plain))


def test_the_yardstick_is_the_ratio_unless_that_may_be_zero() -> None:
    cells = compress(users(), ROWS)
    assert cells.yardstick == pytest.approx(ratio(users()), rel=0.05)
    signed = users()
    signed["minutes"] -= signed["sessions"] * ratio(signed)
    assert compress(signed, ROWS).yardstick > 1


def test_cells_of_ratios_do_not_add_up() -> None:
    cells: Cells = compress(users(), ROWS)
    with pytest.raises(DesignError, match="Cells of a ratio do not add up"):
        cells + cells


@pytest.mark.parametrize(
    ("column", "value", "where", "match"),
    [
        ("sessions", -1, slice(5), r"'sessions' of 'ratio of minutes to sessions' has negative values"),
        ("sessions", np.nan, slice(5), r"denominator 'sessions' is missing \(NaN or null\) in 6 of 800"),
        ("sessions", np.inf, slice(5), r"denominator 'sessions' is infinite in 6 of 800"),
        ("sessions", 0, slice(None), r"'sessions' .* adds up to zero in a cell"),
        ("sessions", 0, slice(20, None), r"is hardly known in the cell 'a(rm)?' = '0'.*: its mean"),
        ("sessions", "many", slice(None), r"'sessions' has type string"),
    ],
)
@pytest.mark.parametrize("design", [ROWS, BOTH], ids=["users", "rows"])
def test_denominators_that_cannot_be_are_refused(
    design: Design, column: str, value: Any, where: slice, match: str
) -> None:
    rows = users().astype({"sessions": object if isinstance(value, str) else float})
    rows.loc[where, column] = value
    with pytest.raises(DataError, match=match):
        compress(rows, design)


@pytest.mark.parametrize("design", [ROWS, replace(ROWS, unit=None)], ids=["users", "rows"])
def test_one_ratio_for_everybody_is_refused(design: Design) -> None:
    rows = users()
    with pytest.raises(DataError, match=r"ratio of 'minutes' to 'sessions' is the same \(0.3\)"):
        compress(rows.assign(minutes=0.3 * rows["sessions"]), design)


def test_users_who_are_absent_may_have_no_denominator() -> None:
    """A wide table with a value before has rows without a value after."""
    rows = users()
    rows[["minutes", "sessions"]] = rows[["minutes", "sessions"]].where(rows["user"] > 9)
    design = Design.compare(
        outcome="minutes",
        denominator="sessions",
        group="arm",
        unit="user",
        covariate="earlier",
        missing="drop",
    )
    assert compress(rows, design).units == 790


@pytest.mark.slow
def test_coverage_where_the_denominator_is_as_thin_as_is_let_pass() -> None:
    """At ten standard errors the delta method's interval still covers; that is why the limit is there."""
    rng = np.random.default_rng(3)
    n, experiments, hits = 60, 2_000, 0
    for _ in range(experiments):
        x = rng.gamma(1.7, 1.0, (2, n))
        y = x * rng.gamma(4, 0.25, (2, n))
        found = y.sum(axis=1) / x.sum(axis=1)
        residuals = (y - found[:, None] * x) / x.mean(axis=1)[:, None]
        se = np.sqrt((residuals.var(axis=1, ddof=1) / n).sum())
        hits += abs(found[1] - found[0]) < 1.96 * se
    assert 0.93 < hits / experiments < 0.965


def test_questions_with_two_columns_of_one_ratio_are_refused() -> None:
    with pytest.raises(DesignError, match="A ratio before and after has four columns"):
        tbt.did(
            users(),
            before_column="earlier",
            after_column="minutes",
            denominator="sessions",
            group="arm",
            unit="user",
        )
    with pytest.raises(DesignError, match="would be the ratio before, which has two columns"):
        tbt.compare(
            users(),
            outcome="minutes",
            denominator="sessions",
            before_column="earlier",
            group="arm",
            unit="user",
        )
