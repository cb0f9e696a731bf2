"""All libraries that a fit imports, at once and before the package's own modules."""

from __future__ import annotations

from importlib import import_module

from twobytwo.infer.engine.public import load_nutpie

__all__ = ["load_libraries"]

# ArviZ first, as in `twobytwo.answer.analyze`, which says why.
_NEEDED = ("arviz_base", "arviz_stats", "pymc", "pytensor.link.numba.dispatch")


def load_libraries() -> None:
    """Import what models, samplers and checks of draws need.

    Whatever a process imports later can then be told from what stays to its end. Nothing here opens tables:
    DuckDB says at the end of a process what of it is still in use.

    Examples
    --------
    >>> import sys
    >>> load_libraries()
    >>> {"pymc", "nutpie", "arviz_stats"} <= set(sys.modules)
    True
    """
    for name in _NEEDED:
        import_module(name)
    load_nutpie()
