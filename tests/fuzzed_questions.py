"""Questions of users with several columns: ratios, values before, counts, scorecards of several treatments.

What the tests and `benchmarks/fuzz.py` share, as in `fuzzing`: an answer equal to one by hand, or one error.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from fuzzing import ANSWERED, ARGUMENTS, OUTCOMES, refused
from hypothesis import strategies as st

import twobytwo as tbt
from twobytwo import Design, Priors, TwoByTwoError, compress
from twobytwo.infer.families import family_of
from twobytwo.infer.model import build_model
from twobytwo.show.scorecard import text

_FORMS = ("ratio", "covariate", "before", "periods", "card", "cards", "model")
# What each way of asking does not know, as Python says itself.
_OF_PERIODS = {"before", "after", "launch", "randomised"}
_OF_METRICS = {"label", "measure", "harm", "margin", "upper_bound", "cap", "daily_cap", "kind"}
_UNKNOWN = dict.fromkeys(("ratio", "covariate", "before", "model"), _OF_PERIODS) | dict.fromkeys(
    ("card", "cards"), _OF_METRICS
)
_FAMILIES = ("negative_binomial", "hurdle_negative_binomial", "hurdle_lognormal", "hurdle_gamma", "binomial")


@dataclass(frozen=True)
class Question:
    """Users with one row each (or one a period) and what is asked of them."""

    frame: pd.DataFrame
    form: str
    arguments: Mapping[str, Any]
    plain: bool
    family: str


@st.composite
def questions(draw: Callable[..., Any]) -> Question:
    """Draw a question: half of them of plain sizes."""
    plain = draw(st.booleans())
    form = draw(st.sampled_from(_FORMS))
    size = draw(st.integers(24, 60) if plain else st.integers(0, 40))
    columns = {}
    for name, usual in (("y", "whole"), ("d", "sizes"), ("x", "floats")):
        kind = usual if plain else draw(st.sampled_from(list(OUTCOMES)))
        values = {
            "y": st.integers(0, 9),
            "d": st.integers(4, 6),
            "x": st.floats(0.5, 100.0),
        }[name]
        columns[name] = pd.Series(
            draw(st.lists(values if plain else OUTCOMES[kind], min_size=size, max_size=size)),
            dtype=object if kind in ("texts", "decimals", "mixed decimals") else None,
        )
    arms = draw(st.integers(2, 4)) if form in ("card", "cards", "covariate") else 2
    place = np.arange(size)
    group = place % arms if plain else draw(st.lists(st.integers(0, arms - 1), min_size=size, max_size=size))
    frame = pd.DataFrame(columns).assign(g=group, u=place, t=0)
    if form == "periods":
        frame = frame.assign(u=place // 2, t=place % 2, g=place // 2 % 2 if plain else group)
    given = {} if plain else draw(ARGUMENTS)
    arguments = {name: value for name, value in given.items() if name not in _UNKNOWN.get(form, ())}
    family = draw(st.sampled_from(_FAMILIES))
    return Question(frame, form, arguments, plain, family)


def try_question(case: Question) -> str:
    """Ask, or be refused in the package's words; means and contrasts are those by hand."""
    with warnings.catch_warnings(action="ignore"):
        try:
            _ASKED[case.form](case)
        except TwoByTwoError as error:
            return refused(error)
    return ANSWERED


def _compared(case: Question, **more: Any) -> None:
    stated = {"outcome": "y", "group": "g", "control": 0, "unit": "u"} | more | dict(case.arguments)
    cells = compress(case.frame, Design.compare(**stated))
    mean = cells.moments()["mean"].to_numpy()
    assert np.isfinite(mean).all()
    if case.arguments:
        return
    rows = case.frame
    if "denominator" in more:
        sums = rows.groupby("g")[["y", "d"]].agg(lambda values: math.fsum(map(float, values)))
        _close(mean, (sums["y"] / sums["d"]).to_numpy())
    else:
        # Users whose value before is absent are left out; the table has two values of every user.
        there = rows[rows["x"].notna()]
        _close(mean[:, 1], _means(there, "y"))


def _periods(case: Question) -> None:
    stated = {"outcome": "y", "denominator": "d", "kind": "ratio", "group": "g", "control": 0}
    stated |= {"period": "t", "unit": "u", "missing": "drop"} | dict(case.arguments)
    cells = compress(case.frame, Design.did(**stated))
    mean = cells.moments()["mean"].to_numpy()
    assert np.isfinite(mean).all()
    if case.plain:
        seen = case.frame.groupby("u")["t"].transform("nunique") == 2
        sums = case.frame[seen].groupby(["g", "t"])[["y", "d"]].sum()
        _close(mean.ravel(), (sums["y"] / sums["d"]).to_numpy())


def _card(case: Question, *, several: bool) -> None:
    metrics: list[Any] = ["y", {"column": "x", "role": "primary"}]
    if several:
        metrics += [
            {"column": "y", "kind": "ratio", "denominator": "d", "label": "rate"},
            {"column": "d", "role": "guardrail", "harm": "increase", "margin": 0.5, "before_column": "x"},
        ]
    stated = {"group": "g", "control": 0, "unit": "u", "draws": 200} | dict(case.arguments)
    card = tbt.scorecard(case.frame, metrics=metrics, **stated)
    assert np.isfinite(card.draws).all()
    assert text(card).strip()
    for entry in card.entries:
        assert math.isfinite(entry.estimate)
        assert 0 <= entry.p_material_harm <= 1
        assert math.isclose(entry.p_harm + entry.p_improved, 1, abs_tol=1e-9)
    if case.arguments:
        return
    for k, entry in enumerate(card.entries):
        if entry.line.before_column is not None:
            continue
        arm = 1 + k // len(metrics)
        divisor = entry.metric.denominator
        means = []
        for group in (arm, 0):
            rows = case.frame[case.frame["g"] == group]
            # Another column may hold anything.
            size = len(rows) if divisor is None else rows[divisor].astype(float).sum()
            means.append(rows[entry.metric.column].astype(float).sum() / size)
        scale = float(case.frame[entry.metric.column].astype(float).abs().max())
        assert math.isclose(entry.estimate, means[0] - means[1], rel_tol=1e-9, abs_tol=1e-9 * scale)


def _model(case: Question) -> None:
    """What is refused before sampling; draws would be another hundred times slower."""
    kind = "count" if case.family.endswith("negative_binomial") else "amount"
    stated = {"outcome": "y", "group": "g", "control": 0, "kind": kind} | dict(case.arguments)
    cells = compress(case.frame, Design.compare(**stated))
    model = build_model(cells, family_of(case.family), Priors())
    assert all(np.isfinite(value).all() for value in model.initial_point().values())


def _means(rows: pd.DataFrame, column: str) -> Any:
    return rows.assign(value=rows[column].astype(float)).groupby("g")["value"].mean().to_numpy()


def _close(found: Any, expected: Any) -> None:
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * scale)


_ASKED: Mapping[str, Callable[[Question], None]] = {
    "ratio": lambda case: _compared(case, denominator="d", kind="ratio"),
    "covariate": lambda case: _compared(case, covariate="x", missing="drop"),
    "before": lambda case: _compared(case, before_column="x", missing="drop"),
    "periods": _periods,
    "card": lambda case: _card(case, several=False),
    "cards": lambda case: _card(case, several=True),
    "model": _model,
}
