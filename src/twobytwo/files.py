"""Files and folders written whole or not at all: beside, synced, then moved into place.

Whatever interrupts a write (an error, Ctrl-C, a kill, a full disk), a reader finds what was there before or
what was to be there, and never a half. What a killed run leaves beside its target has a recognisable name,
``.NAME.<32 hex digits>.partial`` or ``.replaced``, and is cleaned by the next write of the same target.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from twobytwo.errors import DesignError, TwoByTwoError

__all__ = ["as_path", "at_home", "looked_from", "set_aside", "write_file", "write_folder"]

# A draft that nobody has touched for so long belongs to no run that is still writing.
_STALE_SECONDS = 15 * 60
_LONGEST_NAME = 180
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def as_path(path: object) -> Path:
    """Take a path as it was given, ~ as the home folder, or refuse what is none (`DesignError`).

    Examples
    --------
    >>> as_path("report.html").suffix
    '.html'
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        msg = f"path={path!r} must be a path, as text or a pathlib.Path."
        raise DesignError(msg)
    return Path(at_home(os.fspath(path)))


def at_home(path: str) -> str:
    """Write a leading ~ as the home folder, as shells do; nothing is changed where there is none."""
    return os.path.expanduser(path)  # noqa: PTH111 - that of pathlib fails where there is no home


def looked_from() -> str:
    """Say from where a relative path was looked for, also where the working directory was deleted.

    Examples
    --------
    >>> looked_from().startswith("looked from ")
    True
    """
    try:
        return f"looked from {Path.cwd()}"
    except OSError:
        return "the working directory no longer exists; change to another folder and try again"


def write_file(content: bytes, path: str | Path) -> Path:
    """Write a file, whole or not at all.

    Parameters
    ----------
    content
        What the file shall hold.
    path
        File to write, in a folder that exists; a file already there is replaced. A link is followed.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    DesignError
        If there is no such folder, it cannot be written to, the disk is full, or the path is something
        else than a file. What was there before is there still.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_file(b"no harm", Path(folder, "report.txt")).read_text()
    'no harm'
    """
    path = as_path(path)
    with _own_errors(path):
        target = _resolved(path)
        if target.is_dir():
            _refuse(path, "it is a folder", "Name a file.")
        if target.exists() and not target.is_file():
            _refuse(path, "it is a device or a pipe", "Name a file.")
        if not target.parent.is_dir():
            _refuse(path, f"the folder {str(path.parent)!r} does not exist", "Make the folder first.")
        _clean(target)
        draft = _beside(target, "partial")
        try:
            _put(content, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(target.parent)
    return path


def write_folder(parts: Mapping[str, bytes], path: str | Path) -> Path:
    """Write a folder of files, whole or not at all.

    Parameters
    ----------
    parts
        What each file shall hold, by its path inside the folder with ``/`` between the parts.
    path
        Folder to make, with the folders above it. A folder already there is replaced, and deleted only when
        the new one stands in its place; whether it may be is the caller's to judge. A link is followed.

    Returns
    -------
    pathlib.Path
        The folder written.

    Raises
    ------
    DesignError
        If the folder above cannot be written to, the disk is full, or the path is something else than a
        folder. What was there before is there still.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     made = write_folder({"a.txt": b"one", "more/b.txt": b"two"}, Path(folder, "both"))
    ...     sorted(file.name for file in made.rglob("*.txt"))
    ['a.txt', 'b.txt']
    """
    path = as_path(path)
    with _own_errors(path):
        target = _resolved(path)
        if target.exists() and not target.is_dir():
            _refuse(path, "it exists and is no folder", "Name another path.")
        above = [folder for folder in target.parents if not folder.exists()]
        draft = _beside(target, "partial")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _clean(target)
            draft.mkdir()
            for name, content in parts.items():
                file = draft / name
                file.parent.mkdir(parents=True, exist_ok=True)
                _put(content, file)
            for folder in {(draft / name).parent for name in parts} | {draft}:
                _sync_folder(folder)
            _swap(draft, target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            for folder in above:
                with suppress(OSError):
                    folder.rmdir()
            raise
        _sync_folder(target.parent)
    return path


def set_aside(path: str | Path) -> Path | None:
    """Find the folder that a run, killed between two renamings, moved away and did not replace.

    Parameters
    ----------
    path
        A path at which nothing stands.

    Returns
    -------
    pathlib.Path or None
        What stood there before, whole; None if there is no such folder.

    Examples
    --------
    >>> set_aside("no/such/folder") is None
    True
    """
    with suppress(OSError, ValueError):
        target = Path(path).resolve()
        if not target.exists():
            return next((found for found in _remains(target) if found.suffix == ".replaced"), None)
    return None


def _resolved(path: Path) -> Path:
    """Follow links and "..", which leads out of a folder only where there is one, as everywhere else."""
    for place, part in enumerate(path.parts):
        folder = Path(*path.parts[:place])
        if part == ".." and not folder.is_dir():
            _refuse(path, f"'..' leads out of {str(folder)!r}, which is no folder", "Name it without '..'.")
    return path.resolve()


def _swap(draft: Path, target: Path) -> None:
    """Put the draft in the target's place; the old folder goes when the new one stands."""
    replaced = None
    try:
        while True:
            if target.exists():
                replaced = _beside(target, "replaced")
                target.rename(replaced)
            try:
                draft.rename(target)
                break
            except OSError as error:
                # Somebody else has just written the same folder: the later one stands.
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
    except BaseException:
        if replaced is not None and replaced.exists() and not target.exists():
            replaced.rename(target)
        raise
    if replaced is not None:
        shutil.rmtree(replaced, ignore_errors=True)


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(f".{_stem(target)}.{uuid.uuid4().hex}.{suffix}")


def _stem(target: Path) -> str:
    """Give the target's name, or a digest of one that leaves no room for more letters."""
    name = os.fsencode(target.name)
    return target.name if len(name) <= _LONGEST_NAME else hashlib.sha256(name).hexdigest()[:32]


def _remains(target: Path) -> Iterator[Path]:
    ours = re.compile(rf"\.{re.escape(_stem(target))}\.[0-9a-f]{{32}}\.(partial|replaced)", re.DOTALL)
    for found in target.parent.iterdir():
        if ours.fullmatch(found.name):
            yield found


def _clean(target: Path) -> None:
    """Remove what killed runs left of this target; what they moved away is put back."""
    with suppress(OSError):
        for found in list(_remains(target)):
            if found.suffix == ".replaced" and not target.exists():
                found.rename(target)
            elif time.time() - found.stat().st_mtime < _STALE_SECONDS:
                continue
            elif found.is_dir() and not found.is_symlink():
                shutil.rmtree(found, ignore_errors=True)
            else:
                found.unlink(missing_ok=True)


def _put(content: bytes, file: Path) -> None:
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        _sync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    # Windows opens no folders, and some file systems sync none; the files in it are synced.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            _sync(handle)
        finally:
            os.close(handle)


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


@contextmanager
def _own_errors(path: Path) -> Iterator[None]:
    """Say in the package's words what the operating system says in its own."""
    try:
        yield
    except TwoByTwoError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in _FULL:
            reason, fix = "the disk is full", "Free some space, or name another path."
        elif number in _FORBIDDEN:
            reason = f"the folder {str(path.parent)!r} does not let you write"
            fix = "Change its permissions, or name another path."
        else:
            reason, fix = (error.strerror if isinstance(error, OSError) else None) or str(error), ""
        _refuse(path, reason, fix or "Name another path.", error)


def _refuse(path: Path, reason: str, fix: str, cause: BaseException | None = None) -> None:
    msg = f"path={str(path)!r} cannot be written: {reason}. Nothing was changed. {fix}"
    raise DesignError(msg) from cause
