"""`otumat register --verify`: the index says what it would have said, and keeps nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.audit import changed, snapshot
from harness.clients import Done, Home
from harness.projects import write_project
from harness.server import Index

pytestmark = pytest.mark.clients

NewName = Callable[[str], str]


@pytest.fixture(scope="module")
def still(start_index: Callable[..., Index]) -> Index:
    """An index that nobody else writes to, and that has nothing left to do from earlier."""
    index = start_index()
    index.create_user("alice")
    return index


@pytest.fixture
def register(home: Home, still: Index) -> Callable[..., Done]:
    """`otumat register …` in a project's folder."""
    alice = {"OTUMAT_INDEX": still.url, "OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": still.passwords["alice"]}

    def run(folder: Path, *words: str) -> Done:
        return home.run("otumat", "register", "--no-isolation", *words, cwd=folder, **alice)

    return run


def test_D43_verify_writes_nothing(
    still: Index, register: Callable[..., Done], new_name: NewName, tmp_path: Path
) -> None:
    known, unknown = (write_project(tmp_path / stem, "flit_core", new_name(stem)) for stem in ("known", "unknown"))
    register(known.folder).ok()
    before = snapshot(still)
    for project in (known, unknown):
        assert "nothing was kept" in register(project.folder, "--verify").ok()
    still.command("reindex")  # what is made anew by itself after many changes is nothing that was written
    assert changed(before, snapshot(still)) == {}
    register(unknown.folder).ok()
    assert {"table publish_project", "table journal_entry"} <= set(changed(before, snapshot(still)))


def test_D43_verify_tells_every_problem_at_once_and_writes_nothing(
    still: Index, register: Callable[..., Done], new_name: NewName, tmp_path: Path
) -> None:
    wrong = ["Topic :: Offise/Business", "Framework :: Djago"]
    project = write_project(
        tmp_path / "wrong", "hatchling", new_name("wrong"), classifiers=["Topic :: Office/Business"]
    )
    text = project.folder / "setup.py"
    (project.folder / "pyproject.toml").unlink()
    text.write_text(f"import setuptools\nsetuptools.setup(name={project.name!r}, version='1.0', classifiers={wrong})\n")
    before = snapshot(still)
    said = register(project.folder, "--verify").failed()
    assert "Topic :: Office/Business" in said
    assert "Framework :: Django" in said
    assert changed(before, snapshot(still)) == {}
