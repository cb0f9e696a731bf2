"""What a scorecard says: the decision, its probabilities, and how it is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twobytwo.answer.joint import LaunchDecision, LaunchVerdict
from twobytwo.ask.listed import listed
from twobytwo.ask.rule import said
from twobytwo.infer.decisions import format_probability

if TYPE_CHECKING:
    from twobytwo.answer.card import Scorecard

__all__ = ["how_known", "statement"]

# So many names are read aloud; of more, how many they are.
_FEW = 4


def statement(card: Scorecard) -> str:
    """Say the decision; of several treatments whose it is, and which is probably best.

    Parameters
    ----------
    card
        The scorecard.
    """
    if card.refused:
        return f"No verdict is stated. {' '.join(gate.message for gate in card.refused)}"
    if card.asked.interacts:
        return _of_interactions(card)
    if not card.launches:
        found = _harmed(card, "Harm", "No metric is shown to be harmed")
        return f"{found} No metric is primary, so there is no launch decision."
    stated = [launch for launch in card.launches if launch.verdict != "not stated"]
    skewed = [_skewed(card, launch) for launch in card.launches if launch.verdict == "not stated"]
    return " ".join(
        [*_verdict(stated), *_against(card, stated), *skewed, *_probabilities(card, stated), *_best(card)]
    )


def _of_interactions(card: Scorecard) -> str:
    """Say what the effects are, and where experiments take from each other."""
    experiments = listed([factor.name for factor in card.asked.design.factors])
    found = _harmed(card, "Harm by the interaction", "No interaction is shown to be harmful")
    return (
        f"{found} Effects are interactions of {experiments}: what they change together beyond the sum of "
        "their separate effects. That does not say whether to launch: both together may still be better than "
        "neither."
    )


def _harmed(card: Scorecard, harm: str, none: str) -> str:
    """Name what is harmed; where nothing is, also what is open: open is not harmless."""
    named, undecided = (
        [entry.name for entry in card.entries if entry.verdict == verdict] for verdict in ("harm", "open")
    )
    if named:
        return f"{harm}: {', '.join(named)}."
    if not undecided:
        return f"{none}."
    few = len(undecided) <= _FEW
    return f"{none}; open: {', '.join(undecided) if few else f'{len(undecided)} of {len(card.entries)}'}."


def _verdict(launches: Sequence[LaunchDecision]) -> list[str]:
    """Say what is decided, and of whom."""
    if not launches:
        return []
    whose: dict[LaunchVerdict, list[str]] = {"launch": [], "do not launch": [], "open": []}
    for launch in launches:
        whose[launch.verdict].append(launch.treatment or "")
    parts = [
        f"{'open for' if found == 'open' and any(names) else found} {listed(names)}".strip()
        for found, names in whose.items()
        if names
    ]
    words = "; ".join(parts) + (": the data do not decide" if parts == ["open"] else "")
    return [f"{words[0].upper()}{words[1:]}."]


def _against(card: Scorecard, launches: Sequence[LaunchDecision]) -> list[str]:
    """Name what is harmed where there is no launch."""
    forbidden = [launch.treatment for launch in launches if launch.verdict == "do not launch"]
    names = [
        entry.name
        for entry in card.entries
        if entry.treatment in forbidden and entry.role != "information" and entry.verdict == "harm"
    ]
    return [f"Harmed: {listed(names)}."] if names else []


def _skewed(card: Scorecard, launch: LaunchDecision) -> str:
    """Say whose large values forbid a decision."""
    names = [
        entry.metric.name
        for entry in card.entries
        if entry.treatment == launch.treatment
        and entry.verdict == "not stated"
        and entry.role != "information"
    ]
    of = "" if launch.treatment is None else f" of {launch.treatment}"
    return (
        f"The launch{of} is not stated: a few large values carry the effect on {', '.join(names)}, which "
        "decides, or the smaller group lacks them; say cap=, or look at it alone."
    )


def _probabilities(card: Scorecard, launches: Sequence[LaunchDecision]) -> list[str]:
    """Say how probable each event of the rule is, and harm to any guardrail."""
    if not launches:
        return []

    def of_each(shares: Sequence[float]) -> str:
        if len(launches) == 1:
            return format_probability(shares[0])
        pairs = zip(shares, launches, strict=True)
        return listed([f"{format_probability(share)} for {launch.treatment}" for share, launch in pairs])

    primary = list(dict.fromkeys(entry.metric.name for entry in card.entries if entry.role == "primary"))
    events = [
        f"that {said(conditions[0].event, primary)} is {of_each([each.probability for each in conditions])} "
        f"(needed: {100 * conditions[0].needed:g} %)"
        for conditions in zip(*(launch.conditions for launch in launches), strict=True)
    ]
    told = [f"The probability {'; '.join(events)}."]
    if any(entry.role == "guardrail" for entry in card.entries):
        harmed = of_each([launch.p_any_guardrail_harmed for launch in launches])
        told.append(f"Probability that any guardrail is harmed: {harmed}.")
    return told


def _best(card: Scorecard) -> list[str]:
    """Say which of several groups is most probably best in each primary metric."""
    told = []
    for name in dict.fromkeys(entry.metric.name for entry in card.entries if entry.role == "primary"):
        if len(card.treatments) > 1:
            shares = card.best(name)
            label = max(shares, key=shares.__getitem__)
            told.append(f"Most probably best in {name}: {label} ({format_probability(shares[label])}).")
    return told


def how_known(card: Scorecard) -> str:
    """Say how a scorecard is known: what was read, how it was computed, checks, what was taken away.

    Parameters
    ----------
    card
        The scorecard.
    """
    asked, metrics = card.asked, len(card.asked.lines)
    told = [
        f"{card.users:,} {'users' if asked.design.unit else 'rows'} and {metrics} "
        f"metric{'s' if metrics > 1 else ''} were read in one pass"
        + ("." if asked.design.unit else ", each row as a user of its own (unit= names their column)."),
        "Posteriors are in closed form (normal means; shares on log-odds, counts on logarithms, "
        "ratios as quotients of two means) and joint by the correlations of the users' values "
        "(Gaussian copula).",
    ]
    if card.treatments:
        # A level's own name may start with a small letter.
        who, are = ("The groups", "are each") if len(card.treatments) > 1 else ("The group", "is")
        told.append(f"{who} {listed(card.treatments)} {are} compared with {card.control}.")
    launch = asked.design.factors[-1].launch
    if launch is not None:
        told.append(launch.sentence)
    adjusted = sum(line.before_column is not None for line in asked.lines)
    if adjusted:
        told.append(
            f"{'One metric' if adjusted == 1 else f'{adjusted} metrics'} had a value before, and the gap "
            "in it was taken away (CUPED)."
        )
    if asked.design.randomised:
        told.append("The groups were drawn at random, so their gap before was taken away in every metric.")
    told += [gate.message for gate in card.gates if gate.status != "refuse"]
    if not card.refused and any(entry.verdict in ("harm", "no harm") for entry in card.entries):
        number = "< 0.01" if card.expected_false < 0.005 else f"{card.expected_false:.2f}"
        told.append(f"Expected number of false verdicts of harm or no harm, given the prior: {number}.")
    if card.shrinkage is not None:
        told.append(card.shrinkage.words)
    return " ".join(told)
