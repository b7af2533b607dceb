"""K30: which release a use is told of, whatever a package is called where it is imported and where it is installed."""

from __future__ import annotations

import importlib
import subprocess
from typing import TYPE_CHECKING

import pytest

from otumat.spec.consent import LOCAL
from otumat.usage import changing, manifests, outbox, places
from otumat.usage.releases import release_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

USE = """
import sys
name, place = sys.argv[1:]
sys.path.insert(0, place)
import hostpkg
from otumat.usage import UsageAgent
UsageAgent(package_name=name, enrolment="manual").log("import")
"""


@pytest.fixture
def installed(package: Path) -> Path:
    """The folder `hostpkg`, installed as the project `hostpkg2`, as `yaml` is by `pyyaml`; it has no `__version__`."""
    (package / "__init__.py").write_text("")
    manifest = package / "otumat-usage.toml"
    manifest.write_text(manifest.read_text().replace('"hostpkg"', '"hostpkg2"'))
    put(package, "hostpkg2", "1.5")
    return package


def put(package: Path, project: str, release: str) -> None:
    """What an installer writes beside the package."""
    inside = package.parent / f"{project}-{release}.dist-info"
    inside.mkdir()
    (inside / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project}\nVersion: {release}\n")
    (inside / "RECORD").write_text("hostpkg/__init__.py,,\nhostpkg/otumat-usage.toml,,\n")


@pytest.mark.parametrize("name", ["hostpkg", "hostpkg2"], ids=["of the import", "of the project"])
def test_K30_a_use_tells_the_release_by_either_name(installed: Path, run_program: Run, name: str) -> None:
    folder = places.folder(name)
    changing.turn(folder, LOCAL, package=name, found=manifests.find(name), source="test")
    done = run_program(USE, name, str(installed.parent))
    assert (done.returncode, done.stderr) == (0, "")
    assert [(use.name, use.where.release) for use in outbox.unsent(folder)] == [("import", "1.5")]


def test_K30_the_project_of_the_manifest_is_it_though_another_has_the_name_of_the_folder(installed: Path) -> None:
    put(installed, "hostpkg", "9.9")
    importlib.import_module("hostpkg")
    assert release_of("hostpkg", project="hostpkg2") == "1.5"
    assert release_of("hostpkg") == "9.9"


def test_K30_a_project_that_is_run_where_it_is_written_tells_its_version(package: Path) -> None:
    importlib.import_module("hostpkg")
    manifest = package / "otumat-usage.toml"
    assert release_of("hostpkg2", project="hostpkg2", manifest=manifest) == "1.2"
    assert release_of("hostpkg2", project="hostpkg2") == ""


@pytest.mark.parametrize("version", ["raise OSError(name)", "return 7", "return '1 2'", "return ''"])
def test_K30_whatever_a_module_does_when_it_is_asked_is_no_trouble(package: Path, version: str) -> None:
    (package / "__init__.py").write_text(f"def __getattr__(name):\n    {version}\n")
    importlib.import_module("hostpkg")
    assert release_of("hostpkg", manifest=object()) == ""
