"""The keys of a project and the signatures of its releases, as people see them in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from harness.artifacts import make_wheel
from harness.chromium import chromium, looked_at, sign_in, still_me
from harness.clients import Home
from harness.server import Index

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


def test_an_owner_adds_a_key_and_everybody_sees_who_signed(
    browser: Browser, index: Index, home: Home, new_name: Callable[[str], str], tmp_path: Path
) -> None:
    name, password = new_name("signed"), index.create_user("alice")
    words = {"OTUMAT_INDEX": index.url, "OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": password}
    for key in ("first", "second"):
        home.run("otumat", "keygen", home.folder / key, "--no-passphrase").ok()
    home.run("otumat", "publish", make_wheel(name, "1.0").write(tmp_path), cwd=None, stdin="", **words).ok()

    with browser.new_context(base_url=index.url) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        sign_in(page, "alice", password)
        page.goto(f"/manage/project/{name}/")
        page.get_by_role("link", name="Keys", exact=True).click()
        expect(page.get_by_text("There is none.")).to_be_visible()
        looked_at(page, "keys-empty")
        for key in ("first", "second"):
            page.get_by_label("Public key").fill((home.folder / f"{key}.pub").read_text())
            page.get_by_label("Whose it is").fill(f"Acme, {key} key")
            if key == "second":
                page.get_by_label("It takes the place of").select_option(index=1)
            page.get_by_role("button", name="Add the key").click()
            if key == "first":
                still_me(page, password)
            expect(page.get_by_text("may sign for")).to_be_visible()
            wheel = make_wheel(name, "1.1" if key == "first" else "1.2").write(tmp_path)
            home.run("otumat", "sign", wheel, "--key", home.folder / key).ok()
            home.run("otumat", "publish", wheel, cwd=None, stdin="", **words).ok()
        page.reload()
        expect(page.get_by_role("heading", name="Keys that ended")).to_be_visible()
        looked_at(page, "keys")
        page.get_by_label("Refuse every wheel").check()
        page.get_by_role("button", name="Set", exact=True).click()
        expect(page.get_by_label("Refuse every wheel")).to_be_checked()

        page.goto(f"/project/{name}/1.2/")
        section = page.get_by_role("region", name="Signatures")
        expect(section).to_contain_text("1.1, the release before, was signed by another key.")
        expect(section).to_contain_text("Acme, second key")
        looked_at(page, "project-signed")
        page.goto(f"/project/{name}/1.1/")
        expect(page.get_by_role("region", name="Signatures")).to_contain_text(
            "1.0, the release before, was not signed."
        )

        page.goto(f"/manage/project/{name}/keys/")
        page.get_by_text("End this key", exact=False).first.click()
        page.get_by_label("It fell into wrong hands: what was published").check()
        page.get_by_label("Since when").first.fill("2020-01-01T00:00")
        page.get_by_role("button", name="End this key for good").click()
        page.goto(f"/project/{name}/1.2/")
        expect(page.get_by_role("region", name="Signatures")).to_contain_text("signature does not hold")
        looked_at(page, "project-bad")
        assert complaints == []
