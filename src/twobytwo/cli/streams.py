"""Standard output and error: what cannot be written, what must not be obeyed, one line for an error."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twobytwo.show.words import visible

__all__ = [
    "DONE",
    "INTERRUPTED",
    "REFUSED",
    "USAGE",
    "WORLD",
    "WorldError",
    "fail",
    "one_line",
    "prepare",
    "say",
    "stand_somewhere",
    "warn_once",
]

# Exit statuses; `twobytwo --help` says what each means.
DONE, REFUSED, USAGE, WORLD, INTERRUPTED = 0, 1, 2, 3, 130

# The colours that tables and statements have on a terminal; nothing else of a terminal's language.
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


class WorldError(Exception):
    """Something outside the package failed: a closed stream, a full disk, a folder that is gone."""


def prepare() -> None:
    """Make the standard streams fit for use.

    Raises
    ------
    WorldError
        If standard output is closed, so that no answer could be given.
    """
    if sys.stderr is None:
        # Nothing can be said, but the work can be done; libraries write there without asking.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        msg = "standard output is closed; open it, or send it to a file with '>'"
        raise WorldError(msg)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter must not end the work.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def stand_somewhere() -> None:
    """Make sure that the working directory exists.

    Raises
    ------
    WorldError
        If it was deleted.
    """
    try:
        Path.cwd()
    except OSError as error:
        msg = "the working directory no longer exists; change to another folder and try again"
        raise WorldError(msg) from error


def one_line(message: object) -> str:
    """Write a message as one line that is safe to show.

    Examples
    --------
    >>> one_line("two" + chr(10) + "  lines")
    'two lines'
    """
    return visible(" ".join(str(message).split()))


def say(content: str) -> None:
    """Print an answer.

    Raises
    ------
    WorldError
        If it cannot be written, such as on a full disk.
    """
    if sys.stdout.isatty():
        parts = _COLOUR.split(content)
        content = "".join(part if k % 2 else visible(part) for k, part in enumerate(parts))
    else:
        content = visible(content)
    try:
        print(content, flush=True)
    except BrokenPipeError:
        # The reader has seen enough, as in `twobytwo run PLAN | head`.
        _give_up(sys.stdout)
    except OSError as error:
        _give_up(sys.stdout)
        msg = f"standard output cannot be written: {error.strerror}; make room or send it elsewhere"
        raise WorldError(msg) from error


def fail(error: object, status: int) -> int:
    """Say in one line on standard error what is wrong, and give the exit status back."""
    _complain(f"twobytwo: error: {one_line(error)}")
    return status


def warn_once(said: Callable[[str], str] = str) -> Callable[..., None]:
    """Show a warning as one line, in the words that `said` makes of it, and the same one only once."""
    seen: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        line = one_line(said(str(message)))
        if line not in seen:
            seen.add(line)
            _complain(f"twobytwo: warning: {line}")

    return show


def _complain(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: Any) -> None:
    """Let what is still in the buffer go nowhere; Python would complain once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
