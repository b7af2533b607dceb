"""People who upload as fast as they can, and write down what they were told."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Lock, Thread

from harness.artifacts import Artifact, make_wheel, upload_form
from harness.server import Index, basic
from harness.waiting import PATIENCE_S


@dataclass
class Crew:
    """
    What a crew of uploaders did.

    Attributes:
        accepted: sha256 by filename of every upload that was answered with success.
        broken: How many uploads got no whole answer.
        refused: Other answers; nobody should get one.
    """

    index: Index
    token: str
    accepted: dict[str, str] = field(default_factory=dict)
    broken: int = 0
    refused: list[tuple[int, bytes]] = field(default_factory=list)
    started: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def at_work(self, people: int = 4) -> Iterator[None]:
        """Everybody uploads until the block ends or the server is gone; returns once everybody went home."""
        self.started.clear()
        ended = Event()
        threads = [Thread(target=self.work, args=(f"crew-{person}", ended)) for person in range(people)]
        for thread in threads:
            thread.start()
        try:
            assert self.started.wait(PATIENCE_S), "no upload was accepted"
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def work(self, project: str, ended: Event) -> None:
        """One person, one project, one new version after another; what broke off is sent again."""
        while not ended.is_set():
            wheel = make_wheel(project, f"{next(self.numbers)}.0")
            while not self.send(wheel) and not ended.wait(0.02):
                pass

    def send(self, wheel: Artifact) -> bool:
        """Upload once; whether there was a whole answer."""
        body, headers = upload_form(wheel)
        try:
            answer = self.index.request("POST", "/legacy/", body, headers | basic("__token__", self.token))
        except (OSError, http.client.HTTPException):
            with self.lock:
                self.broken += 1
            return False
        with self.lock:
            if answer.status == 200:
                self.accepted[wheel.filename] = wheel.sha256
                self.started.set()
            else:
                self.refused.append((answer.status, answer.body))
        return True
