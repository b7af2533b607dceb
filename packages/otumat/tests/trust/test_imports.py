"""What a verdict imports: 2 ms of work and a process are all that it is to cost (`python -m bench trust enforce`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from otumat.trust import sign_wheels
from otumat.trust.signing import private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otumat.trust import Policy

AT = "2026-01-31T12:00:00Z"
DEAR = {"re", "json", "enum", "functools", "collections", "contextlib", "typing", "dataclasses", "inspect", "pathlib",
        "importlib.util", "importlib.metadata", "socket", "ssl", "subprocess", "logging", "email", "zipfile",
        "tempfile", "unicodedata", "shutil", "configparser", "cryptography", "packaging"}  # fmt: skip
OF_THE_COMMAND = {"re", "enum", "functools", "collections", "unicodedata"}  # argparse, and how text is shown
LIBRARY = """
from otumat.trust import Policy, verify_distribution
policy = Policy.from_bytes(open("policy.json", "rb").read())
assert verify_distribution("plugin1", policy, at=at, path=["site"])
"""
ENFORCING = """
from otumat.trust import load_entry_points
assert len(load_entry_points("base.plugins", "policy.json", at=at, path=["site"])) == 1
"""
COMMAND = """
from otumat.cli import main
assert main(["verify", "plugin1", "--policy", "policy.json", "--path", "site"]) == 0
"""


@pytest.fixture
def place(wheel: Callable[..., Path], keys: Any, policy: Policy, tmp_path: Path) -> Path:
    path = wheel(tmp_path, {"plugin1/__init__.py": b"", "plugin1/core.py": b"def f():\n    return 2\n"})
    sign_wheels([path], [private.read_file(keys("rsa2048").private)])
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "policy.json").write_bytes(policy.to_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("code", "taken"),
    [(LIBRARY, set()), (ENFORCING, set()), (COMMAND, OF_THE_COMMAND)],
    ids=["verify", "load", "command"],
)
def test_a_verdict_imports_nothing_dear(code: str, taken: set[str], place: Path) -> None:
    lines = f"import sys, os\nat = {AT!r}\nbefore = set(sys.modules)\n{code}\nnew = set(sys.modules) - before\n"
    lines += "import json\nsys.stderr.write(json.dumps(sorted(new)))\n"
    entries = os.pathsep.join([*sys.path[1:], str(place / "site")])
    env = {"PATH": os.environ["PATH"], "HOME": str(place), "PYTHONPATH": entries}
    line = [sys.executable, "-S", "-c", lines]
    done = subprocess.run(line, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    new = set(json.loads(done.stderr.splitlines()[-1]))
    assert new & DEAR <= taken
    assert len([name for name in new if name.startswith("otumat.")]) <= 50
