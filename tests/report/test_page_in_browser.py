"""The page in a real browser: what a reader does with it, and that it stays what it says it is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.browser import Visit, launch, visit
from tests.helpers.reports import EVIL_NAMES, SAMPLES
from tsconv.report.page import write_page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from launch()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, make in SAMPLES.items():
        write_page(make(), folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in SAMPLES}


def tidy(seen: Visit) -> None:
    """No complaint, no request, nothing wider than the window; closes the page."""
    assert seen.complaints == []
    assert seen.requests == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.page.close()


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_drawn_on_a_phone_without_complaint(
    name: str, browser: Any, pages: dict[str, Path]
) -> None:
    seen = visit(browser, pages[name], width=390)
    wide = "[...document.querySelectorAll('main *, footer *')].filter(e => "
    wide += "!e.closest('.scroll, svg') && e.getBoundingClientRect().right > innerWidth + 1).length"
    assert seen.page.evaluate(wide) == 0
    tidy(seen)


@pytest.mark.parametrize("name", SAMPLES)
def test_it_prints_on_two_pages(name: str, browser: Any, pages: dict[str, Path]) -> None:
    seen = visit(browser, pages[name])
    paper = seen.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) <= 2
    tidy(seen)


def test_the_slider_shows_what_was_said_from_each_origin(
    browser: Any, pages: dict[str, Path]
) -> None:
    seen = visit(browser, pages["hourly"])
    drawing = "document.querySelector('#said-chart path.ours').getAttribute('d')"
    last, drawn = seen.text("#said-text"), seen.page.evaluate(drawing)
    seen.page.focus("#said-slider")
    seen.page.keyboard.press("ArrowLeft")
    assert seen.text("#said-text") != last
    assert seen.page.evaluate(drawing) != drawn
    assert "Sat 27 Dec 2025, 11:00" in seen.text("#said-text")  # 12 hours before the last
    seen.page.keyboard.press("Home")
    assert seen.text("#said-text").startswith("Said after Fri 28 Nov 2025, 11:00")
    seen.page.focus("#revision-slider")
    before = seen.text("#revision-text")
    seen.page.keyboard.press("ArrowLeft")
    assert seen.text("#revision-text") != before
    assert "4 forecasts" in seen.text("#revision-text")  # 48 hours ahead, every 12 hours
    tidy(seen)


def test_a_series_is_found_by_typing_and_chosen_with_the_keyboard(
    browser: Any, pages: dict[str, Path]
) -> None:
    seen = visit(browser, pages["wide"])
    seen.page.fill("#series-search", "item 0737")
    assert seen.text("#series-count") == "1 found"
    seen.page.keyboard.press("Enter")
    assert seen.text("#coming-lead").startswith("item 0737: forecast from Thu 5 Feb 2026")
    assert seen.page.input_value("#series-search") == "item 0737"
    seen.page.fill("#series-search", "073")
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("Enter")
    assert seen.text("#coming-lead").startswith("item 0730")  # after item 0073
    tidy(seen)


def test_the_table_is_sorted_by_its_heads_and_chooses_a_series(
    browser: Any, pages: dict[str, Path]
) -> None:
    seen = visit(browser, pages["wide"])
    column = (
        "[...document.querySelectorAll('.sortable tbody tr')].map(r => r.children[%d].innerText)"
    )
    names = seen.page.evaluate(column % 0)
    assert len(names) == 20
    seen.page.focus("th[data-key=mae] button")
    seen.page.keyboard.press("Enter")
    assert seen.page.get_attribute("th[data-key=mae]", "aria-sort") == "ascending"
    errors = [float(text.replace(",", "")) for text in seen.page.evaluate(column % 2)]
    assert errors == sorted(errors)
    seen.page.keyboard.press("Enter")
    assert seen.page.get_attribute("th[data-key=mae]", "aria-sort") == "descending"
    largest = [float(text.replace(",", "")) for text in seen.page.evaluate(column % 2)]
    assert largest == sorted(largest, reverse=True)
    assert min(largest) > max(errors)
    seen.page.click("#page-after")
    assert seen.text("#page-text") == "21 to 40 of 1,000"
    name = seen.page.evaluate(column % 0)[3]
    seen.page.click(".sortable tbody tr:nth-child(4) button")
    assert seen.text("#coming-lead").startswith(name)
    tidy(seen)


def test_the_button_turns_the_page_dark_and_back(browser: Any, pages: dict[str, Path]) -> None:
    seen = visit(browser, pages["hourly"])
    paper = "getComputedStyle(document.body).backgroundColor"
    light = seen.page.evaluate(paper)
    assert seen.text("#theme") == "Dark page"
    seen.page.click("#theme")
    assert seen.page.evaluate(paper) != light
    seen.page.click("#theme")
    assert seen.page.evaluate(paper) == light
    tidy(seen)
    dark = visit(browser, pages["hourly"], scheme="dark")
    assert dark.page.evaluate(paper) != light
    tidy(dark)


def test_names_stay_text(browser: Any, pages: dict[str, Path]) -> None:
    seen = visit(browser, pages["evil"])
    for i, name in enumerate(EVIL_NAMES):
        seen.page.fill("#series-search", name)
        seen.page.keyboard.press("Enter")
        assert seen.text("#coming-lead").startswith(name), i
    assert (
        seen.page.evaluate(
            "document.querySelectorAll('b:not(figcaption b), img, i:not(.bar i)').length"
        )
        == 0
    )
    assert EVIL_NAMES[0] in seen.text("h1")
    assert EVIL_NAMES[0] in seen.text(".card")
    tidy(seen)


def test_sections_without_data_are_left_out(browser: Any, pages: dict[str, Path]) -> None:
    seen = visit(browser, pages["empty"])
    shown = (
        "[...document.querySelectorAll('main > section')].filter(s => s.offsetHeight > 2).length"
    )
    assert seen.page.evaluate(shown) <= 1  # the heading of the cards, for screen readers
    assert seen.text(".verdict") == "No value was scored."
    tidy(seen)


@pytest.mark.parametrize("name", ["hourly", "panel"])
def test_charts_headings_and_fields_speak(name: str, browser: Any, pages: dict[str, Path]) -> None:
    seen = visit(browser, pages[name])
    labels = seen.page.eval_on_selector_all("svg.chart", "s => s.map(e => e.ariaLabel)")
    assert len(labels) > 6
    assert all(label.count(" ") > 3 for label in labels), labels
    levels = seen.page.eval_on_selector_all(
        "h1, h2, h3", "h => h.filter(e => e.offsetHeight).map(e => +e.tagName[1])"
    )
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), levels
    fields = "f => f.filter(e => e.offsetHeight && !e.labels.length).length"
    assert seen.page.eval_on_selector_all("input", fields) == 0
    tidy(seen)


def test_charts_are_read_with_the_arrow_keys_and_as_tables(
    browser: Any, pages: dict[str, Path]
) -> None:
    seen = visit(browser, pages["hourly"])
    seen.page.focus("#horizon-chart svg")
    seen.page.keyboard.press("ArrowRight")
    assert seen.text("#horizon-chart .tip strong") == "1 step ahead"
    seen.page.keyboard.press("ArrowRight")
    tip = seen.text("#horizon-chart .tip")
    assert tip.startswith("2 steps ahead")
    assert "not closer than the rival" in tip  # the sample loses its first two steps
    seen.page.click("#horizon-chart summary")
    rows = seen.page.eval_on_selector_all("#horizon-chart tbody tr", "r => r.map(e => e.innerText)")
    assert len(rows) == 48
    assert [i for i, row in enumerate(rows) if "▽ no" in row] == [0, 1]
    tidy(seen)


def test_an_old_browser_shows_one_sentence(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(pages["hourly"].as_uri())
    assert page.is_visible("#too-old")
    assert page.is_visible(".verdict")
    assert not page.is_visible("#coming")
    page.close()


def test_choosing_in_the_table_with_the_keyboard_leads_to_the_chart(
    browser: Any, pages: dict[str, Path]
) -> None:
    seen = visit(browser, pages["panel"])
    seen.page.focus(".sortable tbody tr:nth-child(2) button")
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.id") == "coming-title"
    tidy(seen)
