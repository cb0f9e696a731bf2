"""What was asked and of which data, as JSON and back, so that an answer can be asked for again."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from twobytwo.answer.analysis import Analysis
from twobytwo.answer.options import Options, stored_name
from twobytwo.ask.design import Design
from twobytwo.data import archive
from twobytwo.errors import DataError
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.priors import Priors
from twobytwo.records import Records

__all__ = ["asked", "state"]

# What draws depend on, beside the package.
_LIBRARIES = ("twobytwo", "numpy", "pymc", "pytensor", "numba", "nutpie", "duckdb", "ibis-framework")
_RECORDS = Records(
    classes={**archive.RECORDS.classes, "options": Options, "priors": Priors, "sampler": SamplerOptions}
)


def state(analysis: Analysis) -> dict[str, Any]:
    """Give what is needed to ask again: design, options, fingerprint of the data, versions.

    Examples
    --------
    >>> sorted(state(result))
    ['design', 'fingerprint', 'options', 'versions']
    """
    options = analysis.options
    # A family of one's own is code, of which the name is kept.
    family = {"family": stored_name(options.family)}
    return {
        "design": _RECORDS.encode(analysis.design),
        "options": _RECORDS.encode(replace(options, family="auto")) | family,
        "fingerprint": analysis.cells.fingerprint,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
    }


def asked(stated: Mapping[str, Any]) -> tuple[Design, Options]:
    """Read the question and how it was answered, as `state` wrote them.

    Raises
    ------
    DataError
        If they cannot be read.

    Examples
    --------
    >>> design, options = asked(state(result))
    >>> design == result.design, options == result.options
    (True, True)
    """
    family = (stated.get("options") or {}).get("family")
    if isinstance(family, str) and family not in ("auto", *FAMILIES):
        msg = (
            f"This result was asked of the family {family!r}, which is code or has settings, and neither is "
            "written down; ask again in Python with family=."
        )
        raise DataError(msg)
    design, options = (_RECORDS.decode(stated.get(name)) for name in ("design", "options"))
    if not isinstance(design, Design) or not isinstance(options, Options):
        msg = "This JSON does not say what was asked; this version of twobytwo run --json did not write it."
        raise DataError(msg)
    return design, options
