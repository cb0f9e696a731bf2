"""An analysis as one JSON object for machines.

`docs/json.md` documents it; `result.schema.json`, beside this file, holds it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from twobytwo.show.tables import cell_rows

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.ask.design import Design
    from twobytwo.check.gate import Gate
    from twobytwo.data.cells import Cells
    from twobytwo.show.words import Provenance

__all__ = ["DIGITS", "check_to_dict", "design_to_dict", "dumps", "plain", "plan_to_dict", "to_dict"]

# Later digits of a result depend on the order in which an engine adds rows.
DIGITS = 12

_EFFECT_KEYS = ("label", "estimand", "scale", "unit", "mean", "median", "sd", "lower", "upper")


def to_dict(analysis: Analysis, provenance: Provenance | None = None) -> dict[str, Any]:
    """Give an analysis as one object of plain values, ready for JSON.

    Parameters
    ----------
    analysis
        The answered question.
    provenance
        The plan it comes from, if it comes from one.

    Returns
    -------
    dict
        See ``docs/json.md``. Numbers that do not exist or are not finite are None.

    Examples
    --------
    >>> report = to_dict(result)
    >>> report["headline"]["status"], report["data"]["rows"]
    ('ok', 2000)
    """
    # Loads PyMC, which an analysis has loaded already and a check must not.
    from twobytwo.answer.stated import state

    crosscheck = analysis.crosscheck(statsmodels=False)
    asked = _frame(analysis.design, provenance) | {"replay": state(analysis)}
    return plain(asked) | plain(
        {
            "headline": asdict(analysis.headline) | {"statement": analysis.statement},
            "effects": [
                {"effect": str(name)} | _with_interval({key: row[key] for key in _EFFECT_KEYS})
                for name, row in analysis.summary().to_dict("index").items()
            ],
            "crosscheck": [_with_interval(asdict(check)) for check in crosscheck.checks],
            "agreement": {
                "agrees": crosscheck.agrees,
                "distance": crosscheck.distance,
                "verdict": crosscheck.verdict,
            },
            "gates": [asdict(gate) for gate in analysis.gates],
            "priors": [_with_interval(asdict(answer)) for answer in analysis.priors],
            "uncapped": _uncapped(analysis),
            "model": {
                "family": analysis.fit.family.name,
                "refused_family": analysis.refused_fit.family.name if analysis.refused_fit else None,
                "priors": asdict(analysis.fit.priors),
            },
            "data": _data(analysis.cells),
            "sampling": _sampling(analysis),
        },
        digits=DIGITS,
    )


def _uncapped(analysis: Analysis) -> dict[str, Any] | None:
    """Give the headline's effect without the design's cap, if it has one."""
    if analysis.uncapped is None:
        return None
    effects = analysis.uncapped.effects
    row = effects.summary(analysis.headline.ci_prob).loc[effects.headline].to_dict()
    return _with_interval({key: row[key] for key in _EFFECT_KEYS})


def check_to_dict(
    cells: Cells, provenance: Provenance | None = None, gates: Sequence[Gate] = ()
) -> dict[str, Any]:
    """Give a table of cells, its design resolved, as one object of plain values.

    Parameters
    ----------
    cells
        The data, compressed.
    provenance
        The plan they were read for, if there is one.
    gates
        The checks of the data.

    Returns
    -------
    dict
        The keys ``version``, ``plan``, ``question``, ``design``, ``data`` and ``gates`` of `to_dict`.

    Examples
    --------
    >>> import twobytwo as tbt
    >>> design = tbt.Design.interaction(outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"))
    >>> cells = tbt.compress(tbt.simulate.cannibalisation(), design)
    >>> check_to_dict(cells)["data"]["cells"][0]["levels"]
    {'exp1_is_treatment': False, 'exp2_is_treatment': False}
    """
    checks = [asdict(gate) for gate in gates]
    return plain(_frame(cells.design, provenance) | {"data": _data(cells), "gates": checks})


def dumps(report: Mapping[str, Any]) -> str:
    """Write a report as JSON text, which has neither NaN nor infinity.

    Examples
    --------
    >>> print(dumps({"mean": 1.5, "ci": None}))
    {
      "mean": 1.5,
      "ci": null
    }
    """
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)


def plan_to_dict(provenance: Provenance | None) -> dict[str, str] | None:
    """Name the plan that an answer comes from; None where there is none."""
    if provenance is None:
        return None
    return {
        "title": provenance.title,
        "path": str(provenance.path),
        "sha256": provenance.sha256,
        "source": provenance.source,
    }


def _frame(design: Design, provenance: Provenance | None) -> dict[str, Any]:
    return {
        "version": version("twobytwo"),
        "plan": plan_to_dict(provenance),
        "question": design.question,
        "design": design_to_dict(design),
    }


def design_to_dict(design: Design) -> dict[str, Any]:
    """Give a design with the metric's own entries beside its own."""
    stated = asdict(design)
    metric = stated.pop("metric")
    stated.pop("question")
    for factor, own in zip(stated["factors"], design.factors, strict=True):
        factor.pop("words")
        factor["labels"] = list(own.labels)
        factor.pop("many")
        factor["expected_share"] = dict(factor["expected_share"]) if factor["expected_share"] else None
    return {"outcome": metric.pop("column")} | stated | metric


def _with_interval(row: Mapping[str, Any]) -> dict[str, Any]:
    """Put ``lower`` and ``upper`` together as ``ci``."""
    rest = {key: value for key, value in row.items() if key not in ("lower", "upper")}
    return rest | {"ci": [row["lower"], row["upper"]]}


def _data(cells: Cells) -> dict[str, Any]:
    return {"rows": cells.rows, "units": cells.units, "cells": cell_rows(cells)}


def _sampling(analysis: Analysis) -> dict[str, Any]:
    options, sampled = analysis.options.sampler, analysis.fit.tree["sample_stats"].attrs
    return {
        "draws": options.draws,
        "tune": options.tune,
        "chains": options.chains,
        "seed": options.random_seed,
        "seconds": sampled["seconds_compiling"] + sampled["seconds_sampling"],
        "seconds_compiling": sampled["seconds_compiling"],
        "seconds_sampling": sampled["seconds_sampling"],
        "library": sampled["inference_library"],
        "library_version": sampled["inference_library_version"],
    }


def plain(value: Any, digits: int | None = None) -> Any:
    """Convert to what JSON has: NaN and infinity to None, levels of other types to text.

    Parameters
    ----------
    value
        Anything made of mappings, sequences and numbers.
    digits
        How many significant digits numbers keep; None keeps all.

    Returns
    -------
    dict, list, str, int, float, bool or None
        The same, plain.

    Examples
    --------
    >>> plain({"mean": float("nan"), 3: (1, 2)})
    {'mean': None, '3': [1, 2]}
    >>> plain(247.21134411121673, digits=DIGITS)
    247.211344111
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner, digits) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, digits) for inner in value]
    if isinstance(value, np.generic):
        return plain(value.item(), digits)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return value if digits is None else float(f"{value:.{digits}g}")
    return value if value is None or isinstance(value, bool | int | str) else str(value)
