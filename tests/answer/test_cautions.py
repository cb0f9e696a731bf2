"""Cautions, choices that would change the verdict, refusals in plain words."""

from __future__ import annotations

import re

import numpy as np
import pytest
from statements import gate, made_up, paired, prior_answers, stated

from twobytwo.answer.cautions import refusals
from twobytwo.check.gate import THRESHOLDS


def drawn(shift: float) -> np.ndarray:
    return np.random.default_rng(4).normal(shift, 1.0, (4, 1000))


@pytest.mark.parametrize("name", [name for name, limits in THRESHOLDS.items() if limits.refuse is not None])
def test_every_refusal_has_words_without_numbers_and_names_of_arguments(name: str) -> None:
    (said,) = refusals([gate(name, "data", float("nan"))])
    assert "is not fine" not in said
    assert said.count(".") == 2
    assert not re.search(r"\d|[=_]|\bp\b", said)
    assert len(said.split()) <= 35


def test_what_several_checks_find_is_said_once() -> None:
    found = stated(made_up(paired()), *(gate(n, "sampler", 9.0) for n in ("rhat", "mcse")))
    assert found.statement.count("did not settle") == 1


def test_a_prior_under_which_the_verdict_is_another_is_in_the_statement() -> None:
    chosen = made_up(paired(margin=0.5), drawn(9.0))
    assert stated(chosen, priors=prior_answers(0.0, 0.04)).reversals == ()
    found = stated(chosen, priors=prior_answers(0.0, 0.2, 0.97))
    assert found.verdict == "no harm"
    assert found.reversals == ("open under the prior 1 prior", "harm under the prior 2 prior")
    assert (
        "The verdict would be open under the prior 1 prior, harm under the prior 2 prior." in found.statement
    )


def test_a_cap_without_which_the_verdict_is_another_is_in_the_statement() -> None:
    capped, loose = made_up(paired(cap=120.0), drawn(9.0)), made_up(paired(), drawn(0.0))
    calm = prior_answers(0.0)
    assert stated(capped, uncapped=loose, priors=calm).reversals == ("open without the cap",)
    assert stated(capped, uncapped=made_up(paired(), drawn(8.0)), priors=calm).reversals == ()


def test_trends_that_multiply_may_turn_the_verdict() -> None:
    found = stated(made_up(paired(), drawn(3.0)), priors=prior_answers(0.0))
    assert found.verdict == "no harm"
    assert found.reversals == ()
    # Treated cells that start at a third of the control group's part the two trends.
    chosen = made_up(paired(), drawn(3.0))
    other = chosen.effects.draws.assign(did_multiplicative=chosen.effects["did_multiplicative"] - 20)
    object.__setattr__(chosen.effects, "draws", other)
    found = stated(chosen, priors=prior_answers(0.0))
    assert found.reversals == ("harm if trends multiply rather than add",)
