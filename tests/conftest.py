"""Both rooms together: real clients against a started index."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.clients import Home
from harness.projects import Project, write_project
from harness.server import Index
from harness.waiting import stay_in_one_day

StartIndex = Callable[..., Index]
LONGEST_S = 120
"""That one test takes."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A failed test shows what the servers said."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Index):
                report.sections.append((f"server log of {name}", value.told()))
    return report


@pytest.fixture(autouse=True)
def one_day() -> None:
    """A server, a program and their test are to agree on what day it is."""
    stay_in_one_day(LONGEST_S)


@pytest.fixture(scope="session")
def start_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartIndex]:
    """Start an index of one's own: `start_index(FILES_URL=…, workers=2)`. All are ended with the session."""
    started: list[Index] = []

    def start(*, workers: int = 2, **settings: str) -> Index:
        index = Index(tmp_path_factory.mktemp("index") / "data", settings, workers=workers)
        started.append(index)
        index.start()
        return index

    yield start
    for index in started:
        if index.pids():
            index.kill()
        index.catalogue.drop()
        shutil.rmtree(index.data.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def index(start_index: StartIndex) -> Iterator[Index]:
    """The index most tests share; everyone uses names of their own. It must stop cleanly and have logged no failure."""
    index = start_index()
    yield index
    index.stop_cleanly()
    assert "Traceback" not in index.log.read_text("utf-8"), index.told()


@pytest.fixture(scope="session")
def alice(index: Index) -> str:
    """Alice's password."""
    return index.create_user("alice")


@pytest.fixture(scope="session")
def token(index: Index) -> str:
    """An API token of Alice."""
    return index.token("alice")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home folder with nothing in it."""
    folder = tmp_path / "home"
    folder.mkdir()
    return Home(folder)


@pytest.fixture(scope="session")
def new_name() -> Callable[[str], str]:
    """Names nobody has used yet in this session: `new_name("roundup")`."""
    numbers = itertools.count(1)
    return lambda stem: f"{stem}-{next(numbers)}a"


@pytest.fixture
def project(tmp_path: Path, home: Home, new_name: Callable[[str], str]) -> Callable[..., Project]:
    """Write and build a project: `project("hatchling", version="1.1")`."""

    def make(backend: str, name: str = "", **words: Any) -> Project:
        name = name or new_name(backend.replace("_", "-"))
        folder = tmp_path / f"{name}-{words.get('version', '1.0')}"
        return write_project(folder, backend, name, **words).build(home)

    return make
