"""The example notebooks run, and say what they say in the repository."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*")
# How long it took, and fingerprints of whole files, are another's to check.
PASSING = re.compile(r"\d+\.\d+ s\b|[0-9a-f]{16,}")
# Between notebooks: back to their folder, pandas shows tables as it does at first, and every name is gone.
FORGET = f"""%cd -q {EXAMPLES}
__import__("pandas").reset_option("display")
%reset -f"""
LASTING = re.compile(
    r"rcParams|set_option|pd\.options\.(?!display)|filterwarnings|simplefilter|environ|^%\w", re.MULTILINE
)


def said(cell) -> str:
    """Give what a cell shows, as text; a picture's is its size."""
    shown = [output.get("text") or output["data"].get("text/plain", "") for output in cell.outputs]
    return PASSING.sub("", "\n".join(shown))


def cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_five_stories() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "active_minutes",
        "launch",
        "plan_to_report",
        "same_users",
        "two_experiments",
    ]


@pytest.fixture(scope="module")
def executed() -> dict[str, nbformat.NotebookNode]:
    """Run all notebooks in one kernel that forgets in between.

    What a kernel imports and reads of compiled code would take a third of the time of five.
    """
    fresh = {path.stem: nbformat.read(path, as_version=4) for path in NOTEBOOKS}
    whole = nbformat.v4.new_notebook()
    for notebook in fresh.values():
        whole.metadata = notebook.metadata
        # The cells themselves, which get their outputs, and not copies.
        whole.cells += [*notebook.cells, nbformat.v4.new_code_cell(FORGET)]
    resources = {"metadata": {"path": str(EXAMPLES)}}
    with pytest.MonkeyPatch.context() as patch:
        # The shell's `twobytwo` is the one of this environment.
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        nbclient.NotebookClient(whole, timeout=300, coalesce_streams=True, resources=resources).execute()
    return fresh


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_sets_nothing_that_another_one_could_lean_on(path: Path) -> None:
    """What would not be forgotten between notebooks."""
    code = "\n".join(cell.source for cell in cells(nbformat.read(path, as_version=4)))
    assert not LASTING.search(code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_shows_what_it_showed(path: Path, executed: dict) -> None:
    """If a number moved: execute the notebook again, and read its text again."""
    committed = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in cells(committed)] == list(range(1, len(cells(committed)) + 1))
    for then, now in zip(cells(committed), cells(executed[path.stem]), strict=True):
        before, after = said(then), said(now)
        # Words must be the same; numbers within what another processor's rounding does to a sampler's path.
        assert NUMBER.sub("#", after) == NUMBER.sub("#", before), then.source
        numbers = [[float(n.replace(",", "")) for n in NUMBER.findall(text)] for text in (after, before)]
        assert numbers[0] == pytest.approx(numbers[1], rel=0.05, abs=0.5), then.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_can_be_read_without_running_anything(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in cells(notebook) for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [
        output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"
    ]
    assert path.stat().st_size < 1_000_000
    html = [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    assert not [text for text in html if "<script" in text or "http://" in text or "https://" in text]
