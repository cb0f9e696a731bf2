"""Every threshold on both of its sides."""

from __future__ import annotations

import math

import pytest

from twobytwo.check.gate import judge, refused, skipped

# docs/methods.md, line by line: a value on the threshold, and the nearest beyond it.


@pytest.mark.parametrize(
    ("name", "warn", "refuse", "bad_is_high"),
    [
        ("rhat", 1.01, 1.05, True),
        ("ess_bulk", 1000, 400, False),
        ("ess_tail", 1000, 400, False),
        ("divergences", 0.0, 0.001, True),
        ("e_bfmi", 0.3, 0.2, False),
        ("mcse", 0.05, 0.10, True),
        ("mean_fidelity", 0.05, 0.10, True),
        ("log_skewness", 0.05, 0.10, True),
        ("contrast_fidelity", 2.0, 3.0, True),
        ("gain", 0.7, 0.5, False),
        ("stratum_spread", 1.2, None, True),
        ("prior_weight", 0.2, None, True),
        ("prior_range", 0.05, None, True),
        ("assignment", 0.01, 0.001, False),
        ("sample_ratio", 0.01, 0.001, False),
        ("baseline_gap", 0.2, None, True),
        ("attrition", 0.01, None, False),
        ("positives", 100, 50, False),
        ("skewness", 0.06, 0.2, True),
        ("spread_before", 1.3, 1.6, True),
        ("spread_alike", 1.3, 1.4, True),
        ("spread_fidelity", 1.1, 1.15, True),
        ("largest_share", 0.05, None, True),
        ("power_scaling", 0.05, None, True),
    ],
)
def test_thresholds_are_those_of_the_methods(
    name: str, warn: float, refuse: float | None, bad_is_high: bool
) -> None:
    worse = math.inf if bad_is_high else -math.inf

    def status(value: float) -> str:
        return judge(name, "sampler", value, {"pass": "good", "fail": "bad"}).status

    assert status(math.nextafter(warn, -worse)) == "pass"
    assert status(warn) == "pass"
    assert status(math.nextafter(warn, worse)) == "warn"
    if refuse is None:
        assert status(worse) == "warn"
        assert status(math.nan) == "warn"
    else:
        assert status(refuse) == "warn"
        assert status(math.nextafter(refuse, worse)) == "refuse"
        assert status(worse) == "refuse"
        assert status(math.nan) == "refuse", "what cannot be computed is not good"


def test_a_gate_carries_its_thresholds_and_its_sentence() -> None:
    gate = judge("rhat", "sampler", 1.02, {"pass": "good", "fail": "bad"})
    assert (gate.name, gate.subject, gate.value, gate.warn, gate.refuse) == (
        "rhat",
        "sampler",
        1.02,
        1.01,
        1.05,
    )
    assert gate.message == "bad"
    assert judge("rhat", "sampler", 1.0, {"pass": "good", "fail": "bad"}).message == "good"


def test_refused_picks_by_subject() -> None:
    said = {"pass": "", "fail": ""}
    gates = [
        judge("rhat", "sampler", 2.0, said),
        judge("assignment", "data", 0.0, said),
        judge("mcse", "sampler", 0.07, said),
    ]
    assert [gate.name for gate in refused(gates)] == ["rhat", "assignment"]
    assert [gate.name for gate in refused(gates, "data")] == ["assignment"]
    assert [gate.name for gate in refused(gates, "sampler", "data")] == ["rhat", "assignment"]
    assert refused(gates, "family") == []


def test_a_check_without_meaning_keeps_its_limits() -> None:
    gate = skipped("mean_fidelity", "family", "Not a mean.")
    assert (gate.status, gate.value, gate.warn, gate.refuse) == ("skip", None, 0.05, 0.10)
    assert refused([gate]) == []
