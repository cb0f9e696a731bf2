"""Tables of a plan as written → values of the right types; all that is wrong is said in one error."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from twobytwo.answer.keys import MEANING, MisstatedError, Named, listed
from twobytwo.ask.arguments import size
from twobytwo.ask.metric import Metric
from twobytwo.errors import nearest

__all__ = ["read_keys", "readable", "refuse_unknown", "unknown"]

_MISFIT = object()


def refuse_unknown(stated: Mapping[str, Any], layout: Mapping[str, Mapping[str, Any]], named: Named) -> None:
    """Refuse tables and keys that no plan has, and scalars where a table belongs (`MisstatedError`)."""
    tables = [name for name in layout if name]
    wrong = []
    for name, value in stated.items():
        if isinstance(value, dict) and name not in tables:
            wrong.append(f"table [{name}] is unknown; there are {listed(tables)}.{nearest(name, tables)}")
        if not isinstance(value, dict) and name in tables:
            wrong.append(f"{name} = {value!r} must be a table: write [{name}] and its keys below it.")
    given = {name: stated.get(name, {}) for name in tables}
    scalars = {name: value for name, value in stated.items() if not isinstance(value, dict)}
    for where, table in {"": scalars, **given}.items():
        inside = table if isinstance(table, dict) else {}
        # A table's own name at the top was told above.
        strange = [key for key in inside if key not in layout[where] and (where or key not in tables)]
        wrong += unknown(strange, where, layout, named)
    if wrong:
        raise MisstatedError(*wrong)


def unknown(
    strange: Sequence[str], where: str, layout: Mapping[str, Mapping[str, Any]], named: Named
) -> list[str]:
    """Say which keys of a table are unknown, and what was perhaps meant; the allowed ones are listed once."""
    homes = {key: named(name, key) for key in strange for name, keys in layout.items() if key in keys}
    wrong = [f"key {named(where, key)} is unknown; it belongs to {home}." for key, home in homes.items()]
    nowhere = [key for key in strange if key not in homes]
    if nowhere:
        called = ", ".join(named(where, key) for key in nowhere)
        said = f"key {called} is unknown" if len(nowhere) == 1 else f"keys {called} are unknown"
        hints = "".join(dict.fromkeys(nearest(key, layout[where]) for key in nowhere))
        wrong.append(f"{said}; allowed are {listed(layout[where])}.{hints}")
    return wrong


def read_keys(
    stated: Mapping[str, Any],
    where: str,
    hints: Mapping[str, Any],
    named: Named,
    required: Sequence[str] = (),
) -> dict[str, Any]:
    """Take one table's known keys, converted to the types that Python code would give.

    Parameters
    ----------
    stated
        The whole plan.
    where
        The table; "" for the top of the file.
    hints
        The table's keys, with their types.
    named
        Gives a table's key the name that messages use.
    required
        Keys that must be there.

    Raises
    ------
    MisstatedError
        For every key that is missing or has a value of the wrong type.
    """
    table = stated.get(where, {}) if where else stated
    # A key that is misspelt was told as such, with this name as the nearest.
    misspelt = {nearest(key, hints) for key in table if key not in hints}
    wrong = [
        f"{named(where, key)} is missing; say {MEANING[key]}."
        for key in required
        if key not in table and nearest(key, (key,)) not in misspelt
    ]
    read = {}
    for key in (key for key in hints if key in table):
        read[key] = _convert(table[key], hints[key])
        if read[key] is _MISFIT:
            wrong.append(f"{named(where, key)} = {table[key]!r} must be {_words(hints[key])}.")
    if wrong:
        raise MisstatedError(*wrong)
    return read


def readable(table: Any, hints: Mapping[str, Any]) -> dict[str, Any]:
    """Take what `read_keys` would take of a table, and leave out the rest; nothing of what is no table."""
    stated = table if isinstance(table, dict) else {}
    known = {key: _convert(stated[key], hint) for key, hint in hints.items() if key in stated}
    return {key: value for key, value in known.items() if value is not _MISFIT}


def _convert(value: Any, hint: Any) -> Any:
    """Give a TOML value the type of a Python argument, or `_MISFIT`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Metric:
        return _MISFIT
    if origin in (Union, UnionType):
        tried = (_convert(value, argument) for argument in arguments if argument is not NoneType)
        return next((converted for converted in tried if converted is not _MISFIT), _MISFIT)
    if origin is Literal:
        return value if value in arguments else _MISFIT
    if origin in (Mapping, Sequence, tuple):
        return _convert_many(value, origin, arguments)
    # In Python a boolean is a number; in a plan it is a slip.
    if hint in (int, float) and isinstance(value, bool):
        return _MISFIT
    if hint is float and isinstance(value, int | float):
        return size(value) if math.isfinite(size(value)) else _MISFIT
    return value if hint is Any or isinstance(value, hint) else _MISFIT


def _convert_many(value: Any, origin: Any, arguments: tuple[Any, ...]) -> Any:
    if origin is Mapping:
        if not isinstance(value, dict):
            return _MISFIT
        converted: Any = {key: _convert(inner, arguments[1]) for key, inner in value.items()}
        return _MISFIT if _MISFIT in converted.values() else converted
    pair = origin is tuple and Ellipsis not in arguments
    if not isinstance(value, list) or (pair and len(value) != len(arguments)):
        return _MISFIT
    converted = tuple(_convert(inner, arguments[k if pair else 0]) for k, inner in enumerate(value))
    return _MISFIT if _MISFIT in converted else converted


def _words(hint: Any) -> str:
    """Say in words what a type of `_convert` takes."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        said = [_words(argument) for argument in arguments if argument not in (NoneType, Metric)]
        return " or ".join(said)
    if origin is Literal:
        return f"one of {listed(arguments)}"
    if origin is tuple:
        return "a list of two levels"
    if origin is Mapping:
        return f"a table, each value of which is {_words(arguments[1])}"
    if origin is Sequence:
        return "a list of texts"
    if hint is date:
        return "a date, such as 2026-09-01"
    return {str: "text", bool: "true or false", int: "a whole number", float: "a finite number"}.get(
        hint, "a level (text, a number, true or false)" if hint is Hashable else "a number or text"
    )
