"""Users with one or several values each, compressed to their joint moments.

Independent rows are users with one value. The same users before and after have two, and users in more
periods have more. Who is absent from a column, and who has no positive value in it, is kept by pattern.
Nothing that is kept grows with the number of users.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from twobytwo.data.bins import Bins
from twobytwo.data.given import Given
from twobytwo.data.later import Later
from twobytwo.data.merging import combined, means_of, merged, products_of
from twobytwo.data.moments import Moments, bin_moments
from twobytwo.data.patterns import CHANGE, KEYS, PATTERN, bits, patterns

__all__ = ["Joint"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Joint:
    """Users with D values each, by group: counts, means and cross-moments; immutable.

    Parameters
    ----------
    coords
        Level labels of the groups' dimensions, in order.
    columns
        Labels of the D columns of values, such as the periods.
    frame
        Or what reads it later. One row for each group (flat index ``cell``), columns with a value
        ``present``, columns with a positive value ``active`` (both as bits, the first column's the highest)
        and bin of the change: count ``n``, power sums ``s1, s2, s3`` of the change from the first column to
        the last about ``reference``, means ``m0, m1, ...`` and central sums ``m0_0, m0_1, ...`` of values
        and their products, and the same ``l...`` of their logarithms. For D = 1 the value itself stands for
        the change.
    attendance
        Users by group and pattern of presence (see `patterns`, without nowhere), before the policy for
        absences was applied; shape (groups..., 2^D - 1).
    given
        For D = 2, the values of the second column by those of the first; of nobody otherwise.
    by_pattern
        Counts and moments of the values as in `frame`, without bins of the change, where they are known.
    of_changes
        Moments of the change of users who are present everywhere, by group, where they are known.
    of_logs
        Reads the moments of logarithms by pattern; None takes them from `frame`.

    Examples
    --------
    >>> from twobytwo import Design, compress, simulate
    >>> design = Design.did(
    ...     outcome="minutes", group="variant", period="period", unit="user_id", missing="drop"
    ... )
    >>> joint = compress(simulate.user_minutes(simulate.UserMinutes(n=500)), design).joint
    >>> joint.size, joint.moments()["cross"].dims
    (2, ('variant', 'pattern', 'column', 'by_column'))
    """

    __slots__ = (
        *("_by_pattern", "_frame", "_of_logs"),
        *("attendance", "columns", "coords", "given", "of_changes"),
    )

    def __init__(  # noqa: PLR0913 - what is known, and what reads the rest
        self,
        *,
        coords: Mapping[str, tuple[str, ...]],
        columns: tuple[str, ...],
        frame: pd.DataFrame | Later[pd.DataFrame],
        attendance: Integers,
        given: Given,
        by_pattern: pd.DataFrame | None = None,
        of_changes: Moments | None = None,
        of_logs: Later[pd.DataFrame] | None = None,
    ) -> None:
        self.coords, self.columns, self.attendance, self.given = coords, columns, attendance, given
        self._frame = Later.of(frame)
        self._by_pattern = self._frame if by_pattern is None else Later.known(by_pattern)
        self.of_changes = of_changes
        self._of_logs = self._frame if of_logs is None else of_logs

    @property
    def frame(self) -> pd.DataFrame:
        """The users by group, pattern and bin of the change, read now if nobody asked before."""
        return self._frame.get()

    @property
    def by_pattern(self) -> pd.DataFrame:
        """Counts and moments of the values by group and pattern."""
        return self._by_pattern.get()

    @classmethod
    def of_rows(cls, bins: Bins) -> Joint:
        """See independent rows as users with one value; nothing is read again.

        Parameters
        ----------
        bins
            Of the rows; every cell is a group.
        """
        known = bins.by_cell.frame
        there = known[known["n"] > 0]
        by_pattern = pd.DataFrame(
            {"cell": there.index, "present": 1, "n": there["n"], "m0": there["mean"], "m0_0": there["ss"]}
        )
        users = known["n"].to_numpy().round().astype(np.int64)
        return cls(
            coords=bins.coords,
            columns=("value",),
            frame=Later(lambda: _of_bins(bins.frame)),
            attendance=users.reshape(*bins.shape, 1),
            given=Given.nobody(bins.coords),
            by_pattern=by_pattern,
            of_logs=Later(lambda: _by_sign(bins)),
        )

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the groups' dimensions."""
        return tuple(self.coords)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of levels of each of the groups' factors."""
        return tuple(len(labels) for labels in self.coords.values())

    @property
    def size(self) -> int:
        """Number D of values that a user may have."""
        return len(self.columns)

    @property
    def units(self) -> int:
        """Number of users."""
        return int(self.by_pattern["n"].sum())

    @property
    def incomplete(self) -> bool:
        """Whether there are users without a value in some column."""
        return bool((self.by_pattern["present"] != 2**self.size - 1).any())

    def moments(self, kind: Literal["raw", "log"] = "raw") -> xr.Dataset:
        """Joint moments of the users' values, by group and pattern of presence.

        Parameters
        ----------
        kind
            Of the outcome, or of its logarithm (meaningful where every value is positive).

        Returns
        -------
        xarray.Dataset
            ``n``, dims the groups' and ``pattern`` (present everywhere first); ``mean`` and ``ss`` (sum of
            squared deviations from the mean), also by ``column``; ``cross`` (sums of products of deviations)
            also by ``by_column``. What is absent, and means of nobody, are 0.
        """
        frame = self.by_pattern if kind == "raw" else self._of_logs.get()
        return self._by(frame, "present", patterns(self.size)[:-1], kind)

    def activity(self, kind: Literal["raw", "log"] = "raw") -> xr.Dataset:
        """Joint moments of users whose values are all known, by where they are positive.

        Parameters
        ----------
        kind
            Of the outcome, or of the logarithm of a positive value.

        Returns
        -------
        xarray.Dataset
            As `moments`, with patterns of activity (positive everywhere first, nowhere last). Log-moments
            of a value that is not positive are 0.
        """
        # Moments of one value by its sign are read with the bins.
        raw = self._by_pattern if self.size > 1 else self._frame
        frame = (raw if kind == "raw" else self._of_logs).get()
        return self._by(self._complete(frame), "active", patterns(self.size), kind)

    def _complete(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["present"] == 2**self.size - 1]

    def _by(self, frame: pd.DataFrame, key: str, kinds: Iterable[tuple[bool, ...]], kind: str) -> xr.Dataset:
        """Merge the moments of all rows of one group and one pattern."""
        products, kinds = products_of("m" if kind == "raw" else "l", self.size), tuple(kinds)
        position = np.zeros(2**self.size, dtype=np.int64)
        for place, pattern in enumerate(kinds):
            position[bits(pattern)] = place
        shape = (*self.shape, len(kinds))
        places = frame["cell"].to_numpy() * len(kinds) + position[frame[key].to_numpy()]
        # By arrays: a model's moments are asked for several times, and a table costs five times more.
        found = combined(frame, places, math.prod(shape), products)
        size = found["n"].astype(float)
        mean = np.stack([np.where(size > 0, found[name], 0.0) for name in means_of(products)], axis=-1)
        cross = np.empty((len(size), self.size, self.size))
        first, second = np.triu_indices(self.size)
        between = np.stack([found[name] for name in products], axis=-1)
        cross[:, first, second] = cross[:, second, first] = between
        ss = np.diagonal(cross, axis1=1, axis2=2)
        dims = (*self.dims, "pattern")
        coords = {dim: list(labels) for dim, labels in self.coords.items()}
        coords["pattern"] = [self._name(pattern) for pattern in kinds]
        coords |= {"column": list(self.columns), "by_column": list(self.columns)}
        return xr.Dataset(
            {
                "n": (dims, size.reshape(shape)),
                "mean": ((*dims, "column"), mean.reshape(*shape, -1)),
                "ss": ((*dims, "column"), ss.reshape(*shape, -1)),
                "cross": ((*dims, "column", "by_column"), cross.reshape(*shape, self.size, -1)),
            },
            coords,
        )

    def _name(self, pattern: tuple[bool, ...]) -> str:
        if all(pattern):
            return "all"
        there = [label for label, present in zip(self.columns, pattern, strict=True) if present]
        return f"{', '.join(there)} only" if there else "none"

    @property
    def changes(self) -> Bins:
        """Bins of the change from the first column to the last, of users present everywhere, by group."""

        def of_change(frame: pd.DataFrame) -> pd.DataFrame:
            complete = self._complete(frame).groupby(["cell", "reference"], as_index=False, sort=True)
            # A change has no logarithm.
            return complete[["n", *CHANGE]].sum().assign(l1=0.0, l2=0.0, l3=0.0)

        return Bins(coords=self.coords, frame=self._frame.then(of_change), by_cell=self.of_changes)

    def scaled(self, factor: float) -> Joint:
        """Multiply every value by a positive number."""
        columns = range(self.size)
        powers = {"reference": factor, "s1": factor, "s2": factor**2, "s3": factor**3}
        products = products_of("m", self.size)
        powers |= dict.fromkeys(means_of(products), factor) | dict.fromkeys(products, factor**2)

        def of_users(frame: pd.DataFrame) -> pd.DataFrame:
            moved = {name: frame[name] * by for name, by in powers.items() if name in frame}
            logs = {}
            if "l0" in frame:
                active = {j: (frame["active"].to_numpy() >> (self.size - 1 - j)) & 1 for j in columns}
                logs = {f"l{j}": frame[f"l{j}"] + np.log(factor) * active[j] for j in columns}
            return frame.assign(**moved, **logs)

        return Joint(
            coords=self.coords,
            columns=self.columns,
            frame=self._frame.then(of_users),
            attendance=self.attendance,
            given=self.given.scaled(factor),
            by_pattern=of_users(self.by_pattern),
            of_changes=None if self.of_changes is None else self.of_changes.scaled(factor),
        )

    def __add__(self, other: Joint) -> Joint:
        """Put two disjoint sets of *users* together; no user may be in both."""

        def of_users(frame: pd.DataFrame) -> pd.DataFrame:
            stacked = pd.concat([frame, other.frame], ignore_index=True)
            return merged(stacked, KEYS, values | products_of("l", self.size), CHANGE)

        values = products_of("m", self.size)
        known = self.of_changes is not None and other.of_changes is not None
        stacked = pd.concat([self.by_pattern, other.by_pattern], ignore_index=True)
        return Joint(
            coords=self.coords,
            columns=self.columns,
            frame=self._frame.then(of_users),
            attendance=self.attendance + other.attendance,
            given=self.given + other.given,
            by_pattern=merged(stacked, PATTERN, values),
            of_changes=self.of_changes + other.of_changes if known else None,  # type: ignore[operator]
        )


def _by_sign(bins: Bins) -> pd.DataFrame:
    """Give the logarithms of rows by whether they are positive."""
    known, logs = bins.by_cell.frame, bins.logs.frame
    there = known["positive"] > 0
    positive = {"active": 1, "n": known["positive"], "l0": logs["mean"].where(there, 0.0), "l0_0": logs["ss"]}
    others = {"active": 0, "n": known["n"] - known["positive"], "l0": 0.0, "l0_0": 0.0}
    parts = [pd.DataFrame({"cell": known.index, "present": 1, **part}) for part in (positive, others)]
    stacked = pd.concat(parts, ignore_index=True)
    return stacked[stacked["n"] > 0]


def _of_bins(bins: pd.DataFrame) -> pd.DataFrame:
    """Give the bins of rows as users with one value."""
    positive = bins["reference"].to_numpy() > 0
    raw, logs = bin_moments(bins), np.zeros((2, len(bins)))
    logs[:, positive] = bin_moments(bins, "log")[1:3]
    return bins[["cell", "reference", "n", *CHANGE]].assign(
        present=1, active=positive.astype(np.int64), m0=raw[1], m0_0=raw[2], l0=logs[0], l0_0=logs[1]
    )
