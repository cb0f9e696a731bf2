"""The types of the reference are those of the annotations, whatever form they were written in."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import twobytwo as tbt

PATH = Path(__file__).parents[1] / "docs" / "parameter_types.py"


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parameter_types", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TYPES = _module()


def typed(subject: Any) -> list[str]:
    lines = inspect.getdoc(subject).splitlines()
    TYPES.add_types(None, "", "", subject, None, lines)
    return lines


def test_a_function_says_types_defaults_and_shared_keywords() -> None:
    lines = typed(tbt.did)
    assert "randomised : bool, default: False" in lines
    assert 'per : ``"day"`` | None' in lines
    # From Keywords, which several functions share.
    assert any(line.startswith("    * ``margin``: float") for line in lines)


def test_a_record_says_the_types_of_its_fields() -> None:
    lines = typed(tbt.Options)
    assert "ci_prob : float, default: 0.95" in lines


PUBLIC = {name: getattr(tbt, name) for name in tbt.__all__}


@pytest.mark.parametrize(
    "name",
    [key for key, it in PUBLIC.items() if callable(it) and "Parameters" in (inspect.getdoc(it) or "")],
)
def test_every_parameter_of_a_public_name_has_a_type(name: str) -> None:
    subject = PUBLIC[name]
    stated = [line for line in inspect.getdoc(subject).splitlines() if re.fullmatch(r"\w+(, \w+)*", line)]
    left = set(typed(subject)) & set(stated)
    # Headings, and what a function returns and raises, are no parameters.
    parameters = {part for line in left for part in line.split(", ")} & set(
        inspect.signature(subject).parameters
    )
    assert not parameters


def test_prose_and_examples_stay_as_they_are() -> None:
    before, after = inspect.getdoc(tbt.compress).splitlines(), typed(tbt.compress)
    assert len(before) == len(after)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["data : any", "design : Design", "grid : Grid | None"]


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (Callable[[str, int], float | None], "Callable[[str, int], float | None]"),
        (tuple[float, ...], "tuple[float, ...]"),
        ("OnlyForTypeCheckers", "OnlyForTypeCheckers"),
    ],
)
def test_types_are_written_as_in_python(annotation: Any, said: str) -> None:
    assert TYPES.words(annotation) == said
