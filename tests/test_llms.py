"""What is written for language models names nothing that does not exist."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import twobytwo as tbt
from twobytwo.cli import main

ROOT = Path(__file__).parents[1]
TEXT = files("twobytwo").joinpath("llms.txt").read_text(encoding="utf-8")


def test_every_page_and_file_exists() -> None:
    pages = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(pages) > 8
    # The ten statements are written by docs/statements/write.py.
    assert [page for page in pages if not (ROOT / "docs" / page).exists()] == []
    shipped = re.findall(r"`twobytwo/([\w./]+)`", TEXT)
    assert shipped
    assert all(files("twobytwo").joinpath(name).is_file() for name in shipped)


def test_every_public_name_exists() -> None:
    named = set(re.findall(r"`twobytwo\.(\w+)", TEXT))
    assert named >= {"did", "interaction", "compare"}
    assert named <= set(tbt.__all__)
    methods = re.findall(r"`result\.(\w+)", TEXT)
    fields = tbt.Analysis.__dataclass_fields__
    assert [name for name in methods if not hasattr(tbt.Analysis, name) and name not in fields] == []


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`twobytwo (\w+)`", TEXT))))
def test_every_command_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert command in capsys.readouterr().out
