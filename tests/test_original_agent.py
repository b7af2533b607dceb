"""Otumat 0.3.0 itself against a started index with `LEGACY_AGENT`: enrolled in a real browser, logging, uploading."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.artifacts import make_wheel, upload_form
from harness.audit import contents
from harness.chromium import chromium, picture, sign_in
from harness.original import Original, install, wrote
from harness.proxy import reverse_proxy
from harness.server import Index, basic
from harness.users import MANIFEST, OVER
from harness.waiting import PATIENCE_S, until

pytestmark = [pytest.mark.browser, pytest.mark.clients]


@pytest.fixture(scope="module")
def legacy(start_index: Callable[..., Index]) -> Iterator[Index]:
    """An index that serves copies of 0.3. It must stop cleanly and have logged no failure."""
    index = start_index(LEGACY_AGENT="true")
    yield index
    index.stop_cleanly()
    assert "Traceback" not in index.log.read_text("utf-8"), index.told()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("original") / "venv")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def user(legacy: Index, programs: Path, tmp_path: Path, new_name: Callable[[str], str]) -> Iterator[Original]:
    """Somebody who has Alice's newest package, and Otumat 0.3.0 with it."""
    name = new_name("old-told")
    wheel = make_wheel(
        name, members={f"{name.replace('-', '_')}/otumat-usage.toml": MANIFEST.format(name=name).encode()}
    )
    body, headers = upload_form(wheel)
    answer = legacy.request("POST", "/legacy/", body, headers | basic("alice", legacy.create_user("alice")))
    assert answer.status == 200, answer
    home = tmp_path / "home"
    home.mkdir()
    made = Original(programs, home, legacy.public_url, name)
    pip = [programs / "pip", "install", "-q", "--no-index", "--no-deps", wheel.write(tmp_path)]
    subprocess.run([str(word) for word in pip], check=True, timeout=PATIENCE_S)
    yield made
    made.end()


def asked(user: Original) -> tuple[Any, str]:
    """The user starts the program and says yes at the terminal: the program waits for the browser, at this link."""
    terminal = user.at_terminal("import")
    terminal.expect_exact("Would you like to participate in usage data collection")
    terminal.sendline("y")
    terminal.expect_exact("Launching usage tracking consent form")
    return terminal, appeared(user.link)


def appeared(path: Path) -> str:
    until(path.exists)
    return path.read_text()


def enrolled(user: Original, page: Page) -> None:
    """A yes, all the way."""
    terminal, link = asked(user)
    page.goto(link)
    page.get_by_role("button", name="Yes, it may tell this").click(no_wait_after=True)
    terminal.expect_exact("Thank you for providing consent.")
    terminal.wait()
    assert user.config["collect"] is True


@pytest.fixture
def page(browser: Browser, legacy: Index) -> Iterator[Page]:
    """A browser of its own; whatever the page's policy forbids fails the test."""
    context = browser.new_context(base_url=legacy.public_url, viewport={"width": 1280, "height": 900})
    refused: list[str] = []
    context.on("console", lambda told: refused.append(told.text) if "Content Security Policy" in told.text else None)
    yield context.new_page()
    context.close()
    assert refused == []


def counted(legacy: Index, user: Original) -> dict[str, int]:
    """What the index says to the project's owner."""
    answer = legacy.api("GET", f"/project/{user.package}/usage", "alice")
    assert answer.status == 200, answer
    return {each["event"]: each["times"] for each in answer.json()["events"] if each["times"]}


def held(user: Original) -> int:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(user.folder / "main.db", timeout=PATIENCE_S)) as store:
        return int(store.execute("SELECT count(*) FROM event").fetchone()[0])


def test_it_enrols_in_a_browser_logs_uploads_and_refreshes(user: Original, legacy: Index, page: Page) -> None:
    terminal, link = asked(user)
    assert all(text in link for text in ("macAddress=", "location=Gotham", "redirect=http%3A%2F%2F127.0.0.1%3A"))
    page.goto(link)
    expect(page.get_by_role("heading", name=f"May {user.package} tell how it is used?")).to_be_visible()
    expect(page.get_by_text("How often data are read.")).to_be_visible()
    expect(page.get_by_text("pip install --upgrade otumat")).to_be_visible()
    assert "Gotham" not in page.url
    picture(page, "consent-legacy")
    page.get_by_role("button", name="Yes, it may tell this").click(no_wait_after=True)
    terminal.expect_exact("Thank you for providing consent.")
    terminal.wait()
    first = user.config
    assert (first["collect"], first["scope"], first["client_id"]) == (True, "usage", "otumat-0.3")
    assert held(user) == 1  # the import that asked
    sent = user.run("fetch", "fetch", "send")
    assert (sent.returncode, sent.stderr) == (0, ""), sent
    assert counted(legacy, user) == {"import": 1, "fetch": 2}
    assert held(user) == 0
    assert user.config["access_token"] != first["access_token"]
    assert user.config["refresh_token"] == first["refresh_token"]
    assert user.run("refresh_token").returncode == 0
    assert user.run("send").stdout == "Nothing to send for this cycle.\n"
    nowhere(legacy, wrote(first))


def nowhere(legacy: Index, private: list[str]) -> None:
    """K22: in no file of the index, and in nothing that it said."""
    files = [(legacy.log, legacy.log.read_bytes()), *contents(legacy.data)]
    for path, said in files:
        for text in private:
            for form in (text, quote(text), quote(text, safe=""), text.replace(" ", "+")):
                assert form.lower().encode() not in said.lower(), f"{path} has {form}"
    assert len(files) > 5


def test_a_no_in_the_browser_is_kept_by_both(user: Original, legacy: Index, page: Page) -> None:
    terminal, link = asked(user)
    page.goto(link)
    page.get_by_role("button", name="No, tell nothing").click(no_wait_after=True)
    terminal.expect_exact("Cancelled usage tracking installation.")
    terminal.wait()
    assert user.config["collect"] is False
    assert counted(legacy, user) == {}


def test_a_copy_may_be_linked_to_an_account(user: Original, legacy: Index, page: Page) -> None:
    sign_in(page, "alice", legacy.create_user("alice"))
    terminal, link = asked(user)
    page.goto(link)
    page.get_by_role("checkbox", name="Link this copy to my account alice").check()
    page.get_by_role("button", name="Yes, it may tell this").click(no_wait_after=True)
    terminal.expect_exact("Thank you for providing consent.")
    terminal.wait()
    assert user.run("send").returncode == 0
    assert counted(legacy, user) == {"import": 1}


def test_K17_a_lost_answer_counts_nothing_twice(user: Original, legacy: Index, page: Page) -> None:
    enrolled(user, page)
    with reverse_proxy(legacy.port) as line:
        line.loses = "/api/usage-event"
        user.change(host=line.url)
        assert user.run("fetch", "send").returncode != 0
        assert line.asked[-1] == ("POST", "/api/usage-event", 200)
    assert (held(user), counted(legacy, user)) == (2, {"import": 1, "fetch": 1})
    user.change(host=legacy.public_url)
    assert user.run("fetch", "send").returncode == 0
    assert (held(user), counted(legacy, user)) == (0, {"import": 1, "fetch": 2})


def stop(daemon: subprocess.Popen[bytes], user: Original) -> None:
    """Hold it, but not while it writes its settings, as it does every second: 0.3 leaves half of them then."""
    settings, state = user.folder / "config.json", Path(f"/proc/{daemon.pid}/stat")
    while True:
        daemon.send_signal(signal.SIGSTOP)
        until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T")
        if settings.read_text().endswith("}"):
            return
        daemon.send_signal(signal.SIGCONT)
        time.sleep(0.1)


def test_K6_its_daemon_and_its_program_refresh_and_upload_and_both_go_on(
    user: Original, legacy: Index, page: Page
) -> None:
    """The daemon never reads the program's new tokens; it is held while the program writes (K16, K26)."""
    enrolled(user, page)
    with user.uploading("1s") as daemon:
        for _ in range(3):
            stop(daemon, user)
            while (done := user.run("fetch", "refresh_token")).returncode:
                assert "locked" in done.stderr, done  # it was stopped while it held its database
                daemon.send_signal(signal.SIGCONT)
                time.sleep(0.5)
                stop(daemon, user)
            daemon.send_signal(signal.SIGCONT)
            until(lambda: not held(user))
        stop(daemon, user)  # it is ended now, and is not to be cut off at that
        assert daemon.poll() is None
    assert counted(legacy, user) == {"import": 1, "fetch": 3}
    assert user.config["collect"] is True


def test_it_stays_enrolled_while_the_index_is_away(user: Original, legacy: Index, page: Page) -> None:
    enrolled(user, page)
    legacy.stop_cleanly()
    failed = user.run("fetch", "send")
    assert "Connection refused when requesting a new token." in failed.stderr
    legacy.start()
    assert user.run("send").returncode == 0
    assert counted(legacy, user) == {"import": 1, "fetch": 1}


def test_a_project_that_stops_is_the_end_of_its_enrolment(user: Original, legacy: Index, page: Page) -> None:
    enrolled(user, page)
    assert legacy.api("PUT", f"/project/{user.package}/usage", "alice", collect=False).status == 200
    user.run("send")
    assert user.config["collect"] is False
    assert counted(legacy, user) == {}


def test_the_new_otumat_takes_it_over_and_goes_on(
    user: Original, legacy: Index, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is sent, once; the secret is closed to others; the line in `.profile` goes."""
    from otumat.spec.consent import CI_VARIABLES
    from otumat.usage import UsageAgent, places
    from otumat.usage.sender import send_round

    enrolled(user, page)
    assert "otumat upload" in (user.home / ".profile").read_text()
    user.run("fetch")
    for name in (*CI_VARIABLES, "XDG_DATA_HOME", "XDG_STATE_HOME", "DO_NOT_TRACK", "OTUMAT_USAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(user.home))
    given: dict[str, Any] = dict(user.given)
    agent = UsageAgent(**given, enrolment="manual")
    agent.log(event_type="fetch")
    folder = places.folder(user.package)
    assert send_round(folder, user.package, over=OVER).uses == 3
    assert send_round(folder, user.package, over=OVER).uses == 0
    assert counted(legacy, user) == {"import": 1, "fetch": 2}
    assert "otumat upload" not in (user.home / ".profile").read_text()
    assert (user.folder / "config.json").stat().st_mode & 0o077 == 0
