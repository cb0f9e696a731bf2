"""The calibration harness judges rightly, and its record is of the code that is here."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twobytwo.ask.design import Design
from twobytwo.infer.predictors import coding

ROOT = Path(__file__).parents[1]
RECORD = json.loads((ROOT / "docs" / "data" / "sbc.json").read_text(encoding="utf-8"))
STALE = timedelta(weeks=26)


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("sbc", ROOT / "benchmarks" / "sbc.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["sbc"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sbc = _load()


@pytest.mark.parametrize("name", list(RECORD["models"]))
def test_the_record_is_fresh_and_of_the_code_that_is_here(name: str) -> None:
    """If not: run benchmarks/sbc.py, which starts anew whatever has changed."""
    entry = RECORD["models"][name]
    assert entry["code"] == sbc.code_hash(sbc.MODELS[name])
    assert datetime.now(tz=UTC).date() - date.fromisoformat(entry["date"]) < STALE


@pytest.mark.parametrize("name", list(RECORD["models"]))
def test_ranks_are_inside_the_simultaneous_band(name: str) -> None:
    entry = RECORD["models"][name]
    for counts in entry["ranks"].values():
        assert sum(counts) == entry["simulations"]
        assert sbc.inside(counts)


def test_planted_faults_on_record_were_found() -> None:
    assert all(fault["found"] for fault in RECORD["faults"].values())


def test_the_page_and_the_picture_are_of_the_record(tmp_path: Path) -> None:
    """If not: benchmarks/sbc.py --page."""
    assert sbc.tables(RECORD) in sbc.PAGE.read_text(encoding="utf-8")
    sbc.draw(RECORD, tmp_path / "sbc.svg")
    assert (tmp_path / "sbc.svg").read_text("utf-8") == sbc.PICTURE.read_text("utf-8")


def test_the_band_lets_uniform_ranks_pass_and_stops_others() -> None:
    rng = np.random.default_rng(2)

    def counts(ranks: Any) -> list[int]:
        return np.bincount(np.clip(ranks, 0, sbc.RANKS).astype(int), minlength=sbc.RANKS + 1).tolist()

    uniform = [sbc.inside(counts(rng.integers(0, sbc.RANKS + 1, 400))) for _ in range(100)]
    assert np.mean(uniform) > 0.94
    assert not sbc.inside(counts(rng.beta(1.5, 1, 400) * (sbc.RANKS + 1)))
    assert not sbc.inside(counts(rng.beta(2, 2, 400) * (sbc.RANKS + 1)))
    assert not sbc.inside(counts(rng.beta(0.6, 0.6, 400) * (sbc.RANKS + 1)))


@pytest.mark.parametrize("factorial", [False, True])
def test_cells_are_coded_as_in_the_package(*, factorial: bool) -> None:
    design = sbc.FACTORIAL if factorial else sbc.ROWS
    effects = np.array([1.0, -0.4, 0.3, 0.7])
    resolved: Design = design.resolve({"g": [0, 1], "t": [0, 1]})
    expected = 2 + 3 * (coding(resolved).to_numpy() * effects).sum(axis=-1)
    np.testing.assert_allclose(sbc.location(effects, 2.0, 3.0, factorial=factorial), expected)


def test_a_hash_ignores_words_and_sees_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sbc.twobytwo, "__file__", str(tmp_path / "__init__.py"))

    class Of:
        code = ("module",)

    hashes = []
    for text in ('"""Doc."""\nx = 1\n', '"""Other."""\n# why\nx = 1\n', "x = 2\n"):
        (tmp_path / "module.py").write_text(text)
        hashes.append(sbc.code_hash(Of))
    assert hashes[0] == hashes[1] != hashes[2]


def test_one_simulation_ranks_every_quantity() -> None:
    ranks = sbc.one(sbc.MODELS["normal, rows"], 0)
    assert list(ranks) == ["did", "log-likelihood"]
    assert all(0 <= rank <= sbc.RANKS for rank in ranks.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["normal, rows", "lognormal, rows"])
def test_two_fast_models_are_calibrated(name: str) -> None:
    entry: dict[str, Any] = {"ranks": {}}
    for seed in range(10_000, 10_200):
        sbc.add(entry, sbc.one(sbc.MODELS[name], seed))
    assert all(sbc.inside(counts) for counts in entry["ranks"].values())
