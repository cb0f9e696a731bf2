"""The first hour, replayed: a file, two commands, a true statement; and the page says what they print.

After a change of what is printed, TWOBYTWO_WRITE_PAGES=1 writes the page anew.
"""

from __future__ import annotations

import os
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from twobytwo.cli import main
from twobytwo.simulate import DailyMinutes, daily_minutes

PAGE = Path(__file__).parents[1] / "docs" / "your_csv.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
COMMANDS = [
    line[2:]
    for block in BLOCK.findall(PAGE.read_text("utf-8"))
    for line in block.splitlines()
    if line[:2] == "$ "
]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What every command of the page prints, in one empty folder, one after the other."""
    folder, before = tmp_path_factory.mktemp("first"), Path.cwd()
    os.chdir(folder)
    try:
        with pytest.MonkeyPatch.context() as patch:
            return {command: _run(command, patch) for command in COMMANDS}
    finally:
        os.chdir(before)


def _run(command: str, patch: pytest.MonkeyPatch) -> str:
    name, *arguments = shlex.split(command)
    if name == "python":
        daily_minutes().to_csv("minutes.csv", index=False)
        return ""
    if name == "head":
        return "".join(
            f"{line}\n" for line in Path(arguments[-1]).read_text("utf-8").splitlines()[: int(arguments[1])]
        )
    if name == "cat":
        return Path(arguments[0]).read_text("utf-8")
    said: list[str] = []
    for module in ("twobytwo.cli.commands", "twobytwo.cli.first"):
        patch.setattr(f"{module}.say", said.append)
    assert main(arguments) == 0
    # Below the statement come tables and how long it took.
    return "\n".join(said).partition("\nEffects (")[0] + "\n"


def test_the_page_prints_what_the_commands_print(printed: dict[str, str]) -> None:
    page = PAGE.read_text("utf-8")
    made = BLOCK.sub(lambda block: f"```console\n{_transcript(block[1], printed)}```", page)
    if os.environ.get("TWOBYTWO_WRITE_PAGES"):
        PAGE.write_text(made, "utf-8")
    assert made == page


def _transcript(block: str, printed: dict[str, str]) -> str:
    commands = [line[2:] for line in block.splitlines() if line[:2] == "$ "]
    return "".join(f"$ {command}\n{printed[command]}" for command in commands)


def test_two_commands_lead_to_a_statement_one_of_them_init() -> None:
    ours = [shlex.split(command)[1] for command in COMMANDS if command.startswith("twobytwo")]
    assert ours == ["init", "run"]


def test_the_statement_is_true(printed: dict[str, str]) -> None:
    """The truth is what the same users would have done without it."""
    statement = " ".join(printed["twobytwo run plan.toml"].split())
    number = r"([\d.]+)"
    said = re.search(
        rf"No harm that matters\. Treated users gained {number} minutes "
        rf".*?interval {number} to {number} minutes;",
        statement,
    )
    assert said, statement
    assert "Caution: minutes capped at 1,160 (the 99 % quantile)" in statement
    best, low, high = map(float, said.groups())
    assert low < best < high
    for cap in (1_160.0, float("inf")):
        assert low < _truth(cap) < high
    assert "the groups are not as large" not in statement


def _truth(cap: float) -> float:
    """Mean gain of the treated users after the launch, of totals up to a cap."""

    def totals(effect: float) -> pd.Series:
        rows = daily_minutes(DailyMinutes(effect=effect))
        late = rows[(rows["day"] >= "2026-09-01") & (rows["variant"] == "variant_b")]
        return late.groupby("user_id")["minutes"].sum().clip(upper=cap)

    users = daily_minutes().query("variant == 'variant_b'")["user_id"].nunique()
    return float((totals(DailyMinutes().effect).sum() - totals(0.0).sum()) / users)


def test_a_third_of_an_arm_lost_in_a_join_is_no_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = daily_minutes()
    lost = (rows["variant"] == "variant_b") & (rows["user_id"] % 10 < 3)
    rows[~lost].to_csv("minutes.csv", index=False)
    init, run = (shlex.split(command)[1:] for command in COMMANDS if command.startswith("twobytwo"))
    assert main(init) == 0
    assert main(run) == 1
    said = capsys.readouterr()
    assert "sample_ratio" in said.err
    told = " ".join(said.out.split())
    assert "No statement is made. The groups are not as large as planned" in told
    # The check below says which group, how many and how many were meant.
    assert "of 'variant'" in told


def test_the_generator_keeps_its_promises() -> None:
    """Same users and days under any effect; only treated people after the launch differ."""
    some, none = (daily_minutes(DailyMinutes(effect=effect, n=2_000)) for effect in (0.5, 0.0))
    keys = ["user_id", "variant", "day"]
    assert some[keys].equals(none[keys])
    differ = some["minutes"] != none["minutes"]
    assert set(some.loc[differ, "variant"]) == {"variant_b"}
    assert some.loc[differ, "day"].min() >= "2026-09-01"
    grown = some.loc[differ, "minutes"].sum() / none.loc[differ, "minutes"].sum()
    assert grown == pytest.approx(1.5, abs=0.02)
    days = sorted(some["day"].unique())
    assert (days[0], days[-1], len(days)) == ("2026-08-18", "2026-09-14", 28)
    assert all(one < other for one, other in pairwise(days))
    assert some["minutes"].min() == 1
