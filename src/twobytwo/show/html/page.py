"""An analysis as one self-contained page for who has to decide."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from twobytwo.answer.how import subject
from twobytwo.ask.units import counted
from twobytwo.check.crosscheck import robust_check
from twobytwo.infer.decisions import format_probability, probability
from twobytwo.show import plots
from twobytwo.show.html.render import render
from twobytwo.show.strata import strata_in_words
from twobytwo.show.tables import (
    cells_table,
    crosscheck_table,
    effects_table,
    picture_in_words,
    prior_share,
    sensitivity_frame,
    sensitivity_table,
)
from twobytwo.show.words import asked, glued, harm_of, not_green, roles, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twobytwo.answer.analysis import Analysis
    from twobytwo.ask.design import Design
    from twobytwo.check.sensitivity import Sensitivity
    from twobytwo.show.words import Provenance

__all__ = ["harm_curve", "html"]

# Margins, and the probability of harm beyond each, written out.
Curve = Sequence[tuple[float, str]]
_STEPS = 200
_MISSING = {
    "zero": "their absence counts as 0",
    "drop": "left out",
    "available": "used where they were seen",
}


def html(analysis: Analysis, provenance: Provenance | None = None, panel: Sensitivity | None = None) -> str:
    r"""Write an analysis as one page that needs nothing else.

    Parameters
    ----------
    analysis
        The answered question.
    provenance
        The plan it comes from, if it comes from one.
    panel
        What ``analysis.sensitivity()`` found; None takes the presets of priors, which are at hand.

    Returns
    -------
    str
        HTML with pictures, style and script inside. Of a refused headline: why, the checks and the data,
        but no estimate.

    Examples
    --------
    >>> html(result)[:32]
    '<!DOCTYPE html>\n<html lang="en">'
    """
    refused = analysis.headline.status == "refused"
    question, title = asked(analysis.design), title_of(analysis.design, provenance)
    estimates = {} if refused else _estimates(analysis, panel)
    return render(
        "page.html",
        title=title,
        question=f"{'' if title == question else f'{question}. '}{harm_of(analysis.design)}.",
        sentences=[glued(sentence) for sentence in analysis.headline.sentences],
        how=[glued(sentence) for sentence in analysis.headline.how],
        reversals=analysis.headline.reversals,
        refused=refused,
        found=not_green(analysis.gates),
        passed=[gate for gate in analysis.gates if gate.status == "pass"],
        assumptions=_assumptions(analysis),
        data=cells_table(
            analysis.cells, "" if provenance is None else provenance.source, None if refused else analysis
        ),
        facts=_facts(analysis, provenance),
        **estimates,
    )


def _estimates(analysis: Analysis, panel: Sensitivity | None) -> dict[str, Any]:
    """Give what a refused headline withholds."""
    return {
        "effect": _figure(
            plots.plot_effect(analysis, plots.blank(6.2, 3.6)),
            picture_in_words(analysis),
            "How plausible each size of the effect is, given the data. The black bar holds "
            f"{100 * analysis.headline.ci_prob:g} % of the probability.{_whose(analysis)}",
        ),
        "margin": _margin(analysis),
        "why": _why(analysis),
        "changes": _changes(analysis, panel),
    }


def _whose(analysis: Analysis) -> str:
    """Say whose effect pictures show, where several treatments were compared."""
    primary = analysis.design.primary
    if len(primary) < 2:
        return ""
    return (
        f" It is the effect of {primary[0].agent}, as are the margin, the other methods and the choices "
        "below; the table of effects has every treatment."
    )


def _figure(ax: Axes, alt: str, caption: str) -> dict[str, str]:
    return {"picture": plots.encode(ax, "svg"), "alt": alt, "caption": caption}


def harm_curve(analysis: Analysis) -> list[tuple[float, str]]:
    """Give the probability of harm beyond a margin, written out, for a grid of margins.

    Parameters
    ----------
    analysis
        An answered question.

    Returns
    -------
    list of (float, str)
        Margins from 0 to where harm is out of the question, the design's among them.
    """
    stated, draws = analysis.headline, analysis.effects[analysis.headline.effect]
    harm = analysis.design.metric.harm_sign * draws
    largest = max(2 * stated.margin, float(harm.quantile(0.9995)), float(draws.std()))
    step = _round_up(largest / _STEPS)
    decimals = max(0, -math.floor(math.log10(step)))
    margins = {round(k * step, decimals) for k in range(math.ceil(largest / step) + 1)} | {stated.margin}
    written = []
    for margin in sorted(margins):
        share = float((harm > margin).mean())
        # Only near 0 and 1 do the digits depend on the Monte-Carlo error, which takes longer to compute.
        known = probability(harm > margin, draws) if 0.001 <= min(share, 1 - share) < 0.01 else None
        written.append((margin, format_probability(share) if known is None else str(known)))
    return written


def _round_up(value: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-12))


def _margin(analysis: Analysis) -> dict[str, Any]:
    """Give the sentence whose margin can be moved, and all that the page's script chooses from."""
    stated, design, curve = analysis.headline, analysis.design, harm_curve(analysis)
    contrast = design.headline
    verb = "lowers" if design.metric.harm == "decrease" else "raises"
    does = f"{verb} {subject(analysis.fit)}" if contrast.kind == "effect" else "cannibalise each other"
    event = f"The probability that {contrast.agent} {does}"
    margins = [margin for margin, _ in curve]
    index = margins.index(stated.margin)
    return {
        "event": event,
        "text": _with_unit(stated.margin, design),
        "probability": curve[index][1],
        "stated": f"{stated.margin:g}",
        "unit": design.metric.measure,
        "index": index,
        "last": len(curve) - 1,
        "largest": f"{margins[-1]:g}",
        "step": f"{max(margins[1] - margins[0], 1e-12):g}",
        "curve": {
            "margins": margins,
            "texts": [_with_unit(margin, design) for margin in margins],
            "probabilities": [written for _, written in curve],
        },
    }


def _with_unit(margin: float, design: Design) -> str:
    return counted(f"{margin:g}", design.metric.measure)


def _why(analysis: Analysis) -> dict[str, Any]:
    found = [gate for gate in analysis.gates if gate.status in ("warn", "refuse")]
    total = len(analysis.gates)
    passed = sum(gate.status == "pass" for gate in analysis.gates)
    crosscheck, cells = crosscheck_table(analysis), None
    robust = robust_check(analysis.cells, analysis.headline.ci_prob).method
    rows = [row[0] for row in crosscheck.rows]
    two = [name for name in ("posterior", robust) if name in rows]
    if not analysis.fit.of_changes:
        words = "The cell values with intervals"
        if len(analysis.design.headline.corners) == 4:
            kind = analysis.design.headline.kind
            words += f", and what was to be expected without an {kind}"
        words += "."
        cells = _figure(
            plots.plot_cells(analysis, plots.blank(6.2, 4.2)),
            f"{words} The table of the data below has the numbers.",
            words,
        )
    return {
        "prior_share": f"{100 * prior_share(analysis):.2g}",
        "checks": f"{len(found)} of {total} checks {'asks' if len(found) == 1 else 'ask'} for caution."
        if found
        else f"{'All' if passed == total else f'{passed} of'} {total} checks passed"
        f"{'' if passed == total else '; the rest do not apply'}.",
        "effects": effects_table(analysis),
        "cells": cells,
        "strata": _strata(analysis),
        "crosscheck": crosscheck,
        "methods": _figure(
            plots.plot_crosscheck(analysis, plots.blank(6.2, 1.6 + 0.32 * len(two)), two),
            f"The estimate by the model and by {robust}, with intervals. {crosscheck.note}",
            "The same effect by the method that assumes least; the table has all methods.",
        ),
    }


def _strata(analysis: Analysis) -> dict[str, str] | None:
    if not analysis.fit.family.of_strata:
        return None
    return _figure(
        plots.plot_strata(analysis, plots.blank(6.2, 4)),
        strata_in_words(analysis),
        "The effect on light and heavy users, by what they did before.",
    )


def _changes(analysis: Analysis, panel: Sensitivity | None) -> dict[str, Any]:
    tried = sensitivity_table(analysis, panel)
    frame = sensitivity_frame(analysis, panel)
    trusted = frame[frame["fidelity"] == "ok"] if "fidelity" in frame else frame
    shares = (frame if trusted.empty else trusted)["p_material_harm"]
    low, high = (format_probability(float(share)) for share in (shares.min(), shares.max()))
    span = f"stays at {low}" if low == high else f"ranges from {low} to {high}"
    passing = "" if len(shares) == len(frame) else ", those whose family passes its checks"
    alone = "" if analysis.headline.margin == 0 else " beyond the margin"
    said = (
        f"Across {len(shares)} of the {len(frame)} ways to ask that were tried{passing}, the probability of "
        f"harm{alone} {span}. "
        "If a way to ask that you find as reasonable gives another answer, the data do not decide alone."
    )
    moved = (
        "The probability of harm larger than x, for every x: where the margin lies decides how much it says."
    )
    height = plots.sensitivity_height(analysis, panel)
    return {
        "said": said,
        "table": tried,
        "choices": _figure(
            plots.plot_sensitivity(analysis, panel, plots.blank(6.2, height)),
            f"The effect with its interval under {len(tried.rows)} choices. {said}",
            "The effect under each choice, in order of its size.",
        ),
        "harm": _figure(plots.plot_harm(analysis, plots.blank(6.2, 3.6)), moved, moved),
    }


def _assumptions(analysis: Analysis) -> list[str]:
    design, priors = analysis.design, analysis.fit.priors
    made = [*_assignment(design), *_independence(analysis)]
    made.append("What one user gets does not change what another does (no interference).")
    estimand = analysis.headline.estimand.replace("_", " ")
    made += [
        f"Likelihood: {analysis.fit.family.name}, an effect on the {estimand}.",
        f"Priors: {priors.name}, normal, with standard deviations in {_yardstick(analysis)}.",
    ]
    if analysis.refused_fit is not None:
        made.append(
            f"The {analysis.refused_fit.family.name} family was asked for and refused; the checks say why."
        )
    return made


def _assignment(design: Design) -> list[str]:
    """Say what is assumed of who got what."""
    names = [factor.name for factor in design.factors]
    if design.headline.kind == "interaction":
        return [
            f"Users were assigned to {', to '.join(names[:-1])} and to {names[-1]} at random and "
            "independently.",
            "No interaction means that the separate effects add up, in units of the outcome.",
        ]
    group = design.factors[0]
    if design.randomised or design.period is None:
        alike = f"The groups of {group.name} were drawn at random, so that they were alike before."
    else:
        before, after = design.factors[1].labels[0], design.factors[1].labels[-1]
        alike = (
            f"Without the treatment the groups of {group.name} would have changed alike from {before} to "
            f"{after} (parallel trends)."
        )
    return [alike, "Nothing else happened to one group only."]


def _independence(analysis: Analysis) -> list[str]:
    """Say what is assumed of users or rows, and of those who are absent."""
    design = analysis.design
    if not design.paired:
        return ["Every row is independent of the others."]
    made = ["The same users were measured twice; users are independent of each other."]
    if design.missing is not None:
        policy = "drop" if analysis.fit.of_changes and design.missing == "available" else design.missing
        made.append(f"Users seen in one period only: {_MISSING[policy]}.")
    return made


def _yardstick(analysis: Analysis) -> str:
    """Name what the effects' priors are multiples of."""
    family = analysis.fit.family
    made = "multiples of the outcome's mean"
    if family.link == "log":
        made = "logs: a standard deviation of 1 is a factor of e"
    elif family.link == "logit":
        made = "log-odds"
    elif analysis.cells.lowest < 0 < analysis.cells.highest:
        made = "multiples of the larger of the outcome's mean and standard deviation"
    return (
        f"{made}; of effects on who is active, in log-odds"
        if "activity_effects" in analysis.fit.tree["posterior"]
        else made
    )


def _facts(analysis: Analysis, provenance: Provenance | None) -> dict[str, str]:
    sampler, design = analysis.options.sampler, analysis.design
    sampled = analysis.fit.tree["sample_stats"].attrs
    libraries = ", ".join(f"{name} {version(name)}" for name in ("twobytwo", "pymc", "arviz"))
    library = f"{sampled['inference_library']} {sampled['inference_library_version']}"
    facts = {
        "Question": asked(design),
        "Levels": "; ".join(f"{factor.column}: {roles(factor)}" for factor in design.factors),
        "Model": f"{analysis.fit.family.name} family, {analysis.fit.priors.name} priors",
        "Sampler": (
            f"{library}, {sampler.chains} chains of {sampler.draws:,} draws after {sampler.tune:,} "
            "tuning steps"
        ),
        "Seed": str(sampler.random_seed),
        "Data": f"sha256 {analysis.cells.fingerprint}",
        "Versions": f"{libraries}, Python {platform.python_version()}",
        "Written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }
    if provenance is None:
        return facts
    return {"Plan": f"{provenance.path}, sha256 {provenance.sha256}", "Source": provenance.source} | facts
