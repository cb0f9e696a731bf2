"""Tables of docs/validation.md and docs/precision.md, from their records.

Run `uv run python benchmarks/pages.py` after a record was made anew. Tables are written between the marks
`<!-- NAME -->` and `<!-- end NAME -->` of a page; what is said of them is written by hand. Those of the
calibration, of growth and of the plasmode are written by sbc.py, draw_growth.py and draw_plasmode.py, which
draw as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import real_designs
import real_populations
from evidence import DATA, ROOT, put, read

VALIDATION, PRECISION = (ROOT / "docs" / f"{name}.md" for name in ("validation", "precision"))


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Iterable[str]]) -> str:
    """Write a table; a column has a name and what aligns it."""
    names, aligned = zip(*columns, strict=True)
    lines = [f"| {' | '.join(names)} |", f"|{'|'.join(aligned)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def left(*names: str) -> list[tuple[str, str]]:
    """Give columns of words."""
    return [(name, "---") for name in names]


def right(*names: str) -> list[tuple[str, str]]:
    """Give columns of numbers."""
    return [(name, "--:") for name in names]


def source(record: Mapping[str, Any]) -> str:
    """Say where figures come from."""
    code = f", code {record['code'][:12]}" if "code" in record else ""
    return f"Made by `{record['recipe']}` on {record['date']}{code}.\n\n"


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def coverage_of_pairs(record: Mapping[str, Any]) -> str:
    """Give coverage and the two kinds of misses by method."""
    names = {"posterior": "posterior, normal on pairs", "welch_change": "Welch on changes (CR2)"}
    keys = ("covered", "interval_below_truth", "interval_above_truth")
    rows = [
        [name, *(percent(record["coverage"][method][key]) for key in keys)] for method, name in names.items()
    ]
    columns = left("interval (95 %)") + right("covers the truth", "lies below it", "lies above it")
    return source(record) + table(columns, rows)


def wrong_models(record: Mapping[str, Any]) -> str:
    """Give coverage by truth, allocation and family, as fitted and as stated."""
    rows = []
    for row in record["rows"]:
        keys = ("covered", "below", "above", "stated", "stated_covered", "stated_below", "stated_above")
        found, below, above, stated, covered, *misses = (percent(row[key], 0) for key in keys)
        names = [row["truth"], row["treated"], f"`{row['family']}`", f"{row['width']:.2f}"]
        rows.append([*names, found, f"{below} / {above}", stated, covered, " / ".join(misses)])
    columns = left("truth", "treated", "family") + right("width", "covers", "below / above")
    columns += right("stated", "covers", "below / above")
    counted = f"{record['experiments']} experiments for each truth and allocation. "
    return counted + source(record) + table(columns, rows)


def kinds(record: Mapping[str, Any]) -> str:
    """Give coverage by kind of metric and by its own family."""
    rows = []
    for name, entry in record["kinds"].items():
        sums, count = entry["sums"], entry["sums"]["experiments"]
        sd = sums["stated sd"] / count
        rows.append(
            [
                name,
                f"`{entry['family']}`",
                f"{entry['truth']:.4g}",
                percent(sums["covered"] / count),
                percent(entry["covered by the companion"] / count),
                f"{sums['errors of medians'] / count / sd:+.2f}",
                f"{math.sqrt(sums['squares of errors'] / count) / sd:.2f}",
                entry["date"],
                entry["code"][:12],
            ]
        )
    columns = right("truth", "covered by the 95 % interval", "by the companion's", "bias, in sd")
    columns += right("errors of medians, in stated sd") + left("made on", "code")
    return table(left("metric", "family") + columns, rows)


def kinds_together(record: Mapping[str, Any]) -> str:
    """Give coverage by kind of metric in a scorecard."""
    rows = [
        [
            name,
            f"{row['truth']:g}",
            percent(row["coverage"]),
            percent(row["coverage without a prior"]),
            f"{row['bias in sd']:+.2f}",
            f"{row['sd of medians over stated sd']:.2f}",
        ]
        for name, row in record["table"].items()
    ]
    columns = right("truth", "covered by the 95 % interval", "covered without a prior", "bias, in sd")
    return source(record) + table(left("metric") + columns + right("spread of medians, in stated sd"), rows)


def joint_decision(record: Mapping[str, Any]) -> str:
    """Give stated and true frequencies by tenth of the stated probability."""
    product = {row["from"]: row for row in record["product"]["table"]}
    rows = []
    for row in record["joint"]["table"]:
        low, both = 100 * row["from"], (row, product[row["from"]])
        numbers = [[str(one["experiments"]), *map(percent, (one["stated"], one["true"]))] for one in both]
        rows.append([f"{low:.0f} % to {low + 10:.0f} %", *numbers[0], *numbers[1]])
    columns = right(
        "stated", "experiments, joint", "stated", "true", "experiments, product", "stated", "true"
    )
    return source(record) + table(columns, rows)


def many_metrics(record: Mapping[str, Any]) -> str:
    """Give time and memory by numbers of users and metrics."""
    rows = [
        [
            f"{row['users']:,}",
            f"{row['metrics']:,}",
            f"{row['cpu_s']:.2f} s",
            f"{row['cpu_s'] / row['metrics']:.3f} s",
            f"{row['peak_mb']:,} MB",
            str(row["queries"]),
        ]
        for row in record["rows"]
    ]
    columns = right("users", "metrics", "CPU time", "per metric", "peak memory", "queries")
    return source(record) + table(columns, rows)


def starts(record: Mapping[str, Any]) -> dict[str, str]:
    """Give processes, parts of a first answer, and fits by family."""

    def seconds(*times: float) -> list[str]:
        return [f"{value:.2f} s" for value in times]

    def two(of: str, measured: Mapping[str, tuple[float, float]]) -> str:
        rows = [[name, *seconds(*both)] for name, both in measured.items()]
        return table(left(of) + right("CPU", "on the wall"), rows)

    processes, machine = record["processes"], record["machine"]
    full, light = (f"{ratio:.2f}" for ratio in record["CPU of a run over that of"].values())
    where = f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}"
    fits = [
        [name, *seconds(found["first of its kind"][0], *found["again"])]
        for name, found in record["fits by family"].items()
    ]
    columns = right("CPU, first of its kind in the process", "CPU, again", "on the wall, again")
    return {
        "processes": (
            f"{source(record).strip()} Medians ({where}).\n\n{two('process', processes)}\n\n"
            f"Pair by pair, a whole run takes {full} times the CPU time of importing PyMC and nutpie, and "
            f"{light} times that of\nimporting them without ArviZ's pictures, which no run needs."
        ),
        "first answer": two("part of the first answer in a process", record["first answer in a process"]),
        "fits": table(left("family") + columns, fits),
    }


def validation() -> dict[str, str]:
    """Give every table of docs/validation.md that is written here."""
    of = {
        "coverage of pairs": ("coverage_pairs", coverage_of_pairs),
        "wrong models": ("wrong_models", wrong_models),
        "kinds": ("kinds", kinds),
        "kinds together": ("kinds_together", kinds_together),
        "joint decision": ("joint_decision", joint_decision),
        "many metrics": ("many_metrics", many_metrics),
    }
    made = {name: write(read(DATA / f"{record}.json")) for name, (record, write) in of.items()}
    return made | starts(read(DATA / "latency.json"))


def precision() -> dict[str, str]:
    """Give the tables of real populations."""
    return real_populations.tables(read(real_populations.RECORD)) | real_designs.tables(
        read(real_designs.RECORD)
    )


def main() -> None:
    """Write both pages."""
    put(VALIDATION, validation())
    put(PRECISION, precision())


if __name__ == "__main__":
    main()
