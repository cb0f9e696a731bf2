"""What is written to a terminal is shown, not obeyed."""

from __future__ import annotations

from twobytwo.cli.streams import one_line, visible


def test_what_a_terminal_would_obey_is_shown() -> None:
    assert visible("a\x1b[2Jb\u202ec\r\nd") == "a\\x1b[2Jb\\u202ec\\r\nd"
    assert visible("5\N{NO-BREAK SPACE}minutes − é") == "5\N{NO-BREAK SPACE}minutes − é"
    assert visible("\udcff") == "\\udcff"


def test_a_message_is_one_line() -> None:
    assert one_line("a\n  b\x07") == "a b\\x07"
