"""The first plan: written from a file's columns, with the questions that only people can answer."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twobytwo.answer.draft import Draft, draft
from twobytwo.answer.forms import QUESTIONS
from twobytwo.answer.sketch import QUOTES
from twobytwo.cli.flags import flag, in_flags, stated_by_flags, value_of
from twobytwo.cli.streams import say
from twobytwo.data.attendance import Attendance
from twobytwo.data.outline import outline
from twobytwo.errors import DesignError, PlanError
from twobytwo.files import write_file
from twobytwo.show.words import visible

__all__ = ["add_arguments", "init"]

_WIDEST = 88


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the command the arguments that are its own."""
    parser.add_argument(
        "--question", choices=tuple(QUESTIONS), help="what is asked; else what the columns suggest"
    )
    parser.add_argument("-o", "--output", metavar="PLAN", type=Path, help="the plan to write; else plan.toml")


def init(arguments: argparse.Namespace) -> None:
    """Write a plan for a file, and say what is still open.

    Parameters
    ----------
    arguments
        What the parser read: the file, its own arguments and the flags of plans.

    Raises
    ------
    DataError, DesignError, PlanError
        If the file cannot be read, a key does not suit, or the plan exists already.
    """
    path = arguments.output or Path("plan.toml")
    if path.exists():
        msg = f"{str(path)!r} exists already and is not replaced; name another plan with --output."
        raise PlanError(msg)
    if path.suffix != ".toml":
        msg = f"--output {str(path)!r}: a plan ends in .toml."
        raise PlanError(msg)
    found, attendance = outline(arguments.rows), Attendance(arguments.rows)
    source = Path(os.path.relpath(arguments.rows, path.parent)).as_posix()
    stated = stated_by_flags("init", arguments)
    if arguments.question is not None:
        stated.setdefault("", {})["question"] = arguments.question
    try:
        made = draft(found, stated, source, lambda _, key: flag(key), attendance)
    except DesignError as error:
        raise PlanError(in_flags(error, "init")) from error
    if sys.stdin is not None and sys.stdin.isatty():
        made = _completed(made, stated, lambda: draft(found, stated, source, lambda _, key: key, attendance))
    write_file(made.text.encode(), path)
    notes = [_filled(f"Note: {note}", "  ") for note in made.notes]
    open_ones = [gap for gap in made.gaps if not gap.optional]
    lines = [f"Wrote {path}: {found.rows:,} rows, {len(found.columns)} columns looked at.", *notes]
    if open_ones:
        lines += ["Still to fill in, because the file does not say it:"]
        lines += [_filled(f"  {gap.key}{gap.condition}: {gap.words}", "    ") for gap in open_ones]
    lines.append(f"Read it, then: twobytwo {'check' if open_ones else 'run'} {path}")
    say("\n".join(lines))


def _completed(made: Draft, stated: dict[str, dict[str, Any]], again: Callable[[], Draft]) -> Draft:
    """Ask for what is open, one after the other, until it can be so; an empty answer leaves it open."""
    left: set[str] = set()
    if made.gaps:
        _tell("The file does not say everything. An empty answer leaves a line of the plan open.")
    while True:
        gap = next((gap for gap in made.gaps if gap.key not in left and not gap.of), None)
        if gap is None:
            return made
        order = ", in this order or the other" if gap.key == "levels" else ""
        such_as = f" Such as {gap.typed}{order}." if gap.typed else ""
        _tell("", f"Say {gap.words}.{such_as}")
        try:
            answer = input(f"{gap.key} = ").strip().strip(QUOTES)
        except EOFError:
            # The cursor still stands behind the question.
            _tell("")
            return made
        if not answer:
            left.add(gap.key)
            continue
        table = stated.setdefault(gap.table, {})
        table[gap.key] = value_of(gap.key, answer)
        try:
            made = again()
        except DesignError as error:
            del table[gap.key]
            _tell(f"This cannot be: {visible(str(error))}")


def _tell(*paragraphs: str) -> None:
    for paragraph in paragraphs:
        print(_filled(paragraph), file=sys.stderr)


def _filled(paragraph: str, indent: str = "") -> str:
    width = min(max(shutil.get_terminal_size().columns, 60), _WIDEST)
    return textwrap.fill(paragraph, width, subsequent_indent=indent)
