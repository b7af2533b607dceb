"""A story of two people: register from a terminal, lose the password, work together, part; and every mail of it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pexpect  # type: ignore[import-untyped]
import pytest

from harness.artifacts import Artifact, make_wheel, upload_form
from harness.browser import Browser
from harness.clients import BIN, Done, Home
from harness.mails import check_headers, check_words, link_in, mail_to, mails, text_of, until_all_is_mailed
from harness.projects import Project, write_project
from harness.server import Index, basic
from harness.waiting import PATIENCE_S, until

pytestmark = pytest.mark.clients

NAME = "roundup"
FORGOTTEN, NEW, BOBS = "a long walk in October", "a short walk in November", "some rain towards evening"
ONE_PROJECT = {"projects": [NAME]}
EXPECTED = {
    "Please confirm your address",
    "A new password",
    "Your password was changed",
    "A new API token",
    "roundup: alice registered roundup 1.0",
    "alice invites you to roundup",
    "roundup: alice invited bob to roundup as maintainer",
    "roundup: bob accepted the invitation to roundup and is maintainer now",
    "roundup: bob published the file roundup-1.0-py3-none-any.whl",
    "roundup: alice removed bob from roundup",
}
JSON = "application/vnd.pypi.simple.v1+json"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Person:
    """Somebody with a home folder, and a browser."""

    name: str
    index: Index
    home: Home
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Browser(self.index)

    @property
    def address(self) -> str:
        return f"{self.name}@example.org"

    def run(self, *words: str | Path, stdin: str = "", cwd: Path | None = None) -> Done:
        return self.home.run("otumat", *words, stdin=stdin, cwd=cwd, OTUMAT_INDEX=self.index.url)

    def otumat(self, *words: str | Path, stdin: str = "", cwd: Path | None = None) -> str:
        return self.run(*words, stdin=stdin, cwd=cwd).ok()

    def at_a_terminal(self, *words: str, cwd: Path) -> Any:
        environ = {**self.home.environ(), "OTUMAT_INDEX": self.index.url, "TERM": "xterm"}
        return pexpect.spawn(
            str(BIN / "otumat"),
            list(words),
            cwd=cwd,
            env=environ,
            encoding="utf-8",
            timeout=PATIENCE_S,
            dimensions=(24, 200),
            use_poll=True,
        )

    def opens(self, subject: str, button: str, **fields: str) -> None:
        """Open the link of a mail in the browser, and press a button on the page."""
        self.browser.open(link_in(mail_to(self.index, self.address, subject))).submit(button, **fields)
        assert self.browser.status == 200, self.browser.text


@pytest.fixture
def index(start_index: Callable[..., Index]) -> Iterator[Index]:
    """An index where nobody is anybody yet, so that every mail in it belongs to the story."""
    index = start_index(workers=1)
    yield index
    index.stop_cleanly()
    assert "Traceback" not in index.log.read_text("utf-8"), index.told()


@pytest.fixture
def person(index: Index, tmp_path: Path) -> Callable[[str], Person]:
    def make(name: str) -> Person:
        folder = tmp_path / f"home of {name}"
        folder.mkdir(exist_ok=True)
        return Person(name, index, Home(folder))

    return make


def test_two_people_and_every_mail_they_get(index: Index, person: Callable[[str], Person], tmp_path: Path) -> None:
    alice, bob = person("alice"), person("bob")
    project = write_project(tmp_path / NAME, "hatchling", NAME)
    registers_from_the_terminal_only(index, alice, project)
    forgets_the_password(index, alice, project, tmp_path / "elsewhere")
    bob_becomes_somebody(index, bob)
    wheel = make_wheel(NAME)
    works_with_bob(index, alice, bob, wheel.write(tmp_path / "dist"))
    parts_from_bob(index, alice, bob, wheel)
    hides_the_project(index, alice, bob, wheel)
    reads_every_mail(index)


# Alice registers from the terminal only.


def registers_from_the_terminal_only(index: Index, alice: Person, project: Project) -> None:
    child = alice.at_a_terminal("register", "--no-isolation", cwd=project.folder)
    say(child, "Your choice [1]: ", "2")
    say(child, "Login: ", "alice")
    say(child, "Address of mail: ", alice.address)
    say(child, "Password (at least 10 characters): ", FORGOTTEN)
    say(child, "The same again: ", FORGOTTEN)
    child.expect_exact(f"A mail is on its way to {alice.address}.")
    confirmation = link_in(mail_to(index, alice.address, "Please confirm your address"))
    alice.browser.open(confirmation)  # as mail filters do: a look confirms nothing
    assert who(index, "alice", FORGOTTEN) == 403
    child.expect_exact("Waiting for the confirmation")
    alice.browser.submit("Yes, confirm it")
    child.expect_exact("Confirmed.")
    child.expect_exact(f"Created: {NAME} 1.0")
    child.expect_exact(f"{index.public_url}/project/{NAME}/")
    say(child, "(readable by you alone)? [y/N]: ", "y")
    assert ends(child) == 0
    kept = alice.home.folder / ".pythonpackagerc"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    said = alice.otumat("register", "--verify", "--no-isolation", cwd=project.folder)  # there is nobody to ask
    assert "nothing was kept" in said
    assert Browser(index).open(f"/project/{NAME}/").status == 200
    assert "was used before" in Browser(index).open(confirmation).text


# She forgets the password.


def forgets_the_password(index: Index, alice: Person, project: Project, elsewhere: Path) -> None:
    alice.browser.sign_in("alice", FORGOTTEN)
    assert alice.browser.is_signed_in()
    elsewhere.mkdir()
    there = Person("alice", index, Home(elsewhere))
    child = there.at_a_terminal("register", "--no-isolation", cwd=project.folder)
    say(child, "Your choice [1]: ", "3")
    say(child, "Login or address of mail: ", "alice")
    child.expect_exact("a mail with a link to set a new password is on its way")
    assert ends(child) == 0
    assert who(index, "alice", FORGOTTEN) == 200, "whoever asks for a reminder changes nothing"
    there.opens("A new password", "Set the password", password1=NEW, password2=NEW)
    used = link_in(mail_to(index, alice.address, "A new password"))
    assert "was used before" in Browser(index).open(used).text
    the_old_password_works_nowhere(index, alice, project)
    assert who(index, "alice", NEW) == 200
    login = ("login", "--username", "alice", "--password-stdin", "--save", "file")
    alice.otumat(*login, stdin=f"{NEW}\n")
    assert "nothing was kept" in alice.otumat("register", "--verify", "--no-isolation", cwd=project.folder)


def the_old_password_works_nowhere(index: Index, alice: Person, project: Project) -> None:
    assert not alice.browser.is_signed_in(), "sessions of the old password end"
    login = basic("alice", FORGOTTEN)
    body, headers = upload_form(make_wheel(NAME))
    assert who(index, "alice", FORGOTTEN) == 401
    assert index.request("POST", "/legacy/", body, headers | login).status == 401
    assert index.request("POST", "/submit", b"name=roundup&version=1.0", FORM | login).status == 401
    changed = f"name=alice&password={BOBS}&confirm={BOBS}&email={alice.address}".replace(" ", "+").encode()
    assert index.request("POST", "/user", changed, FORM | login).status == 409, "as for any stranger"
    assert not Browser(index).sign_in("alice", FORGOTTEN).is_signed_in()
    alice.run("register", "--verify", "--no-isolation", cwd=project.folder).failed()


# Bob comes, and helps.


def bob_becomes_somebody(index: Index, bob: Person) -> None:
    login = ("--username", "bob", "--password-stdin")
    words = ("register", "--new-user", "--email", bob.address, "--wait-s", "0", *login)
    said = bob.run(*words, stdin=f"{BOBS}\n").failed()
    assert "not confirmed yet" in said
    bob.opens("Please confirm your address", "Yes, confirm it")
    bob.otumat("login", *login, "--save", "file", stdin=f"{BOBS}\n")


def works_with_bob(index: Index, alice: Person, bob: Person, wheel: Path) -> None:
    alice.otumat("invite", NAME, "bob")
    until_all_is_mailed(index)  # an invitation that is accepted by then is not mailed any more
    assert "'bob' may not" in bob.run("publish", wheel).failed(), "not before he accepts"
    (offer,) = json.loads(bob.otumat("invitations", "--json"))["invitations"]
    bob.otumat("invitations", "accept", str(offer["id"]))
    bob.otumat("publish", wheel)
    until_all_is_mailed(index)
    told = [mail["To"] for mail in mails(index) if f"published the file {wheel.name}" in text_of(mail)]
    assert sorted(told) == [alice.address, bob.address]


# Alice removes him.


@dataclass(frozen=True)
class Door:
    """A request of a maintainer's."""

    method: str
    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def knock(self, index: Index, login: dict[str, str]) -> int:
        return index.request(self.method, self.path, self.body, {**dict(self.headers), **login}).status


def doors(wheel: Artifact) -> list[Door]:
    """Whatever a maintainer may do, twice if he likes."""
    api, typed = f"/api/v1/project/{NAME}", (("Content-Type", "application/json"),)
    body, headers = upload_form(wheel)
    upload = tuple(headers.items())
    reason = json.dumps({"reason": "loses issues"}).encode()
    return [
        *(Door("POST", path, body, upload) for path in ("/legacy/", "/pypi")),
        Door("POST", "/submit", f"name={NAME}&version=1.0&summary=Bob's".encode(), tuple(FORM.items())),
        Door("PUT", f"{api}/1.0/yank", reason, typed),
        Door("DELETE", f"{api}/1.0/yank"),
        Door("PUT", f"{api}/file/{wheel.filename}/yank", reason, typed),
        Door("DELETE", f"{api}/file/{wheel.filename}/yank"),
        Door("GET", f"{api}/journal"),
        Door("GET", f"{api}/roles"),
    ]


def parts_from_bob(index: Index, alice: Person, bob: Person, wheel: Artifact) -> None:
    pages = [f"/manage/project/{NAME}/{page}" for page in ("", "journal/")]
    bob.browser.sign_in("bob", BOBS)
    logins = logins_of(index, bob)
    opened = doors(wheel)
    assert [bob.browser.open(page).status for page in pages] == [200, 200]
    assert [door.knock(index, login) for login in logins for door in opened] == [200] * len(logins) * len(opened)
    alice.otumat("role", "remove", NAME, "bob")
    assert [door.knock(index, login) for login in logins for door in opened] == [403] * len(logins) * len(opened)
    assert [bob.browser.open(page).status for page in pages] == [403, 403]
    more = make_wheel(NAME, "1.1").write(bob.home.folder)
    assert "'bob' may not" in bob.run("publish", more).failed()
    twine = ["twine", "upload", "--non-interactive", "--repository-url", index.legacy, "-u", "bob", "-p", BOBS]
    assert "403" in bob.home.run(*twine, more).failed()
    assert list(index.files_of(NAME)) == [wheel.filename], "what is public, Bob sees like anybody"


def logins_of(index: Index, bob: Person) -> list[dict[str, str]]:
    """His password, a token for everything and one for this project alone."""
    index.passwords["bob"] = BOBS
    return [basic("bob", BOBS), *(basic("__token__", index.token("bob", **limits)) for limits in ({}, ONE_PROJECT))]


def hides_the_project(index: Index, alice: Person, bob: Person, wheel: Artifact) -> None:
    index.passwords["alice"] = NEW
    until_all_is_mailed(index)
    key = urljoin(f"/simple/{NAME}/", index.files_of(NAME)[wheel.filename]["url"])
    paths = [
        f"/simple/{NAME}/",
        key,
        f"{key}.metadata",
        f"/project/{NAME}/",
        f"/project/{NAME}/1.0/",
        f"/project/{NAME}/1.0/description.txt",
        f"/project/{NAME}/feed.atom",
        f"/pypi/{NAME}/json",
        f"/pypi/{NAME}/1.0/json",
        f"/api/v1/project/{NAME}/journal",
    ]
    lists = ["/simple/", "/projects/", "/search?q=Bob", "/feeds/projects.atom", "/feeds/releases.atom"]
    until(lambda: [path for path in lists if NAME not in index.get(path).body.decode()] == [])  # search follows, too
    strangers: list[dict[str, str]] = [{}, basic("bob", BOBS), basic("__token__", index.token("bob"))]
    assert index.api("PUT", f"/project/{NAME}/visibility", "alice", is_private=True).status == 200
    for kind in ("text/html", JSON, "*/*"):
        for login in strangers:
            seen = {path: index.request("GET", path, headers=login | {"Accept": kind}) for path in paths}
            refused = {path: answer.status for path, answer in seen.items()}
            assert {*refused.values()} <= ({404} if login else {401, 404}), refused
        seen = {path: index.request("GET", path, headers=basic("alice", NEW) | {"Accept": kind}) for path in paths}
        assert {path: answer.status for path, answer in seen.items()} == dict.fromkeys(paths, 200)
    until(lambda: NAME not in index.get("/simple/").body.decode())  # the one list that is built beside the requests
    for path in lists:
        for login in strangers:
            assert NAME not in index.request("GET", path, headers=login).body.decode(), path
    for path in (*paths[:-1], f"/manage/project/{NAME}/"):
        assert bob.browser.open(path).status == 404, path
    for door in doors(wheel):  # to send something for a name that is taken is refused, whoever it belongs to
        assert door.knock(index, strangers[1]) == (403 if door.method == "POST" else 404), door
    until_all_is_mailed(index)
    before = len(mails(index))
    alice.otumat("publish", make_wheel(NAME, "1.1").write(alice.home.folder))
    until_all_is_mailed(index)
    assert [mail["To"] for mail in mails(index)[before:]] == [alice.address], "what Bob cannot see, he is not told"


# The mail.


def reads_every_mail(index: Index) -> None:
    until_all_is_mailed(index)
    written = mails(index)
    subjects = {str(mail["Subject"]).removeprefix("[Otumat] ") for mail in written}
    assert subjects >= EXPECTED, EXPECTED - subjects
    ids = [mail["Message-ID"] for mail in written]
    assert len({*ids}) == len(ids)
    for path, mail in zip(sorted((index.data / "mail").glob("*.eml")), written, strict=True):
        assert [(part.get_content_type(), part.defects) for part in mail.walk() if part.defects] == []
        check_headers(index, path.read_bytes().partition(b"\r\n\r\n")[0].decode("ascii"), mail)
        check_words(index, mail)


def who(index: Index, name: str, password: str) -> int:
    return index.request("GET", "/api/v1/whoami", headers=basic(name, password)).status


def say(child: Any, question: str, answer: str) -> None:
    child.expect_exact(question)
    child.sendline(answer)


def ends(child: Any) -> int:
    child.expect(pexpect.EOF)
    code: int = child.wait()
    return code
