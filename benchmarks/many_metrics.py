"""What a scorecard of many metrics costs: CPU time, peak memory as the operating system saw it, queries.

    uv run python benchmarks/many_metrics.py            # every row of the table, some three minutes

The result goes to docs/data/many_metrics.json with its date, recipe, machine and a hash of the code that made
it. Every row is a process of its own, which reads a Parquet file of users: amounts, shares, counts and ratios
in turn. CPU time is of the call alone, after a call on three metrics in the same process, which loads what is
loaded once; the peak is of the whole process, with Python and DuckDB.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from evidence import DATA, about
from evidence import write as write_record

import twobytwo

# Users and metrics of each row.
SIZES = (
    *((100_000, count) for count in (1, 100, 1_000)),
    *((users, 1_000) for users in (10_000, 300_000)),
    (1_000_000, 100),
)
CODE = (
    *("data/several", "data/sums", "infer/estimates", "infer/layout", "infer/together"),
    *("answer/entries", "answer/joint", "answer/scorecard"),
)
CHUNK = 10_000


def column(j: int, keen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Values of one metric, correlated with the others by what kind of user one is."""
    if j % 4 == 1:
        return (keen + rng.standard_normal(len(keen)) > 1).astype(np.int8)
    if j % 4 == 2:
        return (1 + rng.poisson(np.exp(0.4 * keen))).astype(np.int16)
    return np.exp(0.5 * keen + 0.5 * rng.standard_normal(len(keen))).astype(np.float32)


def metrics(count: int) -> list[dict[str, Any]]:
    """Amounts, shares, counts, and ratios of the amount beside a count to it."""
    kinds = ({}, {"kind": "share"}, {"kind": "count"})
    asked = [{"column": f"m{j}", **kinds[j % 4]} if j % 4 < 3 else {} for j in range(count)]
    for j in range(3, count, 4):
        asked[j] = {"column": f"m{j}", "denominator": f"m{j - 1}"}
    asked[0] |= {"role": "primary"}
    return asked


def write(path: Path, users: int, count: int) -> None:
    """Write the users, a chunk at a time."""
    rng, writer = np.random.default_rng(1), None
    for first in range(0, users, CHUNK):
        ids = np.arange(first, min(first + CHUNK, users))
        keen = rng.standard_normal(len(ids))
        values = {f"m{j}": column(j, keen, rng) for j in range(count)}
        table = pa.table({"user": ids, "arm": (ids % 2).astype(np.int8), **values})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def measured(path: str, count: int) -> dict[str, Any]:
    """CPU seconds and queries of one call in this process, and its peak memory."""

    def ask(count: int) -> Any:
        return twobytwo.scorecard(path, group="arm", unit="user", metrics=metrics(count))

    ask(min(count, 3))
    cpu, wall = time.process_time(), time.perf_counter()
    card = ask(count)
    return {
        "cpu_s": round(time.process_time() - cpu, 2),
        "wall_s": round(time.perf_counter() - wall, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "queries": card.queries,
        "metrics": len(card.entries),
        "users": card.users,
    }


def main() -> None:
    """Measure every size in a process of its own."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for users, count in SIZES:
            path = Path(folder) / "users.parquet"
            write(path, users, count)
            made = subprocess.run(
                [sys.executable, __file__, str(path), str(count)], check=True, capture_output=True, text=True
            )
            rows.append(json.loads(made.stdout))
            print(rows[-1], flush=True)
    write_record(about(__file__, *CODE) | {"rows": rows}, DATA / "many_metrics.json")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
