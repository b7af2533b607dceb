"""A host's process, started afresh for each question: what it loads of an installed copy, and what ran."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otumat.trust import Policy, ProjectTrust, sign_wheels
from otumat.trust.signing import private

if TYPE_CHECKING:
    from collections.abc import Callable

AT = "2026-01-31T12:00:00Z"
OUR_SOURCE = next(str(parent / "src") for parent in Path(__file__).parents if (parent / "src" / "otumat").is_dir())
FILES: dict[str, bytes] = {
    "plugin1/__init__.py": b"x = 1\n",
    "plugin1/core.py": b"def f():\n    return 2\n",
    "plugin1/late.py": b"from plugin1 import sub\nvalue = sub.y\n",
    "plugin1/data.json": b'{"a": 1}\n',
    "plugin1/texts/words.txt": b"w\n",
    "plugin1/sub/__init__.py": b"y = 3\n",
    "ns/one/__init__.py": b"z = 4\n",
    "solo.py": b"s = 5\n",
}
HOST = """
import json, sys, warnings
warnings.simplefilter("ignore")
from otumat.trust import load_entry_points
{before}
group = "base.plugins"
result = load_entry_points(group, {policy!r}, at={at!r}, mode={mode!r})
{after}
told = result.to_dict()
told["values"] = {{each.name: each.object() for each in result}}
print(json.dumps(told))
"""


class Host:
    """One copy of a virtual environment with the signed plugin; `load()` is a fresh process of a host there."""

    def __init__(self, root: Path, policy: Policy) -> None:
        self.root, self.policy = root, root / "policy.json"
        self.policy.write_bytes(policy.to_bytes())
        self.site = next(root.glob("lib/python3.*/site-packages"))
        self.package, self.info = self.site / "plugin1", self.site / "plugin1-1.0.dist-info"
        self.env: dict[str, str] = {}

    def trust(self, policy: Policy) -> None:
        self.policy.write_bytes(policy.to_bytes())

    def run(self, code: str, *, path: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run code in a fresh Python whose path is: ours, the given folders, the copy."""
        entries = [OUR_SOURCE, *map(str, path), str(self.site)]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.root), "PYTHONPATH": os.pathsep.join(entries), **self.env}
        line = [sys.executable, "-S", "-c", code]
        return subprocess.run(line, env=env, cwd=self.root, capture_output=True, text=True, check=False, timeout=60)

    def load(
        self, *, before: str = "", after: str = "", mode: str | None = None, path: tuple[Path, ...] = ()
    ) -> dict[str, Any]:
        """What a host sees that loads the group; `before` and `after` are lines of its own."""
        code = HOST.format(before=before, after=after, policy=str(self.policy), at=AT, mode=mode)
        done = self.run(code, path=path)
        assert done.returncode == 0, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert "EVIL CODE RAN" not in done.stdout + done.stderr, done.stdout + done.stderr
        return told


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, wheel: Callable[..., Path], keys: Any) -> Path:
    """Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("enforced")
    path = wheel(folder / "dist", FILES)
    sign_wheels([path], [private.read_file(keys("rsa2048").private)])
    site = folder / "env" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    line = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", site, path]
    subprocess.run([*map(str, line)], check=True, capture_output=True)
    return folder / "env"


@pytest.fixture
def host(original: Path, policy: Policy, tmp_path: Path) -> Host:
    shutil.copytree(original, tmp_path / "env", symlinks=True)
    return Host(tmp_path / "env", policy)


@pytest.fixture
def add(host: Host, wheel: Callable[..., Path], keys: Any, record_of: Any, tmp_path: Path) -> Callable[..., Path]:
    """`add("plugin2", {files}, key="ed25519")` puts another plugin beside the first, and trusts its key for it."""

    def put(
        name: str, files: dict[str, bytes], *, key: str = "ed25519", site: Path | None = None, points: bytes = b""
    ) -> Path:
        path = wheel(tmp_path / f"dist-{name}", files, name=name, **({"points": points} if points else {}))
        if key:
            sign_wheels([path], [private.read_file(keys(key).private)])
            known = Policy.from_bytes(host.policy.read_bytes())
            host.trust(Policy({**known.projects, name: ProjectTrust([record_of(key)])}))
        zipfile.ZipFile(path).extractall(site or host.site)
        return path

    return put
