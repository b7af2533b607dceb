"""Chromium, as people use it: signing in, showing that it is still them, passkeys and pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from harness.axe import complaints

PLACE = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
SCREENSHOTS = os.environ.get("E2E_SCREENSHOTS")
expect.set_options(timeout=60_000)  # what is expected comes sooner or later; else five seconds are all it has
WIDTHS = (320, 390, 768, 1280, 1440)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without windows; tests are skipped where it is not installed."""
    if not Path(PLACE).exists():
        pytest.skip(f"{PLACE} is missing (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PLACE, args=QUIET)
        yield browser
        browser.close()


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/account/login/")
    page.locator("[name=login]").fill(name)
    page.locator("[name=password]").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.goto("/account/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()


def still_me(page: Page, password: str) -> None:
    """The question before something important."""
    expect(page.get_by_role("heading", name="Is it still you?")).to_be_visible()
    page.locator("[name=password]").fill(password)
    page.get_by_role("button", name="Go on").click()


def add_authenticator(context: BrowserContext, page: Page) -> Callable[[], int]:
    """Put a virtual authenticator into the page's browser; the function counts the passkeys it holds."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    return lambda: len(session.send("WebAuthn.getCredentials", {"authenticatorId": made})["credentials"])


def picture(page: Page, name: str) -> None:
    """Keep pictures of a page in both themes and widths, if somebody wants them."""
    if not SCREENSHOTS:
        return
    Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{theme}-{width}.png", full_page=True)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} is {wide} px too wide at {width}"
    page.set_viewport_size({"width": 1280, "height": 900})


def looked_at(page: Page, name: str) -> None:
    """Nothing that axe finds in either theme, and nothing wider than the page."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert complaints(page) == [], theme
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} is {wide} px too wide at {width}"
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    picture(page, name)
