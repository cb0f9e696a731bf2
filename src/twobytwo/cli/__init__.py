"""The command line: arguments, exit codes. Everything else is done by other modules."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from twobytwo.cli.collecting import libraries_set_aside, rarely_collecting
from twobytwo.cli.streams import WorldError, fail, one_line, prepare, say, stand_somewhere, warn_once
from twobytwo.errors import DataError, DesignError, PlanError, TwoByTwoError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from twobytwo.answer.analysis import Analysis
    from twobytwo.answer.plan_analysis import Plan
    from twobytwo.answer.plan_card import ScorecardPlan
    from twobytwo.check.gate import Gate
    from twobytwo.show.words import Provenance

__all__ = ["main"]

_DONE, _REFUSED, _USAGE, _WORLD, _INTERRUPTED = 0, 1, 2, 3, 130
_TRACEBACK = "TWOBYTWO_TRACEBACK"
_SIMULATED = "simulate:"
_PLANNED = {
    "run": "answer the plan's question and print the answer",
    "check": "hold the data against the plan; nothing is estimated",
    "report": "answer the plan's question and write a report",
    "validate": "split the plan's users at random, where nothing can differ, and see whether answers say so",
}
# The tests hold the names equal to those of `flags`, which is slower to load.
_ASKED = {
    "did": "ask whether one group changed more than another (difference-in-differences)",
    "interaction": "ask whether experiments that run together cannibalise each other",
    "compare": "ask whether groups drawn at random differ",
}

_SCORED = {"scorecard": "read many metrics of an experiment at once and decide a launch"}
_REPLAYED = {"verify": "ask again what a result's JSON answers, and say same or different"}
_DRAFTED = {"init": "look at a file's columns and write a plan to complete"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments without the program's name; None takes the process's.

    Returns
    -------
    int
        0 if done; 1 if the headline is refused or the data do not fit; 2 for a plan or arguments that
        cannot be used; 3 if the machine is in the way (a closed stream, a full disk) or on a fault of the
        package; 130 if interrupted.

    Raises
    ------
    SystemExit
        From argparse: 0 for ``--help`` and ``--version``, 2 for arguments that it does not know.

    Examples
    --------
    >>> main(["check", "no_such_plan.toml"])
    2
    """
    try:
        prepare()
        with warnings.catch_warnings(), rarely_collecting(to_the_end=argv is None):
            warnings.showwarning = warn_once()
            return _command(sys.argv[1:] if argv is None else list(argv))
    except KeyboardInterrupt:
        return fail("interrupted", _INTERRUPTED)
    except DataError as error:
        return fail(error, _REFUSED)
    except TwoByTwoError as error:
        return fail(error, _USAGE)
    except WorldError as error:
        return fail(error, _WORLD)
    except Exception as error:
        if os.environ.get(_TRACEBACK) == "1":
            raise
        if isinstance(error, OSError):
            where = f" ({error.filename})" if error.filename else ""
            return fail(f"{error.strerror or error}{where}; set {_TRACEBACK}=1 to see where", _WORLD)
        what = f"{type(error).__name__}: {error}"
        return fail(f"unexpected, a fault of twobytwo: {what}; set {_TRACEBACK}=1 to see where", _WORLD)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line; argparse would print the usage before it."""
        self.exit(_USAGE, f"twobytwo: error: {one_line(message)} (see {self.prog} --help)\n")


def _command(argv: list[str]) -> int:
    parser, commands = _parser(argv)
    if not argv:
        parser.print_help(sys.stderr)
        return _USAGE
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        used = commands[arguments.name]
        known = [name for action in used._actions for name in action.option_strings]  # noqa: SLF001
        flags = [text for text in unknown if text.startswith("--")]
        near = nearest(flags[0].partition("=")[0], known) if flags else ""
        used.error(f"unrecognized arguments: {' '.join(unknown)}{near and f'.{near}'}")
    stand_somewhere()
    status: int = arguments.command(arguments)
    return status


def _parser(argv: Sequence[str]) -> tuple[_Parser, dict[str, _Parser]]:
    parser = _Parser(
        prog="twobytwo",
        description=(
            "Bayesian answers to questions about product experiments, from a plan file or a table. Start "
            "with `twobytwo init rows.csv`, then `twobytwo run plan.toml`."
        ),
        epilog=(
            "exit status: 0 done; 1 the headline is refused or the data do not fit the design; "
            "2 the plan or the arguments cannot be used; 3 the machine is in the way, such as a full disk"
        ),
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('twobytwo')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="name")
    for name, summary in (_PLANNED | _REPLAYED | _ASKED | _SCORED | _DRAFTED).items():
        sub = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False
        )
        if name in _PLANNED:
            sub.add_argument(
                "plan", metavar="PLAN", type=Path, help="plan file (TOML); see models/ for examples"
            )
        elif name in _REPLAYED:
            sub.add_argument("result", metavar="RESULT", help="JSON as run --json writes it")
            sub.add_argument(
                "--data",
                metavar="ROWS",
                required=True,
                help="the rows that it was made from: path or glob, or simulate:NAME",
            )
        else:
            sub.add_argument(
                "rows", metavar="ROWS", help="path or glob to CSV or Parquet files; put it first"
            )
        if name not in _DRAFTED | _REPLAYED:
            sub.add_argument("--json", action="store_true", help="one JSON object instead of text")
        if name == "validate":
            sub.add_argument(
                "-o", "--output", metavar="FILE", type=_picture, help="draw a picture: .svg or .png"
            )
        if name == "report" or name in _ASKED | _SCORED:
            sub.add_argument(
                "-o",
                "--output",
                metavar="FILE",
                type=_writable,
                help="write here, whole or not at all, as FILE ends: .html, .md, .txt or .json",
            )
        if name == "report" or name in _ASKED:
            sub.add_argument(
                "--sensitivity",
                action="store_true",
                help="try the other families too (up to a minute); for .html and .md",
            )
        # Only the command that is asked for is worth its flags.
        if name in _ASKED | _SCORED | _DRAFTED and name in argv[:1]:
            from twobytwo.cli.flags import add_flags

            if name in _DRAFTED:
                from twobytwo.cli.first import add_arguments

                add_arguments(sub)
            add_flags(sub, name)
        command = {"check": _check, "validate": _validate, "verify": _verify}
        command |= {
            **dict.fromkeys(_ASKED, _ask),
            **dict.fromkeys(_DRAFTED, _init),
            **dict.fromkeys(_SCORED, _score),
        }
        sub.set_defaults(command=command.get(name, _run))
    return parser, commands.choices


def _writable(name: str) -> Path:
    """Refuse a hopeless file name before the work, not after."""
    from twobytwo.show.report import FORMATS

    return _file(name, tuple(FORMATS))


def _picture(name: str) -> Path:
    return _file(name, (".svg", ".png"))


def _file(name: str, endings: Sequence[str]) -> Path:
    stand_somewhere()
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        reason = "is a folder" if path.is_dir() else f"the folder {str(path.parent)!r} cannot be written to"
        msg = f"{name!r}: {reason}"
        raise argparse.ArgumentTypeError(msg)
    if path.suffix.lower() not in endings:
        msg = f"{name!r}: a report ends in {', '.join(endings)}"
        raise argparse.ArgumentTypeError(msg)
    return path


def _run(arguments: argparse.Namespace) -> int:
    from twobytwo.answer import plan
    from twobytwo.answer.plan_analysis import Plan

    planned = plan.read_plan(arguments.plan)
    return _answer(planned, arguments) if isinstance(planned, Plan) else _answer_card(planned, arguments)


def _score(arguments: argparse.Namespace) -> int:
    from twobytwo.cli.card import asked_card
    from twobytwo.cli.flags import SCORECARD, in_flags

    planned = asked_card(arguments.rows, arguments)
    warnings.showwarning = warn_once(lambda message: in_flags(message, SCORECARD))
    try:
        return _answer_card(planned, arguments)
    except DesignError as error:
        return fail(in_flags(error, SCORECARD), _USAGE)
    except DataError as error:
        return fail(in_flags(error, SCORECARD), _REFUSED)


def _answer_card(planned: ScorecardPlan, arguments: argparse.Namespace) -> int:
    from twobytwo.cli.card import answer_card

    against = answer_card(planned, arguments)
    if against:
        return fail(f"every verdict is refused ({against}); the statement says why", _REFUSED)
    return _DONE


def _ask(arguments: argparse.Namespace) -> int:
    from twobytwo.cli.flags import asked, in_flags

    planned = asked(arguments.name, arguments.rows, arguments)
    warnings.showwarning = warn_once(lambda message: in_flags(message, arguments.name))
    try:
        return _answer(planned, arguments)
    except DesignError as error:
        return fail(in_flags(error, arguments.name), _USAGE)
    except DataError as error:
        return fail(in_flags(error, arguments.name), _REFUSED)


def _init(arguments: argparse.Namespace) -> int:
    from twobytwo.cli.first import init

    init(arguments)
    return _DONE


def _check(arguments: argparse.Namespace) -> int:
    from twobytwo.answer import plan
    from twobytwo.answer.plan_analysis import Plan, name_largest
    from twobytwo.check.gate import refused
    from twobytwo.check.gates.data import data_gates
    from twobytwo.show.json import check_to_dict, dumps
    from twobytwo.show.text import check_text

    planned = plan.read_plan(arguments.plan)
    if not isinstance(planned, Plan):
        from twobytwo.cli.card import check_and_say

        return _checked(check_and_say(planned, as_json=arguments.json))
    cells = plan.check(planned)
    gates = data_gates(cells, max_probability=planned.max_probability, blind=True)
    if arguments.json:
        say(dumps(check_to_dict(cells, planned, gates)))
    else:
        largest = _much_of_a_total(gates, lambda: name_largest(planned, cells))
        say(check_text(cells, planned, gates, largest=largest, to=sys.stdout))
    return _checked(", ".join(gate.name for gate in refused(gates)))


def _much_of_a_total(gates: Sequence[Gate], ask: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    """Ask whose values are the largest if one of them makes up much of a total; a query only then."""
    warned = any(gate.name == "largest_share" and gate.status == "warn" for gate in gates)
    return ask() if warned else None


def _checked(against: str) -> int:
    if against:
        return fail(f"`run` would state nothing ({against}); the checks say why", _REFUSED)
    return _DONE


def _validate(arguments: argparse.Namespace) -> int:
    from twobytwo.answer import plan
    from twobytwo.answer.plan_analysis import Plan
    from twobytwo.check.validation import validate
    from twobytwo.files import write_file
    from twobytwo.show.json import dumps

    planned = plan.read_plan(arguments.plan)
    if not isinstance(planned, Plan):
        msg = f"{arguments.plan}: validate is for a plan of one metric, and this one has [[metric]] tables."
        raise PlanError(msg)
    found = validate(plan.check(planned), planned.design, priors=planned.priors, ci_prob=planned.ci_prob)
    if arguments.output is not None:
        from twobytwo.show.plots import blank, plot_validation, render

        picture = plot_validation(found, blank(7, 3.6))
        write_file(render(picture, arguments.output.suffix.lower()[1:]), arguments.output)
    say(dumps(found.to_dict()) if arguments.json else found.sentence)
    return _DONE if found.passed else _REFUSED


def _verify(arguments: argparse.Namespace) -> int:
    from twobytwo.show.verify import verify

    source = arguments.data
    if source.startswith(_SIMULATED):
        from twobytwo import simulate

        source = simulate.table(source.removeprefix(_SIMULATED))
    found = verify(arguments.result, source)
    say(found.sentence)
    return _DONE if found.same else _REFUSED


def _answer(planned: Plan, arguments: argparse.Namespace) -> int:
    libraries_set_aside()

    from twobytwo.answer import plan
    from twobytwo.show.json import dumps, to_dict
    from twobytwo.show.report import save_report, write
    from twobytwo.show.text import text

    analysis: Analysis = plan.run(planned, progressbar=sys.stderr.isatty() and not arguments.json)
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
        return fail(f"the headline is refused ({', '.join(against)}); the statement says why", _REFUSED)
    return _DONE
