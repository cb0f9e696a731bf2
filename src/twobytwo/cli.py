"""The command line: arguments, exit codes, streams. Everything else is done by other modules."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from twobytwo.errors import DataError, TwoByTwoError

if TYPE_CHECKING:
    from twobytwo.answer.analysis import Analysis
    from twobytwo.answer.plan import Plan

__all__ = ["main"]

_DONE, _REFUSED, _USAGE, _INTERRUPTED = 0, 1, 2, 130


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
        cannot be used; 130 if interrupted.

    Raises
    ------
    SystemExit
        From argparse: 0 for ``--help`` and ``--version``, 2 for arguments that it does not know.

    Examples
    --------
    >>> main(["check", "no_such_plan.toml"])
    2
    """
    arguments = _parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.showwarning = _once_each()
        try:
            status: int = arguments.command(arguments)
        except KeyboardInterrupt:
            return _fail("interrupted", _INTERRUPTED)
        except DataError as error:
            return _fail(error, _REFUSED)
        except TwoByTwoError as error:
            return _fail(error, _USAGE)
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line; argparse would print the usage before it."""
        self.exit(_USAGE, f"twobytwo: error: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="twobytwo",
        description="Bayesian difference-in-differences and two-experiment interactions from a plan file.",
        epilog=(
            "exit status: 0 done; 1 the headline is refused or the data do not fit the design; "
            "2 the plan or the arguments cannot be used"
        ),
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('twobytwo')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command, summary in (
        ("run", _run, "answer the plan's question and print the answer"),
        ("check", _check, "hold the data against the plan; nothing is estimated"),
        ("report", _report, "answer the plan's question and write a report"),
    ):
        sub = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        sub.add_argument("plan", metavar="PLAN", type=Path, help="plan file (TOML); see models/ for examples")
        sub.add_argument("--json", action="store_true", help="one JSON object instead of text")
        if name == "report":
            sub.add_argument(
                "-o",
                "--output",
                metavar="FILE",
                type=_writable,
                help="write here, whole or not at all, as FILE ends: .html, .md, .txt or .json",
            )
            sub.add_argument(
                "--sensitivity",
                action="store_true",
                help="try the other families too (up to a minute); for .html and .md",
            )
        sub.set_defaults(command=command)
    return parser


def _writable(name: str) -> Path:
    """Refuse a hopeless file name before the work, not after."""
    from twobytwo.show.report import FORMATS

    path = Path(name)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        reason = "is a folder" if path.is_dir() else f"the folder {str(path.parent)!r} cannot be written to"
        msg = f"{name!r}: {reason}"
        raise argparse.ArgumentTypeError(msg)
    if path.suffix.lower() not in FORMATS:
        msg = f"{name!r}: a report ends in {', '.join(FORMATS)}"
        raise argparse.ArgumentTypeError(msg)
    return path


def _run(arguments: argparse.Namespace) -> int:
    return _answer(arguments)


def _report(arguments: argparse.Namespace) -> int:
    return _answer(arguments)


def _check(arguments: argparse.Namespace) -> int:
    from twobytwo.answer import plan
    from twobytwo.show.json import check_to_dict, dumps
    from twobytwo.show.text import check_text

    planned = plan.read_plan(arguments.plan)
    cells = plan.check(planned)
    if arguments.json:
        _print(dumps(check_to_dict(cells, planned)))
    else:
        _print(check_text(cells, planned, to=sys.stdout))
    return _DONE


def _answer(arguments: argparse.Namespace) -> int:
    from twobytwo.answer import plan
    from twobytwo.show.json import dumps, to_dict
    from twobytwo.show.report import save_report, write
    from twobytwo.show.text import text

    planned: Plan = plan.read_plan(arguments.plan)
    analysis: Analysis = plan.run(planned, progressbar=sys.stderr.isatty() and not arguments.json)
    output = getattr(arguments, "output", None)
    if output is not None and not arguments.json:
        wanted = arguments.sensitivity and analysis.headline.status != "refused"
        save_report(analysis, output, planned, panel=analysis.sensitivity() if wanted else None)
    elif output is not None:
        write(f"{dumps(to_dict(analysis, planned))}\n", output)
    elif arguments.json:
        _print(dumps(to_dict(analysis, planned)))
    else:
        _print(text(analysis, planned, to=sys.stdout))
    if analysis.headline.status == "refused":
        # A family that was replaced no longer stands in the way.
        standing = (None, analysis.fit.family.name)
        against = [g.name for g in analysis.gates if g.status == "refuse" and g.family in standing]
        return _fail(f"the headline is refused ({', '.join(against)}); the statement says why", _REFUSED)
    return _DONE


def _print(content: str) -> None:
    try:
        print(content, flush=True)
    except BrokenPipeError:
        # The reader has seen enough, as in `twobytwo run PLAN | head`. Python would complain once more
        # when it flushes the stream at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(error: object, status: int) -> int:
    print(f"twobytwo: error: {_one_line(error)}", file=sys.stderr)
    return status


def _once_each() -> Callable[..., None]:
    """Show a warning as one line, and the same one only once."""
    seen: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        line = _one_line(message)
        if line not in seen:
            seen.add(line)
            print(f"twobytwo: warning: {line}", file=sys.stderr)

    return show


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
