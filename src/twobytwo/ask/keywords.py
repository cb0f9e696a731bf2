"""Keywords that several functions share: stated once, still shown by each, judged apart from the rest."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from typing import Any, get_args, get_type_hints

from twobytwo.errors import DesignError

__all__ = ["judged_apart", "spelled_out"]


def spelled_out[**P, R](*records: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Show, one by one, the keywords that a function takes by ``**keywords: Unpack[...]``.

    Parameters
    ----------
    *records
        Dataclasses whose fields give the keywords their defaults.

    Returns
    -------
    Callable
        A decorator. The function stays what it is; `help`, notebooks, the reference and plan files see
        every keyword with its type and default.

    Examples
    --------
    >>> from typing import TypedDict, Unpack
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Size:
    ...     height: float = 1.0
    >>> SizeOptions = TypedDict("SizeOptions", {"height": float}, total=False)
    >>> @spelled_out(Size)
    ... def draw(name: str, **size: Unpack[SizeOptions]) -> None: ...
    >>> list(inspect.signature(draw).parameters)
    ['name', 'height']
    """
    defaults = {
        field.name: field.default
        for record in records
        for field in fields(record)
        if field.default is not MISSING
    }

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature, hints = inspect.signature(function), get_type_hints(function)
        shown = []
        for parameter in signature.parameters.values():
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                hint = hints.get(parameter.name, parameter.annotation)
                shown.append(parameter.replace(annotation=hint))
                continue
            (options,) = get_args(hints[parameter.name])
            shown += [
                inspect.Parameter(
                    name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=hint
                )
                for name, hint in get_type_hints(options).items()
            ]
        # Read by `inspect.signature` before anything else (PEP 362).
        function.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=shown, return_annotation=hints.get("return", signature.return_annotation)
        )
        return function

    return decorate


def judged_apart[**P, R](options: type, **instead: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Tell what is wrong with shared keywords and what is wrong with the rest in one error.

    Parameters
    ----------
    options
        The TypedDict of the shared keywords.
    **instead
        Arguments that are surely right, with which the rest is judged by itself.

    Returns
    -------
    Callable
        A decorator.

    Examples
    --------
    >>> from typing import TypedDict, Unpack
    >>> SizeOptions = TypedDict("SizeOptions", {"height": float}, total=False)
    >>> @judged_apart(SizeOptions)
    ... def draw(name: str, **size: Unpack[SizeOptions]) -> None:
    ...     if size:
    ...         raise DesignError("The height is negative.")
    ...     raise DesignError("There is no such name.")
    >>> draw("x", height=-1)
    Traceback (most recent call last):
    twobytwo.errors.DesignError: 2 things are wrong. (1) The height is negative. (2) There is no such name.
    """
    shared = get_type_hints(options)

    def decorate(ask: Callable[P, R]) -> Callable[P, R]:
        @wraps(ask)
        def asked(*of: P.args, **stated: P.kwargs) -> R:
            try:
                return ask(*of, **stated)
            except DesignError as error:
                rest: Any = {key: value for key, value in stated.items() if key not in shared}
                try:
                    ask(*of, **rest | instead)
                except DesignError as other:
                    raise DesignError(*error.args, *other.args) from error
                raise

        return asked

    return decorate
