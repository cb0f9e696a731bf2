"""Folders that know what they hold: every file's checksum, the kind of the whole and its format.

A store is a folder with a ``manifest.json``. It is loaded as it was saved or not at all: a missing, changed
or added file, another kind, another format and a folder of somebody else's are one error each, never another
number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from twobytwo.errors import DataError
from twobytwo.files import as_path, set_aside, write_folder

__all__ = ["MANIFEST", "Store"]

MANIFEST = "manifest.json"
_SAVE_AGAIN = "Restore it from a copy, or make it from the data and save it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One kind of folder that the package saves.

    Parameters
    ----------
    kind
        What it is in words, such as ``"analysis"``.
    format
        Number of the layout that is written, and the only one that is read.
    first_file
        File by which a folder of format 1 is known, which had no manifest.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> store = Store(kind="analysis", format=2, first_file="analysis.json")
    >>> with TemporaryDirectory() as folder:
    ...     store.load(store.save({"a.txt": b"one"}, f"{folder}/it"))
    {'a.txt': b'one'}
    """

    kind: str
    format: int
    first_file: str

    def save(self, parts: Mapping[str, bytes], path: str | Path) -> Path:
        """Write the folder, whole or not at all.

        Parameters
        ----------
        parts
            What each file holds, by its path inside the folder.
        path
            Folder to make; one that holds the same kind, and nothing else, is replaced.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        DataError
            If the path exists and holds something else.
        DesignError
            If it cannot be written; see `twobytwo.files.write_folder`.
        """
        path = as_path(path)
        if _exists(path):
            self._refuse_strangers(path)
        return write_folder(self.seal(parts), path)

    def seal(self, parts: Mapping[str, bytes]) -> dict[str, bytes]:
        """Add the manifest to the parts."""
        files = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(parts.items())}
        about = {
            "kind": f"twobytwo {self.kind}",
            "format": self.format,
            "version": version("twobytwo"),
            "files": files,
        }
        return {**parts, MANIFEST: _signed(about)}

    def load(self, path: str | Path) -> dict[str, bytes]:
        """Read the folder's files, each held against its checksum.

        Parameters
        ----------
        path
            The folder.

        Returns
        -------
        dict
            What was given to `save`.

        Raises
        ------
        DataError
            If the folder is not, to the last bit, what was saved.
        """
        path = as_path(path)
        where = f"path={str(path)!r}"
        try:
            if not path.is_dir():
                raise DataError(f"{where} holds no saved {self.kind}: {_what_it_is(path)}.")
            if not (path / MANIFEST).is_file():
                raise DataError(f"{where} holds no saved {self.kind}{self._without_manifest(path)}.")
            found = {MANIFEST: (path / MANIFEST).read_bytes()}
            listed = self._listed(found[MANIFEST], where)
            present = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if _is_part(file)}
            extra = sorted(present.keys() - listed - {MANIFEST})
            if extra:
                raise DataError(
                    f"{where} is not as it was saved: {_names(extra)} was added. Take it out of the folder."
                )
            # A pipe or a device in a file's place would be read for ever.
            parts = [name for name in sorted(listed & present.keys()) if present[name].is_file()]
            found |= {name: present[name].read_bytes() for name in parts}
        except (OSError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{where} cannot be read: {error}. {_SAVE_AGAIN}") from error
        return self.check(found, where)

    def check(self, parts: Mapping[str, bytes], where: str) -> dict[str, bytes]:
        """Hold parts against their manifest and give them without it.

        Parameters
        ----------
        parts
            What each file holds, with the manifest.
        where
            What an error calls the place, such as ``path='cells'``.

        Returns
        -------
        dict
            The parts that `seal` was given.

        Raises
        ------
        DataError
            If one is missing, changed or added.
        """
        if MANIFEST not in parts:
            raise DataError(f"{where} holds no saved {self.kind} (no {MANIFEST}).")
        listed = self._listed(parts[MANIFEST], where)
        sums = json.loads(parts[MANIFEST])["files"]
        given = {name: content for name, content in parts.items() if name != MANIFEST}
        wrong = {
            "is missing": sorted(listed - given.keys()),
            "was added": sorted(given.keys() - listed),
            "was changed or cut short": [
                name
                for name in sorted(listed & given.keys())
                if hashlib.sha256(given[name]).hexdigest() != sums[name]
            ],
        }
        told = "; ".join(f"{_names(names)} {what}" for what, names in wrong.items() if names)
        if told:
            raise DataError(f"{where} is damaged: {told}. {_SAVE_AGAIN}")
        return given

    def _listed(self, manifest: bytes, where: str) -> set[str]:
        """Read the names of a manifest that is whole, of this kind and of this format."""
        about = _read(manifest)
        if about is None or not str(about.get("kind")).startswith("twobytwo "):
            raise DataError(
                f"{where} holds no saved {self.kind}: its {MANIFEST} is damaged or not of this package. "
                f"{_SAVE_AGAIN}"
            )
        if about["kind"] != f"twobytwo {self.kind}":
            kind = str(about["kind"]).removeprefix("twobytwo ")
            raise DataError(f"{where} holds no saved {self.kind} but something else, named {kind!r}.")
        if about.get("format") != self.format:
            raise DataError(self._other_format(where, about.get("format"), about.get("version")))
        content = {key: value for key, value in about.items() if key != "sha256"}
        if _signed(content) != manifest or not isinstance(about.get("files"), dict):
            raise DataError(f"{where} is damaged: {MANIFEST} was changed or cut short. {_SAVE_AGAIN}")
        return set(about["files"])

    def _other_format(self, where: str, found: object, by: object) -> str:
        return (
            f"{where} was saved by twobytwo {by} in format {found!r}; this is twobytwo "
            f"{version('twobytwo')}, which reads format {self.format}. Open it with the version that "
            f"saved it, or make the {self.kind} again with this one and save it."
        )

    def _without_manifest(self, path: Path) -> str:
        """Say what a folder without a manifest may be; one of format 1 is refused here."""
        first = path / self.first_file
        about = _read(first.read_bytes()) if first.is_file() else None
        if about is not None and (about.get("format") == 1 or "design" in about):
            raise DataError(
                self._other_format(f"path={str(path)!r}", 1, about.get("version", "0.1.0 (before release)"))
            )
        return f" (no {MANIFEST})"

    def _refuse_strangers(self, path: Path) -> None:
        """Refuse to replace what this package has not written, or what has been added to it."""
        fix = "it is not replaced. Name another path, or move away what is there."
        about = None
        try:
            if path.is_dir() and (path / MANIFEST).is_file():
                about = _read((path / MANIFEST).read_bytes())
            if about is None or about.get("kind") != f"twobytwo {self.kind}":
                raise DataError(f"path={str(path)!r} exists and holds no saved {self.kind}; {fix}")
            listed = {*dict(about.get("files") or {}), MANIFEST}
            extra = sorted(
                name
                for name in (file.relative_to(path).as_posix() for file in path.rglob("*") if _is_part(file))
                if name not in listed
            )
        except (OSError, TypeError) as error:
            raise DataError(f"path={str(path)!r} exists and cannot be read ({error}); {fix}") from error
        if extra:
            raise DataError(
                f"path={str(path)!r} holds a saved {self.kind} and something else ({_names(extra)}); {fix}"
            )


def _signed(about: Mapping[str, Any]) -> bytes:
    """Write the manifest with the checksum of its own content."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    return f"{json.dumps({**about, 'sha256': digest}, indent=2)}\n".encode()


def _read(content: bytes) -> dict[str, Any] | None:
    try:
        about = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return about if isinstance(about, dict) else None


def _exists(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except (OSError, ValueError):
        # Whatever is wrong with the path, writing says so.
        return False


def _is_part(file: Path) -> bool:
    return file.is_symlink() or not file.is_dir()


def _what_it_is(path: Path) -> str:
    if path.exists():
        return "it is a file, and a saved one is a folder"
    before = set_aside(path)
    if before is None:
        return "there is no such folder"
    return (
        "a save was killed while it replaced an earlier one, which is whole and stands beside as "
        f"{before.name!r}; rename it back"
    )


def _names(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more
