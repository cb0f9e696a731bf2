"""What a column may be, by its name, its type and its levels: an outcome, a user, a group, a period."""

from __future__ import annotations

import re
import warnings
from collections.abc import Hashable, Sequence

from twobytwo.ask.levels import Role, ordered
from twobytwo.data.outline import Column
from twobytwo.errors import TwoByTwoError

__all__ = ["dates", "groups", "in_order", "measured", "periods", "user_column"]

_USER = re.compile(
    r"(^|_)(user|customer|account|member|visitor|device|player|subscriber)s?(_|$)", re.IGNORECASE
)
_ID = re.compile(r"(^|_)(id|uid|uuid|guid)(_|$)", re.IGNORECASE)
_GROUP = re.compile(
    r"(^|_)(variant|group|arm|bucket|treatment|treated|assignment|experiment|exp\d*|test)(_|$)", re.IGNORECASE
)
# Between the words of a name: "User ID", "user-id", "userId".
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+")
_BEFORE_AFTER = ("pre", "post", "before", "after")


def measured(columns: Sequence[Column]) -> list[Column]:
    """List what may be an outcome: numbers of more than two values that identify nothing."""
    return [
        column for column in columns if column.kind == "number" and column.values > 2 and not _is_id(column)
    ]


def user_column(columns: Sequence[Column]) -> Column | None:
    """Find the column that identifies the users, where one alone can be meant."""
    ids = [column for column in columns if _is_id(column)]
    users = [column for column in ids if _USER.search(_words(column))]
    return (users or ids)[0] if len(users) == 1 or (not users and len(ids) == 1) else None


def dates(columns: Sequence[Column]) -> list[Column]:
    """List the columns of dates."""
    return [column for column in columns if column.kind == "date"]


def periods(columns: Sequence[Column]) -> list[Column]:
    """List the columns whose two levels say before and after."""
    return [
        column
        for column in columns
        if len(column.levels) == 2 and all(str(each).casefold() in _BEFORE_AFTER for each in column.levels)
    ]


def groups(columns: Sequence[Column]) -> list[Column]:
    """List what may be a group: by name and by levels, or else by levels alone."""
    told = [*dates(columns), *periods(columns)]
    few = [column for column in columns if len(column.levels) >= 2 and column not in told]
    both = [column for column in few if _GROUP.search(_words(column))]
    return both or [column for column in few if in_order(column, "group") is not None]


def in_order(column: Column, role: Role) -> tuple[Hashable, ...] | None:
    """Give a column's levels in order where their names leave no doubt; a warning is a doubt.

    Examples
    --------
    >>> in_order(Column(name="arm", kind="text", values=2, levels=("b", "control")), "group")
    ('control', 'b')
    """
    try:
        with warnings.catch_warnings(action="error"):
            return ordered(column.name, role, None, column.levels, many=role == "group")
    except (TwoByTwoError, UserWarning):
        return None


def _is_id(column: Column) -> bool:
    return (
        column.kind in ("number", "text", "other")
        and not column.levels
        and bool(_USER.search(_words(column)) or _ID.search(_words(column)))
    )


def _words(column: Column) -> str:
    return _BETWEEN_WORDS.sub("_", column.name)
