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
    found, how = shrunk(draws, np.ones(400), "normal")
    assert how.width == pytest.approx(0.03, rel=0.15)
    keep = how.width**2 / (how.width**2 + draws.std(axis=0) ** 2)
    np.testing.assert_allclose(found.mean(axis=0), keep * draws.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(found.std(axis=0), np.sqrt(keep) * draws.std(axis=0), rtol=1e-9)
    assert ((found.mean(axis=0) - true) ** 2).mean() < 0.8 * ((draws.mean(axis=0) - true) ** 2).mean()
    assert f"{how.width:.2%}" in how.words


def test_where_nothing_happened_nothing_is_left() -> None:
    found, how = shrunk(estimated(np.zeros(300), 0.02), np.ones(300), "normal")
    assert how.width < 0.006
    assert np.abs(found.mean(axis=0)).max() < 0.005


def test_fat_tails_keep_a_large_effect() -> None:
    true = np.append(np.random.default_rng(1).normal(0, 0.005, 299), 0.2)
    draws = estimated(true, 0.02)
    (normal, _), (fat, how) = (shrunk(draws, np.ones(300), kind) for kind in ("normal", "fat"))
    assert normal[:, -1].mean() < 0.6 * draws[:, -1].mean()
    assert fat[:, -1].mean() > 0.75 * draws[:, -1].mean()
    assert "with fat tails" in how.words


def test_scales_are_the_metrics_own() -> None:
    scale = np.geomspace(1e-3, 1e3, 50)
    draws = estimated(np.zeros(50), 0.02)
    one, how = shrunk(draws, np.ones(50), "normal")
    other, again = shrunk(draws * scale, scale, "normal")
    np.testing.assert_allclose(other, one * scale, rtol=1e-9)
    assert again.width == pytest.approx(how.width, rel=1e-6)


@pytest.mark.parametrize(("kind", "count", "match"), [
    ("lasso", 20, "shrink='lasso' is unknown"), ("normal", 9, "9 are fewer than 10"),
])  # fmt: skip
def test_what_cannot_be_learnt_is_refused(kind: Any, count: int, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        shrunk(estimated(np.zeros(count), 0.1), np.ones(count), kind)
