"""What plans know of families is what the families say."""

from __future__ import annotations

from typing import get_type_hints

import pytest

from twobytwo.answer.estimands import ESTIMANDS, refuse_other_estimand
from twobytwo.answer.keys import SAMPLER, MisstatedError, in_file
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES


def test_what_plans_know_by_heart_is_true() -> None:
    """Plans name families and sampler settings themselves, so that checking a plan does not load PyMC."""
    estimands = {name: family.estimand for name, family in FAMILIES.items()}
    assert estimands | {"auto": "mean"} == ESTIMANDS
    hints = get_type_hints(SamplerOptions)
    assert {name: hints[name] for name in hints if name != "progressbar"} == SAMPLER


def test_another_estimand_and_an_unknown_family_are_refused() -> None:
    for family, estimand in ESTIMANDS.items():
        refuse_other_estimand(family, estimand, in_file)
    with pytest.raises(MisstatedError, match=r"\[decision\] estimand = 'location'.*use family 'student_t'"):
        refuse_other_estimand("normal", "location", in_file)
    with pytest.raises(MisstatedError, match=r"\[model\] family = 'gama' is unknown.*'gamma'\?"):
        refuse_other_estimand("gama", "mean", in_file)
