"""Messages about a plan: what Python calls an argument is a key of a TOML file there."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import Any

from twobytwo.answer.forms import QUESTIONS
from twobytwo.answer.keys import card_layout, in_file, keys
from twobytwo.answer.sketch import toml

__all__ = ["in_plan"]

# An argument, but no part of a path such as month=3/plan.toml, and none that has its own brackets.
_ARGUMENT = re.compile(r"(?<![\w/.-])([a-z_]+)=(?!=)")
_SCALAR = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w-])|(?:True|False)\b"
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def in_plan(error: object) -> str:
    """Say a message's Python arguments as lines of a plan.

    Parameters
    ----------
    error
        The message.

    Returns
    -------
    str
        The message, with `key = value` as TOML has it; a key without a value is named with its table, if
        only one table has it.

    Examples
    --------
    >>> in_plan("Say levels={'exp feed': ('off', 'on')}, or say what absence means with missing=.")
    'Say levels = { "exp feed" = ["off", "on"] }, or say what absence means with [design] missing.'
    """
    said, told, end = str(error), [], 0
    for found in _ARGUMENT.finditer(said):
        key, tables = found[1], _tables().get(found[1])
        # A value that was read already may hold what looks like a further argument.
        if not tables or found.start() < end:
            continue
        told.append(said[end : found.start()])
        literal = _literal(said[found.end() :])
        end = found.end() + len(literal)
        if literal:
            told.append(f"{key} = {_value(literal)}")
        elif re.match(r"\.\.\.|[-\w'\"([{]", said[end:]):
            # Something that stands for a value, or one that TOML cannot say.
            told.append(f"{key} = ")
        else:
            told.append(in_file(min(tables), key) if len(tables) == 1 else key)
    return "".join((*told, said[end:]))


@cache
def _tables() -> dict[str, set[str]]:
    """Give the tables of each key, over the plans of all questions and scorecards."""
    found: dict[str, set[str]] = {}
    for question in QUESTIONS:
        for layout in (keys(question), card_layout(question)):
            for table, hints in layout.items():
                for key in hints:
                    found.setdefault(key, set()).add(table)
    return found


def _literal(text: str) -> str:
    """Give the Python literal that a text begins with; nothing if it begins with none."""
    scalar = _SCALAR.match(text)
    if scalar:
        return scalar[0]
    closing = _CLOSING.get(text[:1])
    for end in (k for k, letter in enumerate(text, 1) if letter == closing):
        if _value(text[:end]) is not None:
            return text[:end]
    return ""


def _value(literal: str) -> str | None:
    """Write a Python literal as TOML; None for what is none, or has no like in TOML."""
    try:
        value: Any = ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        return None
    if isinstance(value, set | frozenset) or value is None:
        return None
    return toml(value)
