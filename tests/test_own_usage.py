"""What a copy told, as its person sees it in a browser: by account, and by the copy's own link; and a survey."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.axe import complaints
from harness.chromium import chromium, picture, sign_in, still_me
from harness.server import Index, basic

pytestmark = pytest.mark.browser
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BACK = "http://127.0.0.1:49152/usage-consented"
VERIFIER = "v" * 43


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def page(browser: Browser, index: Index) -> Iterator[Page]:
    """A page that may not complain; the copy's listener is a route of it."""
    context = browser.new_context(base_url=index.public_url)
    page = context.new_page()
    page.route(f"{BACK}*", lambda route: route.fulfill(body="Thank you.", content_type="text/plain"))
    said: list[str] = []
    ours = "Failed to load resource"  # what a page of 400 or 404 says of itself
    page.on("console", lambda told: said.append(told.text) if told.type == "error" and ours not in told.text else None)
    yield page
    context.close()
    assert said == []


@pytest.fixture
def name(index: Index, new_name: Callable[[str], str]) -> str:
    """A project of Alice's that collects."""
    name = new_name("sundial")
    token = basic("__token__", index.token("alice"))
    sent = urlencode({"name": name, "version": "1.0"}).encode()
    assert index.request("POST", "/submit", sent, token | FORM).status == 200
    events = [{"name": "fetch", "purpose": "How often data are read.", "properties": {"backend": ["mysql", "other"]}}]
    manifest = {"project": name, "purpose": "To learn which features are used.", "event": events}
    assert index.api("PUT", f"/project/{name}/usage", "alice", collect=True).status == 200
    assert index.api("POST", f"/project/{name}/usage/manifests", "alice", manifest=manifest).status == 200
    return name


class Copy:
    """A copy with its tokens, that tells."""

    def __init__(self, index: Index, name: str, told: dict[str, Any]) -> None:
        self.index, self.name, self.told = index, name, told
        self.sent: dict[str, bytes] = {}

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.told['access_token']}"}

    def tell(self, times: int, backend: str) -> None:
        batch, day = secrets.token_hex(16), datetime.now(UTC).date().isoformat()
        use = {"release": "1.0", "python": "3.12", "system": "linux", "machine": "x86_64", "ci": False}
        told = {"batch": batch, "sequence": len(self.sent) + 1, "install": self.told["install"], "project": self.name}
        told |= {"uses": [{**use, "rows": [[day, "fetch", {"backend": backend}, times]]}]}
        self.sent[batch] = json.dumps(told, ensure_ascii=False).encode()
        kind = {"Content-Type": "application/vnd.otumat.usage.v1+json", "Content-Encoding": "gzip"}
        headers = self.bearer | kind | {"Idempotency-Key": batch}
        assert self.index.request("POST", "/api/usage-event", gzip.compress(self.sent[batch]), headers).status == 200


def link(name: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": "otumat-usage", "scope": "usage", "redirect_uri": BACK}
    asked |= {"state": "s" * 43, "code_challenge": challenge, "code_challenge_method": "S256"}
    return "/user/usage-install?" + urlencode(asked | {"project": name, "release": "1.0", "manifest": "", "wording": 1})


def enrolled(index: Index, page: Page, name: str) -> Copy:
    """The copy whose code the browser was sent back with."""
    page.wait_for_url(f"{BACK}*")
    code = dict(parse_qsl(urlsplit(page.url).query))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    answer = index.request("POST", "/auth/token", urlencode(form | {"client_id": "otumat-usage"}).encode(), FORM)
    assert answer.status == 200, answer
    return Copy(index, name, answer.json())


def anonymous(index: Index, name: str) -> Copy:
    sent = json.dumps({"project": name, "release": "1.0"}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
    answer = index.request("POST", "/api/usage-install", sent, headers)
    assert answer.status == 201, answer
    return Copy(index, name, answer.json())


def is_good(page: Page, shown: str) -> None:
    """Nothing that axe finds, in light and dark; a picture for who wants to look."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert complaints(page) == [], (shown, theme)
    page.emulate_media(color_scheme="light")
    picture(page, shown)


def test_an_owner_asks_somebody_answers_and_nobody_has_to(page: Page, index: Index, name: str) -> None:
    sign_in(page, "alice", index.create_user("alice"))
    page.goto(f"/manage/project/{name}/")
    page.get_by_role("link", name="Survey").click()
    is_good(page, "survey-empty")
    page.get_by_label("What do you ask?").first.fill("What do you use it for?")
    page.get_by_label("Choices, one a line").first.fill("Research")
    page.get_by_role("button", name="Ask this").click()
    expect(page.get_by_text("fewer than 2 choices")).to_be_visible()
    page.get_by_label("Choices, one a line").first.fill("Research\nTeaching\nAt work")
    page.get_by_role("button", name="Ask this").click()
    expect(page.get_by_text("This is asked from now on.")).to_be_visible()

    page.goto(link(name))
    is_good(page, "consent-survey")
    page.evaluate("addEventListener('submit', pressed => window.said = pressed.submitter.value)")
    page.get_by_label("Teaching").press("Space")
    page.get_by_label("Teaching").press("Enter")
    assert page.evaluate("window.said") == ""  # Enter on a choice answers nothing
    page.get_by_role("button", name="with these answers").press("Enter")
    copy = enrolled(index, page, name)
    page.goto(link(name))
    page.get_by_label("At work").check()
    page.get_by_role("button", name="Yes, it may tell this", exact=True).click()  # and says nothing of these answers
    enrolled(index, page, name)

    page.goto(f"/manage/project/{name}/survey/")
    expect(page.get_by_role("region", name="What do you use it for?")).to_contain_text("1 answer")
    is_good(page, "survey-results")
    told = index.request("GET", f"/api/usage-install/{copy.told['install']}", None, copy.bearer).json()["survey"]
    assert told == [{"question": "What do you use it for?", "choice": "Teaching", "version": 1}]


def test_somebody_sees_exports_and_erases_what_a_linked_copy_told(
    page: Page, index: Index, name: str, new_name: Callable[[str], str], tmp_path: Path
) -> None:
    person = new_name("carol").replace("-", "")
    password = index.create_user(person)
    sign_in(page, person, password)
    page.get_by_role("link", name="Copies that tell their uses").click()
    expect(page.get_by_text("None is linked to your account.")).to_be_visible()
    is_good(page, "copies-empty")
    page.goto(link(name))
    page.get_by_label("Link this copy to my account").check()
    page.get_by_role("button", name="Yes, it may tell this", exact=True).click()
    copy = enrolled(index, page, name)
    copy.tell(3, "mysql")
    copy.tell(2, "mysql")
    copy.tell(4, "other")

    page.goto("/account/installs/")
    is_good(page, "copies")
    page.get_by_role("rowheader").get_by_role("link").click()
    expect(page.get_by_role("row").filter(has_text="backend mysql")).to_contain_text("5")
    is_good(page, "copy")
    assert copy.told["install"] not in page.url
    with page.expect_download() as download:
        page.get_by_role("link", name="Export all of it").click()
    told = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert {each["batch"]: each["body"].encode() for each in told["batches"]} == copy.sent
    assert [each["sha256"] for each in told["batches"]] == [hashlib.sha256(b).hexdigest() for b in copy.sent.values()]
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("That copy tells nothing any more.")).to_be_visible()

    page.get_by_role("link", name="Erase…").click()
    still_me(page, password)
    is_good(page, "copy-erase")
    page.get_by_role("button", name="Erase it for good").click()
    checks_its_receipt(page, copy, tmp_path)
    page.goto("/account/installs/")
    expect(page.get_by_text("None is linked to your account.")).to_be_visible()


def test_without_an_account_a_link_of_the_copy_opens_its_page_once(
    page: Page, browser: Browser, index: Index, name: str, tmp_path: Path
) -> None:
    copy = anonymous(index, name)
    copy.tell(2, "other")
    path = f"/api/usage-install/{copy.told['install']}/visits"
    url = index.request("POST", path, b"", copy.bearer).json()["url"]
    assert copy.told["install"] not in url
    assert copy.told["access_token"] not in url
    page.goto(url)
    is_good(page, "visit")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Open the page").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Your copy of {name}")).to_be_visible()
    is_good(page, "visited")
    with browser.new_context(base_url=index.public_url) as elsewhere:
        assert elsewhere.new_page().goto(url).status == 404  # type: ignore[union-attr]
        assert elsewhere.new_page().goto("/usage/mine/").status == 401  # type: ignore[union-attr]
    assert not page.evaluate("document.cookie").count("visit")
    page.get_by_role("link", name="Erase…").click()
    page.get_by_role("button", name="Erase it for good").click()
    checks_its_receipt(page, copy, tmp_path)


def checks_its_receipt(page: Page, copy: Copy, folder: Path) -> None:
    """Again by reloading, as a file, and on the page that checks it, where a changed one is told from it."""
    expect(page.get_by_role("heading", name="Erased")).to_be_visible()
    is_good(page, "erased")
    page.reload()
    expect(page.get_by_role("heading", name="Erased")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the receipt").click()
    text = Path(download.value.path()).read_text("utf-8")
    receipt = json.loads(text)["receipt"]
    assert (receipt["install"], receipt["batches"]) == (copy.told["install"], len(copy.sent))
    page.goto("/usage/receipt/")
    page.get_by_label("The receipt").fill(text)
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_text("This receipt is ours, and unchanged")).to_be_visible()
    is_good(page, "receipt")
    changed = folder / "changed.json"
    changed.write_text(text.replace('"batches": ', '"batches": 1'), "utf-8")
    page.get_by_label("or its file").set_input_files(changed)
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("alert")).to_contain_text("changed after it was signed")
