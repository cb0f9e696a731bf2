"""Questions asked in the shell: flags made from the keys of plans, values made from text."""

from __future__ import annotations

import argparse
import math
import re
import shlex
import tomllib
from collections.abc import Hashable, Mapping, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from twobytwo.answer.forms import form_of
from twobytwo.answer.keys import MEANING, METRIC, card_layout, keys
from twobytwo.answer.plan import stated_in_shell
from twobytwo.answer.plan_analysis import Plan
from twobytwo.errors import PlanError

__all__ = [
    "QUESTIONS",
    "SCORECARD",
    "add_flags",
    "asked",
    "flag",
    "in_flags",
    "stated_by_flags",
    "value_for",
    "value_of",
]

# Command and the question of plans.
QUESTIONS = {"did": "did", "interaction": "interaction", "compare": "comparison"}
SCORECARD = "scorecard"
_TABLES = {"design": "columns and levels", "decision": "decision", "model": "model", "sampler": "sampler"}
_SEVERAL = {"levels": "COLUMN=A,B", "expected_share": "SHARE", "launch_if": "EVENT=PROBABILITY"}


def add_flags(parser: argparse.ArgumentParser, command: str) -> None:
    """Give a command one flag for each key that a plan of its question has.

    Parameters
    ----------
    parser
        The command's parser.
    command
        A key of `QUESTIONS`, ``"init"`` or ``"scorecard"``.
    """
    layout = _layout(command)
    if command == SCORECARD:
        parser.add_argument(
            "--metric",
            action="append",
            nargs="+",
            required=True,
            metavar=("COLUMN", "KEY=VALUE"),
            help=f"a metric's column and what is said of it, once for each; keys are {', '.join(METRIC)}",
        )
    for table, title in _TABLES.items():
        group = parser.add_argument_group(title)
        for key, hint in layout[table].items():
            # argparse fills in per cent signs.
            said = f"say {MEANING[key]}".replace("%", "%%")
            options: dict[str, Any] = {"dest": f"{table}.{key}", "help": said}
            kinds = _kinds(hint)
            if bool in kinds:
                options["action"] = argparse.BooleanOptionalAction
            elif Mapping in kinds or Sequence in kinds:
                example = "NAME=VALUE" if Mapping in kinds else "VALUE"
                options |= {"nargs": "+", "metavar": _SEVERAL.get(key, example)}
            else:
                options["metavar"] = _metavar(hint, key)
            group.add_argument(flag(key), default=argparse.SUPPRESS, **options)


def flag(key: str) -> str:
    """Name a key's flag: ``before_column`` is ``--before-column``."""
    return f"--{key.replace('_', '-')}"


def asked(command: str, source: str, arguments: argparse.Namespace) -> Plan:
    """Take the flags as a plan.

    Parameters
    ----------
    command
        A key of `QUESTIONS`.
    source
        Path or glob to the rows.
    arguments
        What the parser read.

    Raises
    ------
    PlanError
        If a value is of the wrong type, or the question cannot be asked this way; in terms of flags.
    """
    question = QUESTIONS[command]
    stated = stated_by_flags(command, arguments)
    design = stated.get("design", {})
    form = form_of(question, design)
    strange = [key for key in design if key not in form.keys]
    if form.told_by and strange:
        msg = (
            f"{flag(strange[0])} is for tables with one row per user and period; with "
            f"{' and '.join(map(flag, form.told_by))} a row is a user. Leave one of them out."
        )
        raise PlanError(msg)
    try:
        return stated_in_shell(question, stated, source, lambda _, key: flag(key))
    except PlanError as error:
        raise PlanError(*(in_flags(message, command) for message in error.args)) from error


def stated_by_flags(command: str, arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Give what the flags say, by table and key of plans."""
    layout = _layout(command)
    stated: dict[str, dict[str, Any]] = {}
    for name, given in vars(arguments).items():
        table, dot, key = name.partition(".")
        if dot:
            stated.setdefault(table, {})[key] = value_for(given, layout[table][key])
    return stated


def value_of(key: str, text: str) -> Any:
    """Read what somebody typed for a key of plans as its flag would.

    Examples
    --------
    >>> value_of("margin", "2.5"), value_of("harm", "decrease")
    (2.5, 'decrease')
    """
    hint = next(hints[key] for hints in _layout("init").values() if key in hints)
    kinds = _kinds(hint)
    several = Mapping in kinds or Sequence in kinds
    return value_for(text.split() if several else text, hint)


def _layout(command: str) -> dict[str, dict[str, Any]]:
    """Give the keys that a command takes: of its question, or of all of them where it has none."""
    if command in QUESTIONS:
        return keys(QUESTIONS[command])
    whole: dict[str, dict[str, Any]] = {}
    if command == SCORECARD:
        for question in QUESTIONS.values():
            for table, hints in card_layout(question).items():
                if table in _TABLES:
                    whole[table] = whole.get(table, {}) | dict(hints)
        return whole
    for question in QUESTIONS.values():
        for table, hints in keys(question).items():
            # A comparison takes several treatments, and so does the plan of any question here.
            whole[table] = hints | whole.get(table, {}) if table != "design" else whole.get(table, {}) | hints
    return whole


def in_flags(error: object, command: str) -> str:
    """Say a message's Python arguments as flags.

    Examples
    --------
    >>> in_flags(PlanError("margin=-5.0 must be at least 0"), "did")
    '--margin -5.0 must be at least 0'
    """
    names = {key for hints in _layout(command).values() for key in hints}
    said = re.sub(r"\blevels=\{'([^']*)': \(([^()]*), ([^()]*)\)\}", _pair, str(error))

    def named(found: re.Match[str]) -> str:
        value_follows = found.end() < len(said) and (
            said[found.end()].isalnum() or said[found.end()] in "-'\"[("
        )
        return f"{flag(found[1])}{' ' if value_follows else ''}" if found[1] in names else found[0]

    said = re.sub(r"(?<![\w-])([a-z_]+)=", named, said)
    # Last, since what the shell takes for shares looks like further arguments.
    return re.sub(r"--expected-share\{((?:'[^']*': [-+.\de]+(?:, )?)+)\}", _shares, said)


def _pair(found: re.Match[str]) -> str:
    first, second = (text.strip("'") for text in found.groups()[1:])
    return f"--levels {found[1]}={first},{second}"


def _shares(found: re.Match[str]) -> str:
    pairs = re.findall(r"'([^']*)': ([-+.\de]+)", found[1])
    return f"--expected-share {' '.join(shlex.quote(f'{level}={share}') for level, share in pairs)}"


def _kinds(hint: Any) -> list[Any]:
    """Give the kinds of value that a type takes, without what they hold."""
    if get_origin(hint) in (Union, UnionType):
        return [kind for argument in get_args(hint) for kind in _kinds(argument)]
    return [get_origin(hint) or hint]


def _metavar(hint: Any, key: str) -> str:
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for member in members:
        if get_origin(member) is Literal:
            return "|".join(map(str, get_args(member)))
    if Hashable in members:
        return "LEVEL"
    if float in members or int in members:
        return "NUMBER"
    if key == "launch":
        return "DATE"
    columns = ("outcome", "group", "period", "unit", "before_column", "after_column", "covariate")
    return "COLUMN" if key in columns else "TEXT"


def value_for(given: Any, hint: Any) -> Any:
    """Give the value that a plan would state; what does not fit is left for the plan to refuse.

    Examples
    --------
    >>> value_for("99.9%", float | str), value_for("2", float)
    ('99.9%', 2)
    """
    kinds = _kinds(hint)
    if isinstance(given, list):
        other = str in kinds or float in kinds
        if Mapping in kinds and (not other or any("=" in text for text in given)):
            pairs = (text.partition("=") for text in given)
            return {name: _inner(value) for name, _, value in pairs}
        several = [_scalar(text) if Hashable in kinds or float in kinds else text for text in given]
        return several[0] if len(several) == 1 and (Hashable in kinds or other) else several
    if isinstance(given, str) and not {Hashable, bool, int, float}.isdisjoint(kinds):
        return _scalar(given)
    return given


def _inner(text: str) -> Any:
    parts = [_scalar(part) for part in text.split(",")]
    return parts if len(parts) > 1 else parts[0]


def _scalar(text: str) -> Hashable:
    """Read a number, true, false or quoted text as in TOML; all else is text as it stands.

    Examples
    --------
    >>> [_scalar(text) for text in ("0", "'0'", "True", "post", "2.5")]
    [0, '0', True, 'post', 2.5]
    """
    if text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    try:
        value = tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except tomllib.TOMLDecodeError:
        # TOML wants a digit on both sides of a point.
        return float(text) if re.fullmatch(r"[-+]?(\d+\.|\.\d+)(e[-+]?\d+)?", text) else text
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if number or (isinstance(value, str) and text[:1] in "\"'") else text
