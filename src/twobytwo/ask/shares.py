"""The share of users that every level was meant to get, as it is stated and as it is held."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from numbers import Real

from twobytwo.errors import DesignError, nearest

__all__ = ["Shares", "even_shares", "shares_by_level", "stated_shares"]

# One number is the share of the second of two levels; pairs are (level, share).
Shares = float | tuple[tuple[Hashable, float], ...]
# Shares are written by hand, such as .333, .333, .334.
_ROUNDING = 1e-3


def stated_shares(given: float | Mapping[Hashable, float] | None) -> Shares | None:
    """Check shares as somebody states them.

    Parameters
    ----------
    given
        The share of the treatment between 0 and 1, or a share for every level, which add up to 1.

    Raises
    ------
    DesignError
        If they are not shares.

    Examples
    --------
    >>> stated_shares({"control": 0.8, "variant_b": 0.2})
    (('control', 0.8), ('variant_b', 0.2))
    """
    if given is None:
        return None
    pairs = tuple(given.items()) if isinstance(given, Mapping) else (("treatment", given),)
    for level, share in pairs:
        if isinstance(share, bool) or not (isinstance(share, Real) and 0 < share < 1):
            which = f": {share!r} for {level!r}" if isinstance(given, Mapping) else ""
            msg = (
                f"expected_share={given!r}{which} is no share between 0 and 1. Give the treatment's share, "
                "such as 0.2, or a share for every level."
            )
            raise DesignError(msg)
    if not isinstance(given, Mapping):
        return float(given)
    total = math.fsum(given.values())
    if abs(total - 1) > _ROUNDING:
        msg = f"expected_share={given!r} adds up to {total:g}, not to 1; give a share for every level."
        raise DesignError(msg)
    return tuple((level, float(share) / total) for level, share in pairs)


def shares_by_level(
    shares: Shares | None, levels: Sequence[Hashable], column: str
) -> tuple[tuple[Hashable, float], ...] | None:
    """Give every level of a column its share, in the order of the levels.

    Parameters
    ----------
    shares
        As from `stated_shares`. A level may be named by its text, as plan files must.
    levels
        Of the table, reference first.
    column
        For messages.

    Raises
    ------
    DesignError
        If a level has no share, a share no level, or one number stands for several treatments.

    Examples
    --------
    >>> shares_by_level(0.2, ("control", "variant_b"), "variant")
    (('control', 0.8), ('variant_b', 0.2))
    """
    if shares is None:
        return None
    if not isinstance(shares, tuple):
        if len(levels) != 2:
            msg = (
                f"expected_share={shares!r} is one number, but column {column!r} has {len(levels)} levels; "
                f"give a share for every level, such as expected_share={even_shares(levels)!r}."
            )
            raise DesignError(msg)
        return ((levels[0], 1 - shares), (levels[1], shares))
    named = {_text(level): share for level, share in shares}
    strangers = [level for level, _ in shares if _text(level) not in {_text(own) for own in levels}]
    absent = [level for level in levels if _text(level) not in named]
    if strangers or absent:
        listed = ", ".join(repr(level) for level in levels)
        wrong = f"{strangers[0]!r} is no level" if strangers else f"{absent[0]!r} has no share"
        near = nearest(strangers[0], levels) if strangers else ""
        msg = f"expected_share= of column {column!r}: {wrong}; the levels are {listed}.{near}"
        raise DesignError(msg)
    return tuple((level, named[_text(level)]) for level in levels)


def even_shares(levels: Sequence[Hashable]) -> dict[str, float]:
    """Give every level the same share, as an example of how shares are written.

    Examples
    --------
    >>> even_shares(["control", "a", "b"])
    {'control': 0.334, 'a': 0.333, 'b': 0.333}
    """
    each = math.floor(1_000 / len(levels)) / 1_000
    first = round(1 - each * (len(levels) - 1), 3)
    return {str(_text(level)): each if k else first for k, level in enumerate(levels)}


def _text(level: Hashable) -> str:
    # Keys of plan files are text, and TOML writes true where Python writes True.
    return str(level).casefold()
