"""Saved analyses: what comes back says the same, draws the same, and answers again without the rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import twobytwo as tbt
from twobytwo.answer import store
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families import Normal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved")


@pytest.fixture(scope="module")
def saved(active_minutes_result: tbt.Analysis, folder: Path) -> Path:
    return active_minutes_result.save(folder / "active minutes")


@pytest.fixture(scope="module")
def loaded(saved: Path) -> tbt.Analysis:
    return tbt.load(saved)


def test_what_comes_back_says_the_same(active_minutes_result: tbt.Analysis, loaded: tbt.Analysis) -> None:
    for name in ("design", "options", "gates", "priors", "headline", "statement"):
        assert getattr(loaded, name) == getattr(active_minutes_result, name)
    assert str(loaded) == str(active_minutes_result)
    assert loaded.cells.fingerprint == active_minutes_result.cells.fingerprint
    assert loaded.harm(margin=20) == active_minutes_result.harm(margin=20)
    assert loaded.crosscheck().table.equals(active_minutes_result.crosscheck().table)


def test_draws_come_back_bit_by_bit(active_minutes_result: tbt.Analysis, loaded: tbt.Analysis) -> None:
    xr.testing.assert_identical(loaded.effects.draws, active_minutes_result.effects.draws)
    for name in ("posterior", "sample_stats", "observed_data", "constant_data"):
        xr.testing.assert_equal(
            loaded.fit.tree[name].to_dataset(), active_minutes_result.fit.tree[name].to_dataset()
        )
    seconds = loaded.fit.tree["sample_stats"].attrs["seconds_sampling"]
    assert seconds == active_minutes_result.fit.tree["sample_stats"].attrs["seconds_sampling"]


def test_a_refit_from_the_saved_cells_gives_the_same_answer(
    active_minutes_result: tbt.Analysis, loaded: tbt.Analysis
) -> None:
    again = tbt.analyze(loaded.cells, loaded.design, loaded.options)
    assert again.headline == active_minutes_result.headline
    np.testing.assert_array_equal(again.effects["did"], active_minutes_result.effects["did"])


def test_what_comes_back_can_be_written_drawn_and_saved_again(loaded: tbt.Analysis, folder: Path) -> None:
    assert "Method and provenance" in loaded.report(folder / "again.html").read_text()
    assert "<img" in loaded._repr_html_()
    assert (
        loaded.with_groups("log_likelihood")["log_likelihood"].sizes["draw"]
        == loaded.posterior["posterior"].sizes["draw"]
    )
    again = tbt.load(loaded.save(folder / "again"))
    assert again.statement == loaded.statement


def test_a_refused_analysis_stays_refused(refused_result: tbt.Analysis, folder: Path) -> None:
    back = tbt.load(refused_result.save(folder / "refused"))
    assert back.headline == refused_result.headline
    with pytest.raises(DesignError, match="No statement is made"):
        back.harm()


def test_an_interrupted_save_leaves_what_was_there(
    loaded: tbt.Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    path = loaded.save(tmp_path / "kept")
    before = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr(xr.DataTree, "to_zarr", interrupt)
        with pytest.raises(KeyboardInterrupt):
            loaded.save(path)
        with pytest.raises(KeyboardInterrupt):
            loaded.save(tmp_path / "new")
    # Even between the two renamings.
    rename = Path.rename

    def rename_but_the_new(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename_but_the_new)
        with pytest.raises(KeyboardInterrupt):
            loaded.save(path)
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")) == before
    assert tbt.load(path).statement == loaded.statement


def test_a_save_replaces_an_earlier_one_and_nothing_else(
    loaded: tbt.Analysis, refused_result: tbt.Analysis, tmp_path: Path
) -> None:
    path = refused_result.save(tmp_path / "twice")
    assert loaded.save(path) == path
    assert tbt.load(path).statement == loaded.statement
    assert [file.name for file in tmp_path.iterdir()] == ["twice"]
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match="exists and holds no saved analysis; it is not replaced"):
        loaded.save(tmp_path / "mine")


def test_other_directories_and_formats_are_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no saved analysis"):
        tbt.load(tmp_path)
    about = json.loads((saved / "analysis.json").read_text())
    (tmp_path / "analysis.json").write_text(json.dumps(about | {"format": 99}))
    with pytest.raises(DataError, match="in format 99; this version reads format 1"):
        tbt.load(tmp_path)


def test_only_records_of_the_package_are_made() -> None:
    for record in ("os:system", "twobytwo.answer.store:load", "twobytwo.infer.families:Family"):
        with pytest.raises(DataError, match="is no record of twobytwo"):
            store._decoded({"record": record})


def test_a_family_of_ones_own_is_asked_for(cannibalisation_result: tbt.Analysis, folder: Path) -> None:
    class Mine(Normal):
        name = "mine"

    own = Mine()
    cells, design = cannibalisation_result.cells, cannibalisation_result.design
    result = tbt.analyze(cells, design, tbt.Options(family=own))
    path = result.save(folder / "own")
    with pytest.raises(DesignError, match=r"family 'mine' is one of your own.*load\(\.\.\., family="):
        tbt.load(path)
    back = tbt.load(path, family=own)
    assert back.headline == result.headline
    assert back.options == result.options
