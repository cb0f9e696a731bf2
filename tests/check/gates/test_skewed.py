"""Whether few large values carry a difference of means: its skewness, and groups that lack them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import ndtri

from twobytwo.ask.design import Design
from twobytwo.check.gates.family import foreseen
from twobytwo.check.gates.skewed import skewness, spread_alike, spread_before
from twobytwo.data.cells import compress
from twobytwo.infer.families.normal import Normal

Floats = npt.NDArray[np.float64]
TWO = Design.interaction(outcome="y", factors=("a", "b"))
PAIRS = Design.did_wide(before_column="pre", after_column="post", group="g", unit="user", missing="zero")


def skewness_by_hand(groups: list[Floats], signs: list[int]) -> float:
    """Third central moment of a signed sum of means over its standard deviation cubed, from rows."""
    third = sum(s * ((y - y.mean()) ** 3).sum() / len(y) ** 3 for s, y in zip(signs, groups, strict=True))
    variance = sum(((y - y.mean()) ** 2).sum() / len(y) ** 2 for y in groups)
    return float(abs(third) / variance**1.5)


@pytest.mark.parametrize(
    ("sizes", "status"),
    [((30_000,) * 4, "pass"), ((4_000, 4_000, 1_300, 1_300), "warn"), ((2_000, 2_000, 15, 600), "refuse")],
)
def test_the_skewness_of_the_contrast_is_that_of_the_rows(sizes: tuple[int, ...], status: str) -> None:
    rng = np.random.default_rng(1)
    groups = [rng.lognormal(0, 1, n) * (1 + (k == 2)) for k, n in enumerate(sizes)]
    frame = pd.concat([pd.DataFrame({"y": y, "a": k // 2, "b": k % 2}) for k, y in enumerate(groups)])
    gate = skewness(compress(frame, TWO))
    assert gate.value == pytest.approx(skewness_by_hand(groups, [1, -1, -1, 1]), rel=1e-6)
    assert (gate.subject, gate.status) == ("family", status)
    if status != "pass":
        assert "Collect more data" in gate.message
        # Where the normal is refused the other families are tried, and may have been before.
        assert "family=" not in gate.message


def test_the_skewness_of_pairs_is_that_of_the_changes() -> None:
    rng = np.random.default_rng(1)
    before, news = rng.lognormal(0, 1, 600), rng.lognormal(0, 1, 600)
    variant = (np.arange(600) < 60).astype(int)
    frame = pd.DataFrame({"user": np.arange(600), "g": variant, "pre": before, "post": before + news})
    gate = skewness(compress(frame, PAIRS))
    assert gate.value == pytest.approx(
        skewness_by_hand([news[variant == 0], news[variant == 1]], [-1, 1]), rel=1e-6
    )


# What the value before leaves

RANDOMISED = replace(PAIRS, randomised=True)
COMPARED = Design.compare(outcome="post", before_column="pre", group="g", unit="user")


def gifts(treated: int, *, large: float = 400.0, n: int = 600) -> pd.DataFrame:
    """Users of whom one gave very much before, and who give something else after."""
    rng = np.random.default_rng(6)
    pre = rng.lognormal(2, 0.5, n)
    pre[-1] = large
    g = np.repeat([0, 1], [n - treated, treated])
    after = 5 + 0.02 * pre + rng.gamma(4, 1, n) * (1 + 0.3 * g)
    return pd.DataFrame({"user": range(n), "g": g, "pre": pre, "post": after})


def left_by_hand(frame: pd.DataFrame) -> float:
    """Skewness of covariance analysis with own slopes: every user's part in the estimate, by jackknife."""
    x, y, g = (frame[name].to_numpy() for name in ("pre", "post", "g"))

    def estimate(kept: npt.NDArray[np.bool_]) -> float:
        parts = [(x[kept & (g == k)], y[kept & (g == k)]) for k in (0, 1)]
        slope = [np.cov(a, b)[0, 1] / a.var(ddof=1) for a, b in parts]
        weight = np.array([a.size / a.var(ddof=1) for a, _ in parts])
        middle = weight @ [a.mean() for a, _ in parts] / weight.sum()
        (c, t) = (b.mean() + s * (middle - a.mean()) for (a, b), s in zip(parts, slope, strict=True))
        return float(t - c)

    everyone = np.ones(len(x), dtype=bool)
    part = np.array([estimate(everyone) - estimate(np.arange(len(x)) != k) for k in range(len(x))])
    return float(abs((part**3).sum()) / (part**2).sum() ** 1.5)


@pytest.mark.parametrize("design", [RANDOMISED, COMPARED])
def test_what_the_value_before_leaves_may_be_even(design: Design) -> None:
    frame = gifts(300) if design is RANDOMISED else gifts(300).assign(post=lambda f: f["post"] + f["pre"])
    cells = compress(frame, design)
    gate = skewness(cells)
    assert (gate.status, gate.name) == ("pass", "skewness")
    assert gate.value is not None
    assert gate.value < 0.06
    assert "The difference of means given the value before is close to normal" in gate.message
    # Groups that nobody drew at random are compared by their changes.
    unlike = skewness(compress(frame.assign(post=gifts(300)["post"]), PAIRS))
    assert unlike.status == "refuse"
    assert "The difference of the users' mean changes is itself skewed" in unlike.message


def test_the_skewness_of_what_is_left_is_that_of_the_rows() -> None:
    rng = np.random.default_rng(8)
    pre = rng.lognormal(0, 1.2, 500)
    g = np.repeat([0, 1], [320, 180])
    frame = pd.DataFrame(
        {"user": range(500), "g": g, "pre": pre, "post": pre**0.7 * rng.lognormal(0, 1, 500)}
    )
    gate = skewness(compress(frame, RANDOMISED))
    assert "given the value before" in gate.message
    # A jackknife moves the slopes too, which is of the order of 1/n.
    assert gate.value == pytest.approx(left_by_hand(frame), rel=0.1)


def test_a_small_group_is_judged_by_its_changes() -> None:
    gate = skewness(compress(gifts(60), RANDOMISED))
    assert gate.status == "refuse"
    assert "mean changes" in gate.message


def test_a_covariate_leaves_nothing_of_a_change() -> None:
    asked = Design.compare(outcome="post", covariate="pre", group="g", unit="user")
    assert "given the value before" not in skewness(compress(gifts(300), asked)).message


# Groups that lack the large values


def users(treated: int, *, largest: float = 1.0, light: float = 1.0, factor: float = 1.0) -> pd.DataFrame:
    """2,000 users with the quantiles of a lognormal, in both groups; the treated without the largest.

    The treated keep the values up to the quantile `largest`, all divided by `light`; afterwards theirs are
    multiplied by `factor`.
    """
    rng, pre = np.random.default_rng(2), []
    for n, up_to in ((2_000 - treated, 1.0), (treated, largest)):
        pre.append(np.exp(1.5 * ndtri(up_to * (np.arange(n) + 0.5) / n)))
    g = np.repeat([0, 1], [2_000 - treated, treated])
    values = np.concatenate(pre) / np.where(g == 1, light, 1.0)
    after = values * rng.lognormal(0, 0.3, 2_000) * np.where(g == 1, factor, 1.0)
    return pd.DataFrame({"user": np.arange(2_000), "g": g, "pre": values, "post": after})


def ratio_by_hand(frame: pd.DataFrame) -> float:
    groups = [y.to_numpy() for _, y in frame.groupby("g")["pre"]]
    squares = [((y - y.mean()) ** 2).sum() for y in groups]
    alike = sum(squares) / len(frame) * sum(1 / len(y) for y in groups)
    own = sum(s / len(y) ** 2 for s, y in zip(squares, groups, strict=True))
    return float(np.sqrt(alike / own))


@pytest.mark.parametrize(
    ("treated", "largest", "status"),
    [(200, 1.0, "pass"), (200, 0.995, "warn"), (200, 0.93, "refuse"), (1_000, 0.93, "pass")],
)
@pytest.mark.parametrize("randomised", [False, True])
def test_a_small_group_without_the_largest_is_seen(
    treated: int, largest: float, status: str, randomised: bool
) -> None:
    frame = users(treated, largest=largest)
    (gate,) = spread_before(compress(frame, replace(PAIRS, randomised=randomised)))
    assert gate.value == pytest.approx(ratio_by_hand(frame), rel=1e-6)
    assert (gate.name, gate.subject, gate.status) == ("spread_before", "family", status)
    assert ("Collect more data" in gate.message) == (status != "pass")


def test_a_treatment_cannot_move_it() -> None:
    """Whatever it does to values after, and to their spread: values before are from before."""
    plain, shrunk = (spread_before(compress(users(200, factor=f), PAIRS)) for f in (1.0, 0.05))
    assert plain == shrunk


def test_a_group_that_is_light_by_nature_is_no_chance() -> None:
    """Treated users have a third of everybody's values: they spread less, and nothing is missing."""
    frame = users(200, light=3.0)
    (gate,) = spread_before(compress(frame, PAIRS))
    assert gate.status == "pass"
    assert "others altogether" in gate.message
    # Groups that were drawn at random cannot be light by nature.
    (gate,) = spread_before(compress(frame, replace(PAIRS, randomised=True)))
    assert gate.status == "refuse"


def test_values_before_are_judged_where_users_have_them_and_outcomes_where_not() -> None:
    frame, compared = users(200, largest=0.9), Design.compare(outcome="post", group="g")
    assert spread_before(compress(frame, compared)) == []
    assert spread_alike(compress(frame, PAIRS)) == []
    names = [[gate.name for gate in foreseen(Normal(), compress(frame, d))] for d in (compared, PAIRS)]
    assert names == [["skewness", "spread_alike"], ["skewness", "spread_before"]]


def in_rows(frame: pd.DataFrame) -> tuple[pd.DataFrame, Design]:
    rows = frame.melt(["user", "g"], ["pre", "post"], "when", "y")
    return rows, Design.did(outcome="y", group="g", period="when", before="pre", after="post")


def alike_over_own(groups: list[Floats]) -> float:
    n, ss = np.array([len(y) for y in groups]), np.array([((y - y.mean()) ** 2).sum() for y in groups])
    return float(np.sqrt(ss.sum() / n.sum() * (1 / n).sum() / (ss / n**2).sum()))


@pytest.mark.parametrize(
    ("treated", "largest", "status"), [(1_000, 0.9, "pass"), (200, 1.0, "pass"), (200, 0.93, "refuse")]
)
def test_a_small_group_of_rows_without_the_largest_is_seen(treated: int, largest: float, status: str) -> None:
    frame = users(treated, largest=largest)
    (gate,) = spread_alike(compress(frame, Design.compare(outcome="post", group="g")))
    by_hand = alike_over_own([frame.loc[frame["g"] == g, "post"].to_numpy() for g in (0, 1)])
    assert gate.value == pytest.approx(by_hand, rel=1e-9)
    assert (gate.subject, gate.status) == ("family", status)
    (of_periods,) = spread_alike(compress(*in_rows(frame)))
    assert of_periods.status == status


def test_a_small_group_of_rows_that_is_light_by_nature_is_left_alone() -> None:
    rows, design = in_rows(users(200, light=4.0))
    (gate,) = spread_alike(compress(rows, design))
    assert gate.status == "pass"
    assert "others altogether" in gate.message
    # What nobody saw before can be the treatment's doing or chance, and is not told apart.
    (after,) = spread_alike(compress(users(200, light=4.0), Design.compare(outcome="post", group="g")))
    assert after.status == "refuse"


@pytest.mark.parametrize("kind", ["share", "ratio"])
def test_what_has_no_large_values_is_not_judged(kind: str) -> None:
    frame = users(200).assign(post=lambda f: (f["post"] > 1).astype(int), days=1)
    asked = {"kind": "share"} if kind == "share" else {"denominator": "days"}
    unit = {} if kind == "share" else {"unit": "user"}
    assert spread_alike(compress(frame, Design.compare(outcome="post", group="g", **asked, **unit))) == []
