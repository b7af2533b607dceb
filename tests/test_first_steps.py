"""
What the README promises, by somebody who has only the README: an empty index, a browser, and the usual clients.

Set E2E_SCREENSHOTS to a folder to keep the pictures that the documentation shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.artifacts import make_wheel
from harness.chromium import SCREENSHOTS, chromium, sign_in, still_me
from harness.clients import Home
from harness.projects import write_project
from harness.server import Index, basic

pytestmark = [pytest.mark.browser, pytest.mark.clients]

PASSWORD = "a long walk in October"


@pytest.fixture(scope="module")
def index(start_index: Callable[..., Index]) -> Index:
    return start_index()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, index: Index) -> Iterator[Page]:
    """A desktop without scripts: every page works without. Nothing may be fetched from elsewhere, nothing may fail."""
    context = browser.new_context(
        base_url=index.public_url, java_script_enabled=False, viewport={"width": 1280, "height": 900}
    )
    page = context.new_page()
    elsewhere: list[str] = []
    page.on("request", lambda sent: None if sent.url.startswith(index.public_url) else elsewhere.append(sent.url))
    yield page
    context.close()
    assert elsewhere == []


def picture(page: Page, name: str) -> None:
    """Keep a picture for the documentation, if somebody wants them."""
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


def test_from_an_empty_index_to_an_installed_package(index: Index, page: Page, home: Home, tmp_path: Path) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name=re.compile("three steps", re.IGNORECASE))).to_be_visible()
    picture(page, "home-empty")
    become_the_first_admin(index, page)
    token = make_a_token(page)
    project = write_project(tmp_path / "roundup", "setuptools", "roundup")
    register(index, home, project.folder, token)
    look_at_the_page(page, has_files=False)
    project.build(home)
    line = ["twine", "upload", "--non-interactive", "--repository-url", index.legacy, "-u", "__token__", "-p", token]
    home.run(*line, *project.files).ok()
    look_at_the_page(page, has_files=True)
    install(index, home, page)
    read_five_answers(index, home, token)


def become_the_first_admin(index: Index, page: Page) -> None:
    link = re.search(r"http://\S+/account/first-admin/\S+", index.log.read_text())
    assert link, index.told()
    page.goto(link[0])
    picture(page, "first-admin")
    for label, value in {
        "name": "alice",
        "email": "alice@example.org",
        "password": PASSWORD,
        "again": PASSWORD,
    }.items():
        page.locator(f"[name={label}]").fill(value)
    page.get_by_role("button", name="Become the admin").click()
    expect(page.get_by_text("Welcome, alice")).to_be_visible()
    answer = page.goto(link[0])
    assert answer is not None
    assert answer.status == 404, "the link works once"


def make_a_token(page: Page) -> str:
    page.goto("/account/tokens/")
    page.locator("[name=name]").fill("laptop")
    page.get_by_role("button", name="Make the token").click()
    still_me(page, PASSWORD)
    text = page.locator("section.secret").inner_text()
    picture(page, "tokens")
    found = re.search(r"otumat-\S+", text)
    assert found, text
    return found[0]


def register(index: Index, home: Home, folder: Path, token: str) -> None:
    line = ["otumat", "register", "--no-isolation", "--index", index.url]
    said = home.run(*line, cwd=folder, OTUMAT_TOKEN=token).ok()
    assert said.splitlines()[-1].endswith("/project/roundup/1.0/"), said


def look_at_the_page(page: Page, *, has_files: bool) -> None:
    page.goto("/project/roundup/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("roundup")
    expect(page.get_by_text("Keeps track of roundup").first).to_be_visible()
    expect(
        page.get_by_role("link", name="Topic :: Office/Business").or_(page.get_by_text("Office/Business")).first
    ).to_be_visible()
    assert ("roundup-1.0-py3-none-any.whl" in page.content()) is has_files
    picture(page, "project" if has_files else "project-without-files")


def install(index: Index, home: Home, page: Page) -> None:
    """By the very command that the page shows, in a new virtual environment with a pip of its own; then with uv."""
    shown = " ".join(page.locator("body").inner_text().split())
    command = re.search(r"pip install \S.*?roundup(==1\.0)?", shown)
    assert command, shown
    assert "/simple/" in command[0]
    venv = home.folder / "fresh"
    home.python("-m", "venv", venv).ok()
    options = [word for word in command[0].split()[2:] if not word.startswith("roundup")]
    home.run(venv / "bin" / "python", "-m", "pip", "install", "--no-deps", *options, "roundup").ok()
    assert home.run(venv / "bin" / "roundup").ok() == "roundup 1.0\n"
    python = home.new_venv()
    home.run("uv", "pip", "install", "--no-deps", "--python", python, "--index-url", index.simple, "roundup").ok()
    assert home.run(python.parent / "roundup").ok() == "roundup 1.0\n"


def read_five_answers(index: Index, home: Home, token: str) -> None:
    """Break the metadata in five ways and read what the index says."""
    broken = {
        "Classifier: Topic :: Offise/Business": "Topic :: Office/Business",
        "License-Expression: MTI": "MTI",
        "Requires-Dist: demo ==>1": "demo ==>1",
        "Requires-Python: >=three": ">=three",
        "Project-URL: Home, javascript:alert(1)": "javascript",
    }
    for number, (header, reason) in enumerate(broken.items()):
        wheel = make_wheel("roundup", f"2.{number}", headers=f"{header}\n").write(home.folder / "broken")
        said = home.run("otumat", "publish", "--index", index.url, wheel, OTUMAT_TOKEN=token).failed()
        assert reason in said
    assert list(index.files_of("roundup")) == ["roundup-1.0-py3-none-any.whl", "roundup-1.0.tar.gz"]


def test_a_stranger_signs_up_by_mail(index: Index, page: Page) -> None:
    page.goto("/account/signup/")
    values = {"username": "bob", "email": "bob@example.org", "password1": PASSWORD, "password2": PASSWORD}
    for label, value in values.items():
        page.locator(f"[name={label}]").fill(value)
    picture(page, "sign-up")
    page.get_by_role("button", name="Make the account").click()
    page.goto(index.link_mailed_to("bob@example.org"))
    page.get_by_role("button", name="Yes, confirm it").click()
    expect(page.get_by_role("heading", name="bob")).to_be_visible()  # signed in, in the browser that signed up
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, "bob", PASSWORD)
    assert index.request("GET", "/api/v1/whoami", headers=basic("bob", PASSWORD)).json()["user"] == "bob"


def test_the_index_stops_cleanly_after_all_that(index: Index) -> None:
    index.stop_cleanly()
    assert "Traceback" not in index.log.read_text()
