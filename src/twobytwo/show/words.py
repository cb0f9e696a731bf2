"""The words that every way of showing an answer shares: title, harm, levels, checks, origin."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from twobytwo.ask.listed import listed

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.ask.design import Design
    from twobytwo.ask.factor import Factor
    from twobytwo.check.gate import Gate

__all__ = [
    "STATUS",
    "Provenance",
    "asked",
    "compared",
    "glued",
    "harm_of",
    "measured",
    "not_green",
    "origin",
    "plan_lines",
    "roles",
    "title_of",
    "told",
    "visible",
]

STATUS = {"pass": "passed", "warn": "warning", "refuse": "refused", "skip": "skipped"}
_ROLES = {"group": ("control", "treatment"), "period": ("before", "after"), "factor": ("without", "with")}

# Control characters, invisible ones, halves of surrogates, line and paragraph separators.
_OBEYED = ("Cc", "Cf", "Cs", "Zl", "Zp")


class Provenance(Protocol):
    """Where an analysis was stated; a `twobytwo.answer.plan_analysis.Plan` is one."""

    @property
    def title(self) -> str:
        """What a reader calls the analysis."""

    @property
    def path(self) -> Path:
        """The plan file."""

    @property
    def sha256(self) -> str:
        """The file's fingerprint."""

    @property
    def source(self) -> str:
        """Where the rows are, as the plan says it."""


def glued(words: str) -> str:
    r"""Put no-break spaces where a line must not end: between a number and its sign, unit or per cent.

    Examples
    --------
    >>> glued("it is < 0.1 % so").split(" ")
    ['it', 'is', '<\xa00.1\xa0%', 'so']
    >>> glued("+4.2 minutes or 466 to 490").split(" ")
    ['+4.2\xa0minutes', 'or', '466\xa0to', '490']
    """
    return re.sub(r"(?<=[<>]) (?=\d)|(?<=\d) (?=[^\W\d]|[%€$£°])", "\N{NO-BREAK SPACE}", words)


def asked(design: Design) -> str:
    """Name the question, such as "Difference-in-differences of minutes".

    Examples
    --------
    >>> from twobytwo.ask.design import Design
    >>> asked(Design.interaction(outcome="y", factors=("a", "b")))
    'Interaction of a and b on y'
    """
    factors = listed(factor.name for factor in design.factors)
    return {
        "did": f"Difference-in-differences of {design.metric.said}",
        "interaction": f"Interaction of {factors} on {design.metric.said}",
        "comparison": f"Comparison of {design.metric.said} between groups of {design.factors[0].name}",
    }[design.question]


def compared(design: Design) -> str:
    """Say which levels are set against which, such as "variant 1 against 0, period post against pre"."""
    shown = [
        f"{factor.name} {', '.join(factor.labels[1:])} against {factor.labels[0]}"
        for factor in design.compared
        if factor.role != "factor"
    ]
    return ", ".join(shown)


def harm_of(design: Design) -> str:
    """Say what harm would be, such as "Harm: the treatment makes minutes decrease by more than 5 minutes".

    Examples
    --------
    >>> from twobytwo.ask.design import Design
    >>> levels = {"a": (0, 1), "b": (0, 1)}
    >>> harm_of(Design.interaction(outcome="y", factors=("a", "b"), levels=levels, margin=2))
    'Cannibalisation: an interaction below zero, by more than 2'
    """
    metric, contrast = design.metric, design.headline
    if contrast.kind == "effect":
        size = f" by more than {metric.size(metric.margin)}" if metric.margin else ""
        agents = [each.agent for each in design.contrasts if each.role == "primary"]
        return f"Harm: {' or '.join(agents)} makes {metric.said} {metric.harm}{size}"
    size = f", by more than {metric.size(metric.margin)}" if metric.margin else ""
    return f"Cannibalisation: an interaction {'below' if metric.harm_sign < 0 else 'above'} zero{size}"


def roles(factor: Factor) -> str:
    """Say how a factor's levels are read, such as "0 = control, 1 = treatment"."""
    first, *others = factor.labels
    if factor.launch is not None:
        spans = (span.words for span in factor.launch.spans)
        listed = "; ".join(f"{label}: {words}" for label, words in zip(factor.labels, spans, strict=True))
        return f"launch on {factor.launch.day} ({listed})"
    reference, other = _ROLES[factor.role]
    return ", ".join([f"{first} = {reference}", *(f"{label} = {other}" for label in others)])


def not_green(gates: Sequence[Gate]) -> list[Gate]:
    """Every check that did not simply pass."""
    return [gate for gate in gates if gate.status != "pass"]


def told(gate: Gate, *, refused: bool) -> str:
    """Say what a check measured, its limits, and what it means.

    Parameters
    ----------
    gate
        The check.
    refused
        Whether the headline is: then the checks of the prior keep their findings, which are estimates.
    """
    silent = not gate.message or (refused and gate.subject == "prior")
    return measured(gate) if silent else f"{measured(gate)}: {gate.message}"


def measured(gate: Gate) -> str:
    """Say what a check measured and where its limits are."""
    from twobytwo.check.gate import THRESHOLDS

    named = gate.name if gate.family is None else f"{gate.name} of the {gate.family} family"
    if gate.value is None:
        return named
    side = "above" if THRESHOLDS[gate.name].above else "below"
    limits = [
        f"{verb} {side} {limit:g}"
        for verb, limit in (("warns", gate.warn), ("refuses", gate.refuse))
        if limit is not None
    ]
    return f"{named} = {gate.value:.3g} ({', '.join(limits)})"


def title_of(design: Design, provenance: Provenance | None) -> str:
    """Give the plan's title, or else the question."""
    return asked(design) if provenance is None else provenance.title


def plan_lines(provenance: Provenance | None) -> list[str]:
    """Name the plan file and its fingerprint."""
    return [] if provenance is None else [f"Plan {provenance.path}", f"sha256 {provenance.sha256}"]


def origin(analysis: Analysis, provenance: Provenance | None) -> list[str]:
    """Say from which plan, by which versions and with which seed an answer was computed."""
    sampler, sampled = analysis.options.sampler, analysis.fit.tree["sample_stats"].attrs
    seconds = sampled["seconds_compiling"] + sampled["seconds_sampling"]
    return [
        *plan_lines(provenance),
        f"twobytwo {version('twobytwo')}, {sampled['inference_library']} "
        f"{sampled['inference_library_version']}, {seconds:.1f} s",
        f"{sampler.chains} chains of {sampler.draws:,} draws after {sampler.tune:,} tuning steps, "
        f"seed {sampler.random_seed}",
    ]


def visible(text: str) -> str:
    r"""Show what a terminal would obey, as Python writes it; line breaks stay.

    Examples
    --------
    >>> print(visible("a" + chr(27) + "[2Jb"))
    a\x1b[2Jb
    """
    shown = (
        letter.encode("unicode_escape").decode("ascii")
        if unicodedata.category(letter) in _OBEYED and letter != "\n"
        else letter
        for letter in text
    )
    return "".join(shown)
