"""A verdict about a location is compared with the mean's, and a difference is said."""

from __future__ import annotations

import numpy as np
import pytest
from statements import gate, made_up, paired

from twobytwo.check.gates.estimand import estimand_gates

HIGH, LOW = (np.random.default_rng(1).normal(centre, 1.0, (4, 1000)) for centre in (10.0, -10.0))


@pytest.mark.parametrize(
    ("location", "mean", "status", "words"),
    [
        (HIGH, HIGH, "pass", "is also that about the mean (location: no harm, < 0.1 %; mean: no harm"),
        (LOW, LOW, "pass", "is also"),
        (HIGH, LOW, "warn", "is not that about the mean (probability of harm by location: no harm, < 0.1 %"),
        (LOW, HIGH, "warn", "mean: no harm, < 0.1 %"),
    ],
)
def test_verdicts_that_differ_are_said(location: object, mean: object, status: str, words: str) -> None:
    (found,) = estimand_gates(made_up(paired(), location, family="student_t"), made_up(paired(), mean))
    assert (found.name, found.subject, found.status) == ("mean_verdict", "family", status)
    assert words in found.message


def test_probabilities_near_a_limit_still_differ() -> None:
    """Two verdicts on either side of 5 %, by less than a draw: the gate speaks all the same."""
    rng = np.random.default_rng(2)
    did = rng.normal(1.66, 1.0, (4, 1000))
    p = float((did < 0).mean())
    fits = made_up(paired(), did, family="student_t"), made_up(paired(), did + 0.02)
    (found,) = estimand_gates(*fits, max_probability=p - 1e-9)
    assert found.status == ("warn" if float((did + 0.02 < 0).mean()) < p else "pass")


def test_a_mean_that_is_refused_is_another_verdict() -> None:
    fits = made_up(paired(), HIGH, family="student_t"), made_up(paired(), HIGH)
    (found,) = estimand_gates(*fits, [gate("skewness", "family", 0.5, family="normal")])
    assert found.status == "warn"
    assert "About the mean nothing can be said (skewness)" in found.message
