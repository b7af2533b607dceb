from __future__ import annotations

from pathlib import Path

import pytest

from otumat.errors import Invalid, NotFound, OtumatError
from otumat.settings import Index, Settings, index_root

PYPIRC = """
[distutils]
index-servers =
    work
    home

[work]
repository = https://index.example.org/legacy/
username = alice
password = 100%wonder

[home]
repository = http://localhost:8000

[nowhere]
username = alice
"""


def settings(home: Path, pypirc: str = PYPIRC, **environ: str) -> Settings:
    (home / ".pypirc").write_text(pypirc)
    return Settings.from_env(environ, home)


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("https://index.example.org/legacy/", "https://index.example.org"),
        ("https://index.example.org/simple", "https://index.example.org"),
        ("https://Index.Example.org/", "https://index.example.org"),
        ("https://alice:pw@index.example.org:8443/team/pypi/", "https://index.example.org:8443/team/pypi"),
        ("http://[::1]:8000/legacy/?x=1#y", "http://[::1]:8000"),
        ("https://index.example.org/mylegacy", "https://index.example.org/mylegacy"),
    ],
)
def test_an_upload_or_simple_address_is_understood_as_its_index(given: str, root: str) -> None:
    assert index_root(given) == root


def test_a_name_is_looked_up_in_pypirc(home: Path) -> None:
    assert settings(home).find_index("work").url == "https://index.example.org"


def test_the_option_wins_over_the_environment(home: Path) -> None:
    assert settings(home, OTUMAT_INDEX="work").find_index("home").url == "http://localhost:8000"
    assert settings(home, OTUMAT_INDEX="work").find_index().url == "https://index.example.org"


def test_without_an_index_nothing_is_assumed(home: Path) -> None:
    with pytest.raises(NotFound, match="OTUMAT_INDEX") as caught:
        settings(home).find_index()
    assert caught.value.code == "index.unset"


def test_an_unknown_name_lists_the_known_ones(home: Path) -> None:
    with pytest.raises(NotFound, match="Known names: work, home"):
        settings(home).find_index("wrok")


def test_a_section_without_a_repository_says_so(home: Path) -> None:
    with pytest.raises(NotFound, match="no repository"):
        settings(home).find_index("nowhere")


@pytest.mark.parametrize("url", ["ftp://index.example.org", "https://", "https://host:port/", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(home: Path, url: str) -> None:
    with pytest.raises(OtumatError, match="not the address"):
        settings(home).find_index(url)


def test_a_refused_address_never_shows_its_password(home: Path) -> None:
    with pytest.raises(OtumatError) as caught:
        settings(home).find_index("ftp://alice:wonderland@index.example.org")
    assert "wonderland" not in str(caught.value)


def test_a_percent_sign_in_a_password_is_just_that(home: Path) -> None:
    found = settings(home)
    credentials = found.find_credentials(found.find_index("work"))
    assert credentials is not None
    assert (credentials.username, credentials.password) == ("alice", "100%wonder")


def test_credentials_of_a_file_go_to_their_own_index_only(home: Path) -> None:
    found = settings(home)
    assert found.find_credentials(Index("https://index.example.org")) is not None
    assert found.find_credentials(Index("http://index.example.org")) is None
    assert found.find_credentials(Index("https://evil.example.org")) is None


def test_credentials_are_looked_for_in_the_promised_order(home: Path) -> None:
    environ = {
        "OTUMAT_TOKEN": "token",
        "OTUMAT_USERNAME": "ours",
        "OTUMAT_PASSWORD": "1",
        "TWINE_USERNAME": "theirs",
        "TWINE_PASSWORD": "2",
    }
    steps = [("__token__", "OTUMAT_TOKEN"), ("ours", "OTUMAT_PASSWORD"), ("theirs", "TWINE_PASSWORD"), ("url", None)]
    for username, given_by in steps:
        found = settings(home, **environ)
        credentials = found.find_credentials(found.find_index("https://url:pw@index.example.org/"))
        assert credentials is not None
        assert credentials.username == username
        if given_by:
            del environ[given_by]
    without_any = settings(home)
    credentials = without_any.find_credentials(without_any.find_index("https://index.example.org"))
    assert credentials is not None
    assert credentials.source == "[work] in ~/.pypirc"


def test_a_password_alone_goes_with_the_user_name_of_the_file(home: Path) -> None:
    found = settings(home, OTUMAT_PASSWORD="secret")
    credentials = found.find_credentials(found.find_index("work"))
    assert credentials is not None
    assert (credentials.username, credentials.password) == ("alice", "secret")


def test_another_user_than_the_one_asked_for_is_not_found(home: Path) -> None:
    found = settings(home, OTUMAT_TOKEN="token-of-alice")
    assert found.find_credentials(found.find_index("work"), username="bob") is None


def test_D40_the_drafts_pythonpackagerc_is_read(home: Path) -> None:
    (home / ".pythonpackagerc").write_text("[old]\nrepository: http://localhost:8000\nusername: alice\npassword: pw\n")
    found = Settings.from_env({}, home)
    credentials = found.find_credentials(found.find_index("old"))
    assert credentials is not None
    assert credentials.source == "[old] in ~/.pythonpackagerc"


@pytest.mark.parametrize("text", ["password = wonderland", "[a\nwonderland", "\0\0wonderland"])
def test_a_damaged_file_is_named_and_never_quoted(home: Path, text: str) -> None:
    with pytest.raises(Invalid, match=r"1 thing") as caught:
        settings(home, text)
    assert "~/.pypirc" in str(caught.value.problems)
    assert "wonderland" not in str(caught.value.problems)


def test_all_damaged_files_are_told_at_once(home: Path) -> None:
    (home / ".pythonpackagerc").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(Invalid) as caught:
        settings(home, "no section")
    assert len(caught.value.problems) == 2


def test_secrets_are_not_in_reprs(home: Path) -> None:
    found = settings(home, OTUMAT_TOKEN="s3cret", OTUMAT_PASSWORD="s3cret", TWINE_PASSWORD="s3cret")
    shown = (
        repr(found)
        + repr(found.find_index("https://a:s3cret@index.example.org"))
        + repr(found.find_credentials(found.indexes[0]))
    )
    assert "s3cret" not in shown
    assert "100%wonder" not in shown


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://index.example.org", True),
        ("http://localhost:8000", True),
        ("http://[::1]:1", True),
        ("http://10.0.0.1", False),
    ],
)
def test_only_tls_and_this_machine_are_a_private_line(url: str, private: bool) -> None:
    assert Index(url).is_private_line is private
