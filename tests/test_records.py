"""Records under tags: what goes in comes out, and nothing is tolerated in silence."""

from __future__ import annotations

import json
import math
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from twobytwo.errors import DataError, DesignError
from twobytwo.records import Records


@dataclass(frozen=True, kw_only=True)
class Inner:
    x: Any


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner
    many: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.many == ("bad",):
            raise DesignError("many is bad")


RECORDS = Records(classes={"inner": Inner, "outer": Outer})


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, 2**70, 0.1, math.inf, "", "a\0b", 'ö "\n', (), ((1,), "x"), b"\x00\xff",
        Decimal("1.50"),
        uuid.UUID(int=5), Inner(x=(1, 2)),
    ],
    ids=repr,
)  # fmt: skip
def test_values_come_back_as_they_went(value: Any) -> None:
    back = RECORDS.decode(
        json.loads(RECORDS.dumps({"it": RECORDS.encode(Outer(inner=Inner(x=value)))}))["it"]
    )
    assert back.inner.x == value
    assert type(back.inner.x) is type(value)


def test_numbers_of_numpy_become_plain() -> None:
    assert RECORDS.decode(RECORDS.encode((np.float64(0.5), np.int64(3), np.bool_(True)))) == (0.5, 3, True)


def test_what_cannot_be_written_is_refused() -> None:
    for value in (object(), {"a": 1}, {1}, Records(classes={})):
        with pytest.raises(DataError, match="cannot be saved; use text, numbers or booleans"):
            RECORDS.encode(value)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"record": "os:system"}, "'os:system' is no record that is saved here; known are 'inner', 'outer'"),
        ({"record": ["x"]}, "is no record that is saved here"),
        ({"x": 1}, "None is no record"),
        ({"record": "inner"}, "'inner' has no field 'x'"),
        ({"record": "inner", "x": 1, "y": 2}, "'inner' has an unknown field 'y'"),
        ({"record": "outer", "inner": None, "many": ["bad"]}, "'outer' cannot be read: many is bad"),
    ],
)
def test_anything_else_is_refused(written: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        RECORDS.decode(written)
