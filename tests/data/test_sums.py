"""Running sums: whatever the batches, and whatever was taken away to keep digits."""

from __future__ import annotations

import numpy as np
import pytest

from twobytwo.ask.design import Design
from twobytwo.data.sums import Read, sums_of
from twobytwo.errors import DataError

DESIGN = Design.compare(outcome="a", group="arm", control=0, treatment=1)
READS = [Read(column=name) for name in "abc"]


def rows(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    keen = rng.normal(size=n)
    values = np.stack([1e6 + keen, np.exp(keen + rng.normal(size=n)), (keen > 0.4).astype(float)], axis=1)
    return np.arange(n) % 2, values


def test_batches_of_any_size_give_the_same_sums() -> None:
    arm, values = rows()
    batches = [(arm[k : k + 7], values[k : k + 7]) for k in range(0, len(arm), 7)]
    whole, parts = (sums_of(DESIGN, READS, each, pairs=[(1, 0)]) for each in ([(arm, values)], batches))
    for name in ("n", "mean", "cross", "cubes", "mixed", "low", "high"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-9, atol=1e-6)


def test_mixed_cubes_are_those_of_the_centred_values() -> None:
    arm, values = rows()
    found = sums_of(DESIGN, READS, [(arm[:50], values[:50]), (arm[50:], values[50:])], pairs=[(1, 2), (0, 1)])
    for g in (0, 1):
        centred = values[arm == g] - values[arm == g].mean(axis=0)
        for k, (y, x) in enumerate([(1, 2), (0, 1)]):
            expected = [
                (centred[:, y] ** 2 * centred[:, x]).sum(),
                (centred[:, y] * centred[:, x] ** 2).sum(),
            ]
            np.testing.assert_allclose(found.mixed[g, k], expected, rtol=1e-6)


def test_a_cap_is_not_a_broken_count() -> None:
    arm, values = rows()
    values[:, 1] = np.minimum(np.floor(values[:, 1]), 2.5)
    assert sums_of(DESIGN, READS, [(arm, values)]).fractional[:, 1].sum() > 0
    reads = [READS[0], Read(column="b", cap=2.5), READS[2]]
    assert sums_of(DESIGN, reads, [(arm, values)]).fractional[:, 1].sum() == 0


def test_no_rows_are_too_few() -> None:
    with pytest.raises(DataError, match=r"A group has 0 user\(s\)"):
        sums_of(DESIGN, READS, [])
