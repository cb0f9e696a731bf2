"""What the first answer of a process costs, and the second: imports, parts of a fit, families, a whole `run`.

Run `uv run python benchmarks/latency.py`; every process is started anew, several times, and every number is a
median. The result goes to docs/data/latency.json with both clocks: CPU time, which other programs on the
machine lengthen little, and time on the wall. Absolute times depend on the machine, ratios hardly.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from evidence import DATA, about, write

ROOT = Path(__file__).parents[1]
# The code that the times are about.
CODE = (
    "benchmarks/latency",
    "infer/__init__",
    "infer/engine/compiled",
    "infer/engine/native",
    "infer/engine/sampling",
    "infer/engine/written",
    "infer/fit",
    "infer/model",
)
LIBRARIES = ("numba", "nutpie", "pymc", "pytensor")
PLAN = "models/active_minutes.toml"
# Processes in turn, parts of a first answer; processes of second fits, and fits in each.
TURNS, REPEATS, FITTING, AGAIN = 9, 3, 5, 9
# Python keeps what it has compiled, as in every installation; otherwise the files of this package, but of no
# library, are compiled in every process.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
IMPORTS = "import pymc, nutpie"
# The sampler as this package imports it, without ArviZ's pictures.
LIGHT = "import pymc; from twobytwo.infer.engine.public import load_nutpie; load_nutpie()"
# A run that says when it is done, and then ends as the shell does.
ENDING = f"""
import sys, time
from twobytwo.cli import main
from twobytwo.cli.collecting import leave
status = main(["run", {PLAN!r}])
print(time.process_time(), time.monotonic())
leave(status)
"""
MODULES = "import twobytwo.answer.analyze, twobytwo.answer.plan, twobytwo.show.text"
RUN, LAST = f"twobytwo run {PLAN}", "of that, the end of the process"
WITHOUT_PICTURES = "the same without ArviZ's pictures"
DID = {"outcome": "minutes", "group": "variant", "period": "period"}


class Clock:
    """CPU and wall seconds of one part after the other."""

    def __init__(self):
        self.parts = {}
        self.start()

    def start(self):
        """Begin a part here."""
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def stop(self, part):
        """End a part, and begin the next one."""
        self.parts[part] = [time.process_time() - self._cpu, time.perf_counter() - self._wall]
        self.start()


def first_fit():
    """Time the parts of one answer in a fresh process, by the functions that `analyze` calls."""
    clock = Clock()
    from twobytwo.answer.analyze import analyze
    from twobytwo.check.crosscheck import robust_check
    from twobytwo.check.gates.data import data_gates
    from twobytwo.check.gates.family import family_gates
    from twobytwo.check.gates.sampler import sampler_gates
    from twobytwo.check.prior_sensitivity import across_priors, power_scaling
    from twobytwo.infer.engine.compiled import compiled

    clock.stop("imports")
    from twobytwo import Design, Priors, compress, simulate
    from twobytwo.infer.families import FAMILIES
    from twobytwo.infer.fit import fit
    from twobytwo.infer.model import build_model

    rows = simulate.active_minutes()
    clock.start()
    cells = compress(rows, Design.did(**DID))
    clock.stop("open DuckDB, read rows")
    model = build_model(cells, FAMILIES["normal"], Priors())
    clock.stop("build the model")
    compiled(model)
    clock.stop("compile, from the machine's cache")
    fitted = fit(cells, FAMILIES["normal"], Priors())
    clock.stop("fit")
    robust = robust_check(cells, 0.95)
    sampler_gates(fitted.tree, fitted.effects)
    clock.stop("checks of the sampler")
    family_gates(fitted, robust)
    data_gates(cells, max_probability=0.05)
    clock.stop("checks of family and data")
    across_priors(fitted)
    clock.stop("other priors")
    power_scaling(fitted)
    clock.stop("power scaling")
    again = analyze(cells, cells.design)
    clock.stop("the same answer again")
    str(again)
    clock.stop("its statement in words")
    again.crosscheck()
    clock.stop("its crosscheck, with statsmodels and the bootstrap")
    return clock.parts


def second_fits():
    """Fit every kind once, then again on other priors."""
    from twobytwo import Design, Priors, compress, simulate
    from twobytwo.infer.families import FAMILIES
    from twobytwo.infer.fit import fit

    users = simulate.UserMinutes(before_only=(0.05, 0.05), after_only=(0.01, 0.01))
    frame = simulate.user_minutes(users)
    one = compress(simulate.active_minutes(), Design.did(**DID))
    positive = compress(frame, Design.did(**DID))
    pairs = compress(frame, Design.did(**DID, unit="user_id", missing="drop"))
    alike = Design.did(**DID, unit="user_id", missing="zero", randomised=True)
    kinds = compress(simulate.kinds_of_users(), alike)
    found = {}
    for name, cells in (
        ("normal", one),
        ("lognormal", positive),
        ("gamma", positive),
        ("student_t", one),
        ("tail", positive),
        ("normal on pairs", pairs),
        ("lognormal on pairs", pairs),
        ("student_t on changes", pairs),
        ("normal on randomised pairs", kinds),
        ("stratified", kinds),
    ):
        family, again = FAMILIES[name.split()[0]], []
        clock = Clock()
        fit(cells, family, Priors.of("default"))
        clock.stop("first of its kind")
        for _ in range(AGAIN):
            fit(cells, family, Priors.of("flat"))
            clock.stop("again")
            again.append(clock.parts["again"])
        found[name] = {
            "first of its kind": _median([clock.parts["first of its kind"]]),
            "again": _median(again),
        }
    return found


def _median(pairs):
    return [round(statistics.median(clock), 3) for clock in zip(*pairs, strict=True)]


def _end():
    """Seconds from the last word of a run to the end of its process: CPU and wall."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", ENDING], check=True, cwd=ROOT, capture_output=True, text=True
    )
    ended, now = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, wall = map(float, done.stdout.split()[-2:])
    return [now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime - cpu, ended - wall]


def _process(*command, **variables):
    """Seconds of a whole process: CPU and wall."""
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | variables
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return [cpu, time.perf_counter() - began]


def processes():
    """Whole processes in turn, so that what else the machine does falls on all alike."""
    python = sys.executable
    commands = {
        IMPORTS: (python, "-c", IMPORTS),
        WITHOUT_PICTURES: (python, "-c", LIGHT),
        "the modules of a run": (python, "-c", MODULES),
        RUN: (python, "-m", "twobytwo", "run", PLAN),
    }
    found = {name: [] for name in (*commands, LAST)}
    # Whatever is kept is there when the clock starts.
    _process(*commands[RUN])
    for _ in range(TURNS):
        for name, command in commands.items():
            found[name].append(_process(*command))
        found[LAST].append(_end())
    with tempfile.TemporaryDirectory() as folder:
        # A machine that has never compiled anything.
        empty = {"PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor", "NUMBA_CACHE_DIR": f"{folder}/numba"}
        cold = _process(python, "-m", "twobytwo", "run", PLAN, **empty)
    times = {name: _median(pairs) for name, pairs in found.items()} | {
        "the same run with empty caches, once for a machine": _median([cold])
    }
    # Pair by pair, so that a machine that is slow for a while is slow for both.
    ratios = {
        name: [run[0] / of[0] for run, of in zip(found[RUN], found[name], strict=True)]
        for name in (IMPORTS, WITHOUT_PICTURES)
    }
    return times, {name: round(statistics.median(each), 2) for name, each in ratios.items()}


def _child(part):
    done = subprocess.run(
        [sys.executable, __file__, part], check=True, cwd=ROOT, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main():
    """Measure, and write docs/data/latency.json."""
    if len(sys.argv) == 2:
        print(json.dumps({"first": first_fit, "second": second_fits}[sys.argv[1]]()))
        return
    load = os.getloadavg()[0]
    whole, ratios = processes()
    parts = [_child("first") for _ in range(REPEATS)]
    # A neighbour may slow the machine for the half a minute that one process takes.
    fits = [_child("second") for _ in range(FITTING)]
    record = {
        **about(__file__, *CODE),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "libraries": {name: version(name) for name in LIBRARIES},
            "load when begun": round(load, 1),
        },
        "seconds": "[CPU, wall], medians",
        "processes": whole,
        "CPU of a run over that of": ratios,
        "first answer in a process": {part: _median([found[part] for found in parts]) for part in parts[0]},
        "fits by family": {
            name: {which: _median([found[name][which] for found in fits]) for which in times}
            for name, times in fits[0].items()
        },
    }
    write(record, DATA / "latency.json")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
