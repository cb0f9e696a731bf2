"""Who is seen where: patterns of presence, and the columns of tables by pattern."""

from __future__ import annotations

from itertools import product

__all__ = ["CHANGE", "KEYS", "PATTERN", "bits", "patterns"]

PATTERN = ["cell", "present", "active"]
KEYS = [*PATTERN, "reference"]
CHANGE = ["s1", "s2", "s3"]


def patterns(columns: int) -> tuple[tuple[bool, ...], ...]:
    """Ways to be present (or active) in some of the columns: everywhere first, nowhere last.

    Examples
    --------
    >>> patterns(2)
    ((True, True), (True, False), (False, True), (False, False))
    """
    return tuple(sorted(product((True, False), repeat=columns), key=lambda pattern: -sum(pattern)))


def bits(pattern: tuple[bool, ...]) -> int:
    """Give a pattern as the number that tables keep, the first column's bit the highest.

    Examples
    --------
    >>> [bits(pattern) for pattern in patterns(2)]
    [3, 2, 1, 0]
    """
    return sum(present << place for place, present in enumerate(reversed(pattern)))
