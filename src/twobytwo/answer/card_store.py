"""A scorecard on disk: what was asked, the rows of its table, the decision and the draws; no users' rows.

A folder of two files under checksums (`twobytwo.manifest`): ``scorecard.json`` holds the records, by tags
that outlive modules, ``draws.npz`` the joint draws.
"""

from __future__ import annotations

import io
import json
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from twobytwo.answer.analysis import Analysis
from twobytwo.answer.card import Scorecard
from twobytwo.answer.entries import Entry
from twobytwo.answer.joint import Condition, LaunchDecision
from twobytwo.answer.scorecard import answered_alone
from twobytwo.answer.scoring import Scoring
from twobytwo.answer.shrinkage import Shrinkage
from twobytwo.ask.design import Design
from twobytwo.ask.lines import Line
from twobytwo.ask.rule import Rule
from twobytwo.check.gate import Gate
from twobytwo.data import archive
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.priors import Priors
from twobytwo.manifest import Store
from twobytwo.records import Records

__all__ = ["FORMAT", "load_scorecard", "save_scorecard"]

# A change of a record's fields needs the next number, and an example of its own in
# tests/answer/stored_scorecards.
FORMAT = 1
_ABOUT, _DRAWS = "scorecard.json", "draws.npz"
_STORE = Store(kind="scorecard", format=FORMAT, first_file=_ABOUT)
_RECORDS = Records(
    classes={
        **archive.RECORDS.classes,
        "condition": Condition,
        "entry": Entry,
        "gate": Gate,
        "launch_decision": LaunchDecision,
        "line": Line,
        "priors": Priors,
        "rule": Rule,
        "scoring": Scoring,
        "shrinkage": Shrinkage,
    }
)
_FIELDS = ("asked", "entries", "gates", "users", "queries", "shrinkage")


def save_scorecard(card: Scorecard, path: str | Path) -> Path:
    """Write a scorecard to a folder, whole or not at all.

    Parameters
    ----------
    card
        The scorecard.
    path
        Folder to make; one that holds a saved scorecard, and nothing else, is replaced.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    DataError
        If the path exists and holds something else.
    DesignError
        If the path cannot be written.
    """
    stream = io.BytesIO()
    np.savez_compressed(stream, draws=card.draws)
    about = {name: _RECORDS.encode(getattr(card, name)) for name in _FIELDS}
    about["launch"] = _RECORDS.encode(card.launches)
    return _STORE.save({_ABOUT: _RECORDS.dumps(about), _DRAWS: stream.getvalue()}, path)


def load_scorecard(path: str | Path, data: Any = None) -> Scorecard:
    """Read what ``card.save`` wrote.

    Parameters
    ----------
    path
        The folder.
    data
        The table that it was made from, which is not saved: with it ``card["minutes"]`` opens a row to the
        full analysis.

    Returns
    -------
    Scorecard
        With the same statement, rows and draws.

    Raises
    ------
    DataError
        If there is no saved scorecard, one of another format, or a file of it is missing, changed or added.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from tempfile import TemporaryDirectory
    >>> users = pd.DataFrame({"arm": [0, 1] * 50, "y": np.arange(100.0)})
    >>> card = tbt.scorecard(users, group="arm", metrics=["y"])
    >>> with TemporaryDirectory() as folder:
    ...     tbt.load_scorecard(card.save(f"{folder}/card")).statement == card.statement
    True
    """
    where = f"path={str(path)!r}"
    parts = _STORE.load(path)
    again = _without_rows if data is None else partial(answered_alone, data)
    try:
        about = json.loads(parts[_ABOUT])
        with np.load(io.BytesIO(parts[_DRAWS]), allow_pickle=False) as stored:
            draws = stored["draws"]
        fields = {name: _RECORDS.decode(about[name]) for name in _FIELDS}
        launch = _RECORDS.decode(about["launch"])
        # The first cards had one treatment, whose decision stood alone.
        launches = launch if isinstance(launch, tuple) else () if launch is None else (launch,)
        return Scorecard(**fields, launches=launches, draws=draws, again=again)
    except DataError as error:
        raise DataError(f"{where} cannot be read. {error} Make the scorecard again and save it.") from error
    except (AttributeError, LookupError, OSError, TypeError, ValueError, BadZipFile) as error:
        msg = f"{where} holds no scorecard that this version reads ({error!r}). Make and save it again."
        raise DataError(msg) from error


def _without_rows(design: Design) -> Analysis:
    """Refuse to answer again where there are no rows (`DesignError`)."""
    msg = (
        f"The rows are not saved with a scorecard, so {design.metric.name!r} cannot be opened; give them as "
        "load_scorecard(..., data=...)."
    )
    raise DesignError(msg)
