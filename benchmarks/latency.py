"""How long a fit takes once its kind has been fitted in the process; medians of five, side by side.

Run `uv run python benchmarks/latency.py`. Absolute times depend on the machine; the ratios do not.
"""

import json
import statistics
import time
from pathlib import Path

from twobytwo import Design, Priors, compress, simulate
from twobytwo.infer.families import FAMILIES
from twobytwo.infer.fit import fit

REPEATS = 5


def main():
    """Fit every family once, then five times again on other priors."""
    normal = compress(
        simulate.active_minutes(), Design.did(outcome="minutes", group="variant", period="period")
    )
    users = simulate.UserMinutes(before_only=(0.05, 0.05), after_only=(0.01, 0.01))
    frame = simulate.user_minutes(users)
    pairs = compress(
        frame,
        Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing="drop"),
    )
    positive = compress(frame, Design.did(outcome="minutes", group="variant", period="period"))
    medians = {}
    for name, cells in (
        ("normal", normal),
        ("lognormal", positive),
        ("student_t", normal),
        ("normal on pairs", pairs),
        ("lognormal on pairs", pairs),
        ("student_t on changes", pairs),
    ):
        family = FAMILIES[name.split()[0]]
        began = time.perf_counter()
        fit(cells, family, Priors.of("default"))
        first = time.perf_counter() - began
        again = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            fit(cells, family, Priors.of("flat"))
            again.append(time.perf_counter() - began)
        medians[name] = statistics.median(again)
        print(f"{name:22} first {first:6.2f} s   again {medians[name]:5.2f} s (median of {REPEATS})")
    path = Path(__file__).parent.parent / "tests" / "reference" / "student_t_rows.json"
    reference = json.loads(path.read_text())
    ratio = reference["seconds_rows"] / reference["seconds_compressed"]
    print(
        f"Student-t on {reference['rows']:,} rows by pm.sample ({reference['date']}): "
        f"{reference['seconds_rows']} s; compressed, in that run: {reference['seconds_compressed']} s "
        f"({ratio:.0f} times faster)"
    )


if __name__ == "__main__":
    main()
