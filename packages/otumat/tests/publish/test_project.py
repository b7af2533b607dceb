from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from otumat.errors import Invalid, NotFound, OtumatError
from otumat.publish.project import read_metadata
from otumat.spec import metadata as core_metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROJECT = """
[project]
name = "roundup"
version = "1.0"
description = "Issue tracking"
classifiers = ["Topic :: Office/Business"]
"""

BACKENDS = {
    "setuptools": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n' + PROJECT,
    "hatchling": '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n' + PROJECT,
    "flit": '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n' + PROJECT,
    "poetry": '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n' + PROJECT,
    "pdm": '[build-system]\nrequires = ["pdm-backend"]\nbuild-backend = "pdm.backend"\n' + PROJECT,
    "uv": '[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n' + PROJECT,
    "none-named": PROJECT,
}

IN_TREE = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""

ONLY_BUILDS_WHEELS = """
import pathlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "roundup-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.writestr("roundup-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: roundup\\nVersion: 1.0\\n"
                       "Summary: Issue tracking\\nClassifier: Topic :: Office/Business\\n")
    return name
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    package = folder / "src" / "roundup"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    return folder


def check_is_roundup(data: bytes) -> None:
    metadata, problems = core_metadata.from_bytes(data)
    assert problems == []
    assert (metadata.name, metadata.version, metadata.summary) == ("roundup", "1.0", "Issue tracking")
    assert metadata.classifiers == ("Topic :: Office/Business",)


@pytest.mark.parametrize("pyproject", [pytest.param(text, id=name) for name, text in BACKENDS.items()])
def test_D38_every_build_back_end_tells_its_metadata(project: Path, pyproject: str) -> None:
    (project / "pyproject.toml").write_text(pyproject)
    check_is_roundup(read_metadata(project, isolated=False))


def test_a_back_end_that_only_builds_wheels_is_asked_for_one(project: Path) -> None:
    (project / "pyproject.toml").write_text(IN_TREE)
    (project / "backend.py").write_text(ONLY_BUILDS_WHEELS)
    check_is_roundup(read_metadata(project, isolated=False))


@pytest.mark.parametrize("isolated", [True, False])
def test_a_build_never_sees_the_credentials(project: Path, monkeypatch: pytest.MonkeyPatch, isolated: bool) -> None:
    for name in ("OTUMAT_TOKEN", "OTUMAT_PASSWORD", "OTUMAT_INDEX", "TWINE_PASSWORD"):
        monkeypatch.setenv(name, "secret")
    (project / "pyproject.toml").write_text(IN_TREE)
    (project / "backend.py").write_text("import os; assert 'secret' not in os.environ.values()" + ONLY_BUILDS_WHEELS)
    check_is_roundup(read_metadata(project, isolated=isolated))


def test_isolation_builds_in_an_environment_of_its_own(project: Path) -> None:
    told: list[str] = []
    (project / "pyproject.toml").write_text(IN_TREE)
    (project / "backend.py").write_text("import sys; assert sys.prefix != " + repr(sys.prefix) + ONLY_BUILDS_WHEELS)
    check_is_roundup(read_metadata(project, tell=told.append))
    assert "isolated" in told[0]


def test_discriminators_count_in_isolation_too(project: Path, wheelhouse: Path) -> None:
    (project / "setup.py").write_text(
        "from setuptools import setup\n"
        "setup(name='roundup', version='1.0', description='Issue tracking',\n"
        "      discriminators=['Topic :: Office/Business'])\n"
    )
    check_is_roundup(read_metadata(project))


@pytest.fixture
def wheelhouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a wheel of the installed setuptools, the only place that an isolated build may install from."""
    import importlib.metadata
    import zipfile

    installed = importlib.metadata.distribution("setuptools")
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel = folder / f"setuptools-{installed.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in installed.files or []:
            path = installed.locate_file(file)
            if ".." not in file.parts and "__pycache__" not in file.parts and os.path.isfile(str(path)):
                archive.write(str(path), file.as_posix())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def test_what_cannot_be_installed_for_building_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    (project / "pyproject.toml").write_text('[build-system]\nrequires = ["no-such-thing-1"]\nbuild-backend = "x"\n')
    with pytest.raises(OtumatError, match="no-such-thing-1") as caught:
        read_metadata(project)
    assert caught.value.code == "build.requirements"
    assert "--no-isolation" in caught.value.hint


def test_without_isolation_missing_requirements_are_named(project: Path) -> None:
    (project / "pyproject.toml").write_text('[build-system]\nrequires = ["no-such-thing-1"]\nbuild-backend = "x"\n')
    with pytest.raises(OtumatError, match=r"must be installed to build .*: no-such-thing-1"):
        read_metadata(project, isolated=False)


def test_a_failing_build_shows_what_the_back_end_said(project: Path) -> None:
    (project / "setup.py").write_text("raise SystemExit('this project is cursed')\n")
    with pytest.raises(OtumatError, match="this project is cursed") as caught:
        read_metadata(project, isolated=False)
    assert caught.value.code == "build.failed"


def test_a_classifier_that_the_back_end_refuses_gets_the_same_advice(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n[project]\nname = "roundup"\n'
        'version = "1.0"\nclassifiers = ["Environment :: Console (Text Based)"]\n'
    )
    with pytest.raises(OtumatError, match="Unknown classifier") as caught:
        read_metadata(project, isolated=False)
    assert caught.value.hint.startswith("Did you mean 'Environment :: Console'")
    assert "Traceback" not in caught.value.message


@pytest.mark.parametrize("pyproject", ["not toml at all", "[build-system]\nrequires = 1\n"])
def test_a_broken_pyproject_is_told(project: Path, pyproject: str) -> None:
    (project / "pyproject.toml").write_text(pyproject)
    with pytest.raises(OtumatError, match=r"cannot be built: .*pyproject\.toml"):
        read_metadata(project, isolated=False)


@pytest.mark.parametrize(
    ("files", "message"), [([], "no Python project"), (["setup.cfg"], "neither pyproject.toml nor")]
)
def test_a_folder_without_a_project_is_told(tmp_path: Path, files: list[str], message: str) -> None:
    for file in files:
        (tmp_path / file).write_text("")
    with pytest.raises(OtumatError, match=message):
        read_metadata(tmp_path)


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no"):
        read_metadata(tmp_path / "absent")


def test_a_built_file_is_read_without_building(
    make_wheel: Callable[..., Path], make_sdist: Callable[..., Path]
) -> None:
    for path in (make_wheel("demo", "2.0"), make_sdist("demo", "2.0")):
        metadata, _ = core_metadata.from_bytes(read_metadata(path))
        assert (metadata.name, metadata.version) == ("demo", "2.0")


def test_a_built_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "roundup-1.0-py3-none-any.whl"
    path.write_bytes(b"no zip")
    with pytest.raises(Invalid):
        read_metadata(path)


def test_a_metadata_file_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "PKG-INFO").write_text("Name: roundup\n")
    assert read_metadata(tmp_path / "PKG-INFO") == b"Name: roundup\n"


def test_build_is_not_imported_for_a_built_file(make_wheel: Callable[..., Path]) -> None:
    code = (
        "import sys, pathlib, otumat.publish.project as project;"
        "project.read_metadata(pathlib.Path(sys.argv[1])); print('build' in sys.modules)"
    )
    line = [sys.executable, "-c", code, str(make_wheel())]
    assert subprocess.run(line, capture_output=True, text=True, check=True, timeout=60).stdout == "False\n"
