"""kill -9 at any point: nothing that was promised is lost, and nothing is left over."""

from __future__ import annotations

import http.client
import random
import signal
import time
from collections.abc import Callable

import pytest

from harness.artifacts import make_wheel, upload_form
from harness.audit import check_journal, check_local_files, check_rows, check_shown
from harness.server import Index, basic, kill, read
from harness.uploaders import Crew
from harness.waiting import PATIENCE_S

StartIndex = Callable[..., Index]
CRASHES = 8
WORKER_CRASHES = 16


def check_everything(index: Index, crew: Crew) -> None:
    """The catalogue, the files, the journal and the pages agree, and every promise was kept."""
    check_journal(index)
    files = check_rows(index)
    check_local_files(index, files)
    check_shown(index, files)
    kept = {filename: sha256 for filename, (_, sha256) in files.items()}
    assert {name for name, sha256 in crew.accepted.items() if kept.get(name) != sha256} == set()
    assert crew.refused == []


@pytest.fixture(scope="module")
def index(start_index: StartIndex) -> Index:
    """One index lives through all of it."""
    return start_index()


@pytest.fixture(scope="module")
def crew(index: Index) -> Crew:
    return Crew(index, index.token("alice"))


@pytest.fixture(autouse=True)
def _is_running(index: Index) -> None:
    if not index.pids():
        index.start()


def test_kill_9_of_everything_loses_and_leaves_nothing(index: Index, crew: Crew) -> None:
    moments = random.Random(20)
    for _ in range(CRASHES):
        with crew.at_work():
            time.sleep(moments.uniform(0, 0.4))
            index.kill()
        index.start()
        check_everything(index, crew)
    assert crew.broken >= CRASHES


def test_kill_9_of_workers_loses_and_leaves_nothing(index: Index, crew: Crew) -> None:
    moments = random.Random(21)
    with crew.at_work():
        for _ in range(WORKER_CRASHES):
            time.sleep(moments.uniform(0.05, 0.3))
            for pid in index.web_workers()[:1]:
                kill(pid)
    assert crew.broken >= 1
    index.stop_cleanly()
    index.start()
    check_everything(index, crew)


def test_kill_9_of_the_follower_keeps_pages_true(index: Index, crew: Crew) -> None:
    with crew.at_work():
        for _ in range(5):
            for pid in index.followers():
                kill(pid)
            time.sleep(0.2)
    check_shown(index, check_rows(index))


def test_sigterm_lets_uploads_under_way_finish(index: Index, crew: Crew) -> None:
    with crew.at_work():
        index.stop_cleanly()
    assert crew.refused == []
    index.start()
    check_everything(index, crew)


def test_sigterm_waits_for_a_body_that_is_still_coming(index: Index, crew: Crew) -> None:
    """Half of an upload is there when the operator stops the index: it is finished, or it leaves no trace."""
    wheel = make_wheel("slow", members={"blob.bin": random.Random(1).randbytes(400_000)})
    body, headers = upload_form(wheel)
    connection = http.client.HTTPConnection("127.0.0.1", index.port, timeout=PATIENCE_S)
    connection.putrequest("POST", "/legacy/")
    for name, value in (headers | basic("__token__", crew.token) | {"Content-Length": str(len(body))}).items():
        connection.putheader(name, value)
    connection.endheaders(body[: len(body) // 2])
    assert index.process is not None
    time.sleep(0.2)
    index.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    try:
        connection.send(body[len(body) // 2 :])
        if read(connection.getresponse()).status == 200:
            crew.accepted[wheel.filename] = wheel.sha256
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    assert (index.process.wait(PATIENCE_S), index.pids()) == (0, [])
    index.start()
    check_everything(index, crew)


def test_a_client_that_breaks_off_leaves_nothing(index: Index, crew: Crew) -> None:
    wheel = make_wheel("broken-off", members={"blob.bin": random.Random(2).randbytes(3_000_000)})
    body, headers = upload_form(wheel)
    for share in (0.0, 0.1, 0.5, 0.999):
        connection = http.client.HTTPConnection("127.0.0.1", index.port, timeout=PATIENCE_S)
        connection.putrequest("POST", "/legacy/")
        for name, value in (headers | basic("__token__", crew.token) | {"Content-Length": str(len(body))}).items():
            connection.putheader(name, value)
        connection.endheaders(body[: int(len(body) * share)] or None)
        connection.close()
    check_everything(index, crew)
    assert index.files_of("broken-off") == {}
    assert crew.send(wheel)
    check_everything(index, crew)


def test_A61_of_uploads_of_one_name_at_once_one_wins(index: Index, crew: Crew) -> None:
    """Eight people send other bytes under one name, in the same moment, again and again."""
    from concurrent.futures import ThreadPoolExecutor

    for version in range(6):
        wheels = [make_wheel("contested", f"{version}.0", members={"n.py": f"x = {n}\n".encode()}) for n in range(8)]

        def send(wheel: object) -> int:
            body, headers = upload_form(wheel)  # type: ignore[arg-type]
            return index.request("POST", "/legacy/", body, headers | basic("__token__", crew.token)).status

        with ThreadPoolExecutor(8) as people:
            statuses = list(people.map(send, wheels))
        assert sorted(statuses) == [200, *[409] * 7]
        winner = wheels[statuses.index(200)]
        assert index.files_of("contested")[winner.filename]["hashes"]["sha256"] == winner.sha256
    check_everything(index, crew)
