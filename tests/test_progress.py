"""Progress: shown where somebody looks, and only if the step takes long."""

from __future__ import annotations

import io
import sys
import time

import pytest
import rich.progress  # noqa: F401 - loading it takes longer than the steps below

from twobytwo import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watching(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in the place of standard error; in a fixture pytest's capture would undo it."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "_PATIENCE", 0.05)
    monkeypatch.setattr(progress, "_POLL", 0.02)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


def test_a_long_step_is_shown_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watching(monkeypatch)
    with progress.watch("reading rows", lambda: 0.4):
        time.sleep(0.4)
    assert "reading rows" in terminal.getvalue()


def test_a_short_step_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watching(monkeypatch)
    with progress.watch("reading rows"):
        pass
    assert terminal.getvalue() == ""


def test_nobody_looks_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    assert not progress.is_shown()
    assert [step for step in progress.track([1, 2, 3], "counting") if not time.sleep(0.05)] == [1, 2, 3]
    assert stream.getvalue() == ""


def test_an_error_in_a_step_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watching(monkeypatch)
    with pytest.raises(ValueError, match="broken"), progress.watch("reading"):
        raise ValueError("broken")
    assert terminal.getvalue() == ""


def test_steps_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watching(monkeypatch)
    for _ in progress.track(range(4), "comparing"):
        time.sleep(0.15)
    assert "comparing" in terminal.getvalue()
