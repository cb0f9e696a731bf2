"""Effects on many metrics together: the companions' numbers, the exact posterior, and a jackknife."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

from twobytwo.ask.design import Design
from twobytwo.ask.lines import Line
from twobytwo.ask.metric import Metric
from twobytwo.check.crosscheck import robust_check
from twobytwo.data.cells import compress
from twobytwo.data.several import read_several
from twobytwo.infer.estimates import Estimates, estimates
from twobytwo.infer.layout import pairs_of, reads_of
from twobytwo.infer.priors import Priors
from twobytwo.infer.together import Together, effects_together

Floats = npt.NDArray[np.float64]
MINUTES = Metric(column="minutes")
BOUGHT = Metric(column="bought", kind="share")
CLICKS = Metric(column="clicks", kind="count")
PACE = Metric(column="minutes", kind="ratio", denominator="clicks")
FLAT = Priors(
    name="flatter", baseline=1e3, effect=1e3, interaction=1e3, activity=1e3, activity_interaction=1e3
)


def users(n: int = 4_000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    keen = rng.normal(size=n)
    frame = pd.DataFrame({"user": np.arange(n), "arm": np.arange(n) % 2, "other": np.arange(n) // 2 % 2})
    frame["minutes"] = rng.gamma(2, 10, n) * np.exp(0.4 * keen) * (1 + 0.05 * frame["arm"])
    frame["bought"] = (keen + rng.normal(size=n) > 1.5).astype(int)
    frame["clicks"] = rng.poisson(2 * np.exp(0.4 * keen))
    return frame


def answer(
    frame: pd.DataFrame, design: Design, metrics: list[Metric], priors: Priors = FLAT, draws: int = 40_000
) -> tuple[Estimates, Together]:
    lines = [Line(metric=metric) for metric in metrics]
    several = read_several(frame, design, reads_of(lines), pairs_of(lines))
    found = estimates(several, lines)
    return found, effects_together(several, lines, found, priors, draws=draws, seed=1)


ARM = Design.compare(outcome="minutes", group="arm")


@pytest.mark.parametrize("metric", [MINUTES, BOUGHT, CLICKS])
@pytest.mark.parametrize("design", ["compare", "interaction", "did", "did_rows"])
def test_estimates_are_those_of_the_companion(metric: Metric, design: str) -> None:
    frame = users()
    asked: dict[str, Any] = {
        "compare": lambda outcome: Design.compare(outcome=outcome, group="arm", unit="user"),
        "interaction": lambda outcome: Design.interaction(outcome=outcome, factors=("arm", "other")),
        "did": lambda outcome: Design.did(outcome=outcome, group="arm", period="period", unit="user"),
        "did_rows": lambda outcome: Design.did(outcome=outcome, group="arm", period="period"),
    }
    if design.startswith("did"):
        frame = pd.concat([frame.assign(period="pre"), users(seed=1).assign(period="post")])
    found, joint = answer(frame, asked[design](MINUTES), [MINUTES, BOUGHT, CLICKS], draws=4_000)
    j = [MINUTES, BOUGHT, CLICKS].index(metric)
    check = robust_check(compress(frame, asked[design](metric)))
    assert found.effect[j] == pytest.approx(check.estimate, rel=1e-9, abs=1e-9)
    assert found.se[j] == pytest.approx(check.se, rel=1e-9)
    # Flat priors: within .05 standard errors, but for the noise of 4,000 draws.
    assert joint.effect[:, j].mean() == pytest.approx(
        check.estimate, abs=(0.05 + 4 / np.sqrt(4_000)) * check.se
    )
    assert joint.effect[:, j].std() == pytest.approx(check.se, rel=0.05)


def test_a_ratios_standard_error_is_that_of_an_explicit_jackknife() -> None:
    frame = users(1_200)

    def effect(rows: pd.DataFrame) -> float:
        sums = rows.groupby("arm")[["minutes", "clicks"]].sum()
        ratio = sums["minutes"] / sums["clicks"]
        return float(ratio[1] - ratio[0])

    # Leave one user out of each group's sums.
    parts = []
    for arm in (0, 1):
        group = frame[frame["arm"] == arm]
        left = (group["minutes"].sum() - group["minutes"]) / (group["clicks"].sum() - group["clicks"])
        n = len(group)
        parts.append((n - 1) / n * ((left - left.mean()) ** 2).sum())
    found, joint = answer(frame, ARM, [PACE])
    assert found.effect[0] == pytest.approx(effect(frame), rel=1e-12)
    assert found.se[0] == pytest.approx(np.sqrt(sum(parts)), rel=0.01)
    assert joint.effect.mean() == pytest.approx(effect(frame), abs=0.05 * found.se[0])
    assert joint.effect.std() == pytest.approx(found.se[0], rel=0.02)
    # The mean of users' own ratios is another quantity.
    own = (frame["minutes"] / frame["clicks"].clip(lower=1)).groupby(frame["arm"]).mean()
    assert abs(own[0] - found.base[0]) > 2 * found.se[0]


def test_the_joint_posterior_is_that_of_the_multivariate_normal_of_all_rows() -> None:
    """The conjugate posterior of two correlated means, group by group; 40,000 draws, 4 standard errors."""
    rng = np.random.default_rng(3)
    n = 200
    frame = pd.DataFrame({"arm": np.arange(n) % 2})
    values = rng.multivariate_normal([0, 0, 0], [[1, 0.8, 0.6], [0.8, 1, 0.7], [0.6, 0.7, 1]], n)
    names = ["a", "b", "c"]
    frame[names] = 10 + values + 0.12 * frame[["arm"]].to_numpy()
    metrics = [Metric(column=name) for name in names]
    _, joint = answer(frame, ARM, metrics)
    exact = np.zeros((40_000, 3))
    for arm, sign in ((0, -1), (1, 1)):
        rows = frame.loc[frame["arm"] == arm, names].to_numpy()
        size, centred = len(rows), rows - rows.mean(axis=0)
        # Under the Jeffreys prior |Σ|^(-2) the means are multivariate t with n - 3 degrees of freedom.
        df = size - 3
        exact += sign * stats.multivariate_t.rvs(
            rows.mean(axis=0), centred.T @ centred / (size * df), df=df, size=40_000, random_state=rng
        )
    for event in (lambda e: (e > 0).all(axis=1), lambda e: (e > 0).any(axis=1), lambda e: e[:, 0] > e[:, 1]):
        p, q = event(joint.effect).mean(), event(exact).mean()
        assert p == pytest.approx(q, abs=4 * np.sqrt(2 * q * (1 - q) / 40_000) + 0.005)
    product = (exact > 0).mean(axis=0).prod()
    assert (exact > 0).all(axis=1).mean() > product + 0.05


def test_a_prior_on_correlated_metrics_is_combined_exactly() -> None:
    """Against the formula for normals: mean and covariance of the posterior."""
    frame = users()
    tight = Priors(name="tight", effect=0.02, activity=0.05)
    metrics = [MINUTES, BOUGHT]
    found, joint = answer(frame, ARM, metrics, priors=tight)
    tau = np.diag((found.scale * np.array([0.02, 0.05])) ** 2)
    gain = tau @ np.linalg.inv(tau + found.covariance)
    expected = (np.eye(2) - gain) @ tau
    sd = np.sqrt(np.diagonal(expected))
    np.testing.assert_allclose(joint.effect.mean(axis=0), gain @ found.effect, atol=0.05 * sd.min())
    np.testing.assert_allclose(np.cov(joint.effect.T), expected, rtol=0.05, atol=0.02 * sd.prod())
    np.testing.assert_allclose(joint.prior_weight, found.se**2 / (found.se**2 + np.diagonal(tau)))


def test_effects_of_several_treatments_share_the_control_group() -> None:
    """Against the formula for normals, whose prior is one of each treatment; mean and covariance."""
    frame = users().assign(arm=lambda frame: frame["user"] % 3)
    frame["minutes"] += 2 * frame["arm"]
    design = Design.compare(outcome="minutes", group="arm", control=0, treatment=[1, 2])
    metrics = [MINUTES, BOUGHT]
    tight = Priors(name="tight", effect=0.02, activity=0.05)
    found, joint = answer(frame, design, metrics, priors=tight)
    columns = frame[["minutes", "bought"]] * [1, 100]
    means = [group.to_numpy().mean(axis=0) for _, group in columns.groupby(frame["arm"])]
    errors = [group.cov().to_numpy() / len(group) for _, group in columns.groupby(frame["arm"])]
    np.testing.assert_allclose(found.effect, np.concatenate([means[1] - means[0], means[2] - means[0]]))
    covariance = np.block([[errors[0] + errors[1], errors[0]], [errors[0], errors[0] + errors[2]]])
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-9, atol=1e-12)
    tau = np.diag(np.square(found.scale * np.array([0.02, 0.05, 0.02, 0.05])))
    gain = tau @ np.linalg.inv(tau + covariance)
    expected = (np.eye(4) - gain) @ tau
    sd = np.sqrt(np.diagonal(expected))
    off = (joint.effect.mean(axis=0) - gain @ found.effect) / sd
    assert np.abs(off).max() < 0.05
    np.testing.assert_allclose(
        np.cov(joint.effect.T) / np.outer(sd, sd), expected / np.outer(sd, sd), atol=0.05
    )
    relative = joint.relative[:, 2]
    assert relative.mean() == pytest.approx(joint.effect[:, 2].mean() / means[0][0], rel=0.02)


@pytest.mark.parametrize(("share", "factor"), [(0.5, 2.0), (0.9, 1.5), (0.5, 0.5)])
def test_a_relative_effect_knows_that_what_it_is_relative_to_is_estimated(
    share: float, factor: float
) -> None:
    """Divided by one number, 95 % intervals covered 84 to 87 % (and, of a loss, 99.7 %)."""
    rng = np.random.default_rng(4)
    arm = (rng.random(4_000) < share).astype(int)
    frame = pd.DataFrame({"arm": arm, "minutes": rng.normal(10, 6, 4_000) * np.where(arm == 1, factor, 1)})
    design = Design.compare(outcome="minutes", group="arm", control=0, treatment=1)
    _, joint = answer(frame, design, [MINUTES], priors=Priors(name="wide", effect=50.0))
    (control, n0), (treated, n1) = ((y, len(y)) for _, y in frame.groupby("arm")["minutes"])
    ratio = treated.mean() / control.mean()
    # The delta method.
    error = np.sqrt(treated.var() / n1 + ratio**2 * control.var() / n0) / control.mean()
    assert joint.relative[:, 0].std() == pytest.approx(error, rel=0.05)
    assert joint.relative[:, 0].mean() == pytest.approx(ratio - 1, abs=0.1 * error)


def test_a_share_is_its_beta_posterior() -> None:
    """Of two cells with 80 and 100 events: quantiles of the difference within .1 of its sd."""
    frame = pd.DataFrame(
        {"arm": [0] * 1_000 + [1] * 1_000, "bought": [1] * 80 + [0] * 920 + [1] * 100 + [0] * 900}
    )
    _, joint = answer(frame, ARM, [BOUGHT])
    rng = np.random.default_rng(0)
    exact = 100 * (rng.beta(100.5, 900.5, 100_000) - rng.beta(80.5, 920.5, 100_000))
    at = [0.025, 0.25, 0.5, 0.75, 0.975]
    np.testing.assert_allclose(np.quantile(joint.effect, at), np.quantile(exact, at), atol=0.1 * exact.std())


def test_groups_drawn_at_random_are_adjusted_for_the_period_before() -> None:
    frame, noise = users(), np.random.default_rng(5)
    after = frame.assign(period="post", minutes=0.3 * frame["minutes"] + noise.normal(0, 5, len(frame)))
    rows = pd.concat([frame.assign(period="pre"), after])
    free, adjusted = (
        Design.did(outcome=MINUTES, group="arm", period="period", unit="user", randomised=randomised)
        for randomised in (False, True)
    )
    check = robust_check(compress(rows, adjusted))
    assert check.method == "ancova"
    found, joint = answer(rows, adjusted, [MINUTES])
    assert joint.effect.mean() == pytest.approx(check.estimate, abs=0.1 * check.se)
    assert joint.effect.std() == pytest.approx(check.se, rel=0.05)
    # The companion is of the same estimand, and not the difference of changes.
    assert found.effect[0] == pytest.approx(check.estimate, abs=0.05 * check.se)
    assert found.se[0] == pytest.approx(check.se, rel=0.01)
    changes, _ = answer(rows, free, [MINUTES])
    assert changes.se[0] > 1.2 * found.se[0]
    assert abs(changes.effect[0] - found.effect[0]) > 0.2 * found.se[0]
    pre = [group["minutes"].mean() for _, group in frame.groupby("arm")]
    assert found.gap[0] == pytest.approx(pre[1] - pre[0])


def test_dependent_metrics_have_joint_draws_too() -> None:
    frame = users().assign(twice=lambda frame: 2 * frame["minutes"])
    _, joint = answer(frame, ARM, [MINUTES, Metric(column="twice")], draws=500)
    np.testing.assert_allclose(joint.effect[:, 1], 2 * joint.effect[:, 0], rtol=1e-2, atol=1e-2)
