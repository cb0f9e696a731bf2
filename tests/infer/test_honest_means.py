"""The mean that is stated is the mean: wrong families are refused, units and labels change nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

import twobytwo as tbt
from twobytwo.ask.design import Design
from twobytwo.check.crosscheck import companions
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.fit import fit
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors

# The family of strata describes randomised users and no rows; tests/infer/test_automatic.py has its tests.
OF_ROWS = [name for name, known in FAMILIES.items() if name != "stratified" and "amount" in known.kinds]

KIND = {"outcome": "minutes", "group": "variant", "period": "period", "measure": "minutes"}
ACTIVE = 0.4


def experiment(positives: list[npt.NDArray[np.float64]]) -> pd.DataFrame:
    """Control before and after, treatment before and after: positives by cell, and zeros beside them."""
    parts = []
    for k, y in enumerate(positives):
        zeros = np.zeros(round(len(y) * (1 / ACTIVE - 1)))
        parts.append(
            pd.DataFrame({"minutes": np.r_[y, zeros], "variant": k // 2, "period": ("pre", "post")[k % 2]})
        )
    return pd.concat(parts, ignore_index=True)


def evenly(n: int) -> npt.NDArray[np.float64]:
    """Probabilities whose quantiles have the distribution's own moments, nearly: no luck of a seed."""
    return (np.arange(n) + 0.5) / n


# docs/methods.md, section 1: gamma positives of shape .5, and treated ones of .528 after.
# Their mean is 5.6 % more.


@pytest.fixture(scope="module")
def gamma_shaped() -> pd.DataFrame:
    shapes = (0.5, 0.5, 0.5, 0.528)
    return experiment([stats.gamma.ppf(evenly(40_000), shape, scale=200.0) for shape in shapes])


@pytest.fixture(scope="module")
def automatic(gamma_shaped: pd.DataFrame) -> tbt.Analysis:
    return tbt.did(gamma_shaped, **KIND, family="auto")


def test_a_hurdle_lognormal_on_gamma_values_has_the_wrong_sign(gamma_shaped: pd.DataFrame) -> None:
    """The negative control: without the gates this is what would be stated."""
    cells = compress(gamma_shaped, Design.did(outcome="minutes", group="variant", period="period"))
    wrong = fit(cells, FAMILIES["hurdle_lognormal"], Priors(), SamplerOptions(draws=250, tune=200))
    raw = cells.moments()["mean"].to_numpy()
    assert raw[1, 1] / raw[1, 0] - 1 == pytest.approx(0.056, abs=0.001)
    # docs/methods.md, section 1: −8.9 %; the positives' mean is itself three times too large.
    assert float(wrong.effects["did_relative"].mean()) == pytest.approx(-0.089, abs=0.015)
    assert float((wrong.effects["did"] < 0).mean()) > 0.95


def test_auto_has_the_right_sign(automatic: tbt.Analysis) -> None:
    assert (automatic.headline.status, automatic.headline.family) == ("ok", "normal")
    assert automatic.summary().loc["did", "mean"] > 0


def test_asked_for_it_is_refused_and_the_cause_is_named(gamma_shaped: pd.DataFrame) -> None:
    asked = tbt.did(gamma_shaped, **KIND, family="hurdle_lognormal")
    assert asked.refused_fit is not None
    assert asked.refused_fit.family.name == "hurdle_lognormal"
    assert (asked.headline.status, asked.headline.family) == ("fallback", "normal")
    how = " ".join(asked.headline.how)
    assert "The hurdle_lognormal family was refused; the normal on the cell" in how
    assert "the outcome is not distributed as this family assumes" in how
    refused = {gate.name for gate in asked.gates if gate.status == "refuse"}
    assert "mean_fidelity" in refused


def test_the_family_that_made_the_data_is_not_refused(gamma_shaped: pd.DataFrame) -> None:
    result = tbt.did(gamma_shaped, **KIND, family="hurdle_gamma")
    assert (result.headline.status, result.headline.family) == ("ok", "hurdle_gamma")
    assert result.summary().loc["did", "lower"] > 0


def test_on_lognormal_values_the_hurdle_lognormal_passes_and_is_narrower_than_the_normal() -> None:
    rng = np.random.default_rng(4)
    frame = experiment([rng.lognormal(4, 1.39, 20_000) for _ in range(4)])
    own = tbt.did(frame, **KIND, family="hurdle_lognormal")
    assert (own.headline.status, own.headline.family) == ("ok", "hurdle_lognormal")
    normal = tbt.did(frame, **KIND)
    widths = [
        result.summary().loc["did", "upper"] - result.summary().loc["did", "lower"]
        for result in (own, normal)
    ]
    # The ratio of these data is .89 to .90 (their variance happens to be below the truth's, where it is .82),
    # and each width has a Monte-Carlo error of one per cent: .9 was passed or failed by the seed.
    assert widths[0] < 0.95 * widths[1]
    # Participation and intensity are the whole, draw by draw.
    parts = own.effects["did_participation"] + own.effects["did_intensity"]
    np.testing.assert_allclose(parts, own.effects["did"], rtol=0, atol=1e-9)


# The realistic generator: exp(μ + σ²/2) is 13 to 21 % short


@pytest.fixture(scope="module")
def realistic() -> tbt.Analysis:
    options = tbt.simulate.UserMinutes(n=50_000, before_only=(0.05, 0.05), after_only=(0.0, 0.0))
    return tbt.did(
        tbt.simulate.user_minutes(options), **KIND, unit="user_id", missing="drop", family="lognormal"
    )


def test_the_gates_catch_the_lognormal_on_realistic_minutes(realistic: tbt.Analysis) -> None:
    assert realistic.refused_fit is not None
    assert realistic.refused_fit.family.name == "lognormal"
    fidelity = next(gate for gate in realistic.gates if gate.name == "mean_fidelity")
    assert (fidelity.family, fidelity.status) == ("lognormal", "refuse")
    assert fidelity.value is not None
    assert 0.1 < fidelity.value < 0.3


def test_the_headline_on_realistic_minutes_is_that_of_cr2(realistic: tbt.Analysis) -> None:
    assert (realistic.headline.status, realistic.headline.family) == ("fallback", "normal")
    cr2 = next(c for c in companions(realistic.cells, 0.95, seed=1) if c.method == "ols_cluster_cr2")
    row = realistic.summary().loc["did"]
    assert abs(row["mean"] - cr2.estimate) < 0.5 * cr2.se
    assert row["sd"] == pytest.approx(cr2.se, rel=0.1)


# Units and labels: a posterior that has the same density has the same P(harm), and no Monte-Carlo error


DESIGN = Design.did(
    outcome="minutes", group="variant", period="period", control=0, treatment=1, before=0, after=1
)
PAIRED = Design.did_wide(
    before_column="pre", after_column="post", group="variant", unit="user", control=0, treatment=1
)
# Parameters in logs of the outcome's unit; all others are in multiples of the yardstick, or have no unit.
IN_LOGS = ("log_sd", "log_scale", "log_tail_scale")


def rows(family: str) -> pd.DataFrame:
    """Independent rows that the family can take, with a small effect."""
    n, rng = 4_000, np.random.default_rng(6)
    turn = np.arange(n) % 4
    y = rng.lognormal(3 - 0.05 * (turn == 3), 0.8, n)
    if family.startswith("hurdle") or family == "tail":
        y *= rng.random(n) < 0.6
    return pd.DataFrame({"minutes": y, "variant": turn // 2, "period": turn % 2})


def users(family: str) -> pd.DataFrame:
    """The same users twice."""
    n, rng = 2_000, np.random.default_rng(6)
    y = rng.lognormal(3, 0.6, (n, 1)) * rng.lognormal(0, 0.5, (n, 2))
    if family.startswith("hurdle"):
        y *= rng.random((n, 2)) < 0.6
    return pd.DataFrame({"user": range(n), "variant": np.arange(n) % 2, "pre": y[:, 0], "post": y[:, 1]})


def cells_of(family: str, *, paired: bool, unit: float = 1.0, swapped: bool = False) -> Cells:
    frame, values = (users(family), ["pre", "post"]) if paired else (rows(family), ["minutes"])
    frame[values] *= unit
    if swapped:
        frame["variant"] = 1 - frame["variant"]
    return compress(frame, PAIRED if paired else DESIGN)


def to_unit(unit: float) -> Callable[[pm.Model, str, Any], Any]:
    return lambda _model, name, value: value + np.log(unit) if name in IN_LOGS else value


def mirrored(model: pm.Model, name: str, value: Any) -> Any:
    """Parameters of the same cells under swapped labels of the groups."""
    dims = model.named_vars_to_dims.get(name, ())
    if "effect" in dims:
        labels = list(model.coords["effect"])
        return value * np.array([-1.0 if label in ("gap", "did") else 1.0 for label in labels])
    return np.flip(value, dims.index("variant")) if "variant" in dims else value


@pytest.mark.parametrize("paired", [False, True], ids=["rows", "pairs"])
@pytest.mark.parametrize("family", OF_ROWS)
def test_units_and_labels_leave_the_posterior_as_it_is(family: str, paired: bool) -> None:
    """At parameters of the same meaning densities differ by a constant: one P(harm), or 1 minus it.

    Exactly for sums. Points agree up to their error, and exactly where bins scale, as powers of two do. The
    tail's threshold is an edge of a bin, so that other bins are another model; see the next test.
    """
    if paired and 2 not in (FAMILIES[family].columns or (2,)):
        pytest.skip("not for pairs")
    model = build_model(cells_of(family, paired=paired), FAMILIES[family], Priors())
    # Models of one structure differ in their data only.
    density = model.compile_logp(mode="FAST_COMPILE")
    start, rng = model.initial_point(), np.random.default_rng(1)
    points = [
        {name: value + 0.1 * rng.standard_normal(np.shape(value)) for name, value in start.items()}
        for _ in range(5)
    ]
    own = np.array([float(density(point)) for point in points])
    by_points = family in ("student_t", "lognormal_mixture") or (paired and "gamma" in family)
    laws: list[tuple[dict[str, Any], Any, float]] = [
        ({"swapped": True}, mirrored, 1e-6),
        ({"unit": 64.0}, to_unit(64.0), 1e-6),
    ]
    if family != "tail":
        laws += [({"unit": unit}, to_unit(unit), 0.02 if by_points else 1e-6) for unit in (60.0, 1 / 60)]
    for change, move, tolerance in laws:
        other = build_model(cells_of(family, paired=paired, **change), FAMILIES[family], Priors())
        for variable in model.data_vars:
            variable.set_value(other[variable.name].get_value())
        moved = [{name: move(model, name, value) for name, value in point.items()} for point in points]
        found = np.array([float(density(point)) for point in moved])
        assert np.ptp(own - found) < tolerance, change


@pytest.mark.parametrize("family", ["normal", "tail"])
def test_minutes_and_seconds_give_one_answer(family: str) -> None:
    """Draws part where data differ in their last bit: 4 standard errors of some 800 effective draws."""
    answers = []
    for unit in (1.0, 60.0):
        cells = cells_of(family, paired=False, unit=unit)
        draws = fit(cells, FAMILIES[family], Priors(), SamplerOptions(draws=400)).effects["did"] / unit
        answers.append(draws)
    one, other = answers
    sd = float(one.std())
    assert float(other.mean()) == pytest.approx(float(one.mean()), abs=0.2 * sd)
    assert float(other.std()) == pytest.approx(sd, rel=0.15)
    assert float((other < 0).mean()) == pytest.approx(float((one < 0).mean()), abs=0.1)
