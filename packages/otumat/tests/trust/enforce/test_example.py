"""The example of the guide, from making a key to the host's last line, as a reader would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from otumat.trust import Enforcement, Policy

ROOT = next(parent for parent in Path(__file__).parents if (parent / "docs" / "guide").is_dir())
EXAMPLE = ROOT / "docs" / "examples" / "plugins"
GUIDE = ROOT / "docs" / "guide" / "plugins.md"
SOURCE = ROOT / "packages" / "otumat" / "src"


@pytest.mark.skipif(
    find_spec("hatchling") is None or find_spec("pip") is None, reason="it builds with hatchling and pip"
)
def test_the_example_loads_the_good_plugin_and_names_the_tampered_one(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(SOURCE), "PIP_NO_INDEX": "1",
           "PIP_DISABLE_PIP_VERSION_CHECK": "1"}  # fmt: skip
    line = [sys.executable, EXAMPLE / "demo.py", tmp_path / "demo", "--no-build-isolation"]
    done = subprocess.run([*map(str, line)], env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    promised = re.findall(r"```\n(good: .*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)[0]
    assert done.stdout.endswith(promised), done.stdout
    assert "Hand over" not in done.stdout


def test_the_guide_s_policy_is_one_that_can_be_read() -> None:
    (told,) = re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    policy = Policy.from_bytes(told.encode())
    assert isinstance(policy.enforcement, Enforcement)
    assert policy.enforcement.mode_of("acme.plugins") == "enforce"
    assert policy.for_group("acme.plugins").of("acme-core").threshold == 2
    assert Policy.from_bytes(policy.to_bytes()).to_bytes() == policy.to_bytes()
