"""What is read from a table when it is first asked for, and then kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

__all__ = ["Later"]


class Later[T]:
    """A value that is read once, when somebody asks for it.

    Parameters
    ----------
    read
        Reads it. What it holds on to, such as a table, is let go of afterwards.

    Notes
    -----
    What is read does not depend on when. Threads that ask together wait for one reading. A copy for another
    process has the value itself.

    Examples
    --------
    >>> later = Later(lambda: print("reading") or 42)
    >>> later.get(), later.get()
    reading
    (42, 42)
    """

    __slots__ = ("_lock", "_read", "_value")

    def __init__(self, read: Callable[[], T]) -> None:
        self._lock = threading.RLock()
        self._read: Callable[[], T] | None = read
        self._value: Any = None

    @classmethod
    def known(cls, value: T) -> Self:
        """Hold a value that need not be read."""
        made = cls(lambda: value)
        made.get()
        return made

    @classmethod
    def of(cls, value: T | Later[T]) -> Later[T]:
        """Take a value, or one that is read later, as the latter."""
        return value if isinstance(value, Later) else cls.known(value)

    def get(self) -> T:
        """Give the value, reading it now if nobody did before."""
        if self._read is not None:
            with self._lock:
                if self._read is not None:
                    self._value = self._read()
                    self._read = None
        value: T = self._value
        return value

    def then[S](self, change: Callable[[T], S]) -> Later[S]:
        """Give what becomes of the value, which is read no sooner than that is asked for."""
        return Later(lambda: change(self.get()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Later.known, (self.get(),)
