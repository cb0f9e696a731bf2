"""The page on growth tells what its records say, and the records meet the targets."""

from __future__ import annotations

from pathlib import Path

import draw_growth
import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "growth.md").read_text(encoding="utf-8")


SCALING, PEERS = draw_growth.load()
TABLES = draw_growth.tables(SCALING, PEERS)


@pytest.mark.parametrize("name", list(TABLES))
def test_the_tables_are_as_recorded(name):
    assert f"<!-- {name} -->\n\n{TABLES[name]}\n\n<!-- end {name} -->" in PAGE


def test_the_picture_is_drawn_from_the_record(tmp_path):
    draw_growth.draw(SCALING, tmp_path / "growth.svg")
    drawn = (tmp_path / "growth.svg").read_text(encoding="utf-8")
    assert drawn == draw_growth.PICTURE.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", SCALING["sizes"], ids=lambda size: f"{size['size']:,}")
def test_reading_costs_little_more_than_the_engines_own_queries(size):
    assert size["rows"]["cpu"] <= 2 * size["scan"]["cpu"] + 4
    assert size["rows"]["peak_mb"] < 2 * 1024
    assert size["pairs"]["cpu"] <= 1.5 * size["pivot"]["cpu"] + 4
    assert size["pairs"]["peak_mb"] < 4 * 1024


def test_a_target_that_is_missed_is_called_missed():
    size = SCALING["sizes"][-1]
    slow = size | {"pairs": size["pairs"] | {"cpu": 1.5 * size["pivot"]["cpu"] + 5}}
    rows, pairs = draw_growth.targets({"sizes": [slow]}).splitlines()[2:]
    assert "missed" not in rows
    assert pairs.count("missed") == 1
    assert pairs.count("met") == 1


def test_nothing_after_compress_grows_with_the_rows():
    first, last = SCALING["sizes"][0], SCALING["sizes"][-1]
    assert last["size"] >= 1_000 * first["size"]
    assert last["second_fit"]["cpu"] < 2 * first["second_fit"]["cpu"]
    assert last["pairs"]["bins"] < 10 * first["pairs"]["bins"]


def test_chunks_add_up_to_the_whole():
    found = [size["chunks"] for size in SCALING["sizes"] if "chunks" in size]
    assert found
    for one in found:
        assert one["largest_relative_difference"]["n"] == 0
        assert max(one["largest_relative_difference"].values()) < 1e-12


def test_packages_that_ask_the_same_say_the_same():
    for size in PEERS["sizes"]:
        ours, others = size["peers"]["twobytwo"], size["peers"]
        spread = ours["interval"][1] - ours["interval"][0]
        for name in ("statsmodels", "pyfixest", "bootstrap"):
            if "estimate" in others.get(name, {}):
                # The bootstrap's ends have the error of 200 resamples.
                off = [
                    abs(one - other)
                    for one, other in zip(ours["interval"], others[name]["interval"], strict=True)
                ]
                assert max(off) < 0.15 * spread, (size["size"], name)


def test_what_the_page_says_of_faster_and_slower_is_so():
    by_size = {size["size"]: size["peers"] for size in PEERS["sizes"]}
    least, most = by_size[10**5], by_size[10**7]
    for name in ("statsmodels", "pyfixest", "bootstrap"):
        assert least[name]["cpu"] < least["twobytwo"]["cpu"]
    width = {name: found["interval"][1] - found["interval"][0] for name, found in least.items()}
    for name in ("Bambi", "PyMC, rows"):
        assert least[name]["cpu"] > least["twobytwo"]["cpu"]
        assert width[name] > width["twobytwo"]
    assert most["pyfixest"]["cpu"] > 4 * most["twobytwo"]["cpu"]
    assert most["bootstrap"]["cpu"] > most["twobytwo"]["cpu"]
    for found in by_size.values():
        assert found["tea-tasting"]["cpu"] < found["twobytwo, randomised"]["cpu"]


def test_a_faster_package_is_called_faster():
    one = {
        "cpu": 1.0,
        "whole_cpu": 3.0,
        "peak_mb": 9,
        "estimate": 1.0,
        "interval": [0.0, 2.0],
        "version": "1",
    }
    assert draw_growth.peer("other", one | {"cpu": 0.5}, one)[-1] == "**faster in process**"
    assert draw_growth.peer("other", one | {"cpu": 2.0}, one)[-1] == ""
    assert draw_growth.peer("twobytwo, randomised", one | {"cpu": 0.5}, one)[-1] == ""
    assert draw_growth.peer("other", {"stopped_after_seconds": 600}, one)[-1] == "stopped after 600 s"
