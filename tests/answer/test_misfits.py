"""One error tells of the call and of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import twobytwo as tbt
from twobytwo.answer.misfits import misfits
from twobytwo.ask.design import Design
from twobytwo.errors import DesignError

FRAME = pd.DataFrame({"y": [1.0, 2.0] * 4, "g": ["a", "b"] * 4, "t": ["pre"] * 4 + ["post"] * 4})


@pytest.mark.parametrize(
    ("ask", "call", "told"),
    [
        (
            tbt.did,
            {"outcome": "y", "group": "g", "period": "tt", "control": "c", "margin": -5},
            "margin.*tt.*'c'",
        ),
        (
            tbt.did,
            {"outcome": "x", "group": "g", "control": "c", "marginn": 5},
            "marginn.*period= is missing.*'x'",
        ),
        (
            tbt.did,
            {"before_column": "x", "after_column": "y", "group": "g", "agg": "sum"},
            "agg='sum' is for.*unit= is missing.*'x'",
        ),
        (tbt.did, {"outcome": "x", "group": "g", "period": "t", "unit": ["u"]}, r"unit=\['u'\].*'x'"),
        (tbt.interaction, {"outcome": "x", "factors": ("g",)}, "must name two columns.*'x'"),
        (tbt.interaction, {"outcome": "x", "factors": 3}, "factors=3.*'x'"),
        (tbt.interaction, {"outcome": "x", "factors": "g"}, "factors='g'.*'x'"),
        (
            tbt.interaction,
            {"outcome": "x", "factors": ("g", "t"), "before_column": "b"},
            "before_column=.*'x'.*'b'",
        ),
        (tbt.compare, {"outcome": "x", "group": "g", "control": "c", "missing": "zero"}, "missing.*'x'.*'c'"),
    ],
)
def test_a_wrong_argument_a_wrong_column_and_a_wrong_level_are_one_error(
    ask: Callable[..., Any], call: dict[str, Any], told: str
) -> None:
    with pytest.raises(DesignError, match=rf"^[2-4] things are wrong.*{told}"):
        ask(FRAME, **call)


def test_what_cannot_be_a_question_is_asked_for_columns_only() -> None:
    (told,) = misfits(FRAME, Design.did, {"outcome": "x", "group": "g", "period": 3, "control": "c"})
    assert told.startswith("Column 'x' is not in the table")
    assert misfits(FRAME, Design.did, {"outcome": "y", "group": "g", "period": "t", "control": "a"}) == []
