"""The report in a real browser: the margin moves, nothing is asked of any network, nothing complains.

Needs Debian's chromium and chromium-driver and runs where ``-m browser`` asks for it, as CI does.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import twobytwo as tbt

pytestmark = pytest.mark.browser

# As root and without a network; a browser's own calls home are none of the page's.
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(str(shutil.which("chromedriver")))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture
def opened(browser: Any, request: pytest.FixtureRequest, folder: Path) -> tuple[Any, tbt.Analysis]:
    """The report of the analysis that the test asks for, freshly loaded."""
    analysis = request.getfixturevalue(request.param)
    path = folder / f"{request.param}.html"
    if not path.exists():
        analysis.report(path)
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(path.as_uri())
    return browser, analysis


def every(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("opened", names, indirect=True)


def said(browser: Any) -> str:
    return " ".join(browser.find_element(By.TAG_NAME, "output").text.split())


@every("active_minutes_result", "cannibalisation_result", "refused_result")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_asks_no_network_and_raises_no_error(opened: tuple[Any, tbt.Analysis], width: int) -> None:
    browser, _ = opened
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert browser.get_log("browser") == []
    sent = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        event["params"]["request"]["url"] for event in sent if event["method"] == "Network.requestWillBeSent"
    ]
    assert len(asked) >= 1
    assert all(url.startswith(("file://", "data:")) for url in asked)
    assert len([url for url in asked if url.startswith("file://")]) == 1
    # Wide tables and pictures scroll by themselves; the page never does.
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    broken = "return [...document.images].filter(image => !image.naturalWidth).length"
    assert browser.execute_script(broken) == 0


@every("cannibalisation_result")
def test_the_slider_moves_the_margin_and_the_probability(opened: tuple[Any, tbt.Analysis]) -> None:
    browser, analysis = opened
    slider = browser.find_element(By.ID, "margin-slider")
    number = browser.find_element(By.ID, "margin-number")
    assert slider.is_displayed()
    assert "by more than 0 is > 99.9 %" in said(browser)
    seen = set()
    for _ in range(12):
        # Every key of the keyboard that a slider knows: a tenth of the way.
        slider.send_keys(Keys.PAGE_UP)
        margin = float(number.get_attribute("value"))
        expected = str(analysis.harm(margin=margin).p_material_harm)
        assert f"by more than {margin:g} is {expected}." in said(browser)
        assert slider.get_attribute("aria-valuetext") == f"{margin:g}: {expected}"
        seen.add(expected)
    assert {"> 99.9 %", "< 0.1 %"} <= seen
    assert len(seen) > 2
    assert browser.get_log("browser") == []


@every("cannibalisation_result")
def test_a_number_can_be_typed(opened: tuple[Any, tbt.Analysis]) -> None:
    browser, analysis = opened
    number = browser.find_element(By.ID, "margin-number")
    number.clear()
    number.send_keys("2.9", Keys.TAB)
    margin = float(number.get_attribute("value"))
    # The grid's step is far below what the posterior tells apart.
    assert margin == pytest.approx(2.9, abs=0.02)
    assert said(browser).endswith(f"more than {margin:g} is {analysis.harm(margin=margin).p_material_harm}.")
    slider = browser.find_element(By.ID, "margin-slider")
    assert int(slider.get_attribute("value")) > 100


@every("active_minutes_result")
def test_it_starts_at_the_stated_margin(opened: tuple[Any, tbt.Analysis]) -> None:
    browser, _ = opened
    assert said(browser) == (
        "The probability that the treatment lowers mean minutes by more than 5 minutes is < 0.1 %."
    )
    assert browser.find_element(By.ID, "margin-number").get_attribute("value") == "5"


@every("active_minutes_result")
def test_print_hides_the_controls_and_keeps_the_sentence(opened: tuple[Any, tbt.Analysis]) -> None:
    browser, _ = opened
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not browser.find_element(By.ID, "controls").is_displayed()
        assert "5 minutes is < 0.1 %" in said(browser)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("width", [1280, 390])
def test_a_scorecard_fits_a_telephone_and_its_rows_open(
    browser: Any, folder: Path, card: tbt.Scorecard, width: int
) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get_log("browser")
    browser.get(card.report(folder / "card.html").as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    row = browser.find_element(By.TAG_NAME, "details")
    details = row.find_element(By.CSS_SELECTOR, "details > p")
    assert not details.is_displayed()
    row.find_element(By.TAG_NAME, "summary").click()
    assert "Without a prior" in details.text
    assert browser.get_log("browser") == []


# Text whose colour is less than 4.5 times as light or dark as its ground (3 where letters are large).
_FAINT = """
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const light = colour => {
  const [r, g, b] = colour.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = node => {
  for (; node; node = node.parentElement) {
    const [r, g, b, alpha = 1] = numbers(getComputedStyle(node).backgroundColor);
    if (alpha === 1) return [r, g, b];
  }
  return [255, 255, 255];
};
const faint = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let seen = 0;
while (texts.nextNode()) {
  const node = texts.currentNode.parentElement, style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  if (!texts.currentNode.textContent.trim() || node.closest("svg, script, style") || box.width < 2) continue;
  seen += 1;
  const [one, other] = [light(numbers(style.color).slice(0, 3)), light(ground(node))].sort((a, b) => a - b);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
  if ((other + 0.05) / (one + 0.05) < (large ? 3 : 4.5)) faint.push(texts.currentNode.textContent.trim());
}
return [seen, faint];
"""


@every("active_minutes_result", "cannibalisation_result", "refused_result")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(opened: tuple[Any, tbt.Analysis], scheme: str) -> None:
    browser, _ = opened
    wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
    dark = browser.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches")
    assert dark == (scheme == "dark")
    seen, faint = browser.execute_script(_FAINT)
    assert seen > 50
    assert faint == []
    # The measure sees what is faint.
    browser.execute_script(
        "document.querySelector('h1').style.color = getComputedStyle(document.body).backgroundColor"
    )
    assert len(browser.execute_script(_FAINT)[1]) == 1
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
