"""The factors of a question, from the arguments that state them: columns, levels, shares and words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twobytwo.ask.arguments import column_name, shown
from twobytwo.ask.factor import Factor
from twobytwo.ask.launch import PERIODS, Launch
from twobytwo.ask.shares import stated_shares
from twobytwo.errors import DesignError, nearest

__all__ = [
    "arms",
    "called",
    "experiments",
    "groups",
    "periods",
    "two_columns",
]

Shared = float | Mapping[Any, float] | None
_MOST_EXPERIMENTS = 3


def groups(column: str, control: Hashable, treatment: Hashable, expected_share: Shared) -> Factor:
    """State the column of two groups."""
    shares = stated_shares(expected_share)
    return Factor(column=column, role="group", levels=_pair(control, treatment), expected_share=shares)


def arms(
    column: str, control: Hashable, treatment: Hashable | Sequence[Hashable], expected_share: Shared
) -> Factor:
    """State the column of two or more groups, each to be compared with the control.

    Examples
    --------
    >>> arms("arm", "a", ["b", "c"], None).levels
    ('a', 'b', 'c')
    """
    if isinstance(treatment, str | bytes) or not isinstance(treatment, Sequence):
        return replace(groups(column, control, treatment, expected_share), many=True)
    if not treatment:
        msg = "treatment=[] names no group; give the levels to compare with the control, or leave it out."
        raise DesignError(msg)
    stated = groups(column, None, None, expected_share)
    return replace(stated, levels=(control, *treatment), many=True)


def periods(column: str, before: Hashable, after: Hashable, launch: Launch | None) -> Factor:
    """State the column of the periods, or of the dates that a launch parts."""
    levels = _pair(before, after)
    if launch is None:
        return Factor(column=column, role="period", levels=levels)
    if levels is not None:
        msg = f"launch={launch.day!r} makes periods of the dates in {column!r}; leave out before= and after=."
        raise DesignError(msg)
    return Factor(column=column, role="period", levels=PERIODS, launch=launch)


def two_columns(*taken: str) -> Factor:
    """Name the period of a table whose rows are users with a column for each period.

    Parameters
    ----------
    *taken
        Columns, whose names it must not have; SQL does not tell names apart by case.
    """
    name = "period"
    while name in {other.casefold() for other in taken}:
        name += "_"
    return Factor(column=name, role="period", levels=("before", "after"))


def experiments(
    columns: Sequence[str],
    levels: Mapping[str, tuple[Hashable, Hashable]] | None,
    expected_share: Shared,
) -> tuple[Factor, ...]:
    """State the columns of experiments that run together.

    Parameters
    ----------
    columns
        One for each experiment.
    levels
        By column, without and with it.
    expected_share
        Of users who have it; of every experiment, or by column.

    Raises
    ------
    DesignError
        If they are not two or three columns, or levels or shares are of others.
    """
    if (
        isinstance(columns, str)
        or not isinstance(columns, Sequence)
        or not 2 <= len(columns) <= _MOST_EXPERIMENTS
    ):
        msg = (
            f"factors={shown(columns)} must name two columns, one for each experiment, or three for "
            "three experiments."
        )
        raise DesignError(msg)
    for column in columns:
        column_name("factors", column)
    if levels is not None and not isinstance(levels, Mapping):
        msg = f"levels={shown(levels)} must give two levels by column, such as {{{columns[0]!r}: (0, 1)}}."
        raise DesignError(msg)
    levels = levels or {}
    strangers = set(levels) - set(columns)
    if strangers:
        msg = f"levels= names {sorted(map(str, strangers))!r}, which are not among factors={columns!r}."
        raise DesignError(msg)
    for column, pair in levels.items():
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            msg = f"levels= gives {shown(pair)} for {column!r}; give two: (without it, with it)."
            raise DesignError(msg)
    shares = _shares_by_experiment(expected_share, columns)
    return tuple(
        Factor(
            column=column,
            role="factor",
            levels=_pair(*levels.get(column, (None, None))),
            expected_share=stated_shares(shares[column]),
        )
        for column in columns
    )


def called(labels: Mapping[Any, str] | None, *factors: Factor) -> tuple[Factor, ...]:
    """Give every factor its label and the words for levels; each keeps its own when the levels are known."""
    if not isinstance(labels, Mapping | None):
        msg = f"labels={shown(labels)} must give names by column or level, such as {{0: 'control group'}}."
        raise DesignError(msg)
    labels = labels or {}
    for what, said in labels.items():
        if not isinstance(said, str) or not said.strip():
            msg = f"labels= calls {what!r} {said!r}; give each column or level a name of its own."
            raise DesignError(msg)
    columns = {factor.column for factor in factors}
    words = tuple((level, said) for level, said in labels.items() if level not in columns)
    return tuple(replace(factor, label=labels.get(factor.column, ""), words=words) for factor in factors)


def _shares_by_experiment(given: Shared, columns: Sequence[str]) -> Mapping[str, float | None]:
    """Give each experiment the share of users who have it."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(columns, given)
    strangers = [column for column in given if column not in columns]
    if strangers:
        msg = (
            f"expected_share= names {strangers[0]!r}, which is not among factors={columns!r}; give each "
            f"experiment the share of users who have it.{nearest(strangers[0], columns)}"
        )
        raise DesignError(msg)
    return {column: given.get(column) for column in columns}


def _pair(first: Hashable, second: Hashable) -> tuple[Hashable, Hashable] | None:
    return None if first is None and second is None else (first, second)
