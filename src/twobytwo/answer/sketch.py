"""A plan while it is written: lines that are known, and lines left open for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from twobytwo.answer.keys import DECIDED, MEANING
from twobytwo.answer.misfits import COLUMNS
from twobytwo.answer.plan_parts import OPEN
from twobytwo.data.attendance import Attendance
from twobytwo.data.outline import Column, Outline

__all__ = ["QUOTES", "Gap", "Sketch", "plan_line", "toml"]

# What a person may write around a text, or leave out.
QUOTES = "'\""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that the columns do not say.

    Parameters
    ----------
    table, key
        Where the plan says it.
    choices
        What it may be, as far as the file shows; empty where it may be anything.
    seen
        What the file shows of it, in words.
    optional
        Whether the plan may do without it.
    typed
        What a person could type, where that is not the line of the plan.
    of
        Questions that need it, while the question itself is open; none for all of them.
    """

    table: str
    key: str
    choices: tuple[str, ...] = ()
    seen: str = ""
    optional: bool = False
    typed: str = ""
    of: tuple[str, ...] = ()

    @property
    def condition(self) -> str:
        """Under which question it is asked for, with a leading space; nothing for all of them."""
        return f" if question = {' or '.join(map(toml, self.of))}" if self.of else ""

    @property
    def words(self) -> str:
        """What is asked for."""
        meaning = MEANING[self.key]
        # The words may name all choices already.
        told = re.findall(r"\w+", meaning)
        new = [choice for choice in self.choices if choice.strip(QUOTES) not in told]
        listed = f" ({', '.join(new)})" if new else ""
        return f"{meaning}{listed}" + (f"; {self.seen}" if self.seen else "")


@dataclass(kw_only=True)
class Sketch:
    """What is known while a draft is written.

    Parameters
    ----------
    found
        The file's columns.
    stated
        What is known for certain, by table and key of plans.
    attendance
        Counts who is seen in one period only; None where there is no file to ask.
    question
        Of plans; None while nobody can say.
    times
        Columns that may tell periods apart; whether they do is open.
    values
        What was written, stated or guessed, by key of [design].
    written
        Keys of [design] that have their line, be it an open one.
    gaps
        What is still open.
    notes
        What is not open, and yet to be looked at.
    of
        Questions that what is asked now is for; none for all of them.
    """

    found: Outline
    stated: dict[str, dict[str, Any]]
    attendance: Attendance | None = None
    question: str | None = None
    times: Sequence[Column] = ()
    values: dict[str, Any] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    of: tuple[str, ...] = ()

    @property
    def free(self) -> list[Column]:
        """Columns without a role, be it an open one."""
        design = {**self.stated["design"], **self.values}
        taken = {design[key] for key in COLUMNS if key in design} | {*design.get("factors", ())}
        taken |= {column.name for column in self.times}
        return [column for column in self.found.columns if column.name not in taken]

    def put(self, key: str, guess: Any, hint: str = "") -> list[str]:
        """Write a key with what was stated, or else guessed; nothing if neither."""
        value = self.stated["design"].get(key, guess)
        self.written.add(key)
        if value is None:
            return []
        self.values[key] = value
        return [plan_line(key, value, hint)]

    @contextmanager
    def only_for(self, *questions: str) -> Iterator[None]:
        """Leave lines open for some questions only, while it is open which is asked."""
        self.of = questions
        try:
            yield
        finally:
            self.of = ()

    def ask(
        self,
        key: str,
        choices: Sequence[str] = (),
        *,
        seen: str = "",
        optional: bool = False,
        example: str = "",
        typed: str = "",
    ) -> list[str]:
        """Leave a line open; its example is the first choice if there is no better one."""
        self.written.add(key)
        table = "" if key == "question" else "decision" if key in DECIDED else "design"
        # In the file the choices are examples; a person types them without quotes.
        gap = Gap(
            table=table,
            key=key,
            choices=tuple(choices),
            seen=seen,
            optional=optional,
            typed=typed,
            of=self.of,
        )
        self.gaps.append(gap)
        example = example or (choices[0] if choices else "...")
        fill = "optional" if optional else f"{OPEN}{gap.condition}"
        return [f"# {key} = {example}  # {fill}: {gap.words}"]


def plan_line(key: str, value: Any, hint: str = "") -> str:
    """Write a key with its value, and behind it what it means, or what is known of this value.

    Examples
    --------
    >>> plan_line("unit", "user_id", "900 users")
    'unit = "user_id"  # 900 users'
    """
    said = hint or MEANING.get(key, "")
    return f"{key} = {toml(value)}" + (f"  # {said}" if said else "")


def toml(value: Any) -> str:
    """Write a value as TOML does.

    Examples
    --------
    >>> toml({"control": 0.8, "levels": [1, True]})
    '{ control = 0.8, levels = [1, true] }'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_bare(str(key))} = {toml(each)}" for key, each in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(each) for each in value)}]"
    return json.dumps(str(value), ensure_ascii=False)


def _bare(key: str) -> str:
    """Write a key without quotes where TOML needs none."""
    return key if _BARE.fullmatch(key) else toml(key)
