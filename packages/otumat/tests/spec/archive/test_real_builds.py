"""What real build backends write passes without a problem: wheel and sdist of each backend, built here and now."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otumat.spec.archive import inspect, missing_license_files

PYPROJECT = """
[build-system]
requires = []
build-backend = "{backend}"

[project]
name = "Demo.Package"
version = "1.0.0"
description = "A demo"
license = "MIT"
license-files = ["LICENSE", "third/NOTICE"]

[project.scripts]
demo = "demo_package:main"
"""
SETTINGS = {
    "flit_core.buildapi": '[tool.flit.module]\nname = "demo_package"\n',
    "setuptools.build_meta": (
        '[tool.setuptools]\npackages = ["demo_package"]\n[tool.setuptools.package-data]\n"*" = ["data/*"]\n'
    ),
    "hatchling.build": '[tool.hatch.build.targets.wheel]\npackages = ["demo_package"]\n',
    "uv_build": '[tool.uv.build-backend]\nmodule-root = ""\nmodule-name = "demo_package"\n',
    "pdm.backend": "",
    "poetry.core.masonry.api": '[tool.poetry]\npackages = [{include = "demo_package"}]\n',
}
CALL = "import importlib, sys; getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(sys.argv[3])"


@pytest.fixture(params=sorted(SETTINGS))
def project(request, tmp_path) -> tuple[str, Path]:
    """A small project for one backend: a module, a script, two licence files and a name outside ASCII."""
    backend = request.param
    root = tmp_path / "project"
    for name, text in {
        "pyproject.toml": PYPROJECT.format(backend=backend) + SETTINGS[backend],
        "LICENSE": "MIT",
        "third/NOTICE": "notice",
        "demo_package/__init__.py": '"""A demo."""\n\n\ndef main():\n    print("hi")\n',
        "demo_package/data/grün.txt": "grün",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return backend, root


@pytest.mark.parametrize("hook", ["build_wheel", "build_sdist"])
def test_what_a_backend_builds_has_no_problems(project, hook):
    backend, root = project
    (root / "out").mkdir()
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # uv_build calls a program
    environ = os.environ | {"PATH": path}
    subprocess.run([sys.executable, "-c", CALL, backend, hook, "out"], cwd=root, check=True, env=environ)
    (built,) = (root / "out").iterdir()
    with built.open("rb") as file:
        inspection = inspect(file, built.name)
    assert inspection.problems == ()
    assert b"Name: Demo.Package" in inspection.metadata
    assert missing_license_files(inspection, ["LICENSE", "third/NOTICE"]) == []
    assert any(path.endswith("grün.txt") for path in inspection.paths)
    if hook == "build_wheel":
        assert b"Wheel-Version" in inspection.wheel_metadata
        assert b"demo_package:main" in inspection.entry_points
        assert inspection.license_files == ("LICENSE", "third/NOTICE")
