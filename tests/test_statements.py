"""The ten statements of the docs are true to their JSON; two of them again in every run, all when asked."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from twobytwo.show.json import to_dict

PATH = Path(__file__).parents[1] / "docs" / "statements" / "write.py"


def _write() -> Any:
    spec = importlib.util.spec_from_file_location("write", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WRITE = _write()
PAGE = WRITE.PAGE.read_text(encoding="utf-8")
QUICK = ("A gain", "Interaction")


def stated(title: str) -> str:
    (found,) = re.findall(rf"^## {title}\n\n> (.*)$", PAGE, re.MULTILINE)
    return str(found)


def check(title: str) -> None:
    """Hold a statement of the page against the answer that it was made from."""
    answer = WRITE.ANSWERS[title]()
    made = to_dict(answer)["headline"]
    assert stated(title) == answer.statement == made["statement"]
    assert f"`status` {made['status']}, `verdict` {made['verdict'] or 'none'}." in PAGE
    if made["status"] == "refused":
        assert not re.search(r"\d", made["statement"])
        return
    limit, share = made["max_probability"], made["p_material_harm"]
    expected = "harm" if share >= 1 - limit else "no harm" if share <= limit else "open"
    names = {"cannibalise": "harm", "no cannibalisation": "no harm"}
    assert names.get(made["verdict"], made["verdict"]) == expected
    found = answer.harm(effect=made["effect"]).p_material_harm
    assert found.value == share
    assert str(found) in made["statement"]
    if not made["arms"]:
        number = re.search(r"(?:gained|lost|rose by|fell by|by) ([\d.,]+)", made["statement"])
        assert number is not None
        size = float(number[1].rstrip(".,").replace(",", ""))
        assert size == pytest.approx(
            abs(made["median"]), abs=0.051 * made["sd"] + 0.5 * 10 ** -_decimals(number[1])
        )
    gained = (
        "gained" in made["statement"]
        or " rose by" in made["statement"]
        or " more than the" in made["statement"]
    )
    assert gained == (made["median"] > 0)


def _decimals(number: str) -> int:
    return len(number.rstrip(".").partition(".")[2])


@pytest.mark.parametrize("title", WRITE.ANSWERS)
def test_every_statement_is_on_the_page_in_fewer_than_sixty_words(title: str) -> None:
    assert 8 < len(stated(title).split()) < 60


def test_the_page_has_all_ten_and_no_other() -> None:
    assert len(WRITE.ANSWERS) == 10
    assert re.findall(r"^## (.*)$", PAGE, re.MULTILINE) == list(WRITE.ANSWERS)


@pytest.mark.parametrize("title", QUICK)
def test_a_statement_is_true_to_its_json(title: str) -> None:
    check(title)


@pytest.mark.slow
@pytest.mark.parametrize("title", [title for title in WRITE.ANSWERS if title not in QUICK])
def test_every_other_statement_is_too(title: str) -> None:
    check(title)
