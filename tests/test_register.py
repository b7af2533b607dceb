"""The draft's commands from the client's side, against a real index."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.clients import Done, Home
from harness.projects import BACKENDS, write_project
from harness.server import Index

pytestmark = pytest.mark.clients

NewName = Callable[[str], str]
# The example of the draft, "Distutils Trove Categorisation"; the licence has a name of its own in today's list.
SETUP = """\
from setuptools import setup

setup(
    name = {name!r},
    version = "0.5.2",
    description = "Keeps track of issues",
    discriminators = [
        'Development Status :: 4 - Beta',
        'Environment :: Console',
        'Environment :: Web Environment',
        'Intended Audience :: End Users/Desktop',
        'Intended Audience :: Developers',
        'Intended Audience :: System Administrators',
        'Operating System :: MacOS :: MacOS X',
        'Operating System :: Microsoft :: Windows',
        'Operating System :: POSIX',
        'Programming Language :: Python',
        'Topic :: Communications :: Email',
        'Topic :: Office/Business',
        {more}
    ],
    url = 'http://sourceforge.net/projects/roundup/',
    py_modules = [],
)
"""


@pytest.fixture
def as_alice(index: Index, alice: str) -> dict[str, str]:
    return {"OTUMAT_INDEX": index.url, "OTUMAT_USERNAME": "alice", "OTUMAT_PASSWORD": alice}


@pytest.fixture
def register(home: Home, as_alice: dict[str, str]) -> Callable[..., Done]:
    """`otumat register …` in a project's folder."""

    def run(folder: Path, *words: str) -> Done:
        return home.run("otumat", "register", "--no-isolation", *words, cwd=folder, **as_alice)

    return run


def info_of(index: Index, name: str) -> dict[str, object]:
    return dict(index.get(f"/pypi/{name}/json").json()["info"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_D16_a_project_of_any_back_end_is_registered_from_its_folder(
    backend: str, index: Index, register: Callable[..., Done], new_name: NewName, tmp_path: Path
) -> None:
    made = write_project(tmp_path / "project", backend, new_name("registered"))
    said = register(made.folder).ok()
    assert f"/project/{made.name}/" in said.splitlines()[-1]
    assert "Keeps track" in said
    info = info_of(index, made.name)
    assert info["summary"] == f"Keeps track of {made.name}"
    assert info["requires_python"] == ">=3.11"
    assert "Köln" in str(info["description"])
    assert "Älice" in str(info["author_email"]) + str(info["author"])
    assert index.files_of(made.name) == {}


def test_D20_registering_again_replaces_all_information(
    index: Index, register: Callable[..., Done], new_name: NewName, tmp_path: Path
) -> None:
    name = new_name("replaced")
    register(write_project(tmp_path / "one", "hatchling", name).folder).ok()
    assert info_of(index, name)["classifiers"]
    register(write_project(tmp_path / "two", "hatchling", name, classifiers=[]).folder).ok()
    assert info_of(index, name)["classifiers"] == []


def test_json_is_for_scripts(register: Callable[..., Done], new_name: NewName, tmp_path: Path) -> None:
    project = write_project(tmp_path / "scripted", "setuptools", new_name("scripted"))
    said = register(project.folder, "--json").ok()
    told = json.loads(said[said.index("\n{") if not said.startswith("{") else 0 :])
    assert (told["ok"], told["action"], told["version"]) == (True, "created", "1.0")


def test_D17_the_seeds_setup_script_registers_itself(
    home: Home, index: Index, as_alice: dict[str, str], new_name: NewName, tmp_path: Path
) -> None:
    name = new_name("roundup")
    (tmp_path / "setup.py").write_text(SETUP.format(name=name, more="'Topic :: Software Development :: Bug Tracking',"))
    home.python("setup.py", "register", cwd=tmp_path, **as_alice).ok()
    info = info_of(index, name)
    assert (info["version"], info["summary"]) == ("0.5.2", "Keeps track of issues")
    assert "Topic :: Software Development :: Bug Tracking" in info["classifiers"]  # type: ignore[operator]
    assert len(info["classifiers"]) == 13  # type: ignore[arg-type]


def test_D17_the_seeds_setup_script_verifies_and_fails_with_the_reason(
    home: Home, index: Index, as_alice: dict[str, str], new_name: NewName, tmp_path: Path
) -> None:
    name = new_name("roundup")
    (tmp_path / "setup.py").write_text(SETUP.format(name=name, more="'Topic :: Offise/Business',"))
    said = home.python("setup.py", "register", "--verify", cwd=tmp_path, **as_alice).failed()
    assert "Topic :: Office/Business" in said
    assert index.get(f"/pypi/{name}/json").status == 404


def test_classifiers_come_from_the_index(home: Home, index: Index, as_alice: dict[str, str]) -> None:
    said = home.run("otumat", "classifiers", "bug", "tracking", cwd=home.folder, **as_alice).ok()
    assert index.url in said
    assert "Topic :: Software Development :: Bug Tracking" in said.splitlines()


def test_info_tells_what_the_index_knows(
    home: Home, index: Index, register: Callable[..., Done], as_alice: dict[str, str], new_name: NewName, tmp_path: Path
) -> None:
    project = write_project(tmp_path / "known", "pdm", new_name("known"))
    register(project.folder).ok()
    said = home.run("otumat", "info", project.name, cwd=home.folder, **as_alice).ok()
    assert f"Keeps track of {project.name}" in said
    told = json.loads(home.run("otumat", "info", project.name, "--json", cwd=home.folder, **as_alice).ok())
    assert told["version"] == "1.0"
    assert (
        "shows no never-heard-of" in home.run("otumat", "info", "never-heard-of", cwd=home.folder, **as_alice).failed()
    )


def test_a_stranger_may_not_register_a_release_of_somebody_elses_project(
    home: Home, index: Index, register: Callable[..., Done], new_name: NewName, tmp_path: Path
) -> None:
    project = write_project(tmp_path / "owned", "hatchling", new_name("owned"))
    register(project.folder).ok()
    charlie = {"OTUMAT_INDEX": index.url, "OTUMAT_TOKEN": index.token("charlie")}
    said = home.run("otumat", "register", "--no-isolation", cwd=project.folder, **charlie).failed()
    assert "'charlie' may not submit" in said
