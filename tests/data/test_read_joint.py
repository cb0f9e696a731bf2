"""Moments of users' values by one aggregate are those of the users, far from zero too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.cells import compress


@pytest.mark.parametrize(("shift", "unit"), [(0.0, 1.0), (1e8, 1.0), (0.0, 1e58), (50.0, 1e-61)])
@pytest.mark.parametrize("missing", ["drop", "available", "zero"])
def test_moments_by_pattern_and_of_changes_are_those_of_the_users(
    shift: float, unit: float, missing: str
) -> None:
    if missing == "zero" and shift:
        pytest.skip("zeros beside a hundred million are no test of digits")
    rng = np.random.default_rng(2)
    n = 600
    before, after = (unit * (shift + part) for part in rng.gamma(1.5, 3.0, (2, n)) + rng.gamma(2, 2.0, n))
    user, group = np.arange(n), np.arange(n) % 2
    seen = [rng.random(n) > 0.1, rng.random(n) > 0.2]
    long = pd.concat(
        [
            pd.DataFrame({"u": user, "g": group, "t": t, "y": y})[there]
            for t, y, there in zip(("pre", "post"), (before, after), seen, strict=True)
        ]
    )
    design = Design.did(outcome="y", group="g", period="t", unit="u", missing=missing)
    cells = compress(long, design)
    y = np.stack([before, after])
    if missing == "zero":
        kept = seen[0] | seen[1]
        y = np.where(np.stack(seen), y, 0.0)
        both = kept
    else:
        both = seen[0] & seen[1]
    found = cells.joint.moments().isel(pattern=0)
    changes = cells.changes.moments()
    for k in (0, 1):
        own = y[:, both & (group == k)]
        cross = np.cov(own, ddof=0) * own.shape[1]
        assert found["n"][k] == own.shape[1]
        np.testing.assert_allclose(found["mean"][k], own.mean(axis=1), rtol=1e-13)
        np.testing.assert_allclose(found["cross"][k], cross, rtol=1e-7)
        change = own[1] - own[0]
        centred = change - change.mean()
        np.testing.assert_allclose(changes["ss"][k], (centred**2).sum(), rtol=1e-7)
        np.testing.assert_allclose(changes["sc"][k], (centred**3).sum(), rtol=1e-5)
    # The cells' moments are those of every value that counts.
    for t in (0, 1):
        there = both if missing != "available" else seen[t]
        own = y[t, there & (group == 1)]
        cell = cells.moments().isel(g=1, t=t)
        assert cell["n"] == len(own)
        np.testing.assert_allclose(cell["ss"], ((own - own.mean()) ** 2).sum(), rtol=1e-7)
