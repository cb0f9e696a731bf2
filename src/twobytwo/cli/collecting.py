"""Fewer searches for unused objects: a short process makes many objects and drops few."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["libraries_set_aside", "rarely_collecting"]

# New objects between two searches, a hundred times Python's number: imports and compiling make a million.
_NEW = 200_000


@contextmanager
def rarely_collecting(*, to_the_end: bool = False) -> Iterator[None]:
    """Let Python search for unused objects rarely, until the body is done.

    Searches take a tenth of a run otherwise.

    Parameters
    ----------
    to_the_end
        Whether the process ends with the body, and all may stay as it is.

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
        if not to_the_end:
            gc.unfreeze()
            gc.set_threshold(*kept)


def libraries_set_aside() -> None:
    """Import what a fit needs, and search it no more: it stays as long as the process.

    Python searches all that there is several times before a process ends. For these libraries that takes
    most of a second.
    """
    from twobytwo.infer.engine.libraries import load_libraries

    load_libraries()
    gc.freeze()
