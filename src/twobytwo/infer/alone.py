"""One thread at a time where PyTensor builds, rewrites or runs graphs: it is not made for more."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

__all__ = ["alone", "in_turn"]


class _Turn:
    lock = threading.RLock()


def _renew() -> None:
    # A thread that held it in the parent does not exist in the child.
    _Turn.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


@contextmanager
def alone() -> Iterator[None]:
    """Wait for the other threads of this process, then hold them up until the body is done.

    Examples
    --------
    >>> with alone():
    ...     answer = 6 * 7
    """
    with _Turn.lock:
        yield


def in_turn[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Let a function be run by one thread at a time.

    Parameters
    ----------
    function
        What uses PyTensor.

    Returns
    -------
    Callable
        The same function, in turn.

    Examples
    --------
    >>> in_turn(abs)(-1)
    1
    """

    @wraps(function)
    def alone_in_it(*args: P.args, **kwargs: P.kwargs) -> R:
        with alone():
            return function(*args, **kwargs)

    return alone_in_it
