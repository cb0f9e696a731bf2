"""Files and folders: whole or not at all, and one clear error when they cannot be written."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from twobytwo import Design, compress, files
from twobytwo.answer.plan import read_plan
from twobytwo.data.sources import columns_of
from twobytwo.errors import DataError, DesignError, PlanError
from twobytwo.files import as_path, set_aside, write_file, write_folder

NAMES = ["a#b", "a?b", "a\tb", "a\nb", ".hidden", "with space", "größe \N{GRINNING FACE}", "n" * 250, "[x]*"]
OLD, NEW = {"one.txt": b"old"}, {"one.txt": b"new", "deep/two.txt": b"2"}


def held(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


def aged(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_written_and_written_again(name: str, tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        assert write_file(content, tmp_path / name).read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == [name]
    for parts in (OLD, NEW):
        assert held(write_folder(parts, tmp_path / "above" / name)) == parts
    assert [path.name for path in (tmp_path / "above").iterdir()] == [name]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_file(b"new", tmp_path / "link.txt")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "does not let you write"),
        (errno.EACCES, "does not let you write"),
        (errno.EIO, "broken"),
    ],
)
def test_what_the_system_refuses_is_one_error_and_changes_nothing(
    number: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(b"old", tmp_path / "file")
    write_folder(OLD, tmp_path / "folder")
    before = held(tmp_path)

    def fail(_handle: int) -> None:
        raise OSError(number, "broken")

    monkeypatch.setattr(os, "fsync", fail)
    for attempt in (
        lambda: write_file(b"new", tmp_path / "file"),
        lambda: write_folder(NEW, tmp_path / "folder"),
        lambda: write_folder(NEW, tmp_path / "new" / "folder"),
    ):
        with pytest.raises(DesignError, match=rf"cannot be written: .*{reason}.*Nothing was changed"):
            attempt()
    assert held(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_paths_that_cannot_be_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text")
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (
        ("folder", "it is a folder"),
        ("pipe", "it is a device or a pipe"),
        ("missing/file", "does not exist"),
        ("zero\0byte", "null"),
        ("n" * 300, "too long"),
        ("none/../new", "'..' leads out of '.*none', which is no folder"),
    ):
        with pytest.raises(DesignError, match=rf"(?s)cannot be written: .*{reason}"):
            write_file(b"new", tmp_path / name)
    for name, reason in (
        ("file", "exists and is no folder"),
        ("file/below", "cannot be written"),
        ("none/../new", "'..' leads out of '.*none', which is no folder"),
    ):
        with pytest.raises(DesignError, match=reason):
            write_folder(NEW, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "pipe"]


def test_a_full_disk_in_earnest(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(DesignError, match="the disk is full"):
            write_folder({"small": b"1", "large": b"0" * 100_000}, tmp_path / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_at_any_step_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call that changes the disk is cut short in turn, until a write comes through."""
    path = write_folder(OLD, tmp_path / "kept")
    for step in range(50):
        left = step

        def counted(real: object) -> object:
            def call(*arguments: object, **options: object) -> object:
                nonlocal left
                left -= 1
                if left == -1:
                    raise KeyboardInterrupt
                return real(*arguments, **options)  # type: ignore[operator]

            return call

        with monkeypatch.context() as patch:
            for name in ("mkdir", "rename", "open"):
                patch.setattr(Path, name, counted(getattr(Path, name)))
            patch.setattr(os, "fsync", counted(os.fsync))
            try:
                write_folder(NEW, path)
            except KeyboardInterrupt:
                done = False
            else:
                done = True
        assert [found.name for found in tmp_path.iterdir()] == ["kept"]
        if done:
            break
        assert held(path) in (OLD, NEW)
    else:
        pytest.fail("the write never came through")
    assert step > 8
    assert held(path) == NEW


def test_what_a_killed_run_left_is_cleaned_by_the_next_write(tmp_path: Path) -> None:
    target = write_folder(OLD, tmp_path / "it")
    stem = f".it.{'0' * 32}"
    stale, fresh = tmp_path / f"{stem}.partial", tmp_path / f".it.{'1' * 32}.partial"
    others = [tmp_path / ".it.partial", tmp_path / f".other.{'0' * 32}.partial", tmp_path / f"{stem}.mine"]
    for folder in (stale, fresh, *others):
        (folder / "inside").mkdir(parents=True)
        aged(folder, 3_600)
    aged(fresh, 60)
    replaced = tmp_path / f"{stem}.replaced"
    write_folder(OLD, replaced)
    aged(replaced, 3_600)
    write_folder(NEW, target)
    assert not stale.exists()
    assert not replaced.exists()
    assert all(folder.exists() for folder in (fresh, *others))
    assert held(target) == NEW

    left = tmp_path / f".file.{'a' * 32}.partial"
    left.write_text("half")
    aged(left, 3_600)
    write_file(b"whole", tmp_path / "file")
    assert not left.exists()


def test_a_kill_between_the_renamings_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, aside = tmp_path / "it", tmp_path / f".it.{'0' * 32}.replaced"
    write_folder(OLD, aside)
    assert set_aside(path) == aside
    # Put back before anything is written, so that a write that fails leaves it in its place.
    monkeypatch.setattr(files, "_swap", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_folder(NEW, path)
    assert held(path) == OLD
    assert set_aside(path) is None
    assert [found.name for found in tmp_path.iterdir()] == ["it"]


def test_of_two_writers_the_later_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, rename = tmp_path / "it", Path.rename
    write_folder(OLD, path)
    others = [{"one.txt": b"theirs"}]

    def with_another(self: Path, target: Path) -> Path:
        moved = rename(self, target)
        if target.suffix == ".replaced" and others:
            write_folder(others.pop(), path)
        return moved

    monkeypatch.setattr(Path, "rename", with_another)
    write_folder(NEW, path)
    assert held(path) == NEW


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder that was deleted."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    return gone


@pytest.mark.usefixtures("nowhere")
def test_a_deleted_working_directory_is_said_in_an_error_of_the_package(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("y,g,t\n" + "\n".join(f"{k % 7 + 1},{k % 2},{k // 2 % 2}" for k in range(40)))
    design = Design.did(outcome="y", group="g", period="t")
    with pytest.raises(DataError, match=r"^No file matches 'rows.csv' \(the working directory no longer"):
        compress("rows.csv", design)
    with pytest.raises(PlanError, match=r"cannot be read: No such file.*the working directory no longer"):
        read_plan("plan.toml")
    with pytest.raises(DesignError, match=r"x\.md"):
        write_file(b"x", "x.md")
    # What is named from the root is found.
    assert compress(rows, design).rows == 40
    assert write_file(b"x", tmp_path / "x.md").read_bytes() == b"x"


def test_a_path_is_looked_for_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert files.looked_from() == f"looked from {tmp_path}"


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_path("~/rows.csv") == tmp_path / "rows.csv"
    (tmp_path / "rows.csv").write_text("y\n1\n2\n")
    assert columns_of("~/rows.csv") == ("y",)
    assert write_file(b"x", "~/made.txt") == tmp_path / "made.txt"
    assert as_path("a~/b") == Path("a~/b")
