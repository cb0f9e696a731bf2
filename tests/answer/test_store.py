"""Saved analyses: what comes back says the same, draws the same, and answers again without the rows."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import twobytwo as tbt
from twobytwo.answer import store
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.families.lognormal_mixture import LogNormalMixture
from twobytwo.infer.families.normal import Normal

STORED = Path(__file__).parent / "stored"


@pytest.fixture(scope="module")
def kept() -> tbt.Analysis:
    return tbt.load(STORED / "format_2" / "interaction")


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
    kept: tbt.Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept.save(tmp_path / "kept")
    before = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*"))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for target, name in ((np, "savez_compressed"), (os, "fsync"), (Path, "rename")):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, interrupt)
            for place in (path, tmp_path / "new"):
                with pytest.raises(KeyboardInterrupt):
                    kept.save(place)
        assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")) == before
    assert tbt.load(path).statement == kept.statement


def test_a_save_replaces_an_earlier_one_and_nothing_else(
    kept: tbt.Analysis, refused_result: tbt.Analysis, tmp_path: Path
) -> None:
    path = refused_result.save(tmp_path / "twice")
    assert kept.save(path) == path
    assert tbt.load(path).statement == kept.statement
    assert [file.name for file in tmp_path.iterdir()] == ["twice"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "file").write_text("mine")
    kept.cells.save(tmp_path / "cells")
    for name in ("mine", "file", "cells"):
        with pytest.raises(DataError, match="exists and holds no saved analysis; it is not replaced"):
            kept.save(tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "name",
    ["a#b", "a?b", "a\tb", "a\nb", ".hidden", "two words", "größe \N{GRINNING FACE}", "a%20b", "b.zarr"],
)
def test_any_path_keeps_the_draws(name: str, kept: tbt.Analysis, tmp_path: Path) -> None:
    path = kept.save(tmp_path / name / name)
    back = tbt.load(path)
    xr.testing.assert_identical(back.effects.draws, kept.effects.draws)
    assert [file.name for file in (tmp_path / name).iterdir()] == [name]


def test_a_dot_is_the_folder_itself(
    kept: tbt.Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(kept.save(tmp_path / "it"))
    assert tbt.load(".").statement == kept.statement
    kept.save(".")
    assert tbt.load(tmp_path / "it").statement == kept.statement


def test_any_name_of_a_column_or_level_keeps_the_draws(tmp_path: Path) -> None:
    names = {"exp1_is_treatment": "a#b\n/?", "exp2_is_treatment": ". \t'\"é"}
    rows = tbt.simulate.cannibalisation().rename(columns=names).replace({False: "x#/\t", True: "."})
    result = tbt.interaction(
        rows,
        outcome="out",
        factors=tuple(names.values()),
        levels=dict.fromkeys(names.values(), ("x#/\t", ".")),
        draws=500,
        chains=2,
    )
    back = tbt.load(result.save(tmp_path / "it"))
    assert back.design == result.design
    assert back.statement == result.statement
    xr.testing.assert_identical(back.effects.draws, result.effects.draws)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "delete"])
def test_any_damage_is_one_error(damage: str, tmp_path: Path) -> None:
    whole = STORED / "format_2" / "did"
    names = [file.relative_to(whole) for file in whole.rglob("*") if file.is_file()]
    assert len(names) == 13
    for name in names:
        copy = shutil.copytree(whole, tmp_path / "copy")
        content = (copy / name).read_bytes()
        middle = len(content) // 2
        if damage == "delete":
            (copy / name).unlink()
        else:
            flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            (copy / name).write_bytes({"flip": flipped, "cut": content[:-1], "empty": b""}[damage])
        with pytest.raises(DataError, match=r"copy' (is damaged|holds no saved analysis|was saved by)"):
            tbt.load(copy)
        shutil.rmtree(copy)


def test_an_added_file_is_one_error(tmp_path: Path) -> None:
    for place in (".", "cells"):
        copy = shutil.copytree(STORED / "format_2" / "did", tmp_path / place.replace(".", "top"))
        (copy / place / "notes.txt").write_text("mine")
        with pytest.raises(DataError, match=r"notes.txt' was added. Take it out of the folder"):
            tbt.load(copy)


def test_what_is_no_store_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.json").write_text('{"name": "an app"}')
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "manifest.json").write_text("no JSON")
    for name in ("file", "empty", "other", "text", "nowhere"):
        with pytest.raises(DataError, match=f"{name}' holds no saved analysis"):
            tbt.load(tmp_path / name)
    with pytest.raises(DataError, match="holds no saved analysis but something else, named 'table of cells'"):
        tbt.load(STORED / "format_2" / "did" / "cells")
    with pytest.raises(DataError, match="holds no saved table of cells but something else, named 'analysis'"):
        tbt.Cells.load(STORED / "format_2" / "did")


def test_other_formats_are_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "analysis.json").write_text('{"format": 1, "version": "0.1.0"}')
    with pytest.raises(DataError, match=r"by twobytwo 0\.1\.0 in format 1; .* reads format 2\. Open it with"):
        tbt.load(tmp_path)
    parts = replace(store._STORE, format=99).seal({"analysis.json": b"{}"})
    (tmp_path / "manifest.json").write_bytes(parts["manifest.json"])
    with pytest.raises(DataError, match=r"in format 99; .* reads format 2"):
        tbt.load(tmp_path)


def test_a_whole_store_of_other_content_is_one_error(tmp_path: Path) -> None:
    """Checksums that fit do not make an analysis."""
    parts = store._STORE.load(STORED / "format_2" / "interaction")
    about = parts["analysis.json"]
    for changed in (
        {"analysis.json": b"[]"},
        {"analysis.json": b"{}"},
        {"analysis.json": about.replace(b'"fits"', b'"fit"')},
        {"analysis.json": about.replace(b'"p_harm"', b'"p_harn"')},
        {"analysis.json": about.replace(b'"record": "gate"', b'"record": "os:system"')},
        {"analysis.json": about.replace(b'"array": 0', b'"array": 99')},
        {"fit.npz": b"no archive"},
    ):
        path = store._STORE.save(parts | changed, tmp_path / "it")
        with pytest.raises(
            DataError, match=r"it' (cannot be read|holds no analysis that this version reads)"
        ):
            tbt.load(path)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, **{f"a{k}": np.array([{}], dtype=object) for k in range(60)})
    parts = store._STORE.load(STORED / "format_2" / "interaction")
    path = store._STORE.save(parts | {"fit.npz": stream.getvalue()}, tmp_path / "it")
    with pytest.raises(DataError, match="holds no analysis that this version reads"):
        tbt.load(path)


@pytest.mark.parametrize("path", sorted(STORED.glob("format_*/*.txt")), ids=lambda path: path.stem)
def test_stores_of_every_format_still_load(path: Path) -> None:
    """Made by tests/answer/stored/make.py; users have such folders on their disks."""
    back = tbt.load(path.with_suffix(""))
    assert f"{back.statement}\n" == path.read_text(encoding="utf-8")
    assert back.effects.summary(0.95).loc[back.effects.headline, "mean"] == pytest.approx(
        back.headline.mean, abs=0.5 * back.headline.sd
    )
    assert back.with_groups("prior")["prior"].sizes["draw"] > 0


def test_the_present_format_has_a_kept_store() -> None:
    folder = STORED / f"format_{store.FORMAT}"
    assert [file.stem for file in sorted(folder.glob("*.txt"))] == ["did", "interaction"]
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 300_000


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


def test_a_family_with_settings_is_asked_for_too(tmp_path: Path) -> None:
    kinds = np.arange(600) % 3 == 0
    minutes = np.random.default_rng(0).lognormal(np.where(kinds, 5, 2), 0.5)
    frame = pd.DataFrame({"arm": np.arange(600) % 2, "minutes": minutes})
    two = LogNormalMixture(components=2)
    result = tbt.compare(frame, outcome="minutes", group="arm", family=two, draws=100, tune=100, chains=2)
    path = result.save(tmp_path / "two")
    with pytest.raises(
        DesignError, match=r"'lognormal_mixture' is one of your own, or has settings .*family="
    ):
        tbt.load(path)
    back = tbt.load(path, family=two)
    assert back.options == result.options
    assert [fit and fit.family for fit in (back.fit, back.refused_fit)] == [
        fit and fit.family for fit in (result.fit, result.refused_fit)
    ]
