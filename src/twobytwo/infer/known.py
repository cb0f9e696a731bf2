"""Which families there are and what each estimates, read from their files without loading PyMC.

A family is a class in the file of the folder `families` that is called like it. Nothing else lists it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

__all__ = ["estimands"]

_FOLDER = Path(__file__).parent / "families"
# As a class says them of itself, `name: ClassVar[str] = "normal"`. Loading the file would load PyMC, which
# takes seconds.
_SAID = re.compile(r'^    (name|estimand)(?:: .+)? = "(.+)"$', re.MULTILINE)


@cache
def estimands() -> Mapping[str, str]:
    """Tell what every family of the package estimates, by the family's name.

    Returns
    -------
    Mapping
        In the order of the alphabet.

    Examples
    --------
    >>> estimands()["normal"], estimands()["student_t"]
    ('mean', 'location')
    """
    said = {file.stem: dict(_SAID.findall(file.read_text("utf-8"))) for file in sorted(_FOLDER.glob("*.py"))}
    return {name: its.get("estimand", "mean") for name, its in said.items() if its.get("name") == name}
