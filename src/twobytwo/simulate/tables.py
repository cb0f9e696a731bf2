"""Simulated tables by name, as plans call them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from twobytwo.errors import DesignError, nearest
from twobytwo.files import write_file
from twobytwo.simulate.daily import daily_minutes
from twobytwo.simulate.kinds import kinds_of_users
from twobytwo.simulate.launch import launch_users
from twobytwo.simulate.published import active_minutes, cannibalisation
from twobytwo.simulate.users import user_minutes

__all__ = ["SOURCES", "table", "write_parquet"]

SOURCES: Mapping[str, Callable[[], pd.DataFrame]] = MappingProxyType(
    {
        "active_minutes": active_minutes,
        "cannibalisation": cannibalisation,
        "daily_minutes": daily_minutes,
        "kinds_of_users": kinds_of_users,
        "launch": launch_users,
        "user_minutes": user_minutes,
    }
)
"""The tables that a plan may name as `simulate:NAME`, each with its defaults."""


def table(name: str) -> pd.DataFrame:
    """Draw a simulated table by its name.

    Parameters
    ----------
    name
        A key of `SOURCES`.

    Returns
    -------
    pandas.DataFrame
        A fresh table, the same rows every time.

    Raises
    ------
    DesignError
        When no source has that name.

    Examples
    --------
    >>> len(table("cannibalisation"))
    2000
    >>> table("cannibalization")
    Traceback (most recent call last):
    ...
    twobytwo.errors.DesignError: name 'cannibalization' is no simulated table; allowed are \
'active_minutes', 'cannibalisation', 'daily_minutes', 'kinds_of_users', 'launch', 'user_minutes'. \
Did you mean 'cannibalisation'?
    """
    if not isinstance(name, str) or name not in SOURCES:
        known = ", ".join(repr(source) for source in SOURCES)
        raise DesignError(
            f"name {name!r} is no simulated table; allowed are {known}.{nearest(str(name), SOURCES)}"
        )
    return SOURCES[name]()


def write_parquet(name: str, path: str | Path) -> Path:
    """Write a simulated table to a Parquet file, whole or not at all.

    Parameters
    ----------
    name
        A key of `SOURCES`.
    path
        File to write, in a folder that exists; a file already there is replaced.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    DesignError
        When no source has that name, or the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_parquet("cannibalisation", f"{folder}/ab.parquet").name)
    ab.parquet
    """
    rows = io.BytesIO()
    table(name).to_parquet(rows, index=False)
    return write_file(rows.getvalue(), path)
