"""Try inputs of any kind, as many as wanted, and keep the counts in docs/data/fuzz.json.

    uv run python benchmarks/fuzz.py 100000 [--seconds=600]
    uv run python benchmarks/fuzz.py --anew

It goes on where it was stopped: inputs that were tried are not tried again, and the dates of the first and
the last are kept, because the code may have changed in between. The inputs and what must hold for each are
those of tests/fuzzing.py and tests/fuzzed_questions.py; one that does not hold ends the run with an error.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import evidence
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import fuzzed_questions
import fuzzing

from twobytwo import Design, compress

RECORD = evidence.DATA / "fuzz.json"
PAGE = evidence.ROOT / "docs" / "validation.md"
# Of every hundred inputs; tables cost most.
SHARES = {"tables": 20, "questions": 5, "plans": 40, "stores": 30, "shell": 5}
BLOCK = 100


def counted(
    attempt: Callable[[Any], str], counts: Counter[str], seconds: list[float]
) -> Callable[[Any], None]:
    """Count how an attempt ends and note how long it took."""

    def one(case: Any) -> None:
        start = time.perf_counter()
        counts[attempt(case)] += 1
        seconds.append(time.perf_counter() - start)

    return one


def read() -> dict[str, Any]:
    """Read the record, or begin one."""
    if RECORD.exists() and "--anew" not in sys.argv:
        return evidence.read(RECORD)
    kinds: dict[str, dict[str, int]] = {kind: {} for kind in SHARES}
    return {
        "recipe": "benchmarks/fuzz.py",
        "first": evidence.today(),
        "blocks": 0,
        "kinds": kinds,
        "failures": 0,
    }


def write(record: Mapping[str, Any]) -> None:
    """Write the record, and its table into the page."""
    evidence.write(record, RECORD)
    evidence.put(PAGE, {"fuzz": table(record)})


def main() -> None:
    """Try, count, write after every block."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    wanted = int(words[0]) if words else 100_000
    most = next((float(w.partition("=")[2]) for w in sys.argv if w.startswith("--seconds=")), float("inf"))
    record, began = read(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rng = np.random.default_rng(1)
        rows = pd.DataFrame({"y": rng.lognormal(0, 1, 80), "g": np.arange(80) % 2, "t": np.arange(80) // 40})
        saved = compress(rows, Design.did(outcome="y", group="g", period="t")).save(place / "cells")
        (place / "shell").mkdir()
        kinds = {
            "tables": (fuzzing.tables(), fuzzing.try_table),
            "questions": (fuzzed_questions.questions(), fuzzed_questions.try_question),
            "plans": (fuzzing.plans(), fuzzing.try_plan),
            "stores": (fuzzing.damages(), lambda damage: fuzzing.try_store(saved, damage)),
            "shell": (fuzzing.shells(), lambda words: fuzzing.try_shell(words, place / "shell")),
        }
        while record["blocks"] * BLOCK < wanted and time.perf_counter() - began < most:
            record["blocks"] += 1
            seconds = [record.get("slowest_seconds", 0.0)]
            for kind, (strategy, attempt) in kinds.items():
                options = settings(
                    max_examples=BLOCK * SHARES[kind] // 100,
                    deadline=10_000,
                    database=None,
                    phases=[Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                )
                counts = Counter(record["kinds"].get(kind, {}))
                attempted = counted(attempt, counts, seconds)
                seed(record["blocks"])(options(given(strategy)(attempted)))()
                record["kinds"][kind] = dict(sorted(counts.items()))
            record |= {
                "date": evidence.today(),
                "version": version("twobytwo"),
                "inputs": sum(sum(found.values()) for found in record["kinds"].values()),
                "slowest_seconds": round(max(seconds), 2),
            }
            write(record)
            print(record["kinds"], flush=True)


def table(record: Mapping[str, Any]) -> str:
    """Give the record as docs/validation.md shows it."""
    lines = ["| inputs | tried | answered | refused in words |", "|---|--:|--:|--:|"]
    for kind, found in record["kinds"].items():
        answered, refused = found.get("answered", 0), found.get("refused", 0)
        lines.append(f"| {kind} | {answered + refused:,} | {answered:,} | {refused:,} |")
    dates = f"{record['first']} to {record['date']}"
    lines += ["", f"Tried from {dates}: {record['inputs']:,} inputs, {record['failures']} failures."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
