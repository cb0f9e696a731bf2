"""Draws beyond memory are refused in words, before anything is allocated."""

from __future__ import annotations

import pytest
from small import normal_model

from twobytwo.errors import DesignError
from twobytwo.infer.engine import memory
from twobytwo.infer.engine.sampling import SamplerOptions, sample


def test_draws_beyond_memory_are_refused() -> None:
    with pytest.raises(DesignError, match=r"4,000,000,\d{3} draws × 4 chains × 2 variables .*GB.* free"):
        sample(normal_model(), SamplerOptions(draws=4_000_000_000))


def test_nobody_knows_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_machine", lambda: None)
    monkeypatch.setattr(memory, "_container", lambda: None)
    memory.require(draws=2**31, chains=100, variables=1_000)


def test_the_smaller_of_machine_and_container_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_machine", lambda: 10**12)
    monkeypatch.setattr(memory, "_container", lambda: 10**6)
    assert memory.available() == 10**6
    with pytest.raises(DesignError, match=r"1\.0 MB are free"):
        memory.require(draws=2_000, chains=4, variables=10)
