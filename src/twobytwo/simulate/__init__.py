"""Experiments with known truth: the examples' tables and the tests' oracles.

Nothing here is fitted to anybody's rows. `active_minutes` replays a published recipe, `cannibalisation` is a
textbook factorial, and `user_minutes` draws users whose minutes look like real ones while every population
moment stays computable to machine precision.
"""

from __future__ import annotations

from twobytwo.simulate.published import active_minutes, cannibalisation
from twobytwo.simulate.tables import SOURCES, table, write_parquet
from twobytwo.simulate.users import CellTruth, Truth, UserMinutes, user_minutes, user_minutes_truth

__all__ = [
    "SOURCES",
    "CellTruth",
    "Truth",
    "UserMinutes",
    "active_minutes",
    "cannibalisation",
    "table",
    "user_minutes",
    "user_minutes_truth",
    "write_parquet",
]
