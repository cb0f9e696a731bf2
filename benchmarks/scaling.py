"""Time and peak memory of the whole paired analysis at 10^5, 10^6 and 10^7 users.

Run `uv run python benchmarks/scaling.py`; each size runs in a process of its own, on a Parquet file made
beforehand. The result goes to docs/data/scaling.json.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

SIZES = (10**5, 10**6, 10**7)


def make(path, users):
    """Write a table of users with equal absences."""
    from twobytwo import simulate

    options = simulate.UserMinutes(n=users, before_only=(0.05, 0.05), after_only=(0.01, 0.01))
    simulate.user_minutes(options).to_parquet(path, index=False)


def measure(path):
    """Analyse a table, timing the aggregate and what follows apart."""
    from twobytwo import Design, Options, analyze, compress

    design = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing="drop")
    began = time.perf_counter()
    cells = compress(path, design)
    compressed = time.perf_counter()
    peak_aggregate = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    analyze(cells, cells.design, Options())
    analyze(cells, cells.design, Options())
    warm = time.perf_counter()
    result = analyze(cells, cells.design, Options())
    finished = time.perf_counter()
    return {
        "rows": cells.rows,
        "units": cells.units,
        "seconds_aggregate": round(compressed - began, 2),
        "seconds_after": round(finished - warm, 2),
        "kept_bins": len(cells.bins.frame) + len(cells.joint.frame),
        "peak_mb_aggregate": peak_aggregate // 1024,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "sd": round(result.headline.sd, 3),
    }


def main():
    """Measure every size."""
    if len(sys.argv) == 3:
        make(sys.argv[1], int(sys.argv[2]))
        return
    if len(sys.argv) == 2:
        print(json.dumps(measure(sys.argv[1])))
        return
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for users in SIZES:
            path = f"{folder}/users.parquet"
            subprocess.run([sys.executable, __file__, path, str(users)], check=True)
            done = subprocess.run(
                [sys.executable, __file__, path], check=True, capture_output=True, text=True
            )
            results.append({"users": users} | json.loads(done.stdout.splitlines()[-1]))
            print(results[-1], flush=True)
    record = {
        "recipe": "benchmarks/scaling.py",
        "date": datetime.now(tz=UTC).date().isoformat(),
        "sizes": results,
    }
    path = Path(__file__).parent.parent / "docs" / "data" / "scaling.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
