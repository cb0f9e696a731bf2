"""The command line: its arguments, and the exit status for whatever goes wrong."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from twobytwo.cli import commands
from twobytwo.cli.collecting import leave, rarely_collecting
from twobytwo.cli.streams import (
    INTERRUPTED,
    REFUSED,
    USAGE,
    WORLD,
    WorldError,
    fail,
    one_line,
    prepare,
    say,
    stand_somewhere,
    warn_once,
)
from twobytwo.errors import DataError, TwoByTwoError, nearest

__all__ = ["main", "run"]

_TRACEBACK = "TWOBYTWO_TRACEBACK"
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
        cannot be used; 3 if something outside failed (a closed stream, a full disk) or on a fault of the
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
        with warnings.catch_warnings(), rarely_collecting():
            warnings.showwarning = warn_once()
            return _command(sys.argv[1:] if argv is None else list(argv))
    except KeyboardInterrupt:
        return fail("interrupted", INTERRUPTED)
    except DataError as error:
        return fail(error, REFUSED)
    except TwoByTwoError as error:
        return fail(error, USAGE)
    except WorldError as error:
        return fail(error, WORLD)
    except Exception as error:
        if os.environ.get(_TRACEBACK) == "1":
            raise
        if isinstance(error, OSError):
            where = f" ({error.filename})" if error.filename else ""
            return fail(f"{error.strerror or error}{where}; set {_TRACEBACK}=1 to see where", WORLD)
        what = f"{type(error).__name__}: {error}"
        return fail(f"unexpected, a fault of twobytwo: {what}; set {_TRACEBACK}=1 to see where", WORLD)


def run() -> NoReturn:
    """Run the command line of this process, and end it."""
    leave(main())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line; argparse would print the usage before it."""
        self.exit(USAGE, f"twobytwo: error: {one_line(message)} (see {self.prog} --help)\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help and version as an answer; argparse would say nothing of a disk that is full."""
        if file is sys.stdout:
            say(message.removesuffix("\n"))
        else:
            super()._print_message(message, file)


def _command(argv: list[str]) -> int:
    parser, commands = _parser(argv)
    if not argv:
        parser.print_help(sys.stderr)
        return USAGE
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        used = commands[arguments.name]
        known = [name for action in used._actions for name in action.option_strings]  # noqa: SLF001
        flags = [text for text in unknown if text.startswith("--")]
        near = nearest(flags[0].partition("=")[0], known) if flags else ""
        used.error(f"unrecognized arguments: {' '.join(unknown)}{near and f'.{near}'}")
    stand_somewhere()
    status: int = (_of_plan if arguments.name in _PLANNED else arguments.command)(arguments)
    return status


def _of_plan(arguments: argparse.Namespace) -> int:
    """Run a command on a plan, whose messages are in the words of plans."""

    def said(message: object) -> str:
        # Few plans have anything to complain about.
        from twobytwo.cli.plan_words import in_plan

        return in_plan(message)

    warnings.showwarning = warn_once(said)
    try:
        status: int = arguments.command(arguments)
    except DataError as error:
        return fail(said(error), REFUSED)
    except TwoByTwoError as error:
        return fail(said(error), USAGE)
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
            "2 the plan or the arguments cannot be used; 3 something outside failed, such as a full disk"
        ),
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('twobytwo')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="name")
    for name, summary in (_PLANNED | _REPLAYED | _ASKED | _SCORED | _DRAFTED).items():
        sub = subparsers.add_parser(
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
        by_name = {"check": commands.check, "validate": commands.validate, "verify": commands.verify}
        by_name |= dict.fromkeys(_ASKED, commands.ask) | dict.fromkeys(_SCORED, commands.score)
        by_name |= dict.fromkeys(_DRAFTED, commands.init)
        sub.set_defaults(command=by_name.get(name, commands.run))
    return parser, subparsers.choices


def _writable(name: str) -> Path:
    """Refuse a hopeless file name before the work, not after."""
    # Libraries that are imported ask where they are.
    stand_somewhere()
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
