"""Reports in files: the suffix says the format, and a file is written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

import twobytwo as tbt
from twobytwo import cli
from twobytwo.errors import DesignError
from twobytwo.show import report

PLAN = Path(__file__).parents[2] / "models" / "active_minutes.toml"


def test_the_suffix_says_the_format(active_minutes_result: tbt.Analysis, tmp_path: Path) -> None:
    starts = {".txt": "Difference-in", ".md": "## Difference-in", ".json": "{", ".HTML": "<!DOCTYPE html>"}
    for suffix, start in starts.items():
        path = active_minutes_result.report(tmp_path / f"report{suffix}")
        assert path.read_text(encoding="utf-8").startswith(start)
    with pytest.raises(DesignError, match=r"no known suffix; a report ends in .html, .md, .txt, .json"):
        active_minutes_result.report(tmp_path / "report.pdf")


def test_the_shell_refuses_other_suffixes_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["report", str(PLAN), "-o", str(tmp_path / "report.pdf")])
    assert "a report ends in .html, .md, .txt, .json" in capsys.readouterr().err


def test_the_shell_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "report.html"
    assert cli.main(["report", str(PLAN), "-o", str(target)]) == 0
    assert capsys.readouterr() == (f"{target}\n", "")
    assert "Active minutes: did the treated users gain or lose?" in target.read_text()


def test_write_is_whole_or_nothing(tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    target.write_text("old and longer")
    assert report.write("nü", target).read_text(encoding="utf-8") == "nü"
    occupied = tmp_path / "folder"
    occupied.mkdir()
    with pytest.raises(DesignError, match="it is a folder"):
        report.write("text", occupied)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "report.txt"]
