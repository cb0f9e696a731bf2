"""What all tests of inference share: what is evaluated a few times is not compiled."""

from __future__ import annotations

from collections.abc import Iterator

import pytensor
import pytest


@pytest.fixture(scope="package", autouse=True)
def _no_compiler() -> Iterator[None]:
    """Have NumPy evaluate what Numba does not; PyTensor would have every operation compiled as C++."""
    with pytensor.config.change_flags(cxx=""):
        yield
