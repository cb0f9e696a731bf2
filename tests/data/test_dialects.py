"""Other databases' SQL is imported when it is asked for, and then as Ibis has it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from twobytwo.data import dialects


def printed(script: str) -> str:
    """Run a script in a process that has imported nothing yet."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_sql_of_another_database_is_as_without_this_package() -> None:
    asked = """
import ibis
{first}
table = ibis.table({{"a": "int64", "b": "string"}}, name="rows")
print(ibis.to_sql(table.group_by("b").agg(m=table.a.approx_nunique()), dialect="bigquery"))
print(sorted(name for name in __import__("ibis.backends.sql.compilers", fromlist=["*"]).__all__)[:3])
"""
    connected = """
import sys
from twobytwo.data.dialects import connect
connect()
assert "ibis.backends.sql.compilers.bigquery" not in sys.modules
"""
    assert printed(asked.format(first=connected)) == printed(asked.format(first=""))


def test_all_names_can_be_had_and_no_others() -> None:
    assert printed("""
from twobytwo.data.dialects import connect
connect()
from ibis.backends.sql.compilers import *
print(BigQueryCompiler.__name__, TrinoCompiler.__module__)
try:
    from ibis.backends.sql.compilers import NoCompiler
except ImportError as error:
    print("no NoCompiler")
import ibis.backends.sql.compilers.mysql
""").split() == ["BigQueryCompiler", "ibis.backends.sql.compilers.trino", "no", "NoCompiler"]


@pytest.mark.parametrize("line", ["answer = 42", "from os import path as where", "import os"])
def test_a_package_that_does_more_is_left_alone(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "outer" / "__init__.py").write_text("")
    (inner / "__init__.py").write_text(f"from os import sep\n{line}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "outer", raising=False)
    dialects._import_when_asked("outer.inner")
    assert "outer.inner" not in sys.modules
    (inner / "__init__.py").write_text('__all__ = ["sep"]\nfrom os import sep\n')
    dialects._import_when_asked("outer.inner")
    made = sys.modules.pop("outer.inner")
    sys.modules.pop("outer")
    assert isinstance(made, ModuleType)
    assert "sep" not in vars(made)
    assert made.sep
