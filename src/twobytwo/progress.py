"""Progress of what takes long: shown in terminals and notebooks, quiet everywhere else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

__all__ = ["is_shown", "track", "watch"]

# What is done sooner shows nothing.
_PATIENCE = 1.0
_POLL = 0.2


def is_shown() -> bool:
    """Whether anybody could see progress: a terminal, or a notebook that has widgets.

    Examples
    --------
    >>> is_shown()
    False
    """
    if sys.stderr is not None and sys.stderr.isatty():
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell" and find_spec("ipywidgets") is not None


@contextmanager
def watch(
    description: str, fraction: Callable[[], float] | None = None, *, shown: bool | None = None
) -> Iterator[None]:
    """Show that a step is under way, and how far it is, while the body runs.

    Parameters
    ----------
    description
        What is being done.
    fraction
        How much is done, between 0 and 1, asked now and then from another thread; None shows that
        something is being done.
    shown
        Whether to show it; None shows it where `is_shown` says that somebody could see it.

    Examples
    --------
    >>> with watch("reading"):
    ...     answer = 6 * 7
    """
    if not (is_shown() if shown is None else shown):
        yield
        return
    done = threading.Event()
    poller = threading.Thread(target=_poll, args=(description, fraction, done), daemon=True)
    poller.start()
    try:
        yield
    finally:
        done.set()
        poller.join()


def track[T](steps: Sequence[T], description: str) -> Iterator[T]:
    """Go through steps and show how many are done and how long the rest will take.

    Parameters
    ----------
    steps
        The steps.
    description
        What is being done.

    Yields
    ------
    object
        Each step.

    Examples
    --------
    >>> list(track([1, 2], "counting"))
    [1, 2]
    """
    finished = 0
    with watch(description, lambda: finished / len(steps)):
        for step in steps:
            yield step
            finished += 1


def _poll(description: str, fraction: Callable[[], float] | None, done: threading.Event) -> None:
    if done.wait(_PATIENCE):
        return
    with _bar() as bar:
        task = bar.add_task(description, total=None if fraction is None else 1.0)
        while not done.wait(_POLL):
            if fraction is not None:
                bar.update(task, completed=min(max(fraction(), 0.0), 1.0))


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
