"""A/A on the user's own values: uniform where answers are right, and not where they are known to be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from twobytwo import DataError, Design, DesignError, Priors, SamplerOptions, compress, simulate, validate
from twobytwo.check.validation import closed_form
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.fit import fit
from twobytwo.show import plots

DID = Design.did(outcome="y", group="g", period="t")


def table(sizes: tuple[int, int], log_sd: float, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"y": rng.lognormal(1, log_sd, n), "g": g, "t": t})
        for g, n in enumerate(sizes)
        for t in (0, 1)
    ]
    return pd.concat(parts)


def test_a_mild_metric_of_equal_groups_passes_and_says_so() -> None:
    found = validate(table((2_000, 2_000), 0.5), DID)
    assert found.passed
    assert found.users == (2_000, 2_000)
    assert found.coverage == pytest.approx(0.95, abs=0.02)
    assert "its probabilities can be believed for y" in found.sentence
    assert found.distance < 1.63 / np.sqrt(found.splits)


def test_a_skewed_metric_of_unequal_groups_does_not() -> None:
    """With 5 % treated, Welch's one-sided errors are 7 to 8 % and under 1 % on a skewed metric."""
    found = validate(table((1_900, 100), 2.0), DID)
    high, low = found.alarms
    assert not found.passed
    assert high > 0.07 > 0.04 > low
    assert "not to be taken at their word" in found.sentence


def test_a_lopsided_probability_of_harm_does_not_pass_because_its_interval_covers() -> None:
    made = validate(table((500, 500), 0.5), DID)
    lopsided = replace(made, p_harm=np.random.default_rng(1).beta(1, 1.25, 2_000))
    assert lopsided.coverage == made.coverage
    assert not lopsided.passed


def test_the_period_after_is_not_looked_at() -> None:
    rows = table((500, 500), 0.5)
    changed = rows.assign(y=rows["y"].where(rows["t"] == 0, rows["y"] * (1 + 3 * rows["g"])))
    for one, other in zip(*(validate(frame, DID).p_harm[:50] for frame in (rows, changed)), strict=True):
        # The yardstick of the prior is the whole table's.
        assert one == pytest.approx(other, abs=0.01)


def test_splits_of_bins_are_splits_of_rows() -> None:
    """Against the same number of splits of the rows themselves."""
    rows = table((900, 100), 1.5)
    found = validate(rows, DID, splits=4_000)
    before = rows.loc[rows["t"] == 0, "y"].to_numpy()
    rng = np.random.default_rng(3)
    orders = rng.permuted(np.tile(before, (4_000, 1)), axis=1)
    parts = (orders[:, :900], orders[:, 900:])
    variances = tuple(part.var(axis=1, ddof=1) for part in parts)
    prior = Priors().effect * compress(rows, DID).yardstick
    centre, sd, _ = closed_form(
        parts[1].mean(axis=1) - parts[0].mean(axis=1), variances, np.array([900, 100]), prior
    )
    assert np.std(centre / sd) == pytest.approx(np.std(_z(found.p_harm)), rel=0.06)
    for probability in (0.1, 0.5, 0.9):
        assert np.quantile(-centre / sd, probability) == pytest.approx(
            np.quantile(_z(found.p_harm), probability), abs=0.12
        )


def _z(p_harm: np.ndarray) -> np.ndarray:
    from scipy import stats

    return stats.norm.ppf(np.clip(p_harm, 1e-9, 1 - 1e-9))


def test_the_closed_form_is_the_packages_own_posterior() -> None:
    rows = table((400, 150), 0.8)
    rows = rows[rows["t"] == 0]
    cells = compress(rows, Design.compare(outcome="y", group="g"))
    fitted = fit(cells, Normal(), Priors(), SamplerOptions(draws=1_000))
    draws = fitted.effects[cells.design.headline.name].to_numpy().ravel()
    moments = cells.moments()
    n, mean, ss = (moments[name].to_numpy() for name in ("n", "mean", "ss"))
    centre, sd, _ = closed_form(mean[1] - mean[0], tuple(ss / (n - 1)), n, Priors().effect * cells.yardstick)
    assert draws.mean() == pytest.approx(float(centre), abs=0.06 * draws.std())
    assert draws.std() == pytest.approx(float(sd), rel=0.04)


def test_harm_may_be_an_increase() -> None:
    rows = table((300, 300), 0.5)
    down, up = (
        validate(rows, replace(DID, metric=replace(DID.metric, harm=harm)))
        for harm in ("decrease", "increase")
    )
    np.testing.assert_allclose(down.p_harm, 1 - up.p_harm, atol=1e-12)


def test_without_a_period_before_all_rows_are_split() -> None:
    design = Design.compare(outcome="out", group="exp2_is_treatment")
    found = validate(simulate.cannibalisation(), design)
    assert not found.before
    assert "whatever each of them got" in found.sentence


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(DataError, match=r"has 5 user\(s\); at least 10 are needed to split"):
        validate(table((50, 5), 0.5), DID)
    for wrong in ("many", 10, True):
        with pytest.raises(DesignError, match=r"splits=.*whole number from 100"):
            validate(table((50, 50), 0.5), DID, splits=wrong)
    with pytest.raises(DesignError, match="ci_prob=2"):
        validate(table((50, 50), 0.5), DID, ci_prob=2)


def test_the_question_must_be_stated_unless_cells_have_one() -> None:
    rows = table((50, 50), 0.5)
    for design in ((), ("y",)):
        with pytest.raises(DesignError, match=r"design=.* states no question; give one, such as Design\.did"):
            validate(rows, *design)
    cells = compress(rows, DID)
    assert validate(cells, splits=100).sentence == validate(cells, DID, splits=100).sentence


def test_the_picture_has_a_bar_for_every_twentieth() -> None:
    found = validate(table((200, 200), 0.5), DID, splits=400)
    ax = plots.plot_validation(found, plots.blank(7, 3.6))
    assert "% intervals cover zero" in ax.get_title()
    assert len(ax.patches[-1].get_data().values) == 20
    assert plots.render(ax, "png")[1:4] == b"PNG"
