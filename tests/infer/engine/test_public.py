"""Where the fast way to nutpie does not fit: the public way, one line said, the same posterior."""

from __future__ import annotations

import dataclasses
import math
import sys
from typing import Any

import numpy as np
import pytest
from arviz_stats import mcse
from small import cells

from twobytwo.infer.engine import native, sampling
from twobytwo.infer.engine.sampling import SamplerOptions, sample
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors


def without_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "twobytwo.infer.engine.native", None)


def other_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_FIELDS", {"a_field_of_tomorrow"})


def other_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    made = dataclasses.make_dataclass("CompiledPyMCModel", sorted(native._FIELDS)[1:])
    monkeypatch.setattr(native, "CompiledPyMCModel", made)
    monkeypatch.setattr(native, "_FIELDS", set())


def other_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_RETURNED", native._VECTOR)


@pytest.mark.parametrize("broken", [without_import, other_fields, other_arguments, other_machine_code])
def test_the_public_way_gives_the_same_posterior(monkeypatch: pytest.MonkeyPatch, broken: Any) -> None:
    """Means and sds within 4 joint Monte-Carlo standard errors: 4 × 4 × 2 comparisons, once in 500 seeds."""
    model, options = build_model(cells(), Normal(), Priors()), SamplerOptions(draws=1_000)
    fast = sample(model, options)["posterior"]["effects"]
    broken(monkeypatch)
    with pytest.warns(UserWarning, match="slower way") as said:
        slow = sample(model, dataclasses.replace(options, random_seed=5))["posterior"]["effects"]
    assert len(said) == 1
    for k in range(fast.sizes["effect"]):
        for method in ("mean", "sd"):
            a, b = fast.isel(effect=k), slow.isel(effect=k)
            error = math.hypot(*(float(mcse(draws, method=method)) for draws in (a, b)))
            values = [float(draws.mean() if method == "mean" else draws.std()) for draws in (a, b)]
            assert abs(values[0] - values[1]) < 4 * error, (k, method)


def test_another_version_of_nutpie_is_not_called_by_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    nutpie = sampling.public.load_nutpie()
    kept = sys.modules.pop("twobytwo.infer.engine.native")
    monkeypatch.setattr(nutpie, "__version__", "0.17.0")
    monkeypatch.setattr(sampling.public, "load_nutpie", lambda: nutpie)
    try:
        with pytest.warns(UserWarning, match=r"nutpie 0\.17\.0"):
            tree = sample(build_model(cells(), Normal(), Priors()), SamplerOptions(draws=200, chains=2))
    finally:
        sys.modules["twobytwo.infer.engine.native"] = kept
    assert np.isfinite(tree["posterior"]["effects"].to_numpy()).all()
    assert tree["sample_stats"]["diverging"].sizes == {"chain": 2, "draw": 200}
