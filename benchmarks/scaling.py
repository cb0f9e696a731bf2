"""Time and peak memory of reading tables of 10^4 to 10^8 rows, beside what DuckDB itself takes for them.

Run `uv run python benchmarks/scaling.py` on a quiet machine, or with `--sizes 1e8` for some sizes. The tables
are written by DuckDB's own generator; every measurement is a process of its own, and those of one size follow
each other. The result, with processor time beside time by the wall, goes to docs/data/scaling.json.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

SIZES = (10**4, 10**5, 10**6, 10**7, 10**8)
CHUNK = 10**6

# Skewed minutes whose level is the user's. hash() makes them the same on every machine; two uniforms make a
# normal value (Box and Muller).
ROWS = """
copy (
    select
        user_id, variant, period,
        round(greatest(0, level * (1 + 0.05 * variant * (period = 'post')::int) * exp(0.6 * z - 0.18)), 1)
            as minutes
    from (
        select
            user_id, variant, period,
            exp(1.2 * sqrt(-2 * ln((hash(user_id, 1) >> 11) / 2.0 ** 53 + 1e-17))
                * cos(2 * pi() * (hash(user_id, 2) >> 11) / 2.0 ** 53)) * 30 as level,
            sqrt(-2 * ln((hash(user_id, period, 3) >> 11) / 2.0 ** 53 + 1e-17))
                * cos(2 * pi() * (hash(user_id, period, 4) >> 11) / 2.0 ** 53) as z
        from (
            select
                r // 2 as user_id,
                (hash(r // 2, 5) % 2)::int as variant,
                case r % 2 when 0 then 'pre' else 'post' end as period
            from range({rows}) t(r)
        )
    )
) to '{path}' (format parquet)
"""

SCAN = """
select variant, period, count(*), avg(minutes), var_samp(minutes)
from '{path}' group by variant, period
"""

PIVOT = """
select variant, count(*), avg(pre), avg(post), var_samp(pre), var_samp(post), covar_samp(pre, post)
from (
    select
        user_id, any_value(variant) as variant,
        sum(minutes) filter (period = 'pre') as pre, sum(minutes) filter (period = 'post') as post
    from '{path}' group by user_id
)
group by variant
"""


def question(pairs):
    """Give the design of independent rows, or of the same users."""
    from twobytwo import Design

    users = {"unit": "user_id", "missing": "drop"} if pairs else {}
    return Design.did(outcome="minutes", group="variant", period="period", **users)


def compressed(path, *, pairs):
    """Compress a table; then read what other families may ask for, too, by saving."""
    from twobytwo import compress

    began = mark()
    cells = compress(path, question(pairs))
    found = {"rows": cells.rows} | since(began)
    began = mark()
    cells.save(f"{path}.cells")
    return found | {"bins": len(cells.bins.frame), "all_else": since(began)}


def fitted(path):
    """Fit the normal family to saved cells, twice: the first fit in a process compiles."""
    from twobytwo import Cells, Options, analyze

    cells, options = Cells.load(f"{path}.cells"), Options(family="normal")
    analyze(cells, cells.design, options)
    began = mark()
    analyze(cells, cells.design, options)
    return since(began)


def asked(path, query):
    """Ask DuckDB one query, with the memory that the package gives it."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": "3GB", "preserve_insertion_order": False})
    began = mark()
    connection.execute(query.format(path=path)).fetchall()
    return since(began)


def chunks(path):
    """Compress the rows a million at a time, and compare the sum of the cells with those of all rows."""
    import duckdb
    import numpy as np

    from twobytwo import compress

    design = question(pairs=False)
    whole = compress(path, design)
    connection = duckdb.connect()
    total = None
    for begin in range(0, whole.rows, CHUNK):
        users = f"user_id >= {begin // 2} and user_id < {(begin + CHUNK) // 2}"
        part = compress(connection.sql(f"select * from '{path}' where {users}"), design)
        total = part if total is None else total + part
    one, other = whole.moments(), total.moments()
    return {
        "chunks": -(-whole.rows // CHUNK),
        "largest_relative_difference": {
            name: float(np.abs(other[name] / one[name] - 1).max()) for name in ("n", "mean", "ss")
        },
    }


MEASUREMENTS = {
    "scan": lambda path: asked(path, SCAN),
    "rows": lambda path: compressed(path, pairs=False),
    "pivot": lambda path: asked(path, PIVOT),
    "pairs": lambda path: compressed(path, pairs=True),
}
ONCE = {"second_fit": fitted, "chunks": chunks}


def mark():
    """Note the time by the wall and by the processor."""
    return time.perf_counter(), time.process_time()


def since(began):
    """Give the seconds since, and the peak memory so far, as the operating system counts it."""
    wall, processor = mark()
    return {
        "seconds": round(wall - began[0], 3),
        "cpu": round(processor - began[1], 3),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def alone(name, path):
    """Measure one thing in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", name, path], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def measured(name, path, repeats):
    """Measure several times: medians, the smallest and the largest."""
    found = [alone(name, path) for _ in range(repeats)]
    middle = found[len(found) // 2] | {
        key: statistics.median(one[key] for one in found) for key in ("seconds", "cpu", "peak_mb")
    }
    return middle | {
        "cpu_range": [min(one["cpu"] for one in found), max(one["cpu"] for one in found)],
        "repeats": repeats,
    }


def machine():
    """Describe the machine and what ran on it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("duckdb", "ibis-framework", "pymc", "nutpie")},
    }


def remember(name, row):
    """Put what was measured at one size into a record, in place of what was known of it."""
    path = Path(__file__).parent.parent / "docs" / "data" / f"{name}.json"
    known = json.loads(path.read_text())["sizes"] if path.exists() else []
    row |= {
        "date": datetime.now(tz=UTC).date().isoformat(),
        "load_average": round(os.getloadavg()[0], 1),
    }
    sizes = sorted([row, *(old for old in known if old["size"] != row["size"])], key=lambda one: one["size"])
    record = {"recipe": f"benchmarks/{name}.py", "machine": machine(), "sizes": sizes}
    path.write_text(json.dumps(record, indent=1) + "\n")


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=lambda text: int(float(text)), nargs="+", default=[], help="rows")
    parser.add_argument("--repeats", type=int, default=3, help="processes a measurement")
    parser.add_argument("--one", nargs="+", help="measure one thing here: what, and of which files")
    return parser.parse_args()


def main():
    """Measure one thing, or every size in turn."""
    wanted = arguments()
    if wanted.one:
        name, path = wanted.one
        print(json.dumps((MEASUREMENTS | ONCE)[name](path)))
        return
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        for size in wanted.sizes or SIZES:
            path = f"{folder}/{size}.parquet"
            duckdb.connect().execute(ROWS.format(rows=size, path=path))
            row = {"size": size, "parquet_mb": round(Path(path).stat().st_size / 2**20, 1)}
            for name in MEASUREMENTS:
                row[name] = measured(name, path, wanted.repeats)
                print(size, name, row[name], flush=True)
            row["second_fit"] = alone("second_fit", path)
            if size > CHUNK:
                row["chunks"] = alone("chunks", path)
                print(size, "chunks", row["chunks"], flush=True)
            remember("scaling", row)
            Path(path).unlink()


if __name__ == "__main__":
    main()
