"""U14 on a started index: every file it writes is searched, running and stopped; and kill -9 while it erases."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import random
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from harness.audit import contents
from harness.databases import Postgresql
from harness.server import Answer, Index, basic
from harness.waiting import PATIENCE_S, until

StartIndex = Callable[..., Index]
NAME = "leaving"
MANIFEST = f'project = "{NAME}"\npurpose = "To learn."\n[[event]]\nname = "import"\npurpose = "Uses."\n'
ERASED = 8
KILLED = 6


@pytest.fixture(scope="module")
def index(start_index: StartIndex) -> Index:
    """An index of its own, with a project that collects."""
    index = start_index(LOG_LEVEL="INFO")
    alice = basic("__token__", index.token("alice")) | {"Content-Type": "application/json"}
    body = json.dumps({"name": NAME, "version": "1.0"}).encode()
    assert index.request("POST", "/submit", urlencode(json.loads(body)).encode(), alice | FORM).status == 200
    assert index.api("PUT", f"/project/{NAME}/usage", "alice", collect=True).status == 200
    return index


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Copy:
    """A copy that tells: everything that it sent, and was told."""

    def __init__(self, index: Index) -> None:
        self.index, self.key, self.bodies, self.texts = index, secrets.token_hex(16), [], []
        sent = {"project": NAME, "release": "1.0"}
        headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
        self.hold(index.request("POST", "/api/usage-install", json.dumps(sent).encode(), headers))

    bodies: list[bytes]
    texts: list[str]

    def hold(self, answer: Answer) -> None:
        assert answer.status in (200, 201), answer
        self.told: dict[str, Any] = answer.json()
        self.texts += [self.told[name] for name in ("access_token", "refresh_token", "proof") if name in self.told]

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.told['access_token']}"}

    @property
    def path(self) -> str:
        return f"/api/usage-install/{self.told['install']}"

    def tell(self) -> Answer:
        batch, number = secrets.token_hex(16), len(self.bodies) + 1
        day = datetime.now(UTC).date().isoformat()
        use = {"release": "1.0", "python": "3.12", "system": "linux", "machine": "x86_64", "ci": False}
        told = {"batch": batch, "sequence": number, "install": self.told["install"], "project": NAME}
        told |= {"uses": [{**use, "rows": [[day, "import", {}, 1]]}]}
        packed = gzip.compress(json.dumps(told).encode())
        kind = {"Content-Type": "application/vnd.otumat.usage.v1+json", "Content-Encoding": "gzip"}
        self.bodies.append(packed)
        return self.index.request("POST", "/api/usage-event", packed, self.bearer | kind | {"Idempotency-Key": batch})

    def refresh(self) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": self.told["refresh_token"], "client_id": "otumat-usage"}
        self.hold(self.index.request("POST", "/auth/token", urlencode(form).encode(), FORM))

    def erase(self) -> Answer:
        return self.index.request("DELETE", f"{self.path}?erase=1", b"", self.bearer | {"Idempotency-Key": self.key})

    def look(self) -> int:
        return self.index.request("GET", self.path, None, self.bearer).status

    def traces(self) -> list[bytes]:
        """All by which it could be known: its id, its tokens and their digests, its bytes, its batches' ids."""
        texts = [self.told["install"], *self.texts, *(hashlib.sha256(text.encode()).hexdigest() for text in self.texts)]
        texts += [text.partition(".")[2] for text in self.texts]
        plain = [gzip.decompress(body) for body in self.bodies]
        texts += [hashlib.sha256(body).hexdigest() for body in plain]
        texts += re.findall(r'"batch": "(\w+)"', b" ".join(plain).decode())
        return [text.encode() for text in texts] + [body[10:-8] for body in self.bodies] + plain


def everything(index: Index) -> dict[str, bytes]:
    """Every file that the index writes: its data, its database, its log."""
    found = dict(contents(index.data.parent))
    assert index.log in found
    return {str(path.relative_to(index.data.parent)): content for path, content in found.items()}


def places(index: Index, wanted: list[bytes]) -> set[str]:
    return {name for name, data in everything(index).items() if any(text in data for text in wanted)}


def is_let_go(index: Index) -> bool:
    """Whether SQLite's log is cut off: at once, or within a minute where somebody was just reading what was."""
    return isinstance(index.catalogue, Postgresql) or not index.catalogue.rows(
        "SELECT 1 FROM usage_erasure WHERE NOT scrubbed"
    )


def counted(index: Index) -> int:
    answer = index.api("GET", f"/project/{NAME}/usage", "alice")
    return sum(each["times"] for each in answer.json()["events"])


def test_U14_no_file_of_a_running_or_stopped_index_has_a_trace_of_the_erased(index: Index) -> None:
    copies = [Copy(index) for _ in range(40)]
    for copy in copies:
        for _ in range(3):
            assert copy.tell().status == 200
            copy.refresh()
        assert copy.look() == 200
    before = counted(index)
    gone = copies[:: len(copies) // ERASED]
    at_once = 0
    for copy in gone:
        assert copy.erase().status == 200
        assert copy.look() == 401
        at_once += is_let_go(index)
        until(lambda: is_let_go(index))
        assert places(index, copy.traces()) == set()
    assert at_once, "it is never let go of before the next minute"
    for copy in set(copies) - set(gone):
        assert copy.tell().status == 200
    for copy in gone:
        assert places(index, copy.traces()) == set()
    assert counted(index) == before + len(copies) - len(gone)
    index.stop_cleanly()
    assert places(index, [text for copy in gone for text in copy.traces()]) == set()
    index.start()
    again = Copy(index)
    assert again.told["install"] not in {copy.told["install"] for copy in gone}


def test_kill_9_while_erasing_leaves_an_install_whole_or_gone_with_its_receipt(index: Index) -> None:
    index.workers = 1  # it is started often
    moments = random.Random(7)
    went = 0
    for _ in range(KILLED):
        copy = Copy(index)
        assert copy.tell().status == 200
        asking = threading.Thread(target=unheard, args=(index, copy))
        asking.start()
        time.sleep(moments.uniform(0.002, 0.06))
        index.kill()
        asking.join()
        index.start()
        went += copy.look() == 401
        answer = copy.erase()
        assert answer.status == 200, answer
        assert (answer.json()["receipt"]["install"], answer.json()["receipt"]["batches"]) == (copy.told["install"], 1)
        assert (copy.look(), copy.tell().status) == (401, 401)
        assert copy.erase().json()["receipt"]["erased"] == answer.json()["receipt"]["erased"]
    print(f"{went} of {KILLED} were gone before the receipt came")


def unheard(index: Index, copy: Copy) -> None:
    """Ask for an erasure, whose answer nobody hears."""
    with closing(http.client.HTTPConnection("127.0.0.1", index.port, timeout=PATIENCE_S)) as line:
        try:
            line.request("DELETE", f"{copy.path}?erase=1", headers=copy.bearer | {"Idempotency-Key": copy.key})
            line.getresponse()
        except (OSError, http.client.HTTPException):
            pass
