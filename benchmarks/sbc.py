"""Simulation-based calibration of every family and design, and proof that it finds planted faults.

Parameters are drawn from priors whose constants are fixed, rows are drawn from them by simulators that are
written here a second time, and the rows go the whole way: compressed, modelled, sampled, contrasted. If all
of that is right, the rank of every true contrast, and of the joint log-likelihood at the truth, among the
draws is uniform (Talts et al. 2018; Modrák et al. 2023).

    uv run python benchmarks/sbc.py 1000            # every model; continues where it was stopped
    uv run python benchmarks/sbc.py 200 normal      # models whose names begin so
    uv run python benchmarks/sbc.py 200 --faults    # planted faults, which must be found
    uv run python benchmarks/sbc.py --page          # table and picture of docs/validation.md, from the record

The result goes to docs/data/sbc.json: counts of ranks, date, versions, and for each model a hash of the code
that it validates (without comments and docstrings). Ranks of a model whose code has changed start anew.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
from scipy import stats
from scipy.special import expit

import twobytwo
from twobytwo import Design, Priors, SamplerOptions, compress
from twobytwo.ask.contrast import Contrast
from twobytwo.infer import predictors
from twobytwo.infer.effects import contrasts
from twobytwo.infer.engine.compiled import compiled
from twobytwo.infer.engine.sampling import sample
from twobytwo.infer.families import family_of
from twobytwo.infer.families import normal as normal_module
from twobytwo.infer.families.lognormal import LogNormal
from twobytwo.infer.model import build_model

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs" / "data" / "sbc.json"
PAGE, PICTURE = ROOT / "docs" / "validation.md", ROOT / "docs" / "_static" / "sbc.svg"
SAMPLER = SamplerOptions(draws=150, tune=250, chains=2, progressbar=False)
# Of 300 draws every third is kept; a rank is between 0 and this.
THIN, RANKS = 3, 100
WIDTHS = Priors(
    name="sbc",
    baseline=0.2,
    effect=0.2,
    gap=0.2,
    interaction=0.2,
    activity=0.3,
    activity_interaction=0.3,
    spread=0.3,
)
# What the priors are centred at and scaled by, in place of the data's own mean and spread.
IDENTITY = {"origin": 0.0, "scale": 10.0, "effects_prior_mean": np.array([1.0, 0, 0, 0])}
LOG = {"origin": 1.0}
ROWS = Design.did(outcome="y", group="g", period="t", control=0, treatment=1, before=0, after=1)
CHANGES = Design.did_wide(before_column="y0", after_column="y1", group="g", unit="u", control=0, treatment=1)
FACTORIAL = Design.interaction(outcome="y", factors=("g", "t"), levels={"g": (0, 1), "t": (0, 1)})

Floats = np.ndarray
Drawn = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """A family in a design: how its parameters, rows and true means are drawn, and what code it is."""

    family: str
    design: Design
    draw: Callable[[np.random.Generator], Drawn]
    rows: Callable[[Drawn, np.random.Generator], pd.DataFrame]
    constants: Mapping[str, Any]
    code: tuple[str, ...]
    truth: Callable[[Drawn], Floats]
    # Log prior density of what the sampler calls its free variables, in its own units.
    log_prior: Callable[[Drawn], float]
    free: tuple[str, ...]


# --- parameters ------------------------------------------------------------------------------------------


def location(effects: Floats, origin: float, scale: float, *, factorial: bool = False) -> Floats:
    """Cells from effects: levels of groups and experiments are ±½, of periods 0 and 1."""
    second = (-0.5, 0.5) if factorial else (0.0, 1.0)
    base, one, two, both = effects
    return origin + scale * np.array(
        [[base + a * one + b * two + a * b * both for b in second] for a in (-0.5, 0.5)]
    )


def normal(rng: np.random.Generator, mean: Any, sd: float, shape: Any = None) -> Floats:
    return rng.normal(mean, sd, shape)


def draw_effects(rng: np.random.Generator, mean: float) -> Floats:
    return normal(rng, np.array([mean, 0, 0, 0]), 0.2)


def log_normal_density(value: Any, mean: Any, sd: float) -> float:
    return float(stats.norm.logpdf(value, mean, sd).sum())


def drawn_of(kind: str, design: Design) -> Callable[[np.random.Generator], Drawn]:
    factorial, shape = design is FACTORIAL, (2,) if kind == "changes" else (2, 2)

    def draw(rng: np.random.Generator) -> Drawn:
        identity = kind in ("normal", "student_t", "changes")
        effects = draw_effects(rng, 1.0 if identity else 0.0)
        if kind == "changes":
            effects = normal(rng, np.array([0.0, 0.0]), 0.2)
            found: Drawn = {
                "effects": effects,
                "location": 10 * (effects[0] + np.array([-0.5, 0.5]) * effects[1]),
            }
        else:
            origin, scale = (0.0, 10.0) if identity else (1.0, 1.0)
            found = {"effects": effects, "location": location(effects, origin, scale, factorial=factorial)}
        if kind == "normal":
            found["log_sd"] = normal(rng, np.log(4), 0.3, shape)
        if kind in ("student_t", "changes"):
            found |= {"log_scale": normal(rng, np.log(4), 0.3, shape), "nu": rng.gamma(2.0, 10.0)}
        if "lognormal" in kind:
            # The log-sd is between .05 and 3, its pooled logit N(-.45, .86), cells within .4 × the spread.
            found["pooled_logit_sigma"] = normal(rng, -0.45, 0.86)
            found["logit_sigma"] = normal(rng, found["pooled_logit_sigma"], 0.4 * 0.3, shape)
            found["sigma"] = 0.05 + 2.95 * expit(found["logit_sigma"])
        if "gamma" in kind:
            found["pooled_log_shape"] = normal(rng, -0.5, 1.0)
            found["log_shape"] = normal(rng, found["pooled_log_shape"], 0.4 * 0.3, shape)
        if kind.startswith("hurdle"):
            activity = normal(rng, np.zeros(4), np.array([0.2, 0.3, 0.3, 0.3]))
            found |= {
                "activity_effects": activity,
                "activity": location(activity, 0.8, 1.0, factorial=factorial),
            }
        if design is CHANGES and kind in ("normal", "lognormal"):
            found["fisher_z"] = normal(rng, 0.0, 1.0, 2)
        return found

    return draw


def prior_of(kind: str) -> Callable[[Drawn], float]:
    def density(found: Drawn) -> float:
        mean = (
            np.array([1.0, 0, 0, 0]) if kind in ("normal", "student_t") else np.zeros(len(found["effects"]))
        )
        total = log_normal_density(found["effects"], mean, 0.2)
        if "log_sd" in found:
            total += log_normal_density(found["log_sd"], np.log(4), 0.3)
        if "nu" in found:
            total += log_normal_density(found["log_scale"], np.log(4), 0.3)
            # The sampler's own unit is the logarithm.
            total += float(stats.gamma.logpdf(found["nu"], 2.0, scale=10.0) + np.log(found["nu"]))
        if "logit_sigma" in found:
            total += log_normal_density(found["pooled_logit_sigma"], -0.45, 0.86)
            total += log_normal_density(found["logit_sigma"], found["pooled_logit_sigma"], 0.12)
        if "log_shape" in found:
            total += log_normal_density(found["pooled_log_shape"], -0.5, 1.0)
            total += log_normal_density(found["log_shape"], found["pooled_log_shape"], 0.12)
        if "activity_effects" in found:
            total += log_normal_density(found["activity_effects"], 0.0, np.array([0.2, 0.3, 0.3, 0.3]))
        if "fisher_z" in found:
            total += log_normal_density(found["fisher_z"], 0.0, 1.0)
        return total

    return density


# --- rows ------------------------------------------------------------------------------------------------


def outcomes(kind: str, found: Drawn, place: tuple[int, ...], n: int, rng: np.random.Generator) -> Floats:
    at = {name: value[place] for name, value in found.items() if np.shape(value) == found["location"].shape}
    if kind == "normal":
        y = rng.normal(at["location"], np.exp(at["log_sd"]), n)
    elif kind in ("student_t", "changes"):
        y = at["location"] + np.exp(at["log_scale"]) * rng.standard_t(found["nu"], n)
    elif "lognormal" in kind:
        y = np.exp(rng.normal(at["location"], at["sigma"], n))
    else:
        shape = np.exp(at["log_shape"])
        y = rng.gamma(shape, np.exp(at["location"]) / shape, n)
    return y * (rng.random(n) < expit(at["activity"])) if "activity" in at else y


def rows_of(kind: str, n: int) -> Callable[[Drawn, np.random.Generator], pd.DataFrame]:
    def rows(found: Drawn, rng: np.random.Generator) -> pd.DataFrame:
        cells = [(g, t) for g in (0, 1) for t in (0, 1)]
        return pd.concat(
            [
                pd.DataFrame({"y": outcomes(kind, found, cell, n, rng), "g": cell[0], "t": cell[1]})
                for cell in cells
            ]
        )

    return rows


def users_of(kind: str, n: int) -> Callable[[Drawn, np.random.Generator], pd.DataFrame]:
    def rows(found: Drawn, rng: np.random.Generator) -> pd.DataFrame:
        parts = []
        for g in (0, 1):
            if kind == "changes":
                before = rng.normal(0, 1, n)
                after = before + outcomes(kind, found, (g,), n, rng)
            else:
                rho = np.tanh(found["fisher_z"][g])
                first, second = rng.standard_normal((2, n))
                spread = np.exp(found["log_sd"][g]) if kind == "normal" else found["sigma"][g]
                before = found["location"][g, 0] + spread[0] * first
                after = found["location"][g, 1] + spread[1] * (rho * first + np.sqrt(1 - rho**2) * second)
                if kind == "lognormal":
                    before, after = np.exp(before), np.exp(after)
            parts.append(pd.DataFrame({"y0": before, "y1": after, "g": g}))
        return pd.concat(parts, ignore_index=True).assign(u=range(2 * n))

    return rows


# --- true means ------------------------------------------------------------------------------------------


def truth_of(kind: str) -> Callable[[Drawn], Floats]:
    def truth(found: Drawn) -> Floats:
        if kind in ("normal", "student_t", "changes"):
            return found["location"]
        mean = np.exp(found["location"] + (found["sigma"] ** 2 / 2 if "sigma" in found else 0.0))
        return mean * expit(found["activity"]) if "activity" in found else mean

    return truth


def corners(means: Floats, *, factorial: bool) -> dict[str, float]:
    """The contrasts that are ranked, by the names that effects have."""
    if means.ndim == 1:
        return {"did": means[1] - means[0]}
    (m00, m01), (m10, m11) = means
    both = m11 - m10 - m01 + m00
    return {"interaction": both, "both": m11 - m00} if factorial else {"did": both}


FREE = {
    "normal": ("effects", "log_sd"),
    "lognormal": ("effects", "pooled_logit_sigma", "logit_sigma"),
    "gamma": ("effects", "pooled_log_shape", "log_shape"),
    "student_t": ("effects", "log_scale", "nu"),
    "changes": ("effects", "log_scale", "nu"),
    "hurdle_lognormal": ("activity_effects", "effects", "pooled_logit_sigma", "logit_sigma"),
    "hurdle_gamma": ("activity_effects", "effects", "pooled_log_shape", "log_shape"),
}
FAMILY_CODE = {
    "normal": ("normal", "gaussian"),
    "lognormal": ("lognormal", "gaussian"),
    "gamma": ("gamma", "points"),
    "student_t": ("student_t", "points"),
    "changes": ("student_t", "points"),
    "hurdle_lognormal": ("hurdle_lognormal", "hurdle", "lognormal", "gaussian"),
    "hurdle_gamma": ("hurdle_gamma", "hurdle", "gamma", "points"),
}
SHARED_CODE = ("data/bins", "data/joint", "infer/predictors", "infer/effects", "infer/model")


def model(kind: str, design: Design, n: int) -> Model:
    """Put a model together."""
    paired = design is CHANGES
    constants: dict[str, Any] = dict(IDENTITY if kind in ("normal", "student_t") else LOG)
    if kind == "changes":
        constants = {"origin": 0.0, "scale": 10.0, "effects_prior_mean": np.array([0.0, 0.0])}
    if kind == "normal":
        constants["log_sd_prior_mean"] = np.log(4)
    if kind in ("student_t", "changes"):
        constants["log_scale_prior_mean"] = np.log(4)
    if kind.startswith("hurdle"):
        constants["activity_origin"] = 0.8
    return Model(
        family="student_t" if kind == "changes" else kind,
        design=design,
        draw=drawn_of(kind, design),
        rows=(users_of if paired else rows_of)(kind, n),
        constants=constants,
        code=(*SHARED_CODE, *(f"infer/families/{name}" for name in FAMILY_CODE[kind])),
        truth=truth_of(kind),
        log_prior=prior_of(kind),
        free=(*FREE[kind], *(("fisher_z",) if paired and kind != "changes" else ())),
    )


MODELS = {
    f"{kind}, {words}": model(kind, design, n)
    for design, words in ((ROWS, "rows"), (FACTORIAL, "factorial"))
    for kind, n in (
        ("normal", 30),
        ("lognormal", 30),
        ("gamma", 30),
        ("student_t", 40),
        ("hurdle_lognormal", 50),
        ("hurdle_gamma", 50),
    )
} | {
    "normal, pairs": model("normal", CHANGES, 30),
    "lognormal, pairs": model("lognormal", CHANGES, 30),
    "student_t, pairs": model("changes", CHANGES, 60),
}


# --- ranks -----------------------------------------------------------------------------------------------


def one(of: Model, seed: int, asked: Callable[[pd.DataFrame, Design], Any] = compress) -> dict[str, int]:
    """Rank the truth of one simulation among its draws."""
    rng = np.random.default_rng(seed)
    found = of.draw(rng)
    cells = asked(of.rows(found, rng), of.design)
    family = family_of(of.family)
    with warnings.catch_warnings(action="ignore"):
        made = build_model(cells, family, WIDTHS)
        pm.set_data(dict(of.constants), model=made)
        tree = sample(made, replace(SAMPLER, random_seed=seed), target_accept=0.8)
    posterior = tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    kept = slice(THIN - 1, None, THIN)
    values = family.values(tree["posterior"].to_dataset())
    drawn = contrasts(values, cells.design)
    ranks = {}
    for name, true in corners(of.truth(found), factorial=of.design is FACTORIAL).items():
        draws = drawn[name].stack(sample=("chain", "draw")).to_numpy()[kept]
        ranks[name] = rank(draws, true, rng)
    if asked is compress:
        density, parameters = compiled(made), [v.name for v in made.free_RVs]
        _, data = density.start_and_data(made)

        def log_likelihood(at: Drawn) -> float:
            sampled = [np.log(at[name]) if name == "nu" else at[name] for name in parameters]
            x = np.concatenate([np.ravel(value) for value in sampled]).astype(float)
            return float(density.density(x, data)[0][-1]) - of.log_prior(at)

        there = posterior.transpose("sample", ...)
        every = {name: there[name].to_numpy()[kept] for name in of.free}
        likelihoods = np.array(
            [log_likelihood({name: value[k] for name, value in every.items()}) for k in range(RANKS)]
        )
        ranks["log-likelihood"] = rank(likelihoods, log_likelihood(found), rng)
    return ranks


def rank(draws: Floats, true: float, rng: np.random.Generator) -> int:
    """Give the number of draws below the truth, ties broken at random."""
    ties = int((draws == true).sum())
    return int((draws < true).sum() + (rng.integers(0, ties + 1) if ties else 0))


@cache
def band(simulations: int, level: float = 0.99, replicates: int = 4_000) -> tuple[Floats, Floats, Floats]:
    """Simultaneous bounds of the ECDF of uniform ranks (Säilynoja, Bürkner & Vehtari 2022), by simulation."""
    rng = np.random.default_rng(1)
    grid = np.arange(1, RANKS + 1) / (RANKS + 1)
    counts = rng.multinomial(simulations, np.full(RANKS + 1, 1 / (RANKS + 1)), size=replicates)
    ecdf = counts.cumsum(axis=1)[:, :-1]
    lower_tail = stats.binom.cdf(ecdf, simulations, grid)
    upper_tail = stats.binom.sf(ecdf - 1, simulations, grid)
    extreme = np.minimum(lower_tail, upper_tail).min(axis=1) * 2
    gamma = float(np.quantile(extreme, 1 - level))
    low = stats.binom.ppf(gamma / 2, simulations, grid) / simulations
    high = stats.binom.ppf(1 - gamma / 2, simulations, grid) / simulations
    return grid, low, high


def inside(counts: list[int]) -> bool:
    """Whether the ranks are inside the simultaneous 99 % band."""
    _, low, high = band(sum(counts))
    ecdf = np.cumsum(counts)[:-1] / sum(counts)
    return bool(((ecdf >= low) & (ecdf <= high)).all())


def code_hash(of: Model) -> str:
    """Hash the code behind a model, without comments and docstrings."""
    digest = sha256()
    for name in of.code:
        tree = ast.parse((Path(twobytwo.__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body = node.body[1:]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


def read() -> dict[str, Any]:
    """Read the record, or begin one."""
    if RECORD.exists():
        return json.loads(RECORD.read_text(encoding="utf-8"))
    return {"recipe": "benchmarks/sbc.py", "models": {}, "faults": {}}


def write(record: dict[str, Any]) -> None:
    """Write the record, one line for each quantity."""
    lines = json.dumps(record, indent=1)
    # Counts of ranks on one line.
    lines = re.sub(r"\[\s+([\d,\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", lines)
    RECORD.write_text(lines + "\n", encoding="utf-8")


def add(entry: dict[str, Any], ranks: Mapping[str, int]) -> None:
    for name, value in ranks.items():
        entry["ranks"].setdefault(name, [0] * (RANKS + 1))[value] += 1


def simulate(wanted: int, begins: str, most_seconds: float) -> None:
    """Add simulations until every model has as many as wanted, in turns, so that all have some."""
    record, began = read(), time.perf_counter()
    names = [name for name in MODELS if name.startswith(begins)]
    entries = record["models"]
    for name in names:
        if entries.get(name, {}).get("code") != code_hash(MODELS[name]):
            entries[name] = {"code": code_hash(MODELS[name]), "simulations": 0, "ranks": {}}
    while any(entries[name]["simulations"] < wanted for name in names):
        for name in names:
            entry = entries[name]
            for seed in range(entry["simulations"], min(entry["simulations"] + 10, wanted)):
                add(entry, one(MODELS[name], seed))
                entry["simulations"] = seed + 1
            entry["date"] = datetime.now(tz=UTC).date().isoformat()
            record["versions"] = {n: version(n) for n in ("twobytwo", "pymc", "pytensor", "nutpie", "numpy")}
            write(record)
            if time.perf_counter() - began > most_seconds:
                return
        print({name: entries[name]["simulations"] for name in names}, flush=True)


# --- planted faults --------------------------------------------------------------------------------------


@contextmanager
def patched(where: Any, name: str, by: Any) -> Iterator[None]:
    """Put something else in place of a function for a while."""
    kept = getattr(where, name)
    setattr(where, name, by)
    try:
        yield
    finally:
        setattr(where, name, kept)


def _dropped(_: Any, posterior: Any) -> Any:
    return {"mean": np.exp(posterior["location"])}


_observe, _array, _prior_sd = normal_module.observe_gaussian, Contrast.array, predictors.prior_sd
# Model, what is put in place of what.
FAULTS: dict[str, tuple[str, Any, str, Any]] = {
    "σ²/2 dropped from the lognormal mean": ("lognormal, rows", LogNormal, "values", _dropped),
    "variance taken for the standard deviation": (
        "normal, rows",
        normal_module,
        "observe_gaussian",
        lambda cells, kind, location, sd: _observe(cells, kind, location, sd**0.5),
    ),
    "sign of the contrast flipped": (
        "normal, rows",
        Contrast,
        "array",
        lambda self, shape: -_array(self, shape),
    ),
    "prior ten times too wide": (
        "normal, rows",
        predictors,
        "prior_sd",
        lambda *a, **k: [10 * width for width in _prior_sd(*a, **k)],
    ),
    "pairing ignored": ("normal, pairs", None, "", None),
}


def unpaired(frame: pd.DataFrame, _: Design) -> Any:
    """Compress users as if their two values were two users'."""
    long = pd.concat([frame.assign(y=frame[f"y{t}"], t=t)[["y", "g", "t"]] for t in (0, 1)])
    return compress(long, ROWS)


def fault(name: str, simulations: int) -> dict[str, Any]:
    """Rank with one planted fault."""
    which, where, attribute, by = FAULTS[name]
    entry: dict[str, Any] = {"model": which, "simulations": simulations, "ranks": {}}
    for seed in range(simulations):
        if where is None:
            add(entry, one(MODELS[which], seed, unpaired))
        else:
            with patched(where, attribute, by):
                add(entry, one(MODELS[which], seed))
    entry["found"] = not all(inside(counts) for counts in entry["ranks"].values())
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
        lines.append(f"| {name} | {entry['simulations']:,} | {entry['date']} | {judged} |")
    lines += ["", "| planted fault | in | simulations | found |", "|---|---|--:|---|"]
    for name, (which, *_) in FAULTS.items():
        entry = record["faults"].get(name)
        count, found = (
            (0, "not run yet")
            if entry is None
            else (entry["simulations"], "yes" if entry["found"] else "**no**")
        )
        lines.append(f"| {name} | {which} | {count} | {found} |")
    return "\n".join(lines)


def draw(record: Mapping[str, Any], path: Path) -> None:
    """Draw every ECDF less the uniform one, in its band."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = [name for name in MODELS if record["models"].get(name, {}).get("simulations")]
    rows = -(-len(names) // 3)
    figure = Figure(figsize=(9, 2.4 * rows), layout="constrained")
    for name, ax in zip(names, figure.subplots(rows, 3, squeeze=False).flat, strict=False):
        entry = record["models"][name]
        grid, low, high = band(entry["simulations"])
        ax.fill_between(grid, low - grid, high - grid, color="#E8E4D8")
        for quantity, counts in entry["ranks"].items():
            ax.plot(grid, np.cumsum(counts)[:-1] / sum(counts) - grid, label=quantity, linewidth=1)
        ax.set_title(f"{name} ({entry['simulations']:,})", fontsize=9)
        ax.legend(frameon=False, fontsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in figure.axes[len(names) :]:
        ax.set_visible(False)
    with mpl.rc_context({"svg.hashsalt": "twobytwo", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


def page() -> None:
    """Write table and picture anew."""
    record = read()
    said = PAGE.read_text(encoding="utf-8")
    begin, end = said.index("<!-- sbc -->"), said.index("<!-- end sbc -->")
    PAGE.write_text(f"{said[:begin]}<!-- sbc -->\n\n{tables(record)}\n\n{said[end:]}", encoding="utf-8")
    draw(record, PICTURE)


def main() -> None:
    """Run."""
    if "--page" in sys.argv:
        page()
        return
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    wanted = int(words[0]) if words else 1_000
    most = next((float(w.partition("=")[2]) for w in sys.argv if w.startswith("--seconds=")), float("inf"))
    if "--faults" in sys.argv:
        for name in FAULTS:
            made = fault(name, wanted)
            record = read()
            record["faults"][name] = made | {"date": datetime.now(tz=UTC).date().isoformat()}
            write(record)
            print(name, made["found"], flush=True)
        return
    simulate(wanted, words[1] if len(words) > 1 else "", most)


if __name__ == "__main__":
    main()
