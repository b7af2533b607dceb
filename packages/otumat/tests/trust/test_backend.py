"""The backend that signs, around every backend in use, by real builds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from otumat.trust import Policy, ProjectTrust, verify_wheel

AT = "2026-01-31T12:00:00Z"
PROJECT = '[project]\nname = "plugin1"\nversion = "1.0"\ndescription = "A plugin"\n'
BACKENDS = {
    "setuptools": ("setuptools.build_meta", "setuptools", PROJECT + '[tool.setuptools]\npackages = ["plugin1"]\n'),
    "hatchling": ("hatchling.build", "hatchling", PROJECT),
    "flit": ("flit_core.buildapi", "flit_core", PROJECT),
    "poetry-core": ("poetry.core.masonry.api", "poetry.core", PROJECT),
    "uv_build": ("uv_build", "uv_build", PROJECT + '[tool.uv.build-backend]\nmodule-root = ""\n'),
    "pdm": ("pdm.backend", "pdm.backend", PROJECT),
    "maturin": ("maturin", "maturin", PROJECT + '[tool.maturin]\nbindings = "bin"\n'),
}


@pytest.fixture
def project(tmp_path: Path, keys: Any) -> Any:
    def make(name: str, *, more: str = "") -> Path:
        backend, package, text = BACKENDS[name]
        try:
            missing = find_spec(package) is None
        except ModuleNotFoundError:
            missing = True
        if missing or (name == "maturin" and not shutil.which("cargo")):
            pytest.skip(f"{name} is not installed here")
        folder = tmp_path / "project"
        (folder / "plugin1").mkdir(parents=True)
        (folder / "plugin1" / "__init__.py").write_bytes(b"x = 1\n")
        (folder / "pyproject.toml").write_text(
            f'[build-system]\nrequires = []\nbuild-backend = "otumat.trust.backend"\n{text}'
            f'[tool.otumat]\nbackend = "{backend}"\n{more}'
        )
        if name == "maturin":
            (folder / "Cargo.toml").write_text('[package]\nname = "plugin1"\nversion = "1.0.0"\nedition = "2021"\n')
            (folder / "src").mkdir()
            (folder / "src" / "main.rs").write_text("fn main() {}\n")
        return folder

    return make


def build(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", *words]
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ["PATH"]]
    )  # uv_build looks for its program there
    env = {**os.environ, "PATH": path, "PYTHONWARNINGS": "ignore", **environ}
    return subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("name", BACKENDS)
def test_what_any_backend_builds_is_signed(name: str, project: Any, keys: Any, record_of: Any) -> None:
    folder = project(name)
    done = build(folder, "--wheel", OTUMAT_SIGNING_ADDRESS=str(keys("rsa2048").private))
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("dist/*.whl")
    policy = Policy({"plugin1": ProjectTrust([record_of("rsa2048")])})
    with path.open("rb") as file:
        verdict = verify_wheel(file, path.name, policy, at=AT)
    assert verdict.state == "trusted", verdict.to_dict()


def test_an_sdist_is_the_other_backend_s_own_and_its_wheel_is_signed(project: Any, keys: Any) -> None:
    folder = project("hatchling", more=f'key = "{keys("ed25519").private}"\nsequence = 4\n')
    done = build(folder)  # the sdist, and the wheel from it
    assert done.returncode == 0, done.stdout + done.stderr
    assert len([*folder.glob("dist/*")]) == 2
    policy = Policy({"plugin1": ProjectTrust()})
    (path,) = folder.glob("dist/*.whl")
    with path.open("rb") as file:
        verdict = verify_wheel(file, path.name, policy, at=AT)
    assert (verdict.state, verdict.sequence) == ("untrusted-key", 4)


def test_without_a_key_nothing_is_built_unless_that_is_allowed(project: Any) -> None:
    folder = project("hatchling")
    done = build(folder, "--wheel")
    assert done.returncode != 0
    assert "There is no key to sign the wheel with" in done.stdout + done.stderr
    assert not [*folder.glob("dist/*.whl")]
    with (folder / "pyproject.toml").open("a") as file:
        file.write('unsigned = "allow"\n')
    done = build(folder, "--wheel")
    assert done.returncode == 0
    assert "is not signed: no key is set" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "table", ["", 'backend = "otumat.trust.backend"', "backend = 3", 'backend = "hatchling.build"\nkeys = "x"']
)
def test_a_table_that_cannot_be_meant_is_told(table: str, project: Any) -> None:
    folder = project("hatchling")
    text = (folder / "pyproject.toml").read_text().partition("[tool.otumat]")[0]
    (folder / "pyproject.toml").write_text(f"{text}[tool.otumat]\n{table}\n")
    done = build(folder, "--wheel", OTUMAT_SIGNING_ADDRESS="env:")
    assert done.returncode != 0
    assert "[tool.otumat] in pyproject.toml cannot be used" in done.stdout + done.stderr
