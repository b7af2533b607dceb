"""The searcher beside a running index: current within a second, the same for all workers, and back whatever happens."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.artifacts import make_wheel, upload_form
from harness.server import BIN, Index, basic, kill, marked_processes
from harness.waiting import PATIENCE_S, until
from otumat_index.discover.search import wire
from otumat_index.discover.search.asked import Query, Term

StartIndex = Callable[..., Index]


@pytest.fixture(scope="module")
def index(start_index: StartIndex) -> Index:
    """One index of 300 projects lives through all of it."""
    started = start_index()
    names = (f"{first}-{second}-{number}" for number in range(75) for first in ("net", "sail") for second in "ab")
    lines = [{"metadata_version": "2.1", "name": name, "version": "1.0", "summary": "A line"} for name in names]
    file = started.data.parent / "records.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n")
    started.create_user("alice")
    started.command("import", str(file), "--owner", "alice")
    return started


@pytest.fixture(autouse=True)
def _is_running(index: Index) -> None:
    if not index.pids():
        index.start()
    until(lambda: ask(index)["ready"])


def ask(index: Index, *words: str, sees: tuple[int, ...] = ()) -> dict[str, Any]:
    """What the searcher answers to some words; not ready where there is none."""
    query = wire.query_as_told(Query(tuple(Term("text", (word,)) for word in words)))
    told = {"ask": query, "sees": sees, "rows": 20, "place": "", "counts": True, "at": 1_800_000_000, "nodes": ""}
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(PATIENCE_S)
            with wire.Address(index.data / "search" / "searcher.sock") as address:
                connection.connect(address)
            wire.send(connection, told)
            return wire.receive(connection, most=wire.ANSWER_MAX_BYTES)[0]
    except (OSError, wire.Broken):
        return {"ready": False, "projects": 0, "serial": 0}


def searchers(index: Index) -> list[int]:
    return [pid for pid, words in marked_processes(index.mark) if "otumat_index.serving:search" in words]


def folders(index: Index) -> list[Path]:
    return sorted((index.data / "search").glob("index-*"))


@pytest.fixture
def publish(index: Index) -> Callable[[str], None]:
    token = index.token("alice")

    def act(name: str) -> None:
        body, headers = upload_form(make_wheel(name))
        assert index.request("POST", "/legacy/", body, headers | basic("__token__", token)).status == 200

    return act


def test_import_returns_when_search_shows_the_rows(index: Index) -> None:
    """Nobody waited between the import and this question."""
    assert ask(index, "line")["total"] >= 300


def test_a_new_project_is_found_and_a_hidden_one_is_not(index: Index, publish: Callable[[str], None]) -> None:
    publish("spinnaker")
    until(lambda: ask(index, "spinnaker")["total"] == 1)
    pk = ask(index, "spinnaker")["ids"][0]
    assert index.api("PUT", "/project/spinnaker/visibility", "alice", is_private=True).status == 200
    until(lambda: ask(index, "spinnaker")["total"] == 0)
    assert ask(index, "spinnaker", sees=(pk,))["total"] == 1
    assert ask(index, "spinaker")["suggestion"] == ""


def test_all_workers_tell_the_same_within_a_second(index: Index, publish: Callable[[str], None]) -> None:
    """Each request is a connection of its own, and the kernel deals them out to both workers."""
    publish("mizzen")
    until(lambda: index.get("/api/v1/search?q=mizzen").json()["total"] == 1)
    answers = [index.get("/api/v1/search?q=mizzen").json() for _ in range(12)]
    assert {answer["total"] for answer in answers} == {1}


def test_kill_9_of_the_searcher_loses_nothing(index: Index, publish: Callable[[str], None]) -> None:
    moments = random.Random(4)
    for number in range(4):
        publish(f"jib-{number}")
        time.sleep(moments.uniform(0, 0.1))
        for pid in searchers(index):
            kill(pid)
        until(lambda wanted=number: ask(index, "jib").get("total") == wanted + 1)  # type: ignore[misc]
    assert ask(index, "line")["total"] == 300


def test_kill_9_during_a_build_leaves_the_old_index(index: Index) -> None:
    moments = random.Random(5)
    for _ in range(6):
        builder = subprocess.Popen([BIN / "otumat-index", "reindex", "--data", index.data], env=index.environ())
        time.sleep(moments.uniform(0.3, 1.2))
        builder.send_signal(signal.SIGKILL)
        builder.wait()
        assert ask(index, "line")["total"] == 300
    index.command("reindex")
    assert [path.name for path in (index.data / "search").iterdir() if path.name.startswith("new-")] == []
    assert len(folders(index)) == 1
    assert ask(index, "line")["total"] == 300


def test_reindex_is_taken_without_downtime(index: Index) -> None:
    before = folders(index)
    builder = subprocess.Popen([BIN / "otumat-index", "reindex", "--data", index.data], env=index.environ())
    while builder.poll() is None:
        assert ask(index, "line")["total"] == 300
    assert builder.returncode == 0
    assert folders(index) != before
    until(lambda: len(folders(index)) == 1)
    assert ask(index, "line")["total"] == 300


@pytest.mark.parametrize("array", ["common.bin", "rows.bin", "head.json"])
def test_a_corrupted_folder_is_built_anew(index: Index, array: str) -> None:
    index.stop()
    path = folders(index)[-1] / array
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    index.start()
    until(lambda: ask(index, "line").get("total") == 300)
    assert "is damaged" in index.told()


def test_a_deleted_folder_is_built_anew(index: Index) -> None:
    index.stop()
    for folder in folders(index):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    index.start()
    until(lambda: ask(index, "line").get("total") == 300)


def test_noise_at_the_socket_ends_that_connection_only(index: Index) -> None:
    for noise in (b"\xff" * 64, b"\0\0\0\x02\0\0\0\0[]", b'\0\0\0\x0d\0\0\0\0{"ask":{"x":1}}'[:21]):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(PATIENCE_S)
            with wire.Address(index.data / "search" / "searcher.sock") as address:
                connection.connect(address)
            connection.sendall(noise)
            assert connection.recv(10) == b""
    assert ask(index, "line")["total"] == 300
