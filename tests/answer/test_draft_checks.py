"""What a plan says of a file is held against the file, as far as it is said."""

from __future__ import annotations

from typing import Any

import pytest

from twobytwo.answer.draft_checks import refuse_misfits
from twobytwo.data.outline import Column, Outline
from twobytwo.errors import DesignError

ARM = Column(name="variant", kind="text", values=3, levels=("a", "b", "control"))
ON = Column(name="on", kind="boolean", values=2, levels=(False, True))
DAY = Column(name="day", kind="date", values=28, low="2026-08-18", high="2026-09-14")
MINUTES = Column(name="minutes", kind="number", values=700, low=0.0, high=4_000.0)
FILE = Outline(rows=900, columns=(ARM, ON, DAY, MINUTES))


def refused(question: str = "did", **design: Any) -> str:
    with pytest.raises(DesignError) as error:
        refuse_misfits({"question": question, "design": design}, FILE, lambda _, key: key)
    return str(error.value)


@pytest.mark.parametrize(
    ("question", "design"),
    [
        ("did", {}),
        ("did", {"group": "on", "period": "day", "launch": "2026-08-19", "outcome": "minutes"}),
        ("did", {"group": "on", "period": "day", "launch": "2026-09-14"}),
        ("comparison", {"group": "variant", "control": "control", "treatment": ["a", "b"]}),
        ("comparison", {"group": "variant", "control": "b"}),
        ("interaction", {"factors": ["on", "variant"], "levels": {"on": [True, False]}}),
        ("did", {"before_column": "minutes", "after_column": "minutes2", "outcome": "what it is called"}),
    ],
)
def test_what_can_be_passes(question: str, design: dict[str, Any]) -> None:
    file = Outline(rows=900, columns=(*FILE.columns, Column(name="minutes2", kind="number", values=9)))
    refuse_misfits({"question": question, "design": design}, file)


def test_columns_must_be_there_and_hold_numbers() -> None:
    assert "outcome: column 'minuts' is not in the file, which has 'variant', 'on'" in refused(
        outcome="minuts"
    )
    assert refused(outcome="variant") == "outcome: column 'variant' holds text, not numbers."
    assert "factors: column 'exp' is not in the file" in refused("interaction", factors=["on", "exp"])


def test_levels_must_be_in_their_column() -> None:
    assert "'c' is not a level of column 'variant'" in refused("comparison", group="variant", control="c")
    assert "has 3 level(s)" in refused(group="variant")
    assert "700 different values, which are too many" in refused("comparison", group="minutes")
    assert "is not a level of column 'on'" in refused(
        "interaction", factors=["on", "minutes"], levels={"on": [0, 2]}
    )


def test_a_launch_is_a_day_between_the_dates() -> None:
    for day in ("2026-08-18", "2026-09-15"):
        assert "leaves one of the periods without a row" in refused(period="day", launch=day)
    said = refused(period="on", launch="2026-09-01")
    assert "column 'on' holds true and false; say period day." in said


def test_everything_is_told_at_once_and_once() -> None:
    said = refused(outcome="minuts", group="arm", period="day", launch="2026-13-45", unit="day")
    assert said.startswith("3 things are wrong.")
    assert said.count("2026-13-45") == 1
