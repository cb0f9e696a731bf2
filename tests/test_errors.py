"""Errors are one small family, and a misspelt name finds its neighbour."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from twobytwo import Design, Scorecard, compress, errors, scorecard, validate
from twobytwo.data.largest import largest_users
from twobytwo.errors import DataError, DesignError, PlanError, TwoByTwoError, nearest


@pytest.mark.parametrize("kind", [DataError, DesignError, PlanError])
def test_each_error_is_of_the_family_and_a_value_error(kind: type[Exception]) -> None:
    assert issubclass(kind, TwoByTwoError)
    assert issubclass(kind, ValueError)


def test_the_family_is_complete() -> None:
    kinds = [name for name in errors.__all__ if name.endswith("Error")]
    raised = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert sorted(raised) == sorted(kinds)


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("minuts", ["minutes", "variant"], " Did you mean 'minutes'?"),
        ("MINUTES", ["Minutes"], " Did you mean 'Minutes'?"),
        ("xyz", ["minutes"], ""),
        ("minutes", [], ""),
        ("1", [1, 2], " Did you mean 1, without quotation marks?"),
        (1, ["1", "2"], " Did you mean '1'?"),
    ],
)
def test_nearest(name: str, known: list[object], hint: str) -> None:
    assert nearest(name, known) == hint


@pytest.mark.parametrize("name", [5, 0.3, None, ("a", "b")])
def test_nearest_takes_what_is_no_text(name: object) -> None:
    """It is called while another error is being written, and must not hide it with one of its own."""
    assert nearest(name, ["minutes"]) == ""  # type: ignore[arg-type]


def test_errors_that_tell_of_several_things_are_listed_on_one_level() -> None:
    wrong = errors.Complaints()
    with wrong.noting(errors.DesignError):
        raise errors.DesignError("No group.", "No unit.")
    with wrong.noting(errors.DesignError):
        raise errors.DesignError("The margin is negative.")
    with pytest.raises(errors.DesignError) as caught:
        wrong.tell(errors.DesignError)
    assert str(caught.value) == ("3 things are wrong. (1) No group. (2) No unit. (3) The margin is negative.")


USERS = pd.DataFrame({"y": np.arange(40) % 7, "g": np.arange(40) % 3, "u": np.arange(40)})
DESIGN = Design.compare(outcome="y", group="g", control=0, treatment=[1, 2])
TWO = Design.compare(outcome="y", group="g")
SEVERAL = ["y", {"column": "u", "role": "primary"}]
WRONG: dict[str, Callable[[Any], Any]] = {
    "design": lambda value: compress(USERS, value),
    "random_seed": lambda value: validate(USERS[USERS["g"] < 2], TWO, random_seed=value),
    "per": lambda value: Design.did(outcome="y", group="g", period="t", launch="2026-09-01", per=value),
    "kind": lambda value: Design.compare(outcome="y", group="g", denominator="u", kind=value),
    "randomised": lambda value: scorecard(USERS, group="g", control=0, metrics=SEVERAL, randomised=value),
    "shrink": lambda value: scorecard(USERS, group="g", control=0, metrics=SEVERAL, shrink=value),
    "n": lambda value: largest_users(USERS, DESIGN, n=value),
    "treatment": lambda value: card().of(value),
    "metric": lambda value: card().best(value),
}


@cache
def card() -> Scorecard:
    return scorecard(USERS, group="g", control=0, metrics=SEVERAL, draws=100)


@pytest.mark.parametrize("value", [pd.NA, np.array([1, 2]), [], b"x"], ids=["NA", "array", "list", "bytes"])
@pytest.mark.parametrize("argument", WRONG)
def test_a_wrong_type_is_told_where_it_is_given(argument: str, value: Any) -> None:
    """Arrays and missing values have no truth, lists no hash: each of these was an error of Python's."""
    with pytest.raises(DesignError, match=rf"{argument}[= ]"):
        WRONG[argument](value)
