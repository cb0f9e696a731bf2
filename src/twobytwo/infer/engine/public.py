"""A compiled density, given to nutpie by its public function: slower, and the same posterior.

For versions of nutpie, PyTensor or Numba that `native` was not made for.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["load_nutpie", "program"]

_EXECUTING = threading.RLock()

Floats = npt.NDArray[np.float64]


def load_nutpie() -> ModuleType:
    """Import nutpie without what it imports and sampling here never uses.

    It imports ArviZ, and by it arviz_plots and matplotlib, for a conversion that is not asked for. ArviZ is
    registered to be loaded when somebody first uses it, which may be never.
    """
    spec = None if {"arviz", "nutpie"} & set(sys.modules) else importlib.util.find_spec("arviz")
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        # `importlib.util.LazyLoader` would load it at nutpie's import statement, which asks for `__spec__`.
        module.__class__ = _LoadedWhenUsed
        sys.modules["arviz"] = module
    import nutpie

    return nutpie


class _LoadedWhenUsed(ModuleType):
    """A module that is executed when somebody asks for a name that it does not have yet."""

    def __getattr__(self, name: str) -> Any:
        # What warnings and inspect look for in any module is no use of it.
        if name not in ("__warningregistry__", "__wrapped__"):
            self._execute()
        return ModuleType.__getattribute__(self, name)

    def __dir__(self) -> list[str]:
        self._execute()
        return sorted(vars(self))

    def _execute(self) -> None:
        with _EXECUTING:
            if "_executed" not in vars(self):
                vars(self)["_executed"] = True
                try:
                    self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]
                except BaseException:
                    del vars(self)["_executed"]
                    raise


class _OutsideTheSupportError(ValueError):
    # Read by nutpie: a divergence, not an end to the fit.
    is_recoverable = True


def program(density: Callable[..., Any], data: Floats, size: int, start: Callable[[int], Floats]) -> Any:
    """Make of a density what nutpie samples, by nutpie's documented function for Python densities.

    Parameters
    ----------
    density, data, size, start
        As for `twobytwo.infer.engine.native.program`.

    Returns
    -------
    nutpie.compiled_pyfunc.PyFuncModel
        With one variable, ``x``: the vector of parameters.
    """
    load_nutpie()
    from nutpie.compiled_pyfunc import from_pyfunc

    def logp(x: Floats) -> tuple[float, Floats]:
        try:
            (found,) = density(np.ascontiguousarray(x, dtype=float), data)
        except Exception as error:
            raise _OutsideTheSupportError(str(error)) from error
        if not np.isfinite(found).all():
            raise _OutsideTheSupportError
        return float(found[-1]), found[:-1]

    return from_pyfunc(
        size,
        lambda: logp,
        lambda *_seeds: lambda x: {"x": np.array(x)},
        [np.dtype(float)],
        [(size,)],
        ["x"],
        make_initial_point_fn=start,
    )
