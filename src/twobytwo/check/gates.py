"""Every check with its two thresholds: one list, one record type, one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import arviz_stats
import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import stats

from twobytwo.ask.design import Design
from twobytwo.check.absences import completed_means
from twobytwo.check.crosscheck import Check
from twobytwo.data.bins import Bins
from twobytwo.data.cells import Cells
from twobytwo.data.pairs import Pairs
from twobytwo.infer.decisions import decide, format_probability, verdict
from twobytwo.infer.effects import Effects
from twobytwo.infer.fit import Fit

__all__ = [
    "THRESHOLDS",
    "Gate",
    "Threshold",
    "data_gates",
    "family_gates",
    "judge",
    "prior_gates",
    "refused",
    "sampler_gates",
    "trend_gates",
]

Floats = npt.NDArray[np.float64]
Status = Literal["pass", "warn", "refuse", "skip"]
Subject = Literal["sampler", "family", "data", "prior"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Where a check begins to warn and where it refuses the headline; None where it never does."""

    warn: float | None
    refuse: float | None
    above: bool = True

    def status(self, value: float) -> Status:
        """Judge a value; one that cannot be computed (NaN) is refused where anything can be.

        Examples
        --------
        >>> Threshold(warn=1.01, refuse=1.05).status(1.02)
        'warn'
        """
        for status, limit in (("refuse", self.refuse), ("warn", self.warn)):
            if limit is not None and not (value <= limit if self.above else value >= limit):
                return status  # type: ignore[return-value]
        return "pass"


# METHODS: Vehtari et al. 2021 for R̂ and ESS; the fidelity limits were set by simulation.
THRESHOLDS: Mapping[str, Threshold] = {
    "rhat": Threshold(warn=1.01, refuse=1.05),
    "ess_bulk": Threshold(warn=1000, refuse=400, above=False),
    "ess_tail": Threshold(warn=1000, refuse=400, above=False),
    "divergences": Threshold(warn=0.0, refuse=0.001),
    "e_bfmi": Threshold(warn=0.3, refuse=0.2, above=False),
    "mcse": Threshold(warn=0.05, refuse=0.10),
    "mean_fidelity": Threshold(warn=0.05, refuse=0.10),
    "contrast_fidelity": Threshold(warn=0.5, refuse=1.0),
    "prior_weight": Threshold(warn=0.2, refuse=None),
    "prior_range": Threshold(warn=0.05, refuse=None),
    "assignment": Threshold(warn=0.01, refuse=0.001, above=False),
    "attrition": Threshold(warn=0.01, refuse=0.001, above=False),
    "balance": Threshold(warn=0.01, refuse=0.001, above=False),
    "positives": Threshold(warn=50, refuse=20, above=False),
    "skewness": Threshold(warn=0.06, refuse=0.2),
    # Simulated (docs/validation.md): where rows spread 1.9 times as far as a gamma says, 95 % intervals cover
    # 73 %; at 1.2 times about 90 %.
    "spread_fidelity": Threshold(warn=1.15, refuse=1.3),
    "largest_share": Threshold(warn=0.05, refuse=None),
    "trends": Threshold(warn=0.0, refuse=None),
    "power_scaling": Threshold(warn=0.05, refuse=None),
}


# The same for a cell mean in standard errors: whatever the per cents, and where these are many.
_IN_ERRORS = (Threshold(warn=2.0, refuse=None), Threshold(warn=0.5, refuse=3.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One check's outcome.

    Parameters
    ----------
    name
        Key of `THRESHOLDS`.
    subject
        What a refusal is about: a refused family is replaced by the safe one, a refused sampler or
        refused data withhold the statement.
    status
        ``"pass"``, ``"warn"``, ``"refuse"``, or ``"skip"`` where the check has no meaning.
    value
        What was measured; None if skipped.
    warn, refuse
        The thresholds.
    message
        What it means and what to do, in a sentence.
    family
        Whose check it is, for the checks of a family.
    """

    name: str
    subject: Subject
    status: Status
    value: float | None
    warn: float | None
    refuse: float | None
    message: str
    family: str | None = None


def judge(name: str, subject: Subject, value: float, messages: Mapping[str, str]) -> Gate:
    """Compare a value with the thresholds of its check.

    Parameters
    ----------
    name
        Key of `THRESHOLDS`.
    subject
        What a refusal is about.
    value
        What was measured.
    messages
        Sentence for ``"pass"`` and for ``"fail"`` (warned or refused).

    Returns
    -------
    Gate
        The outcome.

    Examples
    --------
    >>> judge("rhat", "sampler", 1.2, {"pass": "converged", "fail": "not converged"}).status
    'refuse'
    """
    threshold = THRESHOLDS[name]
    status = threshold.status(value)
    return Gate(
        name=name,
        subject=subject,
        status=status,
        value=value,
        warn=threshold.warn,
        refuse=threshold.refuse,
        message=messages["pass" if status == "pass" else "fail"],
    )


def refused(gates: Sequence[Gate], *subjects: Subject) -> list[Gate]:
    """Pick the gates that refuse, of some subjects or of all.

    Examples
    --------
    >>> refused([judge("rhat", "sampler", 1.0, {"pass": "", "fail": ""})])
    []
    """
    return [gate for gate in gates if gate.status == "refuse" and (not subjects or gate.subject in subjects)]


def sampler_gates(tree: xr.DataTree, effects: Effects) -> list[Gate]:
    """Check convergence of the parameters and of the contrasts themselves.

    Parameters
    ----------
    tree
        Groups ``posterior`` and ``sample_stats``.
    effects
        Labelled draws.

    Returns
    -------
    list of Gate
        R̂, ESS of bulk and tail, divergences, E-BFMI, and the Monte-Carlo error of the headline.
    """
    # Looked at apart: an effect may be called as a factor is.
    datasets = [tree["posterior"].to_dataset(), effects.draws]

    def extreme(diagnose: Callable[[xr.Dataset], xr.Dataset], pick: str) -> float:
        found = [float(getattr(v, pick)()) for draws in datasets for v in diagnose(draws).values()]
        return float(getattr(np, pick)(found))

    divergent = float(tree["sample_stats"]["diverging"].mean())
    headline = effects[effects.headline]
    values = {
        "rhat": extreme(arviz_stats.rhat, "max"),
        "ess_bulk": extreme(arviz_stats.ess, "min"),
        "ess_tail": extreme(partial(arviz_stats.ess, method="tail"), "min"),
        "divergences": divergent,
        "e_bfmi": float(arviz_stats.bfmi(tree)["energy"].min()),
        "mcse": float(arviz_stats.mcse(headline)) / float(headline.std()),
    }
    more = "More draws or tuning steps may help (draws=, tune=)."
    corner = "The posterior has a corner that the sampler cannot enter; try another family or priors."
    messages = {
        "rhat": _said("The chains agree", "The chains disagree", more),
        "ess_bulk": _said("Enough effective draws", "Too few effective draws", more),
        "ess_tail": _said("Enough effective draws in the tails", "Too few in the tails", more),
        "divergences": _said("No transition diverged", f"{divergent:.2%} of transitions diverged", corner),
        "e_bfmi": _said("The sampler moves freely", "The sampler moves too slowly", corner),
        "mcse": _said("Monte-Carlo error is small", "Monte-Carlo error is large", more),
    }
    return [judge(name, "sampler", value, messages[name]) for name, value in values.items()]


def _said(good: str, bad: str, fix: str) -> dict[str, str]:
    return {"pass": f"{good}.", "fail": f"{bad}. {fix}"}


def family_gates(chosen: Fit, robust: Check) -> list[Gate]:
    """Check that the model's means are the data's means.

    Parameters
    ----------
    chosen
        The fit of the family.
    robust
        The companion that asks the same question without a model.

    Returns
    -------
    list of Gate
        Mean fidelity of the worst cell and fidelity of the contrast; for the normal the skewness of the
        contrast, for gammas the spread, for hurdles the number of positive outcomes.
    """
    means = chosen.means
    if means is None:
        message = "Not a mean: a location cannot be compared with the raw means."
        skipped = {"subject": "family", "status": "skip", "value": None, "message": message}
        names = ("mean_fidelity", "contrast_fidelity")
        gates = [
            Gate(name=name, warn=THRESHOLDS[name].warn, refuse=THRESHOLDS[name].refuse, **skipped)  # type: ignore[arg-type]
            for name in names
        ]
    else:
        gates = [_mean_fidelity(chosen, means), _contrast_fidelity(chosen, robust)]
        design = chosen.cells.design
        if chosen.family.raw_means and (design.randomised or design.missing == "available"):
            # Its means are the raw ones wherever these are what is asked for; here they are pooled before, or
            # completed for absences, after as well as before.
            message = "The raw means are not what is asked for here; the contrast is checked instead."
            gates[0] = replace(gates[0], status="skip", value=None, message=message)
    if chosen.family.raw_means:
        gates.append(_skewness(chosen.cells))
    spread = chosen.family.spread_ratio(chosen.cells, chosen.tree["posterior"].to_dataset())
    if spread is not None:
        gates.append(_spread_fidelity(spread))
    if chosen.family.zeros:
        gates.append(_positives(chosen.cells))
    return [replace(gate, family=chosen.family.name) for gate in gates]


def _spread_fidelity(ratio: float) -> Gate:
    """Judge how much further than its family says the outcomes of a cell spread.

    A gamma's means are the sample means whatever the data are, so no other check of a family sees that its
    interval is too narrow.
    """
    messages = {
        "pass": "Outcomes spread as the family says.",
        "fail": (
            f"Outcomes spread {ratio:.2g} times as far as the family says with their mean: its interval is "
            "too narrow."
        ),
    }
    return judge("spread_fidelity", "family", ratio, messages)


def _positives(cells: Cells) -> Gate:
    fewest = int(cells.count("positive").min())
    if cells.pairs is not None:
        fewest = min(fewest, int(cells.pairs.patterns()["n"].isel(pattern=0).min()))
    messages = {
        "pass": f"Every cell has at least {fewest:,} positive outcomes.",
        "fail": f"A cell has only {fewest:,} positive outcomes: too few to know how large they are.",
    }
    return judge("positives", "family", fewest, messages)


def _asked_means(chosen: Fit) -> tuple[Bins, Floats, Floats]:
    """Give the means that a family should have, and their standard errors, without a model of outcomes."""
    cells, pairs = chosen.cells, chosen.cells.pairs
    bins = pairs.changes if pairs is not None and chosen.of_changes else cells.bins
    moments = bins.moments()
    n, raw = moments["n"].to_numpy(), moments["mean"].to_numpy()
    variance = (moments["ss"] / (moments["n"] - 1) / moments["n"]).to_numpy()
    if cells.design.missing == "available" and pairs is not None and not chosen.of_changes:
        raw, covariance = completed_means(pairs)
        variance = np.diagonal(covariance, axis1=1, axis2=2)
    elif cells.design.randomised and raw.ndim > 1:
        # Groups drawn at random have one mean before.
        weight = n[:, 0] / n[:, 0].sum()
        raw[:, 0], variance[:, 0] = weight @ raw[:, 0], weight**2 @ variance[:, 0]
    return bins, raw, np.sqrt(variance)


def _mean_fidelity(chosen: Fit, means: xr.DataArray) -> Gate:
    bins, raw, se = _asked_means(chosen)
    # The median: the mean of exp(μ + σ²/2) need not exist.
    model = means.median(("chain", "draw")).to_numpy()
    with np.errstate(divide="ignore"):
        relative = np.abs(model - raw) / np.abs(raw)
    errors = np.abs(model - raw) / se
    limits = THRESHOLDS["mean_fidelity"]
    # Per cents of a mean near zero mean nothing; below half a standard error nothing is wrong.
    warn = ((relative > (limits.warn or 0)) & (errors > 0.5)) | (errors > 2)
    refuse = (relative > (limits.refuse or 0)) & (errors > 3)
    grade = warn.astype(int) + refuse.astype(int)
    worst = np.unravel_index(np.lexsort((errors.ravel(), grade.ravel()))[-1], grade.shape)
    status: Status = ("pass", "warn", "refuse")[int(grade[worst])]
    labels = ", ".join(names[i] for names, i in zip(bins.coords.values(), worst, strict=True))
    message = "The model's means are the raw means."
    if status != "pass":
        message = (
            f"The model's mean in the cell ({labels}) is {model[worst]:.4g}, the raw mean {raw[worst]:.4g} "
            f"({model[worst] / raw[worst] - 1:+.0%}, {errors[worst]:.1f} standard errors): the outcome is "
            "not distributed as this family assumes."
        )
    # Shown is what decided: per cents, or else standard errors with their own limits.
    shares = [(float(relative[worst]), limits)] if np.isfinite(relative[worst]) else []
    value, by = next(
        (value, by)
        for value, by in [*shares, *((float(errors[worst]), by) for by in _IN_ERRORS)]
        if by.status(value) == status
    )
    return Gate(
        name="mean_fidelity",
        subject="family",
        status=status,
        value=value,
        warn=by.warn,
        refuse=by.refuse,
        message=message,
    )


def _contrast_fidelity(chosen: Fit, robust: Check) -> Gate:
    posterior = float(chosen.effects[chosen.effects.headline].median())
    # Shrinkage towards zero by the stated prior is not infidelity; it has a gate of its own.
    low, high = sorted((robust.estimate, (1 - chosen.prior_weight(robust.se)) * robust.estimate))
    distance = max(low - posterior, posterior - high, 0.0) / robust.se
    found = "in the means completed for absences" if robust.method == "fiml" else "in the raw means"
    messages = {
        "pass": f"The posterior effect is the effect {found}.",
        "fail": (
            f"The posterior effect ({posterior:.4g}) is {distance:.1f} robust standard errors from "
            f"the effect {found} ({robust.estimate:.4g}): the family's means are not the data's."
        ),
    }
    return judge("contrast_fidelity", "family", distance, messages)


def prior_gates(prior_weight: float, p_harm: Sequence[float], power_scaling: float) -> list[Gate]:
    """Check how much the answer is the prior's.

    Parameters
    ----------
    prior_weight
        κ, the prior's share of the headline's posterior.
    p_harm
        P(harm) under each of the priors tried.
    power_scaling
        How much the headline's posterior moves when the prior is raised to a power; see
        `twobytwo.check.sensitivity.power_scaling`.

    Returns
    -------
    list of Gate
        Prior weight, the range of P(harm) across priors, and power-scaling sensitivity.
    """
    low, high = format_probability(min(p_harm)), format_probability(max(p_harm))
    return [
        judge(
            "prior_weight",
            "prior",
            prior_weight,
            {
                "pass": f"The prior has {prior_weight:.1%} of the weight.",
                "fail": f"The prior has {prior_weight:.0%} of the weight: collect more data or defend it.",
            },
        ),
        judge(
            "prior_range",
            "prior",
            max(p_harm) - min(p_harm),
            {
                "pass": f"Across priors P(harm) stays within {low} to {high}.",
                "fail": f"P(harm) depends on the prior: {low} to {high}.",
            },
        ),
        judge(
            "power_scaling",
            "prior",
            power_scaling,
            {
                "pass": "A somewhat stronger or weaker prior gives the same posterior.",
                "fail": "A somewhat stronger or weaker prior moves the posterior: the prior is informative.",
            },
        ),
    ]


def data_gates(cells: Cells) -> list[Gate]:
    """Check who is in which cell.

    Parameters
    ----------
    cells
        The data.

    Returns
    -------
    list of Gate
        For two experiments, whether the one's assignment is independent of the other's; for the same
        users twice, whether absence depends on the group; where the groups were drawn at random, whether
        they were alike before: p-values of tests of what should be true. And the share of the largest value
        in a cell's total.
    """
    gates = _largest_share(cells)
    if cells.design.question == "interaction":
        gates.append(_assignment(cells))
    if cells.pairs is not None and cells.design.missing != "zero":
        gates.append(_attrition(cells.pairs))
    if cells.design.randomised:
        gates.append(_balance(cells))
    return gates


def _skewness(cells: Cells) -> Gate:
    """Skewness of the contrast of means, γ = Σ a³ m₃/n² / V^1.5 (METHODS: Gong et al. 2025)."""
    bins = cells.bins if cells.pairs is None else cells.pairs.changes
    moments = bins.moments()
    n, ss, sc = (moments[name].to_numpy() for name in ("n", "ss", "sc"))
    contrast = cells.design.headline
    if bins is not cells.bins:
        contrast = contrast.of_changes() or contrast
    signs = contrast.array(n.shape)
    if cells.design.randomised and cells.design.period is not None and n.ndim > 1:
        # Groups alike before are compared after only.
        signs[..., 0] = 0.0
    gamma = abs(float((signs * sc / n**3).sum())) / float((signs**2 * ss / n**2).sum()) ** 1.5
    messages = {
        "pass": f"The difference of means is close to normal (skewness {gamma:.2g}).",
        "fail": (
            f"The difference of means is itself skewed (skewness {gamma:.2g}): a few large values in small "
            "cells carry it, and an interval that takes it as normal is wrong on one side. Collect more "
            "data, even out the groups, cap the outcome (cap=), or model the tail (family='tail')."
        ),
    }
    return judge("skewness", "family", gamma, messages)


def _largest_share(cells: Cells) -> list[Gate]:
    if cells.lowest < 0:
        return []
    frame, total = cells.bins.frame, cells.moments()["n"] * cells.moments()["mean"]
    highest = (frame["reference"] + frame["s1"] / frame["n"]).groupby(frame["cell"]).max().to_numpy()
    share = float((highest / total.to_numpy().ravel()).max())
    messages = {
        "pass": f"No value is more than {share:.1%} of its cell's total.",
        "fail": f"One value is {share:.0%} of its cell's total: look at it, or state the effect with a cap.",
    }
    return [judge("largest_share", "data", share, messages)]


def trend_gates(effects: Effects, design: Design) -> list[Gate]:
    """Check whether additive and multiplicative trends lead to one decision.

    Parameters
    ----------
    effects
        Labelled draws.
    design
        Says what harm is.

    Returns
    -------
    list of Gate
        One gate; none where a cell value may be zero or negative, so that nothing multiplies.
    """
    name = f"{effects.headline}_multiplicative"
    if name not in effects:
        return []
    shares = [decide(effects, design, effect=effect).p_material_harm for effect in (effects.headline, name)]
    additive, multiplicative = (verdict(share.value) for share in shares)
    said = f"adding: {shares[0]}, {additive}; multiplying: {shares[1]}, {multiplicative}"
    what = "trends" if design.question == "did" else "effects"
    messages = {
        "pass": f"Whether {what} add or multiply does not change the decision ({said}).",
        "fail": (
            f"The decision depends on whether {what} add or multiply (probability of harm {said}): the "
            "assumption decides, not the data. Say which you believe, and why."
        ),
    }
    gap = abs(shares[0].value - shares[1].value) if additive != multiplicative else 0.0
    return [judge("trends", "prior", gap, messages)]


def _assignment(cells: Cells) -> Gate:
    p = float(stats.chi2_contingency(cells.moments()["n"].to_numpy(), correction=False).pvalue)
    a, b = (factor.column for factor in cells.design.factors)
    messages = {
        "pass": f"{a!r} and {b!r} were assigned independently (p = {p:.2g}).",
        "fail": (
            f"{a!r} and {b!r} were not assigned independently (p = {p:.2g}); find out why before reading "
            "any effect."
        ),
    }
    return judge("assignment", "data", p, messages)


def _attrition(pairs: Pairs) -> Gate:
    counts = pairs.attendance
    counts = counts[:, counts.sum(axis=0) > 0]
    p = float(stats.chi2_contingency(counts, correction=False).pvalue) if counts.shape[1] > 1 else 1.0
    once = 1 - pairs.attendance[:, 0] / pairs.attendance.sum(axis=1)
    shares = " and ".join(
        f"{share:.1%} in {label!r}" for label, share in zip(pairs.coords[pairs.dims[0]], once, strict=True)
    )
    messages = {
        "pass": f"Absence does not depend on the group ({shares} seen once; p = {p:.2g}).",
        "fail": (
            f"Absence depends on the group ({shares} seen once; p = {p:.2g}): those who are left may differ. "
            'If absent means zero, say missing="zero"; otherwise find out who left.'
        ),
    }
    return judge("attrition", "data", p, messages)


def _balance(cells: Cells) -> Gate:
    moments = cells.moments().isel({cells.dims[1]: 0})
    gap = float(moments["mean"][1] - moments["mean"][0])
    se = float((moments["ss"] / (moments["n"] - 1) / moments["n"]).sum()) ** 0.5
    p = float(2 * stats.norm.sf(abs(gap) / se))
    messages = {
        "pass": f"The groups were alike before (gap {gap:.4g}, p = {p:.2g}).",
        "fail": (
            f"The groups were not alike before (gap {gap:.4g}, p = {p:.2g}), which random assignment would "
            "make so; leave out randomised=True or find out what went wrong."
        ),
    }
    return judge("balance", "data", p, messages)
