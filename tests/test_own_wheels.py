"""Our own distributions, built here, published to an index of ours, and installed from it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from harness.clients import Home
from harness.server import Index

pytestmark = pytest.mark.clients

PACKAGES = Path(__file__).parents[1] / "packages"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Wheel and sdist of the client and of the index."""
    folder = tmp_path_factory.mktemp("built")
    for name in ("otumat", "otumat-index"):
        built = Home(folder).python(
            "-m", "build", "--no-isolation", "--wheel", "--sdist", "--outdir", folder, PACKAGES / name
        )
        built.ok()
    return sorted(path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))


def test_the_client_installs_from_an_index_of_ours_and_needs_nothing_else(
    built: list[Path], index: Index, home: Home, token: str
) -> None:
    assert len(built) == 4
    home.run("twine", "check", "--strict", *built).ok()
    line = ["twine", "upload", "--non-interactive", "--repository-url", index.legacy, "-u", "__token__", "-p", token]
    home.run(*line, *built).ok()
    python = home.new_venv()
    line = ["uv", "pip", "install", "--prerelease", "allow", "--index-url", index.simple, "--python", str(python)]
    home.run(*line, "otumat").ok()
    otumat = python.parent / "otumat"
    assert home.run("uv", "pip", "list", "--python", python).ok().count("\notumat ") == 1
    assert home.run(otumat, "--version").ok().startswith("otumat 1.")
    assert "otumat[publish]" in home.run(otumat, "info", "otumat-index", "--index", index.url, "--json").ok()
    project = home.folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
    asked = home.run(otumat, "register", project, "--index", index.url, OTUMAT_TOKEN=token)
    assert asked.code == 2
    assert "pip install 'otumat[publish]'" in asked.output


def test_the_wheel_of_the_index_has_everything_it_serves(built: list[Path]) -> None:
    """Templates, styles and migrations are no Python modules, and easily left out."""
    (wheel,) = (path for path in built if path.name.startswith("otumat_index-") and path.suffix == ".whl")
    source = PACKAGES / "otumat-index" / "src"
    here = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    wanted = {path for path in here if "__pycache__" not in path and not path.endswith((".pyc", ".pyo"))}
    with zipfile.ZipFile(wheel) as archive:
        assert wanted - set(archive.namelist()) == set()
