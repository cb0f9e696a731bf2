"""Anywhere a process may run: no place to write to, damaged files, threads, forks, Ctrl-C.

Each in a process of its own, because a process has one cache and one state of its libraries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import twobytwo

pytestmark = pytest.mark.slow

SOURCE = Path(twobytwo.__file__).parent
FIT = """
import twobytwo as tbt
data = tbt.simulate.cannibalisation()
def answer(seed=1):
    result = tbt.interaction(
        data, outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment"), draws=200, chains=2,
        random_seed=seed,
    )
    return float(result.effects["interaction"].mean())
"""
ANSWER = f"{FIT}\nif __name__ == '__main__':\n    print(repr(answer()))\n"


def run(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(code)
    return subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCE.parent), **environment},
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> float:
    done = run(ANSWER, tmp_path_factory.mktemp("plain"))
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_no_home_and_no_place_beside_the_package(tmp_path: Path, expected: float) -> None:
    """Root may write anywhere, so folders that cannot be made stand for those that cannot be written to."""
    package = tmp_path / "src" / "twobytwo"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (folder / "__pycache__").write_text("no folder")
    done = run(
        ANSWER,
        tmp_path,
        HOME="/proc/none",
        XDG_CACHE_HOME="/proc/none",
        PYTHONPATH=str(package.parent),
        PYTHONDONTWRITEBYTECODE="1",
        TMPDIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == expected
    assert done.stderr.count("cannot be written to") == 1
    assert not list(tmp_path.glob("twobytwo-*")), "the temporary folder is left"


@pytest.mark.parametrize("harm", ["bytes flipped", "cut", "emptied"])
def test_damaged_files_are_set_aside_and_made_again(tmp_path: Path, harm: str, expected: float) -> None:
    flags = {
        "PYTENSOR_FLAGS": f"base_compiledir={tmp_path / 'cache'}",
        "NUMBA_CACHE_DIR": str(tmp_path / "n"),
    }
    assert run(ANSWER, tmp_path, **flags).returncode == 0
    files = [path for path in tmp_path.rglob("*.nb[ci]") if path.is_file()]
    assert len(files) > 10
    for path in files:
        content = bytearray(path.read_bytes())
        if harm == "bytes flipped" and path.suffix == ".nbc":
            for place in range(len(content) // 5, len(content) - 100, len(content) // 5):
                content[place] ^= 0xFF
        elif harm == "cut":
            content = content[: len(content) // 2]
        elif harm == "emptied":
            content = bytearray()
        path.write_bytes(content)
    done = run(ANSWER, tmp_path, **flags)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == expected
    assert "set aside" in done.stderr
    again = run(ANSWER, tmp_path, **flags)
    assert float(again.stdout) == expected
    assert "set aside" not in again.stderr


SIX_THREADS = f"""{FIT}
import threading
found = []
threads = [threading.Thread(target=lambda: found.append(answer())) for _ in range(6)]
[t.start() for t in threads]; [t.join() for t in threads]
assert len(found) == 6 and len(set(found)) == 1, found
print(repr(found[0]))
"""
ASYNCIO = f"""{FIT}
import asyncio
async def main():
    return await asyncio.gather(*(asyncio.to_thread(answer) for _ in range(3)))
found = asyncio.run(main())
assert len(set(found)) == 1, found
print(repr(found[0]))
"""
PROCESSES = f"""{FIT}
import multiprocessing
if __name__ == "__main__":
    if METHOD == "fork":
        answer()
    with multiprocessing.get_context(METHOD).Pool(2) as pool:
        found = pool.map(answer, [1, 1])
    assert len(set(found)) == 1, found
    print(repr(found[0]))
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(SIX_THREADS, id="six threads"),
        pytest.param(ASYNCIO, id="asyncio"),
        *(pytest.param(f"METHOD = {m!r}\n{PROCESSES}", id=m) for m in ("fork", "spawn")),
    ],
)
def test_first_fits_at_once_give_the_answer_of_one(tmp_path: Path, code: str, expected: float) -> None:
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == expected


INTERRUPTED = f"""{FIT}
import os, signal, threading
from twobytwo.infer.engine import compiled
# With all libraries there: Python leaves one whose import is interrupted without some of its modules.
answer()
interrupted = 0
for delay in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7):
    compiled._COMPILED.clear()
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        answer()
        timer.join()
    except KeyboardInterrupt:
        interrupted += 1
    timer.join()
    assert all(callable(made.density) for made in compiled._COMPILED)
assert interrupted >= 2, interrupted
print(repr(answer()))
"""


def test_ctrl_c_at_any_moment_of_an_answer_leaves_nothing_half_done(tmp_path: Path, expected: float) -> None:
    done = run(INTERRUPTED, tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == expected


def test_a_run_imports_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    code = f"""{ANSWER}
import sys
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(sorted(loaded & {{"matplotlib", "arviz_plots", "IPython", "PIL"}}), file=sys.stderr)
import arviz
assert arviz.summary and arviz.plot_dist and arviz.__version__
"""
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"
