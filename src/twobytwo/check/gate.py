"""What a check is: its two thresholds, its outcome, and what a refusal is about."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from twobytwo.ask.contrast import Contrast

__all__ = ["THRESHOLDS", "Gate", "Status", "Subject", "Threshold", "judge", "of_every", "refused", "skipped"]

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


# docs/methods.md, section 5. R̂ and ESS as in Vehtari et al. 2021; the fidelity limits were set by simulation.
THRESHOLDS: Mapping[str, Threshold] = {
    "rhat": Threshold(warn=1.01, refuse=1.05),
    "ess_bulk": Threshold(warn=1000, refuse=400, above=False),
    "ess_tail": Threshold(warn=1000, refuse=400, above=False),
    "divergences": Threshold(warn=0.0, refuse=0.001),
    "e_bfmi": Threshold(warn=0.3, refuse=0.2, above=False),
    "mcse": Threshold(warn=0.05, refuse=0.10),
    "mean_fidelity": Threshold(warn=0.05, refuse=0.10),
    "log_skewness": Threshold(warn=0.05, refuse=0.10),
    "contrast_fidelity": Threshold(warn=2.0, refuse=3.0),
    # On real populations (docs/methods.md) intervals under half as wide as the companion's covered 65 %, up
    # to .7 times 85 %, wider ones 97 %.
    "gain": Threshold(warn=0.7, refuse=0.5, above=False),
    "prior_weight": Threshold(warn=0.2, refuse=None),
    "prior_range": Threshold(warn=0.05, refuse=None),
    "assignment": Threshold(warn=0.01, refuse=0.001, above=False),
    "sample_ratio": Threshold(warn=0.01, refuse=0.001, above=False),
    "baseline_gap": Threshold(warn=0.2, refuse=None),
    # It refuses where the verdict depends on what absent users did; see `twobytwo.check.readings`.
    "attrition": Threshold(warn=0.01, refuse=None, above=False),
    "balance": Threshold(warn=0.01, refuse=0.001, above=False),
    "positives": Threshold(warn=100, refuse=50, above=False),
    "rare_events": Threshold(warn=10, refuse=None, above=False),
    "stratum_users": Threshold(warn=30, refuse=None, above=False),
    "stratum_signs": Threshold(warn=0.8, refuse=None),
    "stratum_spread": Threshold(warn=1.2, refuse=None),
    "skewness": Threshold(warn=0.06, refuse=0.2),
    # Simulated (docs/methods.md): beyond 1.6 the normal covers as little as 70 %, up to it 90 % and more.
    "spread_before": Threshold(warn=1.3, refuse=1.6),
    # On real populations (docs/precision.md), a tenth treated: at 1.6 what is stated covers 89 %, at 1.4 92.
    "spread_alike": Threshold(warn=1.3, refuse=1.4),
    # Simulated (docs/validation.md): where rows spread 1.9 times as far as a gamma says, 95 % intervals cover
    # 73 %; at 1.2 times about 90 %.
    "spread_fidelity": Threshold(warn=1.1, refuse=1.15),
    # Counts with more zeros than their family says look more spread than they are: intervals are too wide.
    "zero_fidelity": Threshold(warn=0.01, refuse=0.02),
    # It applies where a family that is not about a mean decides otherwise than the mean.
    "mean_verdict": Threshold(warn=0.0, refuse=None),
    "tail_stability": Threshold(warn=1.5, refuse=2.0),
    "largest_share": Threshold(warn=0.05, refuse=None),
    "trends": Threshold(warn=0.0, refuse=None),
    "power_scaling": Threshold(warn=0.05, refuse=None),
}


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

    def at_most(self, worst: Status, message: str) -> Gate:
        """Ease a check that is worse than it should be, with its own words for that.

        Examples
        --------
        >>> strict = judge("rhat", "sampler", 1.2, {"pass": "", "fail": "not converged"})
        >>> strict.at_most("warn", "nearly converged").status, strict.at_most("refuse", "").message
        ('warn', 'not converged')
        """
        order = ("pass", "warn", "refuse")
        if self.status == "skip" or order.index(self.status) <= order.index(worst):
            return self
        return replace(self, status=worst, message=message)


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


def skipped(name: str, subject: Subject, message: str) -> Gate:
    """Give the gate of a check that has no meaning here.

    Examples
    --------
    >>> skipped("mean_fidelity", "family", "Not a mean.").status
    'skip'
    """
    threshold = THRESHOLDS[name]
    return Gate(
        name=name,
        subject=subject,
        status="skip",
        value=None,
        warn=threshold.warn,
        refuse=threshold.refuse,
        message=message,
    )


def of_every(contrasts: Sequence[Contrast], ask: Callable[[Contrast], Sequence[Gate]]) -> list[Gate]:
    """Ask checks of every contrast that is stated, and keep the worst outcome of each check.

    Of several treatments each has a verdict, so each must pass; the order in which they are named decides
    nothing.

    Parameters
    ----------
    contrasts
        What is stated: one contrast, or one for each treatment.
    ask
        Gives the checks of one contrast.

    Returns
    -------
    list of Gate
        One for each name. Of several contrasts a warning or a refusal says whose it is.

    Examples
    --------
    >>> arms = [Contrast(name=arm, label=arm, agent=f"arm {arm}") for arm in "bc"]
    >>> shares = {"b": 0.01, "c": 0.5}
    >>> words = {"pass": "Small.", "fail": "One value is half of the total."}
    >>> found = of_every(arms, lambda arm: [judge("largest_share", "data", shares[arm.name], words)])
    >>> [(gate.status, gate.message) for gate in found]
    [('warn', 'Arm c: One value is half of the total.')]
    """
    asked = [(contrast, ask(contrast)) for contrast in contrasts]
    if len(asked) == 1:
        return list(asked[0][1])
    by_name: dict[str, list[tuple[Contrast, Gate]]] = {}
    for contrast, gates in asked:
        for gate in gates:
            by_name.setdefault(gate.name, []).append((contrast, gate))
    return [_worst(found) for found in by_name.values()]


def _worst(found: Sequence[tuple[Contrast, Gate]]) -> Gate:
    contrast, worst = max(found, key=lambda each: _badness(each[1]))
    alike = all(gate.message == worst.message for _, gate in found)
    if alike or worst.status in ("pass", "skip"):
        return worst
    return replace(worst, message=f"{contrast.agent[0].upper()}{contrast.agent[1:]}: {worst.message}")


def _badness(gate: Gate) -> tuple[int, float]:
    value = -math.inf if gate.value is None else math.inf if math.isnan(gate.value) else gate.value
    above = THRESHOLDS[gate.name].above
    return ("skip", "pass", "warn", "refuse").index(gate.status), value if above else -value


def refused(gates: Sequence[Gate], *subjects: Subject) -> list[Gate]:
    """Pick the gates that refuse, of some subjects or of all.

    Examples
    --------
    >>> refused([judge("rhat", "sampler", 1.0, {"pass": "", "fail": ""})])
    []
    """
    return [gate for gate in gates if gate.status == "refuse" and (not subjects or gate.subject in subjects)]
