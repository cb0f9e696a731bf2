"""The Jinja templates of this folder; every text that they are given is escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from twobytwo.show.words import STATUS, glued, told

__all__ = ["environment", "render"]


# The pictures' colours, for shapes and never for text: a fragment stands in a notebook whose theme is light
# or dark, and on both a shape of these is seen (contrast of 3 or more). What is open or not stated is grey.
_COLOURS, _GREY = {"harm": "#D55E00", "no harm": "#0072B2"}, "#767676"


def render(name: str, **values: Any) -> str:
    """Fill the template of a name; a value that it uses and is not given is an error."""
    return environment().get_template(name).render(**values)


@cache
def environment() -> Environment:
    """Give the templates with what they call: ``glued``, ``status`` and ``told``.

    Examples
    --------
    >>> environment().from_string("{{ 'pass' | status }}, p {{ '< 0.1' }}").render()
    'passed, p &lt; 0.1'
    """
    made = Environment(
        loader=PackageLoader("twobytwo.show.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"glued": glued, "status": STATUS.__getitem__}
    made.globals |= {
        "told": told,
        "colour": lambda verdict: _COLOURS.get(verdict.removesuffix(" that matters"), _GREY),
    }
    return made
