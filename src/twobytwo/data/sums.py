"""Running sums of many columns of the same users, by group: joint moments from batches of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twobytwo.ask.design import Design
from twobytwo.errors import DataError

__all__ = ["Read", "Several", "sums_of"]

Floats = npt.NDArray[np.float64]

_LEAST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A column as it is read.

    Parameters
    ----------
    column
        Its name.
    cap
        What larger values of a user count as: a number, or the share of the values that stay as they are.
    daily_cap
        The same for every row, before the rows of a user are added up.
    upper_bound
        Largest value that is possible.
    """

    column: str
    cap: float | str | None = None
    daily_cap: float | str | None = None
    upper_bound: float | None = None

    @property
    def rows(self) -> tuple[str, float | str | None]:
        """What its rows are added up from: a column, and the cap on its rows."""
        return self.column, self.daily_cap


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Several:
    """Users with D values each, by group, from one pass.

    Parameters
    ----------
    design
        The question, its levels resolved; of its metric nothing is used.
    reads
        The columns, caps as numbers; in the D values each stands once per period, the first period's before
        the second's.
    n
        Users by group; shape (groups,). Groups are cells, or all but the period where the same users are
        seen in several.
    mean, cross, cubes
        Means, shape (groups, D), central sums of products, (groups, D, D), and of cubes, (groups, D).
    pairs
        Places of a value and its value before, for each pair whose mixed cubes are kept.
    mixed
        Central sums of ``y² x`` and ``y x²`` of each pair; shape (groups, pairs, 2).
    low, high
        Smallest and largest value; shape (groups, D).
    positive, odd, fractional
        How many values are positive, neither 0 nor 1, and no whole numbers from 0 on; shape (groups, D).
    queries
        How many queries were sent.
    """

    design: Design
    reads: tuple[Read, ...]
    n: Floats
    mean: Floats
    cross: Floats
    cubes: Floats
    mixed: Floats
    low: Floats
    high: Floats
    positive: Floats
    odd: Floats
    fractional: Floats
    pairs: tuple[tuple[int, int], ...] = ()
    queries: int = 0

    @property
    def periods(self) -> int:
        """How often a user's columns stand: once, or once per period."""
        return len(self.design.factors[-1].labels) if self.design.paired else 1


class _Sums:
    """Running sums of one group, about a shift that keeps digits."""

    def __init__(self, shift: Floats, pairs: Sequence[tuple[int, int]], caps: Floats) -> None:
        size = len(shift)
        self.caps = caps
        self.y, self.x = (np.array([pair[k] for pair in pairs], dtype=int) for k in (0, 1))
        self.mixed = np.zeros((len(pairs), 2))
        self.shift, self.n = shift, 0
        self.first, self.third = np.zeros(size), np.zeros(size)
        self.squares = np.zeros((size, size))
        self.low, self.high = np.full(size, np.inf), np.full(size, -np.inf)
        self.positive, self.odd, self.fractional = np.zeros(size), np.zeros(size), np.zeros(size)

    def add(self, values: Floats) -> None:
        """Add rows; shape (rows, D)."""
        self.n += len(values)
        self.low = np.minimum(self.low, values.min(axis=0))
        self.high = np.maximum(self.high, values.max(axis=0))
        self.positive += (values > 0).sum(axis=0)
        self.odd += ((values != 0) & (values != 1)).sum(axis=0)
        # A cap need not be a count.
        broken = (values != np.floor(values)) & (values != self.caps)
        self.fractional += ((values < 0) | broken).sum(axis=0)
        moved = values - self.shift
        self.first += moved.sum(axis=0)
        self.squares += moved.T @ moved
        self.third += (moved * moved * moved).sum(axis=0)
        y, x = moved[:, self.y], moved[:, self.x]
        self.mixed += np.stack([(y * y * x).sum(axis=0), (y * x * x).sum(axis=0)], axis=1)

    def central(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean, central sums of products, of cubes, and of mixed cubes."""
        offset = self.first / self.n
        cross = self.squares - self.n * np.outer(offset, offset)
        cubes = self.third - 3 * offset * np.diagonal(self.squares) + 2 * self.n * offset**3
        y, x = offset[self.y], offset[self.x]
        yy, xx, yx = self.squares[self.y, self.y], self.squares[self.x, self.x], self.squares[self.y, self.x]
        mixed = self.mixed - np.stack(
            [2 * y * yx + x * yy - 2 * self.n * y**2 * x, 2 * x * yx + y * xx - 2 * self.n * y * x**2], axis=1
        )
        return self.shift + offset, (cross + cross.T) / 2, cubes, mixed


def sums_of(
    design: Design,
    reads: Sequence[Read],
    batches: Any,
    pairs: Sequence[tuple[int, int]] = (),
) -> Several:
    """Sum batches of users.

    Parameters
    ----------
    design
        The question, resolved.
    reads
        The columns, in the order of the values of a period.
    batches
        Pairs of groups (flat indices, shape (rows,)) and values, shape (rows, D).
    pairs
        Places of values and their values before.

    Raises
    ------
    DataError
        If a group has fewer than three users.
    """
    dims = design.factors[:-1] if design.paired else design.factors
    groups = int(np.prod([len(factor.labels) for factor in dims]))
    found: list[_Sums] | None = None
    for cell, values in batches:
        if found is None:
            shift = values.mean(axis=0)
            caps = np.array([np.nan if read.cap is None else float(read.cap) for read in reads])
            caps = np.tile(caps, len(shift) // len(reads))
            found = [_Sums(shift, pairs, caps) for _ in range(groups)]
        for group in range(groups):
            chosen = values[cell == group]
            if len(chosen):
                found[group].add(chosen)
    sizes = [one.n for one in found] if found else [0]
    if found is None or min(sizes) < _LEAST:
        msg = f"A group has {min(sizes)} user(s) or row(s); a scorecard needs at least {_LEAST} in each."
        raise DataError(msg)
    mean, cross, cubes, mixed = (
        np.stack(parts) for parts in zip(*(one.central() for one in found), strict=True)
    )
    counted = ("low", "high", "positive", "odd", "fractional")
    return Several(
        design=design,
        reads=tuple(reads),
        n=np.array(sizes, dtype=float),
        mean=mean,
        cross=cross,
        cubes=cubes,
        mixed=mixed,
        pairs=tuple(pairs),
        queries=0,
        **{name: np.stack([getattr(one, name) for one in found]) for name in counted},
    )
