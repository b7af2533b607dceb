"""How a project is used, as its owner sees it in a browser: from the empty page to numbers, also by keyboard."""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from harness.artifacts import make_wheel, upload_form
from harness.chromium import chromium, looked_at, sign_in, still_me
from harness.server import Index, basic

pytestmark = pytest.mark.browser
KIND = {"Content-Type": "application/vnd.otumat.usage.v1+json", "Content-Encoding": "gzip"}
RELEASES = ("1.0", "1.1")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def context(browser: Browser, index: Index) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=index.public_url)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that may not complain."""
    page, said = context.new_page(), list[str]()
    ours = "Failed to load resource"  # what a page of 400 says of itself
    page.on("console", lambda told: said.append(told.text) if told.type == "error" and ours not in told.text else None)
    yield page
    assert said == []


@pytest.fixture
def name(index: Index, new_name: Callable[[str], str]) -> str:
    """A project of Alice's with two releases and no uses."""
    name, token = new_name("seaweed"), basic("__token__", index.token("alice"))
    for version in RELEASES:
        body, headers = upload_form(make_wheel(name, version))
        assert index.request("POST", "/legacy/", body, headers | token).status == 200
    return name


def tell(index: Index, name: str) -> None:
    """Copies that tell of forty days: some go, some come, one is in CI; one batch gets lost."""
    today = datetime.now(UTC).date()
    for number in range(12):
        since = (today - timedelta(60)).isoformat()
        asked = json.dumps({"project": name, "release": "", "manifest": "", "wording": 1, "since": since}).encode()
        head = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
        made = index.request("POST", "/api/usage-install", asked, head)
        assert made.status == 201, made
        told = made.json()
        days = [today - timedelta(day) for day in range(number * 3 % 20, 40 - number, 1 + number % 3)]
        where = {
            "release": RELEASES[number % 2],
            "python": f"3.1{number % 3 + 1}",
            "system": "linux",
            "machine": "x86_64",
        }
        rows = [
            [day.isoformat(), event, {}, 10 + number] for day in days for event in ("import", "fetch")[: 1 + number % 2]
        ]
        batch = {
            "batch": secrets.token_hex(16),
            "sequence": 1 + (number == 5),
            "install": told["install"],
            "project": name,
            "uses": [{**where, "ci": number == 7, "rows": rows}],
            "lost": {"room": {"fetch": 3}} if number == 3 else {},
        }
        bearer = {"Authorization": f"Bearer {told['access_token']}", "Idempotency-Key": batch["batch"]}
        sent = index.request("POST", "/api/usage-event", gzip.compress(json.dumps(batch).encode()), KIND | bearer)
        assert sent.status == 200, sent
        for _ in range(4 if number == 0 else 0):  # the first one is in an image that is often started
            copys = batch | {"batch": secrets.token_hex(16), "copy": secrets.token_hex(16)}
            proof = {"Authorization": f"Bearer {told['proof']}", "Idempotency-Key": copys["batch"]}
            sent = index.request("POST", "/api/usage-event", gzip.compress(json.dumps(copys).encode()), KIND | proof)
            assert sent.status == 200, sent


def crowded(page: Page, width: int) -> list[str]:
    """Dates below pictures that run into the one before, or out of a screen of this width."""
    page.set_viewport_size({"width": width, "height": 900})
    found = page.evaluate("""() => [...document.querySelectorAll("svg.chart")].flatMap(picture => {
        let before = 0
        return [...picture.querySelectorAll(".date")].filter(date => {
            const place = date.getBoundingClientRect()
            const stands = !place.width || (place.left >= before && place.right <= innerWidth)
            before = place.right || before
            return !stands
        }).map(date => date.textContent)
    })""")
    page.set_viewport_size({"width": 1280, "height": 900})
    return list(found)


def test_an_owner_learns_begins_and_sees(page: Page, index: Index, name: str, tmp_path: Path) -> None:
    password = index.create_user("alice")
    sign_in(page, "alice", password)
    page.goto(f"/project/{name}/")
    page.get_by_role("main").get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", name=f"How {name} is used")).to_be_visible()
    expect(page.get_by_role("heading", name="How it begins")).to_be_visible()
    expect(page.get_by_role("region", name="An example of otumat-usage.toml")).to_contain_text(f'project = "{name}"')
    looked_at(page, "usage-empty")
    page.get_by_role("button", name="Begin to collect").click()
    still_me(page, password)
    expect(page.get_by_role("button", name="Stop the collection")).to_be_visible()

    tell(index, name)
    page.goto(f"/manage/project/{name}/usage/?days=28&compare=yes")
    expect(page.get_by_role("img", name="Active installs")).to_be_visible()
    expect(page.get_by_role("img", name="Copies of images")).to_be_visible()
    expect(page.get_by_role("table", name="What was not counted")).to_contain_text("gap")
    looked_at(page, "usage")
    for closed in page.locator("summary").all():
        closed.click()
    looked_at(page, "usage-open")

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV of Features by installs").click()
    head, first = Path(download.value.path()).read_text("utf-8").splitlines()[:2]
    assert (head.split(",")[:2], first.split(",")[:2]) == (["event", "installs"], ["import", "12"])

    page.get_by_role("link", name="fetch", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="fetch")).to_be_visible()
    looked_at(page, "usage-event")
    page.get_by_role("link", name=f"How {name} is used").click()
    assert "days=28" in page.url
    page.goto(f"/manage/project/{name}/usage/?days=365")
    for width in (320, 390, 767):
        assert crowded(page, width) == []


def test_the_days_are_chosen_by_keyboard(page: Page, index: Index, name: str) -> None:
    password = index.create_user("alice")
    sign_in(page, "alice", password)
    assert index.api("PUT", f"/project/{name}/usage", "alice", collect=True).status == 200
    tell(index, name)
    page.goto(f"/manage/project/{name}/usage/")
    page.get_by_role("link", name="7 days", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**days=7*")
    expect(page.get_by_role("link", name="7 days", exact=True)).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="A year").focus()
    for _ in range(9):  # past both days, each of three parts and a button, to the box
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "compare":
            break
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**compare=yes*")
    expect(page.get_by_text("before:").first).to_be_visible()
    summary = page.locator("summary", has_text="By week, as a table").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Lapsed")).to_be_visible()
    page.keyboard.press("Tab")  # a table that scrolls can be scrolled without a mouse
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"


def test_without_script_it_is_all_there(browser: Browser, index: Index, name: str) -> None:
    context = browser.new_context(base_url=index.public_url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "alice", index.create_user("alice"))
    assert index.api("PUT", f"/project/{name}/usage", "alice", collect=True).status == 200
    tell(index, name)
    page.goto(f"/manage/project/{name}/usage/?from=2026-02-30&to=tomorrow")
    expect(page.get_by_role("alert")).to_contain_text("'2026-02-30' is no day.")
    expect(page.get_by_role("alert")).to_contain_text("'tomorrow' is no day.")
    page.goto(f"/manage/project/{name}/usage/")
    page.locator("summary", has_text="By day, as a table").first.click()
    expect(page.get_by_role("columnheader", name="In 28 days")).to_be_visible()
    context.close()
