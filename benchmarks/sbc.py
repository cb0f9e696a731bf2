"""Simulation-based calibration of every family and design, and proof that it finds planted faults.

Parameters are drawn from priors whose constants are fixed, rows are drawn from them by simulators that are
written here a second time, and the rows go the whole way: compressed, modelled, sampled, contrasted. If all
of that is right, the rank of every true contrast, and of the joint log-likelihood at the truth, among the
draws is uniform (Talts et al. 2018; Modrák et al. 2023).

    uv run python benchmarks/sbc.py 1000            # every model; continues where it was stopped
    uv run python benchmarks/sbc.py 200 normal      # models whose names begin so
    uv run python benchmarks/sbc.py 40 --faults     # planted faults, which must be found
    uv run python benchmarks/sbc.py --carry         # code was moved: replay some, keep the others
    uv run python benchmarks/sbc.py --carry tail    # models whose names begin so
    uv run python benchmarks/sbc.py --page          # table and picture of docs/validation.md, from the record

The result goes to docs/data/sbc.json: counts of ranks, date, versions, and for each model a hash of the code
that it validates (without comments and docstrings). Ranks of a model whose code has changed start anew,
unless `--carry` finds that its first simulations give the same ranks as before, one by one: then code was
moved or renamed, and what was simulated with it stands.
"""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import strata_law
from evidence import DATA, ROOT, code_hash, put, read, today, write
from sbc_faults import FAULTS, OWN_VARIATION, own_variation, patched
from sbc_models import MODELS, RANKS, Drawn, Floats, Model, Scorecard, rank
from scipy import stats

from twobytwo import Cells, DataError, SamplerOptions, compress
from twobytwo.infer.by_stratum import adjusted
from twobytwo.infer.effects import contrasts
from twobytwo.infer.engine import sampling
from twobytwo.infer.engine.compiled import compiled
from twobytwo.infer.families import Family, family_of
from twobytwo.infer.model import build_model

RECORD = DATA / "sbc.json"
PAGE, PICTURE = ROOT / "docs" / "validation.md", ROOT / "docs" / "_static" / "sbc.svg"
SAMPLER = SamplerOptions(draws=150, tune=250, chains=2, progressbar=False)
# Of 300 draws every third is kept.
THIN = 3
# How many simulations of a model are kept one by one, to be replayed when its code is moved.
REPLAYED = 5

# --- ranks -----------------------------------------------------------------------------------------------


# Densities by model and the shapes of its data: their structure is compared once, not in every simulation.
_DENSITIES: dict[tuple[Any, ...], Any] = {}


def drawn_data(of: Model, family: Family, rng: np.random.Generator) -> tuple[Drawn, Cells]:
    """Draw parameters and data until there are data that the package takes.

    Both conditions look at the data alone, which leaves ranks uniform.
    """
    while True:
        found = of.draw(rng)
        rows = of.rows(found, rng)
        if not of.accepts(rows):
            continue
        cells = compress(rows, of.design)
        try:
            family.check(cells)
        except DataError:
            continue
        return found, cells


def one(name: str, seed: int) -> dict[str, int]:
    """Rank the truth of one simulation of a model among its draws."""
    of = MODELS[name]
    # Models must not share the numbers that their effects are drawn by: their ranks would lean together.
    rng = np.random.default_rng([seed, crc32(name.encode())])
    if isinstance(of, Scorecard):
        return of.ranks(rng)
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        if hasattr(of, "replaced"):
            stack.enter_context(patched(*of.replaced()))
        family = family_of(of.family)
        found, cells = drawn_data(of, family, rng)
        made = build_model(cells, family, of.widths)
        for constant, value in of.constants.items():
            made[constant].set_value(np.asarray(value, dtype=float))
        start = made.initial_point()
        made.initial_point = lambda: start
        shapes = tuple((v.name, v.get_value(borrow=True).shape) for v in made.data_vars)
        key = (name, shapes)
        density = _DENSITIES.get(key) or _DENSITIES.setdefault(key, compiled(made))
        stack.enter_context(patched(sampling, "compiled", lambda *_: density))
        options = replace(SAMPLER, random_seed=int(rng.integers(2**31)))
        posterior = sampling.sample(made, options, target_accept=of.target_accept)["posterior"].to_dataset()
    drawn = contrasts(family.values(posterior), cells.design)

    def kept(draws: Any) -> Floats:
        values = draws.transpose("chain", "draw", ...).to_numpy()
        return values.reshape(-1, *values.shape[2:])[THIN - 1 :: THIN]

    ranks = {name: rank(kept(drawn[name]), true, rng) for name, true in of.truth(found).items()}
    free = {free.name: free for free in of.free}
    names = [variable.name for variable in made.free_RVs]
    _, data = density.start_and_data(made)

    def log_densities(at: Drawn) -> tuple[float, float]:
        x = np.concatenate([np.ravel(free[name].sampled(at[name])) for name in names]).astype(float)
        prior = of.log_prior(at)
        return prior, float(density.density(x, data)[0][-1]) - prior

    every = {name: kept(posterior[name]) for name in names}
    draws = np.array([log_densities({name: every[name][k] for name in names}) for k in range(RANKS)])
    # Where the prior is too wide, effects alone still have uniform ranks; its density has not.
    for k, (quantity, true) in enumerate(
        zip(("log-prior", "log-likelihood"), log_densities(found), strict=True)
    ):
        ranks[quantity] = rank(draws[:, k], true, rng)
    return ranks


GRID = np.arange(1, RANKS + 1) / (RANKS + 1)
# How far out of its band one of many quantities may be: the chance of its ECDF among uniform ones.
REPLICATES, MANY_REPLICATES = 4_000, 40_000


def extreme(counts: Floats) -> Floats:
    """Give the smallest pointwise probability of an ECDF, over its points; counts by rank, last axis."""
    simulations = counts.sum(axis=-1, keepdims=True)
    ecdf = counts.cumsum(axis=-1)[..., :-1]
    tails = stats.binom.cdf(ecdf, simulations, GRID), stats.binom.sf(ecdf - 1, simulations, GRID)
    return 2 * np.minimum(*tails).min(axis=-1)


@cache
def uniform_extremes(simulations: int, replicates: int = REPLICATES) -> Floats:
    """Draw `extreme` of uniform ranks, sorted."""
    rng, share = np.random.default_rng(1), np.full(RANKS + 1, 1 / (RANKS + 1))
    # By turns, as all counts at once would need gigabytes.
    turns = [rng.multinomial(simulations, share, size=1_000) for _ in range(replicates // 1_000)]
    return np.sort(np.concatenate([extreme(counts) for counts in turns]))


@cache
def band(simulations: int, level: float = 0.99) -> tuple[Floats, Floats]:
    """Simultaneous bounds of the ECDF of uniform ranks (Säilynoja, Bürkner & Vehtari 2022), by simulation."""
    gamma = float(np.quantile(uniform_extremes(simulations), 1 - level))
    low = stats.binom.ppf(gamma / 2, simulations, GRID) / simulations
    high = stats.binom.ppf(1 - gamma / 2, simulations, GRID) / simulations
    return low, high


def inside(counts: list[int]) -> bool:
    """Whether the ranks are inside the simultaneous 99 % band."""
    low, high = band(sum(counts))
    ecdf = np.cumsum(counts)[:-1] / sum(counts)
    return bool(((ecdf >= low) & (ecdf <= high)).all())


def chance(counts: list[int]) -> float:
    """Give the probability that uniform ranks are as far from uniform as these."""
    reached = np.searchsorted(
        uniform_extremes(sum(counts), MANY_REPLICATES), extreme(np.array(counts)), "right"
    )
    return float(reached + 1) / (MANY_REPLICATES + 1)


def add(entry: dict[str, Any], ranks: Mapping[str, int]) -> None:
    for name, value in ranks.items():
        entry["ranks"].setdefault(name, [0] * (RANKS + 1))[value] += 1


def first(name: str) -> list[dict[str, int]]:
    """Rank the first simulations of a model."""
    return [one(name, seed) for seed in range(REPLAYED)]


def carry(begins: tuple[str, ...]) -> None:
    """Keep the ranks of models whose code was moved; what has no first simulations on record gets them."""
    record = read(RECORD)
    for name, entry in record["models"].items():
        if not name.startswith(begins) or name not in MODELS:
            continue
        code = code_hash(*MODELS[name].code)
        if "first" not in entry and entry["code"] == code:
            entry["first"] = first(name)
        elif entry["code"] != code and entry.get("first") == first(name):
            entry |= {"code": code, "carried": today()}
        elif entry["code"] != code:
            print(f"{name}: the code gives other ranks; simulate it anew", flush=True)
        write(record, RECORD)


def simulate(wanted: int, begins: tuple[str, ...], most_seconds: float) -> None:
    """Add simulations until every model has as many as wanted, in turns, so that all have some."""
    record, began = read(RECORD), time.perf_counter()
    names = [name for name in MODELS if name.startswith(begins)]
    entries = record["models"]
    for name in names:
        if entries.get(name, {}).get("code") != code_hash(*MODELS[name].code):
            entries[name] = {"code": code_hash(*MODELS[name].code), "simulations": 0, "ranks": {}}
    while any(entries[name]["simulations"] < wanted for name in names):
        for name in names:
            entry = entries[name]
            for seed in range(entry["simulations"], min(entry["simulations"] + 10, wanted)):
                ranks = one(name, seed)
                add(entry, ranks)
                if seed < REPLAYED:
                    entry.setdefault("first", []).append(ranks)
                entry["simulations"] = seed + 1
            entry["date"] = today()
            record["versions"] = {n: version(n) for n in ("twobytwo", "pymc", "pytensor", "nutpie", "numpy")}
            write(record, RECORD)
            if time.perf_counter() - began > most_seconds:
                return
        print({name: entries[name]["simulations"] for name in names}, flush=True)


def fault(name: str, simulations: int) -> dict[str, Any]:
    """Rank with one planted fault; of the one that a law finds, compare its lean with the package's own."""
    if name == OWN_VARIATION:
        lean, faulty = strata_law.lean(adjusted), strata_law.lean(own_variation)
        found = [f"a lean of {faulty:+.1f} standard errors (without it {lean:+.1f})"]
        where = f"strata, {strata_law.USERS} users, one in ten treated, no effect"
        count = strata_law.EXPERIMENTS
        return {"model": where, "simulations": count, "found": found if abs(faulty) > 3 >= abs(lean) else []}
    planted = FAULTS[name]
    entry: dict[str, Any] = {"model": planted.model, "simulations": simulations, "ranks": {}}
    _DENSITIES.clear()
    with patched(planted.where, planted.name, planted.by):
        for seed in range(simulations):
            add(entry, one(planted.model, seed))
    _DENSITIES.clear()
    entry["found"] = [quantity for quantity, counts in entry["ranks"].items() if not inside(counts)]
    return entry


# --- the page --------------------------------------------------------------------------------------------


def tables(record: Mapping[str, Any]) -> str:
    """Give the record as the page shows it."""
    lines = ["| model | simulations | date | ranks inside the 99 % band |", "|---|--:|---|---|"]
    for name in MODELS:
        entry = record["models"].get(name)
        if entry is None or not entry["simulations"]:
            lines.append(f"| {name} | 0 | | not run yet |")
            continue
        judged = ", ".join(
            f"{quantity}: {'yes' if inside(counts) else '**no**'}"
            for quantity, counts in entry["ranks"].items()
        )
        moved = f", code moved {entry['carried']}" if "carried" in entry else ""
        lines.append(f"| {name} | {entry['simulations']:,} | {entry['date']}{moved} | {judged} |")
    quantities = [counts for entry in record["models"].values() for counts in entry["ranks"].values()]
    outside = sum(not inside(counts) for counts in quantities)
    simulated = sum(entry["simulations"] for entry in record["models"].values())
    lines += [
        "",
        f"{simulated:,} simulations, {len(quantities)} quantities, {outside} outside of their "
        "band; of uniform ranks one quantity in a hundred is.",
    ]
    lines += ["", "| planted fault | in | simulations | found by |", "|---|---|--:|---|"]
    for name, entry in record["faults"].items():
        found = ", ".join(entry["found"]) or "**nothing**"
        lines.append(f"| {name} | {entry['model']} | {entry['simulations']:,} | {found} |")
    return "\n".join(lines)


# Every contrast is of one colour: which one it is stands in the table.
COLOURS = {"log-prior": "#B8690B", "log-likelihood": "#2A7F3F"}
CONTRAST, COLUMNS = "#1F5FA8", 4


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Draw every ECDF less the uniform one, in its band."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    names = [name for name in MODELS if record["models"].get(name, {}).get("simulations")]
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(9.5, 1.7 * rows + 0.4), layout="constrained")
    # Every other point, as half of the file is enough.
    at = GRID[::2]
    for name, ax in zip(names, figure.subplots(rows, COLUMNS, squeeze=False).flat, strict=False):
        entry = record["models"][name]
        low, high = (edge[::2] for edge in band(entry["simulations"]))
        ax.fill_between(at, low - at, high - at, color="#E8E4D8", linewidth=0)
        for quantity, counts in entry["ranks"].items():
            ecdf = (np.cumsum(counts)[:-1] / sum(counts))[::2]
            ax.plot(at, ecdf - at, color=COLOURS.get(quantity, CONTRAST), linewidth=0.9)
        ax.set_title(f"{name}\n{entry['simulations']:,} simulations", fontsize=7.5)
        ax.tick_params(labelsize=6)
        ax.set_xticks([0, 0.5, 1])
        ax.spines[["top", "right"]].set_visible(False)
    for ax in figure.axes[len(names) :]:
        ax.set_visible(False)
    keys = {"contrasts": CONTRAST, "density of the prior": COLOURS["log-prior"]}
    keys |= {"likelihood": COLOURS["log-likelihood"]}
    figure.legend(
        handles=[Line2D([], [], color=colour, label=label) for label, colour in keys.items()],
        loc="outside lower center",
        ncols=3,
        frameon=False,
        fontsize=8,
    )
    with mpl.rc_context({"svg.hashsalt": "twobytwo", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


def page() -> None:
    """Write table and picture anew."""
    record = read(RECORD)
    put(PAGE, {"sbc": tables(record)})
    draw(record, PICTURE)


def main() -> None:
    """Run."""
    if "--page" in sys.argv:
        page()
        return
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--carry" in sys.argv:
        carry(tuple(words) or ("",))
        return
    wanted = int(words[0]) if words else 1_000
    most = next((float(w.partition("=")[2]) for w in sys.argv if w.startswith("--seconds=")), float("inf"))
    if "--faults" in sys.argv:
        for name in words[1:] or [*FAULTS, OWN_VARIATION]:
            made = fault(name, wanted)
            record = read(RECORD)
            record["faults"][name] = made | {"date": today()}
            write(record, RECORD)
            print(name, made["found"], flush=True)
        return
    simulate(wanted, tuple(words[1:]) or ("",), most)


if __name__ == "__main__":
    main()
