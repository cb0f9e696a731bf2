"""The libraries of a fit are imported without those that open tables or draw pictures."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("pymc", "nutpie", "arviz_stats", "duckdb", "ibis", "matplotlib")


def test_a_fit_needs_no_tables_and_no_pictures() -> None:
    code = f"""
import sys
from twobytwo.infer.engine.libraries import load_libraries
load_libraries()
print(*(name for name in {NAMES!r} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pymc", "nutpie", "arviz_stats"]
