"""Every threshold on both of its sides, and what each refusal does to the headline."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import twobytwo as tbt
from twobytwo.ask.design import Design
from twobytwo.check import gates as gating
from twobytwo.check.crosscheck import Check
from twobytwo.check.gates import (
    THRESHOLDS,
    Threshold,
    data_gates,
    family_gates,
    judge,
    prior_gates,
    refused,
    sampler_gates,
    trend_gates,
)
from twobytwo.data.cells import Cells, compress
from twobytwo.infer.effects import Effects, contrasts
from twobytwo.infer.families import Normal

TWO = Design.interaction(outcome="y", factors=("a", "b"))


# METHODS.md 5, line by line: a value on the threshold, and the nearest beyond it.


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
        ("contrast_fidelity", 0.5, 1.0, True),
        ("prior_weight", 0.2, None, True),
        ("prior_range", 0.05, None, True),
        ("assignment", 0.01, 0.001, False),
        ("attrition", 0.01, 0.001, False),
        ("positives", 50, 20, False),
        ("skewness", 0.06, 0.2, True),
        ("spread_fidelity", 1.15, 1.3, True),
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


# The sampler


def draws_of(shift: float = 0.0, *, n: int = 2_000, diverging: int = 0, sticky: float = 0.0) -> Any:
    """Four chains, the first moved by `shift`; `sticky` correlates neighbours of draws and energies."""
    rng = np.random.default_rng(0)

    def chain_draw() -> np.ndarray:
        noise = rng.normal(size=(4, n))
        if sticky:
            for t in range(1, n):
                noise[:, t] = sticky * noise[:, t - 1] + math.sqrt(1 - sticky**2) * noise[:, t]
        return noise

    x = chain_draw()
    x[0] += shift
    diverged = np.zeros((4, n), dtype=bool)
    diverged[0, :diverging] = True
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"effects": (("chain", "draw"), x)}),
            "sample_stats": xr.Dataset(
                {"diverging": (("chain", "draw"), diverged), "energy": (("chain", "draw"), chain_draw())}
            ),
        }
    )
    attributes = {"label": "did", "estimand": "mean", "scale": "additive", "unit": ""}
    did = xr.DataArray(chain_draw(), dims=("chain", "draw"), attrs=attributes)
    return tree, Effects(draws=xr.Dataset({"did": did}), headline="did")


def statuses(gates: list[gating.Gate]) -> dict[str, str]:
    return {gate.name: gate.status for gate in gates}


def test_good_draws_pass_every_gate() -> None:
    gates = sampler_gates(*draws_of())
    assert statuses(gates) == dict.fromkeys(
        ["rhat", "ess_bulk", "ess_tail", "divergences", "e_bfmi", "mcse"], "pass"
    )
    assert {gate.subject for gate in gates} == {"sampler"}


@pytest.mark.parametrize(
    ("changes", "name", "status"),
    [
        ({"shift": 3.0}, "rhat", "refuse"),
        ({"shift": 0.35}, "rhat", "warn"),
        ({"sticky": 0.85}, "ess_bulk", "warn"),
        ({"sticky": 0.98}, "ess_bulk", "refuse"),
        ({"sticky": 0.98}, "ess_tail", "refuse"),
        ({"diverging": 1}, "divergences", "warn"),
        ({"diverging": 8}, "divergences", "warn"),
        ({"diverging": 9}, "divergences", "refuse"),
        ({"sticky": 0.87}, "e_bfmi", "warn"),
        ({"sticky": 0.95}, "e_bfmi", "refuse"),
        ({"sticky": 0.9, "n": 1_000}, "mcse", "warn"),
        ({"sticky": 0.99, "n": 1_000}, "mcse", "refuse"),
    ],
)
def test_bad_draws_are_caught_by_the_gate_that_is_there_for_them(
    changes: dict[str, Any], name: str, status: str
) -> None:
    """E-BFMI of an energy with autocorrelation ρ is 2 (1 − ρ): 0.26 and 0.1 here."""
    assert statuses(sampler_gates(*draws_of(**changes)))[name] == status


def test_the_contrasts_are_judged_too_not_only_the_parameters() -> None:
    tree, effects = draws_of()
    moved = effects.draws["did"].copy(data=effects.draws["did"].to_numpy())
    moved[0] += 3
    assert statuses(sampler_gates(tree, Effects(draws=xr.Dataset({"did": moved}), headline="did")))[
        "rhat"
    ] == ("refuse")


# The family


def cells_with_means(means: list[float], sd: float = 1.0, n: int = 101) -> Cells:
    """Cells whose raw mean, sd and count are exactly these."""
    unit = np.linspace(-1, 1, n)
    unit = unit / unit.std(ddof=1)
    frame = pd.concat(
        [pd.DataFrame({"y": mean + sd * unit, "a": k // 2, "b": k % 2}) for k, mean in enumerate(means)]
    )
    return compress(frame, TWO)


def fitted(cells: Cells, means: Any, *, weight: float = 0.0, interaction: float | None = None) -> Any:
    """What the gates look at in a fit, with the same value in every draw."""
    array = np.broadcast_to(np.reshape(np.asarray(means, dtype=float), (2, 2)), (2, 50, 2, 2))
    draws = xr.DataArray(array, dims=("chain", "draw", "a", "b"))
    (m00, m01), (m10, m11) = np.reshape(means, (2, 2))
    value = (m11 - m10) - (m01 - m00) if interaction is None else interaction
    headline = xr.DataArray(np.full((2, 50), value), dims=("chain", "draw"))
    return SimpleNamespace(
        cells=cells,
        tree={"posterior": {}},
        of_changes=False,
        means=draws,
        prior_weight=lambda _: weight,
        effects=Effects(draws=xr.Dataset({"interaction": headline}), headline="interaction"),
        family=SimpleNamespace(name="some family"),
    )


def robust(estimate: float, se: float) -> Check:
    return Check(method="ols_hc2", estimate=estimate, se=se, lower=0.0, upper=0.0, assumes="")


SE = 1 / math.sqrt(101)  # of a mean in these cells


@pytest.mark.parametrize(
    ("off", "sd", "status", "value"),
    [
        (0.0, 1.0, "pass", 0.0),
        (1.9 * SE, 1.0, "pass", 0.19 * SE),
        (2.1 * SE, 1.0, "warn", 2.1),
        (5 * SE, 1.0, "warn", 5.0),
        (0.6, 1.0, "warn", 0.06),  # 6 %, 6 standard errors
        (1.1, 1.0, "refuse", 0.11),  # 11 %, 11 standard errors
        (-1.1, 1.0, "refuse", 0.11),
        (1.1, 1.1 / SE / 2.9, "warn", 2.9),  # 11 %, but 2.9 standard errors
        (1.1, 1.1 / SE, "warn", 1.0),  # 11 %, but 1 standard error
        (0.9, 0.1, "warn", 0.09),  # 90 standard errors, but 9 %
        (0.6, 100.0, "pass", 0.6 / 100 / SE),  # 6 %, but a twentieth of a standard error
    ],
)
def test_mean_fidelity_looks_at_both_the_per_cents_and_the_standard_errors(
    off: float, sd: float, status: str, value: float
) -> None:
    raw = [10.0, 10.0, 10.0, 10.0]
    cells = cells_with_means(raw, sd)
    gate = family_gates(fitted(cells, [10.0, 10.0, 10.0, 10.0 + off], interaction=0), robust(0, 1))[0]
    assert (gate.name, gate.subject, gate.status) == ("mean_fidelity", "family", status)
    # What decided: a share, or where that does not tell, standard errors; it agrees with its own limits.
    assert gate.value == pytest.approx(value, abs=1e-9)
    assert Threshold(warn=gate.warn, refuse=gate.refuse).status(value) == status
    if status != "pass":
        assert "in the cell (1, 1)" in gate.message
        assert gate.family == "some family"


def test_mean_fidelity_names_the_worst_cell() -> None:
    gate = family_gates(fitted(cells_with_means([10.0] * 4), [10.3, 13.0, 10.0, 11.0]), robust(0, 100))[0]
    assert gate.status == "refuse"
    assert "in the cell (0, 1) is 13, the raw mean 10 (+30%" in gate.message


def test_a_raw_mean_of_zero_is_no_reason_to_stumble() -> None:
    cells = cells_with_means([0.0, 10.0, 10.0, 10.0])
    gate = family_gates(fitted(cells, [0.5, 10.0, 10.0, 10.0], interaction=0), robust(0, 1))[0]
    assert gate.status in ("warn", "refuse")
    assert "inf" not in gate.message
    assert "nan" not in gate.message
    good = family_gates(fitted(cells, [0.0, 10.0, 10.0, 10.0], interaction=0), robust(0, 1))[0]
    assert good.status == "pass"


@pytest.mark.parametrize(
    ("posterior", "weight", "status"),
    [
        (2.0, 0.0, "pass"),
        (2.49, 0.0, "pass"),
        (2.51, 0.0, "warn"),
        (0.99, 0.0, "refuse"),
        (3.01, 0.0, "refuse"),
        (1.0, 0.5, "pass"),  # pulled half-way to zero by the stated prior
        (2.0, 0.5, "pass"),  # anywhere between the data and what the prior's weight alone would make of them
        (0.49, 0.5, "warn"),
    ],
)
def test_contrast_fidelity_leaves_the_priors_pull_aside(posterior: float, weight: float, status: str) -> None:
    chosen = fitted(cells_with_means([10.0] * 4), [10.0] * 4, weight=weight, interaction=posterior)
    gate = family_gates(chosen, robust(2.0, 1.0))[1]
    assert (gate.name, gate.status) == ("contrast_fidelity", status)


def test_a_location_is_not_compared_with_means() -> None:
    chosen = fitted(cells_with_means([10.0] * 4), [10.0] * 4)
    chosen.means = None
    gates = family_gates(chosen, robust(0, 1))
    assert [(gate.name, gate.status, gate.value) for gate in gates] == [
        ("mean_fidelity", "skip", None),
        ("contrast_fidelity", "skip", None),
    ]
    assert refused(gates) == []


# The prior and the data


def test_prior_gates_warn_and_never_refuse() -> None:
    names = ("prior_weight", "prior_range", "power_scaling")
    assert statuses(prior_gates(0.19, [0.10, 0.14], 0.04)) == dict.fromkeys(names, "pass")
    assert statuses(prior_gates(0.21, [0.10, 0.16], 0.06)) == dict.fromkeys(names, "warn")
    assert statuses(prior_gates(1.0, [0.0, 1.0], math.nan)) == dict.fromkeys(names, "warn")
    assert "< 0.1 % to > 99.9 %" in prior_gates(1.0, [0.0, 1.0], 0.0)[1].message


def allocated(counts: list[int]) -> Cells:
    frame = pd.concat(
        [
            pd.DataFrame({"y": np.arange(n, dtype=float), "a": k // 2, "b": k % 2})
            for k, n in enumerate(counts)
        ]
    )
    return compress(frame, TWO)


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ([500, 500, 500, 500], "pass"),
        ([900, 100, 450, 50], "pass"),  # 10 % allocation, but independent
        ([500, 500, 540, 460], "pass"),  # p = 0.07
        ([500, 500, 565, 435], "warn"),  # p = 0.004
        ([500, 500, 600, 400], "refuse"),  # p = 7e-6
    ],
)
def test_dependent_assignment_is_caught(counts: list[int], status: str) -> None:
    (gate,) = (gate for gate in data_gates(allocated(counts)) if gate.name == "assignment")
    assert (gate.name, gate.subject, gate.status) == ("assignment", "data", status)
    assert "'a' and 'b'" in gate.message


def test_did_has_no_assignment_to_judge() -> None:
    frame = pd.DataFrame({"y": np.arange(40.0), "g": [0, 1] * 20, "t": [0] * 20 + [1] * 20})
    gates = data_gates(compress(frame, Design.did(outcome="y", group="g", period="t")))
    assert [gate.name for gate in gates] == ["largest_share"]


@pytest.mark.parametrize(("largest", "status"), [(4.0, "pass"), (6.0, "warn"), (500.0, "warn")])
def test_one_user_with_much_of_a_cells_total_is_pointed_at(largest: float, status: str) -> None:
    """Ninety-nine values around one, and one larger value: 3.9 and 5.7 % of the total."""
    ones = np.tile([0.9, 1.1], 50)
    frame = pd.concat([pd.DataFrame({"y": ones, "a": k // 2, "b": k % 2}) for k in range(4)])
    frame.iloc[250, 0] = largest
    (gate,) = (gate for gate in data_gates(compress(frame, TWO)) if gate.name == "largest_share")
    assert (gate.subject, gate.status) == ("data", status)
    assert gate.value == pytest.approx(largest / (99.1 + largest))


def test_shares_of_a_total_mean_nothing_where_values_are_negative() -> None:
    frame = pd.DataFrame({"y": np.arange(-20.0, 20.0), "a": [0, 1] * 20, "b": [0, 0, 1, 1] * 10})
    assert "largest_share" not in statuses(data_gates(compress(frame, TWO)))


# Skewness of the contrast, and how many positive outcomes there are


def skewness_by_hand(groups: list[np.ndarray], signs: list[int]) -> float:
    """Third central moment of a signed sum of means over its standard deviation cubed, from rows."""
    third = sum(s * ((y - y.mean()) ** 3).sum() / len(y) ** 3 for s, y in zip(signs, groups, strict=True))
    variance = sum(((y - y.mean()) ** 2).sum() / len(y) ** 2 for y in groups)
    return float(abs(third) / variance**1.5)


def skewness_gate(cells: Cells) -> gating.Gate:
    chosen = fitted(cells, [1.0] * 4)
    chosen.family = Normal()
    (gate,) = (gate for gate in family_gates(chosen, robust(0, 1)) if gate.name == "skewness")
    return gate


@pytest.mark.parametrize(
    ("sizes", "status"),
    [((30_000,) * 4, "pass"), ((4_000, 4_000, 1_300, 1_300), "warn"), ((2_000, 2_000, 15, 600), "refuse")],
)
def test_the_skewness_of_the_contrast_is_that_of_the_rows(sizes: tuple[int, ...], status: str) -> None:
    rng = np.random.default_rng(1)
    groups = [rng.lognormal(0, 1, n) * (1 + (k == 2)) for k, n in enumerate(sizes)]
    frame = pd.concat([pd.DataFrame({"y": y, "a": k // 2, "b": k % 2}) for k, y in enumerate(groups)])
    gate = skewness_gate(compress(frame, TWO))
    assert gate.value == pytest.approx(skewness_by_hand(groups, [1, -1, -1, 1]), rel=1e-6)
    assert (gate.subject, gate.status) == ("family", status)
    if status != "pass":
        assert "Collect more data" in gate.message


def test_the_skewness_of_pairs_is_that_of_the_changes() -> None:
    rng = np.random.default_rng(1)
    before, news = rng.lognormal(0, 1, 600), rng.lognormal(0, 1, 600)
    variant = (np.arange(600) < 60).astype(int)
    frame = pd.DataFrame({"user": np.arange(600), "g": variant, "pre": before, "post": before + news})
    design = Design.did_wide(before_column="pre", after_column="post", group="g", unit="user")
    gate = skewness_gate(compress(frame, design))
    assert gate.value == pytest.approx(
        skewness_by_hand([news[variant == 0], news[variant == 1]], [-1, 1]), rel=1e-6
    )


@pytest.mark.parametrize(
    ("positive", "status"), [(50, "pass"), (49, "warn"), (20, "warn"), (19, "refuse"), (2, "refuse")]
)
def test_a_hurdle_needs_positive_outcomes(positive: int, status: str) -> None:
    frame = pd.concat(
        [
            pd.DataFrame(
                {"y": np.r_[np.zeros(60), np.ones(positive if k == 3 else 60)], "a": k // 2, "b": k % 2}
            )
            for k in range(4)
        ]
    )
    chosen = fitted(compress(frame, TWO), [0.5, 0.5, 0.5, positive / (60 + positive)])
    chosen.tree = {"posterior": {"activity": None}}
    (gate,) = (gate for gate in family_gates(chosen, robust(0, 1)) if gate.name == "positives")
    assert (gate.value, gate.status) == (positive, status)


@pytest.mark.parametrize(
    ("wider", "status"), [(1.0, "pass"), (1.14, "pass"), (1.16, "warn"), (1.29, "warn"), (1.31, "refuse")]
)
@pytest.mark.parametrize("zeros", [0, 70])
def test_a_gamma_must_spread_as_far_as_its_outcomes(wider: float, status: str, zeros: int) -> None:
    """A gamma of shape k has a standard deviation of mean / √k; zeros are no part of it."""
    unit = np.linspace(-1, 1, 101)
    positive = 10 + 2 * wider * unit / unit.std()
    y = np.r_[positive, np.zeros(zeros)]
    cells = compress(pd.concat([pd.DataFrame({"y": y, "a": k // 2, "b": k % 2}) for k in range(4)]), TWO)
    chosen = fitted(cells, [y.mean()] * 4)
    drawn = {"location": np.log(10), "log_shape": np.log(25)}
    posterior = {name: (("chain", "draw", "a", "b"), np.full((2, 50, 2, 2), v)) for name, v in drawn.items()}
    chosen.tree = xr.DataTree.from_dict({"posterior": xr.Dataset(posterior)})
    (gate,) = (gate for gate in family_gates(chosen, robust(0, 1)) if gate.name == "spread_fidelity")
    assert gate.value == pytest.approx(wider, rel=1e-6)
    assert (gate.subject, gate.status) == ("family", status)


# Trends


DID = Design.did(outcome="y", group="g", period="t", control=0, treatment=1, before=0, after=1, margin=1.0)


def trends(means: list[list[float]], sd: float) -> list[gating.Gate]:
    rng = np.random.default_rng(0)
    draws = np.asarray(means) + sd * rng.standard_normal((4, 1_000, 2, 2))
    coords = {dim: list(labels) for dim, labels in DID.coords.items()}
    cell_means = xr.DataArray(draws, dims=("chain", "draw", *DID.dims), coords=coords)
    return trend_gates(contrasts({"mean": cell_means}, DID), DID)


@pytest.mark.parametrize(
    ("means", "status", "said"),
    [
        ([[10.0, 12.0], [10.0, 12.0]], "pass", "does not change the decision"),
        # +2 against +4 adds up to harm of −2; but both grew by a fifth.
        ([[20.0, 24.0], [10.0, 12.0]], "warn", "adding: > 99.9 %, harm; multiplying: < 0.1 %, no harm"),
        # The other way round: +4 each, where multiplying would have given +8.
        ([[10.0, 14.0], [20.0, 24.0]], "warn", "adding: < 0.1 %, no harm; multiplying: > 99.9 %, harm"),
    ],
)
def test_trends_that_add_or_multiply_may_lead_to_two_decisions(
    means: list[list[float]], status: str, said: str
) -> None:
    (gate,) = trends(means, 0.1)
    assert (gate.name, gate.subject, gate.status) == ("trends", "prior", status)
    assert said in gate.message


def test_nothing_multiplies_where_a_mean_may_be_negative() -> None:
    assert trends([[0.1, 1.0], [1.0, 1.0]], 1.0) == []


# What a refusal does


KIND = {"outcome": "minutes", "group": "variant", "period": "period"}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return tbt.simulate.user_minutes(tbt.simulate.UserMinutes(n=20_000, seed=4, user_ids=False))


def test_a_refused_family_falls_back_to_the_normal_and_says_why(rows: pd.DataFrame) -> None:
    result = tbt.did(rows, **KIND, family="lognormal")
    assert result.headline.status == "fallback"
    assert result.headline.family == "normal"
    assert result.headline.estimand == "mean"
    assert result.fit.family.name == "normal"
    assert result.refused_fit is not None
    assert result.refused_fit.family.name == "lognormal"
    first = result.gates[0]
    assert (first.subject, first.status, first.family) == ("family", "refuse", "lognormal")
    assert result.statement.startswith("The lognormal family was refused; the normal on the cell means")
    assert first.message in result.statement
    # The numbers are the normal's, next to the raw ones.
    assert result.crosscheck().agrees


def test_the_normal_itself_passes_where_the_lognormal_was_refused(rows: pd.DataFrame) -> None:
    result = tbt.did(rows, **KIND)
    assert result.headline.status == "ok"
    assert result.refused_fit is None
    assert {gate.status for gate in result.gates if gate.subject == "family"} == {"pass"}


@pytest.mark.parametrize("name", ["rhat", "ess_bulk", "divergences", "mcse"])
def test_a_refused_sampler_withholds_the_statement_and_every_number(
    name: str, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = gating.Threshold(warn=-1.0, refuse=-1.0)
    monkeypatch.setattr(gating, "THRESHOLDS", {**THRESHOLDS, name: limit})
    result = tbt.did(rows, **KIND, margin=5)
    headline = result.headline
    assert headline.status == "refused"
    assert headline.statement.startswith("No statement is made.")
    withheld = ("mean", "median", "sd", "ci", "p_harm", "p_harm_mcse", "p_material_harm", "expected_loss")
    assert all(getattr(headline, number) is None for number in withheld)
    assert not any(character.isdigit() for character in headline.statement.split("%")[-1].split("(")[0])


def test_refused_data_withhold_the_statement() -> None:
    rng = np.random.default_rng(0)
    counts = (500, 500, 700, 300)
    frame = pd.concat(
        [pd.DataFrame({"y": rng.normal(10, 1, n), "a": k // 2, "b": k % 2}) for k, n in enumerate(counts)]
    )
    result = tbt.interaction(frame, outcome="y", factors=("a", "b"))
    assert result.headline.status == "refused"
    assert result.headline.mean is None
    assert "were not assigned independently" in result.statement
    assert "find out why" in result.statement
    # The draws are there for whoever wants to find out why.
    assert "interaction" in result.summary().index


def test_a_refused_normal_is_not_replaced_by_itself() -> None:
    """A prior so tight that it moves the cells: nothing safer is left, so nothing is stated."""
    rng = np.random.default_rng(0)
    frame = pd.concat(
        [
            pd.DataFrame({"y": rng.normal(mean, 1, 400), "a": k // 2, "b": k % 2})
            for k, mean in enumerate((10.0, 20.0, 30.0, 80.0))
        ]
    )
    tight = tbt.Priors(name="tight", baseline=0.001, effect=0.0005, interaction=0.0005)
    result = tbt.interaction(frame, outcome="y", factors=("a", "b"), priors=tight)
    assert result.refused_fit is None
    assert result.headline.status == "refused"
