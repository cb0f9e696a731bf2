"""What can go wrong, as one small family of exceptions.

Every message names the argument or column, what was received, what is allowed, and the fix.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["DataError", "DesignError", "PlanError", "TwoByTwoError", "nearest"]


class TwoByTwoError(Exception):
    """Base class of every error that the package raises on purpose."""


class DesignError(TwoByTwoError, ValueError):
    """The question cannot be asked this way: an argument, a formula, an unknown level."""


class DataError(TwoByTwoError, ValueError):
    """The question is fine, but these rows cannot answer it."""


class PlanError(TwoByTwoError, ValueError):
    """A plan file cannot be read as an analysis."""


def nearest(name: object, known: Iterable[object]) -> str:
    """Suggest the known name nearest to a misspelt one.

    Parameters
    ----------
    name
        What was received; anything, because it is called while an error is being written.
    known
        What would have been accepted.

    Returns
    -------
    str
        A sentence with a leading space, or nothing when no name is near.

    Examples
    --------
    >>> nearest("minuts", ["minutes", "variant"])
    " Did you mean 'minutes'?"
    """
    names = {str(candidate).casefold(): str(candidate) for candidate in known}
    close = get_close_matches(str(name).casefold(), names, n=1, cutoff=0.6)
    return f" Did you mean {names[close[0]]!r}?" if close else ""
