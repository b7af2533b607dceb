"""What everybody sees of uses, and alerts, in a browser: published, looked at, taken back; also by keyboard."""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.artifacts import make_wheel, upload_form
from harness.chromium import chromium, looked_at, sign_in, still_me
from harness.server import Index, basic

pytestmark = pytest.mark.browser
KIND = {"Content-Type": "application/vnd.otumat.usage.v1+json", "Content-Encoding": "gzip"}
COPIES = 48
"""Enough to be shown whatever the noise."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def page(browser: Browser, index: Index) -> Iterator[Page]:
    """A page that may not complain."""
    context, said = browser.new_context(base_url=index.public_url), list[str]()
    page = context.new_page()
    ours = "Failed to load resource"  # what a page of 400 says of itself
    page.on("console", lambda told: said.append(told.text) if told.type == "error" and ours not in told.text else None)
    yield page
    context.close()
    assert said == []


@pytest.fixture
def name(index: Index, new_name: Callable[[str], str]) -> str:
    """A project of Alice's."""
    name, token = new_name("driftwood"), basic("__token__", index.token("alice"))
    body, headers = upload_form(make_wheel(name, "1.0"))
    assert index.request("POST", "/legacy/", body, headers | token).status == 200
    assert index.api("PUT", f"/project/{name}/usage", "alice", collect=True).status == 200
    return name


def tell(index: Index, name: str) -> None:
    """Copies that were used in the four weeks before last week; a few of them on a rare system."""
    today = datetime.now(UTC).date()
    monday = today - timedelta(today.weekday())
    weeks = [monday - timedelta(7 * number) for number in range(2, 6)]
    for number in range(COPIES):
        since = (today - timedelta(60)).isoformat()
        asked = json.dumps({"project": name, "release": "", "manifest": "", "wording": 1, "since": since}).encode()
        head = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
        made = index.request("POST", "/api/usage-install", asked, head)
        assert made.status == 201, made
        told = made.json()
        where = {"release": "1.0", "python": "3.12", "system": "linux" if number > 3 else "freebsd", "machine": ""}
        rows = [
            [(week + timedelta(number % 7)).isoformat(), "import", {}, 3]
            for week in weeks
            if number % 9 or week > weeks[2]
        ]
        batch = {
            "batch": secrets.token_hex(16),
            "sequence": 1,
            "install": told["install"],
            "project": name,
            "uses": [{**where, "ci": False, "rows": rows}],
        }
        bearer = {"Authorization": f"Bearer {told['access_token']}", "Idempotency-Key": batch["batch"]}
        sent = index.request("POST", "/api/usage-event", gzip.compress(json.dumps(batch).encode()), KIND | bearer)
        assert sent.status == 200, sent


def test_an_owner_publishes_and_takes_it_back_by_keyboard(page: Page, index: Index, name: str) -> None:
    tell(index, name)
    page.goto(f"/project/{name}/usage/")
    expect(page.get_by_text("do not publish how it is used")).to_be_visible()
    looked_at(page, "usage-unpublished")
    password = index.create_user("alice")
    sign_in(page, "alice", password)
    page.goto(f"/manage/project/{name}/usage/")
    page.get_by_role("link", name="What everybody sees").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What it would say today")).to_be_visible()
    looked_at(page, "usage-switch-off")
    page.get_by_role("button", name="Publish").focus()
    page.keyboard.press("Enter")
    still_me(page, password)
    expect(page.get_by_role("heading", name="Published", exact=True)).to_be_visible()
    looked_at(page, "usage-switch-on")
    page.get_by_role("link", name="this page").click()
    expect(page.get_by_role("img", name="Installs by week")).to_be_visible()
    expect(page.get_by_role("table", name="Operating system")).to_contain_text("linux")
    assert "freebsd" not in page.content()
    page.locator("summary", has_text="As a table").click()
    looked_at(page, "usage-public")
    badge = page.get_by_role("img", name="Badge: installs a week")
    assert badge.evaluate("each => each.decode().then(() => each.naturalWidth)") > 100
    page.goto(f"/project/{name}/")
    page.get_by_role("link", name="How it is used").click()
    expect(page.get_by_role("heading", name=f"How {name} is used")).to_be_visible()
    page.goto(f"/manage/project/{name}/usage/public/")
    page.get_by_role("button", name="Stop publishing").click()
    expect(page.get_by_role("heading", name="Not published")).to_be_visible()


def test_alerts_are_added_without_script(browser: Browser, index: Index, name: str) -> None:
    context = browser.new_context(base_url=index.public_url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "alice", index.create_user("alice"))
    page.goto(f"/manage/project/{name}/usage/alerts/")
    page.get_by_label("Which number, or how many percent").fill("many")
    page.get_by_label("Tell us when").select_option("fall")
    page.get_by_label("Which event").fill("fetch")
    page.get_by_role("button", name="Add the alert").click()
    expect(page.get_by_role("alert")).to_contain_text("'many' is no number for this.")
    expect(page.get_by_role("alert")).to_contain_text("'fetch' has nothing to do with it.")
    page.get_by_label("Which number, or how many percent").fill("30")
    page.get_by_label("Which event").fill("")
    page.get_by_role("button", name="Add the alert").click()
    expect(
        page.get_by_text("When active installs fall by 30 % or more from one week to the next.", exact=True)
    ).to_be_visible()
    page.goto("/account/mail/")
    row = page.get_by_role("listitem").filter(has_text=name)
    row.get_by_label("How it is used").select_option("week")
    row.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("listitem").filter(has_text=name).get_by_label("How it is used")).to_have_value("week")
    context.close()


def test_pages_of_alerts_and_mail_look_as_they_should(page: Page, index: Index, name: str) -> None:
    tell(index, name)
    sign_in(page, "alice", index.create_user("alice"))
    for kind, number in (("adopted", 50), ("fall", 30)):
        assert index.api("POST", f"/project/{name}/usage/alerts", "alice", kind=kind, number=number).status == 200
    page.goto(f"/manage/project/{name}/usage/alerts/")
    looked_at(page, "usage-alerts")
    page.get_by_role("button", name="Remove the alert: when active installs fall").click()
    expect(page.get_by_text("The alert is removed.")).to_be_visible()
    page.goto("/account/mail/")
    looked_at(page, "usage-mail-choices")
