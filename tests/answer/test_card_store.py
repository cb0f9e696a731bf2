"""Saved scorecards: what comes back says the same, with the same draws; damage is one error."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scored import CRASH, PRIMARY, asked, users

import twobytwo as tbt
from twobytwo.answer.card_store import FORMAT
from twobytwo.errors import DataError, DesignError

STORED = Path(__file__).parent / "stored_scorecards"


def test_what_comes_back_says_the_same(card: tbt.Scorecard, tmp_path: Path) -> None:
    loaded = tbt.load_scorecard(card.save(tmp_path / "card"))
    assert loaded.asked == card.asked
    assert (loaded.entries, loaded.launch, loaded.gates) == (card.entries, card.launch, card.gates)
    np.testing.assert_array_equal(loaded.draws, card.draws)
    assert repr(loaded) == repr(card)
    assert loaded._repr_html_() == card._repr_html_()


def test_everything_that_can_be_asked_comes_back(tmp_path: Path) -> None:
    frame = users(1_000).assign(earlier=lambda frame: frame["visits"])
    names = [f"m{k}" for k in range(10)]
    for k, name in enumerate(names):
        frame[name] = frame["minutes"].sample(frac=1, random_state=k).to_numpy()
    line = {**PRIMARY, "before_column": "earlier", "cap": "99%"}
    rule = {"primary improves": 0.95, "no guardrail is harmed": 0.8}
    card = asked(frame, line, CRASH, *names, unit="user", expected_share=0.5, launch_if=rule, shrink="fat")
    loaded = tbt.load_scorecard(card.save(tmp_path / "card"))
    assert (loaded.asked, loaded.shrinkage, loaded.entries) == (card.asked, card.shrinkage, card.entries)


def test_several_treatments_come_back(arms: tbt.Scorecard, tmp_path: Path) -> None:
    loaded = tbt.load_scorecard(arms.save(tmp_path / "arms"))
    assert (loaded.entries, loaded.launches) == (arms.entries, arms.launches)
    assert repr(loaded.of("green")) == repr(arms.of("green"))
    assert loaded.best("minutes") == arms.best("minutes")


def test_rows_open_only_where_they_are_given(card: tbt.Scorecard, tmp_path: Path) -> None:
    path = card.save(tmp_path / "card")
    with pytest.raises(DesignError, match=r"'minutes' cannot be opened; give them as load_scorecard"):
        tbt.load_scorecard(path)["minutes"]
    # The rows are looked at, for numerator and denominator.
    with pytest.raises(DesignError, match=r"Column 'visits' is not in the table"):
        tbt.load_scorecard(path, users().drop(columns="visits"))["ratio of minutes to visits"]


def test_the_format_that_was_saved_first_is_read() -> None:
    """If this fails, the format has changed: give it the next number, and store an example of it."""
    card = tbt.load_scorecard(STORED / f"format_{FORMAT}")
    assert card.statement.startswith("Launch. The probability that minutes improved")
    assert card.draws.shape == (100, 2)
    assert card.entry("crashed").metric.margin == 1
    assert (card.treatments, card.launch) == ((), card.launches[0])


@pytest.mark.parametrize("name", ["scorecard.json", "draws.npz"])
def test_damage_is_told(name: str, tmp_path: Path) -> None:
    path = Path(shutil.copytree(STORED / f"format_{FORMAT}", tmp_path / "card"))
    content = (path / name).read_bytes()
    (path / name).write_bytes(content[:-9])
    with pytest.raises(DataError, match=f"is damaged: '{name}' was changed or cut short"):
        tbt.load_scorecard(path)


def test_an_analysis_is_no_scorecard_and_the_other_way_round() -> None:
    with pytest.raises(DataError, match="holds no saved scorecard but something else, named 'analysis'"):
        tbt.load_scorecard(Path(__file__).parent / "stored" / "format_2" / "interaction")
    with pytest.raises(DataError, match="holds no saved analysis but something else, named 'scorecard'"):
        tbt.load(STORED / f"format_{FORMAT}")
