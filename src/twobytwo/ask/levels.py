"""The levels of a column: which there must be, and which of them is the reference."""

from __future__ import annotations

import unicodedata
import warnings
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal

from twobytwo.ask.chronology import later
from twobytwo.errors import DataError, DesignError, nearest

__all__ = ["LEVEL_ARGUMENTS", "Role", "ordered"]

Role = Literal["group", "period", "factor"]

# Pairs of level names that leave no doubt which comes first, compared without regard to case.
# Alphabetical order is never among the reasons: "post" sorts before "pre".
_UNMISTAKABLE: Mapping[Role, tuple[tuple[Hashable, Hashable], ...]] = {
    "group": ((False, True), (0, 1), ("0", "1"), ("control", "treatment")),
    "factor": ((False, True), (0, 1), ("0", "1"), ("control", "treatment")),
    "period": ((False, True), (0, 1), ("0", "1"), ("pre", "post"), ("before", "after")),
}
# Names of a reference level that cannot be mistaken beside any other name.
_REFERENCES: Mapping[Role, tuple[tuple[str, str], ...]] = {
    "group": (("text", "control"),),
    "factor": (("text", "control"),),
    "period": (("text", "pre"), ("text", "before")),
}
_MOST_ARMS = 20
_BOOLEAN = " A column of yes and no, or of t and f, in a CSV file is read as one of True and False."
LEVEL_ARGUMENTS: Mapping[Role, tuple[str, str]] = {
    "group": ("control", "treatment"),
    "period": ("before", "after"),
    "factor": ("the level without it", "the level with it"),
}


def ordered(
    column: str,
    role: Role,
    stated: tuple[Hashable, ...] | None,
    observed: Sequence[Hashable],
    *,
    many: bool = False,
) -> tuple[Hashable, ...]:
    """Put the levels of a column in order, the reference first.

    Parameters
    ----------
    column, role
        What messages call it, and which names of levels leave no doubt.
    stated
        As a factor states them: a None inside stands for "the other one", or "the others"; None for nothing
        stated.
    observed
        Distinct values of the column.
    many
        Whether there may be more than two.

    Returns
    -------
    tuple
        The levels as they stand in the column.

    Raises
    ------
    DataError
        If the column does not have exactly two (or, where there may be many, some) clearly different levels.
    DesignError
        If nothing says which of them is the reference, or what is stated is not in the column.

    Examples
    --------
    >>> ordered("period", "period", None, ["post", "pre"])
    ('pre', 'post')
    """
    _refuse_twins(column, observed)
    if many and (len(observed) > 2 or len(stated or ()) > 2):
        return _arms(column, stated or (), observed)
    if len(observed) != 2:
        shown = ", ".join(sorted(repr(level) for level in observed[:6]))
        fix = (
            "Both groups of rows are needed for a comparison."
            if len(observed) < 2
            else "Keep the rows of the two levels to compare, or recode the column."
        )
        more = ", ..." if len(observed) > 6 else ""
        msg = f"Column {column!r} has {len(observed)} level(s) ({shown}{more}); exactly 2 are needed. {fix}"
        raise DataError(msg)
    if stated is None:
        return _direction(column, role, observed)
    found = _named_levels(column, role, stated, observed)
    if role == "period":
        _refuse_backwards(column, found)
    return found


def _refuse_twins(column: str, observed: Sequence[Hashable]) -> None:
    """Levels that differ only by case, white space or Unicode form are an accident, not a level."""
    texts = [level for level in observed if isinstance(level, str)]
    folded = Counter(unicodedata.normalize("NFKC", text).strip().casefold() for text in texts)
    for twin, count in folded.items():
        if count > 1:
            same = [
                f"{text!r} ({' '.join(f'U+{ord(letter):04X}' for letter in text)})"
                for text in texts
                if unicodedata.normalize("NFKC", text).strip().casefold() == twin
            ]
            msg = (
                f"Column {column!r} has {count} levels that look alike: {', '.join(same)}. "
                "They are not merged silently; clean the column first."
            )
            raise DataError(msg)


def _refuse_backwards(column: str, levels: tuple[Hashable, ...]) -> None:
    """Refuse a period that is said to come before another one when both say themselves that it does not."""
    first, second = levels
    names = [tuple(_fold(level) for level in pair) for pair in _UNMISTAKABLE["period"]]
    known = (_fold(second), _fold(first)) in names
    if known or later(first, second):
        msg = (
            f"before={first!r} is later than after={second!r} in column {column!r}, so every change "
            "would have the wrong sign; exchange the two. If the labels mislead, rename them first."
        )
        raise DesignError(msg)


def _direction(column: str, role: Role, observed: Sequence[Hashable]) -> tuple[Hashable, ...]:
    folded = {_fold(level): level for level in observed}
    for pair in _UNMISTAKABLE[role]:
        if set(folded) == {_fold(level) for level in pair}:
            return tuple(folded[_fold(level)] for level in pair)
    if set(folded) in ({("number", 1.0), ("number", 2.0)}, {("text", "1"), ("text", "2")}):
        low, high = sorted(observed, key=str)
        message = f"Column {column!r} is coded 1/2: read as {low!r} = reference, {high!r}."
        warnings.warn(message, UserWarning, stacklevel=2)
        return (low, high)
    # One name that cannot be mistaken says what the other is, as in control and variant_b.
    known = [level for level in observed if _fold(level) in _REFERENCES[role]]
    if len(known) == 1:
        return (known[0], *(level for level in observed if level != known[0]))
    first, second = LEVEL_ARGUMENTS[role]
    how = (
        f"levels={{{column!r}: ({observed[0]!r}, {observed[1]!r})}} (reference first)"
        if role == "factor"
        else f"{first}={observed[0]!r}, {second}={observed[1]!r} (or the other way round)"
    )
    msg = (
        f"The direction of column {column!r} is unknown: its levels are "
        f"{observed[0]!r} and {observed[1]!r}, and names decide only when they cannot be mistaken "
        f"(booleans, 0/1, control/treatment, pre/post, before/after). Say {how}."
    )
    raise DesignError(msg)


def _named_levels(
    column: str, role: Role, wanted: Sequence[Hashable], observed: Sequence[Hashable]
) -> tuple[Hashable, ...]:
    arguments = LEVEL_ARGUMENTS[role]
    for argument, level in zip(arguments, wanted, strict=True):
        if level is not None and level not in observed:
            msg = (
                f"{argument}={level!r} is not a level of column {column!r}, which has "
                f"{observed[0]!r} and {observed[1]!r}.{nearest(level, observed)}"
                + (_BOOLEAN if {*observed} == {False, True} and isinstance(level, str) else "")
            )
            raise DesignError(msg)
    if wanted[0] is not None and wanted[0] == wanted[1]:
        msg = f"Column {column!r}: {arguments[0]} and {arguments[1]} are both {wanted[0]!r}."
        raise DesignError(msg)
    # The data's own spelling of the level is kept (1 and True are equal but print differently).
    own = {level: level for level in observed}
    given = [own[level] for level in wanted if level is not None]
    other = next((level for level in observed if level not in given), None)
    return tuple(own[level] if level is not None else other for level in wanted)


def _arms(column: str, wanted: Sequence[Hashable], observed: Sequence[Hashable]) -> tuple[Hashable, ...]:
    """Put the control level first; each of the others is compared with it, so their order says nothing."""
    if len(observed) > _MOST_ARMS:
        msg = (
            f"Column {column!r} has {len(observed)} levels; at most {_MOST_ARMS} groups are compared. "
            "Is it the column of the group?"
        )
        raise DataError(msg)
    own = {level: level for level in observed}
    stated = [level for level in wanted if level is not None]
    for level in stated:
        if level not in own:
            msg = f"{level!r} is not a level of column {column!r}.{nearest(level, observed)}"
            raise DesignError(msg)
    if len(set(stated)) < len(stated):
        msg = f"Column {column!r}: a level is named twice among {stated!r}."
        raise DesignError(msg)
    control = (wanted or (None,))[0]
    if control is None:
        controls = {_fold(pair[0]) for pair in _UNMISTAKABLE["group"]}
        found = [level for level in observed if _fold(level) in controls and level not in stated]
        if len(found) != 1:
            listed = ", ".join(repr(level) for level in observed)
            msg = f"Column {column!r} has the levels {listed}; say which is the control with control=."
            raise DesignError(msg)
        control = found[0]
    named = [own[level] for level in stated if level != control]
    others = sorted((level for level in observed if level != control and level not in named), key=str)
    if named and others:
        msg = (
            f"Column {column!r} has further levels ({', '.join(map(repr, others))}); name them in "
            "treatment= too, or leave their rows out."
        )
        raise DesignError(msg)
    return (own[control], *(named or others))


def _fold(level: Hashable) -> tuple[str, Hashable]:
    if isinstance(level, str):
        return ("text", level.casefold())
    if isinstance(level, bool):
        return ("boolean", level)
    if isinstance(level, int | float):
        return ("number", float(level))
    return ("other", level)
