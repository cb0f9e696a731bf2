"""The way of the data from the call to the statement, as docs/design.md lists it, is the way that they take."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import twobytwo as tbt
from twobytwo.answer import questions

PACKAGE = Path(tbt.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "design.md"
# Asked by all for names, settings and messages.
ABOUT = ("ask/", "errors", "progress", "__init__")


def module_of(code: CodeType) -> str:
    path = Path(code.co_filename)
    return path.relative_to(PACKAGE).with_suffix("").as_posix() if path.is_relative_to(PACKAGE) else ""


@contextmanager
def entries() -> Iterator[list[tuple[str, str, str]]]:
    """Note calls of public functions from another module: the module, the function, who calls."""
    noted: list[tuple[str, str, str]] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not (module := module_of(frame.f_code)):
            return
        above = frame.f_back
        while above is not None and not module_of(above.f_code):
            above = above.f_back
        caller, name = module_of(above.f_code) if above is not None else "", frame.f_code.co_qualname
        if caller != module and re.fullmatch(r"[a-z]\w*", name) and not module.startswith(ABOUT):
            noted.append((module, name, caller))

    sys.setprofile(note)
    try:
        yield noted
    finally:
        sys.setprofile(None)


def test_every_step_is_entered_once_or_twice_and_in_the_order_of_the_page() -> None:
    """What is entered from more places is a record, or knows one thing that many ask for."""
    rows = tbt.simulate.user_minutes(tbt.simulate.UserMinutes(n=2_000))
    rows["minutes"] = rows["minutes"].clip(upper=300)
    design = {"outcome": "minutes", "group": "variant", "period": "period", "unit": "user_id"}
    with entries() as noted:
        assert questions.did(rows, **design, missing="drop", margin=5, family="normal").statement
    found: dict[str, list[str]] = {}
    for module, name, _ in noted:
        found.setdefault(module, []).append(name)
    steps = {module: names for module, names in found.items() if len(names) <= 2}
    listed = re.findall(r"^\d+\. `([\w/]+)`: (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {module: re.findall(r"`(\w+)`", said) for module, said in listed} == steps
    assert [module for module, _ in listed] == list(steps)
