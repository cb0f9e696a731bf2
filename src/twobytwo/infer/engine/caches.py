"""Machine code kept on disk: a place for it, and no harm from a damaged one.

PyTensor and Numba keep compiled code under the home directory or beside the package. Neither asks whether it
can be written to, nor whether what they read is what was written.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import pickle
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["check_files", "without_files", "writable_place"]

# Stands before the digest at the end of a file; readers that do not know it stop before.
_MARK = b"twobytwo sha256:"
_DIGEST_SIZE = hashlib.sha256().digest_size


def writable_place() -> None:
    """See to it that PyTensor, which is about to be imported, has a folder that it can write to.

    Without one its import ends in an error. A folder that somebody has chosen is left alone.
    """
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    if "pytensor" in sys.modules or "compiledir" in flags or _chosen_in_a_file():
        return
    place = Path(os.environ.get("HOME") or "~").expanduser() / ".pytensor"
    if _writable(place) and _writable(place / "numba"):
        return
    temporary = tempfile.mkdtemp(prefix="twobytwo-")
    made_by = os.getpid()

    def remove() -> None:
        # A forked child ends too, while its parent goes on.
        if os.getpid() == made_by:
            shutil.rmtree(temporary, ignore_errors=True)

    atexit.register(remove)
    os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, [flags, f"base_compiledir={temporary}"]))
    warnings.warn(
        f"{str(place)!r} cannot be written to, so models are compiled in every process again (slower); "
        "a folder can be named by PYTENSOR_FLAGS=base_compiledir=FOLDER.",
        stacklevel=2,
    )


def _chosen_in_a_file() -> bool:
    names = os.environ.get("PYTENSORRC", "~/.pytensorrc").split(os.pathsep)
    with contextlib.suppress(OSError, UnicodeDecodeError):
        files = [path for name in names if (path := Path(name).expanduser()).is_file()]
        return any("compiledir" in path.read_text() for path in files)
    return False


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def check_files() -> None:
    """Have Numba's cached files end in a digest of their content, and hold them to it when they are read.

    A file that is damaged is renamed, a warning says so, and its function is compiled again. Machine code
    with a flipped bit is otherwise run as it is. Files without a digest, from other programs, are read if
    they can be; those that are written here can be read by any program. A file that cannot be written is
    done without.
    """
    from numba.core import caching

    plain = getattr(caching, "IndexDataCacheFile", None)
    needed = ("_load_index", "_load_data", "_save_data", "_save_index", "_data_path")
    if plain is None or getattr(plain, "checked", False) or not all(hasattr(plain, name) for name in needed):
        return
    caching.IndexDataCacheFile = _checked(plain)


def _checked(plain: Any) -> Any:
    class Checked(plain):  # type: ignore[misc]
        """Numba's files of one function, with digests."""

        checked = True

        def save(self, key: Any, data: Any) -> None:
            try:
                super().save(key, data)
            except OSError as error:
                # A full disk, or a folder that has gone.
                warnings.warn(f"compiled code is not kept for the next process: {error}", stacklevel=2)

        def _load_index(self) -> Any:
            try:
                return super()._load_index()
            except OSError:
                return {}
            except Exception:  # noqa: BLE001 - a damaged pickle can raise anything
                _set_aside(self._index_path)
                return {}

        def _save_data(self, name: str, data: Any) -> None:
            super()._save_data(name, data)
            path = Path(self._data_path(name))
            content = path.read_bytes()
            with self._open_for_write(str(path)) as file:
                file.write(content + _MARK + hashlib.sha256(content).digest())

        def _load_data(self, name: str) -> Any:
            path = self._data_path(name)
            content = Path(path).read_bytes()
            end = len(content) - len(_MARK) - _DIGEST_SIZE
            if end > 0 and content[end : end + len(_MARK)] == _MARK:
                whole = hashlib.sha256(content[:end]).digest() == content[-_DIGEST_SIZE:]
            else:
                end, whole = len(content), True
            if whole:
                with contextlib.suppress(Exception):
                    return pickle.loads(content[:end])
            _set_aside(path)
            msg = f"{path} is damaged"
            # What Numba takes for a file that is not there.
            raise OSError(msg)

    return Checked


def _set_aside(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).replace(f"{path}.damaged")
    warnings.warn(f"the cached code {path!r} is damaged; it is set aside and made again.", stacklevel=4)


@contextlib.contextmanager
def without_files() -> Iterator[None]:
    """Compile without any file, when one that was read made trouble that nobody foresaw."""
    import pytensor

    with pytensor.config.change_flags(numba__cache=False):
        yield
