"""Inputs of any kind, and what must hold: an answer equal to one by hand, or one error of the package.

What the tests and `benchmarks/fuzz.py` share. Each `try_...` gives "answered" or "refused" and fails on
anything else: another exception, a number beside an error, an answer that differs from pandas'.
"""

from __future__ import annotations

import contextlib
import io
import math
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

from twobytwo import Cells, Design, TwoByTwoError, compress
from twobytwo.answer.plan import read_plan
from twobytwo.cli import main

ANSWERED, REFUSED = "answered", "refused"

# --- tables ----------------------------------------------------------------------------------------------

_floats = st.one_of(
    st.floats(0.5, 100.0),
    st.floats(-1e6, 1e6),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, -0.0, 1e-300, 1e300, 1e80, 5e-324, math.nan, math.inf]),
)
OUTCOMES: Mapping[str, st.SearchStrategy[Any]] = {
    "sizes": st.floats(0.5, 100.0),
    "floats": _floats,
    "whole": st.integers(-50, 50),
    "large": st.integers(-(2**63), 2**63 - 1),
    "decimals": st.decimals(0, 1000, allow_nan=False, places=3),
    "mixed decimals": st.integers(0, 9).flatmap(lambda p: st.decimals(0, 9, allow_nan=False, places=p)),
    "booleans": st.booleans(),
    "texts": st.text(max_size=3),
    "missing": st.one_of(st.none(), st.floats(0.5, 9.0)),
}
_levels = st.sampled_from(
    [
        (0, 1),
        (1, 2),
        (False, True),
        ("control", "treatment"),
        ("pre", "post"),
        ("a", "b"),
        ("a", "A"),
        ("a", "a "),
        ("", "x"),
        ("a", None),
        (0, 1, 2),
        ("2024-01-01", "2024-02-01"),
        (0.0, 1.0),
        (math.nan, 1.0),
        ("x",),
        (2**62, 2**62 + 1),
        ("\x1b[2J", "$x$"),
    ]
)
_names = st.one_of(
    st.sampled_from(
        ["y", "Y", "a b", "", "cell", "n", "select", 'q"uote', "it's", "größe", "{x}", "%s", "ä" * 40]
    ),
    st.text(min_size=1, max_size=6),
)
_containers = st.sampled_from(["pandas", "polars", "lazy", "arrow", "chunked", "csv", "parquet"])


@dataclass(frozen=True)
class Table:
    """A table with its question."""

    frame: pd.DataFrame
    names: tuple[str, str, str, str]
    container: str
    arguments: Mapping[str, Any]
    plain: bool


@st.composite
def tables(draw: Callable[..., Any]) -> Table:
    """Draw a table: half of them of plain sizes that must be answered or be told a true reason."""
    plain = draw(st.booleans())
    names = ("y", "g", "t", "u") if plain or draw(st.booleans()) else tuple(draw(st.tuples(*[_names] * 4)))
    size = draw(st.integers(8, 40)) if plain else draw(st.integers(0, 24))
    kind = "sizes" if plain else draw(st.sampled_from(list(OUTCOMES)))
    outcome = draw(st.lists(OUTCOMES[kind], min_size=size, max_size=size))
    first, second = ((0, 1), ("pre", "post")) if plain else (draw(_levels), draw(_levels))
    if plain:
        group = [first[k % 2] for k in range(size)]
        period = [second[k // 2 % 2] for k in range(size)]
    else:
        group = draw(st.lists(st.sampled_from(first), min_size=size, max_size=size))
        period = draw(st.lists(st.sampled_from(second), min_size=size, max_size=size))
    unit = [k // 4 * 2 + k % 2 for k in range(size)]
    arguments = {} if plain else draw(ARGUMENTS)
    series = [
        pd.Series(values, dtype=object if kind == "texts" else None)
        for values in (outcome, group, period, unit)
    ]
    if kind in ("decimals", "mixed decimals"):
        series[0] = pd.Series(outcome, dtype=object)
    frame = pd.concat(series, axis=1)
    frame.columns = list(names)
    return Table(frame, names, draw(_containers), arguments, plain)


_any_value = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.just(2**70),
    _floats,
    st.text(max_size=4),
    st.sampled_from(
        [(), [], {}, b"x", pd.NA, Decimal("1.5"), object(), ("y",), ["g"], np.array([1, 2]), int]
    ),
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(
        [
            *("control", "treatment", "before", "after", "unit", "missing", "agg", "randomised"),
            *("label", "measure", "harm", "margin", "upper_bound", "cap", "daily_cap", "kind", "launch"),
        ]
    ),
    st.one_of(
        _any_value,
        st.sampled_from(["zero", "drop", "available", "sum", "increase", "u", 0, 1, "pre", "post"]),
    ),
    max_size=3,
)


def _contain(frame: pd.DataFrame, container: str, folder: Path) -> Any:
    if container == "polars":
        return pl.from_pandas(frame)
    if container == "lazy":
        return pl.from_pandas(frame).lazy()
    if container == "arrow":
        return pa.Table.from_pandas(frame)
    if container == "chunked":
        half = len(frame) // 2
        return pa.concat_tables([pa.Table.from_pandas(frame[:half]), pa.Table.from_pandas(frame[half:])])
    if container == "csv":
        frame.to_csv(folder / "rows.csv", index=False)
        return folder / "rows.csv"
    if container == "parquet":
        frame.to_parquet(folder / "rows.parquet")
        return folder / "rows.parquet"
    return frame


def try_table(case: Table) -> str:
    """Compress, or be refused in the package's words; means and counts are those by hand."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        try:
            table = _contain(case.frame, case.container, Path(folder))
        except Exception:  # noqa: BLE001 - a container of its own that does not take such a table
            return REFUSED
        y, g, t, _ = case.names
        before = case.frame.copy()
        try:
            cells = compress(table, Design.did(outcome=y, group=g, period=t, **case.arguments))
        except TwoByTwoError as error:
            return refused(error)
        if case.container == "pandas":
            pd.testing.assert_frame_equal(case.frame, before)
        _agree(cells, case)
    return ANSWERED


def refused(error: TwoByTwoError) -> str:
    said = str(error)
    if not said.strip() or "Traceback" in said or len(said) > 2_000:
        msg = f"an error in odd words: {said[:200]!r}"
        raise AssertionError(msg) from error
    return REFUSED


def _agree(cells: Cells, case: Table) -> None:
    """Hold the contrast against one by hand; users and caps change what the rows are."""
    moments = cells.moments()
    assert np.isfinite(moments["mean"].to_numpy()).all()
    assert (moments["ss"].to_numpy() > 0).all()
    if {"unit", "cap", "agg"} & set(case.arguments):
        return
    y, g, t, _ = case.names
    rows = case.frame.assign(value=case.frame[y].astype(float))
    by_hand = rows.groupby([rows[g].astype(str), rows[t].astype(str)])["value"].agg(["mean", "size"])
    found = moments["mean"].to_numpy()
    expected = np.sort(by_hand["mean"].to_numpy())
    scale = np.abs(rows["value"]).max()
    np.testing.assert_allclose(np.sort(found.ravel()), expected, rtol=1e-9, atol=1e-12 * scale)
    assert int(moments["n"].sum()) == len(rows)
    if case.plain:
        did = float(found[1, 1] - found[1, 0] - found[0, 1] + found[0, 0])
        mean = rows.groupby([g, t])["value"].mean()
        hand = mean[1, "post"] - mean[1, "pre"] - mean[0, "post"] + mean[0, "pre"]
        assert math.isclose(did, hand, rel_tol=1e-9, abs_tol=1e-9 * scale)


# --- plans -----------------------------------------------------------------------------------------------

PLAN = """title = "t"
question = "did"
[data]
source = "rows.csv"
[design]
outcome = "y"
group = "g"
period = "t"
control = 0
before = "pre"
[decision]
estimand = "mean"
harm = "decrease"
margin = 5
[model]
family = "normal"
priors = "default"
[sampler]
draws = 200
random_seed = 1
"""
CARD = """title = "t"
question = "comparison"
[data]
source = "rows.parquet"
[design]
group = "g"
unit = "u"
expected_share = 0.5
[[metric]]
column = "y"
role = "primary"
harm = "decrease"
margin = 5
before_column = "x"
[[metric]]
column = "z"
kind = "ratio"
denominator = "n"
role = "guardrail"
harm = "increase"
margin = 1
[decision.launch_if]
"primary improves" = 0.95
"no guardrail is harmed" = 0.8
[decision]
shrink = "fat"
[sampler]
draws = 200
"""
_toml_values = st.sampled_from(
    [
        *("0", "-1", "1.5", "true", '""', '"x"', "[]", '["a"]', "{}", "{a=1}", "nan", "inf", "1e400"),
        *("2024-01-01", '"did"', '"zero"', "99999999999999999999", "[[1]]", '"\\u001b"', "''"),
    ]
)


@st.composite
def plans(draw: Callable[..., Any]) -> bytes:
    """Draw a plan: lines left out, doubled, exchanged, with other values, or with bytes of any kind."""
    lines = draw(st.sampled_from([PLAN, CARD])).splitlines()
    for _ in range(draw(st.integers(0, 4))):
        if not lines:
            break
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["leave out", "double", "value", "key", "text"]))
        if how == "leave out":
            del lines[at]
        elif how == "double":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif how == "value" and "=" in lines[at]:
            lines[at] = f"{lines[at].partition('=')[0]}= {draw(_toml_values)}"
        elif how == "key":
            key = draw(
                st.sampled_from(["margni", "unit", "agg", "cap", "kind", "x", "role", "metric", "launch_if"])
            )
            lines.insert(at, f"{key} = {draw(_toml_values)}")
        else:
            lines[at] = draw(st.text(max_size=12))
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return text + draw(st.binary(max_size=4)) if draw(st.integers(0, 9)) == 0 else text


def try_plan(text: bytes) -> str:
    """Read a plan, or be refused in the package's words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "plan.toml")
        path.write_bytes(text)
        try:
            read_plan(path)
        except TwoByTwoError as error:
            return refused(error)
    return ANSWERED


# --- stores ----------------------------------------------------------------------------------------------


@st.composite
def damages(draw: Callable[..., Any]) -> tuple[int, str, int, bytes]:
    """Draw what happens to a saved folder: which file, what, where, with which bytes."""
    how = draw(st.sampled_from(["flip", "cut", "remove", "replace", "add", "swap"]))
    return (
        draw(st.integers(0, 50)),
        how,
        draw(st.integers(0, 100_000)),
        draw(st.binary(min_size=1, max_size=8)),
    )


def try_store(saved: Path, damage: tuple[int, str, int, bytes]) -> str:
    """Load a damaged folder: one error, never other numbers."""
    which, how, where, content = damage
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder, "store")
        shutil.copytree(saved, copied)
        files = sorted(path for path in copied.rglob("*") if path.is_file())
        path = files[which % len(files)]
        kept = path.read_bytes()
        if how == "remove":
            path.unlink()
        elif how == "add":
            (copied / f"more{which}.bin").write_bytes(content)
        elif how == "cut":
            path.write_bytes(kept[: where % len(kept)])
        elif how == "swap":
            path.write_bytes(files[(which + 1) % len(files)].read_bytes())
        else:
            at = where % len(kept)
            new = bytes([kept[at] ^ (content[0] or 1)]) if how == "flip" else content
            path.write_bytes(kept[:at] + new + kept[at + len(new) :])
            if path.read_bytes() == kept:
                return ANSWERED
        try:
            Cells.load(copied)
        except TwoByTwoError as error:
            return refused(error)
    msg = f"a store that was damaged by {damage} was loaded"
    raise AssertionError(msg)


# --- the shell -------------------------------------------------------------------------------------------

_words = st.one_of(
    st.sampled_from(
        [
            *("check", "run", "did", "compare", "interaction", "report", "validate", "init", "--json"),
            *(
                "--outcome",
                "y",
                "--group",
                "g",
                "--period",
                "t",
                "--unit",
                "u",
                "--help",
                "x",
                "--control",
                "0",
            ),
            *("--margin", "-1", "nan", "-o", "/dev/full", "out.html", "--family", "nope", "--version"),
            *("rows.csv", ".", "/", "--levels", "a=0,1"),
        ]
    ),
    st.text(max_size=5).filter(lambda word: "\0" not in word),
)


def shells() -> st.SearchStrategy[list[str]]:
    """Draw words after ``twobytwo``."""
    return st.lists(_words, max_size=7)


def try_shell(words: list[str], folder: Path) -> str:
    """Run the shell's function: an exit code of its own and no traceback."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as stop:
            code = int(stop.code or 0)
    said = out.getvalue() + err.getvalue()
    assert code in (0, 1, 2, 3), code
    assert "Traceback" not in said, said
    assert "a fault of twobytwo" not in said, said
    if code:
        # Without a word there is nothing wrong to name: the shell prints its help.
        assert "error" in err.getvalue() or not words, (words, said)
    return ANSWERED if code == 0 else REFUSED
