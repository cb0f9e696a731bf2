"""What is written to a terminal is shown, not obeyed."""

from __future__ import annotations

from twobytwo.cli.streams import one_line


def test_a_message_is_one_line() -> None:
    assert one_line("a\n  b\x07") == "a b\\x07"
