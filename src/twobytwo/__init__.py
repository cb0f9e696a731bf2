"""Bayesian answers to two questions about product experiments with skewed metrics.

Did the treated group change more than the control group? Do two concurrent experiments help or
cannibalise each other? Public names are loaded when first used, so that importing the package costs
nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twobytwo import simulate
    from twobytwo.analysis import Analysis, Options, analyze, did, interaction
    from twobytwo.cells import Cells, compress
    from twobytwo.design import Design
    from twobytwo.errors import DataError, DesignError, PlanError, TwoByTwoError
    from twobytwo.families import family
    from twobytwo.priors import Priors
    from twobytwo.sampling import SamplerOptions
    from twobytwo.store import load

__all__ = [
    "Analysis",
    "Cells",
    "DataError",
    "Design",
    "DesignError",
    "Options",
    "PlanError",
    "Priors",
    "SamplerOptions",
    "TwoByTwoError",
    "analyze",
    "compress",
    "did",
    "family",
    "interaction",
    "load",
    "simulate",
]

_HOME = {
    "Analysis": "analysis",
    "Cells": "cells",
    "DataError": "errors",
    "Design": "design",
    "DesignError": "errors",
    "Options": "analysis",
    "PlanError": "errors",
    "Priors": "priors",
    "SamplerOptions": "sampling",
    "TwoByTwoError": "errors",
    "analyze": "analysis",
    "compress": "cells",
    "did": "analysis",
    "family": "families",
    "interaction": "analysis",
    "load": "store",
}


def __getattr__(name: str) -> Any:
    if name == "simulate":
        return import_module("twobytwo.simulate")
    if name in _HOME:
        return getattr(import_module(f"twobytwo.{_HOME[name]}"), name)
    msg = f"module 'twobytwo' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
