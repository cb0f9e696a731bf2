"""A density is compiled once.

PyTensor has Numba compile a graph's function and then a second one, of any number of arguments, that only
calls the first: Numba optimises all of the code twice. Here the first one is what is called and kept on disk,
which takes a tenth less to compile, and a tenth less to load.
"""

from __future__ import annotations

from typing import Any

import pytensor
from pytensor.link.numba.linker import NumbaLinker

__all__ = ["Once"]


class Once(NumbaLinker):  # type: ignore[misc]  # PyTensor has no types
    """Gives Numba the function of a graph itself.

    Examples
    --------
    >>> import pytensor
    >>> import pytensor.tensor as pt
    >>> from pytensor.compile.mode import Mode
    >>> x = pt.vector("x")
    >>> double = pytensor.function([x], 2.0 * x, mode=Mode(Once(), "fast_run"))
    >>> double([1.0, 2.0]).tolist()
    [2.0, 4.0]
    """

    def fgraph_convert(self, fgraph: Any, **options: Any) -> tuple[Any, str | None]:
        """Give the function, and the key that PyTensor has for its machine code on disk."""
        # Numba's half of PyTensor takes a while to import, and a process may compile nothing.
        from pytensor.link.numba.dispatch.basic import numba_funcify_and_cache_key

        function, key = numba_funcify_and_cache_key(fgraph, **options)
        return function.py_func, key if pytensor.config.numba__cache else None

    def jit_compile(self, converted: tuple[Any, str | None]) -> Any:
        """Have Numba compile it when it is called first."""
        from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS
        from pytensor.link.numba.dispatch.basic import numba_njit

        function, key = converted
        if key is not None:
            # A name on disk begins with that of the source file, which is another one every time.
            function.__code__ = function.__code__.replace(co_filename="<string>")
            # Apart from what PyTensor keeps, which takes its arguments otherwise.
            CACHED_SRC_FUNCTIONS[function] = f"{key}_fastmath{int(pytensor.config.numba__fastmath)}_once"
        return numba_njit(function, final_function=True, cache=key is not None)
