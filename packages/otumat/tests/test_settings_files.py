from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from otumat.errors import Invalid, OtumatError
from otumat.settings import Index, Settings
from otumat.settings.files import OUR_FILE, forget_login, save_login, section_name

INDEX = Index("https://index.example.org")

OTHERS = """\
# mine

[distutils]
index-servers = work

[work]
; the one at work
repository: https://work.example.org/legacy/
Username = alice
password = old
    and more
comment = kept
"""

posix = pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")


def written(home: Path) -> str:
    return (home / OUR_FILE).read_text(encoding="utf-8")


def found(home: Path, url: str) -> tuple[str, str] | None:
    login = Settings.from_env({}, home).find_credentials(Index(url))
    return (login.username, login.password) if login else None


def test_D40_a_new_file_has_one_section_for_the_index(home: Path) -> None:
    save_login(home, INDEX, username="alice", password="wonderland")
    assert written(home) == (
        "[index.example.org]\nrepository = https://index.example.org\nusername = alice\npassword = wonderland\n"
    )
    assert found(home, INDEX.url) == ("alice", "wonderland")


@pytest.mark.parametrize("password", ["100%", "a=b:c", "#hash", "ümläut 日本", "; x", "[brackets]", '"quoted"'])
def test_any_password_that_can_be_kept_is_read_back_as_it_is(home: Path, password: str) -> None:
    save_login(home, INDEX, username="alice", password=password)
    assert found(home, INDEX.url) == ("alice", password)


@pytest.mark.parametrize("password", [" blank first", "blank last ", "two\nlines", "two\n[sections]"])
def test_a_password_that_would_be_read_back_as_another_is_refused(home: Path, password: str) -> None:
    (home / OUR_FILE).write_text(OTHERS)
    with pytest.raises(OtumatError, match="would not be read back") as caught:
        save_login(home, INDEX, username="alice", password=password)
    assert caught.value.code == "settings.write"
    assert written(home) == OTHERS


def test_what_else_stands_in_the_file_stays(home: Path) -> None:
    (home / OUR_FILE).write_text(OTHERS)
    save_login(home, INDEX, username="alice", password="wonderland")
    assert written(home).startswith(OTHERS)
    assert found(home, "https://work.example.org") == ("alice", "old\nand more")


def test_a_section_of_the_index_is_updated_in_its_place(home: Path) -> None:
    (home / OUR_FILE).write_text(OTHERS)
    save_login(home, Index("https://work.example.org"), username="bob", password="new")
    assert written(home) == OTHERS.replace(
        "[work]\n; the one at work\nrepository: https://work.example.org/legacy/\nUsername = alice\n"
        "password = old\n    and more\n",
        "[work]\nrepository = https://work.example.org\nusername = bob\npassword = new\n; the one at work\n",
    )


def test_the_name_of_an_index_becomes_that_of_its_section_unless_another_has_it(home: Path) -> None:
    (home / OUR_FILE).write_text(OTHERS)
    save_login(home, Index("https://one.example.org", name="one"), username="a", password="b")
    save_login(home, Index("https://two.example.org", name="work"), username="a", password="b")
    names = [each.name for each in Settings.from_env({}, home).indexes]
    assert names == ["work", "one", "two.example.org"]


def test_a_login_without_a_password_names_only_the_user(home: Path) -> None:
    save_login(home, INDEX, username="alice", password="wonderland")
    save_login(home, INDEX, username="bob", password="")
    assert "password" not in written(home)
    assert Settings.from_env({}, home).find_username(INDEX) == "bob"


def test_forgetting_leaves_what_was_there_before(home: Path) -> None:
    (home / OUR_FILE).write_text(OTHERS)
    save_login(home, INDEX, username="alice", password="wonderland")
    assert forget_login(home, INDEX)
    assert written(home).rstrip("\n") == OTHERS.rstrip("\n")
    assert not forget_login(home, INDEX)


def test_a_section_with_a_name_of_its_own_keeps_its_address(home: Path) -> None:
    (home / OUR_FILE).write_text(OTHERS)
    assert forget_login(home, Index("https://work.example.org"))
    assert found(home, "https://work.example.org") is None
    assert Settings.from_env({}, home).find_index("work").url == "https://work.example.org"
    assert "comment = kept" in written(home)


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_D40_the_file_is_its_owners_alone(home: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        save_login(home, INDEX, username="alice", password="wonderland")
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / OUR_FILE).stat().st_mode) == 0o600


@posix
def test_a_file_that_others_could_read_is_narrowed(home: Path) -> None:
    (home / OUR_FILE).write_text(OTHERS)
    (home / OUR_FILE).chmod(0o644)
    save_login(home, INDEX, username="alice", password="wonderland")
    assert stat.S_IMODE((home / OUR_FILE).stat().st_mode) == 0o600


@posix
def test_a_link_is_followed_and_stays(home: Path, tmp_path: Path) -> None:
    (tmp_path / "dotfile").write_text(OTHERS)
    (home / OUR_FILE).symlink_to(tmp_path / "dotfile")
    save_login(home, INDEX, username="alice", password="wonderland")
    assert (home / OUR_FILE).is_symlink()
    assert "wonderland" in (tmp_path / "dotfile").read_text()


def test_nothing_is_left_beside_the_file(home: Path) -> None:
    save_login(home, INDEX, username="alice", password="wonderland")
    assert [each.name for each in home.iterdir()] == [OUR_FILE]


def test_a_file_that_cannot_be_understood_is_not_touched(home: Path) -> None:
    (home / OUR_FILE).write_text("password = secret\n")
    with pytest.raises(Invalid) as caught:
        save_login(home, INDEX, username="alice", password="wonderland")
    assert "secret" not in str(caught.value.problems)
    assert written(home) == "password = secret\n"


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OtumatError, match="cannot be written"):
        save_login(tmp_path / "nowhere", INDEX, username="alice", password="wonderland")


@pytest.mark.parametrize(
    ("url", "name"),
    [("http://localhost:8000", "localhost:8000"), ("http://[::1]:8000/team", "::1:8000/team")],
)
def test_sections_are_named_after_the_address(home: Path, url: str, name: str) -> None:
    assert section_name(url) == name
    save_login(home, Index(url), username="alice", password="wonderland")
    assert found(home, url) == ("alice", "wonderland")
