"""The values after given the value before, of users with two values: sums by narrow bin of the first one."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from twobytwo.data.bins import gauss
from twobytwo.data.later import Later
from twobytwo.data.moments import central

__all__ = ["Given"]

_KEYS = ["cell", "reference"]
_COUNTS, _TOTALS = ("n", "s1", "s2", "s3"), ("t0", "t1", "t2", "t3")


class Given:
    """Users positive in both columns, by group and narrow bin of the value before; immutable.

    Parameters
    ----------
    coords
        Level labels of the groups' dimensions, in order.
    frame
        Or what reads it later. One row for each group (flat index ``cell``) and bin of the value before:
        count ``n``, sums ``s1, s2, s3`` of powers of that value about ``reference``, and ``t0, t1, t2, t3``,
        the same sums of powers 0 to 3 with every user weighted by the value after.
    """

    __slots__ = ("_frame", "coords")

    def __init__(
        self, *, coords: Mapping[str, tuple[str, ...]], frame: pd.DataFrame | Later[pd.DataFrame]
    ) -> None:
        self.coords = coords
        self._frame = Later.of(frame)

    @classmethod
    def nobody(cls, coords: Mapping[str, tuple[str, ...]]) -> Given:
        """Describe users of whom no value is given another one."""
        return cls(coords=coords, frame=pd.DataFrame(columns=[*_KEYS, *_COUNTS, *_TOTALS], dtype=float))

    @property
    def frame(self) -> pd.DataFrame:
        """The sums, read now if nobody asked before."""
        return self._frame.get()

    def __add__(self, other: Given) -> Given:
        """Put two disjoint sets of users together; exact up to rounding."""

        def added(frame: pd.DataFrame) -> pd.DataFrame:
            stacked = pd.concat([frame, other.frame])
            return stacked.groupby(_KEYS, as_index=False, sort=True)[[*_COUNTS, *_TOTALS]].sum()

        return Given(coords=self.coords, frame=self._frame.then(added))

    def scaled(self, factor: float) -> Given:
        """Multiply every value by a positive number."""

        def moved(frame: pd.DataFrame) -> pd.DataFrame:
            after = {name: frame[name] * factor ** (k + 1) for k, name in enumerate(_TOTALS)}
            before = {name: frame[name] * factor**k for k, name in enumerate(_COUNTS) if k}
            return frame.assign(reference=frame["reference"] * factor, **before, **after)

        return Given(coords=self.coords, frame=self._frame.then(moved))

    def nodes(self) -> xr.Dataset:
        """Give values before that stand for all users, in sums over users of functions of them.

        Returns
        -------
        xarray.Dataset
            Dims the groups' and ``node``: ``before`` (units of the outcome), ``counts`` (weights for sums of
            functions of the value before), ``total`` (of the values after; weights for sums of the value
            after times such a function), and ``users``, how many have that total.

        Notes
        -----
        Two-node Gauss rules of every bin, once for the users and once for their values after; a node has
        either `counts` or a `total`.
        """
        frame = self.frame.sort_values(_KEYS)
        cell = frame["cell"].to_numpy()
        origin = frame["reference"].to_numpy()
        rules = [
            gauss(central(frame[list(names)].to_numpy(float).T.copy(), origin), cell)
            for names in (_COUNTS, _TOTALS)
        ]
        shape = tuple(len(labels) for labels in self.coords.values())
        groups = math.prod(shape)
        per_unit = np.bincount(cell, frame["n"], groups) / np.bincount(cell, frame["t0"], groups)
        made = []
        for group in range(groups):
            (v0, w0), (v1, w1) = ((value[at == group], weight[at == group]) for value, weight, at in rules)
            none = (np.zeros_like(w0), np.zeros_like(w1))
            made.append(
                np.stack(
                    [
                        np.concatenate([v0, v1]),
                        np.concatenate([w0, none[1]]),
                        np.concatenate([none[0], w1]),
                        np.concatenate([none[0], w1 * per_unit[group]]),
                    ]
                )
            )
        length = max(part.shape[1] for part in made)
        padded = np.stack([np.pad(part, ((0, 0), (0, length - part.shape[1]))) for part in made])
        padded[:, 0][padded[:, 0] == 0] = 1.0
        dims = (*self.coords, "node")
        names = ("before", "counts", "total", "users")
        return xr.Dataset(
            {name: (dims, padded[:, k].reshape(*shape, length)) for k, name in enumerate(names)}
        )
