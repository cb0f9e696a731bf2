"""Cells of any table (three arms, three experiments, pairs of several groups), made by pandas alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from twobytwo.ask.design import Design
from twobytwo.data.bins import Bins
from twobytwo.data.cells import Cells
from twobytwo.data.given import Given
from twobytwo.data.joint import Joint

_SUMS = ("s1", "s2", "s3", "l1", "l2", "l3")


def cells_of_rows(frame: pd.DataFrame, design: Design) -> Cells:
    """Every distinct value is a bin; columns as the design's, levels resolved."""
    columns = [factor.column for factor in design.factors]
    design = design.resolve({name: sorted(frame[name].unique().tolist()) for name in columns})
    places = [
        frame[f.column].map({level: k for k, level in enumerate(f.levels or ())}) for f in design.factors
    ]
    cell = np.ravel_multi_index(places, design.shape)
    return Cells(design=design, bins=_bins(design, cell, frame[design.metric.column].to_numpy(float)))


def cells_of_users(wide: pd.DataFrame, design: Design, before: str, after: str) -> Cells:
    """A row is a user with two values; NaN is an absence, taken as `design.missing` says."""
    group = design.factors[0]
    levels = sorted(wide[group.column].unique().tolist())
    design = replace(design, factors=(group.resolve(levels), design.factors[1]))
    code = wide[group.column].map({level: k for k, level in enumerate(design.factors[0].levels or ())})
    values = wide[[before, after]].to_numpy(float)
    seen = np.where(np.isnan(values[:, 1]), 1, np.where(np.isnan(values[:, 0]), 2, 0))
    attendance = np.zeros((len(levels), 3), dtype=np.int64)
    np.add.at(attendance, (code.to_numpy(), seen), 1)
    kept = np.full(len(wide), fill_value=True) if design.missing == "available" else seen == 0
    present = np.array([3, 2, 1])[seen]
    frame = pd.DataFrame({"cell": code, "present": present, "n": 1, "m0": values[:, 0], "m1": values[:, 1]})
    frame = frame.assign(reference=frame["m1"] - frame["m0"]).fillna({"m0": 0, "m1": 0, "reference": 0})
    frame = frame.assign(active=2 * (frame["m0"] > 0) + (frame["m1"] > 0))
    zeros = ["s1", "s2", "s3", "m0_0", "m1_1", "m0_1", *(f"l{k}" for k in ("0", "1", "0_0", "1_1", "0_1"))]
    frame = frame.assign(**dict.fromkeys(zeros, 0.0))[kept]
    joint = Joint(
        coords={design.dims[0]: design.factors[0].labels},
        columns=design.factors[1].labels,
        frame=frame,
        attendance=attendance,
        given=Given.nobody({design.dims[0]: design.factors[0].labels}),
    )
    there = [(frame["present"] & bit) > 0 for bit in (2, 1)]
    rows = [(frame["cell"] * 2 + t)[there[t]] for t in (0, 1)]
    y = [frame[f"m{t}"][there[t]] for t in (0, 1)]
    bins = _bins(design, pd.concat(rows).to_numpy(), pd.concat(y).to_numpy())
    return Cells(design=design, bins=bins, joint=joint)


def _bins(design: Design, cell: np.ndarray, y: np.ndarray) -> Bins:
    frame = pd.DataFrame({"cell": cell, "reference": y, "n": 1})
    frame = (
        frame.groupby(["cell", "reference"], as_index=False)["n"].sum().assign(**dict.fromkeys(_SUMS, 0.0))
    )
    return Bins(coords=design.coords, frame=frame)
