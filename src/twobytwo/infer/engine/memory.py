"""Draws that do not fit into memory are refused before they are made."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from twobytwo.errors import DesignError

__all__ = ["available", "require"]

# The trace, its copy in one array, statistics of the sampler: numbers beside each of the variables' own.
_COPIES, _STATISTICS = 3, 20
_NUMBER = 8
_MOST = 1 << 62


def require(draws: int, chains: int, variables: int) -> None:
    """Refuse more draws than there is memory for.

    Parameters
    ----------
    draws, chains
        Of the sampler.
    variables
        Numbers in one draw.

    Raises
    ------
    DesignError
        If they would take more than the memory that is free.

    Examples
    --------
    >>> require(draws=2_000, chains=4, variables=30)
    """
    needed = draws * chains * (_COPIES * variables + _STATISTICS) * _NUMBER
    free = available()
    if free is not None and needed > free:
        msg = (
            f"{draws:,} draws × {chains:,} chains × {variables:,} variables take about {_size(needed)} of "
            f"memory, and {_size(free)} are free; ask for fewer draws or chains (the default is 4 × 2,000)."
        )
        raise DesignError(msg)


def available() -> int | None:
    """Bytes that this process can still take: the machine's and its container's; None if nobody says."""
    found = [value for value in (_machine(), _container()) if value is not None]
    return min(found, default=None)


def _machine() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(AttributeError, OSError, ValueError):
        # macOS says what it has, not what is free.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _container() -> int | None:
    folder = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):
        limit, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        # Files that were read are dropped when the memory is wanted.
        return max(0, min(limit, _MOST) - used + int(statistics.get("inactive_file", 0)))
    return None


def _size(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
