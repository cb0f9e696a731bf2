"""From a question and a table to an answer: the one orchestrator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

# Before PyMC and SciPy: it looks for libraries that are not installed and, to say where it did so, walks
# through all modules that are loaded. Later that takes half a second, here next to nothing.
import arviz_base  # noqa: F401

from twobytwo.answer.analysis import Analysis
from twobytwo.answer.options import Options
from twobytwo.answer.statement import headline
from twobytwo.ask.design import Design
from twobytwo.ask.listed import listed
from twobytwo.check.crosscheck import robust_check
from twobytwo.check.gate import Gate, of_every, refused
from twobytwo.check.gates.data import data_gates
from twobytwo.check.gates.estimand import estimand_gates
from twobytwo.check.gates.family import family_gates, foreseen
from twobytwo.check.gates.prior import prior_gates, trend_gates
from twobytwo.check.gates.sampler import sampler_gates
from twobytwo.check.prior_sensitivity import across_priors, power_scaling
from twobytwo.check.record import Check
from twobytwo.data.cells import Cells, compress
from twobytwo.data.largest import largest_users
from twobytwo.errors import DesignError
from twobytwo.infer.automatic import Candidate, candidates
from twobytwo.infer.families import Family, family_of
from twobytwo.infer.families.normal import Normal
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.priors import Priors

__all__ = ["analyze"]


def analyze(data: Any, design: Design, options: Options | None = None) -> Analysis:
    """Answer a question that is stated as a `Design`.

    Parameters
    ----------
    data
        A table, as for `twobytwo.did`; or `Cells` compressed earlier for the same design.
    design
        The question.
    options
        How to answer it.

    Returns
    -------
    Analysis
        Posterior, effects, decision, checks.

    Raises
    ------
    DesignError, DataError
        As for `twobytwo.did`.

    Examples
    --------
    >>> from twobytwo import simulate
    >>> design = Design.interaction(outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"))
    >>> analyze(simulate.cannibalisation(), design).headline.status
    'ok'
    """
    options = options or Options()
    cells = _of_design(data, design) if isinstance(data, Cells) else compress(data, design)
    priors = Priors.of(options.priors)
    asked = cells.design.primary
    robust = _robust(cells, options.ci_prob)
    chosen, checks, refused_fit, against, note = _answering(cells, options, priors, robust)
    beside, beside_against = _mean_of(chosen, priors, options)
    uncapped = None if cells.uncapped is None else fit(cells.uncapped, chosen.family, priors, options.sampler)
    unsound = [] if uncapped is None else refused(_checks(uncapped))
    sampled = sampler_gates(chosen.tree, chosen.effects, asked)
    # Draws that are refused are not worth reweighting, and their weights may not even exist.
    answers = across_priors(
        chosen, ci_prob=options.ci_prob, options=options.sampler, only_own=bool(refused(sampled))
    )
    most = options.max_probability
    checks = [
        *checks,
        *sampled,
        *of_every(asked, lambda contrast: data_gates(cells, contrast, max_probability=most)),
    ]
    if not refused(checks):
        # An answer that is withheld depends on nothing, and a check must not tell it.
        checks += of_every(
            asked,
            lambda contrast: [
                *prior_gates(
                    chosen.prior_weight(robust[contrast.name].se, contrast),
                    [answer.p_harm for answer in answers[contrast.name]],
                    power_scaling(chosen, contrast),
                ),
                *trend_gates(chosen.effects, cells.design, contrast, max_probability=most),
            ],
        )
        if beside is not None:
            found = of_every(
                asked,
                lambda contrast: estimand_gates(
                    chosen, beside, beside_against, contrast, max_probability=most
                ),
            )
            checks += [replace(gate, family=chosen.family.name) for gate in found]
    gates = (*against, *checks)
    return Analysis(
        design=cells.design,
        cells=cells,
        options=options,
        fit=chosen,
        refused_fit=refused_fit,
        uncapped=uncapped,
        gates=gates,
        priors=answers[chosen.effects.headline],
        headline=headline(
            chosen,
            gates,
            robust=robust,
            priors=answers,
            ci_prob=options.ci_prob,
            max_probability=options.max_probability,
            refused_fit=refused_fit,
            uncapped=uncapped,
            unsound=unsound,
            beside=beside,
            beside_against=beside_against,
            note=note,
        ),
        compress_again=None if isinstance(data, Cells) else partial(compress, data),
        name_largest=None if isinstance(data, Cells) else partial(largest_users, data),
    )


def _robust(cells: Cells, ci_prob: float = 0.95) -> dict[str, Check]:
    """Ask everything that is stated without a model, by the name of its effect."""
    return {contrast.name: robust_check(cells, ci_prob, contrast) for contrast in cells.design.primary}


def _answering(
    cells: Cells, options: Options, priors: Priors, robust: Mapping[str, Check]
) -> tuple[Fit, list[Gate], Fit | None, list[Gate], str]:
    """Find the fit that answers.

    Returns
    -------
    tuple
        The fit, its gates, the fit of the family asked for if that was refused, the gates that refused it,
        and why this family answers if nobody asked for it.
    """

    def tried(family: Family) -> tuple[Fit, list[Gate]]:
        fitted = fit(cells, family, priors, options.sampler)
        return fitted, _family_gates(fitted, robust)

    if options.family == "auto":
        fitted, checks, note, _ = _first_that_passes(candidates(cells), tried, cells)
        return fitted, checks, None, [], note
    family = family_of(options.family)
    chosen, checks = tried(family)
    if not refused(checks):
        return chosen, checks, None, [], ""
    # The normal, which is safe for the mean; where it is withheld too, whichever family passes.
    others = [one for one in candidates(cells) if one.family.name != family.name]
    others.sort(key=lambda one: not one.family.raw_means)
    if not others:
        return chosen, checks, None, [], ""
    fitted, found, _, passes = _first_that_passes(others, tried, cells)
    if family.raw_means and not passes:
        return chosen, checks, None, [], ""
    return fitted, found, chosen, refused(checks), ""


def _first_that_passes(
    offered: Sequence[Candidate], tried: Callable[[Family], tuple[Fit, list[Gate]]], cells: Cells
) -> tuple[Fit, list[Gate], str, bool]:
    """Take the first whose checks do not refuse it; what is refused before it is fitted is not fitted.

    Returns
    -------
    tuple
        The fit, its gates, why it answers, and whether it passes; without one that does, the normal's, and
        which others were tried.
    """
    over: list[Candidate] = []
    last: dict[str, tuple[Fit, list[Gate]]] = {}
    for candidate in offered:
        known = of_every(cells.design.primary, partial(foreseen, candidate.family, cells))
        if candidate.only_if_clean and any(gate.status != "pass" for gate in known):
            continue
        if refused(known):
            over.append(candidate)
            continue
        with warnings.catch_warnings(action="ignore" if over else "default"):
            fitted, checks = tried(candidate.family)
        if not refused(checks):
            return fitted, checks, _why(candidate, over), True
        last[candidate.family.name] = fitted, checks
        over.append(candidate)
    # None passes: the one that is safe for the mean says why nothing is stated.
    candidate = max(offered, key=lambda one: (one.family.raw_means, not one.only_if_clean))
    with warnings.catch_warnings(action="ignore"):
        fitted, checks = last.get(candidate.family.name) or tried(candidate.family)
    others = [one.family.name for one in over if one.family.name != candidate.family.name]
    return fitted, checks, f"No other family passed its checks ({listed(others)})." if others else "", False


def _why(candidate: Candidate, over: Sequence[Candidate]) -> str:
    whose = "their" if len(over) > 1 else "its"
    after = f" ({listed(one.family.name for one in over)} did not pass {whose} checks)" if over else ""
    # That the normal answers where nothing else was tried needs no words, unless strata were to be expected.
    said = bool(over) or candidate.told or candidate.only_if_clean or not candidate.family.raw_means
    return f"The {candidate.family.name} family answers{after}: {candidate.reason}." if said else ""


def _mean_of(chosen: Fit, priors: Priors, options: Options) -> tuple[Fit | None, list[Gate]]:
    """Answer for the mean where the family asked for does not, and give what refuses that answer."""
    if chosen.family.estimand == "mean":
        return None, []
    beside = fit(chosen.cells, Normal(), priors, options.sampler)
    return beside, refused(_checks(beside))


def _checks(fitted: Fit) -> list[Gate]:
    """Check a fit beside the headline's as strictly as the headline's own."""
    return [
        *_family_gates(fitted, _robust(fitted.cells)),
        *sampler_gates(fitted.tree, fitted.effects, fitted.cells.design.primary),
    ]


def _family_gates(fitted: Fit, robust: Mapping[str, Check]) -> list[Gate]:
    return of_every(
        fitted.cells.design.primary,
        lambda contrast: family_gates(fitted, robust[contrast.name], contrast),
    )


def _of_design(cells: Cells, design: Design) -> Cells:
    """Ask compressed data another question of the same columns: harm, margin, randomised, shares."""
    fixed = ("question", "unit", "missing", "agg", "wide", "covariate", "without_top")
    differ = [name for name in fixed if getattr(design, name) != getattr(cells.design, name)]
    # What the values are, as opposed to what is thought of them.
    measured = ("column", "kind", "upper_bound", "cap", "daily_cap")
    metric = cells.design.metric.asked_again(design.metric)
    differ += [name for name in measured if getattr(metric, name) != getattr(cells.design.metric, name)]
    levels = {factor.column: factor.levels or () for factor in cells.design.factors}
    if design.columns != cells.design.columns:
        differ.append("columns")
    else:
        for factor in design.factors:
            if not factor.completed_by(levels[factor.column]):
                differ.append(f"the levels of {factor.column!r}")
    named = zip(cells.design.factors, design.factors, strict=False)
    if any(own.words != stated.own_words(own.levels or ()) for own, stated in named):
        differ.append("labels")
    days = [
        [factor.launch and replace(factor.launch, spans=()) for factor in asked.factors]
        for asked in (design, cells.design)
    ]
    if days[0] != days[1]:
        differ.append("launch")
    if differ:
        msg = (
            f"These cells were compressed for another design: {', '.join(differ)} differ. Ask them with "
            "cells.design, or compress again with this design."
        )
        raise DesignError(msg)
    pairs = zip(cells.design.factors, design.factors, strict=True)
    factors = tuple(own.restated(stated) for own, stated in pairs)
    asked = replace(cells.design, metric=metric, randomised=design.randomised, factors=factors)
    whole = replace(asked, metric=metric.uncapped())
    uncapped = cells.uncapped and replace(cells.uncapped, design=whole)
    return replace(cells, design=asked, uncapped=uncapped)
