"""A result, asked for again: the same numbers, or what differs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twobytwo.answer.analyze import analyze
from twobytwo.answer.stated import asked, state
from twobytwo.errors import DataError
from twobytwo.files import as_path
from twobytwo.show.json import to_dict

__all__ = ["Verification", "verify"]

# What may differ; everything else is compared.
_NOT_COMPARED = ("version", "plan", "sampling", "replay")
# Engines add rows in the order in which threads finish, which moves the last digits of sums.
_CLOSE = 1e-9
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a result was found again.

    Parameters
    ----------
    same
        Whether every number is the same to nine digits, and every word.
    exact
        Whether every number is the same to the last bit.
    differences
        Where and what was and is, the first few.
    same_data
        Whether the data have the fingerprint that the result was made from.
    versions
        Libraries whose version is another now: what it was and is.
    """

    same: bool
    exact: bool
    differences: tuple[str, ...]
    same_data: bool
    versions: Mapping[str, tuple[str, str]]

    @property
    def sentence(self) -> str:
        """Say it in one sentence.

        Examples
        --------
        >>> Verification(same=True, exact=True, differences=(), same_data=True, versions={}).sentence
        'same: the data give this result again, to the last bit.'
        """
        if self.same:
            how = "to the last bit" if self.exact else "to nine digits"
            return f"same: the data give this result again, {how}."
        why = "" if self.same_data else " The data are others (their fingerprint differs)."
        if self.versions:
            listed = ", ".join(f"{name} {was} → {now}" for name, (was, now) in self.versions.items())
            why += f" Versions differ: {listed}."
        if not why:
            why = (
                " Data and versions are the same. Another processor may round otherwise and make other "
                "draws, which moves numbers within their Monte-Carlo error only."
            )
        return f"different: {'; '.join(self.differences)}.{why}"


def verify(path: str | Path, data: Any) -> Verification:
    """Ask again what a result answers, of the data given, and compare.

    Parameters
    ----------
    path
        JSON as ``twobytwo run --json`` or ``result.report("result.json")`` writes it.
    data
        The table that it was made from; see `twobytwo.did`.

    Returns
    -------
    Verification
        Same or different, and where.

    Raises
    ------
    DataError
        If the file is no such JSON, or the data cannot answer its question.

    Notes
    -----
    Another processor may round last bits otherwise, which can become other draws: then numbers differ within
    their Monte-Carlo error, and the answer is "different".

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     written = result.report(f"{folder}/result.json")
    ...     verify(written, tbt.simulate.cannibalisation()).same
    True
    """
    path = as_path(path)
    try:
        was = json.loads(path.read_text(encoding="utf-8"))
        if was.get("kind") == "scorecard":
            msg = (
                f"The result {str(path)!r} is a scorecard, which is asked again by twobytwo run and its plan."
            )
            raise DataError(msg)
        stated = was["replay"]
        design, options = asked(stated)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "strerror", None) or "it is not the JSON of a result of this version"
        msg = f"The result {str(path)!r} cannot be read: {reason}."
        raise DataError(msg) from error
    analysis = analyze(data, design, options)
    now = json.loads(json.dumps(to_dict(analysis)))
    compared = [key for key in now if key not in _NOT_COMPARED]
    found = list(_differences({key: was.get(key) for key in compared}, {key: now[key] for key in compared}))
    far = [said for said, close in found if not close]
    known, current = stated.get("versions") or {}, state(analysis)["versions"]
    return Verification(
        same=not far,
        exact=not found,
        differences=tuple(far[:_MOST_SHOWN]),
        same_data=stated.get("fingerprint") == analysis.cells.fingerprint,
        versions={
            name: (str(known.get(name)), now_is)
            for name, now_is in current.items()
            if known.get(name) != now_is
        },
    )


def _differences(was: Any, now: Any, where: str = "") -> Iterator[tuple[str, bool]]:
    """Give what differs, and whether it is close enough to be the same."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*was, *now]):
            yield from _differences(was.get(key), now.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for position, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differences(one, other, f"{where}[{position}]")
    elif was != now or type(was) is not type(now):
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (was, now))
        close = numbers and math.isclose(was, now, rel_tol=_CLOSE, abs_tol=1e-300)
        yield f"{where} was {was!r} and is {now!r}"[:200], close
