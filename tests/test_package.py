"""The public face: names, what importing costs, and a test file for every module."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import twobytwo

PACKAGE = Path(twobytwo.__file__).parent
HEAVY = (
    "pymc",
    "pytensor",
    "pandas",
    "statsmodels",
    "matplotlib",
    "ibis",
    "duckdb",
    "nutpie",
    "arviz",
    "scipy",
    "xarray",
)


def python(code: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def test_public_names() -> None:
    """Whoever adds or drops a public name says so here."""
    assert sorted(twobytwo.__all__) == [
        "Analysis",
        "Cells",
        "DataError",
        "Design",
        "DesignError",
        "Options",
        "PlanError",
        "Priors",
        "SamplerOptions",
        "Scorecard",
        "TwoByTwoError",
        "analyze",
        "compare",
        "compress",
        "did",
        "explain",
        "family",
        "interaction",
        "load",
        "load_scorecard",
        "plots",
        "scorecard",
        "simulate",
        "validate",
    ]


def test_every_public_name_is_there_documented_and_listed() -> None:
    for name in twobytwo.__all__:
        assert getattr(twobytwo, name).__doc__, name
    assert set(twobytwo.__all__) <= set(dir(twobytwo))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'twobytwo' has no attribute 'dod'"):
        _ = twobytwo.dod  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "code",
    [
        "import twobytwo",
        "import twobytwo; dir(twobytwo); twobytwo.__all__",
        "from contextlib import suppress\nfrom twobytwo.cli import main\n"
        "with suppress(SystemExit): main(['--help'])",
    ],
    ids=["import", "dir", "help"],
)
def test_importing_and_asking_for_help_load_nothing_heavy(code: str) -> None:
    loaded = python(f"{code}\nimport sys\nprint('LOADED', *(m for m in {HEAVY!r} if m in sys.modules))")
    assert loaded.splitlines()[-1] == "LOADED"


def test_stating_a_design_loads_nothing_heavy() -> None:
    code = "import twobytwo as t; t.Design.did(outcome='y', group='g', period='t'); t.Priors.of('flat')"
    loaded = python(f"{code}\nimport sys\nprint('LOADED', *(m for m in {HEAVY!r} if m in sys.modules))")
    assert loaded == "LOADED"


# A family's file is tested with its family, a picture's with the pictures.
TOGETHER = ("infer/families", "show/plots", "simulate")


def _modules() -> list[str]:
    """Every module that has a test file of its own, as a path below the package."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).with_suffix("").as_posix()
        together = next((folder for folder in TOGETHER if name.startswith(f"{folder}/")), None)
        if together or not path.stem.startswith("__"):
            found.add(together or name)
    return sorted(found)


@pytest.mark.parametrize("module", _modules())
def test_every_module_has_its_test_file(module: str) -> None:
    folder, _, name = module.rpartition("/")
    assert (Path(__file__).parent / folder / f"test_{name}.py").is_file()


# Listed as one on docs/design.md.
LISTED = (*TOGETHER, "check/gates", "cli")


def test_the_page_on_how_it_is_built_names_every_module_and_no_other() -> None:
    page = (Path(__file__).parents[1] / "docs" / "design.md").read_text("utf-8")
    rows = page.partition("## Folders and modules")[2].partition("\n## ")[0].splitlines()
    named = {name for row in rows for name in re.findall(r"`(\w+(?:/\w+)*)`", row.partition(" | ")[0])}
    unnamed = [
        module
        for module in _modules()
        if not module.startswith(LISTED) and not {module.partition("/")[2], module.split("/")[-1]} & named
    ]
    assert unnamed == []
    files = ["/" + path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py")]
    folders = {str(Path(file).parent) for file in files}
    assert [name for name in named if not any(file.endswith(f"/{name}") for file in (*files, *folders))] == []


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_ci_names_the_files_that_need_a_browser() -> None:
    """It asks these alone, so that nothing else is imported for them."""
    tests, mark = Path(__file__).parent, "mark." + "browser"
    marked = [path for path in tests.rglob("test_*.py") if mark in path.read_text("utf-8")]
    step = (tests.parent / ".ci" / "run").read_text("utf-8").partition("-m browser ")[2].partition("\n")[0]
    assert sorted(tests.parent / name for name in step.split()) == sorted(marked)
