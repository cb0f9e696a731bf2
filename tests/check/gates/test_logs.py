"""How far the skewness of the logarithms takes a mean from where a lognormal puts it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.check.gate import Gate
from twobytwo.check.gates.family import foreseen
from twobytwo.check.gates.logs import log_skewness
from twobytwo.data.cells import compress
from twobytwo.infer.families import family_of

PAIRS = {"before_column": "pre", "after_column": "post", "group": "g", "unit": "u", "missing": "zero"}
MINUTES = {"outcome": "minutes", "group": "variant", "period": "period", "unit": "user_id", "missing": "zero"}


def of_rows(logs: np.ndarray) -> Gate:
    frame = pd.DataFrame({"y": np.exp(logs), "g": np.arange(len(logs)) % 2})
    return log_skewness(compress(frame, Design.compare(outcome="y", group="g")))


def test_the_value_is_a_sixth_of_the_third_cumulant() -> None:
    logs = np.random.default_rng(1).gamma(2.0, 0.7, 1_000)
    thirds = [((y - y.mean()) ** 3).sum() for y in (logs[::2], logs[1::2])]
    gate = of_rows(logs)
    assert gate.value == pytest.approx(sum(thirds) / 1_000 / 6, rel=1e-6)
    assert gate.status == "refuse"
    assert "are too low" in gate.message
    assert "are too high" in of_rows(-logs).message


def test_it_is_what_a_lognormal_misses_of_the_mean() -> None:
    """Logs of a gamma of shape k have log E[exp] = -k log(1 - s) and the cumulants k s, k s², 2 k s³."""
    k, s = 40.0, 0.15
    logs = np.random.default_rng(2).gamma(k, s, 200_000)
    missed = -k * np.log(1 - s) - k * s - k * s**2 / 2
    # The fourth cumulant, a tenth of the rest here, is left out.
    assert of_rows(logs).value == pytest.approx(missed, rel=0.15)


@pytest.mark.parametrize(("n", "status"), [(200, "pass"), (2_000, "warn"), (40_000, "refuse")])
def test_a_shift_that_may_be_chance_is_not_refused(n: int, status: str) -> None:
    """The same shape, a shift of 12 %, of which small samples are not sure."""
    even = ndtri((np.arange(n) + 0.5) / n)
    logs = 1.7 * (even + 0.0247 * even**2)
    gate = of_rows(np.random.default_rng(3).permutation(logs))
    assert gate.value == pytest.approx(0.12, abs=0.02)
    assert gate.status == status


@pytest.mark.parametrize("missing", ["zero", "drop"])
def test_kinds_of_users_are_no_lognormal(missing: Any) -> None:
    """2,000 users, 200 of them treated: means are 20 % off, and no single cell is sure of it."""
    rows = simulate.kinds_of_users(simulate.KindsOfUsers(n=2_000, treated_share=0.1, seed=2))
    cells = compress(rows, Design.did(**MINUTES | {"missing": missing}))
    name = "hurdle_lognormal" if missing == "zero" else "lognormal"
    assert [gate.status for gate in foreseen(family_of(name), cells) if gate.name == "log_skewness"] == [
        "refuse"
    ]


def users(rng: np.random.Generator, *, once: float) -> pd.DataFrame:
    """Lognormal pairs; some users, lighter ones, are seen before only."""
    n = 2_000
    z = rng.standard_normal((2, n))
    z[1] = 0.7 * z[0] + np.sqrt(1 - 0.7**2) * z[1]
    light = rng.random(n) < once
    pre, post = np.exp(4 + 1.4 * z - np.array([[1.6], [0.0]]) * light)
    return pd.DataFrame({"u": np.arange(n), "g": np.arange(n) % 2, "pre": pre, "post": post * ~light})


def test_lognormal_pairs_pass_whoever_is_seen_once() -> None:
    """Users active once are lighter, so a cell's logs are skewed; the family knows them apart."""
    rng = np.random.default_rng(4)
    found = [log_skewness(compress(users(rng, once=0.3), Design.did_wide(**PAIRS))) for _ in range(5)]
    assert {gate.status for gate in found} <= {"pass", "warn"}
    cells = compress(users(rng, once=0.3), Design.did_wide(**PAIRS))
    logs = cells.moments("log")
    mixed = abs(float(logs["sc"].sum() / logs["n"].sum())) / 6
    assert log_skewness(cells).value < mixed / 2


def test_only_families_of_normal_logarithms_are_asked() -> None:
    cells = compress(users(np.random.default_rng(5), once=0.3), Design.did_wide(**PAIRS))
    asked = [
        name
        for name in ("normal", "hurdle_gamma", "hurdle_lognormal", "lognormal_mixture")
        if any(gate.name == "log_skewness" for gate in foreseen(family_of(name), cells))
    ]
    assert asked == ["hurdle_lognormal"]
