"""What a reader of the statement must know: cautions, choices that would change the verdict, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from twobytwo.answer.headline import CAUTIONS, Verdict
from twobytwo.check.gate import Gate
from twobytwo.check.prior_sensitivity import PriorAnswer
from twobytwo.infer.decisions import decide
from twobytwo.infer.fit import Fit

__all__ = ["cautions", "refusals", "reversals"]

_ROWS = "every row counts as a user"
_UNSETTLED = "The calculation did not settle on one answer. Run it again with more draws."
_STUCK = "The calculation could not explore every possible answer. Try another family."
_MISFIT = "The model does not describe these outcomes. Try another family."
# What is wrong and what to do, for who does not know the checks; these have their own messages.
_REFUSALS = {
    "sample_ratio": (
        "The groups are not as large as planned, so users are missing from one of them or counted twice. "
        "Find out where before reading any effect."
    ),
    "assignment": (
        "The experiments were not assigned independently, so their effects cannot be told apart. "
        "Find out how users were assigned."
    ),
    "balance": (
        "The groups already differed before, which random assignment would not do. "
        "Find out how users were assigned, or do not call the groups random."
    ),
    "attrition": (
        "Users of one group are absent more often, and the verdict depends on what they did. "
        "Find out who left, and whether absent means zero."
    ),
    "rhat": _UNSETTLED,
    "ess_bulk": _UNSETTLED,
    "ess_tail": _UNSETTLED,
    "mcse": _UNSETTLED,
    "divergences": _STUCK,
    "e_bfmi": _STUCK,
    "mean_fidelity": _MISFIT,
    "log_skewness": _MISFIT,
    "contrast_fidelity": _MISFIT,
    "spread_fidelity": _MISFIT,
    "gain": (
        "The model is far more certain than the data, because of what it takes the largest values to be. "
        "Set a cap, or collect more data."
    ),
    "zero_fidelity": _MISFIT,
    "positives": "Too few users of a group are active to know how much they do. Collect more data.",
    "tail_stability": (
        "The largest values thin out faster or slower than this family says, so its mean cannot be trusted. "
        "Try another family."
    ),
    "skewness": (
        "A few very large values decide the answer, so its interval cannot be trusted. "
        "Collect more data, or set a cap."
    ),
    "spread_alike": (
        "The smaller group has few of the largest values, so its interval may be too narrow. "
        "Set a cap, or collect more data."
    ),
    "spread_before": (
        "The smaller group happens to have few of the largest users, so its interval is too narrow. "
        "Set a cap, or collect more data."
    ),
}


def cautions(chosen: Fit, gates: Sequence[Gate]) -> list[str]:
    """Say in a clause each what a reader must bear in mind.

    Parameters
    ----------
    chosen
        The fit that answers.
    gates
        Every gate of it, of the data and of the prior.

    Returns
    -------
    list of str
        One sentence, or none.
    """
    metric = chosen.cells.design.metric
    # The caps of a ratio say what is capped.
    whose = f"{metric.name} " if metric.denominator is None else ""
    clauses = [f"{whose}{metric.caps}"] if metric.capped else []
    clauses += [_ROWS] if chosen.cells.design.days_are_rows else []
    warned = [gate.name for gate in gates if gate.status == "warn"]
    clauses += [clause for name, clause in CAUTIONS.items() if name in warned]
    return [f"Caution: {'; '.join(clauses)}."] if clauses else []


def refusals(against: Sequence[Gate]) -> list[str]:
    """Say once, in plain words, what is wrong and what to do.

    Parameters
    ----------
    against
        The gates that refuse.

    Returns
    -------
    list of str
        A sentence or two for each thing that is wrong, however many checks found it.

    Examples
    --------
    >>> from twobytwo.check.gate import judge
    >>> found = [judge(name, "sampler", 9.0, {"pass": "", "fail": ""}) for name in ("rhat", "mcse")]
    >>> refusals(found)
    ['The calculation did not settle on one answer. Run it again with more draws.']
    """
    return list(dict.fromkeys(_REFUSALS.get(gate.name, gate.message) for gate in against))


def reversals(
    chosen: Fit,
    verdict: Callable[[float], Verdict],
    *,
    priors: Mapping[str, Sequence[PriorAnswer]],
    uncapped: Fit | None,
) -> tuple[str, ...]:
    """Name the choices under which a verdict would be another.

    Parameters
    ----------
    chosen
        The fit that answers.
    verdict
        Gives the verdict for a probability of harm beyond the margin.
    priors
        The answers under other priors, by the name of the effect.
    uncapped
        The same fit without the design's cap, if it has one.

    Returns
    -------
    tuple of str
        A clause for each other verdict, such as "harm if trends multiply rather than add"; of several
        treatments it names whose.
    """
    design = chosen.cells.design
    found: dict[str, list[str]] = {}
    for contrast in design.primary:
        own = verdict(decide(chosen.effects, design, effect=contrast.name).p_material_harm.value)
        whose = f" for {contrast.agent}" if len(design.primary) > 1 else ""
        for choice, share in _choices(chosen, contrast.name, priors[contrast.name], uncapped):
            if verdict(share) != own:
                found.setdefault(f"{verdict(share)}{whose}", []).append(choice)
    return tuple(f"{name} {' or '.join(choices)}" for name, choices in found.items())


def _choices(
    chosen: Fit, effect: str, priors: Sequence[PriorAnswer], uncapped: Fit | None
) -> Iterator[tuple[str, float]]:
    """Give every other choice at hand, and the probability of harm beyond the margin under it."""
    effects, design = chosen.effects, chosen.cells.design
    multiplied = f"{effect}_multiplicative"
    if multiplied in effects:
        what = "effects" if design.period is None else "trends"
        share = decide(effects, design, effect=multiplied).p_material_harm.value
        yield f"if {what} multiply rather than add", share
    for answer in priors:
        yield f"under the {answer.prior} prior", answer.p_material_harm
    if uncapped is not None:
        whole = decide(uncapped.effects, uncapped.cells.design, effect=effect)
        yield "without the cap", whole.p_material_harm.value
