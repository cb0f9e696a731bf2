"""Bayesian answers to questions about product experiments with skewed metrics.

Did the treated group change more than the control group? Do concurrent experiments cannibalise each other?
Does one of several groups differ from control? Can we launch? Public names are loaded when first used, so
that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twobytwo import simulate
    from twobytwo.answer.analysis import Analysis
    from twobytwo.answer.analyze import analyze
    from twobytwo.answer.card import Scorecard
    from twobytwo.answer.card_store import load_scorecard
    from twobytwo.answer.options import Options
    from twobytwo.answer.questions import compare, did, interaction
    from twobytwo.answer.scorecard import scorecard
    from twobytwo.answer.store import load
    from twobytwo.ask.design import Design
    from twobytwo.check.validation import validate
    from twobytwo.data.cells import Cells, compress
    from twobytwo.data.explain import explain
    from twobytwo.errors import DataError, DesignError, PlanError, TwoByTwoError
    from twobytwo.infer.engine.sampling import SamplerOptions
    from twobytwo.infer.families import family
    from twobytwo.infer.priors import Priors
    from twobytwo.show import plots

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
    "Scorecard",
    "TwoByTwoError",
    "analyze",
    "compare",
    "compress",
    "did",
    "explain",
    "family",
    "interaction",
    "load",
    "load_scorecard",
    "plots",
    "scorecard",
    "simulate",
    "validate",
]

_HOME = {
    "Analysis": "answer.analysis",
    "Cells": "data.cells",
    "DataError": "errors",
    "Design": "ask.design",
    "DesignError": "errors",
    "Options": "answer.options",
    "PlanError": "errors",
    "Priors": "infer.priors",
    "SamplerOptions": "infer.engine.sampling",
    "Scorecard": "answer.card",
    "TwoByTwoError": "errors",
    "analyze": "answer.analyze",
    "compare": "answer.questions",
    "compress": "data.cells",
    "did": "answer.questions",
    "explain": "data.explain",
    "family": "infer.families",
    "interaction": "answer.questions",
    "load": "answer.store",
    "load_scorecard": "answer.card_store",
    "scorecard": "answer.scorecard",
    "validate": "check.validation",
}

# Whole modules that are public: experiments with known truth, and pictures.
_MODULES = {"plots": "twobytwo.show.plots", "simulate": "twobytwo.simulate"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOME:
        return getattr(import_module(f"twobytwo.{_HOME[name]}"), name)
    msg = f"module 'twobytwo' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
