"""The figures in the documentation are the figures in the data."""

import importlib
import json
from pathlib import Path

import evidence
import numpy as np
import pages
import pandas as pd
import pytest
from kinds import KINDS
from wrong_models import code_of

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")


def load(path):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


RECIPES = (
    *(
        "coverage_pairs",
        "given_before",
        "joint_decision",
        "kinds_together",
        "latency",
        "many_metrics",
        "mixtures",
    ),
    *("plasmode", "populations", "real_designs", "real_populations", "strata_large", "strata_nuts"),
)


@pytest.mark.parametrize(("name", "text"), pages.validation().items(), ids=pages.validation())
def test_every_table_is_its_records(name, text):
    """If not: `uv run python benchmarks/pages.py`."""
    assert f"<!-- {name} -->\n\n{text}\n\n<!-- end {name} -->" in PAGE


@pytest.mark.parametrize("name", RECIPES)
def test_no_record_is_older_than_its_code(name):
    """If not: run the recipe, then what writes its page, and read the page again."""
    record = load(f"docs/data/{name}.json")
    assert record["recipe"] == f"benchmarks/{name}.py"
    assert record["code"] == evidence.code_hash(*importlib.import_module(name).CODE)


def test_no_part_of_a_record_is_older_than_its_code():
    """If not: run the recipe again, which counts anew what has changed."""
    for name, entry in load("docs/data/kinds.json")["kinds"].items():
        assert entry["code"] == KINDS[name].hashed
    for row in load("docs/data/wrong_models.json")["rows"]:
        assert row["code"] == code_of(row["family"])


def test_every_record_with_a_hash_is_compared():
    hashed = {path.stem for path in evidence.DATA.glob("*.json") if '"code"' in path.read_text("utf-8")}
    # Models of the calibration are compared one by one, in test_sbc.
    assert hashed == {*RECIPES, "kinds", "sbc", "wrong_models"}


def test_a_hash_ignores_words_and_sees_code(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "ROOT", tmp_path)
    (tmp_path / "src" / "twobytwo").mkdir(parents=True)

    def hashed(text, place):
        (tmp_path / "src" / "twobytwo" / "module.py").write_text(text)
        return evidence.code_hash(place)

    one, other = '"""Doc."""\nx = 1\n', '"""Other."""\n# why\nx = 1\n'
    assert hashed(one, "module") == hashed(other, "module") != hashed("x = 2\n", "module")
    used = "def used():\n    return 1\n"
    assert hashed(used + one, "module:used") == hashed(used + "x = 2\n", "module:used")
    assert hashed(used, "module:used") != hashed(used.replace("1", "2"), "module:used")


def test_what_the_value_before_leaves_decides_where_it_was_counted_to():
    rows = pd.DataFrame(load("docs/data/given_before.json")["rows"])
    rows = rows[rows["first_look"] == "changes"].set_index(["passes", "treated_share"])["coverage"]
    first, second = (
        rows[passes].map(lambda share: f"{100 * share:.1f}") for passes in ("first", "second only")
    )
    said = " ".join((ROOT / "docs" / "methods.md").read_text("utf-8").split())
    assert (
        f"{second[0.5]} % covered with half of the users treated and {second[0.3]} % with three tenths"
        in said
    )
    assert f"those whose changes are even {first[0.5]} and {first[0.3]} %" in said
    assert f"With a tenth treated they covered {second[0.1]} % ({first[0.1]} %)" in said


def test_coverage_of_pairs_is_within_its_limits():
    record = load("docs/data/coverage_pairs.json")
    assert record["experiments"] == 1_000
    assert 0.94 <= record["coverage"]["posterior"]["covered"] <= 0.965


def test_a_second_fit_is_the_cheaper_one():
    record = load("docs/data/latency.json")
    normal = record["fits by family"]["normal"]
    assert normal["again"][0] < normal["first of its kind"][0]


@pytest.mark.parametrize("figure", ["seconds_rows", "seconds_compressed", "date"])
def test_reference_run_is_as_recorded(figure):
    record = load("tests/reference/student_t_rows.json")
    assert str(record[figure]) in PAGE
    assert f"{record['seconds_rows'] / record['seconds_compressed']:.0f} times faster" in PAGE


def test_gates_refuse_families_that_are_wrong_about_the_mean():
    record = load("docs/data/wrong_models.json")
    rows = {(row["truth"], row["treated"], row["family"]): row for row in record["rows"]}
    assert len({row["truth"] for row in record["rows"]}) == 5
    # The family that is safe for the mean is near its nominal coverage at 1:1, whatever the truth.
    assert min(row["covered"] for key, row in rows.items() if key[1:] == ("1:1", "normal")) >= 0.85
    # What the gates are for: a family that is wrong about the mean does not state it.
    assert rows["hurdle-gamma", "1:1", "hurdle_lognormal"]["passed"] < 0.1
    assert rows["lognormal", "1:1", "gamma"]["passed"] < 0.1


def test_the_mixture_is_as_near_as_recorded():
    record, page = (
        load("docs/data/mixtures.json"),
        (ROOT / "docs" / "families.md").read_text(encoding="utf-8"),
    )
    assert record["date"] in page
    assert record["code"][:12] in page
    for name, row in record["results"].items():
        means, spreads = (np.ravel(row[f"{what} over raw {what}"]) for what in ("mean", "sd"))
        line = f"| {name} | {row['users']:,} | {row['kinds']} | {means.min():.3f} to {means.max():.3f} | "
        line += f"{spreads.min():.2f} to {spreads.max():.2f} | {row['largest rank R-hat']:.3f} | "
        line += f"{row['divergences']} |"
        assert line in page
        assert np.abs(means - 1).max() < 0.05
        if "sd over true sd" in row:
            true = np.ravel(row["sd over true sd"])
            assert f"{true.min():.2f} to {true.max():.2f} times" in page
            assert np.abs(true - 1).max() < 0.15
        if name in ("CDNOW, two halves", "MEPS, rows"):
            assert np.abs(spreads - 1).max() < 0.15
        # A sample's own standard deviation is noise: it must not be beyond nearly all that samples have.
        assert row["raw sd over a high quantile of samples' from the family"] < 1.15


def test_every_kind_is_covered_by_its_own_family() -> None:
    kinds = load("docs/data/kinds.json")["kinds"]
    assert {entry["family"] for entry in kinds.values()} >= {
        *("binomial", "negative_binomial", "hurdle_negative_binomial", "normal"),
    }
    for name, entry in kinds.items():
        sums, count = entry["sums"], entry["sums"]["experiments"]
        assert count == 1_000
        covered, companion = sums["covered"] / count, entry["covered by the companion"] / count
        assert 0.94 <= covered <= 0.965, name
        # Nothing is covered but for what least squares covers too.
        assert abs(covered - companion) <= 0.01


def test_many_metrics_cost_little_each() -> None:
    record = load("docs/data/many_metrics.json")
    peaks = {row["users"]: row["peak_mb"] for row in record["rows"] if row["metrics"] == 1_000}
    whole = next(row for row in record["rows"] if (row["users"], row["metrics"]) == (100_000, 1_000))
    assert whole["cpu_s"] / 1_000 <= 0.1
    # Memory does not grow with the rows.
    assert peaks[300_000] <= 1.1 * peaks[100_000]
    how_to = (ROOT / "docs" / "howto" / "many_metrics.md").read_text(encoding="utf-8")
    assert f"{whole['cpu_s']:.0f} s of one core" in how_to


def test_the_kinds_of_a_scorecard_are_covered_as_recorded() -> None:
    record = load("docs/data/kinds_together.json")
    for name, row in record["table"].items():
        assert 0.94 <= row["coverage"] <= 0.965, name
    assert f"{record['experiments']:,} experiments" in PAGE
    covered = [100 * row["coverage"] for row in record["table"].values()]
    how_to = (ROOT / "docs" / "howto" / "many_metrics.md").read_text(encoding="utf-8")
    assert f"cover {min(covered):.1f} to {max(covered):.1f} %" in how_to
