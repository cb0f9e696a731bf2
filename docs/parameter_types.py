"""Types in the reference: what the annotations say stands beside each parameter of a docstring.

The source says a type once, in the annotation. Here it is brought to the pages, with aliases written out
(``Harm`` is ``'decrease' | 'increase'``) and defaults, before numpydoc lays the docstring out.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any

__all__ = ["add_types", "words"]

_SECTIONS = ("Parameters", "Other Parameters", "Attributes")
# `name` or `name, other` alone on an unindented line.
_NAMES = re.compile(r"\*{0,2}\w+(, \*{0,2}\w+)*")
_PLAIN = {Any: "any", None: "None", types.NoneType: "None", ...: "..."}


def add_types(app: Any, what: str, name: str, subject: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001 - Sphinx gives them
    """Write ``name : type, default: value`` for ``name`` in the sections that list parameters.

    Parameters
    ----------
    app, what, name, options
        As Sphinx gives them; not used.
    subject
        The documented object.
    lines
        Its docstring, changed in place.
    """
    if not callable(subject) or not any(section in lines for section in _SECTIONS):
        return
    known = _types(subject)
    written = []
    inside = ""
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line and following and not following.strip("-"):
            inside = line
        named = re.findall(r"\w+", line) if inside in _SECTIONS and _NAMES.fullmatch(line) else []
        stated = [known.pop(part) for part in named if part in known]
        # One type for all names, or one each in their order.
        if len(set(stated)) == 1:
            del stated[1:]
        written.append(f"{line} : {_marked_up('; '.join(stated))}" if stated else line)
    if "**keywords" in written:
        # What is left of the signature is what `spelled_out` shows of them.
        left = [f"    * ``{key}``: {_marked_up(said)}" for key, said in known.items()]
        place = written.index("**keywords") + 1
        written[place:place] = [*left, ""]
    lines[:] = written


def words(annotation: Any) -> str:
    """Write a type as a reader would.

    Parameters
    ----------
    annotation
        Resolved, or the text of one that only a type checker can resolve.

    Examples
    --------
    >>> from typing import Any, Literal
    >>> words(Literal["decrease", "increase"] | None), words(dict[str, float]), words(Any)
    ("'decrease' | 'increase' | None", 'dict[str, float]', 'any')
    """
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, list):
        return f"[{', '.join(words(part) for part in annotation)}]"
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, typing.TypeAliasType):
        return words(annotation.__value__)
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(repr(part) for part in parts)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(words(part) for part in parts)
    if origin is not None:
        return f"{_name(origin)}[{', '.join(words(part) for part in parts)}]"
    return _name(annotation)


def _name(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))


def _types(subject: Any) -> dict[str, str]:
    """Find the words for every parameter, and for every field of a class."""
    found: dict[str, str] = {}
    if inspect.isclass(subject):
        for owner in reversed(subject.__mro__):
            found |= _resolved(inspect.get_annotations(owner), owner)
    try:
        signature = inspect.signature(subject)
    except (TypeError, ValueError):
        # Written in C: nothing to read.
        return found
    made = inspect.unwrap(subject)
    owner = made.__init__ if inspect.isclass(made) else made
    given = {key: p.annotation for key, p in signature.parameters.items() if p.annotation is not p.empty}
    for key, said in _resolved(given, owner).items():
        parameter = signature.parameters[key]
        default = parameter.default
        shown = (bool, int, float, str, tuple)
        has = default is not parameter.empty and isinstance(default, shown)
        found[key] = f"{said}, default: {default!r}" if has else said
    return found


def _resolved(annotations: Mapping[str, Any], owner: Any) -> dict[str, str]:
    return {key: words(_evaluated(annotation, owner)) for key, annotation in annotations.items()}


def _evaluated(annotation: Any, owner: Any) -> Any:
    """Resolve an annotation where it was written; what only a type checker imports stays text."""
    if not isinstance(annotation, str):
        return annotation
    module = sys.modules.get(getattr(owner, "__module__", ""), None)
    try:
        return eval(annotation, dict(vars(module)) if module else {})
    except (NameError, TypeError, AttributeError):
        return annotation


def _marked_up(said: str) -> str:
    """Write texts as code with the quotes of the docstrings; keep stars and underscores from being markup."""
    parts = re.split(r"('[^']*')", said)
    return "".join(f'``"{part[1:-1]}"``' if part[:1] == "'" else _escaped(part) for part in parts)


def _escaped(words: str) -> str:
    return re.sub(r"([*`_\\])", r"\\\1", words)
