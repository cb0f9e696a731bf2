"""Stores: to the last bit what was saved, or one error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twobytwo.errors import DataError, DesignError
from twobytwo.manifest import MANIFEST, Store

STORE = Store(kind="analysis", format=2, first_file="analysis.json")
PARTS = {"analysis.json": b'{"it": 1}', "deep/draws.bin": bytes(range(50))}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return STORE.save(PARTS, tmp_path / "it")


def test_every_single_flipped_bit_is_seen(saved: Path) -> None:
    for file in [path for path in saved.rglob("*") if path.is_file()]:
        whole = file.read_bytes()
        for place in range(len(whole)):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(DataError, match="path="):
                STORE.load(saved)
        file.write_bytes(whole)
    assert STORE.load(saved) == PARTS


def test_every_cut_is_seen(saved: Path) -> None:
    for file in [path for path in saved.rglob("*") if path.is_file()]:
        whole = file.read_bytes()
        for content in (whole[:-1], whole[: len(whole) // 2], b"", whole + b"\n"):
            file.write_bytes(content)
            with pytest.raises(DataError, match=r"damaged"):
                STORE.load(saved)
        file.unlink()
        with pytest.raises(DataError, match=r"is missing|no manifest.json|saved by twobytwo"):
            STORE.load(saved)
        file.write_bytes(whole)
    (saved / "deep" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"'deep/notes.txt' was added\. Take it out"):
        STORE.load(saved)


def test_what_is_no_store_is_refused_in_words(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("text")
    for name, reason in (
        ("nowhere", "there is no such folder"),
        ("file", "it is a file"),
        ("empty", "no manifest.json"),
        ("zero\0byte", "."),
    ):
        with pytest.raises(DataError, match=reason):
            STORE.load(tmp_path / name)
    cells = Store(kind="table of cells", format=2, first_file="cells.json")
    with pytest.raises(DataError, match="holds no saved table of cells but something else, named 'analysis'"):
        cells.load(saved)
    for text in ("[]", "{}", "nonsense", "[" * 100_000, '{"kind": 3}', '{"kind": "twobytwo analysis"}'):
        (saved / MANIFEST).write_text(text)
        with pytest.raises(DataError, match="path="):
            STORE.load(saved)


def test_other_formats_are_named_with_what_to_do(saved: Path) -> None:
    about = json.loads((saved / MANIFEST).read_text())
    (saved / MANIFEST).write_text(json.dumps(about | {"format": 99, "version": "7.0"}))
    with pytest.raises(DataError, match=r"by twobytwo 7\.0 in format 99; .* reads format 2\. Open it with"):
        STORE.load(saved)
    (saved / MANIFEST).unlink()
    (saved / "analysis.json").write_text('{"format": 1, "version": "0.1.0"}')
    with pytest.raises(DataError, match=r"by twobytwo 0\.1\.0 in format 1; .* reads format 2"):
        STORE.load(saved)


def test_only_the_same_kind_is_replaced(saved: Path, tmp_path: Path) -> None:
    assert STORE.load(STORE.save({"a": b"2"}, saved)) == {"a": b"2"}
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("text")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / MANIFEST).write_text('{"name": "an app"}')
    (tmp_path / "dangling").symlink_to("nowhere")
    Store(kind="table of cells", format=2, first_file="").save(PARTS, tmp_path / "cells")
    for name in ("empty", "file", "thesis", "web", "cells", "dangling"):
        with pytest.raises(
            DataError, match=f"{name}' exists and holds no saved analysis; it is not replaced"
        ):
            STORE.save(PARTS, tmp_path / name)
    (saved / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds a saved analysis and something else \('notes.txt'\)"):
        STORE.save(PARTS, saved)
    assert (saved / "notes.txt").read_text() == "mine"


def test_a_folder_behind_one_that_is_not_there_is_not_replaced(tmp_path: Path) -> None:
    """The system sees nothing at none/../thesis, where Python's resolve() sees the thesis."""
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(DesignError, match=r"'\.\.' leads out of '.*none', which is no folder"):
        STORE.save(PARTS, tmp_path / "none" / ".." / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"
    (tmp_path / "there").mkdir()
    with pytest.raises(DataError, match="holds no saved analysis; it is not replaced"):
        STORE.save(PARTS, tmp_path / "there" / ".." / "thesis")
    assert STORE.load(STORE.save(PARTS, tmp_path / "there" / ".." / "new")) == PARTS


def test_a_kill_between_the_renamings_is_told(saved: Path, tmp_path: Path) -> None:
    saved.rename(tmp_path / f".it.{'0' * 32}.replaced")
    with pytest.raises(DataError, match=r"stands beside as '\.it\.0+\.replaced'; rename it back"):
        STORE.load(saved)


def test_what_is_no_file_is_not_read(saved: Path) -> None:
    """A pipe would be waited for, and a device such as /dev/zero never ends."""
    (saved / "deep" / "draws.bin").unlink()
    (saved / "deep" / "draws.bin").symlink_to("/dev/null")
    with pytest.raises(DataError, match=r"'deep/draws.bin' is missing"):
        STORE.load(saved)
