"""The model of a table of cells: coding, priors, names; and its density against rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.ask.factor import Factor
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.engine.compiled import values_of
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.families.custom import family as family_of
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.families.student_t import StudentT
from twobytwo.infer.model import build_model, standard_model
from twobytwo.infer.predictors import coding, prior_sd, terms
from twobytwo.infer.priors import Priors

# The family of strata describes randomised users and no rows; tests/infer/test_automatic.py has its tests.
OF_ROWS = [name for name, known in FAMILIES.items() if name != "stratified" and "amount" in known.kinds]

DID = Design.did(outcome="y", group="a", period="b", control=0, treatment=1, before=0, after=1)
TWO = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (0, 1), "b": (0, 1)})


def frame(n: int = 800, seed: int = 0, *, zeros: bool = False) -> pd.DataFrame:
    """Rows dealt to the four cells in turn; with zeros every fifth is one."""
    turn = np.arange(n) % 4
    y = np.random.default_rng(seed).lognormal(2, 0.5, n) + turn
    return pd.DataFrame({"y": y * (np.arange(n) % 5 > 0) if zeros else y, "a": turn // 2, "b": turn % 2})


def frame_for(family: str, seed: int = 0) -> pd.DataFrame:
    return frame(seed=seed, zeros=family.startswith("hurdle"))


@pytest.fixture(scope="module")
def cells() -> Cells:
    return compress(frame(), TWO)


# Coding


@pytest.mark.parametrize("design", [DID, TWO], ids=["did", "interaction"])
def test_the_last_effect_is_the_interaction_contrast(design: Design) -> None:
    code = coding(design)
    effects = np.linalg.inv(code.to_numpy().reshape(4, 4))
    assert code["effect"].to_numpy()[-1] == ("did" if design is DID else "interaction")
    np.testing.assert_allclose(effects[-1], [1, -1, -1, 1], atol=1e-12)


def test_did_effects_are_baseline_gap_before_trend_and_did() -> None:
    effects = np.linalg.inv(coding(DID).to_numpy().reshape(4, 4))
    (c0, c1), (t0, t1) = (10.0, 12.0), (20.0, 27.0)
    np.testing.assert_allclose(
        effects @ [c0, c1, t0, t1], [(c0 + t0) / 2, t0 - c0, (c1 - c0 + t1 - t0) / 2, 5]
    )
    assert coding(DID)["effect"].to_numpy().tolist() == ["baseline", "gap", "trend", "did"]


def test_interaction_effects_are_the_grand_mean_average_effects_and_interaction() -> None:
    effects = np.linalg.inv(coding(TWO).to_numpy().reshape(4, 4))
    np.testing.assert_allclose(effects @ [10, 15, 20, 22], [16.75, 8.5, 3.5, -3])
    assert coding(TWO)["effect"].to_numpy().tolist() == ["baseline", "a", "b", "interaction"]


@pytest.mark.parametrize("design", [DID, TWO], ids=["did", "interaction"])
def test_swapping_the_groups_flips_signs_and_nothing_else(design: Design) -> None:
    """So that the prior cannot prefer one labelling to the other."""
    code = coding(design).to_numpy()
    flips = np.array([1, -1, 1, -1])
    np.testing.assert_array_equal(code[::-1], code * flips)


def test_prior_widths_go_by_label() -> None:
    priors = Priors(name="p", baseline=1.0, effect=2.0, gap=3.0, interaction=5.0, randomised_gap=0.1)
    assert prior_sd(priors, terms(DID)) == [1, 3, 2, 2]
    assert prior_sd(priors, terms(TWO)) == [1, 2, 2, 5]
    assert prior_sd(priors, terms(DID), randomised=True) == [1, 0.1, 2, 2]


# The model


@pytest.mark.parametrize("family", OF_ROWS)
@pytest.mark.parametrize("design", [DID, TWO], ids=["did", "interaction"])
def test_variables_are_named_and_labelled(family: str, design: Design) -> None:
    model = build_model(compress(frame_for(family), design), FAMILIES[family], Priors())
    assert model.named_vars_to_dims["effects"] == ("effect",)
    assert model.named_vars_to_dims["location"] == ("a", "b")
    assert list(model.coords["a"]) == ["0", "1"]
    assert list(model.coords["effect"])[-1] == ("did" if design is DID else "interaction")
    assert {variable.name for variable in model.free_RVs} == {
        "normal": {"effects", "log_sd"},
        "lognormal": {"effects", "logit_sigma", "pooled_logit_sigma"},
        "hurdle_lognormal": {"effects", "activity_effects", "logit_sigma", "pooled_logit_sigma"},
        "gamma": {"effects", "log_shape", "pooled_log_shape"},
        "hurdle_gamma": {"effects", "activity_effects", "log_shape", "pooled_log_shape"},
        "lognormal_mixture": {
            *("effects", "kind_log_odds", "log_odds", "log_apart", "distance"),
            *("kind_log_beyond", "log_beyond"),
        },
        "tail": {"effects_away", "log_tail_odds", "log_tail_scale", "logit_xi"},
        "student_t": {"effects", "log_scale", "nu"},
    }[family]
    assert model.potentials == []


@pytest.mark.parametrize("family", OF_ROWS)
def test_every_constant_of_data_and_prior_is_data(family: str) -> None:
    """Two models of one kind differ in the values of `pm.Data` only, so that one density serves both."""
    one = build_model(compress(frame_for(family), TWO), FAMILIES[family], Priors())
    other = build_model(compress(frame_for(family, seed=1), TWO), FAMILIES[family], Priors.of("sceptical"))
    assert [v.name for v in one.data_vars] == [v.name for v in other.data_vars]
    # Axes whose lengths are data have names here, not numbers.
    assert values_of(one).shapes == values_of(other).shapes


def test_the_sampler_starts_at_the_data(cells: Cells) -> None:
    for family, expected in (
        (Normal(), cells.moments()["mean"]),
        (LogNormal(), cells.moments("log")["mean"]),
    ):
        model = build_model(cells, family, Priors())
        location = model.compile_fn(
            model.replace_rvs_by_values([model["location"]])[0],
            inputs=model.value_vars,
            mode="FAST_COMPILE",
            point_fn=True,
            on_unused_input="ignore",
        )(model.initial_point())
        np.testing.assert_allclose(location, expected, rtol=1e-9)


def test_priors_are_where_the_methods_put_them(cells: Cells) -> None:
    """Baseline around the pooled mean, effects around nothing, in multiples of the pooled mean."""
    model = build_model(cells, Normal(), Priors())
    pooled = float(frame()["y"].mean())
    drawn = pm.sample_prior_predictive(
        draws=2_000, model=model, random_seed=3, compile_kwargs={"mode": "FAST_COMPILE"}
    )["prior"]["effects"].isel(chain=0)
    metric = drawn * float(model["scale"].get_value())
    assert float(model["scale"].get_value()) == pytest.approx(pooled)
    # Standard errors of a mean and an sd of 2,000 draws: 2.2 % and 1.6 % of the sd.
    np.testing.assert_allclose(metric.mean("draw") / pooled, [1, 0, 0, 0], atol=0.09)
    np.testing.assert_allclose(metric.std("draw") / pooled, [1, 1, 1, 0.5], rtol=0.07)


def test_building_does_not_sample_and_changes_no_cells(cells: Cells) -> None:
    before = cells.bins.frame.copy()
    build_model(cells, StudentT(), Priors())
    pd.testing.assert_frame_equal(cells.bins.frame, before, check_exact=True)


NAMES = [
    ("location", "n"),
    ("draw", "chain"),
    ("side", "part"),
    ("mean", "ss"),
    ("Intercept", "np"),
    ("my col 'x'", 'a "b"'),
    ("a:b", "[0]"),
]


@pytest.mark.parametrize("names", NAMES, ids=" ".join)
def test_columns_may_be_called_like_the_models_own_variables(names: tuple[str, str]) -> None:
    design = Design.interaction(outcome="y", factors=names)
    plain, with_zeros = (
        compress(frame(zeros=zeros).set_axis(["y", *names], axis=1), design) for zeros in (False, True)
    )
    # Which names a family's model uses is asked of each below; those with most of their own stand for all.
    for name in ("normal", "hurdle_lognormal", "tail"):
        model = build_model(with_zeros if name.startswith("hurdle") else plain, FAMILIES[name], Priors())
        assert len(set(model.named_vars_to_dims["location"])) == 2
        assert len(set(model.coords["effect"])) == 4


@pytest.mark.parametrize("paired", [False, True], ids=["rows", "pairs"])
@pytest.mark.parametrize("family", OF_ROWS)
def test_no_name_in_a_model_can_be_a_columns(family: str, paired: bool) -> None:
    """Whatever a model calls a variable or a coordinate, a column of that name becomes another dimension."""
    if paired and 2 not in (FAMILIES[family].columns or (2,)):
        pytest.skip("not for pairs")
    if paired:
        rng, n = np.random.default_rng(0), 800
        zeros = family.startswith("hurdle") or family == "lognormal_mixture"
        active = (rng.random((n, 2)) < 0.8) if zeros else np.ones((n, 2))
        y = rng.lognormal(2, 0.5, (n, 1)) * rng.lognormal(0, 0.5, (n, 2)) * active
        users = pd.DataFrame({"u": range(n), "a": np.arange(n) % 2, "b0": y[:, 0], "b1": y[:, 1]})
        design = Design.did_wide(before_column="b0", after_column="b1", group="a", unit="u")
        cells = compress(users, design)
    else:
        cells = compress(frame_for(family), TWO)
    model = build_model(cells, FAMILIES[family], Priors())
    own = (set(model.named_vars) | set(model.coords)) - set(cells.dims)
    assert {name for name in own if Factor(column=name, role="group").dim == name} == set()


def test_the_density_changes_with_the_priors_only_by_the_priors(cells: Cells) -> None:
    """Two priors' densities differ by the ratio of two normal densities of the effects."""
    models = [build_model(cells, Normal(), priors) for priors in (Priors(), Priors.of("flat"))]
    functions = [model.compile_logp(mode="FAST_COMPILE") for model in models]
    rng, gaps = np.random.default_rng(0), []
    for _ in range(5):
        point = {k: v + 0.1 * rng.standard_normal(v.shape) for k, v in models[0].initial_point().items()}
        (wide, narrow) = (
            float(
                sum(
                    -0.5 * ((e - m) / s) ** 2 - np.log(s)
                    for e, m, s in zip(
                        point["effects"],
                        model["effects_prior_mean"].get_value(),
                        model["effects_prior_sd"].get_value(),
                        strict=True,
                    )
                )
            )
            for model in models
        )
        found = float(functions[0](point)) - float(functions[1](point))
        gaps.append(found - (wide - narrow))
    np.testing.assert_allclose(gaps, 0, atol=1e-6)


def test_harm_and_margin_are_no_part_of_the_model(cells: Cells) -> None:
    other = cells.design.measuring(harm="increase", margin=3.0)
    turned = dataclasses.replace(cells, design=other)
    one, two = (build_model(c, Normal(), Priors()) for c in (cells, turned))
    for name in ("effects_prior_mean", "effects_prior_sd", "sample_mean_data", "sample_ss_data"):
        np.testing.assert_array_equal(one[name].get_value(), two[name].get_value())


# In another unit


def log_density_and_gradient(model: pm.Model) -> Callable[[dict[str, np.ndarray]], np.ndarray]:
    """Of named free variables; evaluated by NumPy, as Numba would compile some for ten seconds."""
    log_density = model.logp()
    function = model.compile_fn(
        [log_density, *pt.grad(log_density, model.value_vars)],
        inputs=model.value_vars,
        mode="FAST_COMPILE",
        point_fn=True,
        on_unused_input="ignore",
    )
    return lambda point: np.concatenate([np.ravel(part) for part in function(point)])


@pytest.mark.parametrize("unit", [None, "user_id"], ids=["rows", "pairs"])
@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.equivariant])
def test_the_standard_model_is_the_model_in_another_unit(family: str, unit: str | None) -> None:
    """As far from their starting points their densities differ by one constant, wherever that is."""
    if unit and 2 not in (FAMILIES[family].columns or (2,)):
        pytest.skip("not for pairs")
    zeros = family.startswith("hurdle")
    rows = simulate.user_minutes(simulate.UserMinutes(n=2_000))
    design = Design.did(
        outcome="minutes",
        group="variant",
        period="period",
        unit=unit,
        missing=None if unit is None else "zero" if zeros else "drop",
    )
    if zeros and unit is None:
        rows["minutes"] *= np.arange(len(rows)) % 5 > 0
    cells, known = compress(rows, design), FAMILIES[family]
    model, standard = build_model(cells, known, Priors()), standard_model(cells, known, Priors())
    assert standard is not None
    assert float(standard["scale"].get_value()) == pytest.approx(1)
    density = log_density_and_gradient(model)
    starts = [values_of(made) for made in (model, standard)]
    assert starts[0].shapes == starts[1].shapes
    rng, found = np.random.default_rng(0), []
    steps = [{k: 0.02 * rng.normal(size=np.shape(v)) for k, v in starts[0].start.items()} for _ in range(5)]
    for values in starts:
        # Models of one structure differ in their data only.
        for name, value in values.data.items():
            model[name].set_value(value)
        found.append([density({k: v + step[k] for k, v in values.start.items()}) for step in steps])
    own, other = (np.array(values) for values in found)
    assert np.ptp(own[:, 0]) > 0.1
    np.testing.assert_allclose(np.diff(own[:, 0]), np.diff(other[:, 0]), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(own[:, 1:], other[:, 1:], rtol=1e-6, atol=1e-5)


def test_a_family_that_does_not_say_how_it_scales_has_no_standard_model(cells: Cells) -> None:
    """Weighted points come from bins, which are others in another unit."""
    laplace = family_of(pm.Laplace, location="mu", spread="b")
    for known in (laplace, StudentT(), FAMILIES["tail"]):
        assert standard_model(cells, known, Priors()) is None
