"""What plans of one metric and of several share: where the rows are, priors, probabilities, the question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, get_type_hints

from twobytwo.answer.keys import MisstatedError, Named, listed
from twobytwo.answer.read_keys import read_keys, unknown
from twobytwo.errors import DesignError, PlanError, nearest
from twobytwo.infer.priors import PRESETS, Priors

__all__ = ["OPEN", "Sourced", "open_lines", "priors_of", "probability", "question_of", "table_at", "table_of"]

# What a draft writes into a line that only people can fill in.
OPEN = "FILL IN"
_OPEN_LINE = re.compile(rf"^#\s*(\w+) = .*# {OPEN}(?: if question = ([^:]*))?:", re.MULTILINE)
_SIMULATED = "simulate:"
_PROBABILITIES = {"ci_prob": (0.95, 1), "max_probability": (0.05, 0.5)}
_PRIORS: Mapping[str, Any] = get_type_hints(Priors)


class Sourced(Protocol):
    """What a table is looked for by: any plan."""

    @property
    def path(self) -> Path:
        """The plan file."""

    @property
    def source(self) -> str:
        """Path or glob, relative to the plan's folder, or ``simulate:NAME``."""


def open_lines(text: str, stated: Mapping[str, Any]) -> list[str]:
    """Name the keys that a draft left open and nobody has stated since; none of another question.

    Parameters
    ----------
    text
        Of the plan.
    stated
        What TOML reads in it: keys, and tables of keys.

    Examples
    --------
    >>> open_lines("# margin = ...  # FILL IN: the smallest harm", {"decision": {"harm": "decrease"}})
    ['margin']
    """
    known = {*stated, *(key for table in stated.values() if isinstance(table, Mapping) for key in table)}
    found = [(key, re.findall(r'"(\w+)"', of)) for key, of in _OPEN_LINE.findall(text)]
    # While the question itself is open, nobody can say which of the others are needed.
    return [key for key, of in found if key not in known and (not of or stated.get("question") in of)]


def question_of(stated: Mapping[str, Any], known: Iterable[str]) -> str:
    """Give the question of a plan, or refuse what is none (`MisstatedError`)."""
    question, names = stated.get("question"), list(known)
    if isinstance(question, str) and question in names:
        return question
    found = "is missing" if question is None else f"= {question!r} is not allowed"
    msg = f"question {found}; use one of {listed(names)}.{nearest(str(question), names)}"
    raise MisstatedError(msg)


def table_of(plan: Sourced) -> Any:
    """Draw a simulated table, or say where the real one is.

    Raises
    ------
    PlanError
        If there is no simulated table of that name.
    """
    try:
        return table_at(plan.source, plan.path.parent)
    except DesignError as error:
        msg = f"{plan.path}: [data] source = {plan.source!r}: {error}"
        raise PlanError(msg) from error


def table_at(source: str, folder: Path = Path()) -> Any:
    """Draw a simulated table, or say where the real one is; `DesignError` if none is simulated so."""
    if not source.startswith(_SIMULATED):
        return str(folder / source)
    from twobytwo import simulate

    return simulate.table(source.removeprefix(_SIMULATED))


def probability(key: str, decision: Mapping[str, Any], named: Named) -> float:
    """Give ``ci_prob`` or ``max_probability`` of [decision], or refuse what is none (`MisstatedError`)."""
    default, most = _PROBABILITIES[key]
    value: float = decision.get(key, default)
    if not 0 < value < most:
        msg = f"{named('decision', key)} = {value!r} must be between 0 and {most}, such as {default}."
        raise MisstatedError(msg)
    return value


def priors_of(stated: str | Mapping[str, Any], named: Named) -> Priors:
    """Give a preset or priors of one's own, or refuse (`MisstatedError`, `DesignError`)."""
    if isinstance(stated, str):
        return Priors.of(stated)
    strangers = [key for key in stated if key not in _PRIORS]
    if strangers:
        raise MisstatedError(*unknown(strangers, "model.priors", {"model.priors": _PRIORS}, named))
    given = {"name": "planned"} | read_keys({"model.priors": stated}, "model.priors", _PRIORS, named)
    if given["name"] in PRESETS:
        key = named("model.priors", "name")
        msg = f"{key} = {given['name']!r} is a preset's; give these priors another name."
        raise MisstatedError(msg)
    return Priors(**given)
