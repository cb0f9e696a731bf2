"""Any input gives an answer that is right by hand, or one error of the package; 500 inputs here.

`uv run python benchmarks/fuzz.py 100000` tries as many as wanted and keeps the counts.
"""

from __future__ import annotations

from pathlib import Path

import fuzz
import fuzzed_questions
import fuzzing
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from twobytwo import Design, compress

ROOT = Path(__file__).parents[1]
# Nothing may take longer than this; what is slow for its size would hang for a larger one.
LONGEST = 10_000
QUICK = settings(
    deadline=LONGEST,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"y": rng.lognormal(0, 1, 80), "g": np.arange(80) % 2, "t": np.arange(80) // 40})
    return compress(rows, Design.did(outcome="y", group="g", period="t")).save(
        tmp_path_factory.mktemp("fuzz") / "cells"
    )


@given(fuzzing.tables())
@settings(QUICK, max_examples=110)
def test_any_table_is_answered_as_by_hand_or_refused_in_words(case: fuzzing.Table) -> None:
    fuzzing.try_table(case)


@given(fuzzed_questions.questions())
@settings(QUICK, max_examples=20)
def test_any_question_of_several_columns_is_answered_or_refused_in_words(
    case: fuzzed_questions.Question,
) -> None:
    fuzzed_questions.try_question(case)


@given(fuzzing.plans())
@settings(QUICK, max_examples=200)
def test_any_plan_is_read_or_refused_in_words(text: bytes) -> None:
    fuzzing.try_plan(text)


@given(fuzzing.damages())
@settings(QUICK, max_examples=120)
def test_any_damage_to_a_store_is_noticed(saved: Path, damage: tuple[int, str, int, bytes]) -> None:
    fuzzing.try_store(saved, damage)


@given(fuzzing.shells())
@settings(QUICK, max_examples=50)
def test_any_words_in_the_shell_end_in_a_code_and_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    fuzzing.try_shell(words, tmp_path_factory.mktemp("shell"))


def test_the_long_run_is_on_record_and_on_the_page() -> None:
    """If not: benchmarks/fuzz.py, which goes on where it was stopped."""
    record = fuzz.read()
    assert record["inputs"] == sum(sum(counts.values()) for counts in record["kinds"].values())
    # Kinds that were added since are tried by the next run.
    assert {"tables", "plans", "stores", "shell"} <= set(record["kinds"]) <= set(fuzz.SHARES)
    assert record["inputs"] >= 300
    assert record["failures"] == 0
    assert fuzz.table(record) in (ROOT / "docs" / "validation.md").read_text("utf-8")
