"""The launch as one decision on all metrics: events of the joint draws, held against the rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from twobytwo.answer.entries import Entry
from twobytwo.ask.rule import Rule, clauses

__all__ = ["Condition", "LaunchDecision", "LaunchVerdict", "decide_launch"]

Floats = npt.NDArray[np.float64]
LaunchVerdict = Literal["launch", "do not launch", "open", "not stated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One event of the launch rule.

    Parameters
    ----------
    event
        In the words of the rule.
    needed
        What its probability must reach.
    probability
        Its share of the joint draws.
    """

    event: str
    needed: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchDecision:
    """The decision on all metrics together.

    Parameters
    ----------
    conditions
        The events of the rule with their probabilities.
    p_launch
        Probability that all these events are true: one event of the joint draws.
    p_if_independent
        What it would be if the metrics moved independently of each other, which they do not.
    p_primary_up
        Probability that every primary metric moved in its good direction; 1 where there is none.
    p_any_guardrail_harmed
        Probability that at least one guardrail is harmed beyond its margin.
    verdict
        ``"launch"`` if every condition is reached; ``"do not launch"`` if the probability of one is at most
        one minus what it needs; ``"open"``; or ``"not stated"``.
    treatment
        Which of several treatments; None where there is one.
    """

    conditions: tuple[Condition, ...]
    p_launch: float
    p_if_independent: float
    p_primary_up: float
    p_any_guardrail_harmed: float
    verdict: LaunchVerdict
    treatment: str | None = None


def decide_launch(entries: Sequence[Entry], draws: Floats, rule: Rule) -> LaunchDecision:
    """Hold the joint draws against the rule.

    Parameters
    ----------
    entries
        The rows, of one treatment.
    draws
        Of the effects, in the order of the rows; shape (draws, metrics).
    rule
        When to launch.
    """
    events = {event: _happens(event, entries, draws) for event in rule.events}
    # Columns out of step have the same margins and no correlation.
    apart = np.stack([np.roll(draws[:, j], 7 * j) for j in range(draws.shape[1])], axis=1)
    together = np.all([*events.values()], axis=0)
    alone = np.all([_happens(event, entries, apart) for event in rule.events], axis=0)
    conditions = tuple(
        Condition(event=event, needed=needed, probability=float(events[event].mean()))
        for event, needed in zip(rule.events, rule.needed, strict=True)
    )
    found: LaunchVerdict = "open"
    if any(entry.verdict == "not stated" for entry in entries if entry.role != "information"):
        found = "not stated"
    elif all(each.probability >= each.needed for each in conditions):
        found = "launch"
    elif any(each.probability <= 1 - each.needed for each in conditions):
        found = "do not launch"
    return LaunchDecision(
        conditions=conditions,
        p_launch=float(together.mean()),
        p_if_independent=float(alone.mean()),
        p_primary_up=float(_happens("primary improves", entries, draws).mean()),
        p_any_guardrail_harmed=float((~_happens("no guardrail is harmed", entries, draws)).mean()),
        verdict=found,
        treatment=entries[0].treatment,
    )


def _happens(event: str, entries: Sequence[Entry], draws: Floats) -> npt.NDArray[np.bool_]:
    """Say of each draw whether an event is true in it."""
    sign = np.array([entry.metric.harm_sign for entry in entries])
    margin = np.array([entry.metric.margin or 0.0 for entry in entries])
    primary, guardrail = (
        np.array([entry.role == role for entry in entries]) for role in ("primary", "guardrail")
    )
    improved, harmed = sign * draws < 0, sign * draws > margin
    meaning = {
        "primary improves": lambda: improved[:, primary].all(axis=1),
        "any primary improves": lambda: improved[:, primary].any(axis=1),
        "no primary is harmed": lambda: ~harmed[:, primary].any(axis=1),
        "no guardrail is harmed": lambda: ~harmed[:, guardrail].any(axis=1),
    }
    return np.all([meaning[clause]() for clause in clauses(event)], axis=0)
