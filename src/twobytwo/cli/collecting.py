"""A short process makes many objects and drops few: unused ones are searched rarely, and not at the end."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

__all__ = ["leave", "rarely_collecting"]

# New objects between two searches, five hundred times Python's number: imports and compiling make a million.
_NEW = 1_000_000


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Let Python search for unused objects rarely, until the body is done.

    Searches take a tenth of a run otherwise.

    Examples
    --------
    >>> with rarely_collecting():
    ...     answer = 6 * 7
    """
    kept = gc.get_threshold()
    gc.set_threshold(_NEW, *kept[1:])
    try:
        yield
    finally:
        gc.set_threshold(*kept)


def leave(status: int) -> NoReturn:
    """End the process at once, when all is said and written.

    Python would take its libraries apart first, for a quarter of a second; the operating system frees them
    anyway. What was registered to be done at the end is done.

    Parameters
    ----------
    status
        Exit status.
    """
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        # Answers and errors were flushed one by one, and told where that was not possible.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)
