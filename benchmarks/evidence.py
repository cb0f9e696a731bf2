"""Records of figures that took a while: where they come from, when, and of which code.

A record in docs/data names its recipe, its date and a hash of the code that decides its figures; a test
compares the hash with the code that is here (`tests/test_validation.py`).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = ROOT / "docs" / "data"


def code_hash(*places: str) -> str:
    """Hash code without comments and docstrings, which may be reworded.

    A place is a module of the package (`infer/effects`), one of this folder (`benchmarks/strata_fast`), or a
    few functions of a module (`data/bins:grid,counts`).
    """
    digest = sha256()
    for place in places:
        file, _, named = place.partition(":")
        folder = ROOT if file.startswith("benchmarks/") else ROOT / "src" / "twobytwo"
        tree = ast.parse((folder / f"{file}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body = node.body[1:]
        parts = [n for n in tree.body if getattr(n, "name", None) in named.split(",")] if named else [tree]
        digest.update("".join(map(ast.dump, parts)).encode())
    return digest.hexdigest()[:16]


def today() -> str:
    """Give the date, in UTC."""
    return datetime.now(tz=UTC).date().isoformat()


def about(recipe: str, *places: str) -> dict[str, str]:
    """Begin a record: the recipe's file in this folder, the date, the code behind the figures."""
    return {
        "recipe": f"benchmarks/{Path(recipe).name}",
        "date": today(),
        "code": code_hash(*places),
    }


def read(path: Path) -> dict[str, Any]:
    """Read a record."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write(record: Mapping[str, Any], path: Path) -> None:
    """Write a record; rows of a table and lists of counts take one line each."""
    head = {key: value for key, value in record.items() if key != "rows"}
    text = json.dumps(head, indent=1)
    text = re.sub(r"\[\s+([\d,\s]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    if "rows" in record:
        lines = ",\n".join(json.dumps(row) for row in record["rows"])
        text = text.removesuffix("\n}") + f',\n "rows": [\n{lines}\n]\n}}'
    path.write_text(text + "\n", encoding="utf-8")


def put(page: Path, tables: Mapping[str, str]) -> None:
    """Write tables into a page, between the marks `<!-- NAME -->` and `<!-- end NAME -->` of each."""
    said = page.read_text(encoding="utf-8")
    for name, text in tables.items():
        before, begin, rest = said.partition(f"<!-- {name} -->")
        _, end, after = rest.partition(f"<!-- end {name} -->")
        if not begin or not end:
            raise SystemExit(f"{page.name} has no place for {name!r}.")
        said = f"{before}{begin}\n\n{text}\n\n{end}{after}"
    page.write_text(said, encoding="utf-8")
