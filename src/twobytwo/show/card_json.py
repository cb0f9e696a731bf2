"""A scorecard as one JSON object for machines; `scorecard.schema.json`, beside this file, holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from twobytwo.show.json import DIGITS, design_to_dict, plain, plan_to_dict

if TYPE_CHECKING:
    from twobytwo.answer.card import Scorecard
    from twobytwo.answer.entries import Entry
    from twobytwo.answer.joint import LaunchDecision
    from twobytwo.answer.scoring import Scoring
    from twobytwo.ask.lines import Line
    from twobytwo.check.gate import Gate
    from twobytwo.data.sums import Several
    from twobytwo.show.words import Provenance

__all__ = ["card_check_to_dict", "card_to_dict"]

_DESIGN = ("factors", "unit", "missing", "agg", "randomised")
_OPTIONS = ("ci_prob", "max_probability", "shrink", "draws", "random_seed")


def card_to_dict(card: Scorecard, provenance: Provenance | None = None) -> dict[str, Any]:
    """Give a scorecard for machines: statement, decision and rows, without draws.

    Parameters
    ----------
    card
        The scorecard.
    provenance
        The plan it comes from, if it comes from one.

    Returns
    -------
    dict
        See ``docs/json.md``. Numbers that do not exist or are not finite are None.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> users = pd.DataFrame({"arm": [0, 1] * 50, "y": np.arange(100.0)})
    >>> card_to_dict(tbt.scorecard(users, group="arm", metrics=["y"]))["metrics"][0]["column"]
    'y'
    """
    return plain(_frame(card.asked, provenance)) | plain(
        {
            "status": "refused" if card.refused else "ok",
            "statement": card.statement,
            "how": card.how,
            **_decided(card),
            "metrics": [_entry(entry) for entry in card.entries],
            "gates": [asdict(gate) for gate in card.gates],
            "expected_false": card.expected_false,
            "shrinkage": None if card.shrinkage is None else asdict(card.shrinkage),
            "data": {"users": card.users, "queries": card.queries},
        },
        digits=DIGITS,
    )


def card_check_to_dict(
    several: Several, asked: Scoring, gates: Sequence[Gate], provenance: Provenance | None = None
) -> dict[str, Any]:
    """Give what was found in the data before anything is decided.

    Parameters
    ----------
    several
        The data.
    asked
        The scorecard that is asked for.
    gates
        Checks of the data.
    provenance
        The plan they were read for, if there is one.

    Returns
    -------
    dict
        The keys up to ``options`` of `card_to_dict`, the lines as ``metrics``, the checks, users by group.
    """
    return plain(
        _frame(replace(asked, design=several.design), provenance)
        | {
            "metrics": [_line(line) for line in asked.lines],
            "gates": [asdict(gate) for gate in gates],
            "data": {"users": [int(n) for n in several.n], "queries": several.queries},
        }
    )


def _frame(asked: Scoring, provenance: Provenance | None) -> dict[str, Any]:
    design = design_to_dict(asked.design)
    rule = [
        {"event": event, "needed": needed}
        for event, needed in zip(asked.rule.events, asked.rule.needed, strict=True)
    ]
    return {
        "version": version("twobytwo"),
        "kind": "scorecard",
        "plan": plan_to_dict(provenance),
        "question": asked.design.question,
        "design": {name: design[name] for name in _DESIGN},
        "launch_if": rule if asked.decides else None,
        "options": {name: getattr(asked, name) for name in _OPTIONS} | {"priors": asdict(asked.priors)},
    }


def _line(line: Line) -> dict[str, Any]:
    return {**asdict(line.metric), "role": line.role, "before_column": line.before_column}


def _entry(entry: Entry) -> dict[str, Any]:
    found = _of_whom(entry)
    found.pop("line")
    return {**_line(entry.line), **found}


def _decided(card: Scorecard) -> dict[str, Any]:
    """Give the one decision, or those on several treatments and which of these is best."""
    decisions = [_of_whom(launch) for launch in card.launches]
    if len(card.treatments) < 2:
        return {"launch": decisions[0] if decisions else None}
    names = dict.fromkeys(entry.metric.name for entry in card.entries)
    return {"launch": None, "launches": decisions, "best": {name: card.best(name) for name in names}}


def _of_whom(record: Entry | LaunchDecision) -> dict[str, Any]:
    """Give a record's fields; the treatment only where there are several."""
    found = asdict(record)
    if record.treatment is None:
        found.pop("treatment")
    return found
