"""Families: their likelihood is that of the rows, their means are the means, and another one fits in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats
from scipy.special import expit

from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families import FAMILIES, Estimand, Family, Reference, family_of
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.families.points import weighted_points, weighted_quantiles
from twobytwo.infer.families.student_t import StudentT
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors

# The family of strata describes randomised users and no rows; tests/infer/test_automatic.py has its tests.
# Shares and counts have theirs in tests/infer/test_kinds.py.
OF_ROWS = [name for name, known in FAMILIES.items() if name != "stratified" and "amount" in known.kinds]

TWO = Design.interaction(outcome="y", factors=("a", "b"))
PARAMETERS: dict[str, dict[str, Any]] = {
    "normal": {"location": 10.0, "log_sd": 0.5},
    "lognormal": {"location": 2.0, "sigma": 0.7},
    "hurdle_lognormal": {"activity": 0.5, "location": 2.0, "sigma": 0.7},
    "gamma": {"location": 2.0, "log_shape": 0.5},
    "hurdle_gamma": {"activity": 0.5, "location": 2.0, "log_shape": 0.5},
    "lognormal_mixture": {
        "kind_weight": [0.5, 0.3, 0.2],
        "kind_location": [1.0, 2.5, 5.0],
        "kind_sigma": [0.8, 0.7, 0.9],
    },
    "tail": {
        "body": np.linspace(0.1, 20.0, 500),
        "threshold": [20.0],
        "tail_odds": [0.06],
        "log_tail_scale": [1.5],
        "xi": 0.3,
    },
    "student_t": {"location": 10.0, "log_scale": 0.5, "nu": 4.0},
}
MIXED = ("weight", "location", "sigma")
# Families by weighted points: off by less than 0.01.
BY_POINTS = ("student_t", "lognormal_mixture")
LOG_LINK = ("lognormal", "hurdle_lognormal", "gamma", "hurdle_gamma", "lognormal_mixture")
# What the models observe of independent rows.
OBSERVED = {
    "normal": {"sample_mean", "sample_ss"},
    "lognormal": {"sample_mean", "sample_ss"},
    "hurdle_lognormal": {"active_rows", "sample_mean", "sample_ss"},
    "gamma": {"points"},
    "hurdle_gamma": {"active_rows", "points"},
    "lognormal_mixture": {"points"},
    "tail": {"tail_counts", "body_mean", "points"},
    "student_t": {"points"},
}


def dealt(y: npt.NDArray[Any]) -> pd.DataFrame:
    """Rows dealt to the four cells in turn."""
    turn = np.arange(len(y)) % 4
    return pd.DataFrame({"y": y, "a": turn // 2, "b": turn % 2})


def cells_of(family: str, n: int = 2_000) -> tuple[pd.DataFrame, Cells]:
    frame = dealt(FAMILIES[family].simulate(PARAMETERS[family], n, np.random.default_rng(5)))
    return frame, compress(frame, TWO)


def row_log_likelihood(family: str, frame: pd.DataFrame, point: Mapping[str, Any]) -> float:
    """Sum of SciPy's log-densities over all rows, with a parameter for every cell."""
    a, b, y = (frame[name].to_numpy() for name in ("a", "b", "y"))

    def of_cell(name: str) -> npt.NDArray[Any]:
        return np.asarray(point[name])[a, b]

    location = of_cell("location")
    if family == "normal":
        return float(stats.norm.logpdf(y, location, np.exp(of_cell("log_sd"))).sum())
    if family == "student_t":
        return float(stats.t.logpdf(y, point["nu"], location, np.exp(of_cell("log_scale"))).sum())
    if family == "lognormal_mixture":
        kinds = zip(*(np.moveaxis(of_cell(f"kind_{part}"), -1, 0) for part in MIXED), strict=True)
        return float(np.log(sum(w * stats.lognorm.pdf(y, s, scale=np.exp(m)) for w, m, s in kinds)).sum())
    positive = np.where(y > 0, y, 1.0)
    if family.endswith("lognormal"):
        density = stats.lognorm.logpdf(positive, of_cell("sigma"), scale=np.exp(location))
    else:
        shape = np.exp(of_cell("log_shape"))
        density = stats.gamma.logpdf(positive, shape, scale=np.exp(location) / shape)
    if family.startswith("hurdle"):
        active = expit(of_cell("activity"))
        density = np.where(y > 0, np.log(active) + density, np.log1p(-active))
    return float(density.sum())


def likelihood(model: pm.Model) -> Any:
    """Log-density of the observed variables alone, and every parameter by name."""
    named = model.unobserved_RVs
    outputs = model.replace_rvs_by_values([model.logp(vars=model.observed_RVs), *named])
    function = model.compile_fn(
        outputs, inputs=model.value_vars, mode="FAST_COMPILE", point_fn=True, on_unused_input="ignore"
    )

    def evaluate(point: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
        found, *values = function(point)
        return float(found), {variable.name: value for variable, value in zip(named, values, strict=True)}

    return evaluate


@pytest.mark.parametrize("family", [name for name in OF_ROWS if name != "tail"])
def test_the_likelihood_is_that_of_all_rows_up_to_a_constant(family: str) -> None:
    """Sufficient statistics differ by what does not depend on parameters; points by less than 0.01.

    The tail's body has no density: test_likelihoods.py.
    """
    frame, cells = cells_of(family)
    model = build_model(cells, FAMILIES[family], Priors())
    function, rng = likelihood(model), np.random.default_rng(1)
    start = model.initial_point()
    gaps = []
    for _ in range(8):
        point = {name: value + 0.1 * rng.standard_normal(np.shape(value)) for name, value in start.items()}
        found, named = function(point)
        gaps.append(found - row_log_likelihood(family, frame, named))
    assert np.ptp(gaps) < (0.01 if family in BY_POINTS else 1e-6)
    if family in (*BY_POINTS, "gamma"):
        # Points leave nothing out: the constant is 0.
        np.testing.assert_allclose(gaps, 0, atol=0.01 if family in BY_POINTS else 1e-6)


@pytest.mark.parametrize("family", OF_ROWS)
def test_prior_predictive_draws_are_draws_of_what_is_observed(family: str) -> None:
    _, cells = cells_of(family)
    model = build_model(cells, FAMILIES[family], Priors())
    assert model.potentials == []
    observed = {variable.name for variable in model.observed_RVs}
    assert observed == OBSERVED[family]
    drawn = pm.sample_prior_predictive(
        draws=20, model=model, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
    )
    for name in observed:
        values = drawn["prior_predictive"][name]
        assert values.dims[:4] == ("chain", "draw", "a", "b")
        assert np.isfinite(values.to_numpy()).all()
        assert float(values.std("draw").min()) > 0
    if "sample_ss" in observed:
        assert float(drawn["prior_predictive"]["sample_ss"].min()) >= 0


@pytest.mark.parametrize("family", OF_ROWS)
def test_simulated_outcomes_have_the_familys_own_location(family: str) -> None:
    """Tolerance: 3 standard errors or more of 200,000 draws."""
    parameters = PARAMETERS[family]
    draws = FAMILIES[family].simulate(parameters, 200_000, np.random.default_rng(3))
    if family == "tail":
        beyond = 20.0 + np.exp(1.5) / (1 - 0.3)
        assert draws.mean() == pytest.approx((parameters["body"].mean() + 0.06 * beyond) / 1.06, rel=0.01)
        assert (draws > 20.0).mean() == pytest.approx(0.06 / 1.06, rel=0.03)
        return
    if family == "lognormal_mixture":
        weight, location, sigma = (np.array(parameters[f"kind_{part}"]) for part in MIXED)
        mean = weight @ np.exp(location + sigma**2 / 2)
        assert draws.mean() == pytest.approx(mean, abs=3 * draws.std() / np.sqrt(200_000))
        return
    location = parameters["location"]
    positive = draws
    if family.startswith("hurdle"):
        positive = draws[draws > 0]
        assert (draws > 0).mean() == pytest.approx(expit(parameters["activity"]), abs=0.004)
    middle = np.mean if family.endswith("gamma") else np.median
    assert middle(positive) == pytest.approx(np.exp(location) if family in LOG_LINK else location, rel=0.01)


@pytest.mark.parametrize(("family", "estimands"), [
    ("normal", ["mean"]), ("lognormal", ["mean", "geometric_mean"]), ("student_t", ["location"]),
])  # fmt: skip
def test_values_come_with_their_estimand_the_headlines_first(family: str, estimands: list[str]) -> None:
    posterior = xr.Dataset(
        {
            "location": (("chain", "draw", "a", "b"), np.full((1, 3, 2, 2), 1.5)),
            "sigma": (("chain", "draw", "a", "b"), np.full((1, 3, 2, 2), 0.8)),
        }
    )
    values = FAMILIES[family].values(posterior)
    assert list(values) == estimands
    assert FAMILIES[family].estimand == estimands[0]
    if family == "lognormal":
        np.testing.assert_allclose(values["mean"], np.exp(1.5 + 0.8**2 / 2))
        np.testing.assert_allclose(values["geometric_mean"], np.exp(1.5))
    else:
        np.testing.assert_allclose(values[estimands[0]], 1.5)  # type: ignore[index]


# What a family refuses


@pytest.mark.parametrize(
    ("bad", "counts"),
    [
        ([0.0], "1 zeros and 0 negative"),
        ([-2.0, -3.0, 0.0], "1 zeros and 2 negative"),
        ([-1.0], "0 zeros and 1"),
    ],
)
def test_the_lognormal_refuses_what_has_no_logarithm(bad: list[float], counts: str) -> None:
    y = np.random.default_rng(0).lognormal(2, 1, 400)
    y[: len(bad)] = bad
    cells = compress(dealt(y), TWO)
    advice = 'family="normal"' if min(bad) < 0 else 'family="hurdle_lognormal" or "normal"'
    with pytest.raises(DataError, match=rf"'y' has {counts}.*400 rows.*positive outcomes.*{advice}"):
        LogNormal().check(cells)
    Normal().check(cells)
    StudentT().check(cells)


@pytest.mark.parametrize("sigma", [0.01, 4.0])
def test_the_lognormal_refuses_spreads_outside_its_prior(sigma: float) -> None:
    cells = compress(dealt(np.random.default_rng(0).lognormal(2, sigma, 400)), TWO)
    with pytest.raises(
        DataError, match=r"'y' has log-scale standard deviations from .* meant for 0.05 to 3.0"
    ):
        LogNormal().check(cells)


@pytest.mark.parametrize(
    ("family", "match"),
    [
        ("lognorml", r"family='lognorml' is unknown; use one of 'binomial', 'gamma'.*mean 'lognormal'\?"),
        ("", r"family='' is unknown"),
        (None, r"family=None"),
        (3, r"family=3"),
        (Normal, r"family="),
    ],
)
def test_an_unknown_family_is_refused(family: Any, match: str) -> None:
    with pytest.raises(DesignError, match=match):
        family_of(family)


def test_a_family_passes_through() -> None:
    ours = Normal()
    assert family_of(ours) is ours
    assert {name: family_of(name).name for name in FAMILIES} == {name: name for name in FAMILIES}


# Where priors are centred and scaled


@pytest.mark.parametrize("unit", [1e-6, 60.0, 1e9])
@pytest.mark.parametrize("family", OF_ROWS)
def test_the_prior_scale_goes_with_the_unit(family: str, unit: float) -> None:
    frame, cells = cells_of(family)
    scaled = compress(frame.assign(y=frame["y"] * unit), TWO)
    one, other = FAMILIES[family].reference(cells), FAMILIES[family].reference(scaled)
    if family in LOG_LINK:
        assert (other.scale, other.baseline) == (one.scale, one.baseline)
        assert other.origin - one.origin == pytest.approx(np.log(unit))
    else:
        assert other.scale / one.scale == pytest.approx(unit)
        assert other.baseline == pytest.approx(one.baseline)


def test_a_metric_with_a_natural_zero_is_scaled_by_its_mean() -> None:
    y = np.random.default_rng(0).lognormal(0, 2, 4_000)
    assert Normal().reference(compress(dealt(y), TWO)).scale == pytest.approx(y.mean())


def test_a_metric_around_nothing_is_scaled_by_its_spread() -> None:
    y = np.random.default_rng(0).normal(0, 2, 4_000)
    reference = Normal().reference(compress(dealt(y), TWO))
    assert reference.scale == pytest.approx(2, rel=0.05)
    assert abs(reference.baseline) < 0.1


def test_all_zeros_but_a_few_do_not_stop_a_family() -> None:
    y = np.where(np.random.default_rng(0).random(4_000) < 0.9, 0.0, 5.0)
    y[:4] = [1, 2, 3, 4]
    cells = compress(dealt(y), TWO)
    point = build_model(cells, Normal(), Priors()).initial_point()
    assert all(np.isfinite(value).all() for value in point.values())


@pytest.mark.parametrize(("share", "refused"), [(0.5, False), (0.6, True)])
def test_the_student_t_refuses_cells_of_mostly_one_value(share: float, refused: bool) -> None:
    """Its likelihood would have no maximum; at one half the quartiles are no help for a starting scale."""
    y = np.random.default_rng(0).lognormal(2, 1, 4_000)
    frame = dealt(y)
    last = frame.index[(frame["a"] == 1) & (frame["b"] == 1)]
    frame.loc[last[: int(share * len(last))], "y"] = 30.0
    cells = compress(frame, TWO)
    if refused:
        with pytest.raises(
            DataError,
            match=r"'y': 60% of the rows in the cell 'a' = '1', 'b' = '1' are one value, 30; .*normal",
        ):
            StudentT().check(cells)
    else:
        point = build_model(cells, StudentT(), Priors()).initial_point()
        assert all(np.isfinite(value).all() for value in point.values())


# Weighted points


@pytest.mark.parametrize("probability", [0.1, 0.25, 0.5, 0.75, 0.99])
def test_weighted_quantiles_are_the_rows_to_the_width_of_a_bin(probability: float) -> None:
    frame, cells = cells_of("lognormal", 20_000)
    found = weighted_quantiles(cells.bins, probability).to_numpy().ravel()
    expected = frame.groupby(["a", "b"])["y"].quantile(probability).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=0.05)


class Gamma(Family):
    """A family written in a test, from reading one: gamma with a log link and a shape for all cells."""

    name: ClassVar[str] = "gamma"
    estimand: ClassVar[Estimand] = "mean"

    def check(self, cells: Cells) -> None:
        """Accept anything; the test's data are positive."""

    def reference(self, cells: Cells) -> Reference:
        logs = np.log(cells.moments()["mean"])
        return Reference(origin=float(logs.mean()), scale=1.0, baseline=0.0, location=logs)

    def likelihood(self, cells: Cells, location: Any, priors: Priors) -> None:
        shape = pm.math.exp(pm.Normal("log_shape", 0.0, pm.Data("log_shape_sd", priors.spread)))
        weighted_points(
            cells.points(),
            lambda size, mu, alpha: pm.Gamma.dist(alpha=alpha, beta=alpha / mu, size=size),
            pm.math.exp(location),
            shape,
        )

    def values(self, posterior: xr.Dataset) -> Mapping[Estimand, xr.DataArray]:
        return {"mean": np.exp(posterior["location"])}

    def log_density(
        self, parameters: Mapping[str, Any], value: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        scale = np.exp(parameters["location"]) / parameters["shape"]
        return stats.gamma.logpdf(value, parameters["shape"], scale=scale)

    def simulate(
        self, parameters: Mapping[str, Any], size: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        return rng.gamma(parameters["shape"], np.exp(parameters["location"]) / parameters["shape"], size)


def test_any_univariate_distribution_can_be_a_family_at_once() -> None:
    rng = np.random.default_rng(0)
    y = rng.gamma(2.0, 7.0, 20_000)
    gamma: Family = Gamma()
    model = build_model(compress(dealt(y), TWO), gamma, Priors())
    function, start = likelihood(model), model.initial_point()
    for log_shape in (-0.5, 0.0, 0.7, 1.5):
        found, named = function({**start, "log_shape": np.array(log_shape)})
        shape = np.exp(log_shape)
        mean = np.exp(named["location"])[np.arange(len(y)) % 4 // 2, np.arange(len(y)) % 2]
        assert found == pytest.approx(stats.gamma.logpdf(y, shape, scale=mean / shape).sum(), abs=0.01)
    drawn = pm.sample_prior_predictive(
        draws=5, model=model, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
    )
    assert float(drawn["prior_predictive"]["points"].min()) > 0


def test_an_outcome_and_its_mirror_image_have_one_yardstick() -> None:
    y = np.random.default_rng(4).lognormal(1, 2, 400)
    one, mirrored = (Normal().reference(compress(dealt(sign * y), TWO)) for sign in (1, -1))
    assert mirrored.scale == pytest.approx(one.scale)
    assert mirrored.baseline == pytest.approx(-one.baseline)
