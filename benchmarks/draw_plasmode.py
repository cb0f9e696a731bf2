"""Tables and picture of docs/precision.md, from four records.

They are docs/data/plasmode.json, populations.json, strata_nuts.json and strata_large.json. Run
`uv run python benchmarks/draw_plasmode.py`. Tables are written between the page's `<!-- NAME -->` and
`<!-- end NAME -->`; the picture is committed, so that the site's build does not need the benchmark.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from evidence import put

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "precision.md", ROOT / "docs" / "_static" / "precision.svg"
RECORD = ROOT / "docs" / "data" / "plasmode.json"
POPULATIONS = ROOT / "docs" / "data" / "populations.json"
STRATA, LIN, WELCH = "strata (fast form)", "CUPED, own slopes (Lin)", "Welch on changes"
KINDS, CDNOW = "kinds of users", "CDNOW customers"
TOP = "top 1 % x.5"
COLOURS = {
    WELCH: "#7f7f7f",
    "CUPED, pooled slope": "#6baed6",
    LIN: "#08519c",
    "winsorised at 99 %": "#e6a817",
    STRATA: "#b2182b",
}
SHARES = {0.5: "1:1", 0.1: "10 %"}

# Families that claim the mean, as the package's checks judge them.
FAMILIES = (
    "auto (fast form)",
    STRATA,
    "normal, randomised",
    WELCH,
)
AUTO = FAMILIES[0]
# Fewer statements than this share say little of how they cover.
FEW = 0.05

SAMPLED = ROOT / "docs" / "data" / "strata_nuts.json"
# Further experiments of one size and share, answered by two estimators; what they are called there.
MORE = ROOT / "docs" / "data" / "strata_large.json"
IN_MORE = {STRATA: "strata", WELCH: WELCH}

type Row = dict[str, Any]


class Cells:
    """The record's rows of one population, chosen by size, share, estimator."""

    def __init__(self, record: dict[str, Any], population: str = KINDS) -> None:
        self.rows: list[Row] = [row for row in record["rows"] if row["population"] == population]
        self.sizes = sorted({row["n"] for row in self.rows})
        self.estimators = list(dict.fromkeys(row["estimator"] for row in self.rows))
        self.effects = list(dict.fromkeys(row["effect"] for row in self.rows))

    def of(self, n: int, share: float, estimator: str) -> dict[str, Row]:
        """Rows by effect."""
        about = (n, share, estimator)
        return {r["effect"]: r for r in self.rows if (r["n"], r["treated_share"], r["estimator"]) == about}

    def mean(self, n: int, share: float, estimator: str, key: str) -> float:
        """Mean over the effects."""
        return float(np.mean([row[key] for row in self.of(n, share, estimator).values()]))


def percent(share: float) -> str:
    """A share as the tables show it."""
    return f"{100 * share:.1f} %"


def comparison(cells: Cells) -> list[str]:
    """Every estimator at every size."""
    lines = [
        "| users | treated | estimator | bias | covers | worst | above · below | width, CUPED = 1 "
        "| Welch = 1 | error | false alarms |",
        "|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for n in cells.sizes:
        for share, label in SHARES.items():
            for estimator in cells.estimators:
                rows = cells.of(n, share, estimator)
                none = rows["none"]
                found = (
                    f"{n:,}",
                    label,
                    estimator,
                    f"{cells.mean(n, share, estimator, 'bias'):+.1f}",
                    percent(cells.mean(n, share, estimator, "coverage")),
                    percent(min(row["coverage"] for row in rows.values())),
                    " · ".join(
                        f"{100 * cells.mean(n, share, estimator, f'{side}_truth'):.1f}"
                        for side in ("above", "below")
                    ),
                    f"{cells.mean(n, share, estimator, 'width_over_lin'):.2f}",
                    f"{cells.mean(n, share, estimator, 'width_over_welch'):.2f}",
                    f"{cells.mean(n, share, estimator, 'rmse_over_lin'):.2f}",
                    percent(none["harm_alarms"]),
                )
                lines.append("| " + " | ".join(found) + " |")
    return lines


def by_effect(cells: Cells, share: float) -> list[str]:
    """Bias, coverage and the share of intervals above the truth, of the strata."""
    lines = [
        "| effect | truth | " + " | ".join(f"{n:,} users" for n in cells.sizes) + " |",
        "|---|--:|" + "--:|" * len(cells.sizes),
    ]
    for effect in cells.effects:
        rows = [cells.of(n, share, STRATA)[effect] for n in cells.sizes]
        found = [f"{r['bias']:+.1f} · {100 * r['coverage']:.1f} · {100 * r['above_truth']:.1f}" for r in rows]
        lines.append(f"| {effect} | {rows[0]['truth']:+.1f} % | " + " | ".join(found) + " |")
    return lines


def with_more(cells: Cells, more: dict[str, Any], estimator: str) -> dict[str, Row]:
    """Rows by effect, where there are further experiments: coverage and false alarms of all together."""
    first, last = more["replicates"]
    found = {r["effect"]: r for r in more["rows"] if r["estimator"] == IN_MORE[estimator]}
    together = {}
    for effect, row in cells.of(more["users"], more["treated_share"], estimator).items():
        count = [row["replicates"], last - first]
        keys = {"coverage": "covered", "harm_alarms": "harm alarms"}
        pooled = {k: float(np.average([row[k], found[effect][by]], weights=count)) for k, by in keys.items()}
        together[effect] = row | pooled | {"replicates": sum(count)}
    return together


def targets(cells: Cells, more: dict[str, Any]) -> list[str]:
    """What was to be reached, and what was."""
    lines = [
        "| what, over the ten effects | treated | " + " | ".join(f"{n:,} users" for n in cells.sizes) + " |",
        "|---|---|" + "--:|" * len(cells.sizes),
    ]
    for what, by_share in _reached(cells, more).items():
        for share, found in by_share.items():
            shown = [text if met else f"**{text}**" for text, met in found]
            lines.append(f"| {what} | {SHARES[share]} | " + " | ".join(shown) + " |")
    return lines


def _reached(cells: Cells, more: dict[str, Any]) -> dict[str, dict[float, list[tuple[str, bool]]]]:
    at_least: dict[str, dict[float, list[tuple[str, bool]]]] = {}
    for share in SHARES:
        for i, n in enumerate(cells.sizes):
            known = (n, share) == (more["users"], more["treated_share"])
            rows, welch = (
                with_more(cells, more, name) if known else cells.of(n, share, name)
                for name in (STRATA, WELCH)
            )
            covered, usual = (np.mean([row["coverage"] for row in by.values()]) for by in (rows, welch))
            bar, bar_of_auto = (
                (0.935, 0.94, by - 0.01, by - 0.01)[i] if share == 0.5 else (0.93, 0.92, 0.91, 0.90)[i]
                for by in (usual, cells.mean(n, share, WELCH, "coverage"))
            )
            worst = min(row["coverage"] for row in rows.values())
            lin = {k: cells.mean(n, share, STRATA, f"{k}_over_lin") for k in ("width", "rmse")}
            width, rmse = (0.87, 0.90, 0.95, 0.97)[i], (0.82, 0.90, 0.95, 1.0)[i]
            alarms = (0.07, 0.06, 0.06, 0.06)[i]
            top = rows[TOP]
            auto = {k: cells.mean(n, share, AUTO, k) for k in ("coverage", "width_over_lin")}
            for what, text, met in (
                ("covers, mean", f"{percent(covered)} (≥ {percent(bar)})", covered >= bar),
                ("covers, worst", f"{percent(worst)} (≥ {percent(bar - 0.02)})", worst >= bar - 0.02),
                ("width over Lin's", f"{lin['width']:.3f} (≤ {width:.2f})", lin["width"] <= width),
                ("error over Lin's", f"{lin['rmse']:.3f} (≤ {rmse:.2f})", lin["rmse"] <= rmse),
                (
                    "false alarms, no effect",
                    f"{percent(rows['none']['harm_alarms'])} (≤ {percent(alarms)})",
                    rows["none"]["harm_alarms"] <= alarms,
                ),
                (
                    f"{TOP}: covers",
                    f"{percent(top['coverage'])} (≥ {percent(0.9)})",
                    top["coverage"] >= 0.9,
                ),
                (
                    f"{TOP}: harm hidden",
                    f"{percent(top['above_truth'])} (≤ {percent(0.06)})",
                    top["above_truth"] <= 0.06,
                ),
                (
                    "`auto` covers, mean",
                    f"{percent(auto['coverage'])} (≥ {percent(bar_of_auto)})",
                    auto["coverage"] >= bar_of_auto,
                ),
                (
                    "`auto`, width over Lin's",
                    f"{auto['width_over_lin']:.3f} (≤ {width:.2f})",
                    auto["width_over_lin"] <= width,
                ),
            ):
                at_least.setdefault(what, {}).setdefault(share, []).append((text, met))
    return at_least


def gates(cells: Cells) -> list[str]:
    """What the checks withhold, and how the rest covers."""
    lines = [
        "| users | treated | family | withheld | stated: covers | worst effect | of them without a warning "
        "| covers |",
        "|--:|---|---|--:|--:|--:|--:|--:|",
    ]
    for n in cells.sizes:
        for share, label in SHARES.items():
            for family in FAMILIES:
                rows = list(cells.of(n, share, family).values())
                stated = sum(row["stated"] for row in rows)
                clean = sum(row["clean"] for row in rows)
                known = [row["coverage_stated"] for row in rows if row["stated"] >= FEW]
                found = (
                    f"{n:,}",
                    label,
                    family,
                    percent(1 - stated / len(rows)),
                    _covering(rows, "stated"),
                    percent(min(known)) if known else "–",
                    percent(clean / stated) if stated else "–",
                    _covering(rows, "clean"),
                )
                lines.append("| " + " | ".join(found) + " |")
    return lines


def _covering(rows: list[Row], status: str) -> str:
    """Share of all statements of one status that cover the truth."""
    total = sum(row[status] for row in rows)
    covered = sum(row[status] * row[f"coverage_{status}"] for row in rows if row[status])
    return percent(covered / total) if total else "–"


def by_gates(cells: Cells) -> list[str]:
    """Of `auto`: withheld, and how its statements cover, effect by effect."""
    columns = [(n, share) for n in cells.sizes for share in SHARES]
    lines = [
        "| effect | " + " | ".join(f"{n:,}, {SHARES[share]}" for n, share in columns) + " |",
        "|---|" + "--:|" * len(columns),
    ]
    for effect in cells.effects:
        rows = [cells.of(n, share, AUTO)[effect] for n, share in columns]
        found = [f"{100 * (1 - r['stated']):.0f} · {100 * r['coverage_stated']:.0f}" for r in rows]
        lines.append(f"| {effect} | " + " | ".join(found) + " |")
    return lines


def under_ninety(cells: Cells) -> list[str]:
    """Cells of the table in which a family states something and covers less than 90 % of the time."""
    lines = ["| family | cells with statements | under 90 % | the lowest |", "|---|--:|--:|---|"]
    for family in FAMILIES:
        rows = [row for row in cells.rows if row["estimator"] == family and row["stated"] >= FEW]
        low = [row for row in rows if row["coverage_stated"] < 0.9]
        worst = min(rows, key=lambda row: row["coverage_stated"])
        where = f"{worst['n']:,}, {SHARES[worst['treated_share']]}, {worst['effect']}"
        lowest = f"{percent(worst['coverage_stated'])} ({where})"
        lines.append(f"| {family} | {len(rows)} | {len(low)} | {lowest} |")
    return lines


def populations(record: dict[str, Any]) -> list[str]:
    """Real populations, split at random."""
    lines = [
        "| population | treated | estimator | covers | false alarms | width, pooled CUPED = 1 | error "
        "| withheld | stated: covers |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in record["rows"]:
        known = row["coverage_stated"]
        found = (
            f"{row['population']}; {row['n']:,}",
            SHARES[row["treated_share"]],
            row["estimator"],
            percent(row["coverage"]),
            percent(row["harm_alarms"]),
            f"{row['width_over_pooled']:.2f}",
            f"{row['rmse_over_pooled']:.2f}",
            percent(1 - row["stated"]),
            "–" if known is None else percent(known),
        )
        lines.append("| " + " | ".join(found) + " |")
    return lines


def sampled(record: dict[str, Any]) -> list[str]:
    """The fast form beside the package's own posterior, and what the package's checks say of two families."""
    lines = [
        "| users | experiments | width, fast / package | mean: 9 of 10 within | ends: 9 of 10 within "
        "| covers: fast · package | strata: pass · warned · refused | normal |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    found: dict[int, dict[int, dict[str, Row]]] = {}
    for row in record["rows"]:
        found.setdefault(row["n"], {}).setdefault(row["experiment"], {})[row["answer"]] = row
    for n, experiments in sorted(found.items()):
        pairs = [(each["fast form"], each["stratified"]) for each in experiments.values()]
        width = np.array([[one["upper"] - one["lower"] for one in pair] for pair in pairs])
        off = np.array([[abs(a[k] - b[k]) for k in ("mean", "lower", "upper")] for a, b in pairs])
        off = 100 * off / width[:, 1:]
        covers = [
            np.mean([one["lower"] <= one["truth"] <= one["upper"] for one in side])
            for side in zip(*pairs, strict=True)
        ]
        status = [
            " · ".join(
                str(sum(each[family]["status"] == name for each in experiments.values()))
                for name in ("ok", "caution", "refused")
            )
            for family in ("stratified", "normal")
        ]
        cells = (
            f"{n:,}",
            str(len(pairs)),
            f"{np.median(width[:, 0] / width[:, 1]):.2f}",
            f"{np.quantile(off[:, 0], 0.9):.0f} %",
            f"{np.quantile(off[:, 1:], 0.9):.0f} %",
            " · ".join(f"{100 * share:.0f}" for share in covers),
            *status,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def replicates(cells: Cells) -> list[str]:
    """Experiments a cell."""
    count = {row["n"]: row["replicates"] for row in cells.rows}
    return [
        "| users | experiments a cell | standard error of a coverage of 95 % |",
        "|--:|--:|--:|",
        *(f"| {n:,} | {k:,} | {100 * (0.05 * 0.95 / k) ** 0.5:.1f} % |" for n, k in count.items()),
    ]


def read() -> list[dict[str, Any]]:
    """Read the records: the plasmode, other populations, the package's posterior, further experiments."""
    paths = (RECORD, POPULATIONS, SAMPLED, MORE)
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def tables(
    record: dict[str, Any], others: dict[str, Any], nuts: dict[str, Any], more: dict[str, Any]
) -> dict[str, str]:
    """Give every table of the page by its name, from the records."""
    cells = Cells(record)
    found = {
        "replicates": replicates(cells),
        "targets": targets(cells, more),
        "effects half": by_effect(cells, 0.5),
        "effects tenth": by_effect(cells, 0.1),
        "gates": gates(cells),
        "gates of auto": by_gates(cells),
        "under ninety": under_ninety(cells),
        "comparison": comparison(cells),
        "spend": comparison(Cells(record, CDNOW)),
        "populations": populations(others),
        "sampled": sampled(nuts),
    }
    return {name: "\n".join(lines) for name, lines in found.items()}


def draw(record: dict[str, Any], path: Path = PICTURE) -> None:
    """Draw coverage, and width over Lin-CUPED's, by size: mean over the effects, and their range."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    cells = Cells(record)
    style = {
        "svg.hashsalt": "precision",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        figure, axes = plt.subplots(2, 2, figsize=(8.6, 6.2), sharex=True, sharey="col", layout="constrained")
        for (share, label), (left, right) in zip(SHARES.items(), axes, strict=True):
            for axis, key in ((left, "coverage"), (right, "width_over_lin")):
                for j, (name, colour) in enumerate(COLOURS.items()):
                    values = np.array(
                        [[r[key] for r in cells.of(n, share, name).values()] for n in cells.sizes]
                    )
                    x = np.array(cells.sizes) * 1.06 ** (j - 2)
                    values = 100 * values if key == "coverage" else values
                    axis.plot(x, values.mean(axis=1), color=colour, marker="o", ms=3.5, lw=1.3, label=name)
                    axis.vlines(x, values.min(axis=1), values.max(axis=1), color=colour, lw=1, alpha=0.6)
            left.axhline(95, color="black", lw=0.7, ls=":")
            right.axhline(1, color="black", lw=0.7, ls=":")
            left.set(xscale="log", ylabel=f"{label} treated\ncovers the truth, %", ylim=(60, 100.5))
            right.set(xscale="log", ylabel="width, CUPED (Lin) = 1", ylim=(0.3, None))
            left.set_xticks(cells.sizes, [f"{n:,}" for n in cells.sizes])
            left.minorticks_off()
            right.minorticks_off()
        for axis in axes[1]:
            axis.set_xlabel("users")
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def main() -> None:
    """Write the page's tables and its picture."""
    record, *others = read()
    put(PAGE, tables(record, *others))
    draw(record)


if __name__ == "__main__":
    main()
