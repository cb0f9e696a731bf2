"""Tables and picture of docs/growth.md, from docs/data/scaling.json and docs/data/peers.json.

Run `uv run python benchmarks/draw_growth.py`. Tables are written between the page's `<!-- NAME -->` and
`<!-- end NAME -->`; the picture is committed, so that the site's build does not need the benchmark.
"""

import json
from pathlib import Path

from evidence import put

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "growth.md", ROOT / "docs" / "_static" / "growth.svg"
SCALING, PEERS = ROOT / "docs" / "data" / "scaling.json", ROOT / "docs" / "data" / "peers.json"
OURS, ALIKE = "twobytwo", {"tea-tasting": "twobytwo, randomised"}
LARGEST = 10**10
COLOURS = {"scan": "#9ecae1", "rows": "#08519c", "pivot": "#fdae6b", "pairs": "#b2182b"}
NAMES = {
    "scan": "DuckDB: grouped means and variances",
    "rows": "twobytwo: independent rows",
    "pivot": "DuckDB: a row per user, then the same",
    "pairs": "twobytwo: the same users",
}


def power(size):
    """Write a power of ten."""
    return f"10{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(digit)] for digit in str(len(str(size)) - 1))}"


def seconds(value):
    """Write a time with as many digits as it is worth."""
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def table(head, rows):
    """Write a table in Markdown, its first column to the left."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def growth(record):
    """Processor time and memory by number of rows, beside DuckDB's own."""
    rows = []
    for size in record["sizes"]:
        line = [power(size["size"])]
        for own, ours in (("scan", "rows"), ("pivot", "pairs")):
            line += [seconds(size[own]["cpu"]), seconds(size[ours]["cpu"]), f"{size[ours]['peak_mb']:,} MB"]
        rows.append([*line, seconds(size["pairs"]["all_else"]["cpu"]), seconds(size["second_fit"]["cpu"])])
    head = ["rows", "scan", "`compress`, rows", "peak", "pivot", "`compress`, users", "peak"]
    return table([*head, "all else, users", "second fit"], rows)


def targets(record):
    """Hold the largest size against what the package promised itself."""
    size = record["sizes"][-1]
    rows = []
    for name, own, times, gib in (("rows", "scan", 2, 2), ("pairs", "pivot", 1.5, 4)):
        found, limit = size[name], times * size[own]["cpu"] + 4
        met = ["met" if ok else "**missed**" for ok in (found["cpu"] <= limit, found["peak_mb"] < gib * 1024)]
        rows.append(
            [
                NAMES[name],
                f"{found['cpu'] / size[own]['cpu']:.2f} × {own}",
                f"{seconds(found['cpu'])} s of {seconds(limit)} s ({times:g} × {own} + 4 s): {met[0]}",
                f"{found['peak_mb']:,} MB of {gib * 1024:,} MB: {met[1]}",
            ]
        )
    return table([f"at {power(size['size'])} rows", "ratio", "time", "memory"], rows)


def model(record):
    """Fit the cost model through the smallest and the largest size: a constant, and seconds per 10^8 rows."""
    first, last = record["sizes"][0], record["sizes"][-1]
    found = {}
    for name in NAMES:
        slope = (last[name]["cpu"] - first[name]["cpu"]) / (last["size"] - first["size"])
        found[name] = (first[name]["cpu"] - slope * first["size"], slope * 10**8)
    return found


def costs(record):
    """The cost model's constants, and what they say of 10^10 rows."""
    rows = []
    for name, (constant, slope) in model(record).items():
        minutes = (constant + slope * LARGEST / 10**8) / 60
        rows.append([NAMES[name], seconds(max(constant, 0)), seconds(slope), f"{minutes:,.1f}"])
    return table(["", "constant", f"per {power(10**8)} rows", f"core-minutes at {power(LARGEST)} rows"], rows)


def chunks(record):
    """Differences between all rows at once and chunks added up, at every size where it was done."""
    rows = []
    for size in record["sizes"]:
        if "chunks" in size:
            off = size["chunks"]["largest_relative_difference"]
            found = ["0" if value == 0 else f"{value:.0e}" for value in off.values()]
            rows.append([power(size["size"]), str(size["chunks"]["chunks"]), *found])
    return table(["rows", "chunks", "counts", "means", "sums of squares"], rows)


def machine(record):
    """Describe what was measured on, and when."""
    has = record["machine"]
    dates = sorted({size["date"] for size in record["sizes"]})
    loads = [size["load_average"] for size in record["sizes"]]
    versions = ", ".join(f"{name} {number}" for name, number in has["versions"].items())
    return (
        f"Measured on {' and '.join(dates)} by `{record['recipe']}`: "
        f"{has['processor']}, {has['cores']} cores, "
        f"{has['memory_gib']:g} GiB, Python {has['python']}, {versions}; the load was "
        f"{min(loads):g} to {max(loads):g}."
    )


def peers(record):
    """Each package beside this one: processor time as a ratio, and memory."""
    lines = []
    for size in record["sizes"]:
        for name, found in size["peers"].items():
            ours = size["peers"][ALIKE.get(name, OURS)]
            lines.append([power(size["size"]), *peer(name, found, ours)])
    return table(
        ["rows", "package", "in process", "whole process", "peak", "estimate (95 % interval)", ""], lines
    )


def peer(name, found, ours):
    """One package's cells: times over those of this package, and who is faster."""
    if "estimate" not in found:
        stopped = found.get("stopped_after_seconds")
        return [name, "–", "–", "–", "–", f"stopped after {stopped} s" if stopped else found["failed"]]
    within, whole = (found[key] / ours[key] for key in ("cpu", "whole_cpu"))
    faster = [
        word
        for word, ratio in (("in process", within), ("whole", whole))
        if ratio < 1 and not name.startswith(OURS)
    ]
    low, high = found["interval"]
    return [
        f"{name} {found['version']}",
        f"{within:.2g} × ({seconds(found['cpu'])} s{spread(found)})",
        f"{whole:.2g} × ({seconds(found['whole_cpu'])} s)",
        f"{found['peak_mb']:,} MB",
        f"{found['estimate']:.2f} ({low:.2f} to {high:.2f})",
        f"**faster {' and '.join(faster)}**" if faster else "",
    ]


def spread(found):
    """Range of the processor time over the repeats, where there were any."""
    if found.get("repeats", 1) == 1:
        return ", once"
    least, most = (f"{value:.3g}" for value in found["cpu_range"])
    return f", {least} to {most}"


def draw(record, path):
    """Draw processor time against rows."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    style = {"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9}
    with plt.rc_context(style):
        figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
        sizes = [size["size"] for size in record["sizes"]]
        for name, label in NAMES.items():
            axes.loglog(
                sizes, [size[name]["cpu"] for size in record["sizes"]], "o-", color=COLOURS[name], label=label
            )
            constant, slope = model(record)[name]
            ahead = [sizes[-1], LARGEST]
            said = [constant + slope * size / 10**8 for size in ahead]
            axes.loglog(ahead, said, ":", color=COLOURS[name])
        axes.set(xlabel="rows (dotted: the cost model)", ylabel="seconds of one core")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        plt.close(figure)


def tables(scaling, others):
    """Everything that stands between markers, by name."""
    return {
        "machine": machine(scaling),
        "growth": growth(scaling),
        "targets": targets(scaling),
        "costs": costs(scaling),
        "chunks": chunks(scaling),
        "machine of peers": machine(others),
        "peers": peers(others),
    }


def load():
    """Read both records."""
    return tuple(json.loads(path.read_text(encoding="utf-8")) for path in (SCALING, PEERS))


def main():
    """Write tables and picture."""
    scaling, others = load()
    put(PAGE, tables(scaling, others))
    draw(scaling, PICTURE)


if __name__ == "__main__":
    main()
