"""An analysis on disk: everything that is needed to answer again, without the rows.

A folder of files, each under a checksum (`twobytwo.manifest`): ``analysis.json`` holds the records, by tags
that outlive modules; ``cells/`` the table of cells; ``fit.npz``, and ``refused_fit.npz`` and ``uncapped.npz``
where there are such fits, the draws. Names of columns and levels stand in the JSON only, so that any text may
be one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import xarray as xr

from twobytwo.answer.analysis import Analysis
from twobytwo.answer.headline import Arm, Headline, InteractionProbabilities
from twobytwo.answer.options import Options, stored_name
from twobytwo.check.gate import Gate
from twobytwo.check.prior_sensitivity import PriorAnswer
from twobytwo.data import archive
from twobytwo.data.cells import Cells
from twobytwo.errors import DataError, DesignError
from twobytwo.infer.effects import contrasts
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES, Family
from twobytwo.infer.fit import Fit
from twobytwo.infer.model import build_model
from twobytwo.infer.priors import Priors
from twobytwo.manifest import Store
from twobytwo.records import Records

__all__ = ["FORMAT", "load", "save"]

# A change of a record's fields, of the files or of the cells needs the next number, and a fixture of its own
# in tests/answer/stored.
FORMAT = 2
_ABOUT = "analysis.json"
_STORE = Store(kind="analysis", format=FORMAT, first_file=_ABOUT)
_RECORDS = Records(
    classes={
        "arm": Arm,
        "gate": Gate,
        "headline": Headline,
        "interaction": InteractionProbabilities,
        "options": Options,
        "prior_answer": PriorAnswer,
        "priors": Priors,
        "sampler": SamplerOptions,
    }
)
# The fits that an analysis may have, each in a file of its name.
_FITS = ("fit", "refused_fit", "uncapped")
_CELLS = "cells/"


def save(analysis: Analysis, path: str | Path) -> Path:
    """Write an analysis to a folder, whole or not at all.

    Parameters
    ----------
    analysis
        An answered question.
    path
        Folder to make; one that holds a saved analysis, and nothing else, is replaced.

    Returns
    -------
    pathlib.Path
        The folder, with a checksum of every file in it.

    Raises
    ------
    DataError
        If the path exists and holds something else.
    DesignError
        If the path cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     tbt.load(result.save(f"{folder}/cannibalisation")).statement == result.statement
    True
    """
    parts = {f"{_CELLS}{name}": content for name, content in archive.packed(analysis.cells.fields()).items()}
    fits: dict[str, Any] = {}
    for name in _FITS:
        fitted: Fit | None = getattr(analysis, name)
        if fitted is not None:
            arrays, parts[f"{name}.npz"] = _packed(fitted.tree)
            priors = _RECORDS.encode(fitted.priors)
            fits[name] = {"family": stored_name(fitted.family), "priors": priors, "arrays": arrays}
    # A family of one's own is code, of which the name is kept.
    options = _RECORDS.encode(replace(analysis.options, family="auto"))
    about = {
        "options": options | {"family": stored_name(analysis.options.family)},
        "gates": _RECORDS.encode(analysis.gates),
        "priors": _RECORDS.encode(analysis.priors),
        "headline": _RECORDS.encode(analysis.headline),
        "fits": fits,
    }
    return _STORE.save({_ABOUT: _RECORDS.dumps(about), **parts}, path)


def load(path: str | Path, family: Family | None = None) -> Analysis:
    """Read what `save` wrote.

    Parameters
    ----------
    path
        The folder.
    family
        The family, where it was one of your own (`twobytwo.family`) or one with settings: neither code nor
        settings are saved.

    Returns
    -------
    Analysis
        With the same statement, checks and draws. The rows are not there, so that what needs them again
        (a sensitivity panel's capped values) is left out.

    Raises
    ------
    DataError
        If there is no saved analysis, one of another format, or a file of it is missing, changed or added.
    DesignError
        If the family is needed and missing, or another one.
    """
    where = f"path={str(path)!r}"
    parts = _STORE.load(path)
    known = dict(FAMILIES) if family is None else {**FAMILIES, stored_name(family): family}
    try:
        about = json.loads(parts[_ABOUT])
        for name in (about["options"]["family"], *(fitted["family"] for fitted in about["fits"].values())):
            _family(name, known)
        inner = {name.removeprefix(_CELLS): part for name, part in parts.items() if name.startswith(_CELLS)}
        return _analysis(about, Cells.of_fields(archive.unpacked(inner, where)), parts, known)
    except DesignError:
        raise
    except DataError as error:
        if str(error).startswith(where):
            raise
        raise DataError(f"{where} cannot be read. {error} Make the analysis again and save it.") from error
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        TypeError,
        ValueError,
        BadZipFile,
    ) as error:
        msg = f"{where} holds no analysis that this version reads ({error!r}). Make and save it again."
        raise DataError(msg) from error


def _analysis(about: Any, cells: Cells, parts: Mapping[str, bytes], known: Mapping[str, Family]) -> Analysis:
    if set(about) != {"options", "gates", "priors", "headline", "fits"} or "fit" not in about["fits"]:
        msg = f"{_ABOUT} holds {', '.join(map(repr, about))}: it was written by another version."
        raise DataError(msg)
    fits: dict[str, Fit | None] = dict.fromkeys(_FITS)
    for name, written in about["fits"].items():
        own = cells.uncapped if name == "uncapped" and cells.uncapped is not None else cells
        fits[name] = _fit(own, known[written["family"]], written, parts[f"{name}.npz"])
    options, chosen = about["options"], about["options"]["family"]
    fitted = fits["fit"]
    assert fitted is not None
    return Analysis(
        design=cells.design,
        cells=cells,
        options=replace(
            _RECORDS.decode({**options, "family": "auto"}),
            family=chosen if chosen in FAMILIES or chosen == "auto" else known[chosen],
        ),
        fit=fitted,
        refused_fit=fits["refused_fit"],
        uncapped=fits["uncapped"],
        gates=_RECORDS.decode(about["gates"]),
        priors=_RECORDS.decode(about["priors"]),
        headline=_RECORDS.decode(about["headline"]),
    )


def _fit(cells: Cells, family: Family, written: Mapping[str, Any], content: bytes) -> Fit:
    tree = _unpacked(written["arrays"], content)
    priors = _RECORDS.decode(written["priors"])
    effects = contrasts(family.values(tree["posterior"].to_dataset()), cells.design)
    model = build_model(cells, family, priors)
    return Fit(family=family, priors=priors, cells=cells, model=model, tree=tree, effects=effects)


def _family(name: str, known: Mapping[str, Family]) -> None:
    if name != "auto" and name not in known:
        msg = (
            f"The family {name.removesuffix(' of your own')!r} is one of your own, or has settings of your "
            "own, and neither code nor settings are saved; give it as load(..., family=...)."
        )
        raise DesignError(msg)


def _packed(tree: xr.DataTree) -> tuple[dict[str, Any], bytes]:
    """Give a tree's arrays, numbered in one file, and what each of them is."""
    arrays: list[Any] = []

    def described(variable: xr.DataArray) -> dict[str, Any]:
        values = variable.to_numpy()
        # Labels of objects could only be pickled, and what is unpickled may be code.
        arrays.append(values.astype(str) if values.dtype.kind in "OT" else values)
        attrs = {str(name): _RECORDS.encode(value) for name, value in variable.attrs.items()}
        return {"array": len(arrays) - 1, "dims": list(variable.dims), "attrs": attrs}

    groups = {}
    for name, node in tree.children.items():
        data = node.to_dataset()
        groups[name] = {
            "attrs": {str(key): _RECORDS.encode(value) for key, value in data.attrs.items()},
            "coords": {str(key): described(variable) for key, variable in data.coords.items()},
            "variables": {str(key): described(variable) for key, variable in data.data_vars.items()},
        }
    stream = io.BytesIO()
    np.savez_compressed(stream, **{f"a{number}": values for number, values in enumerate(arrays)})
    return groups, stream.getvalue()


def _unpacked(groups: Mapping[str, Any], content: bytes) -> xr.DataTree:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:

        def attrs(written: Mapping[str, Any]) -> dict[str, Any]:
            return {name: _RECORDS.decode(value) for name, value in written.items()}

        def made(written: Mapping[str, Any]) -> dict[str, Any]:
            return {
                name: (tuple(one["dims"]), stored[f"a{one['array']}"], attrs(one["attrs"]))
                for name, one in written.items()
            }

        return xr.DataTree.from_dict(
            {
                name: xr.Dataset(made(group["variables"]), made(group["coords"]), attrs(group["attrs"]))
                for name, group in groups.items()
            }
        )
