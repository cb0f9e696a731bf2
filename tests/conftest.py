"""Answers that several test files look at: compiling a model costs seconds, looking at it does not."""

from __future__ import annotations

import sys

import pytest
from scored import CRASH, PRIMARY, SAFE, asked, three_arms, users

import twobytwo as tbt


def pytest_collection_finish() -> None:
    """Have no compiled density forgotten, where tests of models are among those that run.

    Here a process meets more structures than the 32 that it keeps elsewhere; what comes back is made anew.
    """
    compiled = sys.modules.get("twobytwo.infer.engine.compiled")
    if compiled is not None:
        compiled._MOST_COMPILED = 200


@pytest.fixture(scope="session")
def active_minutes_result() -> tbt.Analysis:
    """CASES.md A: difference-in-differences of 96,330 independent rows, no user ids."""
    return tbt.did(
        tbt.simulate.active_minutes(),
        outcome="minutes",
        group="variant",
        period="period",
        harm="decrease",
        margin=5,
        measure="minutes",
    )


@pytest.fixture(scope="session")
def cannibalisation_result() -> tbt.Analysis:
    """CASES.md B: two experiments with an interaction of -3."""
    return tbt.interaction(
        tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    )


@pytest.fixture(scope="session")
def refused_result() -> tbt.Analysis:
    """Too few draws to be believed: the sampler's gates refuse."""
    return tbt.interaction(
        tbt.simulate.cannibalisation(),
        outcome="out",
        factors=("exp1_is_treatment", "exp2_is_treatment"),
        draws=100,
        tune=100,
        chains=2,
    )


@pytest.fixture(scope="session")
def card() -> tbt.Scorecard:
    """Five metrics of 8,000 users: a primary one, two guardrails, a count, a ratio."""
    pace = {"column": "minutes", "kind": "ratio", "denominator": "visits"}
    return asked(users(), "visits", pace, CRASH, SAFE, PRIMARY, unit="user")


@pytest.fixture(scope="session")
def arms() -> tbt.Scorecard:
    """Two treatments and control: a primary metric, a guardrail, a count."""
    return asked(three_arms(), "visits", CRASH, PRIMARY, unit="user")
