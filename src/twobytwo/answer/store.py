"""An analysis on disk: everything that is needed to answer again, without the rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr

from twobytwo.answer.analysis import Analysis
from twobytwo.answer.options import Options
from twobytwo.data.cells import Cells
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.effects import contrasts
from twobytwo.infer.families import FAMILIES, Family
from twobytwo.infer.fit import Fit
from twobytwo.infer.model import build_model

__all__ = ["load", "save"]

_FORMAT = 1
_ABOUT = "analysis.json"
# The fits that an analysis may have, each in a folder of its name.
_FITS = ("fit", "refused_fit", "uncapped")


def save(analysis: Analysis, path: str | Path) -> Path:
    """Write an analysis to a directory, whole or not at all.

    Parameters
    ----------
    analysis
        An answered question.
    path
        Directory to make; one that holds a saved analysis is replaced.

    Returns
    -------
    pathlib.Path
        The directory: ``analysis.json`` (options, checks, headline), ``cells`` (see `Cells.save`) and for
        each fit its tree as Zarr, which `xarray.open_datatree` reads.

    Raises
    ------
    DataError
        If the path exists and holds something else.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> from tempfile import TemporaryDirectory
    >>> result = tbt.interaction(
    ...     tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     tbt.load(result.save(f"{folder}/cannibalisation")).statement == result.statement
    True
    """
    path = Path(path)
    if path.exists() and not (path / _ABOUT).is_file():
        msg = f"path={str(path)!r} exists and holds no saved analysis; it is not replaced."
        raise DataError(msg)
    fits = {name: getattr(analysis, name) for name in _FITS if getattr(analysis, name) is not None}
    about = {
        "format": _FORMAT,
        "version": version("twobytwo"),
        "options": _encoded(analysis.options),
        "gates": _encoded(analysis.gates),
        "priors": _encoded(analysis.priors),
        "headline": _encoded(analysis.headline),
        "fits": {
            name: {"family": fitted.family.name, "priors": _encoded(fitted.priors)}
            for name, fitted in fits.items()
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with _whole(path) as draft:
        (draft / _ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=False), encoding="utf-8")
        analysis.cells.save(draft / "cells")
        for name, fitted in fits.items():
            # The third format of Zarr has no standard yet for labels of fixed width.
            fitted.tree.to_zarr(draft / f"{name}.zarr", zarr_format=2)
    return path


def load(path: str | Path, family: Family | None = None) -> Analysis:
    """Read what `save` wrote.

    Parameters
    ----------
    path
        The directory.
    family
        The family, where it was one of your own (`twobytwo.family`): code is not saved.

    Returns
    -------
    Analysis
        With the same statement, checks and draws. The rows are not there, so that what needs them again
        (a sensitivity panel's capped values) is left out.

    Raises
    ------
    DataError
        If there is no saved analysis, or one of another format.
    DesignError
        If the family is needed and missing, or another one.
    """
    path = Path(path)
    if not (path / _ABOUT).is_file():
        msg = f"path={str(path)!r} holds no saved analysis (no {_ABOUT})."
        raise DataError(msg)
    about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
    if about["format"] != _FORMAT:
        msg = (
            f"path={str(path)!r} was saved by twobytwo {about['version']} in format {about['format']}; this "
            f"version reads format {_FORMAT}."
        )
        raise DataError(msg)
    cells = Cells.load(path / "cells")
    known = dict(FAMILIES) if family is None else {**FAMILIES, family.name: family}
    fits: dict[str, Fit | None] = dict.fromkeys(_FITS)
    for name, written in about["fits"].items():
        own = cells.uncapped if name == "uncapped" and cells.uncapped is not None else cells
        fits[name] = _fit(own, _family(written["family"], known), written["priors"], path / f"{name}.zarr")
    fitted = fits["fit"]
    if fitted is None:
        msg = f"path={str(path)!r} is damaged: it holds no fit."
        raise DataError(msg)
    return Analysis(
        design=cells.design,
        cells=cells,
        options=_options(about["options"], known),
        fit=fitted,
        refused_fit=fits["refused_fit"],
        uncapped=fits["uncapped"],
        gates=_decoded(about["gates"]),
        priors=_decoded(about["priors"]),
        headline=_decoded(about["headline"]),
    )


def _fit(cells: Cells, family: Family, priors: Any, path: Path) -> Fit:
    with xr.open_datatree(path, engine="zarr") as stored:
        tree = stored.load()
    written = _decoded(priors)
    effects = contrasts(family.values(tree["posterior"].to_dataset()), cells.design)
    model = build_model(cells, family, written)
    return Fit(family=family, priors=written, cells=cells, model=model, tree=tree, effects=effects)


def _family(name: str, known: Mapping[str, Family]) -> Family:
    if name not in known:
        msg = (
            f"The family {name!r} is one of your own, and code is not saved; give it as "
            "load(..., family=...)."
        )
        raise DesignError(msg)
    return known[name]


def _options(written: Any, known: Mapping[str, Family]) -> Options:
    values = {name: _decoded(value) for name, value in written.items() if name not in ("record", "family")}
    name = written["family"]
    return Options(family=name if name in FAMILIES or name == "auto" else _family(name, known), **values)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a draft beside the directory, which takes its place when all is written and not before."""
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent, ignore_cleanup_errors=True) as folder:
        # Made with the user's own permissions, which a temporary directory does not have.
        draft, old = Path(folder, "new"), Path(folder, "old")
        draft.mkdir()
        yield draft
        if path.exists():
            path.rename(old)
        try:
            draft.rename(path)
        except BaseException:
            if old.exists() and not path.exists():
                old.rename(path)
            raise


def _encoded(value: Any) -> Any:
    """Give records, tuples and numbers as JSON has them; a family by its name."""
    if is_dataclass(value) and not isinstance(value, type) and not hasattr(value, "likelihood"):
        kind = type(value)
        inside = {field.name: _encoded(getattr(value, field.name)) for field in fields(value)}
        return {"record": f"{kind.__module__}:{kind.__name__}"} | inside
    if hasattr(value, "likelihood"):
        return value.name
    if isinstance(value, tuple):
        return [_encoded(inner) for inner in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    msg = f"A {type(value).__name__} cannot be saved."
    raise TypeError(msg)


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(inner) for inner in value)
    if not isinstance(value, dict):
        return value
    module, name = value["record"].split(":")
    kind = getattr(import_module(module), name, None) if module.startswith("twobytwo.") else None
    if not (isinstance(kind, type) and is_dataclass(kind)):
        msg = f"{value['record']!r} is no record of twobytwo."
        raise DataError(msg)
    return kind(**{key: _decoded(inner) for key, inner in value.items() if key != "record"})
