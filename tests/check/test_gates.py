"""What each refusal does to the headline."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twobytwo as tbt
from twobytwo.check import gate as gating

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
    how = " ".join(result.headline.how)
    assert "The lognormal family was refused; the normal on the cell means" in how
    assert first.message in how
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
    monkeypatch.setattr(gating, "THRESHOLDS", {**gating.THRESHOLDS, name: limit})
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
    assert "Find out how users were assigned" in result.statement
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
