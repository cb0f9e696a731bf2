"""What a column may be, by its name, its type and its levels: an outcome, a user, a group, a period."""

from __future__ import annotations

import re
import warnings
from collections.abc import Hashable, Sequence

from twobytwo.ask.levels import Role, ordered
from twobytwo.data.outline import Column
from twobytwo.errors import TwoByTwoError

__all__ = [
    "dates",
    "few_levels",
    "groups",
    "in_order",
    "like_ids",
    "measured",
    "named_times",
    "no_levels",
    "pairs",
    "periods",
    "shares",
    "unread_dates",
    "unread_numbers",
    "user_column",
]

_USER = re.compile(
    r"(^|_)(user|customer|client|account|acct|member|visitor|device|player|subscriber|kunden?|nutzer)s?(_|$)",
    re.IGNORECASE,
)
_ID = re.compile(r"(^|_)(id|uid|uuid|guid)(_|$)", re.IGNORECASE)
_GROUP = re.compile(
    r"(^|_)(variante?|groupe?|grupo|(test)?gruppe|arm|bucket|cells?|cohort|condition|variation|treatment|treated|assignment|"
    r"experiment|exp\d*|test)(_|$)",
    re.IGNORECASE,
)
# Levels that are letters or numbered variants: A, B; variant_a, variant_b.
_LETTER = re.compile(r"(variante?|group|version|arm|cell|test)[ _-]?([a-z]|\d{1,2})|[a-d]", re.IGNORECASE)
# Texts that stand for no group, and what a total over all of them is called.
_NO_LEVEL = re.compile(
    r"\W*|\\N|null|none|nil|nan|n\.?/?a\.?|not (assigned|available|set)|unassigned|undefined|unknown|missing|"
    r"excluded|error|(grand )?total|all|overall|sum|summe|gesamt",
    re.IGNORECASE,
)
# Between the words of a name: "User ID", "user-id", "userId".
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+")
# What pandas calls the number of a row.
_ROW_NUMBER = re.compile(r"__index_level_\d+__|Unnamed: \d+")
# Names of columns that part rows by when they were; the whole name, since signup_month is a trait of a user.
_TIME = re.compile(
    r"((is|in)_)?(period|month|week|quarter|phase|stage|wave|post|pre|time|when|year|season|epoch|sprint)"
    r"(_(no|nr|number|name|id|label|launch|period|of_launch))?",
    re.IGNORECASE,
)
_MEASURED = re.compile(r"((is|in)_)?(pre|post|time)(_|$)", re.IGNORECASE)
_BEFORE, _AFTER = ("pre", "before"), ("post", "after")
# 2026-09-01, 01.09.2026, 9/1/26, Aug 22, 2026, 22 August 2026, with or without a time behind it.
_DATE = re.compile(
    r"(\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](\d{4}|\d{2})"
    r"|[^\W\d]{3,9}\.? \d{1,2}(st|nd|rd|th)?,? \d{4}|\d{1,2}\.?[ -][^\W\d]{3,9}\.?,?[ -]\d{4})(\b|T)"
)
# 1,234.50, € 12, 7 %, 12 EUR: numbers to a person, texts to a reader of files.
_CURRENCY = "[€$£¥]|EUR|USD|GBP|CHF|kr"
_NUMBER = re.compile(rf"({_CURRENCY})?\s*[-+]?\d[\d.,'\s]*({_CURRENCY}|%)?")


def measured(columns: Sequence[Column]) -> list[Column]:
    """List what may be an outcome: numbers of more than two values that identify nothing."""
    return [
        column
        for column in columns
        if column.kind == "number"
        and column.values > 2
        and not _is_id(column)
        and not _ROW_NUMBER.fullmatch(column.name)
    ]


def like_ids(columns: Sequence[Column]) -> list[Column]:
    """List what may identify the users by its values alone, where no name says which column does.

    Examples
    --------
    >>> u, y = (Column(name=name, kind="number", values=90, like_id=name == "u") for name in "uy")
    >>> [column.name for column in like_ids([u, y])]
    ['u']
    """
    return [column for column in columns if column.like_id and not _ROW_NUMBER.fullmatch(column.name)]


def unread_numbers(columns: Sequence[Column]) -> list[Column]:
    """List columns that look like numbers and are none yet: texts such as €1,234.50.

    Examples
    --------
    >>> spend = Column(name="spend", kind="text", values=90, low="N/A", high="€9.50")
    >>> [column.name for column in unread_numbers([spend])]
    ['spend']
    """
    return [
        column
        for column in columns
        if column.kind == "text"
        and not column.levels
        and not _is_id(column)
        and any(_NUMBER.fullmatch(str(end).strip()) for end in (column.low, column.high))
    ]


def shares(columns: Sequence[Column]) -> list[Column]:
    """List what may be an outcome of who did something: 0 and 1, false and true, in no column of a group."""
    told = groups(columns)
    return [
        column
        for column in columns
        if column.kind in ("number", "boolean") and set(column.levels) == {0, 1} and column not in told
    ]


def pairs(columns: Sequence[Column]) -> list[tuple[str, Column, Column]]:
    """List metrics with one column for the value before and one for the value after, by their common name.

    Examples
    --------
    >>> columns = [Column(name=f"spend_{when}", kind="number", values=90) for when in ("after", "before")]
    >>> [(called, before.name, after.name) for called, before, after in pairs(columns)]
    [('spend', 'spend_before', 'spend_after')]
    """
    numbers = [
        (column, _words(column).casefold().split("_")) for column in columns if column.kind == "number"
    ]
    first = {tuple(_without(words, _BEFORE)): column for column, words in numbers if {*words} & {*_BEFORE}}
    found = []
    for after, words in numbers:
        rest = tuple(_without(words, _AFTER))
        if {*words} & {*_AFTER} and rest in first:
            found.append(("_".join(filter(None, rest)), first[rest], after))
    return found


def _without(words: Sequence[str], told: Sequence[str]) -> list[str]:
    return [word for word in words if word not in told]


def unread_dates(columns: Sequence[Column]) -> list[Column]:
    """List columns that look like days and are none yet: texts such as 9/1/2026, times with a zone."""
    return [
        column
        for column in columns
        if column.kind in ("zoned", "unclear") or (column.kind == "text" and _DATE.match(str(column.low)))
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
        if len(column.levels) == 2
        and all(str(each).casefold() in (*_BEFORE, *_AFTER) for each in column.levels)
    ]


def named_times(columns: Sequence[Column]) -> list[Column]:
    """List columns of levels that are named like periods: phase, month, is_post.

    Examples
    --------
    >>> week, signup = (
    ...     Column(name=name, kind="number", values=2, levels=(1, 2)) for name in ("Week", "signup_week")
    ... )
    >>> [column.name for column in named_times([week, signup])]
    ['Week']
    """
    return [
        column
        for column in columns
        if column.kind in ("number", "text", "boolean")
        and len(column.levels) >= 2
        and _TIME.fullmatch(_words(column))
        # Of more numbers "pre" and "time" are rather a metric.
        and not (column.kind == "number" and len(column.levels) > 2 and _MEASURED.match(_words(column)))
    ]


def groups(columns: Sequence[Column]) -> list[Column]:
    """List what may be a group: by name and by levels, or else by levels alone.

    Zeros and ones may be what somebody did; they are a group only where no text could be one.

    Examples
    --------
    >>> crashed = Column(name="crashed", kind="number", values=2, levels=(0, 1))
    >>> letters = Column(name="x", kind="text", values=2, levels=("A", "B"))
    >>> [column.name for column in groups([letters, crashed])]
    ['x']
    """
    told = [*dates(columns), *periods(columns)]
    few = [column for column in columns if len(column.levels) >= 2 and column not in told]
    named = [column for column in few if _GROUP.search(_words(column))]
    if named:
        return named
    flags = [column for column in few if {*column.levels} == {0, 1}]
    texts = [column for column in few if column.kind == "text"]
    sure = [column for column in few if column not in flags and in_order(column, "group") is not None]
    lettered = [column for column in texts if all(_LETTER.fullmatch(str(each)) for each in column.levels)]
    pairs_of_texts = [column for column in texts if len(column.levels) == 2]
    return sure or lettered or ([*pairs_of_texts, *flags] if flags else [])


def no_levels(column: Column) -> list[Hashable]:
    """List levels that seem to be no group, beside two or more that are: a text for nothing, or a total.

    Examples
    --------
    >>> no_levels(Column(name="arm", kind="text", values=3, levels=("NULL", "control", "new")))
    ['NULL']
    >>> no_levels(Column(name="voucher", kind="text", values=2, levels=("none", "5 EUR")))
    []
    """
    found = [each for each in column.levels if _NO_LEVEL.fullmatch(str(each).strip())]
    return found if len(column.levels) - len(found) >= 2 else []


def few_levels(columns: Sequence[Column]) -> list[Column]:
    """List what a person could mean by a group, whatever it is called: texts and booleans of few values."""
    return [column for column in columns if column.kind in ("text", "boolean") and len(column.levels) >= 2]


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
