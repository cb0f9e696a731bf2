"""The answer that examples in docstrings look at, computed once in a process that is not searched often."""

from __future__ import annotations

import gc
import re
from typing import Any

import pytest

# Ten times Python's number of new objects between two searches for unused ones. Imported modules and compiled
# models stay to the end, and the searches through them take a fourteenth of the time of tests that compile.
gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def answered() -> Any:
    """Two experiments with an interaction of -3 (CASES.md B)."""
    import twobytwo as tbt

    return tbt.interaction(
        tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    )


@pytest.fixture(autouse=True)
def _examples(request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]) -> None:
    """Give an example ``tbt``, and ``result`` where it looks at one that it does not make."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    import twobytwo as tbt

    doctest_namespace["tbt"] = tbt
    code = "".join(example.source for example in request.node.dtest.examples)
    if re.search(r"\bresult\b", code) and not re.search(r"^result = ", code, re.MULTILINE):
        doctest_namespace["result"] = request.getfixturevalue("answered")
