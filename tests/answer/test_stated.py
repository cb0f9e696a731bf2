"""What was asked comes back from JSON as it was."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import twobytwo as tbt
from twobytwo.answer.stated import asked, state
from twobytwo.errors import DataError
from twobytwo.infer.families.lognormal_mixture import LogNormalMixture


def test_the_question_and_its_options_come_back(active_minutes_result: tbt.Analysis) -> None:
    stated = json.loads(json.dumps(state(active_minutes_result)))
    assert asked(stated) == (active_minutes_result.design, active_minutes_result.options)
    assert stated["fingerprint"] == active_minutes_result.cells.fingerprint
    assert {"python", "numpy", "nutpie", "twobytwo"} <= stated["versions"].keys()


@pytest.mark.parametrize("stated", [{}, {"design": None, "options": None}, {"design": {"record": "os"}}])
def test_other_json_is_one_error(stated: dict[str, object]) -> None:
    with pytest.raises(DataError, match=r"no record that is saved|does not say what was asked"):
        asked(stated)


def test_a_family_with_settings_is_not_asked_again_by_its_name(active_minutes_result: tbt.Analysis) -> None:
    options = replace(active_minutes_result.options, family=LogNormalMixture(components=2))
    stated = state(replace(active_minutes_result, options=options))
    with pytest.raises(DataError, match=r"family 'lognormal_mixture of your own', .* ask again in Python"):
        asked(json.loads(json.dumps(stated)))
