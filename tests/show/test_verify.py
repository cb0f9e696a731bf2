"""A result is found again from its JSON and its data, whatever holds them; and anything else is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import twobytwo as tbt
from twobytwo.cli import main
from twobytwo.errors import DataError
from twobytwo.show.verify import verify


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, cannibalisation_result: tbt.Analysis) -> Path:
    return cannibalisation_result.report(tmp_path_factory.mktemp("verify") / "result.json")


def test_shuffled_rows_in_another_container_give_the_same(written: Path) -> None:
    rows = tbt.simulate.cannibalisation().sample(frac=1, random_state=3)
    found = verify(written, pl.from_pandas(rows))
    assert found.same, found.sentence
    assert found.same_data
    assert not found.versions


def test_other_rows_are_different_and_the_sentence_says_so(written: Path) -> None:
    found = verify(written, tbt.simulate.cannibalisation(seed=3))
    assert not found.same
    assert not found.same_data
    assert found.sentence.startswith("different: ")
    assert "The data are others" in found.sentence


def changed(path: Path, tmp_path: Path, change: Any) -> Path:
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    (tmp_path / "changed.json").write_text(json.dumps(record), encoding="utf-8")
    return tmp_path / "changed.json"


def test_a_changed_number_and_an_old_version_are_told(written: Path, tmp_path: Path) -> None:
    def change(record: Any) -> None:
        record["headline"]["mean"] += 1e-3
        record["replay"]["versions"]["numpy"] = "1.0"

    found = verify(changed(written, tmp_path, change), tbt.simulate.cannibalisation())
    assert not found.same
    assert found.same_data
    assert found.differences[0].startswith("headline.mean was ")
    assert "numpy 1.0 →" in found.sentence


def test_a_changed_model_and_uncapped_effect_are_told(tmp_path: Path) -> None:
    frame = tbt.simulate.cannibalisation()
    result = tbt.interaction(
        frame, outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"), cap="99%", family="normal"
    )

    def change(record: Any) -> None:
        record["uncapped"]["mean"] += 1.0
        record["model"]["family"] = "gamma"
        record["sampling"]["seconds"] += 1.0

    own = result.report(tmp_path / "own.json")
    assert verify(own, frame).same
    found = verify(changed(own, tmp_path, change), frame)
    assert [said.split(" was ")[0] for said in found.differences] == ["uncapped.mean", "model.family"]


def test_of_the_same_data_and_versions_another_processor_is_named(written: Path, tmp_path: Path) -> None:
    def change(record: Any) -> None:
        record["headline"]["mean"] += 1e-3

    found = verify(changed(written, tmp_path, change), tbt.simulate.cannibalisation())
    assert "Data and versions are the same. Another processor" in found.sentence
    others = verify(written, tbt.simulate.cannibalisation(seed=3))
    assert "Another processor" not in others.sentence


def test_the_shell_ends_with_0_or_1(
    written: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = tmp_path / "rows.parquet"
    tbt.simulate.cannibalisation().to_parquet(rows)
    assert main(["verify", str(written), "--data", str(rows)]) == 0
    assert capsys.readouterr().out.startswith("same: ")
    assert main(["verify", str(written), "--data", "nowhere.parquet"]) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"replay": 3}', "\x00", "{" * 9_000])
def test_what_is_no_result_is_one_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(DataError, match=r"cannot be read|does not say"):
        verify(tmp_path / "odd.json", tbt.simulate.cannibalisation())
