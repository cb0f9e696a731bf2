"""Scorecards in the shell: flags that become a plan, and what is printed of an answer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from twobytwo.answer.keys import METRIC
from twobytwo.answer.plan_card import ScorecardPlan, card_in_shell
from twobytwo.cli.flags import SCORECARD, flag, in_flags, stated_by_flags, value_for
from twobytwo.cli.streams import say
from twobytwo.errors import PlanError

__all__ = ["answer_card", "asked_card", "check_and_say"]


def asked_card(source: str, arguments: argparse.Namespace) -> ScorecardPlan:
    """Take the flags as the plan of a scorecard.

    Parameters
    ----------
    source
        Path or glob to the rows.
    arguments
        What the parser read.

    Raises
    ------
    PlanError
        If a value is of the wrong type, or this cannot be asked; in terms of flags.
    """
    metrics = [_metric(words) for words in arguments.metric]
    stated = stated_by_flags(SCORECARD, arguments)
    try:
        return card_in_shell(stated, metrics, source, _named)
    except PlanError as error:
        raise PlanError(in_flags(error, SCORECARD)) from error


def _named(where: str, key: str) -> str:
    return f"--metric {key}" if where == "metric" else flag(key)


def _metric(words: Sequence[str]) -> Mapping[str, Any]:
    """Read one metric, such as ``crashed kind=share harm=increase``."""
    column, *said = words
    made: dict[str, Any] = {"column": column}
    for text in said:
        key, equals, value = text.partition("=")
        if not equals:
            msg = f"--metric {column} {text}: write what is said of a metric as KEY=VALUE, such as margin=1."
            raise PlanError(msg)
        made[key] = value_for(value, METRIC[key]) if key in METRIC else value
    return made


def answer_card(planned: ScorecardPlan, arguments: argparse.Namespace) -> str:
    """Answer and print, or write a report.

    Parameters
    ----------
    planned
        The plan.
    arguments
        Of ``run``, ``report`` or ``scorecard``.

    Returns
    -------
    str
        Why no verdict is stated; empty if one is.
    """
    from twobytwo.answer.plan_card import run_card

    if getattr(arguments, "sensitivity", False):
        msg = "--sensitivity is for an analysis of one metric; leave it out for a scorecard."
        raise PlanError(msg)
    card = run_card(planned)
    # After `answer.scorecard`, which has to be imported first.
    from twobytwo.show.card_json import card_to_dict
    from twobytwo.show.json import dumps
    from twobytwo.show.report import write
    from twobytwo.show.scorecard import save, text

    # What was asked in the shell has no file to point to.
    provenance = planned if planned.sha256 else None
    output = getattr(arguments, "output", None)
    if output is not None:
        if arguments.json:
            write(f"{dumps(card_to_dict(card, provenance))}\n", output)
        else:
            save(card, output, provenance)
        say(str(output))
    elif arguments.json:
        say(dumps(card_to_dict(card, provenance)))
    else:
        say(text(card, provenance, to=sys.stdout))
    return ", ".join(gate.name for gate in card.refused)


def check_and_say(planned: ScorecardPlan, *, as_json: bool) -> str:
    """Hold the data against a scorecard's plan, and print what was found.

    Returns
    -------
    str
        The checks for which no verdict would be stated; empty if there are none.
    """
    from twobytwo.answer.plan_card import check_card
    from twobytwo.answer.scorecard import gates_of
    from twobytwo.check.gate import refused
    from twobytwo.infer.estimates import estimates
    from twobytwo.show.card_json import card_check_to_dict
    from twobytwo.show.json import dumps
    from twobytwo.show.scorecard import check_text

    several, asked = check_card(planned), planned.asked
    gates = gates_of(several, asked, estimates(several, asked.lines))
    if as_json:
        say(dumps(card_check_to_dict(several, asked, gates, planned)))
    else:
        say(check_text(several, asked, gates, planned, to=sys.stdout))
    return ", ".join(gate.name for gate in refused(gates))
