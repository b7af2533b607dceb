from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import otumat

SRC = Path(otumat.__file__).parents[1]

LOADED = """
import sys
before = set(sys.modules)
import otumat
print(*sorted(set(sys.modules) - before))
"""

FORBIDDEN = {"ssl", "urllib.request", "asyncio", "importlib.metadata", "uuid", "logging", "subprocess"}


def run_python(python: str, code: str) -> str:
    # -S: without site, no other package's start-up code is in the way; -I would also hide PYTHONPATH.
    line = [python, "-S", "-W", "error", "-c", code]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(line, env=environ, capture_output=True, text=True, check=True, timeout=60).stdout


def interpreters() -> list[object]:
    return [pytest.param(sys.executable, id="this"), *map(_other, ("3.12", "3.13", "3.14"))]


def _other(version: str) -> object:
    """An interpreter on PATH, or one that pyenv keeps."""
    kept = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser().glob(f"versions/{version}*/bin/python")
    found = [path for path in (shutil.which(f"python{version}"), *map(str, sorted(kept))) if path and _runs(path)]
    missing = pytest.mark.skipif(not found, reason=f"no python{version} on PATH")
    return pytest.param(found[0] if found else "", id=f"python{version}", marks=missing)


def _runs(path: str) -> bool:
    return subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("python", interpreters())
def test_importing_brings_in_nothing_but_the_front_door(python: str) -> None:
    loaded = set(run_python(python, LOADED).split())
    assert "otumat" in loaded
    assert not loaded & FORBIDDEN
    assert loaded <= {"otumat", "__future__"}


@pytest.mark.parametrize("python", interpreters())
def test_the_command_runs_without_any_other_package(python: str) -> None:
    shown = run_python(python, "from otumat.cli import main; main(['--version'])")
    assert shown == f"otumat {otumat.__version__}\n"


def test_settings_and_transport_load_no_network_code() -> None:
    code = LOADED.replace("import otumat", "import otumat.settings, otumat.transport")
    assert not set(run_python(sys.executable, code).split()) & FORBIDDEN


def test_every_public_name_resolves() -> None:
    assert all(getattr(otumat, name) is not None for name in otumat.__all__)
    assert set(otumat.__all__) <= set(dir(otumat))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = otumat.no_such_thing


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((SRC.parent / "pyproject.toml").read_text())["project"]
    assert otumat.__version__ == project["version"]


def test_python_m_otumat_is_the_command() -> None:
    line = [sys.executable, "-m", "otumat", "-V"]
    shown = subprocess.run(line, capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown == f"otumat {otumat.__version__}\n"
