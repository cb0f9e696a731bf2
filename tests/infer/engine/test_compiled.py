"""One compiled density for all models of one structure, and for no other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from small import QUICK, cells, normal_model

from twobytwo.ask.design import Design
from twobytwo.data.cells import compress
from twobytwo.infer.engine import compiled
from twobytwo.infer.engine.sampling import sample
from twobytwo.infer.families import family_of
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors


@pytest.fixture
def empty_cache() -> Iterator[None]:
    """The process's compiled densities, set aside and put back."""
    kept = list(compiled._COMPILED)
    compiled._COMPILED.clear()
    yield
    compiled._COMPILED[:] = kept


@pytest.mark.usefixtures("empty_cache")
def test_a_second_model_of_one_structure_reuses_the_density() -> None:
    sample(build_model(cells(0), Normal(), Priors()), QUICK)
    assert len(compiled._COMPILED) == 1
    sample(build_model(cells(1, n=400), Normal(), Priors.of("sceptical")), QUICK)
    assert len(compiled._COMPILED) == 1


@pytest.mark.usefixtures("empty_cache")
def test_reuse_changes_no_draw() -> None:
    second = build_model(cells(1, n=400, means=(5, 9, 7, 30)), Normal(), Priors.of("sceptical"))
    fresh = sample(second, QUICK)
    compiled._COMPILED.clear()
    sample(build_model(cells(0), Normal(), Priors()), QUICK)
    reused = sample(second, QUICK)
    for group in ("posterior", "observed_data", "constant_data"):
        xr.testing.assert_identical(fresh[group].to_dataset(), reused[group].to_dataset())


def test_one_structure_takes_its_own_data_every_time() -> None:
    found = [float(sample(normal_model(value))["posterior"]["x"].mean()) for value in (-40.0, 0.0, 40.0)]
    np.testing.assert_allclose(found, np.array([-40.0, 0.0, 40.0]) / 1.01, atol=0.1)


@pytest.mark.parametrize("name", ["multiple", "another"])
def test_models_that_differ_in_what_they_derive_do_not_share_it(name: str) -> None:
    """Their densities are equal, their deterministic variables are not."""
    sample(normal_model(multiple=2.0), QUICK)
    posterior = sample(normal_model(multiple=3.0, name=name), QUICK)["posterior"]
    assert name in posterior
    np.testing.assert_allclose(posterior[name], 3.0 * posterior["x"])


def test_models_that_differ_in_a_constant_do_not_share_a_density() -> None:
    def model(sd: float) -> pm.Model:
        with pm.Model() as made:
            pm.Normal("x", pm.Data("centre", 0.0), sd)
        return made

    spreads = [float(sample(model(sd), QUICK)["posterior"]["x"].std()) for sd in (1.0, 5.0)]
    assert spreads[1] / spreads[0] == pytest.approx(5, rel=0.3)


def test_the_labels_are_the_models_own_not_the_first_ones() -> None:
    """Dimensions and labels are no part of the density, and must not come from the cache."""
    frame = pd.DataFrame(
        {"y": np.random.default_rng(0).normal(5, 1, 80), "u": [0, 1] * 40, "v": [0] * 40 + [1] * 40}
    )
    sample(build_model(cells(), Normal(), Priors()), QUICK)
    other = compress(frame, Design.interaction(outcome="y", factors=("u", "v"), levels={"u": (1, 0)}))
    posterior = sample(build_model(other, Normal(), Priors()), QUICK)["posterior"]
    assert posterior["location"].dims == ("chain", "draw", "u", "v")
    assert posterior["u"].to_numpy().tolist() == ["1", "0"]
    assert posterior["effect"].to_numpy().tolist() == ["baseline", "u", "v", "interaction"]


@pytest.mark.usefixtures("empty_cache")
def test_the_cache_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_MOST_COMPILED", 2)
    for size in (1, 2, 3):
        with pm.Model() as model:
            pm.Normal("x", pm.Data("centre", np.zeros(size)), 1.0, shape=size)
        sample(model, QUICK)
    assert len(compiled._COMPILED) == 2


def _walk(length: int, *, data: bool = True) -> pm.Model:
    """Steps and their running sums; how many there are is data or a part of the structure."""
    with pm.Model() as made:
        size = pm.Data("size", np.array(length)) if data else None
        made.add_coord("place", [f"{length}: {k}" for k in range(length)], length=size)
        centre = pm.Data("centre", np.arange(length) / 7, dims="place")
        steps = pm.Normal("steps", centre, pm.Data("sd", 2.0), dims="place")
        pm.Deterministic("walk", pm.math.cumsum(steps), dims="place")
        pm.Normal("seen", steps.sum(), pm.Data("se", 1.0), observed=pm.Data("seen_data", 3.0))
    return made


@pytest.mark.usefixtures("empty_cache")
def test_models_that_differ_in_a_length_that_is_data_share_a_density() -> None:
    sample(_walk(3), QUICK)
    found = sample(_walk(5), QUICK)
    assert len(compiled._COMPILED) == 1
    xr.testing.assert_allclose(found["posterior"]["walk"], found["posterior"]["steps"].cumsum("place"))
    assert found["posterior"]["place"].to_numpy().tolist() == [f"5: {k}" for k in range(5)]
    # The same draws as where the length is a part of the structure.
    own = sample(_walk(5, data=False), QUICK)
    assert len(compiled._COMPILED) == 2
    np.testing.assert_allclose(found["posterior"]["steps"], own["posterior"]["steps"], rtol=1e-8)


def _stated(change: str = "") -> pm.Model:
    """A model with every kind of part; each change alters its density but no name and no shape."""
    with pm.Model(coords={"group": ["a", "b", "c"][: 2 if change == "length" else 3]}) as made:
        centre = pm.Data("centre", np.zeros(2))
        kind = pm.StudentT if change == "distribution" else partial(pm.Normal, sigma=2.0)
        x = kind("x", mu=centre, **({"nu": 4.0} if change == "distribution" else {}), shape=2)
        transform = pm.distributions.transforms.log_exp_m1 if change == "transform" else "default"
        extra = {} if transform == "default" else {"default_transform": transform}
        sd = pm.HalfNormal("sd", 3.0 if change == "constant" else 1.0, **extra)
        count = pt.as_tensor(made.dim_lengths["group"]).astype("float64")
        pm.Potential("pull", -(x[0] ** 2) * (2 if change == "potential" else 1) - count * sd)
        seen = np.array([1.0, 3.0 if change == "observed" else 2.0])
        mu = x[::-1] if change == "parents" else x
        pm.Normal("y", mu, sd, observed=seen)
    return made


CHANGES = ("length", "distribution", "transform", "constant", "potential", "observed", "parents")


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("change", CHANGES)
def test_models_whose_densities_differ_do_not_share_one(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of them is found is decided before Numba compiles any, so none is compiled here."""
    monkeypatch.setattr(compiled, "_first_call", lambda *_: None)
    one, other = _stated(), _stated(change)
    at = {
        name: np.linspace(0.3, 0.7, value.size).reshape(value.shape)
        for name, value in one.initial_point().items()
    }
    at_other = dict(zip(other.initial_point(), at.values(), strict=True))
    densities = [model.compile_logp(mode="FAST_COMPILE") for model in (one, other)]
    assert densities[0](at) != pytest.approx(densities[1](at_other))
    assert compiled.compiled(one) is not compiled.compiled(other)
    assert compiled.compiled(_stated(change)) is compiled.compiled(other)


@pytest.mark.usefixtures("empty_cache")
def test_a_model_written_alike_is_known_without_its_density(monkeypatch: pytest.MonkeyPatch) -> None:
    known = compiled.compiled(build_model(cells(0), Normal(), Priors()))
    second = build_model(cells(1, n=400), Normal(), Priors.of("sceptical"))
    monkeypatch.setattr(pm.Model, "logp", lambda *_: pytest.fail("the density is made again"))
    assert compiled.compiled(second) is known


def _lognormals(n: int, *, periods: int = 1, counts: bool = False) -> pd.DataFrame:
    """Users of a 2 x 2 experiment, or of two groups in two periods; more of them have more bins."""
    rng = np.random.default_rng(n)
    user = np.arange(n)
    value = np.exp(rng.normal(3, 1, (n, 1)) + rng.normal(0, 0.5, (n, periods)))
    frames = [
        pd.DataFrame({"user": user, "a": user % 2, "b": t if periods > 1 else user // 2 % 2, "y": y})
        for t, y in enumerate(np.floor(value.T / 8) if counts else value.T)
    ]
    return pd.concat(frames)


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize(
    ("name", "paired"),
    [
        ("student_t", False),
        ("tail", True),
        ("lognormal_mixture", True),
        ("gamma", True),
        ("negative_binomial", False),
    ],
)
def test_tables_of_different_sizes_share_a_density(
    name: str, paired: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many points stand for the rows is data."""
    monkeypatch.setattr(compiled, "_first_call", lambda *_: None)
    counts = name.endswith("negative_binomial")
    design = Design.interaction(outcome="y", factors=("a", "b"), kind="count" if counts else "amount")
    if paired:
        design = Design.did(
            outcome="y", group="a", control=0, treatment=1, period="b", before=0, after=1, unit="user"
        )
    models = [
        build_model(
            compress(_lognormals(n, periods=1 + paired, counts=counts), design), family_of(name), Priors()
        )
        for n in (2_000, 2_600)
    ]
    sizes = [
        [model[length].get_value().item() for length in model.named_vars if "_length" in length]
        for model in models
    ]
    assert sizes[0] != sizes[1], "the tables have as many points"
    known = compiled.compiled(models[0])
    monkeypatch.setattr(pm.Model, "logp", lambda *_: pytest.fail("the density is made again"))
    assert compiled.compiled(models[1]) is known


@pytest.mark.usefixtures("empty_cache")
def test_what_was_used_last_is_forgotten_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_MOST_COMPILED", 2)
    monkeypatch.setattr(compiled, "_first_call", lambda *_: None)
    first = compiled.compiled(normal_model())
    compiled.compiled(normal_model(multiple=2.0))
    assert compiled.compiled(normal_model()) is first
    compiled.compiled(normal_model(multiple=3.0, name="another"))
    assert compiled.compiled(normal_model()) is first
