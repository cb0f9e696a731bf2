"""Frozen records as JSON and back, under names that outlive modules.

A record is written as its tag and its fields. Tags are listed by who saves (`Records`), so that a class may
move or be renamed and what was saved is still read; nothing in a file chooses what is imported.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal
from typing import Any

import numpy as np

from twobytwo.errors import DataError, DesignError

__all__ = ["Records"]

# What a level may be beside text, numbers and booleans: how it is written, and how it is read.
_VALUES: Mapping[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "decimal": (Decimal, str, Decimal),
    "uuid": (uuid.UUID, str, uuid.UUID),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records that one kind of file may hold.

    Parameters
    ----------
    classes
        Dataclasses by tag; a tag once released keeps its meaning.

    Examples
    --------
    >>> from twobytwo.ask.metric import Metric
    >>> records = Records(classes={"metric": Metric})
    >>> records.encode(Metric(column="minutes"))["record"]
    'metric'
    >>> records.decode(records.encode(Metric(column="minutes"))).column
    'minutes'
    """

    classes: Mapping[str, type]

    def encode(self, value: Any) -> Any:
        """Give records, tuples and plain values as JSON has them.

        Parameters
        ----------
        value
            A record of one of the classes, a tuple, text, a number, None.

        Returns
        -------
        object
            For `json.dumps`.

        Raises
        ------
        DataError
            If there is no way to write the value.
        """
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, tuple | list):
            return [self.encode(inner) for inner in value]
        for tag, kind in self.classes.items():
            if type(value) is kind:
                inside = {field.name: self.encode(getattr(value, field.name)) for field in _given(kind)}
                return {"record": tag} | inside
        for tag, (type_, write, _) in _VALUES.items():
            if isinstance(value, type_):
                return {"value": tag, "text": write(value)}
        msg = f"{value!r} of the type {type(value).__name__} cannot be saved; use text, numbers or booleans."
        raise DataError(msg)

    def decode(self, value: Any) -> Any:
        """Give back what `encode` was given; a list comes back as a tuple.

        Parameters
        ----------
        value
            What `json.loads` gave.

        Returns
        -------
        object
            A record, a tuple or a plain value.

        Raises
        ------
        DataError
            If a tag is unknown, a field is unknown, or one is missing that has no default.
        """
        if isinstance(value, list):
            return tuple(self.decode(inner) for inner in value)
        if not isinstance(value, dict):
            return value
        if value.keys() == {"value", "text"} and value["value"] in _VALUES:
            return _VALUES[value["value"]][2](value["text"])
        tag = value.get("record")
        if not isinstance(tag, str) or tag not in self.classes:
            msg = f"{tag!r} is no record that is saved here; known are {', '.join(map(repr, self.classes))}."
            raise DataError(msg)
        return self._made(tag, {name: inner for name, inner in value.items() if name != "record"})

    def _made(self, tag: str, written: Mapping[str, Any]) -> Any:
        kind = self.classes[tag]
        expected = {field.name for field in _given(kind)}
        # A field that came later has a default that means what was so before it.
        needed = {field.name for field in _given(kind) if _required(field)}
        unknown, missing = sorted(written.keys() - expected), sorted(needed - written.keys())
        if unknown or missing:
            told = [f"no field {name!r}" for name in missing] + [
                f"an unknown field {name!r}" for name in unknown
            ]
            msg = f"The saved record {tag!r} has {', '.join(told)}: it was written by another version."
            raise DataError(msg)
        values = {name: self.decode(inner) for name, inner in written.items()}
        try:
            return kind(**values)
        except (DesignError, TypeError, ValueError, AttributeError) as error:
            msg = f"The saved record {tag!r} cannot be read: {error}"
            raise DataError(msg) from error

    def dumps(self, value: Mapping[str, Any]) -> bytes:
        """Write JSON of plain values that `encode` gave, in ASCII whatever the names are."""
        return f"{json.dumps(value, indent=2)}\n".encode()


def _required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _given(kind: Any) -> list[Any]:
    return [field for field in fields(kind) if field.init]
