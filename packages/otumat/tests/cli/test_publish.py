from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]
    Make = Callable[..., Path]

ALICE = {"OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": "wonderland"}


@pytest.fixture
def as_alice(index: Any) -> dict[str, str]:
    return {**ALICE, "OTUMAT_INDEX": index.url}


def test_a_wheel_and_an_sdist_are_sent(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make, make_sdist: Make
) -> None:
    sdist, wheel = make_sdist(), make_wheel()
    done = otumat("publish", sdist, wheel, **as_alice)
    assert done.returncode == 0, done.stderr
    assert f"{index.url}/project/roundup/" in done.stdout.splitlines()
    assert index.files == {wheel.name: wheel.read_bytes(), sdist.name: sdist.read_bytes()}


def test_the_wheel_goes_before_the_sdist(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make, make_sdist: Make
) -> None:
    otumat("publish", make_sdist(), make_wheel(), **as_alice)
    assert [post.one("filetype") for post in index.posts] == ["bdist_wheel", "sdist"]


def test_the_form_is_that_of_every_upload_client(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make
) -> None:
    wheel = make_wheel(content=b"y" * 300_000)
    otumat("publish", wheel, **as_alice)
    (post,) = index.posts
    assert post.path == "/legacy/"
    assert post.fields[0] == (":action", "file_upload")
    assert post.headers["accept"] == "application/json"
    assert post.one("protocol_version") == "1"
    assert (post.one("filetype"), post.one("pyversion")) == ("bdist_wheel", "py3")
    assert post.one("sha256_digest") == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert post.one("blake2_256_digest") == hashlib.blake2b(wheel.read_bytes(), digest_size=32).hexdigest()
    assert post.all("classifiers") == ["Environment :: Console", "Topic :: Office/Business"]
    assert post.files == {"content": (wheel.name, wheel.read_bytes())}


def test_files_that_are_there_are_skipped(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make, make_sdist: Make
) -> None:
    wheel = make_wheel()
    otumat("publish", wheel, **as_alice)
    done = otumat("publish", wheel, make_sdist(), "--json", **as_alice)
    assert [(each["filename"], each["action"]) for each in json.loads(done.stdout)["files"]] == [
        ("roundup-1.0-py3-none-any.whl", "skipped"),
        ("roundup-1.0.tar.gz", "updated"),
    ]
    assert len(index.posts) == 2


def test_a_taken_name_with_other_bytes_stops_everything(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make, make_sdist: Make
) -> None:
    otumat("publish", make_wheel(), **as_alice)
    done = otumat("publish", make_wheel(content=b"other"), make_sdist(), **as_alice)
    assert done.returncode == 1
    assert "never reused" in done.stderr
    assert len(index.posts) == 1


def test_all_problems_of_all_files_are_told_before_anything_is_sent(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make, tmp_path: Path
) -> None:
    good = make_wheel()
    (tmp_path / "dist" / "bad-1.0-py3-none-any.whl").write_bytes(b"no zip")
    (tmp_path / "dist" / "notes.txt").write_text("hello")
    done = otumat("publish", "dist/*", **as_alice)
    assert done.returncode == 1
    assert "bad-1.0-py3-none-any.whl: " in done.stderr
    assert "notes.txt: " in done.stderr
    assert good.name not in done.stderr
    assert index.posts == []
    assert index.gets == []


def test_D43_verify_leaves_nothing_on_the_index(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make
) -> None:
    done = otumat("publish", "--verify", make_wheel(), **as_alice)
    assert done.returncode == 0, done.stderr
    assert index.posts[0].one("verify") == "1"
    assert index.releases == {}
    assert "holds" in done.stdout


BAD = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nClassifier: Nonsense :: {name}\n"


def test_D44_verify_tells_the_problems_of_every_file(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make
) -> None:
    files = [make_wheel("aa", metadata=BAD), make_wheel("bb", metadata=BAD)]
    done = otumat("publish", "--verify", *files, **as_alice)
    assert done.returncode == 1
    assert "aa-1.0-py3-none-any.whl: classifiers: 'Nonsense :: aa' is not in the list" in done.stderr
    assert "bb-1.0-py3-none-any.whl: classifiers: 'Nonsense :: bb' is not in the list" in done.stderr


def test_the_first_refusal_ends_a_publication_and_names_what_is_left(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make
) -> None:
    done = otumat("publish", make_wheel("aa", metadata=BAD), make_wheel("bb"), **as_alice)
    assert done.returncode == 1
    assert "Still to be sent: aa-1.0-py3-none-any.whl, bb-1.0-py3-none-any.whl." in done.stderr
    assert index.releases == {}


def test_a_refusal_as_json_tells_what_was_sent_before(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make
) -> None:
    done = otumat("publish", "--json", make_wheel("aa"), make_wheel("bb", metadata=BAD), **as_alice)
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert not answer["ok"]
    assert [each["filename"] for each in answer["files"]] == ["aa-1.0-py3-none-any.whl"]
    assert [each["code"] for each in answer["problems"]] == ["classifier.unknown"]


def test_a_missing_file_is_a_mistake_in_the_command(otumat: Otumat, index: Any, as_alice: dict[str, str]) -> None:
    done = otumat("publish", "dist/*", **as_alice)
    assert done.returncode == 2
    assert "There is no dist/*. Build first" in done.stderr


def test_a_folder_is_answered_with_how_to_name_its_files(
    otumat: Otumat, index: Any, as_alice: dict[str, str], make_wheel: Make
) -> None:
    done = otumat("publish", make_wheel().parent.name, **as_alice)
    assert done.returncode == 2
    assert "dist is a folder. Name its files: dist/*" in done.stderr


def test_an_index_that_is_not_running_is_told_as_such(otumat: Otumat, make_wheel: Make) -> None:
    done = otumat("publish", make_wheel(), "--index", "http://127.0.0.1:1", **ALICE)
    assert done.returncode == 1
    assert "Nothing answers at 127.0.0.1:1" in done.stderr
