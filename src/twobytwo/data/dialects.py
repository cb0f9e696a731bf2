"""DuckDB by Ibis, without what Ibis knows of other databases until somebody asks for it."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import ibis

__all__ = ["connect"]

_COMPILERS = "ibis.backends.sql.compilers"


def connect(**options: Any) -> Any:
    """Open DuckDB in this process.

    Ibis imports how each of twenty databases writes SQL, a tenth of a second that a short run has no use for.
    They are imported when they are asked for, as for a table of such a database.

    Parameters
    ----------
    **options
        Of `ibis.duckdb.connect`.

    Returns
    -------
    ibis.backends.duckdb.Backend
        The connection.

    Examples
    --------
    >>> connect().con.query("SELECT 6 * 7").fetchall()
    [(42,)]
    """
    if _COMPILERS not in sys.modules:
        _import_when_asked(_COMPILERS)
    return ibis.duckdb.connect(**options)


class _Package(ModuleType):
    """A package whose names are imported from where its file says when they are asked for."""

    homes: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        homes, inner = vars(self).get("homes", {}), f"{self.__name__}.{name}"
        if name in homes:
            return getattr(importlib.import_module(homes[name]), name)
        # What one of its names is imported from is an attribute too.
        if inner in homes.values():
            return importlib.import_module(inner)
        msg = f"module {self.__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)


def _import_when_asked(name: str) -> None:
    """Stand in for a package that does nothing but import names; any other is left alone."""
    above, _, last = name.rpartition(".")
    parent, spec = importlib.import_module(above), importlib.util.find_spec(name)
    if name in sys.modules or spec is None or spec.origin is None:
        return
    homes: dict[str, str] = {}
    for line in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        match line:
            case ast.ImportFrom(module=str(home), names=names, level=0) if not any(n.asname for n in names):
                homes |= {each.name: home for each in names if home != "__future__"}
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                continue
            case _:
                return
    made = importlib.util.module_from_spec(spec)
    made.__class__ = _Package
    vars(made).update(homes=homes, __all__=[*homes])
    sys.modules[name] = made
    setattr(parent, last, made)
