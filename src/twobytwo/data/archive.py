"""Cells on disk: their tables as Parquet, the question as JSON, all of it under checksums."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twobytwo.ask.design import Design
from twobytwo.ask.factor import Factor
from twobytwo.ask.launch import Launch, Span
from twobytwo.ask.metric import Metric
from twobytwo.data.bins import Bins
from twobytwo.data.given import Given
from twobytwo.data.joint import Joint
from twobytwo.data.log_pairs import LogPairs
from twobytwo.data.moments import Moments
from twobytwo.data.strata import ByBefore
from twobytwo.errors import DataError
from twobytwo.manifest import Store
from twobytwo.records import Records

__all__ = ["FORMAT", "RECORDS", "load", "packed", "save", "unpacked"]

FORMAT = 2
_STORE = Store(kind="table of cells", format=FORMAT, first_file="cells.json")
RECORDS = Records(
    classes={"design": Design, "factor": Factor, "metric": Metric, "launch": Launch, "span": Span}
)


def save(cells: Mapping[str, Any], path: str | Path) -> Path:
    """Write cells to a folder; see `twobytwo.Cells.save`.

    Parameters
    ----------
    cells
        What makes them, as from `twobytwo.Cells.fields`.
    path
        Folder to make.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    DataError
        If the path exists and holds something else, or a level is of a type that cannot be written.
    DesignError
        If the path cannot be written.
    """
    return _STORE.save(_parts(cells), path)


def load(path: str | Path) -> dict[str, Any]:
    """Read what `save` wrote.

    Parameters
    ----------
    path
        The folder.

    Returns
    -------
    dict
        What makes the cells, by the name of the field; ``uncapped`` is such a dict itself, or None.

    Raises
    ------
    DataError
        If the folder is not what was saved.
    """
    return _fields(_STORE.load(path), f"path={str(path)!r}")


def packed(cells: Mapping[str, Any]) -> dict[str, bytes]:
    """Give the files that `save` would write, for a folder that holds more than cells.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> design = tbt.Design.interaction(outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"))
    >>> sorted(packed(tbt.compress(tbt.simulate.cannibalisation(), design).fields()))
    ['bins.parquet', 'by_cell.parquet', 'cells.json', 'logs.parquet', 'manifest.json']
    """
    return _STORE.seal(_parts(cells))


def unpacked(parts: Mapping[str, bytes], where: str) -> dict[str, Any]:
    """Read what `packed` gave; `where` is what an error calls the place.

    Raises
    ------
    DataError
        If the parts are not what was packed.
    """
    return _fields(_STORE.check(parts, where), where)


def _parts(cells: Mapping[str, Any]) -> dict[str, bytes]:
    about: dict[str, Any] = {"design": RECORDS.encode(cells["design"])}
    # All that was not asked for yet is read now.
    bins, joint = cells["bins"], cells["joint"]
    tables = {"bins": bins.frame, "by_cell": bins.by_cell.frame, "logs": bins.logs.frame}
    if joint.size > 1:
        about["attendance"] = joint.attendance.tolist()
        tables |= {"joint": joint.frame, "given": joint.given.frame, "by_pattern": joint.by_pattern}
        if joint.of_changes is not None:
            tables["of_changes"] = joint.of_changes.frame
    tables |= {name: cells[name].frame for name in ("by_before", "log_pairs") if cells[name] is not None}
    parts = {"cells.json": RECORDS.dumps(about)}
    parts |= {f"{name}.parquet": _parquet(frame) for name, frame in tables.items()}
    if cells["uncapped"] is not None:
        parts |= {f"uncapped/{name}": content for name, content in _parts(cells["uncapped"]).items()}
    return parts


def _parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


def _fields(parts: Mapping[str, bytes], where: str) -> dict[str, Any]:
    """Make the fields of the cells; what fails here was written by another version, not damaged."""
    try:
        about = json.loads(parts["cells.json"])
        design = RECORDS.decode(about["design"])
        # What early cells of format 2 lack is made from the bins.
        known = {
            name: _frame(parts[f"{name}.parquet"])
            for name in ("by_cell", "logs", "by_pattern", "of_changes")
            if f"{name}.parquet" in parts
        }
        moments = {name: Moments(frame=frame) for name, frame in known.items() if name != "by_pattern"}
        bins = Bins(
            coords=design.coords,
            frame=_frame(parts["bins.parquet"]),
            by_cell=moments.get("by_cell"),
            logs=moments.get("logs"),
        )
        joint = Joint.of_rows(bins)
        if "attendance" in about:
            coords = dict(list(design.coords.items())[:-1])
            joint = Joint(
                coords=coords,
                columns=design.factors[-1].labels,
                frame=_joint_frame(parts),
                attendance=np.array(about["attendance"], dtype=np.int64),
                given=Given(coords=coords, frame=_frame(parts["given.parquet"])),
                by_pattern=known.get("by_pattern"),
                of_changes=moments.get("of_changes"),
            )
        by_before = None
        if "by_before.parquet" in parts:
            frame = _frame(parts["by_before.parquet"])
            by_before = ByBefore(groups=design.factors[0].labels, frame=frame)
        log_pairs = None
        if "log_pairs.parquet" in parts:
            log_pairs = LogPairs(coords=joint.coords, frame=_frame(parts["log_pairs.parquet"]))
        inner = {name.removeprefix("uncapped/"): part for name, part in parts.items() if "/" in name}
        return {
            "design": design,
            "bins": bins,
            "joint": joint,
            "by_before": by_before,
            "log_pairs": log_pairs,
            "uncapped": _fields(inner, where) if inner else None,
        }
    except DataError as error:
        raise DataError(f"{where} cannot be read. {error} Make the cells again and save them.") from error
    except (LookupError, TypeError, ValueError, AttributeError, OSError) as error:
        msg = f"{where} holds no table of cells that this version reads ({error!r}). Make and save it again."
        raise DataError(msg) from error


def _frame(content: bytes) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(content))


def _joint_frame(parts: Mapping[str, bytes]) -> pd.DataFrame:
    """Read users with several values; early cells of format 2 name columns otherwise."""
    if "joint.parquet" in parts:
        return _frame(parts["joint.parquet"])
    old = _frame(parts["pairs.parquet"])
    kept = {f"{letter}{jk}": f"{letter}{jk[0]}_{jk[1]}" for letter in "ml" for jk in ("00", "11", "01")}
    present = old["seen"].map({0: 3, 1: 2, 2: 1})
    active = 2 * old["active0"].astype(int) + old["active1"].astype(int)
    made = old.rename(columns={"group": "cell", **kept}).assign(present=present, active=active)
    return made.drop(columns=["seen", "active0", "active1"])
