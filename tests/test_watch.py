"""`otumat watch` beside a build: wheels are published as they appear in a folder, whole and once each."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.artifacts import Artifact, make_wheel
from harness.clients import BIN, Home
from harness.server import Index
from harness.waiting import PATIENCE_S, until

pytestmark = pytest.mark.clients
PUBLISH = """#!/bin/sh
xargs -d '\\n' otumat publish < "$OTUMAT_WATCH_LIST" >&2
"""


@pytest.fixture
def dist(home: Home) -> Path:
    """The folder that a build writes to, and the script beside it."""
    folder = home.folder / "dist"
    folder.mkdir()
    (home.folder / "publish.sh").write_text(PUBLISH)
    return folder


@contextmanager
def watching(home: Home, index: Index, token: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command at work; it must end well when it is told to."""
    environ = home.environ() | {"OTUMAT_INDEX": index.url, "OTUMAT_TOKEN": token}
    line = [str(BIN / "otumat"), "watch", "-f", "dist", "-s", "./publish.sh", "--quiet", "2", *words]
    said = home.folder / "said"
    with (
        said.open("wb") as log,
        subprocess.Popen(line, cwd=home.folder, env=environ, stdout=log, stderr=log) as process,
    ):
        try:
            until(lambda: b"Watching dist." in said.read_bytes())
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0, said.read_text()
            assert "Traceback" not in said.read_text()
        finally:
            process.kill()


def published(index: Index, wheels: list[Artifact]) -> bool:
    """Whether the index has all of these, byte for byte."""
    found = {name: file for wheel in wheels for name, file in index.files_of(wheel.project).items()}
    return all(found.get(each.filename, {"hashes": {}})["hashes"].get("sha256") == each.sha256 for each in wheels)


def test_wheels_are_published_as_they_appear_after_a_restart_too(
    index: Index, token: str, home: Home, dist: Path, new_name: Callable[[str], str]
) -> None:
    wheels = [make_wheel(new_name("watched")) for _ in range(6)]
    early, many, slow, late = wheels[0], wheels[1:4], wheels[4], wheels[5]
    early.write(dist)
    with watching(home, index, token, "--initialize"):
        until(lambda: published(index, [early]), every_s=0.1)
        for each in many:
            each.write(dist)
        until(lambda: published(index, many), every_s=0.1)
        half = len(slow.data) // 2
        with (dist / slow.filename).open("wb") as file:
            for start in range(0, half, 40):
                file.write(slow.data[start : min(start + 40, half)])
                file.flush()
                time.sleep(0.2)
            assert index.files_of(slow.project) == {}
            file.write(slow.data[half:])
        until(lambda: published(index, [slow]), every_s=0.1)
    (home.folder / "aside").write_bytes(late.data)
    os.replace(home.folder / "aside", dist / late.filename)
    assert index.files_of(late.project) == {}
    with watching(home, index, token, "--initialize"):
        until(lambda: published(index, wheels), every_s=0.1)
    assert [len(index.files_of(each.project)) for each in wheels] == [1] * len(wheels)
