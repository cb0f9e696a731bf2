"""The data take the way from the call to the statement that docs/design.md lists."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import twobytwo as tbt
from twobytwo.answer import questions

PACKAGE = Path(tbt.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "design.md"
# Asked by all for names, settings and messages.
ABOUT = ("ask/", "errors", "progress", "__init__")
# What is compiled or checked once in a process is not entered again in the next analysis.
ENGINE, ENTRANCE = "infer/engine/", "infer/engine/sampling"


def module_of(code: CodeType) -> str:
    path = Path(code.co_filename)
    return path.relative_to(PACKAGE).with_suffix("").as_posix() if path.is_relative_to(PACKAGE) else ""


@contextmanager
def entries() -> Iterator[list[tuple[str, str, str]]]:
    """Note calls of public functions from another module: the module, the function, who calls."""
    noted: list[tuple[str, str, str]] = []

    def note(code: CodeType, _: int) -> Any:
        # Other packages make a hundred times as many calls; none of theirs is noted again.
        if not (module := module_of(code)):
            return sys.monitoring.DISABLE
        # In a thread of its own nothing is above.
        above = sys._getframe(1).f_back
        while above is not None and not module_of(above.f_code):
            above = above.f_back
        caller, name = module_of(above.f_code) if above is not None else "", code.co_qualname
        if caller != module and re.fullmatch(r"[a-z]\w*", name) and not module.startswith(ABOUT):
            noted.append((module, name, caller))
        return None

    tool, starts = sys.monitoring.PROFILER_ID, sys.monitoring.events.PY_START
    sys.monitoring.use_tool_id(tool, "the way of the data")
    sys.monitoring.register_callback(tool, starts, note)
    sys.monitoring.set_events(tool, starts)
    try:
        yield noted
    finally:
        sys.monitoring.set_events(tool, 0)
        sys.monitoring.free_tool_id(tool)


def test_every_step_is_entered_once_or_twice_and_in_the_order_of_the_page() -> None:
    """What is entered from more places is a record, or knows one thing that many ask for."""
    rows = tbt.simulate.user_minutes(tbt.simulate.UserMinutes(n=2_000))
    rows["minutes"] = rows["minutes"].clip(upper=300)
    design = {"outcome": "minutes", "group": "variant", "period": "period", "unit": "user_id"}
    asked = functools.partial(questions.did, rows, **design, missing="drop", margin=5, family="normal")
    # What is imported and compiled once is no part of the way.
    asked()
    with entries() as noted:
        assert asked().statement
    found: dict[str, list[str]] = {}
    for module, name, _ in noted:
        if not module.startswith(ENGINE) or module == ENTRANCE:
            found.setdefault(module, []).append(name)
    steps = {module: list(dict.fromkeys(names)) for module, names in found.items() if len(names) <= 2}
    listed = re.findall(r"^\d+\. `([\w/]+)`: (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {module: re.findall(r"`(\w+)`", said) for module, said in listed} == steps
    assert [module for module, _ in listed] == list(steps)
