"""Searching and browsing in a real browser: while typing, with the keyboard alone, without script, for everybody."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from harness.axe import complaints
from harness.chromium import chromium
from harness.server import Index
from harness.waiting import PATIENCE_S

pytestmark = pytest.mark.browser
SCRIPT_MAX_BYTES = 100_000
ABORTED = ("htmx:afterRequest", "htmx:sendAbort")
"""What htmx notes of a request that a newer one took the place of."""
MIT = "License :: OSI Approved :: MIT License"
ROWS = [
    ("flask-like", "A web framework", ["Framework :: Flask", "Programming Language :: Python :: 3.13", MIT]),
    ("django-tool", "A tool for a web framework", ["Framework :: Django :: 5.0", "Topic :: Internet :: WWW/HTTP"]),
    ("ledger", "Accounts for small shops", ["Topic :: Office/Business", "Operating System :: OS/2"]),
    ("queue-broker", "Queues", ["Topic :: Internet", "Typing :: Typed", MIT]),
]
PAGES = (
    "/search",
    "/search?q=framework",
    "/search?q=framwork:django+topic:gmaes+web",
    "/search?q=nothing+web",
    "/search/help",
    "/browse/",
    "/browse/?c=Topic+::+Internet&q=-typing:typed",
    "/browse/?c=Framework&mode=widen",
    "/classifiers/?format=html",
)


@pytest.fixture(scope="module")
def index(start_index: Callable[..., Index], tmp_path_factory: pytest.TempPathFactory) -> Index:
    index = start_index(workers=1)
    rows = [
        {"metadata_version": "2.4", "name": name, "version": "1.0", "summary": summary, "classifiers": classifiers}
        for name, summary, classifiers in ROWS
    ]
    path: Path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    index.command("import", str(path))
    return index


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=[{"width": 1280, "height": 900}, {"width": 390, "height": 800}], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, index: Index) -> Iterator[Page]:
    """A page that may neither complain nor fetch anything from elsewhere."""
    context = browser.new_context(base_url=index.public_url, viewport=request.param)
    page = context.new_page()
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if not message.text.startswith(ABORTED):
            said.append(message.text)

    page.on("console", listen)
    page.on("request", lambda sent: None if sent.url.startswith(index.public_url) else said.append(sent.url))
    yield page
    context.close()
    assert said == []


@pytest.fixture
def plain(browser: Browser, index: Index) -> Iterator[Page]:
    """A browser without script."""
    context = browser.new_context(base_url=index.public_url, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_results_come_while_typing_and_the_address_follows(page: Page) -> None:
    page.goto("/browse/")
    page.goto("/search")
    page.locator("#q").press_sequentially("djang", delay=20)
    expect(page.locator("#found h3")).to_have_text(re.compile("django-tool"))
    expect(page.locator("#told")).to_contain_text("1 project")
    expect(page).to_have_url(re.compile(r"/search\?q=djang%2A$"))
    expect(page.locator("#q")).to_be_focused()
    page.go_back()
    expect(page).to_have_url(re.compile("/browse/$"))
    page.go_forward()
    expect(page.locator("#q")).to_have_value("djang*")
    expect(page.locator("#found h3")).to_have_text(re.compile("django-tool"))


def test_a_late_answer_never_stands_in_for_a_newer_one(page: Page) -> None:
    page.goto("/search")
    held: list[Route] = []
    page.route("**/search?q=led", lambda route: held.append(route))
    page.locator("#q").fill("led")
    until_held(page, held)
    page.locator("#q").fill("queue")
    expect(page.locator("#found h3")).to_have_text(re.compile("queue-broker"))
    held[0].continue_()
    page.wait_for_timeout(500)
    expect(page.locator("#found h3")).to_have_text(re.compile("queue-broker"))


def until_held(page: Page, held: list[Route]) -> None:
    """Until the page has asked; its browser only speaks to us while we wait for it."""
    for _ in range(PATIENCE_S * 20):
        if held:
            break
        page.wait_for_timeout(50)
    assert len(held) == 1


def test_everything_works_without_script(plain: Page) -> None:
    plain.goto("/search")
    plain.locator("#q").fill("web framework license:MIT")
    plain.get_by_role("main").get_by_role("button", name="Search", exact=True).first.click()
    expect(plain.locator("h3")).to_have_text(re.compile("flask-like"))
    plain.get_by_text("Search in single fields").click()
    plain.locator("#f-summary").fill("tool")
    plain.locator("#f-q").fill("")
    plain.locator("#f-license").fill("")
    plain.locator(".by-field").get_by_role("button", name="Search").click()
    expect(plain).to_have_url(re.compile(r"/search\?q=summary%3Atool$"))
    expect(plain.locator("h3")).to_have_text(re.compile("django-tool"))


def test_business_software_for_os_2_is_found_by_clicks_alone(plain: Page) -> None:
    plain.goto("/browse/")
    plain.locator("#box-topic").get_by_role("link", name="Office/Business").click()
    plain.locator("#box-operating-system").get_by_role("link", name="OS/2", exact=True).click()
    expect(plain.locator("h3")).to_have_text(re.compile("ledger"))
    expect(plain.locator(".told")).to_contain_text("1 project")


def test_a_tree_is_unfolded_and_a_classifier_chosen_with_the_keyboard_alone(page: Page) -> None:
    page.goto("/browse/")
    summary = page.locator("summary", has_text="Below Internet")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#box-topic").get_by_role("link", name="WWW/HTTP")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h3")).to_have_text(re.compile("django-tool"))


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_for_everybody_in_both_themes(page: Page, path: str) -> None:
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.goto(path)
        assert complaints(page) == []
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0


def test_nothing_moves_and_the_script_is_small(page: Page, index: Index) -> None:
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => { for (const each of list.getEntries())"
        " if (!each.hadRecentInput) window.moved += each.value }).observe({type: 'layout-shift', buffered: true})"
    )
    for path in ("/search?q=framework", "/browse/"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.moved") == 0
    page.goto("/search")
    scripts = page.evaluate("[...document.scripts].map(each => new URL(each.src).pathname)")
    assert sum(len(gzip.compress(index.get(path).body)) for path in scripts) < SCRIPT_MAX_BYTES
