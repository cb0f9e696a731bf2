"""Effects are arithmetic on cell values: checked against numbers computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from twobytwo.ask.design import Design
from twobytwo.errors import DesignError
from twobytwo.infer.effects import Effects, contrasts

DID = Design.did(
    outcome="minutes", group="variant", period="period", control="A", treatment="B", before=1, after=2,
    measure="minutes",
)  # fmt: skip
TWO = Design.interaction(outcome="out", factors=("x", "z"), levels={"x": (0, 1), "z": (0, 1)}, measure="€")


def values(table: object, design: Design, draws: int = 1) -> xr.DataArray:
    """The same cell values in every draw."""
    array = np.broadcast_to(np.asarray(table, dtype=float), (2, draws, 2, 2))
    coords = {dim: list(labels) for dim, labels in design.coords.items()}
    return xr.DataArray(array, dims=("chain", "draw", *design.dims), coords=coords)


def numbers(effects: Effects) -> dict[str, float]:
    return {name: float(effects[name].isel(chain=0, draw=0)) for name in effects}


def test_did_by_hand() -> None:
    """Control 10 to 12, treatment 20 to 27: +7 against +2; the counterfactual is 22."""
    effects = contrasts({"mean": values([[10, 12], [20, 27]], DID)}, DID)
    assert effects.headline == "did"
    assert numbers(effects) == pytest.approx(
        {
            "did": 5.0,
            "did_relative": 27 / 22 - 1,
            "did_ratio": (27 / 20) / (12 / 10),
            # Had trends multiplied: 20 times 12/10 is 24.
            "did_multiplicative": 3.0,
            "change[A]": 2.0,
            "change[B]": 7.0,
            "gap[1]": 10.0,
            "gap[2]": 15.0,
            "mean[A, 1]": 10.0,
            "mean[A, 2]": 12.0,
            "mean[B, 1]": 20.0,
            "mean[B, 2]": 27.0,
        }
    )


def test_interaction_by_hand() -> None:
    """The truth of CASES.md B: 10, 15, 20, 22; of the +15 that both would add, +12 remain."""
    effects = contrasts({"mean": values([[10, 15], [20, 22]], TWO)}, TWO)
    assert effects.headline == "interaction"
    assert numbers(effects) == pytest.approx(
        {
            "interaction": -3.0,
            "both": 12.0,
            "first_alone": 10.0,
            "first_with_second": 7.0,
            "second_alone": 5.0,
            "second_with_first": 2.0,
            "both_over_better": 2.0,
            "interaction_ratio": (22 / 20) / (15 / 10),
            # Had effects multiplied: 20 times 15/10 is 30.
            "interaction_multiplicative": -8.0,
            "share_remaining": 12 / 15,
            "mean[0, 0]": 10.0,
            "mean[0, 1]": 15.0,
            "mean[1, 0]": 20.0,
            "mean[1, 1]": 22.0,
        }
    )


def test_the_better_single_experiment_is_the_one_with_less_harm() -> None:
    harmful = Design.interaction(
        outcome="crashes", factors=("x", "z"), levels={"x": (0, 1), "z": (0, 1)}, harm="increase"
    )
    cells = [[10, 15], [20, 22]]
    assert numbers(contrasts({"mean": values(cells, TWO)}, TWO))["both_over_better"] == 2.0
    assert numbers(contrasts({"mean": values(cells, harmful)}, harmful))["both_over_better"] == 7.0


def test_the_better_one_is_chosen_draw_by_draw() -> None:
    cells = values([[0, 0], [0, 9]], TWO, draws=2).copy()
    cells[0, 0, 1, 0], cells[0, 0, 0, 1] = 5, 1
    cells[0, 1, 1, 0], cells[0, 1, 0, 1] = 2, 7
    assert contrasts({"mean": cells}, TWO)["both_over_better"].isel(chain=0).to_numpy().tolist() == [4, 2]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.1, 1e6), min_size=4, max_size=4))
def test_the_forms_of_an_effect_belong_together(cells: list[float]) -> None:
    table = np.reshape(cells, (2, 2))
    (m00, m01), (m10, m11) = table
    did = numbers(contrasts({"mean": values(table, DID)}, DID))
    two = numbers(contrasts({"mean": values(table, TWO)}, TWO))
    assert did["did"] == pytest.approx(two["interaction"], abs=1e-9 * max(cells))
    assert did["change[B]"] - did["change[A]"] == pytest.approx(did["did"], abs=1e-9 * max(cells))
    assert did["gap[2]"] - did["gap[1]"] == pytest.approx(did["did"], abs=1e-9 * max(cells))
    assert two["both"] == pytest.approx(two["first_alone"] + two["second_with_first"], abs=1e-9 * max(cells))
    assert did["did_ratio"] == pytest.approx((m11 / m10) / (m01 / m00))
    if "did_relative" in did:
        counterfactual = m10 + m01 - m00
        assert did["did_relative"] == pytest.approx(did["did"] / counterfactual, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("where", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_no_ratio_of_means_that_may_not_be_positive(where: tuple[int, int], value: float) -> None:
    cells = values([[10, 12], [20, 27]], DID, draws=5).copy()
    cells[(1, 3, *where)] = value
    found = set(contrasts({"mean": cells}, DID))
    assert "did_ratio" not in found
    assert "did_multiplicative" not in found
    assert "did_relative" not in found
    assert "did" in found
    cells = values([[10, 15], [20, 22]], TWO, draws=5).copy()
    cells[(1, 3, *where)] = value
    assert "interaction_ratio" not in set(contrasts({"mean": cells}, TWO))


def test_no_share_of_a_counterfactual_below_zero() -> None:
    """Every cell is positive, but the control group's fall would take the treated below zero."""
    found = set(contrasts({"mean": values([[30, 5], [20, 4]], DID)}, DID))
    assert "did_relative" not in found
    assert "did_ratio" in found


@pytest.mark.parametrize("table", [[[10, 15], [5, 12]], [[10, 12], [7, 12]]])
def test_no_share_of_what_may_be_nothing_or_of_either_sign(table: list[list[int]]) -> None:
    cells = values(table, TWO, draws=3).copy()
    cells[0, 0, 0, 1] += 2
    cells[0, 1, 0, 1] -= 2
    assert "share_remaining" not in set(contrasts({"mean": cells}, TWO))


def test_a_share_of_two_harmful_experiments_is_a_share_too() -> None:
    """Both take away: −2 and −3 alone, −4 together; four fifths remain."""
    cells = values([[10, 7], [8, 6]], TWO)
    assert numbers(contrasts({"mean": cells}, TWO))["share_remaining"] == pytest.approx(4 / 5)


@pytest.mark.parametrize("estimand", ["mean", "location"])
def test_every_effect_says_what_it_is_an_effect_on(estimand: str) -> None:
    for design, table in ((DID, [[10, 12], [20, 27]]), (TWO, [[10, 15], [20, 22]])):
        effects = contrasts({estimand: values(table, design)}, design)  # type: ignore[dict-item]
        for name in effects:
            attributes = effects[name].attrs
            assert set(attributes) == {"label", "estimand", "scale", "unit"}
            assert attributes["estimand"] == estimand
            assert attributes["scale"] in ("additive", "relative", "ratio")
            expected = design.metric.measure if attributes["scale"] == "additive" else ""
            assert attributes["unit"] == expected
        assert f"{estimand}[{', '.join(design.coords[d][0] for d in design.dims)}]" in set(effects)
    assert effects["interaction_ratio"].attrs["scale"] == "ratio"


def test_other_estimands_give_their_ratio_of_ratios_alone() -> None:
    effects = contrasts(
        {"mean": values([[10, 12], [20, 27]], DID), "geometric_mean": values([[2, 4], [3, 9]], DID)}, DID
    )
    extra = effects["ratio_of_geometric_means"]
    assert float(extra[0, 0]) == pytest.approx((9 / 3) / (4 / 2))
    assert (extra.attrs["estimand"], extra.attrs["scale"]) == ("geometric_mean", "ratio")
    assert [name for name in effects if effects[name].attrs["estimand"] == "geometric_mean"] == [
        "ratio_of_geometric_means"
    ]


def test_draws_are_selected_by_label_and_keep_chain_and_draw_alone() -> None:
    effects = contrasts({"mean": values([[10, 12], [20, 27]], DID, draws=7)}, DID)
    for name in effects:
        assert effects[name].dims == ("chain", "draw")
        assert set(effects[name].coords) <= {"chain", "draw"}
        assert effects[name].shape == (2, 7)


def test_swapping_the_groups_flips_every_sign() -> None:
    table = np.array([[10.0, 12.0], [20.0, 27.0]])
    plain = numbers(contrasts({"mean": values(table, DID)}, DID))
    turned = numbers(contrasts({"mean": values(table[::-1], DID)}, DID))
    for name in ("did", "gap[1]", "gap[2]"):
        assert turned[name] == -plain[name]
    assert turned["did_ratio"] == pytest.approx(1 / plain["did_ratio"])


# Participation and intensity

shares = st.floats(0.01, 0.99)
amounts = st.floats(0.1, 1e4)


@given(
    st.tuples(shares, shares, shares, shares), st.tuples(amounts, amounts, amounts, amounts), st.booleans()
)
@settings(max_examples=60, deadline=None)
def test_participation_and_intensity_add_up_to_the_effect(
    active: tuple[float, ...], among: tuple[float, ...], did: bool
) -> None:
    design = DID if did else TWO
    p, m = (np.reshape(part, (2, 2)) for part in (active, among))
    made = {"mean": p * m, "P(active)": p, "mean_among_active": m}
    found = numbers(contrasts({key: values(v, design) for key, v in made.items()}, design))  # type: ignore[misc]
    name = "did" if did else "interaction"
    total = found[f"{name}_participation"] + found[f"{name}_intensity"]
    assert total == pytest.approx(found[name], abs=1e-9 * max(among))


def test_the_split_by_hand() -> None:
    """Half, then 60 % of the treated are active and do 10, then 12; the control group stays as it was.

    5 to 7.2: through 10 % more people at 11 each, 1.1; through 2 more of 55 % of the people, 1.1.
    """
    p, m = [[0.5, 0.5], [0.5, 0.6]], [[10, 10], [10, 12]]
    made = {"mean": np.multiply(p, m), "P(active)": p, "mean_among_active": m}
    effects = contrasts({key: values(v, DID) for key, v in made.items()}, DID)  # type: ignore[misc]
    found = numbers(effects)
    assert found["did"] == pytest.approx(2.2)
    assert found["did_participation"] == pytest.approx(1.1)
    assert found["did_intensity"] == pytest.approx(1.1)
    assert found["P(active)[B, 2]"] == pytest.approx(0.6)
    assert found["mean_among_active[B, 2]"] == pytest.approx(12)
    units = {name: effects[name].attrs["unit"] for name in ("did_participation", "P(active)[A, 1]")}
    assert units == {"did_participation": "minutes", "P(active)[A, 1]": ""}
    assert effects["did_participation"].attrs["estimand"] == "mean"


def test_the_split_of_an_interaction_does_not_depend_on_the_order_of_the_experiments() -> None:
    rng = np.random.default_rng(0)
    p, m = rng.uniform(0.1, 0.9, (2, 2)), rng.uniform(1, 9, (2, 2))
    made = {"mean": p * m, "P(active)": p, "mean_among_active": m}
    one = contrasts({key: values(v, TWO) for key, v in made.items()}, TWO)  # type: ignore[misc]
    other = contrasts({key: values(v.T, TWO) for key, v in made.items()}, TWO)  # type: ignore[misc]
    for part in ("interaction", "interaction_participation", "interaction_intensity"):
        assert numbers(one)[part] == pytest.approx(numbers(other)[part], abs=1e-12)


def test_a_cap_renames_what_the_effect_is_on() -> None:
    capped = DID.measuring(cap=600.0)
    effects = contrasts({"mean": values([[10, 12], [20, 27]], capped)}, capped)
    assert effects["did"].attrs["label"] == "difference-in-differences of mean of minutes, capped at 600"


# Summaries


def normal_effects(mean: float = 3.0, sd: float = 2.0) -> Effects:
    draws = np.random.default_rng(0).normal(mean, sd, (4, 5_000))
    cells = values(np.zeros((2, 2)), DID, draws=1).isel(chain=0, draw=0, drop=True)
    array = xr.DataArray(draws, dims=("chain", "draw"))
    return contrasts({"mean": (cells + array).transpose("chain", "draw", ...).copy()}, DID)


def test_the_summary_is_of_the_draws() -> None:
    effects = normal_effects()
    row = effects.summary(0.8).loc["mean[A, 1]"]
    draws = effects["mean[A, 1]"].to_numpy()
    assert row["mean"] == pytest.approx(draws.mean())
    assert row["sd"] == pytest.approx(draws.std(ddof=1))
    assert (row["lower"], row["median"], row["upper"]) == pytest.approx(
        tuple(np.quantile(draws, [0.1, 0.5, 0.9]))
    )


def test_intervals_are_of_95_percent_by_default() -> None:
    row = normal_effects().summary().loc["mean[A, 1]"]
    assert row["lower"] == pytest.approx(3 - 1.96 * 2, abs=0.15)
    assert row["upper"] == pytest.approx(3 + 1.96 * 2, abs=0.15)


@pytest.mark.parametrize("ci_prob", [0, 1, 95, -0.5, float("nan"), "x"])
def test_an_interval_needs_a_probability(ci_prob: Any) -> None:
    with pytest.raises(DesignError, match=rf"ci_prob={ci_prob!r} must be between 0 and 1"):
        normal_effects().summary(ci_prob)


def test_an_unknown_effect_suggests_the_nearest() -> None:
    with pytest.raises(
        DesignError, match=r"effect='did_ratoi' is unknown; there are did.*mean 'did_ratio'\?"
    ):
        contrasts({"mean": values([[10, 12], [20, 27]], DID)}, DID)["did_ratoi"]
