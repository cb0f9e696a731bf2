"""Shrinkage over metrics: the width is found, errors become smaller, fat tails keep what is large."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twobytwo.answer.shrinkage import shrunk
from twobytwo.errors import DesignError


def estimated(true: Any, se: float, seed: int = 0, draws: int = 1_000) -> Any:
    rng = np.random.default_rng(seed)
    count = len(true)
    return true + rng.normal(0, se, count) + se * rng.standard_normal((draws, count))


def test_the_width_is_found_and_errors_become_smaller() -> None:
    true = np.random.default_rng(1).normal(0, 0.03, 400)
    draws = estimated(true, 0.02)
    found, how = shrunk(draws, 0.02**2 * np.eye(400), np.ones(400), "normal")
    assert how.width == pytest.approx(0.03, rel=0.15)
    keep = how.width**2 / (how.width**2 + draws.std(axis=0) ** 2)
    # Five Monte-Carlo standard errors of a thousand draws; the width's own uncertainty is small here.
    np.testing.assert_allclose(found.mean(axis=0), keep * draws.mean(axis=0), atol=5 * 0.02 / 1_000**0.5)
    np.testing.assert_allclose(found.std(axis=0), np.sqrt(keep) * draws.std(axis=0), rtol=0.15)
    assert ((found.mean(axis=0) - true) ** 2).mean() < 0.8 * ((draws.mean(axis=0) - true) ** 2).mean()
    assert f"{how.width:.2%}" in how.words


def test_where_nothing_happened_little_is_left_but_not_nothing() -> None:
    found, how = shrunk(estimated(np.zeros(300), 0.02), 0.02**2 * np.eye(300), np.ones(300), "normal")
    assert how.width < 0.006
    assert np.abs(found.mean(axis=0)).max() < 0.008
    assert found.std(axis=0).min() > 0.0005


@pytest.mark.parametrize("kind", ["normal", "fat"])
@pytest.mark.parametrize(
    ("count", "correlation", "width"), [(12, 0.0, 0.01), (12, 0.6, 0.01), (30, 0.6, 0.01)]
)
def test_intervals_cover_where_effects_are_smaller_than_their_errors(
    kind: Any, count: int, correlation: float, width: float
) -> None:
    """With the best width alone they covered 52 to 81 %: it was zero in up to 43 % of the cards."""
    rng, se, covered = np.random.default_rng(3), 0.015, []
    root = se * np.linalg.cholesky(correlation + (1 - correlation) * np.eye(count))
    for seed in range(60):
        true = width * rng.standard_normal(count)
        estimate = true + root @ rng.standard_normal(count)
        draws = estimate + rng.standard_normal((1_000, count)) @ root.T
        found, _ = shrunk(draws, root @ root.T, np.ones(count), kind, seed=seed)
        lower, upper = np.quantile(found, [0.025, 0.975], axis=0)
        covered.append(((lower <= true) & (true <= upper)).mean())
    # 2.5 standard errors of 60 cards below 95 %, by how much the cards differ.
    assert np.mean(covered) > 0.95 - 2.5 * np.std(covered) / 60**0.5 - 0.02


def test_fat_tails_keep_a_large_effect() -> None:
    true = np.append(np.random.default_rng(1).normal(0, 0.005, 299), 0.2)
    draws = estimated(true, 0.02)
    (normal, _), (fat, how) = (
        shrunk(draws, 0.02**2 * np.eye(300), np.ones(300), kind) for kind in ("normal", "fat")
    )
    assert normal[:, -1].mean() < 0.6 * draws[:, -1].mean()
    assert fat[:, -1].mean() > 0.75 * draws[:, -1].mean()
    assert "with fat tails" in how.words


def test_scales_are_the_metrics_own() -> None:
    scale = np.geomspace(1e-3, 1e3, 50)
    draws = estimated(np.zeros(50), 0.02)
    one, how = shrunk(draws, 0.02**2 * np.eye(50), np.ones(50), "normal")
    other, again = shrunk(draws * scale, 0.02**2 * np.diag(scale**2), scale, "normal")
    np.testing.assert_allclose(other / scale, one, rtol=1e-6, atol=1e-9)
    assert again.width == pytest.approx(how.width, rel=1e-6)


@pytest.mark.parametrize(("kind", "count", "match"), [
    ("lasso", 20, "shrink='lasso' is unknown"), ("normal", 9, "9 are fewer than 10"),
])  # fmt: skip
def test_what_cannot_be_learnt_is_refused(kind: Any, count: int, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        shrunk(estimated(np.zeros(count), 0.1), 0.01 * np.eye(count), np.ones(count), kind)
