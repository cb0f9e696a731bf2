"""What each command does, once its arguments are read, and the exit status that it ends with."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twobytwo.cli.streams import DONE, REFUSED, USAGE, fail, say, warn_once
from twobytwo.errors import DataError, DesignError, PlanError

if TYPE_CHECKING:
    import pandas as pd

    from twobytwo.answer.analysis import Analysis
    from twobytwo.answer.plan_analysis import Plan
    from twobytwo.answer.plan_card import ScorecardPlan
    from twobytwo.check.gate import Gate
    from twobytwo.show.words import Provenance

__all__ = ["ask", "check", "init", "run", "score", "validate", "verify"]

_SIMULATED = "simulate:"


def run(arguments: argparse.Namespace) -> int:
    """Answer what a plan asks."""
    from twobytwo.answer import plan
    from twobytwo.answer.plan_analysis import Plan

    planned = plan.read_plan(arguments.plan)
    return _answer(planned, arguments) if isinstance(planned, Plan) else _answer_card(planned, arguments)


def score(arguments: argparse.Namespace) -> int:
    """Answer a scorecard that the flags state."""
    from twobytwo.cli.card import asked_card
    from twobytwo.cli.flags import SCORECARD, in_flags

    planned = asked_card(arguments.rows, arguments)
    warnings.showwarning = warn_once(lambda message: in_flags(message, SCORECARD))
    try:
        return _answer_card(planned, arguments)
    except DesignError as error:
        return fail(in_flags(error, SCORECARD), USAGE)
    except DataError as error:
        return fail(in_flags(error, SCORECARD), REFUSED)


def _answer_card(planned: ScorecardPlan, arguments: argparse.Namespace) -> int:
    from twobytwo.cli.card import answer_card

    against = answer_card(planned, arguments)
    if against:
        return fail(f"every verdict is refused ({against}); the statement says why", REFUSED)
    return DONE


def ask(arguments: argparse.Namespace) -> int:
    """Answer a question that the flags state."""
    from twobytwo.cli.flags import asked, in_flags

    planned = asked(arguments.name, arguments.rows, arguments)
    warnings.showwarning = warn_once(lambda message: in_flags(message, arguments.name))
    try:
        return _answer(planned, arguments)
    except DesignError as error:
        return fail(in_flags(error, arguments.name), USAGE)
    except DataError as error:
        return fail(in_flags(error, arguments.name), REFUSED)


def init(arguments: argparse.Namespace) -> int:
    """Write a plan to complete."""
    from twobytwo.cli import first

    first.init(arguments)
    return DONE


def check(arguments: argparse.Namespace) -> int:
    """Hold the data against a plan."""
    from twobytwo.answer import plan
    from twobytwo.answer.plan_analysis import Plan, name_largest
    from twobytwo.check.gate import of_every, refused
    from twobytwo.check.gates.data import data_gates
    from twobytwo.show.json import check_to_dict, dumps
    from twobytwo.show.text import check_text

    planned = plan.read_plan(arguments.plan)
    if not isinstance(planned, Plan):
        from twobytwo.cli.card import check_and_say

        return _checked(check_and_say(planned, as_json=arguments.json))
    cells = plan.check(planned)
    gates = of_every(
        cells.design.primary,
        lambda contrast: data_gates(cells, contrast, max_probability=planned.max_probability, blind=True),
    )
    if arguments.json:
        say(dumps(check_to_dict(cells, planned, gates)))
    else:
        largest = _much_of_a_total(gates, lambda: name_largest(planned, cells))
        say(check_text(cells, planned, gates, largest=largest, to=sys.stdout))
    return _checked(", ".join(gate.name for gate in refused(gates)))


def _much_of_a_total(gates: Sequence[Gate], query: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    """Ask whose values are the largest if one of them makes up much of a total; a query only then."""
    warned = any(gate.name == "largest_share" and gate.status == "warn" for gate in gates)
    return query() if warned else None


def _checked(against: str) -> int:
    if against:
        return fail(f"`run` would state nothing ({against}); the checks say why", REFUSED)
    return DONE


def validate(arguments: argparse.Namespace) -> int:
    """Split the users of a plan at random, and say whether answers are right where nothing can differ."""
    from twobytwo.answer import plan
    from twobytwo.answer.plan_analysis import Plan
    from twobytwo.check import validation
    from twobytwo.files import write_file
    from twobytwo.show.json import dumps

    planned = plan.read_plan(arguments.plan)
    if not isinstance(planned, Plan):
        msg = f"{arguments.plan}: validate is for a plan of one metric, and this one has [[metric]] tables."
        raise PlanError(msg)
    found = validation.validate(
        plan.check(planned), planned.design, priors=planned.priors, ci_prob=planned.ci_prob
    )
    if arguments.output is not None:
        from twobytwo.show.plots import blank, plot_validation, render

        picture = plot_validation(found, blank(7, 3.6))
        write_file(render(picture, arguments.output.suffix.lower()[1:]), arguments.output)
    say(dumps(found.to_dict()) if arguments.json else found.sentence)
    return DONE if found.passed else REFUSED


def verify(arguments: argparse.Namespace) -> int:
    """Ask again what a result's JSON answers."""
    from twobytwo.show import verify as verifying

    source = arguments.data
    if source.startswith(_SIMULATED):
        from twobytwo import simulate

        source = simulate.table(source.removeprefix(_SIMULATED))
    found = verifying.verify(arguments.result, source)
    say(found.sentence)
    return DONE if found.same else REFUSED


def _answer(planned: Plan, arguments: argparse.Namespace) -> int:
    from twobytwo.answer import plan

    analysis: Analysis = plan.run(planned, progressbar=sys.stderr.isatty() and not arguments.json)
    # After `answer.analyze`, which has to be imported first.
    from twobytwo.show.json import dumps, to_dict
    from twobytwo.show.report import save_report, write
    from twobytwo.show.text import text

    # What was asked in the shell has no file to point to.
    provenance: Provenance | None = planned if planned.sha256 else None
    output = getattr(arguments, "output", None)
    if output is not None:
        if arguments.json:
            write(f"{dumps(to_dict(analysis, provenance))}\n", output)
        else:
            wanted = arguments.sensitivity and analysis.headline.status != "refused"
            save_report(analysis, output, provenance, panel=analysis.sensitivity() if wanted else None)
        say(str(output))
    elif arguments.json:
        say(dumps(to_dict(analysis, provenance)))
    else:
        largest = _much_of_a_total(analysis.gates, analysis.largest_users)
        say(text(analysis, provenance, largest=largest, to=sys.stdout))
    if analysis.headline.status == "refused":
        # A family that was replaced no longer stands in the way.
        standing = (None, analysis.fit.family.name)
        against = [g.name for g in analysis.gates if g.status == "refuse" and g.family in standing]
        return fail(f"the headline is refused ({', '.join(against)}); the statement says why", REFUSED)
    return DONE
