"""Errors are one small family, and a misspelt name finds its neighbour."""

from __future__ import annotations

import pytest

from twobytwo import errors
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
        ("1", [1, 2], " Did you mean '1'?"),
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
