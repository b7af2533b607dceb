"""
Second factors in a real browser: an authenticator app, recovery codes, and passkeys of a virtual authenticator.

Set E2E_SCREENSHOTS to a folder to keep pictures of every page.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from harness.chromium import add_authenticator, chromium, picture, sign_in, sign_out, still_me
from harness.server import Index, basic

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, index: Index) -> Iterator[BrowserContext]:
    """A browser of its own; whatever the page's policy forbids fails the test."""
    context = browser.new_context(base_url=index.public_url, viewport={"width": 1280, "height": 900})
    refused: list[str] = []
    context.on("console", lambda told: refused.append(told.text) if "Content Security Policy" in told.text else None)
    context.on("weberror", lambda error: refused.append(str(error.error)))
    yield context
    context.close()
    assert refused == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def passkeys(context: BrowserContext, page: Page) -> Callable[[], int]:
    """Put a virtual authenticator into the page's browser; the function counts the passkeys it holds."""
    return add_authenticator(context, page)


class Authenticator:
    """An authenticator app: the codes of a key (RFC 6238), each shown once, as a person would wait for the next."""

    def __init__(self, key: str) -> None:
        self.key, self.last = base64.b32decode(key), 0

    def code(self) -> str:
        """The next code nobody has used; the index takes the one of the next half minute, too."""
        self.last = max(self.last + 1, int(time.time()) // 30)
        while self.last > int(time.time()) // 30 + 1:
            time.sleep(0.5)
        digest = hmac.digest(self.key, struct.pack(">Q", self.last), hashlib.sha1)
        start = digest[-1] & 15
        return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def set_up_app(page: Page, password: str) -> tuple[Authenticator, list[str]]:
    """Set an authenticator app up; returns it, and the recovery codes."""
    page.goto("/account/security/")
    page.get_by_role("link", name="Set up an app").click()
    still_me(page, password)
    picture(page, "app-set-up")
    app = Authenticator(page.get_by_role("region", name="Key for your app").inner_text().strip())
    page.locator("[name=code]").fill(app.code())
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    picture(page, "recovery-codes")
    return app, page.locator(".codes code").all_inner_texts()


def is_signed_in(page: Page, name: str) -> None:
    expect(page.get_by_role("navigation").get_by_role("link", name=name)).to_be_visible()


def test_an_app_its_codes_and_recovery_codes(index: Index, page: Page) -> None:
    password = index.create_user("tina")
    sign_in(page, "tina", password)
    app, codes = set_up_app(page, password)
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    picture(page, "security-with-app")
    page.goto("/account/factors/recovery-codes/")
    assert codes[0] not in page.content(), "recovery codes are shown once"

    sign_out(page)
    sign_in(page, "tina", password)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    picture(page, "second-step")
    page.goto("/account/")
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()  # half signed in is not signed in
    code = app.code()
    page.locator("[name=code]").fill(f"{code[:3]} {code[3:]}")
    page.get_by_role("button", name="Sign in", exact=True).click()
    is_signed_in(page, "tina")

    sign_out(page)
    for spelling in (code, f" {code[:3]}-{code[3:]} "):  # A42: no code counts twice, however it is written
        sign_in(page, "tina", password)
        page.locator("[name=code]").fill(spelling)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.locator(".errorlist")).to_be_visible()
        page.get_by_role("button", name="Start again").click()

    sign_in(page, "tina", password)
    page.locator("[name=code]").fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    is_signed_in(page, "tina")
    sign_out(page)
    sign_in(page, "tina", password)
    page.locator("[name=code]").fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator(".errorlist")).to_be_visible()


def test_a_password_alone_publishes_no_more_but_a_token_does(index: Index, page: Page) -> None:
    password = index.create_user("paula")
    token = index.token("paula")
    sign_in(page, "paula", password)
    set_up_app(page, password)
    answer = index.request("GET", "/api/v1/whoami", headers=basic("paula", password))
    assert (answer.status, answer.json()["error"]["code"]) == (403, "second_factor")
    who = index.request("GET", "/api/v1/whoami", headers=basic("__token__", token))
    assert (who.status, who.json()["second_factor"]) == (200, False), "the token is older than the factor"


def test_a_passkey_signs_in_alone_and_the_password_can_go(
    index: Index, page: Page, passkeys: Callable[[], int]
) -> None:
    password = index.create_user("kim")
    sign_in(page, "kim", password)
    page.goto("/account/security/")
    picture(page, "security")
    page.get_by_role("link", name="Add a passkey").click()
    picture(page, "still-you")
    still_me(page, password)
    picture(page, "passkey-add")
    page.locator("[name=name]").fill("Kim's phone")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert passkeys() == 1

    sign_out(page)
    page.goto("/account/login/")
    picture(page, "sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    is_signed_in(page, "kim")

    page.goto("/account/security/")
    expect(page.get_by_role("strong").get_by_text("Kim's phone")).to_be_visible()
    page.get_by_role("link", name="Do without").click()
    page.get_by_role("button", name="Use your passkey").click()
    picture(page, "without-password")
    page.get_by_role("button", name="Remove my password").click()
    expect(page.get_by_text("Your password is gone")).to_be_visible()
    picture(page, "security-passkey-alone")
    assert index.request("GET", "/api/v1/whoami", headers=basic("kim", password)).status == 401

    page.get_by_role("link", name="Remove Kim's phone").click()
    picture(page, "passkey-remove")
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("heading", name="That clashes")).to_be_visible()

    sign_out(page)
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    is_signed_in(page, "kim")


def test_a_passkey_is_the_second_step_and_is_removed_again(
    index: Index, page: Page, passkeys: Callable[[], int]
) -> None:
    password = index.create_user("lou")
    sign_in(page, "lou", password)
    page.goto("/account/factors/webauthn/add/")
    still_me(page, password)
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    sign_out(page)
    sign_in(page, "lou", password)
    picture(page, "second-step-passkey")
    page.get_by_role("button", name="Use a passkey instead").click()
    is_signed_in(page, "lou")
    page.goto("/account/security/")
    page.get_by_role("link", name=re.compile("^Remove")).click()
    page.get_by_role("button", name="Use your passkey").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("The passkey is removed")).to_be_visible()
    sign_out(page)
    sign_in(page, "lou", password)
    is_signed_in(page, "lou")


def test_somebody_registers_in_the_browser_with_a_passkey_alone(
    index: Index, page: Page, passkeys: Callable[[], int]
) -> None:
    page.goto("/account/signup/")
    picture(page, "sign-up")
    page.locator("[name=username]").fill("nora")
    page.locator("[name=email]").fill("nora@example.org")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.goto(index.link_mailed_to("nora@example.org"))
    picture(page, "confirm")
    page.get_by_role("button", name="Yes, confirm it").click()
    expect(page.get_by_role("heading", name="Security")).to_be_visible()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Make the passkey").click()
    page.get_by_role("link", name="I have kept them").click()
    page.goto("/account/")
    is_signed_in(page, "nora")
    sign_out(page)
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    is_signed_in(page, "nora")
