"""Refuses what does not vary: no model can tell the spread of a cell, or of users' changes, without it."""

from __future__ import annotations

import numpy as np

from twobytwo.ask.design import Design
from twobytwo.ask.factor import Factor
from twobytwo.data.bins import Bins
from twobytwo.data.joint import Joint
from twobytwo.data.regressions import regressions
from twobytwo.data.users import group_labels
from twobytwo.errors import DataError

__all__ = ["refuse_constant"]


def refuse_constant(design: Design, bins: Bins, joint: Joint) -> None:
    """Refuse cells that are too thin or do not vary, and values of users that follow from others.

    Parameters
    ----------
    design
        The question, resolved.
    bins
        The values by cell, after the policies for rows and absences and after limits.
    joint
        The users.

    Raises
    ------
    DataError
        If a spread cannot be known.
    """
    _refuse_cells(design, bins)
    if joint.size > 1:
        _refuse_users(design, joint)


def _refuse_cells(design: Design, bins: Bins) -> None:
    moments = bins.moments()
    names = [factor.column for factor in design.factors]
    for place in np.ndindex(*bins.shape):
        at = list(
            zip(
                names,
                [factor.labels[k] for factor, k in zip(design.factors, place, strict=True)],
                strict=True,
            )
        )
        column = design.column_at(at[-1][1])
        # Of a wide table the column says the period.
        where = ", ".join(f"{name!r} = {label!r}" for name, label in (at if design.wide is None else at[:-1]))
        n, ss = float(moments["n"].to_numpy()[place]), float(moments["ss"].to_numpy()[place])
        if n < 2 or ss <= 0:
            advice = "".join(map(Factor.if_no_treatment, design.factors, place))
            who = ("user" if design.unit else "row") + ("" if n == 1 else "s")
            varies = f"has {n:,.0f} {who}" if n < 2 else f"is constant over {n:,.0f} {who}"
            msg = (
                f"In the cell {where} the column {column!r} {varies}{_after(design)}; each cell needs at "
                f"least 2 that differ, to know its spread.{advice}"
            )
            raise DataError(msg)


def _after(design: Design) -> str:
    """Name what changed the values before they were counted, in brackets; nothing if nothing did."""
    limits = {"cap=": design.metric.cap, "daily_cap=": design.metric.daily_cap}
    stated = {"agg=": design.agg, "missing=": design.missing} | limits
    named = [argument for argument, value in stated.items() if value is not None]
    return f" (after {' and '.join(named)})" if named else ""


def _refuse_users(design: Design, joint: Joint) -> None:
    everywhere = joint.moments().isel(pattern=0)
    squares = everywhere["ss"].to_numpy().reshape(-1, joint.size)
    cross = everywhere["cross"].to_numpy().reshape(-1, joint.size, joint.size)
    changes = joint.changes.moments()["ss"].to_numpy().ravel()
    change_of = f"of {design.metric.column!r}"
    if design.wide is not None:
        change_of = f"from {design.wide[0]!r} to {design.wide[1]!r}"
    for label, own, products, change in zip(group_labels(design), squares, cross, changes, strict=True):
        # Differences of floats are not exactly constant where the changes are.
        if (
            min(own) <= 0
            or (regressions(products)[0][1:] <= 1e-12 * own[1:]).any()
            or change <= 1e-12 * own[[0, -1]].sum()
        ):
            msg = (
                f"Every user of group {label!r} has the same change {change_of} (or a "
                "constant value, or one that follows from the other); its spread cannot be known. "
                "Check how the two periods were joined."
            )
            raise DataError(msg)
