"""Strata of the value before: six sums per group and narrow bin, merged into strata when they are asked for.

The sums are kept by narrow bins of the value before, so that tables of them add up whatever the strata are;
the strata are cut at edges of bins when a model asks for them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from twobytwo.data.grid import Grid
from twobytwo.data.later import Later
from twobytwo.data.merging import means_of, merged, sums_of_products, wanted_of
from twobytwo.data.sources import Source

__all__ = ["ByBefore", "aggregate_by_before"]

Floats = npt.NDArray[np.float64]

_KEYS, _IN_STRATA = ["group", "reference"], ["stratum", "group"]
# Central sums of squares and products of the value before (x) and after (y).
_PRODUCTS = {"xx": ("x", "x"), "xy": ("x", "y"), "yy": ("y", "y")}
# Strata asked for among positive values; merging leaves fewer.
_STRATA = 8
# Fewest users that each group has in a stratum.
_LEAST = 12


class ByBefore:
    """Users seen in both periods, by group and narrow bin of the value before; immutable.

    Parameters
    ----------
    groups
        Labels of the groups.
    frame
        Or what reads it later. One row for each ``group`` (position) and bin of the value before
        (``reference``): count ``n``, means ``x`` (before) and ``y`` (after), central sums ``xx``, ``xy`` and
        ``yy``.
    """

    __slots__ = ("_frame", "_strata", "groups")

    def __init__(self, *, groups: tuple[str, ...], frame: pd.DataFrame | Later[pd.DataFrame]) -> None:
        self.groups = groups
        self._frame = Later.of(frame)
        self._strata = self._frame.then(self._cut)

    @property
    def frame(self) -> pd.DataFrame:
        """The sums, read now if nobody asked before."""
        return self._frame.get()

    def __add__(self, other: ByBefore) -> ByBefore:
        """Put two disjoint sets of users together; exact up to rounding."""

        def added(frame: pd.DataFrame) -> pd.DataFrame:
            return merged(pd.concat([frame, other.frame], ignore_index=True), _KEYS, _PRODUCTS)

        return ByBefore(groups=self.groups, frame=self._frame.then(added))

    def scaled(self, factor: float) -> ByBefore:
        """Multiply every value by a positive number."""
        powers = dict.fromkeys(("reference", "x", "y"), factor) | dict.fromkeys(_PRODUCTS, factor**2)

        def moved(frame: pd.DataFrame) -> pd.DataFrame:
            return frame.assign(**{name: frame[name] * by for name, by in powers.items()})

        return ByBefore(groups=self.groups, frame=self._frame.then(moved))

    def strata(self) -> xr.Dataset:
        """Cut the users into strata of the value before.

        Returns
        -------
        xarray.Dataset
            Dims ``stratum`` (labelled by its range of values before, lowest first) and ``group``: ``n``,
            ``x``, ``y``, ``xx``, ``xy``, ``yy`` as in `frame`.

        Notes
        -----
        Sorted by the value before, both groups together, users are cut at equal shares of the sum of its
        square root: heavy users, who carry the mean and its error, get strata of few users. Zero is a stratum
        of its own. From the top down a stratum is closed as soon as each group has 12 users in it and
        their mean after is positive; what is left at the bottom joins the lowest closed one.
        """
        return self._strata.get().copy()

    def _cut(self, frame: pd.DataFrame) -> xr.Dataset:
        pooled = merged(frame, ["reference"], _PRODUCTS)
        root = pooled["n"] * np.sqrt(pooled["x"].clip(lower=0))
        share = (root.cumsum() - root / 2) / max(float(root.sum()), np.finfo(float).tiny)
        # Zero counts as below the first of the others.
        wanted = np.where(pooled["reference"] > 0, 1 + np.floor(share * _STRATA), 0).astype(int)
        of_bin = dict(zip(pooled["reference"], wanted.tolist(), strict=True))
        stratum = frame["reference"].map(of_bin).to_numpy()
        table = merged(frame.assign(stratum=stratum), _IN_STRATA, _PRODUCTS)
        closed = _closed(table, len(self.groups), _LEAST)
        closed_table = merged(table.assign(stratum=table["stratum"].map(closed)), _IN_STRATA, _PRODUCTS)
        return self._labelled(closed_table, pooled.assign(stratum=pd.Series(wanted).map(closed)))

    def _labelled(self, table: pd.DataFrame, pooled: pd.DataFrame) -> xr.Dataset:
        ends = pooled.groupby("stratum")["x"].agg(["min", "max"])
        labels = [
            f"{_end(low)} to {_end(high)}" if high > low else _end(low) for low, high in ends.to_numpy()
        ]
        shape = (len(ends), len(self.groups))
        index = pd.MultiIndex.from_product([ends.index, range(shape[1])], names=_IN_STRATA)
        filled = table.set_index(_IN_STRATA).reindex(index, fill_value=0.0)
        return xr.Dataset(
            {
                name: (_IN_STRATA, filled[name].to_numpy(float).reshape(shape))
                for name in ("n", *means_of(_PRODUCTS), *_PRODUCTS)
            },
            {"stratum": labels, "group": list(self.groups)},
        )


def _end(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def _closed(table: pd.DataFrame, groups: int, least: int) -> dict[int, int]:
    """Merge strata from the top down; give each its new number, lowest first."""
    counts = table.pivot_table(index="stratum", columns="group", values="n", fill_value=0)
    counts = counts.reindex(columns=range(groups), fill_value=0)
    total = (table["n"] * table["y"]).groupby(table["stratum"]).sum()
    found: dict[int, int] = {}
    inside, sums, number = np.zeros(groups), 0.0, 0
    for stratum in counts.index[::-1]:
        found[int(stratum)] = number
        inside, sums = inside + counts.loc[stratum].to_numpy(), sums + float(total[stratum])
        if inside.min() >= least and sums > 0:
            inside, sums, number = np.zeros(groups), 0.0, number + 1
    last = max(number - 1, 0)
    return {stratum: last - min(at, last) for stratum, at in found.items()}


def aggregate_by_before(users: Source, groups: tuple[str, ...]) -> ByBefore:
    """Ask for users by group and bin of the value before, when somebody needs them.

    Parameters
    ----------
    users
        One row per user: ``cell`` (of the group), ``y0``, ``y1``; None where not seen.
    groups
        Labels of the groups.
    """
    return ByBefore(groups=groups, frame=Later(lambda: _aggregated(users)))


def _aggregated(users: Source) -> pd.DataFrame:
    both = users.table.filter(users.table.y0.notnull() & users.table.y1.notnull())
    # One grid for all groups, so that strata have common edges.
    grids = Grid.of(users, both.select(cell=both.cell * 0, y=both.y0))
    table = both.mutate(reference=grids[0].reference(both.y0))
    found: pd.DataFrame = users.execute(
        table.group_by("reference", group=table.cell).agg(
            n=table.count(), **wanted_of({"x": table.y0, "y": table.y1}, _PRODUCTS)
        ),
        "users by bins of the value before",
    ).to_pandas()
    return sums_of_products(found, _PRODUCTS).sort_values(_KEYS, ignore_index=True)
