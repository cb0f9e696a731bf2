"""Experiments with known truth: the examples' tables and the tests' oracles.

Nothing here is fitted to anybody's rows. `active_minutes` replays a published recipe, `cannibalisation` is a
textbook factorial, `user_minutes` draws users whose minutes look like real ones while every population moment
stays computable to machine precision, and `kinds_of_users` draws randomised experiments on light, middling
and heavy users, under effects that may differ between them. `launch_users` has many metrics per user.
`daily_minutes` is a log: one row per user and day.
"""

from __future__ import annotations

from twobytwo.simulate.daily import DailyMinutes, daily_minutes
from twobytwo.simulate.kinds import (
    EFFECTS,
    KindsOfUsers,
    Minutes,
    Population,
    TreatmentEffect,
    kinds_of_users,
    kinds_population,
)
from twobytwo.simulate.launch import launch_users
from twobytwo.simulate.published import active_minutes, cannibalisation
from twobytwo.simulate.tables import SOURCES, table, write_parquet
from twobytwo.simulate.truth import CellTruth, Truth, user_minutes_truth
from twobytwo.simulate.users import UserMinutes, user_minutes

__all__ = [
    "EFFECTS",
    "SOURCES",
    "CellTruth",
    "DailyMinutes",
    "KindsOfUsers",
    "Minutes",
    "Population",
    "TreatmentEffect",
    "Truth",
    "UserMinutes",
    "active_minutes",
    "cannibalisation",
    "daily_minutes",
    "kinds_of_users",
    "kinds_population",
    "launch_users",
    "table",
    "user_minutes",
    "user_minutes_truth",
    "write_parquet",
]
