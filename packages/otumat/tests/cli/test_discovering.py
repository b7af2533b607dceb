from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]


@pytest.fixture
def published(otumat: Otumat, index: Any, make_wheel: Callable[..., Path]) -> Path:
    wheel = make_wheel("roundup", "1.0")
    done = otumat("publish", wheel, OTUMAT_INDEX=index.url, OTUMAT_USERNAME="alice", OTUMAT_PASSWORD="wonderland")
    assert done.returncode == 0, done.stderr
    return wheel


def test_D49_the_list_is_plain_lines_to_paste(otumat: Otumat, index: Any) -> None:
    done = otumat("classifiers", OTUMAT_INDEX=index.url)
    assert done.stdout.splitlines() == list(index.classifiers)
    assert done.stderr == f"{len(index.classifiers)} classifiers from {index.url}:\n"


def test_only_classifiers_with_all_words_are_listed(otumat: Otumat, index: Any) -> None:
    assert otumat("classifiers", "TRACK", "topic", "--index", index.url).stdout == (
        "Topic :: Software Development :: Bug Tracking\n"
    )


def test_a_word_that_no_classifier_has(otumat: Otumat, index: Any) -> None:
    done = otumat("classifiers", "xyzzy", "--index", index.url)
    assert done.returncode == 1
    assert f"No classifier of {index.url} contains 'xyzzy'." in done.stderr


def test_without_an_index_the_installed_list_is_told_as_such(otumat: Otumat) -> None:
    done = otumat("classifiers", "bug", "tracking")
    assert done.stdout == "Topic :: Software Development :: Bug Tracking\n"
    assert "No index is set" in done.stderr
    assert "from trove-classifiers 20" in done.stderr


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "{url}/nothing-here"])
def test_an_index_without_an_answer_is_told_before_the_installed_list(otumat: Otumat, index: Any, address: str) -> None:
    done = otumat("classifiers", "bug tracking", "--json", "--index", address.format(url=index.url))
    assert done.returncode == 0
    assert json.loads(done.stdout)["source"].startswith("trove-classifiers 20")
    assert "This is the list that is installed here." in done.stderr


def test_the_list_as_json(otumat: Otumat, index: Any) -> None:
    answer = json.loads(otumat("classifiers", "--json", "--index", index.url).stdout)
    assert answer == {"source": index.url, "classifiers": list(index.classifiers)}


def test_a_reader_that_has_enough_is_no_error(clean_environ: dict[str, str], index: Any) -> None:
    index.classifiers = tuple(f"Topic :: {number}" for number in range(100_000))
    line = [sys.executable, "-m", "otumat", "classifiers", "--index", index.url]
    with subprocess.Popen(
        line, env=clean_environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "Topic :: 0\n"
        process.stdout.close()
        told = process.stderr.read()
    assert process.returncode == 0
    assert "Traceback" not in told
    assert "BrokenPipe" not in told


@pytest.mark.usefixtures("published")
def test_info_shows_the_project(otumat: Otumat, index: Any) -> None:
    done = otumat("info", "Roundup", OTUMAT_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("roundup 1.0\nIssue tracking for the command line and the web\n\n")
    assert "  classifiers  Environment :: Console\n               Topic :: Office/Business\n" in done.stdout
    assert "roundup-1.0-py3-none-any.whl" in done.stdout


def test_info_as_json(otumat: Otumat, index: Any, published: Path) -> None:
    answer = json.loads(otumat("info", "roundup", "--json", OTUMAT_INDEX=index.url).stdout)
    assert (answer["name"], answer["version"]) == ("roundup", "1.0")
    assert answer["classifiers"] == ["Environment :: Console", "Topic :: Office/Business"]
    assert answer["files"][0]["filename"] == published.name


def test_info_of_an_unknown_project(otumat: Otumat, index: Any) -> None:
    done = otumat("info", "no-such-thing", "--json", OTUMAT_INDEX=index.url)
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["error"]["code"] == "project.unknown"
    assert answer["error"]["message"] == f"{index.url} shows no no-such-thing."


@pytest.mark.usefixtures("published")
def test_reading_sends_credentials_that_are_at_hand_and_asks_for_none(otumat: Otumat, index: Any) -> None:
    index.gets.clear()
    otumat("info", "roundup", OTUMAT_INDEX=index.url)
    otumat("info", "roundup", OTUMAT_INDEX=index.url, OTUMAT_USERNAME="alice", OTUMAT_PASSWORD="wonderland")
    assert ["authorization" in headers for _, headers in index.gets] == [False, True]
