"""The pages' pictures are pictures of the models; the rest of the pages is executed by .ci/run."""

from __future__ import annotations

import importlib
import importlib.util
import re
from html import unescape
from pathlib import Path

import pytest

GRAPHS = Path(__file__).parents[1] / "docs" / "graphs"


def _draw():
    spec = importlib.util.spec_from_file_location("draw", GRAPHS / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DRAW = _draw()


@pytest.fixture(scope="module")
def models():
    return DRAW.models()


def test_every_model_has_its_picture_and_the_other_way_round(models):
    assert {path.stem for path in GRAPHS.glob("*.svg")} == set(models)


@pytest.mark.parametrize("name", ["normal", "pairs", "lognormal", "student_t", "hurdle_lognormal", "tail"])
def test_the_committed_graph_is_the_graph_of_the_model(models, name):
    """If it is not, the model has changed: run docs/graphs/draw.py and read the model's page again."""
    svg = (GRAPHS / f"{name}.svg").read_text(encoding="utf-8")
    drawn = {unescape(title) for title in re.findall(r"<title>(.*?)</title>", svg)}
    body = [line.strip() for line in DRAW.graph(models[name]).body]
    nodes = {match[1] for line in body if (match := re.match(r"(\w+) \[label", line))}
    edges = {line.replace(" -> ", "->") for line in body if " -> " in line}
    assert len(nodes) > 3
    assert nodes | edges == {title for title in drawn if not title.startswith(("cluster", "%"))}


def test_what_the_pages_say_a_module_has_it_has() -> None:
    said = re.compile(r"`(\w+)(?:\([^`]*\))?`\s+of\s+`(twobytwo\.[\w.]+)`")
    found = [
        pair for page in sorted(GRAPHS.parent.glob("*.md")) for pair in said.findall(page.read_text("utf-8"))
    ]
    assert found
    for name, module in found:
        assert hasattr(importlib.import_module(module), name), (name, module)
