"""The table of cells: an experiment compressed, ready for any model and for nothing else to be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import xarray as xr

from twobytwo.ask.design import Design
from twobytwo.data import archive
from twobytwo.data.bins import Bins
from twobytwo.data.constant import refuse_constant
from twobytwo.data.grid import Grid
from twobytwo.data.joint import Joint
from twobytwo.data.log_pairs import LogPairs, aggregate_log_pairs
from twobytwo.data.prepare import Prepared, prepare
from twobytwo.data.read_bins import read_bins
from twobytwo.data.read_joint import aggregate_users
from twobytwo.data.strata import ByBefore, aggregate_by_before
from twobytwo.errors import DesignError

__all__ = ["Cells", "compress"]

# Standard errors from zero beyond which a ratio is taken to be on one side of it.
_CLEAR = 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """An experiment, compressed: bins and moments for every cell, joint moments for every group of users.

    Parameters
    ----------
    design
        The question, with its levels resolved against the table.
    bins
        The outcome's rows by cell.
    joint
        The users with all their values: the same users in several periods by group, or else rows (or users)
        with one value by cell, which are made from the bins.
    by_before
        Users of randomised groups by narrow bin of the value before; None otherwise.
    log_pairs
        Users with two values by narrow bin of the two logarithms; None otherwise.
    uncapped
        The same without the design's cap; None if it has none.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 5, 8, 13, 21, 34], "a": [0, 1] * 4, "b": [0] * 4 + [1] * 4})
    >>> cells = compress(frame, Design.interaction(outcome="y", factors=("a", "b")))
    >>> cells.moments()["mean"].sel(a="1", b="1").item()
    23.5
    """

    design: Design
    bins: Bins
    joint: Joint = field(default=None)  # type: ignore[assignment]
    by_before: ByBefore | None = None
    log_pairs: LogPairs | None = None
    uncapped: Cells | None = None

    def __post_init__(self) -> None:
        if self.joint is None:
            object.__setattr__(self, "joint", Joint.of_rows(self.bins))

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the factors' dimensions."""
        return self.bins.dims

    @property
    def coords(self) -> dict[str, tuple[str, ...]]:
        """Level labels of each dimension, reference first."""
        return dict(self.bins.coords)

    @property
    def rows(self) -> int:
        """Number of rows: one for each user and period, or each user, where the unit is known."""
        return self.bins.rows

    @property
    def units(self) -> int | None:
        """Number of users; None where the unit is not known."""
        return self.joint.units if self.design.unit is not None else None

    @property
    def changes(self) -> Bins:
        """Bins of users' changes by group; of the outcome itself by cell where a user has one value."""
        return self.bins if self.joint.size == 1 else self.joint.changes

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.bins.n_cells

    @property
    def lowest(self) -> float:
        """Smallest value, in units of the outcome."""
        return self.bins.lowest

    @property
    def yardstick(self) -> float:
        """What one calls a lot of this outcome: its pooled mean, in units of the outcome; positive.

        An outcome of both signs has no natural zero, so its mean may be arbitrarily small; then it is the
        pooled standard deviation, if that is larger. A ratio's zero is natural where its pooled value is
        well away from it.
        """
        counts, means, squares, _ = self.bins.by_cell.values
        n = float(counts.sum())
        mean = abs(float(np.nansum(counts * means)) / n)
        sd = float(np.sqrt(squares.sum() / n))
        if self.design.metric.denominator is not None:
            # The values of users vary about the ratio, and have both signs whatever was divided.
            return mean if mean > _CLEAR * sd / float(np.sqrt(n)) else max(mean, sd)
        # An outcome on one side of zero and its mirror image have one yardstick.
        return mean if self.lowest >= 0 or self.highest <= 0 else max(mean, sd)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the levels, and of counts, means, spreads and ranges of the cells to eight digits.

        The same rows give the same text, in whatever order an engine added them.
        """
        digest = hashlib.sha256(repr((self.design.metric.column, self.coords)).encode())

        def add(values: Iterable[float]) -> None:
            digest.update(" ".join(f"{value:.7e}" for value in values).encode())

        # A third moment may be nothing but rounding.
        add(self.bins.by_cell.frame.drop(columns="sc").to_numpy().flat)
        if self.joint.size > 1:
            moments = self.joint.moments()
            for name in ("n", "mean", "cross"):
                add(moments[name].to_numpy().flat)
        return digest.hexdigest()

    @property
    def highest(self) -> float:
        """Largest value, in units of the outcome."""
        return self.bins.highest

    def count(self, kind: Literal["zero", "negative", "positive"]) -> xr.DataArray:
        """Count the rows of one sign in every cell; see `Bins.count`."""
        return self.bins.count(kind)

    def moments(self, kind: Literal["raw", "log"] = "raw") -> xr.Dataset:
        """Count, mean and central sums of every cell; see `Bins.moments`."""
        return self.bins.moments(kind)

    def points(self, coarsest: int | None = None) -> xr.Dataset:
        """Weighted points that stand for the rows in any likelihood; see `Bins.points`."""
        return self.bins.points(coarsest)

    def strata(self) -> xr.Dataset:
        """Users of randomised groups by strata of the value before; see `ByBefore.strata`.

        Raises
        ------
        DesignError
            If the cells were not compressed for randomised groups with a value before.
        """
        if self.by_before is None:
            msg = (
                "There are no strata of the value before: they need unit=, the same metric before, and "
                "groups drawn at random (randomised=True) when the table is compressed."
            )
            raise DesignError(msg)
        return self.by_before.strata()

    def __add__(self, other: Cells) -> Cells:
        """Put two disjoint sets of rows together (of users, where the unit is known); exact."""
        if not isinstance(other, Cells):
            return NotImplemented
        if self.design != other.design:
            msg = f"Cells of different designs do not add up: {self.design} and {other.design}."
            raise DesignError(msg)
        if self.design.covariate:
            msg = (
                "Cells with a covariate do not add up: each took it to its own outcome's mean and standard "
                "deviation. Put the rows together and compress them once."
            )
            raise DesignError(msg)
        if self.design.metric.denominator is not None:
            msg = (
                "Cells of a ratio do not add up: the values of each are about its own ratio. Put the rows "
                "together and compress them once."
            )
            raise DesignError(msg)
        bins = self.bins + other.bins
        joint = self.joint + other.joint if self.joint.size > 1 else Joint.of_rows(bins)
        by_before = None
        if self.by_before is not None and other.by_before is not None:
            by_before = self.by_before + other.by_before
        log_pairs = None
        if self.log_pairs is not None and other.log_pairs is not None:
            log_pairs = self.log_pairs + other.log_pairs
        both = self.uncapped is not None and other.uncapped is not None
        uncapped = self.uncapped + other.uncapped if both else None  # type: ignore[operator]
        return Cells(
            design=self.design,
            bins=bins,
            joint=joint,
            by_before=by_before,
            log_pairs=log_pairs,
            uncapped=uncapped,
        )

    def scaled(self, factor: float) -> Cells:
        """Give the same experiment with the outcome in another unit.

        Parameters
        ----------
        factor
            What every value is multiplied by, such as 1/60 from minutes to hours; positive.

        Returns
        -------
        Cells
            Without the uncapped ones. The design's bound goes along; margin and cap, which no model looks
            at, do not.
        """
        bins = self.bins.scaled(factor)
        joint = self.joint.scaled(factor) if self.joint.size > 1 else Joint.of_rows(bins)
        return Cells(
            design=replace(self.design, metric=self.design.metric.scaled(factor)),
            bins=bins,
            joint=joint,
            by_before=None if self.by_before is None else self.by_before.scaled(factor),
            log_pairs=None if self.log_pairs is None else self.log_pairs.scaled(factor),
        )

    def save(self, path: str | Path) -> Path:
        """Write the cells to a folder, whole or not at all, with a checksum of every file.

        Parameters
        ----------
        path
            Folder to make; one that holds saved cells, and nothing else, is replaced.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        DataError
            If the path exists and holds something else.
        DesignError
            If the path cannot be written.
        """
        return archive.save(self.fields(), path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        path
            The folder.

        Returns
        -------
        Cells
            Equal to those saved, bit by bit.

        Raises
        ------
        DataError
            If there are no saved cells, or a file of theirs is missing, changed or added.
        """
        return cls.of_fields(archive.load(path))

    def fields(self) -> dict[str, Any]:
        """Give what cells are made of, by name, as `twobytwo.data.archive` writes it."""
        kept = {each.name: getattr(self, each.name) for each in fields(self)}
        return kept | {"uncapped": None if self.uncapped is None else self.uncapped.fields()}

    @classmethod
    def of_fields(cls, found: Mapping[str, Any]) -> Self:
        """Make cells of what `twobytwo.data.archive` read."""
        uncapped = None if found["uncapped"] is None else cls.of_fields(found["uncapped"])
        return cls(**{**found, "uncapped": uncapped})


def compress(data: Any, design: Design, *, grid: Grid | None = None) -> Cells:
    """Read a table once and compress it into cells.

    Parameters
    ----------
    data
        Any table that `twobytwo.data.sources.open_source` takes.
    design
        The question; its levels are resolved against the table.
    grid
        Where the outcome's bins are; None chooses for every cell from its quantiles.

    Returns
    -------
    Cells
        Bins by cell, and joint moments of users by group.

    Raises
    ------
    DataError, DesignError
        If the table cannot answer the question; see `twobytwo.data.validate.validate`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"y": [3.0, 1, 4, 2, 5, 9, 2, 6], "a": [0, 1] * 4, "b": [0] * 4 + [1] * 4})
    >>> compress(frame, Design.interaction(outcome="y", factors=("a", "b"))).rows
    8
    """
    prepared = prepare(data, design)
    cells = _read(prepared.limited(), grid)
    if not cells.design.metric.capped:
        return cells
    return replace(cells, uncapped=_read(prepared.uncapped().limited(), grid))


def _read(prepared: Prepared, grid: Grid | None) -> Cells:
    """Compress values: one aggregate of users with several of them, and one of every value by its cell."""
    design, source, rows = prepared.design, prepared.users, prepared.rows
    joint, by_before, log_pairs, by_cell = None, None, None, prepared.moments
    if prepared.attendance is not None:
        joint, by_cell = aggregate_users(design, source, prepared.attendance)
        if design.randomised and not design.covariate:
            by_before = aggregate_by_before(source, design.factors[0].labels)
        if joint.size == 2 and not design.covariate:
            log_pairs = aggregate_log_pairs(source, joint.coords)
    bins = read_bins(design, source, rows, by_cell=by_cell, grid=grid)
    joint = joint or Joint.of_rows(bins)
    metric = design.metric
    if design.unit is not None or metric.capped or metric.denominator is not None or design.without_top:
        refuse_constant(design, bins, joint)
    return Cells(design=design, bins=bins, joint=joint, by_before=by_before, log_pairs=log_pairs)
