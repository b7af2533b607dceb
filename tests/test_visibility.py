"""What was published is there for everybody at once, whichever worker answers."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from harness.artifacts import make_wheel, upload_form
from harness.server import Answer, Index, basic, read

NewName = Callable[[str], str]
CONNECTIONS = 24
TYPES = {"json": "application/vnd.pypi.simple.v1+json", "html": "text/html"}


class Crowd:
    """Many connections that stay open: the kernel has dealt them out to all workers."""

    def __init__(self, index: Index, stack: ExitStack) -> None:
        self.connections = [
            stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", index.port, timeout=60)))
            for _ in range(CONNECTIONS)
        ]

    def ask(self, path: str, accept: str) -> list[Answer]:
        """Everybody asks before anybody is read."""
        for connection in self.connections:
            connection.request("GET", path, headers={"Accept": accept, "Accept-Encoding": "identity"})
        return [read(connection.getresponse()) for connection in self.connections]


@pytest.fixture
def crowd(index: Index) -> Iterator[Crowd]:
    with ExitStack() as stack:
        crowd = Crowd(index, stack)
        crowd.ask("/simple/", TYPES["json"])
        assert workers_reached(index) == set(index.web_workers())
        yield crowd


def workers_reached(index: Index) -> set[int]:
    """Web workers that hold an open connection of a client."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{index.port:04X}") and row[3] == "01"}
    return {pid for pid in index.web_workers() if ours & set(open_in(pid))}


def open_in(pid: int) -> Iterator[str]:
    """What a process has open; what it closes meanwhile, it has not."""
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield os.readlink(each)


def publish(index: Index, token: str, name: str, version: str) -> str:
    wheel = make_wheel(name, version)
    body, headers = upload_form(wheel)
    assert index.request("POST", "/legacy/", body, headers | basic("__token__", token)).status == 200
    return wheel.filename


@pytest.mark.parametrize("form", TYPES)
def test_a_publish_is_visible_to_all_workers_at_once(
    form: str, index: Index, token: str, new_name: NewName, crowd: Crowd
) -> None:
    name = new_name("prompt")
    published: set[str] = set()
    assert {answer.status for answer in crowd.ask(f"/simple/{name}/", TYPES[form])} == {404}
    for number in range(20):
        published.add(publish(index, token, name, f"{number}.0"))
        for answer in crowd.ask(f"/simple/{name}/", TYPES[form]):
            assert {file for file in published if file not in answer.body.decode()} == set()


def test_a_yank_and_a_private_project_are_so_for_all_workers_at_once(
    index: Index, token: str, new_name: NewName, crowd: Crowd
) -> None:
    name = new_name("withdrawn")
    publish(index, token, name, "1.0")
    for number in range(10):
        reason = f"reason {number}"
        assert index.api("PUT", f"/project/{name}/1.0/yank", "alice", reason=reason).status == 200
        told = {
            json.loads(answer.body)["files"][0]["yanked"] for answer in crowd.ask(f"/simple/{name}/", TYPES["json"])
        }
        assert told == {reason}
    assert index.api("PUT", f"/project/{name}/visibility", "alice", is_private=True).status == 200
    assert {answer.status for answer in crowd.ask(f"/simple/{name}/", TYPES["json"])} == {404}


def test_a_validator_from_before_a_publish_is_not_believed_after_it(
    index: Index, token: str, new_name: NewName
) -> None:
    name = new_name("stale")
    publish(index, token, name, "1.0")
    before = index.get(f"/simple/{name}/", Accept=TYPES["json"]).headers["etag"]
    assert index.get(f"/simple/{name}/", Accept=TYPES["json"], If_None_Match=before).status == 304
    publish(index, token, name, "2.0")
    assert index.get(f"/simple/{name}/", Accept=TYPES["json"], If_None_Match=before).status == 200


def test_a_new_worker_knows_what_the_old_ones_knew(start_index: Callable[..., Index]) -> None:
    index = start_index(workers=1)
    token = index.token("alice")
    publish(index, token, "lasting", "1.0")
    assert list(index.files_of("lasting")) == ["lasting-1.0-py3-none-any.whl"]
    index.stop_cleanly()
    index.start()
    assert list(index.files_of("lasting")) == ["lasting-1.0-py3-none-any.whl"]
    publish(index, token, "lasting", "2.0")
    assert len(index.files_of("lasting")) == 2
    index.stop_cleanly()
